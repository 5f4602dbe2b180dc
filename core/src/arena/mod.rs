//! Embedding rows of different lengths, back to back in one slice, inside a hard budget.
//!
//! ```text
//!  values, from address 0                                                        to values.len()
//! +-----------+--------+--------+-----+ - - - - - - - - +-----+--------+--------+-----------+
//! | user cold | user 0 | user 1 | ... |      gap        | ... | item 1 | item 0 | item cold |
//! +-----------+--------+--------+-----+ - - - - - - - - +-----+--------+--------+-----------+
//!             ^        ^        ^                             ^        ^        ^
//! user_boundaries [0]  [1]      [2]         item_boundaries  [2]      [1]      [0]
//! ```
//!
//! Users grow from the low end and items from the high end, so admission is an append on either side
//! and the items lie together for retrieval. Nothing is stored but the rows and one boundary per entity:
//! a row's length is the difference of two neighbours. Rows are never padded. Memory that is scarcer than time takes
//! [lengths](Arena::with_lengths) instead of boundaries: a byte and a quarter per entity, for rows of up to 254.
//!
//! The *budget* is a number of elements, at most `values.len()`, that the rows of both sides and the two
//! cold-start rows together never exceed. *Head-room* is what is left of it; the gap is at least as large.
//! An entity that nobody knows, or whose row has size 0, is served by its side's cold-start row.
//!
//! Rows change length in [`Arena::repack`] alone, where a row keeps its leading elements.
//!
//! ```
//! use scall_core::arena::{Arena, ArenaMemory, boundaries_len};
//! use scall_core::side::{PerSide, Side};
//!
//! let mut values = [0.0_f32; 16];
//! let (mut users, mut items) = ([0; boundaries_len(2)], [0; boundaries_len(2)]);
//! let memory =
//!     ArenaMemory { values: &mut values, user_boundaries: &mut users, item_boundaries: &mut items };
//! let mut arena = Arena::new(memory, PerSide::new(1, 2), 14)?;
//!
//! let ones = |_, _, _, elements: &mut [f32]| elements.fill(1.0);
//! let user = arena.admit(Side::User, 4, ones)?;
//! assert_eq!(arena.row(Side::User, user.id), [1.0; 4]);
//! assert_eq!(arena.head_room(), 14 - 3 - 4);
//!
//! // The user shrinks, and an item comes that takes all the rest.
//! arena.repack(&[2], &[9], ones)?;
//! assert_eq!(arena.row(Side::User, 0), [1.0; 2]);
//! assert_eq!(arena.size(Side::Item, 0), 9);
//! assert_eq!(arena.head_room(), 0);
//! # Ok::<(), scall_core::arena::ArenaError>(())
//! ```

mod error;
mod repack;
mod rows;
mod saved;
mod slices;
mod store;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod thin_tests;

use core::ops::Range;

pub use error::ArenaError;
pub use repack::Repacked;
pub use store::ArenaStore;

use crate::Side;
use crate::element::Element;
use crate::side::PerSide;
use crate::tables::{Implied, RowLength, RowTable, RowView};

/// Length of a boundary slice for up to `entities` entities.
pub const fn boundaries_len(entities: usize) -> usize {
    entities.saturating_add(1)
}

/// The memory an [`Arena`] works on. What it contains before does not matter.
#[derive(Debug)]
pub struct ArenaMemory<'a, E = f32> {
    /// The elements of all rows: as many as the largest budget, at most `u32::MAX`.
    pub values: &'a mut [E],
    /// [`boundaries_len`] of the most users.
    pub user_boundaries: &'a mut [u32],
    /// [`boundaries_len`] of the most items.
    pub item_boundaries: &'a mut [u32],
}

/// What [`Arena::admit`] gave.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The new entity: the count of its side before.
    pub id: u32,
    /// The size of its row: as asked, or 0 if the head-room was too short.
    pub size: u32,
}

