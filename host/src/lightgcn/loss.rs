//! The loss of a batch: BPR with softplus (Rendle et al., UAI 2009).

use rayon::prelude::*;
use scall_core::math;

/// Triples that one thread takes at a time.
const CHUNK: usize = 1024;

/// The mean over the batch of `softplus(-margin)`; each margin is replaced by the derivative of that mean by
/// it, from `-1 / batch` to 0.
///
/// Sums go in the order of the triples, whatever the number of threads.
pub(super) fn bpr(margins: &mut [f32]) -> f64 {
    let share = 1.0 / margins.len().max(1) as f32;
    let sums: Vec<f64> = margins
        .par_chunks_mut(CHUNK)
        .map(|margins| {
            let mut sum = 0.0;
            for margin in margins {
                sum += f64::from(math::softplus(-*margin));
                *margin = -share * math::sigmoid(-*margin);
            }
            sum
        })
        .collect();
    sums.iter().sum::<f64>() / margins.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_and_derivative_of_known_margins() {
        let mut margins = [0.0, 2.0];
        // (ln 2 + ln(1 + e^-2)) / 2; -1/4 and -1 / (2 (1 + e^2)).
        assert!((bpr(&mut margins) - 0.410_037_595_801).abs() < 1e-6);
        assert_eq!(margins[0], -0.25);
        assert!((margins[1] + 0.059_601_46).abs() < 1e-7);
    }

    #[test]
    fn nothing_is_no_loss() {
        assert_eq!(bpr(&mut []), 0.0);
    }
}
