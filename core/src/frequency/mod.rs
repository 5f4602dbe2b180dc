//! How often each entity has been seen, and its rank.
//!
//! A [`Frequencies`] counts the events of a segment, and at its end lets the counts decay. With a
//! retention of 0 that gives the counts of each segment alone, as published; with one between 0 and 1 the
//! events of the past count less from segment to segment.
//!
//! ```
//! use scall_core::Side;
//! use scall_core::frequency::{Frequencies, rank, retention_of_half_life};
//!
//! let (mut users, mut items) = ([0.0; 1], [0.0; 3]);
//! let mut frequencies = Frequencies::new(&mut users, &mut items);
//! for item in [2, 0, 2] {
//!     frequencies.record(Side::User, 0);
//!     frequencies.record(Side::Item, item);
//! }
//! let mut order = [0; 3];
//! rank(frequencies.of(Side::Item, 3), &mut order);
//! assert_eq!(order, [2, 0, 1]);
//!
//! frequencies.decay(retention_of_half_life(1.0));
//! assert_eq!(frequencies.get(Side::Item, 2), 1.0);
//! ```

mod heap;
mod rank;
mod saved;

pub(crate) use heap::Sorting;
pub use rank::rank;

use crate::allowance::Allowance;
use crate::tables::Count;
use crate::{Side, math};

/// What one segment leaves of a count, so that `segments` of them leave half: `2^(-1 / segments)`.
///
/// A half-life of 0 (or less, or not a number) leaves nothing: every segment counts for itself. An infinite
/// one leaves everything.
pub fn retention_of_half_life(segments: f32) -> f32 {
    if segments > 0.0 { math::pow(0.5, 1.0 / segments) } else { 0.0 }
}

/// The decayed counts of both sides, by id.
#[derive(Debug)]
pub struct Frequencies<'a, C = f32> {
    users: &'a mut [C],
    items: &'a mut [C],
}

impl Frequencies<'_> {
    /// Counts one event of an entity. One beyond the capacity is not counted.
    #[inline]
    pub fn record(&mut self, side: Side, id: u32) {
        self.record_by(side, id, 0);
    }
}

impl<'a, C: Count> Frequencies<'a, C> {
    /// Counts of zero for as many users and items as there are elements. O(elements).
    pub fn new(users: &'a mut [C], items: &'a mut [C]) -> Self {
        users.fill(C::ZERO);
        items.fill(C::ZERO);
        Self { users, items }
    }

    /// How many entities of `side` can be counted.
    #[inline]
    pub fn capacity(&self, side: Side) -> usize {
        self.counts(side).len()
    }

    /// Counts one event of an entity, by `dither` where counts are rounded by chance. One beyond the capacity is not
    /// counted.
    #[inline]
    pub fn record_by(&mut self, side: Side, id: u32, dither: u32) {
        if let Some(count) = self.counts_mut(side).get_mut(id as usize) {
            count.add_one(dither);
        }
    }

    /// Sets the count of an entity, as for a copy of other frequencies. One beyond the capacity has none.
    #[inline]
    pub fn set(&mut self, side: Side, id: u32, count: f32) {
        if let Some(place) = self.counts_mut(side).get_mut(id as usize) {
            *place = C::of(count);
        }
    }

    /// The decayed count of an entity; 0 if it is unknown.
    #[inline]
    pub fn get(&self, side: Side, id: u32) -> f32 {
        self.counts(side).get(id as usize).map_or(0.0, |count| count.value())
    }

    /// The counts of the first `count` entities of `side`, or of all that there are.
    #[inline]
    pub fn of(&self, side: Side, count: u32) -> &[C] {
        let counts = self.counts(side);
        counts.get(..count as usize).unwrap_or(counts)
    }

    /// Ends a segment: multiplies every count by `retention`, from 0 to 1. O(capacity).
    pub fn decay(&mut self, retention: f32) {
        let fading = C::fading(retention);
        for side in Side::BOTH {
            for count in self.counts_mut(side) {
                count.fade(fading);
            }
        }
    }

    /// The same in slices, of which the next begins at count `at` of both sides together; whether that was the last.
    pub(crate) fn decay_on(&mut self, retention: f32, at: &mut usize, allowance: &mut Allowance) -> bool {
        let fading = C::fading(retention);
        for count in self.users.iter_mut().chain(&mut *self.items).skip(*at) {
            if !allowance.take(1) {
                return false;
            }
            count.fade(fading);
            *at += 1;
        }
        true
    }

    #[inline]
    pub(crate) fn counts(&self, side: Side) -> &[C] {
        match side {
            Side::User => self.users,
            Side::Item => self.items,
        }
    }

    #[inline]
    pub(crate) fn counts_mut(&mut self, side: Side) -> &mut [C] {
        match side {
            Side::User => self.users,
            Side::Item => self.items,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_life_halves() {
        for segments in [0.5_f32, 1.0, 2.0, 7.0] {
            let (mut users, mut items) = ([9.0; 1], [9.0; 2]);
            let mut frequencies = Frequencies::new(&mut users, &mut items);
            for _ in 0..8 {
                frequencies.record(Side::Item, 1);
            }
            for _ in 0..(segments * 2.0) as u32 {
                frequencies.decay(retention_of_half_life(segments));
            }
            assert!((frequencies.get(Side::Item, 1) - 2.0).abs() < 1e-5, "{segments}");
            assert_eq!(frequencies.get(Side::Item, 0), 0.0);
        }
    }

    #[test]
    fn the_limits_of_the_half_life() {
        for nothing in [0.0, -1.0, f32::NAN, f32::NEG_INFINITY] {
            assert_eq!(retention_of_half_life(nothing), 0.0);
        }
        assert_eq!(retention_of_half_life(f32::INFINITY), 1.0);
        assert_eq!(retention_of_half_life(f32::MIN_POSITIVE / 4.0), 0.0);
    }

    #[test]
    fn counts_fade_to_zero() {
        let (mut users, mut items) = ([0.0; 1], [0.0; 0]);
        let mut frequencies = Frequencies::new(&mut users, &mut items);
        frequencies.record(Side::User, 0);
        for _ in 0..66 {
            frequencies.decay(0.5);
            assert!(frequencies.get(Side::User, 0) >= 1e-20);
        }
        frequencies.decay(0.5);
        assert_eq!(frequencies.get(Side::User, 0), 0.0);
    }

    #[test]
    fn strangers_count_nothing() {
        let (mut users, mut items) = ([0.0; 1], [0.0; 1]);
        let mut frequencies = Frequencies::new(&mut users, &mut items);
        frequencies.record(Side::User, 1);
        frequencies.record(Side::User, u32::MAX);
        assert_eq!(frequencies.get(Side::User, 1), 0.0);
        assert_eq!(frequencies.of(Side::User, 5), [0.0]);
        assert_eq!(frequencies.of(Side::User, 0), []);
        assert_eq!(frequencies.capacity(Side::Item), 1);
    }
}
