//! The stochastic policy: a Gaussian squashed by tanh into the unit cube.
//!
//! The network gives a mean and a logarithm of the standard deviation for each number of an action. With
//! `x = mean + std * noise` and `y = tanh(x)` the action is `y / 2 + 1 / 2`, and its log-probability that of
//! `x` less `ln((1 - y^2) / 2 + 1e-6)`, the change of variables (Haarnoja et al., "Soft actor-critic
//! algorithms and applications", arXiv 1812.05905, appendix C; the constants are SCALL's).

use super::{ACTION, Action};
use crate::math;

/// Outputs of the network: the means, then the logarithms of the standard deviations.
pub(super) const HEADS: usize = 2 * ACTION;
/// Least logarithm of a standard deviation.
pub const MIN_LOG_STD: f32 = -20.0;
/// Greatest logarithm of a standard deviation.
pub const MAX_LOG_STD: f32 = 2.0;

const SCALE: f32 = 0.5;
const BIAS: f32 = 0.5;
const CORRECTION: f32 = 1e-6;
/// `ln(2 pi) / 2`.
const HALF_LN_TAU: f32 = 0.918_938_5;
/// The least number that an action holds; the greatest is 1 less this, the last `f32` below 1.
const EDGE: f32 = 1.0 / 16_777_216.0;

/// An action drawn from the policy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) action: Action,
    pub(super) log_probability: f32,
}

fn unit(squashed: f32) -> f32 {
    (SCALE * squashed + BIAS).clamp(EDGE, 1.0 - EDGE)
}

fn split(heads: &[f32; HEADS]) -> ([f32; ACTION], [f32; ACTION]) {
    let [m0, m1, m2, s0, s1, s2] = *heads;
    ([m0, m1, m2], [s0, s1, s2])
}

/// The action at the mean.
pub(super) fn mean(heads: &[f32; HEADS]) -> Action {
    split(heads).0.map(|mean| unit(math::tanh(mean)))
}

/// The action at `noise` standard deviations from the mean.
pub(super) fn sample(heads: &[f32; HEADS], noise: &[f32; ACTION]) -> Sample {
    let (means, log_stds) = split(heads);
    let mut action = [0.0; ACTION];
    let mut log_probability = 0.0;
    for (((action, &mean), &log_std), &noise) in action.iter_mut().zip(&means).zip(&log_stds).zip(noise) {
        let log_std = log_std.clamp(MIN_LOG_STD, MAX_LOG_STD);
        let squashed = math::tanh(mean + math::exp(log_std) * noise);
        *action = unit(squashed);
        let volume = SCALE * (1.0 - squashed * squashed) + CORRECTION;
        log_probability += -0.5 * noise * noise - log_std - HALF_LN_TAU - math::ln(volume);
    }
    Sample { action, log_probability }
}

/// The derivative by the heads of `by_log_probability * log_probability + by_action . action`, along the
/// path of the same noise (the reparametrisation gradient).
pub(super) fn gradient(
    heads: &[f32; HEADS],
    noise: &[f32; ACTION],
    by_log_probability: f32,
    by_action: &[f32; ACTION],
) -> [f32; HEADS] {
    let (means, log_stds) = split(heads);
    let mut gradient = [0.0; HEADS];
    let (by_means, by_log_stds) = gradient.split_at_mut(ACTION);
    let inputs = means.iter().zip(&log_stds).zip(noise).zip(by_action);
    for ((by_mean, by_log_std), (((&mean, &log_std), &noise), &by_action)) in
        by_means.iter_mut().zip(by_log_stds).zip(inputs)
    {
        let clamped = log_std.clamp(MIN_LOG_STD, MAX_LOG_STD);
        let step = math::exp(clamped) * noise;
        let squashed = math::tanh(mean + step);
        let slope = 1.0 - squashed * squashed;
        let volume = SCALE * slope + CORRECTION;
        // d ln(volume) / dx = -2 scale y (1 - y^2) / volume, and 2 scale = 1.
        let by_x = by_log_probability * (squashed * slope / volume) + by_action * (SCALE * slope);
        *by_mean = by_x;
        *by_log_std = if log_std == clamped { by_x * step - by_log_probability } else { 0.0 };
    }
    gradient
}

/// The mean head's output whose squashed action is `action`.
pub(super) fn inverse(action: f32) -> f32 {
    0.5 * (math::ln(action) - math::ln(1.0 - action))
}

