use serde::{Deserialize, Serialize};

use super::{SizesError, normal};
use crate::math;

/// What the sizes of a side are shares of: independent draws from one of these, sorted.
///
/// Power law, Pareto and truncated normal are those of Qu et al. (CIKM 2024); truncated exponential and
/// log-normal those of Qu et al. (WSDM 2024). Each has one parameter, its *shape*.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Density `a x^(a-1)` on (0, 1); published shapes `a` in 0.1..=30, small is skewed.
    #[default]
    PowerLaw,
    /// Density `a x^(-a-1)` from 1 upwards; published shapes `a` in 30..=100, small is skewed. Its mean
    /// needs `a > 1`.
    Pareto,
    /// Normal with mean `1/n` on (0, 1), for `n` entities; published shapes (its scale before truncation)
    /// 1e-6..=1e-5, large is skewed.
    TruncatedNormal,
    /// Density proportional to `e^-x` on (0, b); published shapes `b` up to 5, large is skewed.
    TruncatedExponential,
    /// `e^(s z)` of a standard normal `z`; published shapes `s` up to 0.5, large is skewed.
    LogNormal,
}

impl Distribution {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::PowerLaw, Self::Pareto, Self::TruncatedNormal, Self::TruncatedExponential, Self::LogNormal];

    /// Its name, as in `power-law`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PowerLaw => "power-law",
            Self::Pareto => "pareto",
            Self::TruncatedNormal => "truncated-normal",
            Self::TruncatedExponential => "truncated-exponential",
            Self::LogNormal => "log-normal",
        }
    }

    /// Ends of the published range of shapes. Where zero would be the lower end, which is no distribution,
    /// it is a hundredth of the upper one.
    pub const fn shape_range(self) -> (f32, f32) {
        match self {
            Self::PowerLaw => (0.1, 30.0),
            Self::Pareto => (30.0, 100.0),
            Self::TruncatedNormal => (1e-6, 1e-5),
            Self::TruncatedExponential => (0.05, 5.0),
            Self::LogNormal => (0.005, 0.5),
        }
    }

    /// The shape at `position` in the published range, 0 for its lower end and 1 for its upper one. A
    /// position outside is moved to the nearer end, not-a-number to the lower one.
    pub fn shape(self, position: f32) -> f32 {
        let (low, high) = self.shape_range();
        // Not-a-number is not above zero.
        let position = if position > 0.0 { position.min(1.0) } else { 0.0 };
        (low + position * (high - low)).clamp(low, high)
    }

    /// Whether `shape` can be computed with: a wider range than the published one, finite and positive
    /// always, above 1 for Pareto, at most 1000 for the truncated normal and 4 for the log-normal.
    ///
    /// With the feature `small`, power law and Pareto alone accept anything.
    pub fn accepts(self, shape: f32) -> bool {
        if !self.is_included() {
            return false;
        }
        let (above, up_to) = match self {
            Self::PowerLaw | Self::TruncatedExponential => (0.0, f32::MAX),
            Self::Pareto => (1.0, f32::MAX),
            Self::TruncatedNormal => (0.0, 1000.0),
            Self::LogNormal => (0.0, 4.0),
        };
        shape > above && shape <= up_to
    }

    /// Whether the crate was built with what this distribution needs.
    #[inline]
    pub(super) const fn is_included(self) -> bool {
        !cfg!(feature = "small") || matches!(self, Self::PowerLaw | Self::Pareto)
    }

    /// `shape` in double precision, if this distribution accepts it.
    pub(super) fn check(self, shape: f32) -> Result<f64, SizesError> {
        if self.accepts(shape) {
            Ok(f64::from(shape))
        } else {
            Err(SizesError::Shape { distribution: self, shape })
        }
    }
}

/// Inverse distribution function of one distribution, with its constants at hand.
#[derive(Clone, Copy, Debug)]
pub(super) enum Quantile {
    PowerLaw { exponent: f64 },
    Pareto { exponent: f64 },
    TruncatedNormal { mean: f64, scale: f64, below: f64, above: f64, inside: f64 },
    TruncatedExponential { beyond: f64, inside: f64 },
    LogNormal { scale: f64 },
}

impl Quantile {
    /// For `entities` draws, on which the truncated normal depends; `shape` has been checked.
    pub(super) fn new(distribution: Distribution, shape: f64, entities: f64) -> Self {
        match distribution {
            Distribution::PowerLaw => Self::PowerLaw { exponent: 1.0 / shape },
            Distribution::Pareto => Self::Pareto { exponent: 1.0 / shape },
            Distribution::TruncatedNormal => {
                let mean = 1.0 / entities;
                // 0 and 1 lie on either side of the mean, so the inside is no difference of near equals.
                let below = normal::cumulative(-mean / shape);
                let above = normal::cumulative((mean - 1.0) / shape);
                Self::TruncatedNormal { mean, scale: shape, below, above, inside: 1.0 - below - above }
            }
            Distribution::TruncatedExponential => Self::TruncatedExponential {
                beyond: math::exp_f64(-shape),
                inside: -math::exp_m1_f64(-shape),
            },
            Distribution::LogNormal => Self::LogNormal { scale: shape },
        }
    }

