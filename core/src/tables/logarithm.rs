//! Positive numbers in a byte, on a logarithmic scale, right on average.
//!
//! A number that lies between two steps of the scale goes to either by chance, in such proportion that its
//! expectation is the number itself (a Morris counter, Communications of the ACM 1978, with steps below one, so that
//! counts can decay). Steps are powers of `2^(1/16)`, made from sixteen significands: no root, no division.

use serde::{Deserialize, Serialize};

use super::{Count, SquareSum};
use crate::math;

/// Steps of the table in an octave.
const OCTAVE: i32 = 16;

/// The fractions of `2^(n/16)`, as bits of an `f32`, and what ends a search.
const FRACTIONS: [u32; 18] = [
    0x00_0000, 0x05_aac3, 0x0b_95c2, 0x11_c3d3, 0x18_37f0, 0x1e_f532, 0x25_fed7, 0x2d_583f, 0x35_04f3,
    0x3d_08a4, 0x45_672a, 0x4e_248c, 0x57_44fd, 0x60_ccdf, 0x6a_c0c7, 0x75_257d, 0x80_0000, 0x80_0000,
];

/// `2^(n/16)`, for exponents of normal numbers.
#[inline(always)]
fn power(n: i32) -> f32 {
    let fraction = FRACTIONS.get((n & (OCTAVE - 1)) as usize).copied().unwrap_or(0);
    f32::from_bits((((n >> 4) + 127) as u32) << 23 | fraction)
}

/// The largest `n` with `2^(n/16)` at most the positive normal number `x`.
#[inline(always)]
fn floor_log(x: f32) -> i32 {
    let bits = x.to_bits();
    let (exponent, fraction) = ((bits >> 23) as i32 - 127, bits & 0x7f_ffff);
    // log2(1 + f) is at least f, and less than two steps above it.
    let guess = fraction >> 19;
    let reached = |n: u32| FRACTIONS.get(n as usize).is_some_and(|&step| fraction >= step);
    let above = u32::from(reached(guess + 1)) + u32::from(reached(guess + 2));
    OCTAVE * exponent + (guess + above) as i32
}

/// A scale: code 0 is 0, code 1 is `2^(LOWEST/16)`, and each code after it `2^(STRIDE/16)` times the one before.
struct Scale<const LOWEST: i32, const STRIDE: i32>;

impl<const LOWEST: i32, const STRIDE: i32> Scale<LOWEST, STRIDE> {
    const HIGHEST: i32 = LOWEST + 254 * STRIDE;

    /// The exponent of a code above 0, in sixteenths.
    #[inline(always)]
    const fn exponent(code: u8) -> i32 {
        (code as i32 - 1) * STRIDE + LOWEST
    }

    #[inline(always)]
    fn value(code: u8) -> f32 {
        if code == 0 { 0.0 } else { power(Self::exponent(code)) }
    }

    /// One of the two codes around `x`. `per_gap` is one over the relative distance of two.
    #[inline(always)]
    fn encode(x: f32, per_gap: f32, dither: u32) -> u8 {
        // The upper 24 bits as a number in 0..1.
        let chance = (dither >> 8) as f32 * (1.0 / 16_777_216.0);
        if x < power(LOWEST) {
            return u8::from(x * power(-LOWEST) > chance);
        }
        let step = (floor_log(x) - LOWEST) / STRIDE;
        let exponent = step * STRIDE + LOWEST;
        if exponent >= Self::HIGHEST {
            return u8::MAX;
        }
        let part = (x * power(-exponent) - 1.0) * per_gap;
        (step + 1 + i32::from(part > chance)) as u8
    }
}

/// How often something was seen: 0, or from 1/16 to 3,756 in steps of 4.4%.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogCount(u8);

type CountScale = Scale<-64, 1>;

/// `1 / (2^(1/16) - 1)`.
const COUNTS_PER_GAP: f32 = 22.584_3;

impl LogCount {
    /// The code: larger for larger counts.
    #[inline(always)]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// The count of a code.
    #[inline(always)]
    pub const fn of_code(code: u8) -> Self {
        Self(code)
    }
}

impl Count for LogCount {
    const ZERO: Self = Self(0);
    type Fading = u8;

    #[inline(always)]
    fn value(self) -> f32 {
        CountScale::value(self.0)
    }

    /// Rounded at the middle between two counts.
    #[inline]
    fn of(value: f32) -> Self {
        Self(CountScale::encode(value, COUNTS_PER_GAP, 1 << 31))
    }

    #[inline]
    fn add_one(&mut self, dither: u32) {
        self.0 = CountScale::encode(self.value() + 1.0, COUNTS_PER_GAP, dither);
    }

    /// In whole steps: a half-life that is a power of two up to 16 segments is exact.
    fn fading(retention: f32) -> u8 {
        if retention > 0.0 {
            // Saturates.
            (math::ln(retention) * (-16.0 / core::f32::consts::LN_2) + 0.5) as u8
        } else {
            u8::MAX
        }
    }

    #[inline(always)]
    fn fade(&mut self, steps: u8) {
        self.0 = self.0.saturating_sub(steps);
    }

    fn is_possible(self) -> bool {
        true
    }

    fn floats(_: &[Self]) -> Option<&[f32]> {
        None
    }

    fn of_floats(_: &[f32]) -> Option<&[Self]> {
        None
    }
}

/// A sum of squares: 0, or from `2^-16` to `2^15.75` in steps of 9%.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogSum(u8);

type SumScale = Scale<-256, 2>;

/// `1 / (2^(1/8) - 1)`.
const SUMS_PER_GAP: f32 = 11.048_2;

impl LogSum {
    /// The sum.
    #[inline(always)]
    pub fn value(self) -> f32 {
        SumScale::value(self.0)
    }
}

impl SquareSum for LogSum {
    const ZERO: Self = Self(0);

    #[inline(always)]
    fn advance(&mut self, square: f32, dither: u32) -> f32 {
        self.0 = SumScale::encode(self.value() + square, SUMS_PER_GAP, dither);
        // What is below the scale takes the step of its lowest number.
        power(-SumScale::exponent(self.0.max(1)) / 2)
    }
}