#[cfg(test)]
mod tests {
    use super::super::tests::model::squash;
    use super::*;
    use crate::testing::config;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// Integrates the density of an action over the unit cube, one number of it at a time.
    #[test]
    #[cfg_attr(miri, ignore)]
    fn the_density_integrates_to_one() {
        for (mean, log_std) in [(0.0, 0.0), (0.8, -1.0), (-1.5, -0.5), (0.3, 0.7)] {
            let heads = [mean, 0.0, 0.0, log_std, 0.0, 0.0];
            let others = sample(&[0.0; HEADS], &[0.0; 3]).log_probability * 2.0 / 3.0;
            let (mut integral, steps) = (0.0_f64, 20_000);
            for i in 0..steps {
                let action = (i as f32 + 0.5) / steps as f32;
                let noise = (inverse(action) - mean) / math::exp(log_std);
                let sample = sample(&heads, &[noise, 0.0, 0.0]);
                assert!((sample.action[0] - action).abs() < 1e-5);
                integral += math::exp_f64(f64::from(sample.log_probability - others)) / f64::from(steps);
            }
            // The constant of the correction takes a little away at the edges.
            assert!((integral - 1.0).abs() < 3e-3, "{mean} {log_std}: {integral}");
        }
    }

    #[test]
    fn actions_stay_inside_the_open_interval() {
        for extreme in [-1e6, -30.0, 30.0, 1e6] {
            let heads = [extreme, -extreme, 0.0, 2.0, 2.0, -30.0];
            for action in [mean(&heads), sample(&heads, &[3.0, -3.0, 1.0]).action] {
                assert!(action.iter().all(|&a| a > 0.0 && a < 1.0), "{action:?}");
            }
            assert!(sample(&heads, &[3.0, -3.0, 1.0]).log_probability.is_finite());
        }
        assert_eq!(mean(&[0.0; HEADS]), [0.5; 3]);
    }

    proptest! {
        #![proptest_config(config(256))]

        // Where tanh is not yet so near to 1 that single precision loses the difference.
        #[test]
        fn gradients_are_slopes(
            heads in proptest::array::uniform6(-1.0_f32..1.0),
            noise in proptest::array::uniform3(-1.0_f32..1.0),
            by_log_probability in -1.0_f32..1.0,
            by_action in proptest::array::uniform3(-1.0_f32..1.0),
        ) {
            let wide = |values: &[f32]| values.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            let (wide_noise, prices) = (wide(&noise), wide(&by_action));
            let loss = |heads: &[f64]| {
                let (action, log_probability) = squash(heads, &wide_noise);
                let action: f64 = action.iter().zip(&prices).map(|(a, b)| a * b).sum();
                f64::from(by_log_probability) * log_probability + action
            };
            let gradient = gradient(&heads, &noise, by_log_probability, &by_action);
            for (index, slope) in gradient.into_iter().enumerate() {
                let (mut above, mut below) = (wide(&heads), wide(&heads));
                above[index] += 1e-5;
                below[index] -= 1e-5;
                let expected = (loss(&above) - loss(&below)) / 2e-5;
                let error = (f64::from(slope) - expected).abs();
                prop_assert!(error < 2e-3 * (1.0 + expected.abs()), "{index}: {slope} {expected}");
            }
        }
    }

    proptest! {
        #![proptest_config(config(256))]

        #[test]
        fn samples_follow_the_definition(
            heads in proptest::array::uniform6(-1.0_f32..1.0),
            noise in proptest::array::uniform3(-1.0_f32..1.0),
        ) {
            let wide = |values: &[f32]| values.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            let (action, log_probability) = squash(&wide(&heads), &wide(&noise));
            let sample = sample(&heads, &noise);
            for (number, expected) in sample.action.into_iter().zip(action) {
                prop_assert!((f64::from(number) - expected).abs() < 1e-6);
            }
            prop_assert!((f64::from(sample.log_probability) - log_probability).abs() < 1e-3);
        }
    }

    #[test]
    fn a_clamped_spread_has_no_gradient() {
        let gradient = gradient(&[0.1, 0.2, 0.3, 2.5, -25.0, 1.0], &[0.5; 3], 1.0, &[1.0; 3]);
        assert_eq!(gradient[3..5], [0.0; 2]);
        assert_ne!(gradient[5], 0.0);
    }
}
