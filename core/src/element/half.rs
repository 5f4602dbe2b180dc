//! Rows of half-precision numbers, learned in `f32` and rounded to the nearest when they are stored.

use half::f16;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Element, PairSums, Rates, TripleSums, float};
use crate::math::{LANES, fold};

/// A half-precision number (IEEE 754 binary16): 11 significant bits, up to 65,504.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct F16(f16);

impl F16 {
    /// The bits of the number.
    pub const fn to_bits(self) -> u16 {
        self.0.to_bits()
    }
}

/// Two bytes, whatever the value: the lower first.
impl Serialize for F16 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.to_le_bytes().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for F16 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <[u8; 2]>::deserialize(deserializer).map(|bytes| Self(f16::from_le_bytes(bytes)))
    }
}

impl Element for F16 {
    const ZERO: Self = Self(f16::ZERO);
    const KIND: u32 = 1;
    const BIAS: usize = 1;
    const DITHERS: bool = false;
    const EXACT: bool = false;
    const STEP: f32 = 0.0;

    type Sum = f32;

    #[inline(always)]
    fn to_f32(self) -> f32 {
        widen(self.0.to_bits())
    }

    #[inline(always)]
    fn factor(self) -> f32 {
        self.to_f32()
    }

    #[inline(always)]
    fn score(bias: &[Self], products: f32) -> f32 {
        Self::bias(bias) + products
    }

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        Self(f16::from_bits(narrow(value)))
    }

    #[inline(always)]
    fn bias(row: &[Self]) -> f32 {
        row.first().map_or(0.0, |bias| bias.to_f32())
    }

    #[inline(always)]
    fn set_bias(row: &mut [Self], bias: f32, _dither: u32) -> bool {
        if let Some(first) = row.first_mut() {
            *first = Self::from_f32(bias);
        }
        false
    }

    #[inline(always)]
    fn dot(a: &[Self], b: &[Self]) -> f32 {
        let common = a.len().min(b.len());
        let (a, b) = (a.get(..common).unwrap_or_default(), b.get(..common).unwrap_or_default());
        let (a, a_rest) = a.as_chunks::<LANES>();
        let (b, b_rest) = b.as_chunks::<LANES>();
        let mut lanes = [0.0_f32; LANES];
        for (a, b) in a.iter().zip(b) {
            float::multiply_add(&mut lanes, a, b);
        }
        for ((lane, a), b) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
            *lane += a.to_f32() * b.to_f32();
        }
        fold(lanes)
    }

    #[inline(always)]
    fn sum_triple(user: &[Self], positive: &[Self], negative: &[Self]) -> TripleSums {
        float::sum_triple(user, positive, negative)
    }

    #[inline(always)]
    fn sum_pair(user: &[Self], item: &[Self]) -> PairSums {
        float::sum_pair(user, item)
    }

    #[inline(always)]
    fn step_triple(
        user: &mut [Self],
        positive: &mut [Self],
        negative: &mut [Self],
        rates: [Rates; 3],
        _dither: u32,
    ) -> u32 {
        float::step_triple(user, positive, negative, rates);
        0
    }

    #[inline(always)]
    fn step_pair(user: &mut [Self], item: &mut [Self], rates: [Rates; 2], _dither: u32) -> u32 {
        float::step_pair(user, item, rates);
        0
    }
}

/// From the exponent's bias in half precision to that in single precision.
const REBIAS: i32 = 127 - 15;
/// The least half-precision number with a leading one that is not stored, and infinity.
const NORMAL: i32 = 0x0400;
const INFINITE: i32 = 0x7c00;
/// The same in single precision, and the greatest number below.
const SINGLE_NORMAL: i32 = (REBIAS + 1) << 23;
const SINGLE_INFINITE: i32 = 0x7f80_0000;
const SINGLE_GREATEST: i32 = 0x477f_e000;
/// The distance of numbers below [`NORMAL`].
const STEP: f32 = 1.0 / 16_777_216.0;

/// All bits if `a` is less than `b`, of which neither is negative; else none.
#[inline(always)]
const fn less(a: i32, b: i32) -> i32 {
    (a - b) >> 31
}

/// The number with these bits in half precision. Without a branch, so that it runs in vector lanes.
#[inline(always)]
fn widen(bits: u16) -> f32 {
    let bits = i32::from(bits);
    let magnitude = bits & 0x7fff;
    let is_small = less(magnitude, NORMAL);
    let infinite = less(INFINITE - 1, magnitude) & (REBIAS << 23);
    let quiet = less(INFINITE, magnitude) & 0x0040_0000;
    let large = ((magnitude << 13) + (REBIAS << 23) + infinite) | quiet;
    let small = (magnitude as f32 * STEP).to_bits().cast_signed();
    let magnitude = (small & is_small) | (large & !is_small);
    f32::from_bits((((bits & 0x8000) << 16) | magnitude).cast_unsigned())
}

