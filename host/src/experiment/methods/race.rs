//! Candidates against the one in force, seed by seed: who falls behind is not trained again.

use anyhow::Result;
use rayon::prelude::*;

use super::trial::Trial;

/// Trials of `candidates` against the first of them. The first `whole` have a trial of every seed; any other goes
/// on only while its mean gain over the first is above zero. `once` gives a candidate's measure for a seed, and
/// whether it was over its budget.
///
/// # Errors
/// The first that `once` comes to.
pub(super) fn race<C: Sync>(
    candidates: &[C],
    whole: usize,
    seeds: &[u64],
    once: impl Fn(&C, u64) -> Result<(f64, bool)> + Sync,
) -> Result<Vec<Trial>> {
    let mut trials = vec![Trial::default(); candidates.len()];
    for &seed in seeds {
        let first = trials.first().cloned().unwrap_or_default();
        let still_in = |place: usize, trial: &Trial| {
            let gains = trial.gains_over(&first);
            place < whole || gains.is_empty() || gains.iter().sum::<f32>() > 0.0
        };
        let entrants = candidates.iter().zip(&mut trials).enumerate();
        let runs: Vec<_> = entrants.filter(|(place, (_, trial))| still_in(*place, trial)).collect();
        runs.into_par_iter().try_for_each(|(_, (candidate, trial))| {
            let (quality, over) = once(candidate, seed)?;
            trial.qualities.push(quality);
            trial.violations += u64::from(over);
            anyhow::Ok(())
        })?;
    }
    Ok(trials)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each candidate has its measure for the seeds 0, 1 and 2.
    fn trials(candidates: &[[f64; 3]], whole: usize) -> Vec<Vec<f64>> {
        let once = |measures: &[f64; 3], seed: u64| Ok((measures[seed as usize], seed == 1));
        let trials = race(candidates, whole, &[0, 1, 2], once).unwrap();
        for trial in &trials {
            assert_eq!(trial.violations, u64::from(trial.qualities.len() > 1));
        }
        trials.into_iter().map(|trial| trial.qualities).collect()
    }

    #[test]
    fn who_is_behind_is_not_trained_again() {
        let found =
            trials(&[[0.5, 0.5, 0.5], [0.4, 0.9, 0.9], [0.6, 0.3, 0.9], [0.6, 0.5, 0.1], [0.5; 3]], 1);
        assert_eq!(found, [vec![0.5, 0.5, 0.5], vec![0.4], vec![0.6, 0.3], vec![0.6, 0.5, 0.1], vec![0.5]]);
    }

    #[test]
    fn the_first_ones_have_all_seeds() {
        let found = trials(&[[0.5, 0.5, 0.5], [0.4, 0.3, 0.2], [0.4, 0.9, 0.9]], 2);
        assert_eq!(found, [vec![0.5, 0.5, 0.5], vec![0.4, 0.3, 0.2], vec![0.4]]);
    }

    #[test]
    fn a_failure_is_passed_on() {
        let error = race(&[1, 2], 1, &[7], |_, _| anyhow::bail!("no room")).unwrap_err();
        assert_eq!(error.to_string(), "no room");
    }
}
