//! The stored number type, and the loops over rows of it.
//!
//! Whoever reads or learns rows does so through [`Element`], so that a narrower type takes the place of
//! `f32` without a change to them, and nothing is ever held twice:
//!
//! | type | bytes | a stored value | arithmetic |
//! | --- | --- | --- | --- |
//! | `f32` | 4 | as computed | `f32` |
//! | [`F16`] | 2 | the nearest half-precision number | `f32` |
//! | `i8` | 1 | a multiple of 1/128, rounded up or down by chance | whole numbers, exact |

mod byte;
mod float;
mod fold;
mod half;

use core::ops::{Add, Mul};

use serde::{Serialize, de::DeserializeOwned};

use crate::math::{LANES, fold};

pub(crate) use fold::fold_eight;
pub use half::F16;

/// The dither with which a bias is stored as the nearest number.
pub const NEAREST: u32 = 1 << 31;

/// A number as the arena stores it, and as a snapshot does through `serde`: in as many bytes, whatever its
/// value.
///
/// ```
/// use scall_core::element::Element;
///
/// let (user, item) = ([1.0_f32, 2.0], [3.0_f32, 4.0, 5.0]);
/// assert_eq!(f32::dot(&user, &item), 11.0);
/// ```
pub trait Element:
    Copy + PartialEq + core::fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The stored zero, of all-zero bytes.
    const ZERO: Self;

    /// Tells the type in a snapshot.
    const KIND: u32;

    /// How many elements of an item's row hold its bias, where items have one.
    const BIAS: usize;

    /// Whether a stored value is rounded up or down by chance, so that steps smaller than the distance of
    /// two stored values add up as they should on average; only then are `dither`s looked at.
    const DITHERS: bool;

    /// Whether sums of products are exact, whatever their order.
    const EXACT: bool;

    /// The distance of two stored values, for types that round by chance; else 0.
    const STEP: f32;

    /// What products of elements are summed in.
    type Sum: Sum;

    /// The value as a float.
    fn to_f32(self) -> f32;

    /// The value as a factor of a sum of products.
    fn factor(self) -> Self::Sum;

    /// The bias at the front of an item's row plus a sum of products of up to 64 dimensions, with the bits of
    /// [`bias`](Self::bias) plus [`dot`](Self::dot).
    fn score(bias: &[Self], products: Self::Sum) -> f32;

    /// The stored value nearest to `value`; what lies outside the range goes to its end.
    fn from_f32(value: f32) -> Self;

    /// The bias at the front of an item's row; 0 in a row too short for one.
    fn bias(row: &[Self]) -> f32;

    /// Sets it; a row too short for a bias stays as it is. Returns whether it went to the end of the range.
    fn set_bias(row: &mut [Self], bias: f32, dither: u32) -> bool;

    /// Dot product of the common leading elements.
    fn dot(a: &[Self], b: &[Self]) -> f32;

    /// Sums over three slices of equal length.
    fn sum_triple(user: &[Self], positive: &[Self], negative: &[Self]) -> TripleSums;

    /// Sums over two slices of equal length.
    fn sum_pair(user: &[Self], item: &[Self]) -> PairSums;

    /// What becomes of three rows of equal length that met: of the user's `keep p + pull (i - j)`, of the
    /// items' `keep i + pull p` and `keep j - pull p`. Returns how many values went to the end of the range.
    fn step_triple(
        user: &mut [Self],
        positive: &mut [Self],
        negative: &mut [Self],
        rates: [Rates; 3],
        dither: u32,
    ) -> u32;

    /// What becomes of two rows of equal length that met: `keep` of itself and `pull` of the other.
    fn step_pair(user: &mut [Self], item: &mut [Self], rates: [Rates; 2], dither: u32) -> u32;
}

/// A number that adds up products.
pub trait Sum:
    Copy + Default + core::fmt::Debug + Add<Output = Self> + Mul<Output = Self> + Send + Sync
{
    /// The number if all bits of `mask` are set, zero if none is.
    #[must_use]
    fn masked(self, mask: u32) -> Self;

    /// The sum of eight lanes, in the order of [`math::fold`](crate::math::fold).
    #[must_use]
    fn fold(lanes: [Self; LANES]) -> Self;
}

/// In `f32` the order of a sum matters.
impl Sum for f32 {
    #[inline(always)]
    fn masked(self, mask: u32) -> Self {
        Self::from_bits(self.to_bits() & mask)
    }

    #[inline(always)]
    fn fold(lanes: [Self; LANES]) -> Self {
        fold(lanes)
    }
}

/// Products of bytes, exactly.
impl Sum for i32 {
    #[inline(always)]
    fn masked(self, mask: u32) -> Self {
        self & mask.cast_signed()
    }

    #[inline(always)]
    fn fold(lanes: [Self; LANES]) -> Self {
        lanes.iter().sum()
    }
}

/// Sums over the dimensions that a user and two items have.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TripleSums {
    /// Of the squared difference of the items.
    pub difference_squared: f32,
    /// Of the user's squares.
    pub user_squared: f32,
    /// Of the first item's squares.
    pub positive_squared: f32,
    /// Of the second item's squares.
    pub negative_squared: f32,
    /// Of the user's products with the first item.
    pub positive_dot: f32,
    /// Of the user's products with the second item.
    pub negative_dot: f32,
}

/// Sums over the dimensions that a user and an item have.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PairSums {
    /// Of the user's squares.
    pub user_squared: f32,
    /// Of the item's squares.
    pub item_squared: f32,
    /// Of their products.
    pub dot: f32,
}

/// What becomes of a row: `keep` of itself, and `pull` of the rows it met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Factor of the row itself.
    pub keep: f32,
    /// Factor of what it met.
    pub pull: f32,
}

impl Rates {
    /// The same with `sign` times the pull.
    #[inline(always)]
    #[must_use]
    pub fn times(self, sign: f32) -> Self {
        Self { pull: sign * self.pull, ..self }
    }
}