/// The bits of the finite number in half precision that is nearest to `value`, of two the even one; likewise.
#[inline(always)]
fn narrow(value: f32) -> u16 {
    let bits = value.to_bits().cast_signed();
    let magnitude = bits & 0x7fff_ffff;
    let within = magnitude.min(SINGLE_GREATEST);
    let large = ((within + 0x0fff + ((within >> 13) & 1)) >> 13) - (REBIAS << 10);
    // Beside one half single precision has the same step.
    let half = 0.5_f32;
    let shifted = f32::from_bits(within.cast_unsigned()) + half;
    let small = shifted.to_bits().cast_signed() - half.to_bits().cast_signed();
    let is_small = less(within, SINGLE_NORMAL);
    let finite = (small & is_small) | (large & !is_small);
    let is_none = less(SINGLE_INFINITE, magnitude);
    let none = INFINITE | 0x0200 | ((magnitude >> 13) & 0x03ff);
    let magnitude = (none & is_none) | (finite & !is_none);
    (((bits >> 16) & 0x8000) | magnitude) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_stored_as_the_nearest_in_two_bytes() {
        // 0.1 is 0x2e66 in binary16 (IEEE 754), and one third 0x3555.
        assert_eq!(F16::from_f32(0.1).to_bits(), 0x2e66);
        assert_eq!(F16::from_f32(1.0 / 3.0).to_bits(), 0x3555);
        assert_eq!(F16::from_f32(-2.0).to_f32(), -2.0);
        assert_eq!(F16::from_f32(1e9).to_f32(), 65_504.0);
        assert_eq!(F16::from_f32(f32::NEG_INFINITY).to_f32(), -65_504.0);
        let mut bytes = [0; 2];
        assert_eq!(postcard::to_slice(&F16::from_f32(0.1), &mut bytes).unwrap(), &[0x66, 0x2e]);
        assert_eq!(postcard::from_bytes::<F16>(&bytes).unwrap(), F16::from_f32(0.1));
    }

    #[test]
    fn every_half_is_widened_as_another_implementation_does() {
        for bits in 0..=u16::MAX {
            assert_eq!(widen(bits).to_bits(), f16::from_bits(bits).to_f32_const().to_bits(), "{bits:#x}");
        }
    }

    #[test]
    fn numbers_around_every_half_and_midpoint_are_narrowed_as_another_implementation_does() {
        let expected = |value: f32| {
            f16::from_f32_const(value.clamp(f16::MIN.to_f32_const(), f16::MAX.to_f32_const())).to_bits()
        };
        let step = if cfg!(miri) { 509 } else { 1 };
        for bits in (0..=u16::MAX).step_by(step) {
            let half = f16::from_bits(bits).to_f32_const();
            let next = f16::from_bits(bits.wrapping_add(1)).to_f32_const();
            for value in [half, (half + next) * 0.5] {
                for around in value.to_bits().saturating_sub(2)..=value.to_bits().saturating_add(2) {
                    let value = f32::from_bits(around);
                    assert_eq!(narrow(value), expected(value), "{value:e} {around:#x}");
                }
            }
        }
        for bits in (0..=u32::MAX).step_by(if cfg!(miri) { 400_000_009 } else { 40_009 }) {
            let value = f32::from_bits(bits);
            assert_eq!(narrow(value), expected(value), "{value:e} {bits:#x}");
        }
    }

    #[test]
    fn sums_and_dots_are_those_of_the_same_floats() {
        let numbers = |seed: f32| core::array::from_fn::<f32, 21, _>(|n| crate::math::sin(n as f32 * seed));
        let halves = |floats: [f32; 21]| floats.map(F16::from_f32);
        let rows = [0.3, 0.7, 1.9].map(|seed| halves(numbers(seed)));
        let floats = rows.map(|row| row.map(F16::to_f32));
        for length in 0..=21 {
            let (a, b) = (&rows[0][..length], &rows[1]);
            let (c, d) = (&floats[0][..length], &floats[1]);
            assert_eq!(F16::dot(a, b).to_bits(), f32::dot(c, d).to_bits());
            assert_eq!(F16::dot(b, a).to_bits(), f32::dot(d, c).to_bits());
        }
        let [a, b, c] = &rows;
        let [x, y, z] = &floats;
        assert_eq!(F16::sum_triple(a, b, c), f32::sum_triple(x, y, z));
        assert_eq!(F16::sum_pair(a, b), f32::sum_pair(x, y));
    }
}
