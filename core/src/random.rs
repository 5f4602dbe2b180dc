//! The one source of randomness: xoshiro128++, the same numbers on every target.
//!
//! A [`Generator`] is neither `Copy` nor `Default`: a copied generator would repeat itself unseen. Streams
//! that must not disturb each other (initial values, negatives, exploration, ...) are made with
//! [`Generator::stream`] from one seed.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro128PlusPlus;

use crate::math;

/// xoshiro128++ (Blackman and Vigna), with the draws this crate needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generator(Xoshiro128PlusPlus);

impl Generator {
    /// The generator of `seed`.
    pub fn new(seed: u64) -> Self {
        Self::stream(seed, 0)
    }

    /// Stream number `stream` of `seed`; different numbers give unrelated sequences.
    pub fn stream(seed: u64, stream: u64) -> Self {
        let mut bytes = [0_u8; 16];
        let mut state = seed ^ mix(stream.wrapping_add(GOLDEN));
        for chunk in bytes.chunks_exact_mut(8) {
            state = state.wrapping_add(GOLDEN);
            for (byte, value) in chunk.iter_mut().zip(mix(state).to_le_bytes()) {
                *byte = value;
            }
        }
        Self(Xoshiro128PlusPlus::from_seed(bytes))
    }

    /// The generator's whole state, for a snapshot.
    pub fn state(&self) -> [u8; 16] {
        self.0.state()
    }

    /// The generator that goes on where [`Generator::state`] was taken.
    pub fn from_state(state: [u8; 16]) -> Self {
        Self(Xoshiro128PlusPlus::from_seed(state))
    }

    /// The next 32 random bits.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A whole number in `0..bound`; 0 when `bound` is 0.
    ///
    /// The multiply-and-shift map is uneven by at most `bound / 2^32`.
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// Uniform in the open interval (0, 1): odd multiples of 2^-24, from the 23 upper bits of a word.
    #[inline]
    pub fn uniform(&mut self) -> f32 {
        inside_unit(self.next_u32())
    }

    /// Uniform in the open interval (-1, 1).
    #[inline]
    pub fn symmetric(&mut self) -> f32 {
        2.0 * self.uniform() - 1.0
    }

    /// Exponential with mean 1.
    #[inline]
    pub fn exponential(&mut self) -> f32 {
        -math::ln(self.uniform())
    }

    /// Standard normal, by the Box-Muller transform; two uniform draws each.
    #[inline]
    pub fn normal(&mut self) -> f32 {
        let radius = math::sqrt(2.0 * self.exponential());
        // Never more than a turn. Said like this, it spares the code that brings larger angles down.
        let angle = (core::f32::consts::TAU * self.uniform()).to_bits().min(core::f32::consts::TAU.to_bits());
        radius * math::cos(f32::from_bits(angle))
    }
}

/// One bit more would not fit the significand, and the largest word would be rounded up to one.
#[inline]
fn inside_unit(word: u32) -> f32 {
    ((word >> 9) as f32 + 0.5) * (1.0 / 8_388_608.0)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The output function of splitmix64 (Steele, Lea and Flood).
const fn mix(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of the authors' C code for the state words 1, 2, 3, 4.
    #[test]
    fn reference_vector() {
        let mut seed = [0_u8; 16];
        seed[0] = 1;
        seed[4] = 2;
        seed[8] = 3;
        seed[12] = 4;
        let mut generator = Generator(Xoshiro128PlusPlus::from_seed(seed));
        let expected = [641, 1_573_767, 3_222_811_527, 3_517_856_514, 836_907_274, 4_247_214_768];
        for word in expected {
            assert_eq!(generator.next_u32(), word);
        }
    }

    #[test]
    fn no_word_reaches_an_end_of_the_interval() {
        assert_eq!(f64::from(inside_unit(0)), (1.0 / 16_777_216.0));
        assert_eq!(f64::from(inside_unit(u32::MAX)), 1.0 - (1.0 / 16_777_216.0));
        assert_eq!(f64::from(inside_unit(1 << 31)), 0.5 + (1.0 / 16_777_216.0));
    }

    #[test]
    fn streams_of_a_seed_are_stable_and_different() {
        let first = |stream| Generator::stream(7, stream).next_u32();
        assert_eq!(first(0), Generator::new(7).next_u32());
        assert_ne!(first(0), first(1));
        assert_ne!(first(1), Generator::stream(8, 1).next_u32());
    }

    #[test]
    fn a_saved_state_goes_on_with_the_same_numbers() {
        let mut generator = Generator::new(5);
        generator.next_u32();
        let mut restored = Generator::from_state(generator.state());
        assert_eq!(restored, generator);
        assert_eq!(restored.next_u32(), generator.next_u32());
    }

    #[test]
    #[cfg_attr(miri, ignore = "too many draws for an interpreter")]
    fn draws_stay_inside_their_ranges() {
        let mut generator = Generator::new(1);
        let mut seen = [0_u32; 7];
        for _ in 0..10_000 {
            seen[generator.below(7) as usize] += 1;
            let u = generator.uniform();
            assert!(u > 0.0 && u < 1.0);
            assert!(generator.exponential() > 0.0);
        }
        assert_eq!(generator.below(0), 0);
        assert_eq!(generator.below(1), 0);
        for count in seen {
            assert!((1_200..1_700).contains(&count), "{seen:?}");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "too many draws for an interpreter")]
    fn normal_and_exponential_have_their_moments() {
        let mut generator = Generator::new(3);
        let n = 200_000;
        let (mut sum, mut squares, mut waiting) = (0.0_f64, 0.0_f64, 0.0_f64);
        for _ in 0..n {
            let z = f64::from(generator.normal());
            sum += z;
            squares += z * z;
            waiting += f64::from(generator.exponential());
        }
        let n = f64::from(n);
        assert!((sum / n).abs() < 0.01, "{}", sum / n);
        assert!((squares / n - 1.0).abs() < 0.02);
        assert!((waiting / n - 1.0).abs() < 0.01);
    }
}
