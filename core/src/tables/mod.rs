//! How a recommender keeps what it knows of an entity beside its row.
//!
//! | per entity | [`Full`] | [`Thin`] |
//! | --- | --- | --- |
//! | where its row lies | a boundary, 4 bytes | a length, 1 byte, and a quarter of one for the start of its block |
//! | how often it was seen | `f32` | [`LogCount`], 1 byte |
//! | AdaGrad's sum | `f32` | [`LogSum`], 1 byte |
//! | word of a size decision | `u32`: weight, rank, size, order of retrieval | `u8`: size, or half the weight of two ranks |
//! | together | 16 bytes | 4.25 bytes |
//!
//! Both have every function. With [`Thin`] a row has at most 254 elements, counts and sums are numbers on a
//! logarithmic scale, rounded up or down by chance so that they are right on average, ranks are derived from the
//! counts when they are asked for, and retrieval visits the items in the order of their ids.

mod lengths;
mod logarithm;
mod ranking;
mod rows;
mod word;

use core::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

pub use lengths::starts_len;
pub use logarithm::{LogCount, LogSum};
pub use rows::{Implied, RowLength, RowTable, RowView};
pub use word::Word;

use self::ranking::{ByClass, BySort};
use crate::allowance::Allowance;
use crate::frequency::rank;
use crate::math;
use crate::random::Generator;
use crate::sizes::{SizesError, deal, write_descending};

/// A choice of tables, made where a recommender's type is written.
pub trait Tables: sealed::Sealed + Debug + 'static {
    /// What is stored of where a row lies.
    type Length: RowLength<Word = Self::Word>;
    /// How often an entity was seen.
    type Count: Count;
    /// AdaGrad's sum of an entity.
    type Sum: SquareSum;
    /// What a size decision keeps of an entity.
    type Word: Word;

    /// How far ranks have come that are made in slices.
    type Ranking: Copy + Debug + Default + PartialEq;

    /// Tells the tables in a snapshot.
    const KIND: u32;
    /// Whether numbers are rounded by chance; only then are `dither`s looked at.
    const DITHERS: bool;

    /// Shows the counts of all entities, falling: those of their ranks. The words may lose what they held.
    /// O(entities log entities).
    fn by_rank(counts: &[Self::Count], words: &mut [Self::Word], visit: impl FnMut(f32));

    /// [`by_rank`](Self::by_rank) in slices; whether that was the last. The words belong to it until then.
    fn by_rank_on(
        counts: &[Self::Count],
        words: &mut [Self::Word],
        ranking: &mut Self::Ranking,
        allowance: &mut Allowance,
        visit: impl FnMut(f32),
    ) -> bool;

    /// [`deal`](Self::deal) in slices; whether that was the last. `sums` say how many ranks have at least each size.
    /// Where counts change between the slices, every entity still gets the size of some rank, and no two that of one.
    fn deal_on(
        counts: &[Self::Count],
        words: &mut [Self::Word],
        sums: &[u32],
        ranking: &mut Self::Ranking,
        allowance: &mut Allowance,
    ) -> bool;

    /// Notes the `weight` of each rank's count in the words, and returns the sum of all. O(entities log entities).
    fn weigh(counts: &[Self::Count], words: &mut [Self::Word], weight: impl FnMut(f32) -> f32) -> f64;

    /// Writes the size of each entity to its word: `sizes` says how many ranks have which. Among equals the
    /// newer entity comes first. O(entities log entities).
    ///
    /// # Errors
    /// [`SizesError::CountsDisagree`] and [`SizesError::TooManyEntities`].
    fn deal(counts: &[Self::Count], words: &mut [Self::Word], sizes: &mut [u32]) -> Result<(), SizesError>;

    /// The same with ranks by chance.
    ///
    /// # Errors
    /// As [`deal`](Self::deal).
    fn deal_blindly(
        words: &mut [Self::Word],
        sizes: &mut [u32],
        generator: &mut Generator,
    ) -> Result<(), SizesError>;
}

/// How often something was seen.
pub trait Count: Copy + PartialOrd + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Never.
    const ZERO: Self;
    /// What one decay does to every count.
    type Fading: Copy;

    /// The number.
    fn value(self) -> f32;
    /// The nearest count to a number.
    fn of(value: f32) -> Self;
    /// One more.
    fn add_one(&mut self, dither: u32);
    /// What a retention, from 0 to 1, does.
    fn fading(retention: f32) -> Self::Fading;
    /// Lets the count fade.
    fn fade(&mut self, fading: Self::Fading);
    /// Whether a count can be so.
    fn is_possible(self) -> bool;
    /// Counts as the floats that they are, if so.
    fn floats(counts: &[Self]) -> Option<&[f32]>;
    /// Floats as the counts that they are, if so.
    fn of_floats(floats: &[f32]) -> Option<&[Self]>;
}

/// A running sum of squares, asked for the inverse of its root.
pub trait SquareSum: Copy + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Nothing yet.
    const ZERO: Self;

    /// Adds a square; returns 1 over the root of the sum.
    fn advance(&mut self, square: f32, dither: u32) -> f32;
}

/// Four words an entity: the fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// A quarter of that: for memory that is counted in all its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thin;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Full {}
    impl Sealed for super::Thin {}
}

impl Tables for Full {
    type Length = Implied;
    type Count = f32;
    type Sum = f32;
    type Word = u32;
    type Ranking = BySort;

    const KIND: u32 = 0;
    const DITHERS: bool = false;

    fn by_rank(counts: &[f32], words: &mut [u32], visit: impl FnMut(f32)) {
        rank(counts, words);
        words.iter().map(|&id| counts.get(id as usize).copied().unwrap_or(0.0)).for_each(visit);
    }

