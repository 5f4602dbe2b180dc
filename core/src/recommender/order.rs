//! In which order retrieval visits the items: by the length of their rows, in blocks of neighbours.
//!
//! Rows of one length make a loop without a branch that could be foreseen wrongly, and where a row begins
//! is then all there is to know about it. So the order keeps that instead of ids: of an item without a row
//! its id, of any other the first element of its row. [`Items::id`] finds the id again, for the few items
//! that get among the best. Items whose ids are far apart lie far apart in memory, so the order is by
//! blocks of ids, each small enough for a cache.

use crate::Side;
use crate::allowance::Allowance;
use crate::arena::{Arena, ItemTable};
use crate::element::Element;
use crate::tables::{RowLength, RowView, Word};

/// Ids that are sorted by length together.
const BLOCK: usize = 16_384;

/// Length of the slice of class ends for up to `items` items and rows of up to `longest` elements.
///
/// Longer rows are found too, more slowly; so is everything when the slice is shorter.
pub const fn class_ends_len(items: usize, longest: usize) -> usize {
    items.div_ceil(BLOCK).saturating_mul(longest.saturating_add(2))
}

/// The order, in memory of the caller.
#[derive(Debug)]
pub(super) struct Order<'a, W = u32> {
    /// Block by block, in each the longest row first.
    places: &'a mut [W],
    /// Where each class of each block ends in `places`: first all rows as long as there are classes or
    /// longer, then one class for each shorter length, that of no row last.
    ends: &'a mut [u32],
    /// How many classes a block has.
    classes: usize,
    /// How many items are in order.
    len: u32,
}

/// How far an order has come that is made in slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sorting {
    /// Items to put in order.
    count: u32,
    block: usize,
    /// Whether the classes of the block are counted, and its items go to their places.
    counted: bool,
    /// The next item.
    id: u32,
}

impl Sorting {
    pub(super) const fn of(count: u32) -> Self {
        Self { count, block: 0, counted: false, id: 0 }
    }
}

/// What a place says about its item.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// The id of an item without a row.
    Cold,
    /// The first element of a row of this length.
    Row(usize),
    /// The first element of a row of any length.
    AnyRow,
    /// The id of any item.
    Id,
}

impl<'a, W: Word> Order<'a, W> {
    pub(super) fn new(places: &'a mut [W], ends: &'a mut [u32]) -> Self {
        let classes = ends.len().checked_div(places.len().div_ceil(BLOCK)).unwrap_or(0);
        Self { places, ends, classes, len: 0 }
    }

    /// The memory of the order, for another use; there is no order until the next [`sort`](Self::sort).
    pub(super) fn take(&mut self) -> &mut [W] {
        self.len = 0;
        self.places
    }

    /// The memory of the class ends, for another use while there is no order.
    pub(super) fn scratch(&mut self) -> &mut [u32] {
        self.len = 0;
        self.ends
    }

    pub(super) fn forget(&mut self) {
        self.len = 0;
    }

    /// The memory as it is.
    pub(super) fn places(&self) -> &[W] {
        self.places
    }

    /// The same to change, where no item is in order.
    pub(super) fn places_mut(&mut self) -> &mut [W] {
        self.places
    }

    /// How many items are in order; later ones are not.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// Puts all known items in order: a counting sort a block, O(items + classes).
    pub(super) fn sort<E: Element, L: RowLength>(&mut self, arena: &Arena<'_, E, L>) {
        self.sort_first(arena.count(Side::Item), arena);
    }

    /// Puts the first `count` items in order.
    pub(super) fn sort_first<E: Element, L: RowLength>(&mut self, count: u32, arena: &Arena<'_, E, L>) {
        self.sort_on(&mut Sorting::of(count), arena, &mut Allowance::unlimited());
    }

