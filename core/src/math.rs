//! Every floating-point function of the crate, so that all targets compute the same bits.
//!
//! Transcendental functions are `libm`'s on every target, also where the standard library has its own.
//! Sums run in [`LANES`] lanes: element `i` goes to lane `i % LANES`, in ascending `i`, and [`fold`] adds
//! the lanes in one stated order. A vector unit of any width, and a scalar one, then give the same
//! result. Nothing here uses fused multiply-add.

/// How many partial sums a reduction keeps.
pub const LANES: usize = 8;

/// e to the power `x`.
#[inline]
pub fn exp(x: f32) -> f32 {
    libm::expf(x)
}

/// Natural logarithm.
#[inline]
pub fn ln(x: f32) -> f32 {
    libm::logf(x)
}

/// `ln(1 + x)`, accurate near zero.
#[inline]
pub fn ln_1p(x: f32) -> f32 {
    libm::log1pf(x)
}

/// Square root, correctly rounded.
#[inline]
pub fn sqrt(x: f32) -> f32 {
    libm::sqrtf(x)
}

/// Hyperbolic tangent.
#[inline]
pub fn tanh(x: f32) -> f32 {
    libm::tanhf(x)
}

/// `x` to the power `y`.
#[inline]
pub fn pow(x: f32, y: f32) -> f32 {
    libm::powf(x, y)
}

/// Cosine of `x` radians.
#[inline]
pub fn cos(x: f32) -> f32 {
    libm::cosf(x)
}

/// Sine of `x` radians.
#[inline]
pub fn sin(x: f32) -> f32 {
    libm::sinf(x)
}

/// e to the power `x`, in double precision.
#[inline]
pub fn exp_f64(x: f64) -> f64 {
    libm::exp(x)
}

/// Natural logarithm, in double precision.
#[inline]
pub fn ln_f64(x: f64) -> f64 {
    libm::log(x)
}

/// `e^x - 1` in double precision, accurate near zero.
#[inline]
pub fn exp_m1_f64(x: f64) -> f64 {
    libm::expm1(x)
}

/// `ln(1 + x)` in double precision, accurate near zero.
#[inline]
pub fn ln_1p_f64(x: f64) -> f64 {
    libm::log1p(x)
}

/// Complementary error function, in double precision.
#[inline]
pub fn erfc_f64(x: f64) -> f64 {
    libm::erfc(x)
}

/// Base-2 logarithm, in double precision.
#[inline]
pub fn log2_f64(x: f64) -> f64 {
    libm::log2(x)
}

/// `x` to the power `y`, in double precision.
#[inline]
pub fn pow_f64(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// Square root in double precision, correctly rounded.
#[inline]
pub fn sqrt_f64(x: f64) -> f64 {
    libm::sqrt(x)
}

/// Logistic function `1 / (1 + e^-x)`, without overflow at either end; 0 below -87.
///
/// No branch depends on `x`, and no call is made: it stands between the two halves of every learning step.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    let e = exp_negative(-x.abs());
    (if x >= 0.0 { 1.0 } else { e }) / (1.0 + e)
}

/// e to a power that is not positive, within a unit in the last place; 0 below -87.
///
/// Reduction to plus-minus half of ln 2 and the rational approximation of FreeBSD's `expf` (1993), which is
/// also `libm`'s, for all arguments alike.
#[inline(always)]
fn exp_negative(x: f32) -> f32 {
    const LN_2_HIGH: f32 = f32::from_bits(0x3f31_7200);
    const LN_2_LOW: f32 = f32::from_bits(0x35bf_be8e);
    const C1: f32 = f32::from_bits(0x3e2a_aa8f);
    const C2: f32 = f32::from_bits(0xbb35_5215);
    let inside = if x < -87.0 { -87.0 } else { x };
    let k = (core::f32::consts::LOG2_E * inside - 0.5) as i32;
    let (high, low) = (inside - k as f32 * LN_2_HIGH, k as f32 * LN_2_LOW);
    let r = high - low;
    let square = r * r;
    let c = r - square * (C1 + square * C2);
    let y = 1.0 + (r * c / (2.0 - c) - low + high);
    let scaled = y * f32::from_bits(((k + 127) << 23).cast_unsigned());
    if x < -87.0 { 0.0 } else { scaled }
}