    fn by_rank_on(
        counts: &[f32],
        words: &mut [u32],
        ranking: &mut BySort,
        allowance: &mut Allowance,
        visit: impl FnMut(f32),
    ) -> bool {
        ranking.visit(counts, words, allowance, visit)
    }

    fn deal_on(
        counts: &[f32],
        words: &mut [u32],
        sums: &[u32],
        ranking: &mut BySort,
        allowance: &mut Allowance,
    ) -> bool {
        ranking.deal(counts, words, sums, allowance)
    }

    fn weigh(counts: &[f32], words: &mut [u32], mut weight: impl FnMut(f32) -> f32) -> f64 {
        rank(counts, words);
        let mut sum = 0.0;
        for word in words {
            let weight = weight(counts.get(*word as usize).copied().unwrap_or(0.0));
            sum += f64::from(weight);
            *word = weight.to_bits();
        }
        sum
    }

    fn deal(counts: &[f32], words: &mut [u32], sizes: &mut [u32]) -> Result<(), SizesError> {
        rank(counts, words);
        deal(words, sizes)
    }

    fn deal_blindly(
        words: &mut [u32],
        sizes: &mut [u32],
        generator: &mut Generator,
    ) -> Result<(), SizesError> {
        for (id, word) in (0_u32..).zip(words.iter_mut()) {
            *word = id;
        }
        shuffle(words, generator);
        deal(words, sizes)
    }
}

impl Tables for Thin {
    type Length = u8;
    type Count = LogCount;
    type Sum = LogSum;
    type Word = u8;
    type Ranking = ByClass;

    const KIND: u32 = 1;
    const DITHERS: bool = true;

    fn by_rank(counts: &[LogCount], _: &mut [u8], mut visit: impl FnMut(f32)) {
        for (count, entities) in ranking::classes(counts) {
            (0..entities).for_each(|_| visit(count));
        }
    }

    fn by_rank_on(
        counts: &[LogCount],
        words: &mut [u8],
        ranking: &mut ByClass,
        allowance: &mut Allowance,
        mut visit: impl FnMut(f32),
    ) -> bool {
        ranking.go_on(counts, words, allowance, |id, _| {
            visit(counts.get(id).map_or(0.0, |count| count.value()));
            0
        })
    }

    fn deal_on(
        counts: &[LogCount],
        words: &mut [u8],
        sums: &[u32],
        ranking: &mut ByClass,
        allowance: &mut Allowance,
    ) -> bool {
        ranking.go_on(counts, words, allowance, |_, rank| size_of_rank(sums, rank))
    }

    fn weigh(counts: &[LogCount], words: &mut [u8], mut weight: impl FnMut(f32) -> f32) -> f64 {
        let (mut rank, mut sum) = (0, 0.0);
        for (value, entities) in ranking::classes(counts) {
            let weight = weight(value);
            for _ in 0..entities {
                u8::set_weight(words, rank, weight);
                rank += 1;
            }
            sum += f64::from(weight) * f64::from(entities);
        }
        sum
    }

    fn deal(counts: &[LogCount], words: &mut [u8], sizes: &mut [u32]) -> Result<(), SizesError> {
        ranking::deal(counts, words, sizes)
    }

    fn deal_blindly(
        words: &mut [u8],
        sizes: &mut [u32],
        generator: &mut Generator,
    ) -> Result<(), SizesError> {
        write_descending(sizes, words)?;
        shuffle(words, generator);
        Ok(())
    }
}

/// The size of a rank, from how many ranks have at least each size.
fn size_of_rank(sums: &[u32], rank: u32) -> u32 {
    sums.partition_point(|&ranks| ranks > rank).saturating_sub(1) as u32
}

/// Puts words in random order.
fn shuffle<W>(words: &mut [W], generator: &mut Generator) {
    let mut rest = words;
    while let Some((last, before)) = rest.split_last_mut().filter(|(_, before)| !before.is_empty()) {
        let other = generator.below(before.len() as u32 + 1);
        if let Some(other) = before.get_mut(other as usize) {
            core::mem::swap(last, other);
        }
        rest = before;
    }
}

/// What a decay leaves below this becomes zero, before it gets so small that arithmetic slows down.
const SMALLEST: f32 = 1e-20;

/// A count that decays never comes near 2^24, where adding one to an `f32` has no effect any more.
impl Count for f32 {
    const ZERO: Self = 0.0;
    type Fading = Self;

    #[inline(always)]
    fn value(self) -> f32 {
        self
    }

    #[inline(always)]
    fn of(value: f32) -> Self {
        value
    }

    #[inline(always)]
    fn add_one(&mut self, _: u32) {
        *self += 1.0;
    }

    fn fading(retention: f32) -> Self {
        retention
    }

    #[inline(always)]
    fn fade(&mut self, retention: Self) {
        let left = *self * retention;
        *self = if left >= SMALLEST { left } else { 0.0 };
    }

    fn is_possible(self) -> bool {
        (0.0..Self::INFINITY).contains(&self)
    }

    fn floats(counts: &[Self]) -> Option<&[f32]> {
        Some(counts)
    }

    fn of_floats(floats: &[f32]) -> Option<&[Self]> {
        Some(floats)
    }
}

/// Added to a sum before the inverse square root.
const EPSILON: f32 = 1e-8;

impl SquareSum for f32 {
    const ZERO: Self = 0.0;

    #[inline(always)]
    fn advance(&mut self, square: f32, _: u32) -> f32 {
        *self += square;
        math::inverse_sqrt(*self + EPSILON)
    }
}

#[cfg(test)]
mod tests;
