//! Ids of the outside world, any 32 bits, to the slots of fixed tables.
//!
//! The core numbers the entities of a side from 0 on, and its tables end somewhere. An [`IdTable`] says which
//! entity of the outside has which number, or *slot*. When all slots are taken, one is [handed
//! over](IdTable::hand_over) to a newcomer.
//!
//! ```
//! use scall_core::ids::{IdTable, index_len};
//!
//! let (mut ids, mut index) = ([0; 2], [0; index_len(2)]);
//! let mut table = IdTable::new(&mut ids, &mut index)?;
//! assert_eq!((table.admit(700), table.admit(u32::MAX)), (Some(0), Some(1)));
//! assert_eq!((table.slot(u32::MAX), table.slot(3), table.admit(3)), (Some(1), None, None));
//!
//! assert_eq!(table.hand_over(0, 3), Some(700));
//! assert_eq!((table.slot(3), table.slot(700), table.id(0)), (Some(0), None, Some(3)));
//! # Ok::<(), scall_core::ids::IdError>(())
//! ```

mod index;
mod saved;
#[cfg(test)]
mod tests;

use core::fmt;

pub use index::index_len;

use self::index::Index;

/// The most entities of a table: a slot and one number for "none" have 16 bits.
pub const MAX_ENTITIES: usize = 65_535;

/// Why a table cannot be made.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdError {
    /// More ids than a slot can number.
    TooMany {
        /// Ids asked for.
        asked: usize,
        /// The most there can be.
        limit: usize,
    },
    /// The index is shorter than [`index_len`].
    ShortIndex {
        /// Length needed.
        needed: usize,
        /// Length lent.
        available: usize,
    },
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooMany { .. } => "more ids than slots of 16 bits can number",
            Self::ShortIndex { .. } => "the index of the ids is too short",
        })
    }
}

impl core::error::Error for IdError {}

/// Which slot belongs to which id; 4 bytes an entity, and [`index_len`] for all.
///
/// The index is a hash table with linear probing, seven eighths full at most. What lies side by side in it is in the
/// order of the places where searches begin (Robin Hood hashing, Celis 1986), so a search ends where its id would have
/// to be; and deletion moves what follows back into place, so searches do not get longer however many ids have come
/// and gone. With ids that do not conspire, a search in a full table takes 4.5 steps on average for one that is there
/// and 5 for one that is not; never more than there are places.
#[derive(Debug)]
pub struct IdTable<'a> {
    /// The ids by slot.
    ids: &'a mut [u32],
    /// At an id's place or behind it: its slot.
    index: Index<'a>,
    count: u32,
}

impl<'a> IdTable<'a> {
    /// An empty table for as many entities as there are `ids`; the content of both slices does not matter.
    ///
    /// # Errors
    /// More ids than [`MAX_ENTITIES`], or an index below [`index_len`] of them.
    pub fn new(ids: &'a mut [u32], index: &'a mut [u8]) -> Result<Self, IdError> {
        if ids.len() > MAX_ENTITIES {
            return Err(IdError::TooMany { asked: ids.len(), limit: MAX_ENTITIES });
        }
        let (needed, available) = (index_len(ids.len()), index.len());
        let index = index.get_mut(..needed).ok_or(IdError::ShortIndex { needed, available })?;
        let index = Index::new(index, ids.len());
        Ok(Self { ids, index, count: 0 })
    }

    /// How many slots are taken; they are `0..count`.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// How many slots there are.
    pub const fn capacity(&self) -> u32 {
        self.ids.len() as u32
    }

    /// The slot of an id, if it has one.
    #[inline]
    pub fn slot(&self, id: u32) -> Option<u32> {
        self.find(id).ok().map(|(_, slot)| slot)
    }

    /// The id of a slot, if it is taken.
    #[inline]
    pub fn id(&self, slot: u32) -> Option<u32> {
        self.known().get(slot as usize).copied()
    }

    /// Gives the next free slot to an id; `None` if it has one already, or if none is free.
    pub fn admit(&mut self, id: u32) -> Option<u32> {
        let place = self.find(id).err()?;
        let slot = self.count;
        *self.ids.get_mut(slot as usize)? = id;
        self.insert(place, slot);
        self.count += 1;
        Some(slot)
    }

    /// Gives a slot that is taken to another id, and returns whose it was; `None`, and nothing changes, if
    /// the slot is free or the id has one already.
    pub fn hand_over(&mut self, slot: u32, id: u32) -> Option<u32> {
        let former = self.id(slot)?;
        if self.slot(id).is_some() {
            return None;
        }
        let (place, _) = self.find(former).ok()?;
        self.clear(place);
        *self.ids.get_mut(slot as usize)? = id;
        self.enter(slot);
        Some(former)
    }

    /// How many places a search for an id looks at.
    #[cfg(test)]
    pub(crate) fn steps(&self, id: u32) -> usize {
        let place = self.find(id).map_or_else(|place| place, |(place, _)| place);
        self.distance(self.home(id), place) + 1
    }

    /// The ids by slot.
    fn known(&self) -> &[u32] {
        self.ids.get(..self.count as usize).unwrap_or_default()
    }

    /// The place in the index and the slot of an id, or else the place where it would be entered.
    // Events and questions search; once in the code is enough.
    #[inline(never)]
    fn find(&self, id: u32) -> Result<(usize, u32), usize> {
        let mut place = self.home(id);
        for steps in 0..self.index.places() {
            let Some(slot) = self.index.get(place) else { break };
            let other = self.ids.get(slot as usize).copied().unwrap_or(0);
            if other == id {
                return Ok((place, slot));
            }
            if steps > 0 && self.distance(self.home(other), place) < steps {
                break;
            }
            place = self.after(place);
        }
        Err(place)
    }

    /// Enters a slot, whose id is set, in the index, unless the id is there.
    fn enter(&mut self, slot: u32) {
        if let Some(&id) = self.ids.get(slot as usize)
            && let Err(place) = self.find(id)
        {
            self.insert(place, slot);
        }
    }

    /// Enters a slot at a place, and moves on whatever is there and behind it, up to the next free place.
    fn insert(&mut self, mut place: usize, slot: u32) {
        let mut entry = Some(slot);
        while entry.is_some() {
            let next = self.index.get(place);
            self.index.set(place, entry);
            (entry, place) = (next, self.after(place));
        }
    }

    /// Empties a place, and moves back what follows, up to what is where its search begins.
    fn clear(&mut self, place: usize) {
        let mut hole = place;
        for _ in 0..self.index.places() {
            let next = self.after(hole);
            let Some(slot) = self.index.get(next) else { break };
            let id = self.ids.get(slot as usize).copied().unwrap_or(0);
            if self.home(id) == next {
                break;
            }
            self.index.set(hole, Some(slot));
            hole = next;
        }
        self.index.set(hole, None);
    }

    /// Where the search for an id begins.
    #[inline]
    fn home(&self, id: u32) -> usize {
        ((u64::from(mix(id)) * self.index.places() as u64) >> 32) as usize
    }

    #[inline]
    fn after(&self, place: usize) -> usize {
        let next = place + 1;
        if next < self.index.places() { next } else { 0 }
    }

    /// Steps from one place to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { (to + self.index.places()).saturating_sub(from) }
    }
}

/// A bijection of 32 bits in which every bit depends on all (the finaliser of MurmurHash3, Appleby).
#[inline]
pub(crate) const fn mix(id: u32) -> u32 {
    let hash = (id ^ (id >> 16)).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}
