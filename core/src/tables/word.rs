//! What a size decision keeps of an entity: first weights by rank, then sizes by id.

use core::fmt::Debug;

/// A word that holds a size; or, with the words beside it, weights by rank.
pub trait Word: Copy + PartialEq + Debug + Send + Sync + 'static {
    /// The word of size 0.
    const ZERO: Self;

    /// Notes the positive weight of a rank, perhaps rounded down. Ranks may share a place: then the first one's holds
    /// for all of them.
    fn set_weight(words: &mut [Self], rank: usize, weight: f32);
    /// The bits of the weight of a rank.
    fn weight(words: &[Self], rank: usize) -> u32;
    /// How many of the first `ranks` ranks have at least a weight, given as bits, if weights do not grow by rank.
    /// O(log ranks).
    fn reach(words: &[Self], ranks: usize, least: u32) -> usize;

    /// A size; what is too large for a word becomes the largest.
    fn of_size(size: u32) -> Self;
    /// The size.
    fn size(self) -> u32;

    /// The words as places of an order of retrieval; none if they are too narrow.
    fn places(words: &[Self]) -> &[u32];
    /// The same to change.
    fn places_mut(words: &mut [Self]) -> &mut [u32];
}

impl Word for u32 {
    const ZERO: Self = 0;

    #[inline(always)]
    fn set_weight(words: &mut [Self], rank: usize, weight: f32) {
        if let Some(word) = words.get_mut(rank) {
            *word = weight.to_bits();
        }
    }

    #[inline(always)]
    fn weight(words: &[Self], rank: usize) -> u32 {
        words.get(rank).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn reach(words: &[Self], ranks: usize, least: u32) -> usize {
        words.get(..ranks).unwrap_or(words).partition_point(|&weight| weight >= least)
    }

    #[inline(always)]
    fn of_size(size: u32) -> Self {
        size
    }

    #[inline(always)]
    fn size(self) -> u32 {
        self
    }

    #[inline(always)]
    fn places(words: &[Self]) -> &[u32] {
        words
    }

    #[inline(always)]
    fn places_mut(words: &mut [Self]) -> &mut [u32] {
        words
    }
}

/// The weight that one rank alone has, which decides nothing.
const ALONE: u32 = 1.0_f32.to_bits();

/// The bits of a weight without its sign, which is plus, and its last fifteen bits.
#[inline(always)]
fn bits(pair: [u8; 2]) -> u32 {
    u32::from(u16::from_le_bytes(pair)) << 15
}

/// Two ranks share a weight, to 0.4%, in both their words; one that is left over has that of the two before. By rank
/// weights differ so little that few sizes are other than by weights of all ranks, and those by one.
impl Word for u8 {
    const ZERO: Self = 0;

    #[inline(always)]
    fn set_weight(words: &mut [Self], rank: usize, weight: f32) {
        if rank.is_multiple_of(2)
            && let Some(pair) = words.as_chunks_mut().0.get_mut(rank / 2)
        {
            *pair = ((weight.to_bits() >> 15) as u16).to_le_bytes();
        }
    }

    #[inline(always)]
    fn weight(words: &[Self], rank: usize) -> u32 {
        let pairs = words.as_chunks().0;
        pairs.get(rank / 2).or(pairs.last()).map_or(ALONE, |&pair| bits(pair))
    }

    #[inline(always)]
    fn reach(words: &[Self], ranks: usize, least: u32) -> usize {
        let pairs = words.as_chunks().0;
        let reached = pairs.partition_point(|&pair| bits(pair) >= least);
        if reached < pairs.len() {
            ranks.min(2 * reached)
        } else if Self::weight(words, ranks) >= least {
            ranks
        } else {
            0
        }
    }

    #[inline(always)]
    fn of_size(size: u32) -> Self {
        Self::try_from(size).unwrap_or(Self::MAX)
    }

    #[inline(always)]
    fn size(self) -> u32 {
        u32::from(self)
    }

    #[inline(always)]
    fn places(_: &[Self]) -> &[u32] {
        &[]
    }

    #[inline(always)]
    fn places_mut(_: &mut [Self]) -> &mut [u32] {
        &mut []
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math;
    use crate::random::Generator;
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn two_ranks_share_the_weight_of_the_first() {
        let mut words = [7_u8; 5];
        for (rank, weight) in [8.0, 5.0, 3.0, 1.0, 0.5].into_iter().enumerate() {
            u8::set_weight(&mut words, rank, weight);
        }
        let weights = [0, 1, 2, 3, 4].map(|rank| f32::from_bits(u8::weight(&words, rank)));
        assert_eq!(weights, [8.0, 8.0, 3.0, 3.0, 3.0]);
        u8::set_weight(&mut words, 5, 1.0);
        u8::set_weight(&mut words, 6, 1.0);
        assert_eq!(f32::from_bits(u8::weight(&[9], 0)), 1.0);
        assert_eq!((u8::of_size(254).size(), u8::of_size(70_000).size()), (254, 255));
    }

    #[test]
    fn the_weight_of_a_pair_is_rounded_down() {
        let mut generator = Generator::new(5);
        for _ in 0..200 {
            let weight = math::exp(80.0 * generator.symmetric()).max(f32::MIN_POSITIVE);
            let mut words = [0_u8; 2];
            u8::set_weight(&mut words, 0, weight);
            let kept = f32::from_bits(u8::weight(&words, 1));
            assert!(kept <= weight && kept > weight * 0.996, "{weight} {kept}");
        }
    }

    #[test]
    fn ranks_that_reach_a_weight_are_those_that_a_count_finds() {
        let mut generator = Generator::new(6);
        for n in 0..40_usize {
            let mut weights: Vec<f32> = (0..n).map(|_| (generator.below(6) + 1) as f32).collect();
            weights.sort_by(|a, b| b.total_cmp(a));
            let (mut wide, mut narrow) = (vec![0_u32; n], vec![0_u8; n]);
            for (rank, &weight) in weights.iter().enumerate() {
                u32::set_weight(&mut wide, rank, weight);
                u8::set_weight(&mut narrow, rank, weight);
            }
            for (ranks, least) in (0..=n).flat_map(|ranks| (0..8).map(move |least| (ranks, least as f32))) {
                let least = least.to_bits();
                let count =
                    |weight: &dyn Fn(usize) -> u32| (0..ranks).filter(|&rank| weight(rank) >= least).count();
                assert_eq!(u32::reach(&wide, ranks, least), count(&|rank| u32::weight(&wide, rank)));
                assert_eq!(u8::reach(&narrow, ranks, least), count(&|rank| u8::weight(&narrow, rank)));
            }
        }
    }
}
