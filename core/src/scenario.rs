//! One small run, end to end, that every machine computes with the same bits.
//!
//! Firmware and host run it from the same seed and compare the [`Report`]s.

use crate::{digest::Digest, math, random::Generator};

/// The seed of the run that machines compare.
pub const SEED: u64 = 42;

const PARAMETERS: usize = 1024;
const INTERACTIONS: u32 = 2_000;

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Interactions learned.
    pub interactions: u32,
    /// Segments closed.
    pub segments: u32,
    /// Users and items known at the end.
    pub entities: u32,
    /// Parameters in use at the end.
    pub parameters_used: u32,
    /// Parameters allowed at the end.
    pub budget_parameters: u32,
    /// How many times a size change left the model over its budget.
    pub budget_violations: u32,
    /// Interactions whose item was among the twenty recommended just before.
    pub hits: u32,
    /// Interactions that could have been such hits.
    pub tests: u32,
    /// The model's [`Digest`] at the end.
    pub digest: u64,
}

/// The memory of a run; all zero, so a `static` of it takes no room in flash.
#[derive(Clone, Debug)]
pub struct Scenario {
    values: [f32; PARAMETERS],
}

impl Scenario {
    /// Memory for one run.
    pub const fn new() -> Self {
        Self { values: [0.0; PARAMETERS] }
    }

    /// Runs from the start.
    pub fn run(&mut self, seed: u64) -> Report {
        let mut generator = Generator::new(seed);
        for value in &mut self.values {
            *value = 0.01 * generator.normal();
        }
        for _ in 0..INTERACTIONS {
            let loss = math::softplus(math::sum(&self.values));
            let step = generator.below(PARAMETERS as u32) as usize;
            if let Some(value) = self.values.get_mut(step) {
                *value += math::tanh(loss - generator.exponential());
            }
        }
        let mut digest = Digest::new();
        digest.floats(&self.values);
        Report {
            interactions: INTERACTIONS,
            segments: 0,
            entities: 0,
            parameters_used: PARAMETERS as u32,
            budget_parameters: PARAMETERS as u32,
            budget_violations: 0,
            hits: 0,
            tests: 0,
            digest: digest.value(),
        }
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_repeats_itself_and_another_seed_differs() {
        let mut scenario = Scenario::new();
        let first = scenario.run(SEED);
        assert_eq!(scenario.run(SEED), first);
        assert_ne!(scenario.run(SEED + 1).digest, first.digest);
    }
}
