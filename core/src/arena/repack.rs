//! All rows to new sizes, in place.
//!
//! The rows keep their order, so one that moves down can only land on rows before it that do the same, and
//! one that moves up only on rows after it that do the same. One sweep upwards over the rows that move
//! down, then one downwards over those that move up, therefore takes every row straight to its place,
//! once, and nothing is overwritten before it has moved. New elements are set in the second sweep:
//! whatever has not moved by then lies below them.
//!
//! A *stretch* is a sequence of neighbours that keep their sizes, and so move by the same distance. It
//! moves as one block, together with what is kept of the changed row above it:
//!
//! ```text
//! before   |  stretch: 3 | 5 | 2  |  changed: 4 of 9   .....  |
//!               \                 \               \
//! after            |  3 | 5 | 2   |  4   |
//! ```

use super::rows::{Order, Rows, Step};
use super::{Arena, ArenaError, widen};
use crate::Side;
use crate::element::Element;
use crate::side::PerSide;
use crate::tables::{RowLength, Word};

/// What a repack did. Elements are counted without the cold-start rows, which never change.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repacked {
    /// Entities that were not there before.
    pub admitted: u32,
    /// Entities that were there before and have another size now.
    pub resized: u32,
    /// Elements that rows kept.
    pub kept: u32,
    /// Elements that rows lost.
    pub lost: u32,
    /// Elements that were set anew.
    pub fresh: u32,
    /// Elements kept that lie elsewhere now.
    pub moved: u32,
    /// In how many blocks they were moved.
    pub moves: u32,
}

