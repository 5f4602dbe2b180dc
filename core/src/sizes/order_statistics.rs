//! The descending order statistics of `n` independent draws, expected or drawn once, in O(n) time and
//! without sorting.

use super::curve::{Curve, fill_by_rank};
use super::distribution::Quantile;
use super::{Distribution, SizesError};
use crate::allowance::Allowance;
use crate::tables::Word;
use crate::{math, random::Generator};

/// What a weight of the power law or of Pareto's costs a slice.
const WEIGHT_COST: u32 = 2;

/// Writes the expected values of the descending order statistics of `words.len()` draws as weights, largest
/// first.
///
/// This is the limit of averaging sorted draws (Qu et al., CIKM 2024, average 100). Power law and Pareto
/// run the exact recursion of their ratios of gamma functions; the others are integrated numerically at a
/// few hundred ranks and interpolated between, within a relative 1e-5. Values below the smallest normal
/// `f32` are written as that.
///
/// # Errors
/// [`SizesError::Shape`] and [`SizesError::TooManyEntities`]; the words are untouched then.
pub fn expected_weights<W: Word>(
    distribution: Distribution,
    shape: f32,
    words: &mut [W],
) -> Result<(), SizesError> {
    let mut weighing = Weighing::START;
    weighing.go_on(distribution, shape, words, &mut Allowance::unlimited()).map(|_| ())
}

/// How far [`expected_weights`] have come that are written in slices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Weighing {
    written: usize,
    /// The next weight, and the one before as it was written.
    weight: f64,
    before: f32,
}

impl Weighing {
    pub(crate) const START: Self = Self { written: 0, weight: 0.0, before: 0.0 };

    /// Goes on, and returns whether all weights are written. Those of the power law and of Pareto's come one by one,
    /// the others all at once.
    pub(crate) fn go_on<W: Word>(
        &mut self,
        distribution: Distribution,
        shape: f32,
        words: &mut [W],
        allowance: &mut Allowance,
    ) -> Result<bool, SizesError> {
        let shape = distribution.check(shape)?;
        let n = entities(words)?;
        let exponent = 1.0 / shape;
        let starts = self.written == 0;
        let mut k = n - self.written as f64;
        match distribution {
            Distribution::PowerLaw => {
                // E[X_(k)], k-th smallest, is proportional to Gamma(k + 1/a) / Gamma(k); E[X_(n)] = n / (n + 1/a).
                if starts {
                    (self.weight, self.before) = (n / (n + exponent), f32::MAX);
                }
                while self.written < words.len() {
                    if !allowance.take(WEIGHT_COST) {
                        return Ok(false);
                    }
                    self.before = write_weight(words, self.written, self.weight as f32, self.before);
                    k -= 1.0;
                    self.weight *= k / (k + exponent);
                    self.written += 1;
                }
            }
            Distribution::Pareto => {
                // E[X] of the k-th largest is proportional to Gamma(k - 1/a) / Gamma(k); n / (n - 1/a) for k = n.
                if starts {
                    (self.weight, self.before) = (n / (n - exponent), 0.0);
                }
                while let Some(rank) = words.len().checked_sub(self.written + 1) {
                    if !allowance.take(WEIGHT_COST) {
                        return Ok(false);
                    }
                    self.before = write_ascending(words, rank, self.weight as f32, self.before);
                    k -= 1.0;
                    self.weight *= k / (k - exponent);
                    self.written += 1;
                }
            }
            // Such a shape is refused above; here it spares the code.
            _ if !distribution.is_included() => {}
            Distribution::TruncatedNormal | Distribution::TruncatedExponential | Distribution::LogNormal => {
                let quantile = Quantile::new(distribution, shape, n);
                fill_by_rank(words, |rank| expectation(n + 1.0 - rank, rank, |p, q| quantile.at(p, q)));
            }
        }
        Ok(true)
    }
}