/// `ln(1 + e^x)`, without overflow at either end; `softplus(-x)` is the BPR loss of a margin `x`.
#[inline]
pub fn softplus(x: f32) -> f32 {
    let tail = ln_1p(exp(-x.abs()));
    if x > 0.0 { x + tail } else { tail }
}

/// `1 / sqrt(x)` for normal positive `x`, within 3 units in the last place, by Newton's iteration.
///
/// Unlike [`sqrt`] it is made of multiplications alone, so a compiler can run it in vector lanes with
/// the same bits. Zero gives a large finite number, so callers add a small constant to `x` first.
#[inline]
pub fn inverse_sqrt(x: f32) -> f32 {
    let half = 0.5 * x;
    let mut y = f32::from_bits(0x5f37_59df_u32.wrapping_sub(x.to_bits() >> 1));
    y *= 1.5 - half * y * y;
    y *= 1.5 - half * y * y;
    y * (1.5 - half * y * y)
}

/// `1 / sqrt(2 * half)` for normal positive `half`, within a part in a million: one iteration less than
/// [`inverse_sqrt`], for steps whose length need not be exact.
///
/// The constants spread the error of both iterations evenly (Moroz et al., "Fast calculation of inverse square
/// root with the use of magic constant", 2018).
#[inline]
pub fn inverse_sqrt_of_twice(half: f32) -> f32 {
    let mut y = f32::from_bits(0x5ef7_6908_u32.wrapping_sub(half.to_bits() >> 1));
    y *= 1.500_879 - half * y * y;
    y * (1.500_000_6 - half * y * y)
}

/// Adds the lanes: the upper half onto the lower, until one is left.
#[inline]
pub fn fold(lanes: [f32; LANES]) -> f32 {
    // Seen together with the loop that filled the lanes, this tree of sums makes LLVM split them into
    // pairs; kept apart, the loop uses whole vectors.
    let lanes = if cfg!(feature = "small") { lanes } else { core::hint::black_box(lanes) };
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// Dot product of the common leading elements of `a` and `b`.
#[inline]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    if cfg!(feature = "small") {
        return dot_in_registers(a, b);
    }
    let mut lanes = [0.0_f32; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += x * y;
        }
    }
    // The shorter operand ends first; its last, partial block meets a whole or partial one.
    let (x, y): (&[f32], &[f32]) = match a_blocks.len().cmp(&b_blocks.len()) {
        core::cmp::Ordering::Equal => (a_rest, b_rest),
        core::cmp::Ordering::Less => (a_rest, b_blocks.get(a_blocks.len()).map_or(&[], |block| block)),
        core::cmp::Ordering::Greater => (a_blocks.get(b_blocks.len()).map_or(&[], |block| block), b_rest),
    };
    for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
        *lane += x * y;
    }
    fold(lanes)
}

/// The same for a processor without vectors.
#[inline(never)]
fn dot_in_registers(a: &[f32], b: &[f32]) -> f32 {
    fold_in_registers(a, b, |x, y| x * y)
}

/// Folds `term` over the common leading elements of `a` and `b`, as [`dot`] does its products, for a processor
/// without vectors: the lanes stay in registers if each has a name.
#[inline(always)]
pub(crate) fn fold_in_registers<T: Copy>(a: &[T], b: &[T], term: impl Fn(T, T) -> f32) -> f32 {
    let common = a.len().min(b.len());
    let (a, a_rest) = a.get(..common).unwrap_or_default().as_chunks::<LANES>();
    let (b, b_rest) = b.get(..common).unwrap_or_default().as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for (x, y) in a.iter().zip(b) {
        let lane = |n: usize| match (lanes.get(n), x.get(n), y.get(n)) {
            (Some(sum), Some(x), Some(y)) => sum + term(*x, *y),
            _ => 0.0,
        };
        lanes = [lane(0), lane(1), lane(2), lane(3), lane(4), lane(5), lane(6), lane(7)];
    }
    let rest = |n: usize| match (a_rest.get(n), b_rest.get(n)) {
        (Some(x), Some(y)) => term(*x, *y),
        // Changes no sum.
        _ => -0.0,
    };
    let [a, b, c, d, e, f, g, h] = lanes;
    fold([a + rest(0), b + rest(1), c + rest(2), d + rest(3), e + rest(4), f + rest(5), g + rest(6), h])
}