    /// The same in slices; whether that was the last. Rows that are there must stay where they are until then; there is
    /// no order before.
    pub(super) fn sort_on<E: Element, L: RowLength>(
        &mut self,
        sorting: &mut Sorting,
        arena: &Arena<'_, E, L>,
        allowance: &mut Allowance,
    ) -> bool {
        self.len = 0;
        let places = W::places_mut(self.places);
        // Rows that move would leave the order behind.
        if arena.is_repacking() || places.is_empty() {
            return true;
        }
        let items = Items::new(arena);
        // One class alone could not tell rows from none.
        let Some(last) = self.classes.checked_sub(1).filter(|&last| last > 0) else { return true };
        let class = |length: usize| last - length.min(last);
        let count = sorting.count;
        for ends in self.ends.chunks_exact_mut(last + 1).skip(sorting.block) {
            let first = (sorting.block * BLOCK) as u32;
            let end = count.min(first.saturating_add(BLOCK as u32));
            if first >= end {
                break;
            }
            if !sorting.counted {
                if sorting.id == first {
                    ends.fill(0);
                }
                while sorting.id < end {
                    if !allowance.take(1) {
                        return false;
                    }
                    if let Some(end) = ends.get_mut(class(items.span(sorting.id).1)) {
                        *end += 1;
                    }
                    sorting.id += 1;
                }
                let mut begin = first;
                for end in &mut *ends {
                    begin += core::mem::replace(end, begin);
                }
                (sorting.counted, sorting.id) = (true, first);
            }
            // Each end is where the next row of its class goes, and so the end when all have gone.
            while sorting.id < end {
                if !allowance.take(1) {
                    return false;
                }
                let (start, length) = items.span(sorting.id);
                if let Some(end) = ends.get_mut(class(length)) {
                    if let Some(place) = places.get_mut(*end as usize) {
                        *place = if length == 0 { sorting.id } else { start };
                    }
                    *end += 1;
                }
                sorting.id += 1;
            }
            sorting.block += 1;
            sorting.counted = false;
        }
        self.len = sorting.id;
        true
    }

    /// The classes of one block after the other, in each the longest rows first.
    #[inline(always)]
    pub(super) fn classes(&self) -> impl Iterator<Item = (Place, &[u32])> {
        let last = self.classes.saturating_sub(1);
        let blocks = self.ends.chunks_exact(last + 1).take((self.len as usize).div_ceil(BLOCK));
        let places = W::places(self.places);
        let mut begin = 0;
        blocks.flat_map(|ends| ends.iter().enumerate()).map(move |(n, &end)| {
            let places = places.get(begin as usize..end as usize).unwrap_or_default();
            begin = end;
            let place = match last - n {
                0 => Place::Cold,
                _ if n == 0 => Place::AnyRow,
                length => Place::Row(length),
            };
            (place, places)
        })
    }
}

/// Where the items' rows lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Items<'r, E, L> {
    pub(super) values: &'r [E],
    rows: RowView<'r, L>,
    count: u32,
    /// The item in front of which a repack has left a gap, and where it ends.
    gap: Option<(u32, u32)>,
    cold: &'r [E],
}

impl<'r, E: Element, L: RowLength> Items<'r, E, L> {
    #[inline(always)]
    pub(super) fn new(arena: &'r Arena<'_, E, L>) -> Self {
        let ItemTable { values, rows, count, gap } = arena.item_table();
        Self { values, rows, count, gap, cold: arena.cold_row(Side::Item) }
    }

    /// First element and length of a known item's own row.
    #[inline(always)]
    pub(super) fn span(&self, id: u32) -> (u32, usize) {
        let span = match self.gap {
            _ if id >= self.count => None,
            None => self.rows.span(Side::Item, id),
            Some(gap) => self.rows.span_beside(Side::Item, id, gap),
        };
        span.map_or((0, 0), |(end, start)| (start, end.wrapping_sub(start) as usize))
    }

    /// The elements of a row.
    #[inline(always)]
    pub(super) fn row(&self, start: u32, length: usize) -> &'r [E] {
        self.values.get(start as usize..).and_then(|rest| rest.get(..length)).unwrap_or_default()
    }

    /// The row that serves the item at a place.
    #[inline]
    pub(super) fn row_at(&self, place: Place, word: u32) -> &'r [E] {
        let (start, length) = match place {
            Place::Cold => return self.cold,
            Place::Row(length) => (word, length),
            Place::AnyRow => self.span(self.id(word)),
            Place::Id => self.span(word),
        };
        if length > 0 { self.row(start, length) } else { self.cold }
    }

    /// The id of the item at a place.
    #[inline]
    pub(super) fn id_at(&self, place: Place, word: u32) -> u32 {
        match place {
            Place::Cold | Place::Id => word,
            Place::Row(_) | Place::AnyRow => self.id(word),
        }
    }

    /// The item whose row begins at an element; O(log items).
    pub(super) fn id(&self, start: u32) -> u32 {
        // Boundaries descend. Items without a row repeat the boundary of the one before them.
        let boundaries = self.rows.boundaries().get(..=self.count as usize).unwrap_or_default();
        let boundary = boundaries.partition_point(|&boundary| boundary > start);
        (boundary as u32).saturating_sub(1)
    }
}
