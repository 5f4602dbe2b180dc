//! The standard normal distribution.

use crate::math;

/// Distribution function at `z`.
pub(super) fn cumulative(z: f64) -> f64 {
    0.5 * math::erfc_f64(-z * core::f64::consts::FRAC_1_SQRT_2)
}

/// Inverse of the distribution function at `p`, where `q` is `1 - p`; both are given so that neither tail
/// loses digits. Relative error below 1e-15 (Wichura 1988, algorithm AS 241, PPND16).
pub(super) fn quantile(p: f64, q: f64) -> f64 {
    let centred = if p < q { p - 0.5 } else { 0.5 - q };
    if centred.abs() <= 0.425 {
        let r = 0.180_625 - centred * centred;
        return centred * polynomial(&CENTRE, r) / polynomial(&CENTRE_DIVISOR, r);
    }
    // A tail probability of zero stands for one below the smallest number.
    let r = math::sqrt_f64(-math::ln_f64(p.min(q).max(f64::MIN_POSITIVE)));
    let z = if r <= 5.0 {
        polynomial(&TAIL, r - 1.6) / polynomial(&TAIL_DIVISOR, r - 1.6)
    } else {
        polynomial(&FAR, r - 5.0) / polynomial(&FAR_DIVISOR, r - 5.0)
    };
    if p < q { -z } else { z }
}

/// Value at `x` of the polynomial with these coefficients, constant first.
#[inline]
fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, &coefficient| sum * x + coefficient)
}

const CENTRE: [f64; 8] = [
    3.387_132_872_796_366_5,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];
const CENTRE_DIVISOR: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_854,
];
const TAIL: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    7.745_450_142_783_414e-4,
];
const TAIL_DIVISOR: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const FAR: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    0.296_560_571_828_504_87,
    0.026_532_189_526_576_124,
    1.242_660_947_388_078_4e-3,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const FAR_DIVISOR: [f64; 8] = [
    1.0,
    0.599_832_206_555_887_9,
    0.136_929_880_922_735_8,
    0.014_875_361_290_850_615,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_8e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Tabulated percentage points of the normal distribution.
    #[test]
    fn known_percentage_points() {
        let known = [
            (0.5, 0.0),
            (0.75, 0.674_489_750_196_081_7),
            (0.9, 1.281_551_565_544_600_4),
            (0.975, 1.959_963_984_540_054),
            (0.999, 3.090_232_306_167_813_5),
        ];
        for (p, z) in known {
            assert!((quantile(p, 1.0 - p) - z).abs() < 1e-13, "{p}");
            assert!((quantile(1.0 - p, p) + z).abs() < 1e-13, "{p}");
        }
        // A tail of 1e-20, which 1 - p cannot express.
        assert!((quantile(1.0, 1e-20) - 9.262_340_089_798_408).abs() < 1e-12);
        assert!((quantile(1e-9, 1.0) + 5.997_807_015_007_686_5).abs() < 1e-12);
        assert!(quantile(0.0, 1.0) < -37.0 && quantile(0.0, 1.0).is_finite());
    }

    #[test]
    fn inverts_the_distribution_function() {
        for i in (-600..=600).step_by(if cfg!(miri) { 60 } else { 1 }) {
            let z = f64::from(i) / 100.0;
            let round_trip = quantile(cumulative(z), cumulative(-z));
            assert!((round_trip - z).abs() < 1e-12 * (1.0 + z.abs()), "{z} {round_trip}");
        }
    }
}