/// Writes one random draw of the descending order statistics of `words.len()` draws as weights, largest first.
///
/// The uniform order statistics come one after the other: minus the logarithm of the `k`-th largest of `n`
/// is the sum of exponential variables over `n`, `n - 1`, ..., `n - k + 1` (Renyi's representation). Takes
/// one `u32` from `generator` per word.
///
/// # Errors
/// [`SizesError::Shape`] and [`SizesError::TooManyEntities`]; words and generator are untouched then.
pub fn draw_weights<W: Word>(
    distribution: Distribution,
    shape: f32,
    generator: &mut Generator,
    words: &mut [W],
) -> Result<(), SizesError> {
    let shape = distribution.check(shape)?;
    let mut left = entities(words)?;
    let n = left;
    let mut waited = 0.0_f64;
    // Never zero, so that the first order statistic of an unbounded distribution is finite.
    let mut wait = || {
        waited += f64::from(generator.exponential()) / left;
        left -= 1.0;
        waited
    };
    match distribution {
        Distribution::PowerLaw => {
            let exponent = -1.0 / shape;
            let mut low = f32::MAX;
            for rank in 0..words.len() {
                // Below the least exponent the weight is the smallest normal number anyway.
                let power = ((exponent * wait()) as f32).max(LEAST_EXPONENT);
                low = write_weight(words, rank, math::exp(power), low);
            }
        }
        Distribution::Pareto => {
            // One minus a uniform is uniform, so the smallest value comes first here.
            let exponent = 1.0 / shape;
            let mut high = 0.0;
            for rank in (0..words.len()).rev() {
                high = write_ascending(words, rank, math::exp((exponent * wait()) as f32), high);
            }
        }
        _ if !distribution.is_included() => {}
        Distribution::TruncatedNormal | Distribution::TruncatedExponential | Distribution::LogNormal => {
            let quantile = Quantile::new(distribution, shape, n);
            let value = |waited: f64| quantile.at(math::exp_f64(-waited), -math::exp_m1_f64(-waited));
            if words.is_empty() {
                return Ok(());
            }
            let x = wait();
            let mut curve = Curve::new(value, x);
            let mut low = write_weight(words, 0, curve.at(x) as f32, f32::MAX);
            for rank in 1..words.len() {
                low = write_weight(words, rank, curve.at(wait()) as f32, low);
            }
        }
    }
    Ok(())
}

/// The logarithm of the smallest normal `f32`, rounded down.
const LEAST_EXPONENT: f32 = -87.34;

/// Writes `weight`, kept at or below the one before, `low`, and at or above the smallest normal number, so
/// that rounding never disturbs the order and no target meets a subnormal number.
#[inline]
pub(super) fn write_weight<W: Word>(words: &mut [W], rank: usize, weight: f32, low: f32) -> f32 {
    let weight = weight.max(f32::MIN_POSITIVE).min(low);
    W::set_weight(words, rank, weight);
    weight
}

/// The same from the smallest upwards.
#[inline]
fn write_ascending<W: Word>(words: &mut [W], rank: usize, weight: f32, high: f32) -> f32 {
    let weight = weight.min(f32::MAX).max(high).max(f32::MIN_POSITIVE);
    W::set_weight(words, rank, weight);
    weight
}

/// How many entities the words are for.
fn entities<W>(words: &[W]) -> Result<f64, SizesError> {
    let limit = usize::try_from(u32::MAX).unwrap_or(usize::MAX);
    u32::try_from(words.len())
        .map(f64::from)
        .map_err(|_| SizesError::TooManyEntities { entities: words.len(), limit })
}

/// Expected `value(U, 1 - U)` for `U` of the beta distribution with parameters `a` and `b`: the `a`-th
/// smallest of `a + b - 1` uniform variables.
///
/// The trapezoidal rule in the logit of `U`, where the density falls exponentially on both sides and is
/// analytic in a strip, so that the rule converges exponentially (Trefethen and Weideman, SIAM Review
/// 2014). Dividing by the sum of the densities spares the beta function.
fn expectation(a: f64, b: f64, value: impl Fn(f64, f64) -> f64) -> f64 {
    let mode = math::ln_f64(a / b);
    let deviation = math::sqrt_f64(1.0 / a + 1.0 / b);
    // Skewed densities, with one small parameter, need the finer step.
    let step = deviation * if a.min(b) < 32.0 { 0.5 } else { 0.9 };
    let log_density = |logit: f64| a * logit - (a + b) * softplus(logit);
    let peak = log_density(mode);
    let term = |logit: f64| {
        let density = math::exp_f64(log_density(logit) - peak);
        let odds = math::exp_f64(-logit.abs());
        let (far, near) = (odds / (1.0 + odds), 1.0 / (1.0 + odds));
        let (p, q) = if logit < 0.0 { (far, near) } else { (near, far) };
        (density, density * value(p, q))
    };
    let (mut mass, mut sum) = term(mode);
    for direction in [-step, step] {
        for i in 1..NODES {
            let (density, weighted) = term(mode + f64::from(i) * direction);
            mass += density;
            sum += weighted;
            if density <= NEGLIGIBLE * mass && weighted.abs() <= NEGLIGIBLE * sum.abs() {
                break;
            }
        }
    }
    sum / mass
}

/// A bound on the nodes on each side; a few dozen suffice.
const NODES: u32 = 1000;
/// Terms this small beside the sum end it.
const NEGLIGIBLE: f64 = 1e-12;

/// `ln(1 + e^x)`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + math::ln_1p_f64(math::exp_f64(-x.abs()))
}

#[cfg(test)]
mod tests;