/// What an [`Arena`] uses of its memory, in elements and in bytes.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArenaStats {
    /// The most elements that rows may use.
    pub budget: u32,
    /// Elements in use, the cold-start rows included.
    pub used: u32,
    /// Elements of the budget not in use, which lie together.
    pub free: u32,
    /// The most elements that were ever in use.
    pub high_water: u32,
    /// Bytes of the budget.
    pub budget_bytes: usize,
    /// Bytes in use.
    pub used_bytes: usize,
    /// Bytes of the budget not in use.
    pub free_bytes: usize,
    /// The most bytes that were ever in use.
    pub high_water_bytes: usize,
    /// Bytes of the tables of rows of both sides, used or not; no part of the budget.
    pub table_bytes: usize,
}

/// All elements, and where the items' rows lie in them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ItemTable<'r, E, L> {
    pub(crate) values: &'r [E],
    pub(crate) rows: RowView<'r, L>,
    /// How many items have a place in the table.
    pub(crate) count: u32,
    /// The item in front of which a repack has left a gap, and where it ends.
    pub(crate) gap: Option<(u32, u32)>,
}

/// Where the row lies that serves an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Serving {
    start: u32,
    end: u32,
    /// Whether it is the entity's own row, and not the cold-start row.
    pub(crate) is_own: bool,
}

impl Serving {
    #[inline(always)]
    const fn len(self) -> usize {
        self.end.wrapping_sub(self.start) as usize
    }
}

/// The rows of all users and items. See the [module](self) for the layout.
#[derive(Debug)]
pub struct Arena<'a, E = f32, L = Implied> {
    values: &'a mut [E],
    rows: PerSide<RowTable<'a, L>>,
    counts: PerSide<u32>,
    /// The first ids of each side, whose rows lie where their boundaries say: all but during a repack in slices.
    settled: PerSide<u32>,
    /// A repack in slices.
    motion: Option<slices::Motion>,
    /// Elements in use on each side, its cold-start row included.
    taken: PerSide<u32>,
    budget: u32,
    high_water: u32,
    cold_starts: PerSide<u32>,
}

impl<'a, E: Element> Arena<'a, E> {
    /// An arena without entities, whose cold-start rows have `cold_sizes` elements, all zero.
    ///
    /// O(`cold_sizes`): neither the other elements nor the boundaries are touched.
    ///
    /// # Errors
    /// More than `u32::MAX` elements, an empty boundary slice, a budget above the number of elements, or
    /// one below the cold-start rows.
    pub fn new(
        memory: ArenaMemory<'a, E>,
        cold_sizes: PerSide<u32>,
        budget: u32,
    ) -> Result<Self, ArenaError> {
        let ArenaMemory { values, user_boundaries, item_boundaries } = memory;
        let rows =
            PerSide::new(RowTable::new(&mut [], user_boundaries), RowTable::new(&mut [], item_boundaries));
        Self::over(values, rows, cold_sizes, budget)
    }
}

impl<'a, E: Element> Arena<'a, E, u8> {
    /// The same with a byte for each row instead of a boundary: rows have at most 254 elements. `lengths` are as many
    /// as the most entities of their side, and the boundaries of the memory
    /// [`starts_len`](crate::tables::starts_len) of them.
    ///
    /// # Errors
    /// As [`new`](Arena::new).
    pub fn with_lengths(
        memory: ArenaMemory<'a, E>,
        lengths: PerSide<&'a mut [u8]>,
        cold_sizes: PerSide<u32>,
        budget: u32,
    ) -> Result<Self, ArenaError> {
        let ArenaMemory { values, user_boundaries, item_boundaries } = memory;
        let PerSide { user, item } = lengths;
        let rows = PerSide::new(RowTable::new(user, user_boundaries), RowTable::new(item, item_boundaries));
        Self::over(values, rows, cold_sizes, budget)
    }
}