impl<E: Element, L: RowLength> Arena<'_, E, L> {
    /// Gives every row a new size. A row keeps its leading elements; `fill(side, id, first, elements)`
    /// sets the ones it gains, which begin at its element `first`.
    ///
    /// The slices hold one size per entity. Those beyond the present counts are admitted. The cold-start
    /// rows stay, and [`Arena::cold_starts`] begins anew.
    ///
    /// O(elements + entities), in place; a row moves at most once, and at most twice where a table has no
    /// boundaries.
    ///
    /// # Errors
    /// Sizes for fewer entities than there are or more than the tables hold, sizes that together with the cold-start
    /// rows exceed the budget, or one that is longer than a table can hold.
    pub fn repack(
        &mut self,
        user_sizes: &[L::Word],
        item_sizes: &[L::Word],
        mut fill: impl FnMut(Side, u32, usize, &mut [E]),
    ) -> Result<Repacked, ArenaError> {
        if self.is_repacking() {
            return Err(ArenaError::Repacking);
        }
        let counts = PerSide::new(
            self.checked_count(Side::User, user_sizes)?,
            self.checked_count(Side::Item, item_sizes)?,
        );
        let taken = self.checked_total(user_sizes, item_sizes)?;
        let held = self.row_budget() - self.head_room();
        let mut report = Repacked {
            admitted: (counts.user - self.counts.user) + (counts.item - self.counts.item),
            ..Repacked::default()
        };
        if !L::HAS_BOUNDARIES {
            let rows = |sizes: &[L::Word], known: u32| {
                sizes.iter().skip(known as usize).filter(|size| size.size() > 0).count() as u32
            };
            let newcomers = rows(user_sizes, self.counts.user) + rows(item_sizes, self.counts.item);
            for side in Side::BOTH {
                while self.count(side) < *counts.get(side) {
                    self.admit(side, 0, |_, _, _, _| ())?;
                }
            }
            self.begin_repack(user_sizes, item_sizes)?;
            self.go_on(user_sizes, item_sizes, u32::MAX, &mut report, &mut fill);
            report.resized -= newcomers;
            report.kept = held - report.lost;
            return Ok(report);
        }
        self.move_down(user_sizes, item_sizes, taken.item, &mut report);
        self.move_up(user_sizes, item_sizes, taken.user, &mut report, &mut fill);
        report.kept = held - report.lost;

        set_boundaries(self.rows.user.boundaries_mut(), user_sizes, u32::wrapping_add);
        set_boundaries(self.rows.item.boundaries_mut(), item_sizes, u32::wrapping_sub);
        self.counts = counts;
        self.settled = counts;
        self.taken = taken;
        self.high_water = self.high_water.max(self.used());
        self.cold_starts = PerSide::new(0, 0);
        Ok(report)
    }

    /// Elements of each side with rows of these sizes, cold-start rows included.
    pub(super) fn checked_total(
        &self,
        user_sizes: &[L::Word],
        item_sizes: &[L::Word],
    ) -> Result<PerSide<u32>, ArenaError> {
        let limit = L::LONGEST;
        for (side, sizes) in [(Side::User, user_sizes), (Side::Item, item_sizes)] {
            if limit < u32::MAX
                && let Some(asked) = sizes.iter().map(|size| size.size()).find(|&size| size > limit)
            {
                return Err(ArenaError::RowTooLong { side, asked, limit });
            }
        }
        self.checked_taken(PerSide::new(total(user_sizes), total(item_sizes)))
    }

    /// The same from the elements of the rows.
    pub(super) fn checked_taken(&self, elements: PerSide<u64>) -> Result<PerSide<u32>, ArenaError> {
        let users = u64::from(self.cold_size(Side::User)).saturating_add(elements.user);
        let items = u64::from(self.cold_size(Side::Item)).saturating_add(elements.item);
        let needed = users.saturating_add(items);
        if needed > u64::from(self.budget) {
            return Err(ArenaError::OverBudget { needed, budget: self.budget });
        }
        // Both have 32 bits, since the budget does.
        Ok(PerSide::new(users as u32, items as u32))
    }

    fn checked_count<W>(&self, side: Side, sizes: &[W]) -> Result<u32, ArenaError> {
        let (count, capacity) = (self.count(side), self.capacity(side));
        u32::try_from(sizes.len())
            .ok()
            .filter(|asked| (count..=capacity).contains(asked))
            .ok_or(ArenaError::WrongCount { side, asked: sizes.len(), count, capacity })
    }

    /// The upward sweep: users from the first on, then items from the last back.
    fn move_down(
        &mut self,
        user_sizes: &[L::Word],
        item_sizes: &[L::Word],
        item_taken: u32,
        report: &mut Repacked,
    ) {
        let (users, _) =
            Rows::known(Side::User, self.rows.user.view().boundaries(), user_sizes, self.counts.user);
        let (items, newcomers) =
            Rows::known(Side::Item, self.rows.item.view().boundaries(), item_sizes, self.counts.item);
        let first = self.cold_size(Side::User);
        down(self.values, users, Order::Ascending, (first, first), report);
        let from = self.len() - self.taken.item;
        let to = self.len() - item_taken + total(newcomers) as u32;
        down(self.values, items, Order::Descending, (from, to), report);
    }

    /// The downward sweep: items from the first on, then users from the last back.
    fn move_up(
        &mut self,
        user_sizes: &[L::Word],
        item_sizes: &[L::Word],
        user_taken: u32,
        report: &mut Repacked,
        fill: &mut impl FnMut(Side, u32, usize, &mut [E]),
    ) {
        let (items, newcomers) =
            Rows::known(Side::Item, self.rows.item.view().boundaries(), item_sizes, self.counts.item);
        let mut set = |id, first, span: (u32, u32), values: &mut [E]| {
            fill(Side::Item, id, first, values.get_mut(widen(span)).unwrap_or_default());
        };
        let first = self.cold_span(Side::Item).0;
        let mut end = up(self.values, items, Order::Ascending, (0, first, first), report, &mut set);
        for (id, size) in (self.counts.item..).zip(newcomers.iter().map(|size| size.size())) {
            if size > 0 {
                report.fresh += size;
                set(id, 0, (end - size, end), self.values);
            }
            end -= size;
        }

        let (users, newcomers) =
            Rows::known(Side::User, self.rows.user.view().boundaries(), user_sizes, self.counts.user);
        let mut set = |id, first, span: (u32, u32), values: &mut [E]| {
            fill(Side::User, id, first, values.get_mut(widen(span)).unwrap_or_default());
        };
        let mut end = user_taken;
        let mut id = user_sizes.len() as u32;
        for size in newcomers.iter().rev().map(|size| size.size()) {
            id -= 1;
            if size > 0 {
                report.fresh += size;
                set(id, 0, (end - size, end), self.values);
            }
            end -= size;
        }
        up(self.values, users, Order::Descending, (id, self.taken.user, end), report, &mut set);
    }
}

