//! The way from bytes to state.

use core::fmt;
use core::marker::PhantomData;

use postcard::de_flavors::Flavor;
use postcard::{Deserializer, Error};
use serde::Deserialize;
use serde::de::{DeserializeSeed, SeqAccess, Visitor};

use super::SnapshotError;
use super::pieces::Supply;

/// Takes values in the order in which they were written.
#[derive(Debug)]
pub struct Reader<'b> {
    input: Input<'b>,
    dry: bool,
}

/// Where the bytes come from.
#[derive(Debug)]
enum Input<'b> {
    Whole(&'b [u8]),
    Pieces(&'b mut Supply<'b>),
}

impl<'b> Reader<'b> {
    pub(super) const fn new(input: &'b [u8], dry: bool) -> Self {
        Self { input: Input::Whole(input), dry }
    }

    pub(super) const fn in_pieces(supply: &'b mut Supply<'b>, dry: bool) -> Self {
        Self { input: Input::Pieces(supply), dry }
    }

    /// Whether this is the pass that only checks.
    pub const fn is_dry(&self) -> bool {
        self.dry
    }

    /// Refuses a number that differs from what the state has.
    ///
    /// # Errors
    /// [`SnapshotError::OtherShape`].
    pub fn expect(&mut self, expected: u32) -> Result<(), SnapshotError> {
        let found = self.take()?;
        if found == expected { Ok(()) } else { Err(SnapshotError::OtherShape { found, expected }) }
    }

    /// Takes one value. One that borrows bytes can only be had from a snapshot in one piece.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] if there is no such value.
    pub fn take<T: Deserialize<'b>>(&mut self) -> Result<T, SnapshotError> {
        self.seed(PhantomData)
    }

    /// Takes a sequence of `length` values, each of which goes to `each`.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] if there is no such sequence, or if it has another length.
    pub fn sequence<T: Deserialize<'b>>(
        &mut self,
        length: usize,
        each: impl FnMut(T),
    ) -> Result<(), SnapshotError> {
        let complete = self.seed(Sequence { length, each, item: PhantomData })?;
        if complete { Ok(()) } else { Err(SnapshotError::Damaged) }
    }

    /// Takes a sequence as long as `target`, and writes it there unless the reader is dry.
    ///
    /// # Errors
    /// As [`Reader::sequence`].
    pub fn fill<T: Deserialize<'b>>(&mut self, target: &mut [T]) -> Result<(), SnapshotError> {
        let dry = self.dry;
        let length = target.len();
        let mut slots = target.iter_mut();
        self.sequence(length, |value| {
            if !dry && let Some(slot) = slots.next() {
                *slot = value;
            }
        })
    }

    pub(super) fn expect_shape(&mut self, shape: &[u32]) -> Result<(), SnapshotError> {
        self.expect(shape.len() as u32)?;
        shape.iter().try_for_each(|&number| self.expect(number))
    }

    pub(super) const fn expect_end(&self) -> Result<(), SnapshotError> {
        let left = match &self.input {
            Input::Whole(input) => input.len(),
            Input::Pieces(supply) => supply.left,
        };
        if left == 0 { Ok(()) } else { Err(SnapshotError::Damaged) }
    }

    fn seed<S: DeserializeSeed<'b>>(&mut self, seed: S) -> Result<S::Value, SnapshotError> {
        // After an error nothing is left to take.
        let input = core::mem::replace(&mut self.input, Input::Whole(&[]));
        let mut deserializer = Deserializer::from_flavor(input);
        let value = seed.deserialize(&mut deserializer).map_err(|_| SnapshotError::Damaged)?;
        self.input = deserializer.finalize().map_err(|_| SnapshotError::Damaged)?;
        Ok(value)
    }
}

/// An input as postcard wants it.
impl<'b> Flavor<'b> for Input<'b> {
    type Remainder = Self;
    type Source = Self;

    #[inline]
    fn pop(&mut self) -> postcard::Result<u8> {
        match self {
            Self::Whole(input) => input.split_off_first().copied(),
            Self::Pieces(supply) => supply.pop(),
        }
        .ok_or(Error::DeserializeUnexpectedEnd)
    }

    #[inline]
    fn try_take_n(&mut self, count: usize) -> postcard::Result<&'b [u8]> {
        match self {
            Self::Whole(input) => input.split_off(..count).ok_or(Error::DeserializeUnexpectedEnd),
            Self::Pieces(_) => Err(Error::WontImplement),
        }
    }

    #[inline]
    fn try_take_n_temp<'a>(&'a mut self, count: usize) -> postcard::Result<&'a [u8]>
    where
        'b: 'a,
    {
        match self {
            Self::Whole(input) => input.split_off(..count),
            Self::Pieces(supply) => supply.take(count),
        }
        .ok_or(Error::DeserializeUnexpectedEnd)
    }

    fn finalize(self) -> postcard::Result<Self> {
        Ok(self)
    }
}

/// Reads a sequence value by value.
struct Sequence<T, F> {
    length: usize,
    each: F,
    item: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Sequence<T, F> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Sequence<T, F> {
    /// Whether the sequence had the length expected.
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<bool, A::Error> {
        if sequence.size_hint() != Some(self.length) {
            return Ok(false);
        }
        while let Some(value) = sequence.next_element()? {
            (self.each)(value);
        }
        Ok(true)
    }
}
