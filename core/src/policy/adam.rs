//! Adam with weight decay, one row of weights at a time.
//!
//! Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, with the weight decay of its
//! common implementations: L2 added to the gradient ([`WeightDecay::L2`], published for SCALL), or
//! decoupled from it (Loshchilov and Hutter, ICLR 2019). The denominator is
//! `sqrt(v / (1 - beta2^t) + epsilon^2)` in place of `sqrt(v / (1 - beta2^t)) + epsilon`, which differs
//! only where the gradient itself is as small as epsilon, and needs no division; a step is exact to a part in
//! a million, and what all weights have in common is computed once.

use serde::{Deserialize, Serialize};

use crate::math;

/// Retention of the mean gradient.
pub const BETA_1: f32 = 0.9;
/// Retention of the mean squared gradient.
pub const BETA_2: f32 = 0.999;
/// Smallest denominator.
pub const EPSILON: f32 = 1e-8;

/// How weights are pulled to zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum WeightDecay {
    /// `factor * weight` is added to the gradient, before the moments.
    L2(f32),
    /// The weight is multiplied by `1 - learning_rate * factor`, beside the step.
    Decoupled(f32),
}

/// The numbers of one step, the same for all weights.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    l2: f32,
    keep: f32,
    rate: f32,
    smallest: f32,
}

/// One row of weights and its moments.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) weights: &'a mut [f32],
    pub(super) first: &'a mut [f32],
    pub(super) second: &'a mut [f32],
}

impl Step {
    /// Step number `step`, counted from 1.
    pub fn new(learning_rate: f32, decay: WeightDecay, step: u32) -> Self {
        let step = f64::from(step.max(1));
        let first = 1.0 - math::pow_f64(f64::from(BETA_1), step);
        let second = 1.0 - math::pow_f64(f64::from(BETA_2), step);
        let (l2, keep) = match decay {
            WeightDecay::L2(factor) => (factor, 1.0),
            WeightDecay::Decoupled(factor) => (0.0, 1.0 - learning_rate * factor),
        };
        // `2 * (v + smallest)` stands for `v / second + epsilon^2`, and the rate makes up for the factor.
        let rate = f64::from(learning_rate) / first * math::sqrt_f64(2.0 * second);
        let smallest = f64::from(EPSILON) * f64::from(EPSILON) * second;
        Self { l2, keep, rate: rate as f32, smallest: smallest as f32 }
    }

    #[inline(always)]
    fn number(&self, weight: &mut f32, first: &mut f32, second: &mut f32, gradient: f32) {
        let gradient = gradient + self.l2 * *weight;
        *first += (1.0 - BETA_1) * (gradient - *first);
        *second += (1.0 - BETA_2) * (gradient * gradient - *second);
        *weight =
            self.keep * *weight - self.rate * *first * math::inverse_sqrt_of_twice(*second + self.smallest);
    }

    /// Moves one number.
    pub(super) fn scalar(&self, value: &mut f32, moments: &mut [f32; 2], gradient: f32) {
        let [first, second] = moments;
        self.number(value, first, second, gradient);
    }

    /// Moves one row of weights.
    #[inline(always)]
    pub fn row(&self, weights: &mut [f32], first: &mut [f32], second: &mut [f32], gradient: &[f32]) {
        self.row_along(Row { weights, first, second }, gradient.iter().copied());
    }

    /// Moves one row of weights against a gradient that is computed on the way.
    #[inline(always)]
    pub(super) fn row_along(&self, row: Row<'_>, gradient: impl Iterator<Item = f32>) {
        let step = *self;
        for (((w, m), v), g) in row.weights.iter_mut().zip(row.first).zip(row.second).zip(gradient) {
            step.number(w, m, v, g);
        }
    }

    /// Moves one row of weights, and its target by `rate` of the distance to where they are then.
    #[inline(always)]
    pub(super) fn row_along_and_target(
        &self,
        row: Row<'_>,
        gradient: impl Iterator<Item = f32>,
        (target, rate): (&mut [f32], f32),
    ) {
        let step = *self;
        let numbers = row.weights.iter_mut().zip(row.first).zip(row.second).zip(target);
        for ((((w, m), v), t), g) in numbers.zip(gradient) {
            step.number(w, m, v, g);
            *t += rate * (*w - *t);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const L2: [f64; 4] = [0.990_000_000, 0.985_319_199, 0.978_169_034, 0.972_058_196];
    const DECOUPLED: [f64; 4] = [0.989_000_000, 0.985_347_630, 0.977_655_806, 0.971_184_613];
    const PLAIN: [f64; 4] = [0.990_000_000, 0.987_336_630, 0.980_630_153, 0.975_136_616];

    /// The published recurrences of Adam, L2 and decoupled decay, in double precision by other means.
    #[test]
    fn reference_steps() {
        let gradients = [0.5_f32, -0.25, 2.0, 0.0];
        let cases = [
            (WeightDecay::L2(0.1), L2),
            (WeightDecay::Decoupled(0.1), DECOUPLED),
            (WeightDecay::L2(0.0), PLAIN),
        ];
        for (decay, expected) in cases {
            let (mut weight, mut first, mut second) = ([1.0], [0.0], [0.0]);
            let (mut value, mut moments) = (1.0, [0.0; 2]);
            for ((step, gradient), expected) in (1..).zip(gradients).zip(expected) {
                let adam = Step::new(0.01, decay, step);
                adam.row(&mut weight, &mut first, &mut second, &[gradient]);
                adam.scalar(&mut value, &mut moments, gradient);
                assert!((f64::from(weight[0]) - expected).abs() < 1e-6, "{decay:?} {step}: {weight:?}");
                assert_eq!((value, moments), (weight[0], [first[0], second[0]]));
            }
        }
    }

    #[test]
    fn nothing_moves_without_gradient_and_decay() {
        let (mut weight, mut first, mut second) = ([0.0, 0.25], [0.0; 2], [0.0; 2]);
        Step::new(0.5, WeightDecay::L2(0.0), 1).row(&mut weight, &mut first, &mut second, &[0.0; 2]);
        assert_eq!((weight, first, second), ([0.0, 0.25], [0.0; 2], [0.0; 2]));
    }
}