/// Moves down what moves down of one side, from its lowest row, now at `from`, then at `to`.
fn down<E: Element, W: Word>(
    values: &mut [E],
    mut rows: Rows<'_, W>,
    order: Order,
    (mut from, mut to): (u32, u32),
    report: &mut Repacked,
) {
    while let Some(Step { stretch, old, new, .. }) = rows.take_step(order) {
        let length = stretch + old.min(new);
        if to < from && length > 0 {
            report.moved += length;
            report.moves += 1;
            copy_down(values, from as usize, to as usize, length as usize);
        }
        from += stretch + old;
        to += stretch + new;
    }
}

/// Moves up what moves up of one side, and sets what is new. The highest row belongs to `id`, or ends with
/// it, and ends now at `from`, then at `to`. Returns where the lowest row then begins.
fn up<E: Element, W: Word>(
    values: &mut [E],
    mut rows: Rows<'_, W>,
    order: Order,
    (mut id, mut from, mut to): (u32, u32, u32),
    report: &mut Repacked,
    set: &mut impl FnMut(u32, usize, (u32, u32), &mut [E]),
) -> u32 {
    // What the changed row above keeps, which moves with the stretch below it.
    let mut kept = 0;
    loop {
        let step = rows.take_step(order);
        let stretch = step.map_or(0, |step| step.stretch);
        (from, to) = (from - stretch, to - stretch);
        let length = stretch + kept;
        if to > from && length > 0 {
            report.moved += length;
            report.moves += 1;
            copy_up(values, from as usize, to as usize, length as usize);
        }
        let Some(Step { rows, old, new, .. }) = step else { return to };
        (from, to) = (from - old, to - new);
        kept = old.min(new);
        let changed = match order {
            Order::Ascending => id + rows,
            Order::Descending => id.wrapping_sub(rows).wrapping_sub(1),
        };
        id = match order {
            Order::Ascending => changed + 1,
            Order::Descending => changed,
        };
        report.resized += u32::from(old != new);
        report.lost += old - kept;
        if new > kept {
            report.fresh += new - kept;
            set(changed, kept as usize, (to + kept, to + new), values);
        }
    }
}

/// Moves `length` elements from `from` down to `to`; the two places may overlap.
#[inline(never)]
pub(super) fn copy_down<E: Element>(values: &mut [E], from: usize, to: usize, length: usize) {
    let distance = from.saturating_sub(to);
    let window = values.get_mut(to..from.saturating_add(length)).unwrap_or_default();
    // Always so; it tells the compiler that `copy_within` cannot panic. Neither is inlined,
    // so that the compiler sees this whatever it is set to.
    if distance <= window.len() {
        window.copy_within(distance.., 0);
    }
}

/// Moves `length` elements from `from` up to `to`; the two places may overlap.
#[inline(never)]
pub(super) fn copy_up<E: Element>(values: &mut [E], from: usize, to: usize, length: usize) {
    let distance = to.saturating_sub(from);
    let window = values.get_mut(from..to.saturating_add(length)).unwrap_or_default();
    if distance <= window.len() {
        window.copy_within(..window.len() - distance, distance);
    }
}

/// Writes the boundaries of rows of these sizes, from the first boundary on.
fn set_boundaries<W: Word>(boundaries: &mut [u32], sizes: &[W], next: impl Fn(u32, u32) -> u32) {
    let Some((&mut first, rest)) = boundaries.split_first_mut() else { return };
    let mut edge = first;
    for (boundary, size) in rest.iter_mut().zip(sizes) {
        edge = next(edge, size.size());
        *boundary = edge;
    }
}

fn total<W: Word>(sizes: &[W]) -> u64 {
    sizes.iter().map(|size| u64::from(size.size())).sum()
}