/// Sum of `values`.
#[inline]
pub fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    for block in values.chunks(LANES) {
        for (lane, &value) in lanes.iter_mut().zip(block) {
            *lane += value;
        }
    }
    fold(lanes)
}

/// Sum of the squares of `values`.
#[inline]
pub fn squared_norm(values: &[f32]) -> f32 {
    dot(values, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn known_values() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(1.0).to_bits(), 0x402d_f854);
        assert_eq!(ln(2.0).to_bits(), 0x3f31_7218);
        assert_eq!(sqrt(2.0).to_bits(), 0x3fb5_04f3);
        assert_eq!(tanh(0.5).to_bits(), 0x3eec_9a9e);
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!(sigmoid(-200.0), 0.0);
        assert_eq!(sigmoid(200.0), 1.0);
        assert!((softplus(0.0) - core::f32::consts::LN_2).abs() < 1e-7);
        assert_eq!(softplus(100.0), 100.0);
        assert!(softplus(-100.0) > 0.0 && softplus(-100.0) < 1e-40);
    }

    #[test]
    fn sigmoid_is_within_three_units_in_the_last_place_of_libm() {
        let step = if crate::testing::cases(1) > 1 { 1 } else { 4_099 };
        let reference = |x: f32| {
            let e = libm::exp(-f64::from(x.abs()));
            (if x >= 0.0 { 1.0 } else { e }) / (1.0 + e)
        };
        for sign in [0, 1 << 31] {
            let mut bits = 0_u32;
            while bits < 87.0_f32.to_bits() {
                let x = f32::from_bits(bits | sign);
                let (found, exact) = (sigmoid(x), reference(x));
                let ulp = f64::from(f32::from_bits((exact as f32).to_bits() + 1)) - f64::from(exact as f32);
                assert!((f64::from(found) - exact).abs() <= 3.0 * ulp, "{x}: {found} {exact}");
                bits += if cfg!(miri) { 40_000_003 } else { step };
            }
        }
        assert_eq!(sigmoid(f32::INFINITY), 1.0);
        assert_eq!(sigmoid(f32::NEG_INFINITY), 0.0);
        assert!(sigmoid(f32::NAN).is_nan());
    }

    #[test]
    fn inverse_sqrt_is_within_three_units_in_the_last_place() {
        let mut x = 1e-30_f32;
        while x < 1e30 {
            let exact = 1.0 / f64::from(x).sqrt();
            let ulp = f64::from(f32::from_bits((exact as f32).to_bits() + 1)) - f64::from(exact as f32);
            assert!((f64::from(inverse_sqrt(x)) - exact).abs() <= 3.0 * ulp, "{x}");
            x *= 1.37;
        }
        assert!(inverse_sqrt(0.0).is_finite());
    }

    #[test]
    fn inverse_sqrt_of_twice_is_within_a_part_in_a_million() {
        let mut half = 1e-30_f32;
        while half < 1e30 {
            let product = f64::from(inverse_sqrt_of_twice(half)) * (2.0 * f64::from(half)).sqrt();
            assert!((product - 1.0).abs() < 1e-6, "{half}");
            half *= 1.003;
        }
        assert!(inverse_sqrt_of_twice(0.0).is_finite());
    }

    #[test]
    fn dot_runs_in_stated_lanes_over_the_common_part() {
        let value = |i: usize, k: usize| ((i * 37 + k * 11) % 101) as f32 / 7.0 - 6.0;
        // Three blocks of lanes and every rest; an interpreter has time for two.
        let most = if cfg!(miri) { 18_usize } else { 40 };
        for n in 0..most {
            for m in 0..most {
                let a: Vec<f32> = (0..n).map(|i| value(i, 1)).collect();
                let b: Vec<f32> = (0..m).map(|i| value(i, 2)).collect();
                let mut lanes = [0.0_f32; LANES];
                for i in 0..n.min(m) {
                    lanes[i % LANES] += a[i] * b[i];
                }
                assert_eq!(dot(&a, &b).to_bits(), fold(lanes).to_bits(), "{n} x {m}");
            }
        }
    }

    #[test]
    fn sum_adds_everything_once() {
        let values: Vec<f32> = (1..=100).map(|i| i as f32).collect();
        assert_eq!(sum(&values), 5050.0);
        assert_eq!(sum(&[]), 0.0);
        assert_eq!(squared_norm(&[3.0, 4.0]), 25.0);
    }
}