impl<'a, E: Element, L: RowLength> Arena<'a, E, L> {
    fn over(
        values: &'a mut [E],
        mut rows: PerSide<RowTable<'a, L>>,
        cold_sizes: PerSide<u32>,
        budget: u32,
    ) -> Result<Self, ArenaError> {
        let available = u32::try_from(values.len())
            .map_err(|_| ArenaError::TooLarge { available: values.len(), limit: u32::MAX })?;
        if budget > available {
            return Err(ArenaError::BudgetAboveMemory { asked: budget, available });
        }
        let needed = u64::from(cold_sizes.user) + u64::from(cold_sizes.item);
        if needed > u64::from(budget) {
            return Err(ArenaError::OverBudget { needed, budget });
        }
        if !rows.user.begin(cold_sizes.user) {
            return Err(ArenaError::NoTable { side: Side::User });
        }
        if !rows.item.begin(available - cold_sizes.item) {
            return Err(ArenaError::NoTable { side: Side::Item });
        }
        let mut arena = Self {
            values,
            rows,
            counts: PerSide::new(0, 0),
            settled: PerSide::new(0, 0),
            motion: None,
            taken: cold_sizes,
            budget,
            high_water: cold_sizes.user + cold_sizes.item,
            cold_starts: PerSide::new(0, 0),
        };
        for side in Side::BOTH {
            arena.cold_row_mut(side).fill(E::ZERO);
        }
        Ok(arena)
    }

    /// How many entities `side` has; their ids are `0..count`.
    #[inline]
    pub fn count(&self, side: Side) -> u32 {
        *self.counts.get(side)
    }

    /// How many entities `side` can have.
    #[inline]
    pub fn capacity(&self, side: Side) -> u32 {
        u32::try_from(self.rows(side).capacity()).unwrap_or(u32::MAX)
    }

    /// The most elements that rows may use, the cold-start rows included.
    #[inline]
    pub fn budget(&self) -> u32 {
        self.budget
    }

    /// Moves the budget.
    ///
    /// # Errors
    /// A budget below what is used now (repack first), or above the memory; any, while a repack is under way.
    pub fn set_budget(&mut self, budget: u32) -> Result<(), ArenaError> {
        if self.is_repacking() {
            return Err(ArenaError::Repacking);
        }
        let available = self.len();
        if budget > available {
            return Err(ArenaError::BudgetAboveMemory { asked: budget, available });
        }
        if budget < self.used() {
            return Err(ArenaError::OverBudget { needed: u64::from(self.used()), budget });
        }
        self.budget = budget;
        Ok(())
    }

    /// Elements in use, the cold-start rows included; at most the budget.
    #[inline]
    pub fn used(&self) -> u32 {
        self.taken.user + self.taken.item
    }

    /// Elements in use on one side, its cold-start row included.
    #[inline]
    pub fn used_by(&self, side: Side) -> u32 {
        *self.taken.get(side)
    }

    /// What the budget leaves for the rows of entities: the budget less the two cold-start rows.
    #[inline]
    pub fn row_budget(&self) -> u32 {
        self.budget - self.cold_size(Side::User) - self.cold_size(Side::Item)
    }

    /// Elements that can still be admitted before the next repack.
    #[inline]
    pub fn head_room(&self) -> u32 {
        self.budget - self.used()
    }

    /// The most elements that were ever in use.
    #[inline]
    pub fn high_water(&self) -> u32 {
        self.high_water
    }

    /// What the arena uses of its memory.
    pub fn stats(&self) -> ArenaStats {
        let bytes = |elements: u32| elements as usize * size_of::<E>();
        ArenaStats {
            budget: self.budget,
            used: self.used(),
            free: self.head_room(),
            high_water: self.high_water,
            budget_bytes: bytes(self.budget),
            used_bytes: bytes(self.used()),
            free_bytes: bytes(self.head_room()),
            high_water_bytes: bytes(self.high_water),
            table_bytes: self.rows(Side::User).bytes() + self.rows(Side::Item).bytes(),
        }
    }

    /// How many entities of `side` were admitted without a row, for want of head-room, since the last
    /// repack.
    #[inline]
    pub fn cold_starts(&self, side: Side) -> u32 {
        *self.cold_starts.get(side)
    }

    /// The size of an entity's own row; 0 if it has none or is unknown.
    #[inline]
    pub fn size(&self, side: Side, id: u32) -> u32 {
        self.own_span(side, id).map_or(0, |(start, end)| end - start)
    }

