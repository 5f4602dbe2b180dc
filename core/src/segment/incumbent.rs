//! Which action is in force: the present one stays until another is clearly better.

use serde::{Deserialize, Serialize};

/// Evidence on one action: its gains over the one in force.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    count: u32,
    mean: f32,
    /// Sum of squared distances from the mean.
    spread: f32,
}

impl Evidence {
    /// Takes in one gain (Welford's running mean and spread).
    pub fn add(&mut self, gain: f32) {
        self.count += 1;
        let distance = gain - self.mean;
        self.mean += distance / self.count as f32;
        self.spread += distance * (gain - self.mean);
    }

    /// How many gains there were.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Their mean, 0 without any.
    pub const fn mean(&self) -> f32 {
        self.mean
    }

    /// Square of the standard error of the mean; infinite for fewer than two gains.
    pub fn error_squared(&self) -> f32 {
        if self.count < 2 {
            return f32::INFINITY;
        }
        self.spread / ((self.count - 1) * self.count) as f32
    }
}

/// When another action replaces the present one.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Margin {
    /// The least mean gain, relative: 0.02 is two percent.
    pub gain: f32,
    /// The least mean gain in standard errors.
    pub errors: f32,
    /// The fewest gains to judge by.
    pub count: u32,
}

/// The action in force and its challenger, as positions of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incumbent {
    present: [f32; 3],
    challenger: Option<([f32; 3], Evidence)>,
}

impl Incumbent {
    /// An action in force that nothing challenges.
    pub const fn new(present: [f32; 3]) -> Self {
        Self { present, challenger: None }
    }

    /// The action in force.
    pub const fn present(&self) -> [f32; 3] {
        self.present
    }

    /// The action that has done best against it so far.
    pub fn challenger(&self) -> Option<[f32; 3]> {
        self.challenger.map(|(positions, _)| positions)
    }

    /// Takes in the gains of a candidate over the present action. The candidate becomes the challenger if its
    /// mean gain is above that of the present challenger; the challenger itself gathers evidence.
    pub fn observe(&mut self, positions: [f32; 3], gains: &[f32]) {
        match &mut self.challenger {
            Some((held, evidence)) if *held == positions => {
                for &gain in gains {
                    evidence.add(gain);
                }
            }
            held => {
                let mut evidence = Evidence::default();
                for &gain in gains {
                    evidence.add(gain);
                }
                let best = held.as_ref().map_or(0.0, |(_, evidence)| evidence.mean().max(0.0));
                if evidence.mean() > best {
                    *held = Some((positions, evidence));
                }
            }
        }
    }

    /// Puts the challenger in force if it is past the margin; returns whether it is.
    pub fn conclude(&mut self, margin: &Margin) -> bool {
        let Some((positions, evidence)) = self.challenger else { return false };
        let mean = evidence.mean();
        let proven = evidence.count() >= margin.count
            && mean >= margin.gain
            && mean * mean >= margin.errors * margin.errors * evidence.error_squared();
        if proven {
            *self = Self::new(positions);
        } else if mean <= 0.0 {
            self.challenger = None;
        }
        proven
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARGIN: Margin = Margin { gain: 0.02, errors: 2.0, count: 4 };

    #[test]
    fn evidence_has_the_mean_and_error_of_its_gains() {
        let mut evidence = Evidence::default();
        for gain in [1.0, 2.0, 4.0, 5.0] {
            evidence.add(gain);
        }
        // Sample variance 10/3, over 4.
        assert_eq!(evidence.mean(), 3.0);
        assert!((evidence.error_squared() - 10.0 / 12.0).abs() < 1e-6);
    }

    #[test]
    fn a_challenger_must_prove_itself() {
        let mut incumbent = Incumbent::new([0.5; 3]);
        incumbent.observe([0.1; 3], &[0.05, 0.06]);
        assert!(!incumbent.conclude(&MARGIN), "too few gains");
        assert_eq!(incumbent.challenger(), Some([0.1; 3]));
        incumbent.observe([0.1; 3], &[0.05, 0.04]);
        assert!(incumbent.conclude(&MARGIN));
        assert_eq!(incumbent.present(), [0.1; 3]);
        assert_eq!(incumbent.challenger(), None);
    }

    #[test]
    fn noise_does_not_replace_the_present_action() {
        let mut incumbent = Incumbent::new([0.5; 3]);
        incumbent.observe([0.1; 3], &[0.5, -0.4, 0.5, -0.4]);
        assert!(!incumbent.conclude(&MARGIN));
        incumbent.observe([0.1; 3], &[-0.5, -0.5]);
        assert!(!incumbent.conclude(&MARGIN));
        assert_eq!(incumbent.challenger(), None, "a challenger that falls behind is dropped");
        assert_eq!(incumbent.present(), [0.5; 3]);
    }

    #[test]
    fn the_better_of_two_candidates_is_the_challenger() {
        let mut incumbent = Incumbent::new([0.5; 3]);
        incumbent.observe([0.1; 3], &[0.02]);
        incumbent.observe([0.2; 3], &[0.03]);
        incumbent.observe([0.3; 3], &[0.01]);
        incumbent.observe([0.4; 3], &[-0.01]);
        assert_eq!(incumbent.challenger(), Some([0.2; 3]));
    }
}