    /// The value below which a draw falls with probability `p`; `q` is `1 - p`, given so that neither tail
    /// loses digits.
    pub(super) fn at(&self, p: f64, q: f64) -> f64 {
        match *self {
            Self::PowerLaw { exponent } => math::exp_f64(exponent * logarithm(p, q)),
            Self::Pareto { exponent } => math::exp_f64(-exponent * logarithm(q, p)),
            Self::TruncatedNormal { mean, scale, below, above, inside } => {
                let z = normal::quantile(below + inside * p, above + inside * q);
                (mean + scale * z).clamp(0.0, 1.0)
            }
            Self::TruncatedExponential { beyond, inside } => {
                // The argument of the logarithm is beyond + inside q = 1 - inside p.
                if p > 0.5 { -math::ln_f64(beyond + inside * q) } else { -math::ln_1p_f64(-inside * p) }
            }
            Self::LogNormal { scale } => math::exp_f64(scale * normal::quantile(p, q)),
        }
    }
}

/// `ln(p)` where `rest` is `1 - p`.
fn logarithm(p: f64, rest: f64) -> f64 {
    if p > 0.5 { math::ln_1p_f64(-rest) } else { math::ln_f64(p) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantile(distribution: Distribution, shape: f32, entities: f64, p: f64) -> f64 {
        Quantile::new(distribution, distribution.check(shape).unwrap(), entities).at(p, 1.0 - p)
    }

    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() <= 1e-12 * expected.abs(), "{value} {expected}");
    }

    #[test]
    fn quantiles_by_hand() {
        close(quantile(Distribution::PowerLaw, 0.5, 9.0, 0.25), 0.0625);
        close(quantile(Distribution::PowerLaw, 2.0, 9.0, 0.81), 0.9);
        close(quantile(Distribution::Pareto, 2.0, 9.0, 0.75), 2.0);
        // Half of the mass of e^-x on (0, 2) lies below ln(2 / (1 + e^-2)).
        close(quantile(Distribution::TruncatedExponential, 2.0, 9.0, 0.5), 0.566_219_169_516_972_8);
        close(quantile(Distribution::LogNormal, 0.5, 9.0, 0.975), 2.664408261552898);
        close(quantile(Distribution::LogNormal, 0.5, 9.0, 0.5), 1.0);
        // Symmetric about 1/2 for two entities, and its truncation is negligible.
        close(quantile(Distribution::TruncatedNormal, 0.007_812_5, 2.0, 0.5), 0.5);
        close(quantile(Distribution::TruncatedNormal, 0.007_812_5, 2.0, 0.975), 0.515_312_218_629_219_2);
    }

    #[test]
    fn a_truncated_normal_is_bounded_by_its_range() {
        for entities in [1.0, 2.0, 1e3, 1e7] {
            for shape in [1e-30_f32, 1e-6, 1e-5, 1.0, 1000.0] {
                let at = |p| quantile(Distribution::TruncatedNormal, shape, entities, p);
                assert!(at(0.0) >= 0.0 && at(1.0) <= 1.0 && at(0.3) <= at(0.4), "{entities} {shape}");
            }
        }
        // So wide a normal is flat on (0, 1).
        let flat = quantile(Distribution::TruncatedNormal, 1000.0, 10.0, 0.3);
        assert!((flat - 0.3).abs() < 1e-6, "{flat}");
    }

    #[test]
    fn shapes_span_the_published_range() {
        for distribution in Distribution::ALL {
            let (low, high) = distribution.shape_range();
            assert_eq!(distribution.shape(0.0), low);
            assert_eq!(distribution.shape(1.0), high);
            assert_eq!(distribution.shape(-3.0), low);
            assert_eq!(distribution.shape(f32::INFINITY), high);
            assert_eq!(distribution.shape(f32::NAN), low);
            assert!(distribution.accepts(low) && distribution.accepts(high));
        }
        assert!((Distribution::PowerLaw.shape(0.5) - 15.05).abs() < 1e-5);
    }

    #[test]
    fn other_shapes_are_refused() {
        for distribution in Distribution::ALL {
            for shape in [0.0, -1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                assert!(
                    matches!(distribution.check(shape), Err(SizesError::Shape { distribution: d, .. }) if d == distribution),
                    "{distribution:?} {shape}"
                );
            }
        }
        assert!(!Distribution::Pareto.accepts(1.0));
        assert!(!Distribution::LogNormal.accepts(4.1));
    }
}
