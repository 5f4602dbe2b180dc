//! A recommender that lives on a device: ids of the outside world, and tables that never fill up.
//!
//! A [`Device`] is a [`SegmentLoop`] behind two [`IdTable`]s. While there is room, newcomers get the next
//! slot; when a table is full, they take the place of the rarest entity of their side: the one with the
//! smallest decayed count, the first of them where several have it. Its row keeps its size until the next
//! decision and starts anew; nothing else is left of it.
//!
//! A [`DeviceShape`] says how much memory that takes, and starts a device over it.

mod saved;
mod shape;
#[cfg(test)]
mod tests;
mod thin;

use core::fmt;

use crate::Side;
use crate::digest::Digest;
use crate::element::Element;
use crate::ids::IdTable;
use crate::policy::{Policy, Sac};
use crate::recommender::{Observed, Recommender, RecommenderError, Scored};
use crate::segment::SegmentLoop;
use crate::side::PerSide;
use crate::tables::{Full, Tables};

pub use shape::{DeviceError, DeviceMemory, DeviceSettings, DeviceShape};
pub use thin::ThinDeviceMemory;

/// Recommender, policy, and who is who.
#[derive(Debug)]
pub struct Device<'a, E = f32, P = Sac<'a>, T: Tables = Full> {
    segments: SegmentLoop<'a, E, P, T>,
    ids: PerSide<IdTable<'a>>,
    evicted: PerSide<u32>,
}

/// A table of ids has not as many slots as its side has places.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapacityError {
    /// The side.
    pub side: Side,
    /// Slots of the table.
    pub slots: u32,
    /// Entities that the recommender has room for.
    pub places: u32,
}

impl fmt::Display for CapacityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.side {
            Side::User => "the table of user ids has not as many slots as there are places for users",
            Side::Item => "the table of item ids has not as many slots as there are places for items",
        })
    }
}

impl core::error::Error for CapacityError {}

impl<'a, E: Element, P: Policy, T: Tables> Device<'a, E, P, T> {
    /// A device at its beginning: neither loop nor tables know anybody.
    ///
    /// # Errors
    /// Tables with more or fewer slots than the recommender has places, or that know others than it does.
    pub fn new(segments: SegmentLoop<'a, E, P, T>, ids: PerSide<IdTable<'a>>) -> Result<Self, CapacityError> {
        let arena = segments.recommender().arena();
        for side in Side::BOTH {
            let table = ids.get(side);
            let (slots, places) = (table.capacity(), arena.capacity(side));
            if slots != places || table.count() != arena.count(side) {
                return Err(CapacityError { side, slots, places });
            }
        }
        Ok(Self { segments, ids, evicted: PerSide::new(0, 0) })
    }

    /// The loop of segments, in which entities go by their slots.
    pub const fn segments(&self) -> &SegmentLoop<'a, E, P, T> {
        &self.segments
    }

    /// The loop of segments, to close one and to decide.
    ///
    /// Who is admitted there, and not here, has no id.
    pub const fn segments_mut(&mut self) -> &mut SegmentLoop<'a, E, P, T> {
        &mut self.segments
    }

    /// Who is in which slot.
    pub const fn ids(&self, side: Side) -> &IdTable<'a> {
        self.ids.get(side)
    }

    /// How many entities of a side had to make way so far; stops at the largest number there is.
    pub const fn evicted(&self, side: Side) -> u32 {
        *self.evicted.get(side)
    }

    /// Takes one event; see [`Recommender::observe`]. Newcomers are welcome, however many there were.
    ///
    /// O(dimensions), and for a newcomer to a full table O(users + items).
    ///
    /// # Errors
    /// None with tables that [`new`](Self::new) took.
    pub fn observe(&mut self, user: u32, item: u32) -> Result<Observed, RecommenderError> {
        let (user, new_user) = self.slot(Side::User, user)?;
        let (item, new_item) = self.slot(Side::Item, item)?;
        let observed = self.segments.observe(user, item)?;
        Ok(Observed { new_user, new_item, ..observed })
    }

    /// The ids of the best items that `user` has not had lately, best first, in `out`; returns how many.
    /// Strangers are answered as the mean of all users.
    pub fn recommend(&self, user: u32, out: &mut [Scored]) -> usize {
        let slot = self.ids.user.slot(user).unwrap_or(u32::MAX);
        let found = self.segments.recommend(slot, out);
        for scored in out.iter_mut().take(found) {
            scored.item = self.ids.item.id(scored.item).unwrap_or(u32::MAX);
        }
        found
    }

    /// Whether a user's having had an item is remembered.
    pub fn has_seen(&self, user: u32, item: u32) -> bool {
        let slots = (self.ids.user.slot(user), self.ids.item.slot(item));
        matches!(slots, (Some(user), Some(item)) if self.recommender().seen().contains(user, item))
    }

    /// The recommender, in which entities go by their slots.
    pub const fn recommender(&self) -> &Recommender<'a, E, T> {
        self.segments.recommender()
    }

    /// The slot of an id, and whether it is new to it.
    #[inline]
    fn slot(&mut self, side: Side, id: u32) -> Result<(u32, bool), RecommenderError> {
        match self.ids.get(side).slot(id) {
            Some(slot) => Ok((slot, false)),
            None => self.welcome(side, id).map(|slot| (slot, true)),
        }
    }

    /// Gives a newcomer the next slot, or that of the rarest.
    #[cold]
    #[inline(never)]
    fn welcome(&mut self, side: Side, id: u32) -> Result<u32, RecommenderError> {
        let recommender = self.segments.recommender_mut();
        let table = self.ids.get_mut(side);
        if let Some(slot) = table.admit(id) {
            let size = *recommender.admission_sizes().get(side);
            recommender.admit(side, size)?;
            return Ok(slot);
        }
        let (mut rarest, mut fewest) = (0, None);
        for (slot, &count) in (0..).zip(recommender.frequencies().of(side, table.count())) {
            if fewest.is_none_or(|fewest| count < fewest) {
                (rarest, fewest) = (slot, Some(count));
            }
        }
        recommender.hand_over(side, rarest)?;
        table.hand_over(rarest, id);
        let evicted = self.evicted.get_mut(side);
        *evicted = evicted.saturating_add(1);
        Ok(rarest)
    }
}

impl<E: Element, P: Policy, T: Tables> Device<'_, E, P, T> {
    /// A fingerprint of who is known and of all rows; the policy is not in it. O(elements).
    pub fn digest(&self) -> Digest {
        let arena = self.recommender().arena();
        let mut digest = Digest::new();
        for side in Side::BOTH {
            digest.word(arena.count(side));
            add(&mut digest, arena.cold_row(side));
            for slot in 0..arena.count(side) {
                digest.word(self.ids(side).id(slot).unwrap_or(0));
                digest.word(arena.size(side, slot));
                add(&mut digest, arena.row(side, slot));
            }
        }
        digest
    }
}

/// Takes in the values of a row.
fn add<E: Element>(digest: &mut Digest, row: &[E]) {
    for element in row {
        digest.floats(&[element.to_f32()]);
    }
}