    /// The size of the cold-start row of `side`.
    #[inline]
    pub fn cold_size(&self, side: Side) -> u32 {
        let (start, end) = self.cold_span(side);
        end - start
    }

    /// Whether an entity is served by the cold-start row: it is unknown, or its size is 0.
    #[inline]
    pub fn is_cold(&self, side: Side, id: u32) -> bool {
        self.size(side, id) == 0
    }

    /// The row that serves an entity: its own, or the cold-start row of its side. O(1).
    #[inline]
    pub fn row(&self, side: Side, id: u32) -> &[E] {
        self.values.get(self.span(side, id)).unwrap_or_default()
    }

    /// The row that serves an entity, to change; a cold-start row changes for all it serves. O(1).
    #[inline]
    pub fn row_mut(&mut self, side: Side, id: u32) -> &mut [E] {
        let span = self.span(side, id);
        self.values.get_mut(span).unwrap_or_default()
    }

    /// Where the items' rows lie.
    #[inline]
    pub(crate) fn item_table(&self) -> ItemTable<'_, E, L> {
        let (count, gap) = match &self.motion {
            None => (self.count(Side::Item), None),
            Some(motion) => (motion.count(Side::Item), motion.gap(Side::Item)),
        };
        ItemTable { values: self.values, rows: self.rows.item.view(), count, gap }
    }

    /// The cold-start row of `side`.
    #[inline]
    pub fn cold_row(&self, side: Side) -> &[E] {
        self.values.get(widen(self.cold_span(side))).unwrap_or_default()
    }

    /// The cold-start row of `side`, to change.
    #[inline]
    pub fn cold_row_mut(&mut self, side: Side) -> &mut [E] {
        let span = widen(self.cold_span(side));
        self.values.get_mut(span).unwrap_or_default()
    }

    /// The rows that serve a user and two items, all to change. O(1).
    ///
    /// `None` if one row serves both items: they are the same item, or both are cold.
    #[inline]
    pub fn triple_mut(
        &mut self,
        user: u32,
        positive: u32,
        negative: u32,
    ) -> Option<(&mut [E], &mut [E], &mut [E])> {
        let [user, positive, negative] = self.served_mut([
            self.serving(Side::User, user),
            self.serving(Side::Item, positive),
            self.serving(Side::Item, negative),
        ])?;
        Some((user, positive, negative))
    }

    /// Where the row lies that serves an entity.
    #[inline(always)]
    pub(crate) fn serving(&self, side: Side, id: u32) -> Serving {
        match self.own_span(side, id) {
            Some((start, end)) if start < end => Serving { start, end, is_own: true },
            _ => {
                let (start, end) = self.cold_span(side);
                Serving { start, end, is_own: false }
            }
        }
    }

    /// The elements of a row that was looked up before.
    #[inline(always)]
    pub(crate) fn served(&self, place: Serving) -> &[E] {
        self.values.get(widen((place.start, place.end))).unwrap_or_default()
    }

    /// The rows of a user and two items, all to change; `None` if the items' are the same.
    #[inline(always)]
    pub(crate) fn served_mut(&mut self, [user, positive, negative]: [Serving; 3]) -> Option<[&mut [E]; 3]> {
        if positive == negative {
            return None;
        }
        // Users lie below items, so that two cuts part the three.
        let swap = positive.start > negative.start;
        let (lower, upper) = if swap { (negative, positive) } else { (positive, negative) };
        let (below, upper_row) = self.values.split_at_mut_checked(upper.start as usize)?;
        let upper_row = upper_row.get_mut(..upper.len())?;
        let (below, lower_row) = below.split_at_mut_checked(lower.start as usize)?;
        let lower_row = lower_row.get_mut(..lower.len())?;
        let user = below.get_mut(user.start as usize..)?.get_mut(..user.len())?;
        Some(if swap { [user, upper_row, lower_row] } else { [user, lower_row, upper_row] })
    }

    /// The rows that serve a user and an item, both to change. O(1).
    #[inline]
    pub fn pair_mut(&mut self, user: u32, item: u32) -> (&mut [E], &mut [E]) {
        let spans = [self.span(Side::User, user), self.span(Side::Item, item)];
        match self.values.get_disjoint_mut(spans) {
            Ok([user, item]) => (user, item),
            Err(_) => (&mut [], &mut []),
        }
    }

    /// Adds an entity with a row of `size` elements, which `fill(side, id, 0, row)` sets. O(`size`).
    ///
    /// When the head-room is shorter than `size`, or a repack is under way, the entity gets no row and is counted in
    /// [`Arena::cold_starts`]; the next repack can give it one.
    ///
    /// # Errors
    /// The table of `side` is full.
    pub fn admit(
        &mut self,
        side: Side,
        size: u32,
        fill: impl FnOnce(Side, u32, usize, &mut [E]),
    ) -> Result<Admission, ArenaError> {
        let (id, capacity) = (self.count(side), self.capacity(side));
        if size > L::LONGEST {
            return Err(ArenaError::RowTooLong { side, asked: size, limit: L::LONGEST });
        }
        let near = self.rows(side).edge(side, id).filter(|_| id < capacity);
        let near = near.ok_or(ArenaError::TableFull { side, capacity })?;
        let moving = self.motion.is_some();
        let fits = size <= self.head_room() && !moving;
        let size = if fits { size } else { 0 };
        let span = match side {
            Side::User => (near, near + size),
            Side::Item => (near - size, near),
        };
        // During a repack the last edge may still be another one's near edge; the end of it sets this row again.
        self.rows_mut(side).set(id, near, if side == Side::User { span.1 } else { span.0 });
        *self.counts.get_mut(side) += 1;
        *self.settled.get_mut(side) += u32::from(!moving);
        *self.taken.get_mut(side) += size;
        *self.cold_starts.get_mut(side) += u32::from(!fits);
        self.high_water = self.high_water.max(self.used());
        if size > 0 {
            fill(side, id, 0, self.values.get_mut(widen(span)).unwrap_or_default());
        }
        Ok(Admission { id, size })
    }

    #[inline]
    fn len(&self) -> u32 {
        self.values.len() as u32
    }

    #[inline(always)]
    fn rows(&self, side: Side) -> RowView<'_, L> {
        self.rows.get(side).view()
    }

    #[inline(always)]
    const fn rows_mut(&mut self, side: Side) -> &mut RowTable<'a, L> {
        self.rows.get_mut(side)
    }

    /// First element and end of an entity's own row; `None` if it is unknown.
    #[inline(always)]
    fn own_span(&self, side: Side, id: u32) -> Option<(u32, u32)> {
        if id >= *self.settled.get(side) {
            return self.moving_span(side, id);
        }
        let (near, far) = self.rows(side).span(side, id)?;
        Some(match side {
            Side::User => (near, far),
            Side::Item => (far, near),
        })
    }

    /// The same during a repack in slices.
    #[cold]
    fn moving_span(&self, side: Side, id: u32) -> Option<(u32, u32)> {
        let motion = self.motion.as_ref().filter(|motion| id < motion.count(side))?;
        let (near, far) = match motion.gap(side) {
            Some(gap) => self.rows(side).span_beside(side, id, gap)?,
            None => self.rows(side).span(side, id)?,
        };
        Some(match side {
            Side::User => (near, far),
            Side::Item => (far, near),
        })
    }

    #[inline]
    fn cold_span(&self, side: Side) -> (u32, u32) {
        let first = self.rows(side).edge(side, 0);
        match side {
            Side::User => (0, first.unwrap_or(0)),
            Side::Item => (first.unwrap_or(self.len()), self.len()),
        }
    }

    /// Where the row lies that serves an entity.
    #[inline]
    fn span(&self, side: Side, id: u32) -> Range<usize> {
        let Serving { start, end, .. } = self.serving(side, id);
        widen((start, end))
    }
}

#[inline]
const fn widen((start, end): (u32, u32)) -> Range<usize> {
    start as usize..end as usize
}
