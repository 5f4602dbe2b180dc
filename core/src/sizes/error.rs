use core::fmt;

use super::Distribution;

/// Why sizes could not be computed. The call that returns it has changed nothing.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum SizesError {
    /// The shape is not finite or outside what [`Distribution::accepts`].
    Shape {
        /// The distribution it was meant for.
        distribution: Distribution,
        /// The refused shape.
        shape: f32,
    },
    /// The users' share of the budget is not a finite number.
    Share {
        /// The refused share.
        share: f32,
    },
    /// The smallest size is above the largest.
    Bounds {
        /// Smallest size of a row.
        min: u32,
        /// Largest size of a row.
        max: u32,
    },
    /// The counts do not have one element per size.
    CountsTooShort {
        /// Elements needed.
        needed: usize,
        /// Elements there.
        available: usize,
    },
    /// A side has more entities than a word can number.
    TooManyEntities {
        /// Entities asked for.
        entities: usize,
        /// The most there can be.
        limit: usize,
    },
    /// The words do not hold every id exactly once.
    NotARanking,
    /// The counts do not add up to the number of entities.
    CountsDisagree {
        /// Ranks that the counts cover.
        counted: u64,
        /// Entities there.
        entities: usize,
    },
}

impl fmt::Display for SizesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shape { .. } => "shape outside the range of its distribution",
            Self::Share { .. } => "share of the users is not a finite number",
            Self::Bounds { .. } => "smallest size is above the largest size",
            Self::CountsTooShort { .. } => "counts need one element per size from 0 to the largest",
            Self::TooManyEntities { .. } => "more entities than can be numbered",
            Self::NotARanking => "ranking does not hold every id exactly once",
            Self::CountsDisagree { .. } => "counts do not add up to the number of entities",
        })
    }
}

impl core::error::Error for SizesError {}
