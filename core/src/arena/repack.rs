//! All rows to new sizes, in place.
//!
//! The rows keep their order, so one that moves towards the low end can only land on rows before it that
//! do the same, and one that moves up only on rows after it that do the same. One sweep upwards over
//! the rows that move down, then one downwards over those that move up, therefore moves every row
//! straight to its place, once, and nothing is overwritten before it has moved. New elements are set in
//! the second sweep: whatever has not moved by then lies below them.
//!
//! Neighbours that move by the same distance are moved together.

use super::{Arena, ArenaError, Element};
use crate::Side;
use crate::side::PerSide;

/// What a repack did. Elements are counted without the cold-start rows, which never change.
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

/// Elements that move together: from, to, how many.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    from: u32,
    to: u32,
    length: u32,
}

impl Run {
    /// Whether `upper` begins where this run ends, both before and after the move.
    #[inline]
    const fn is_followed_by(self, upper: Self) -> bool {
        self.from + self.length == upper.from && self.to + self.length == upper.to
    }
}

/// Moves runs, joining neighbours first.
struct Mover<'v, E> {
    values: &'v mut [E],
    pending: Run,
    moved: u32,
    moves: u32,
}

impl<'v, E: Element> Mover<'v, E> {
    fn new(values: &'v mut [E]) -> Self {
        Self { values, pending: Run::default(), moved: 0, moves: 0 }
    }

    /// Takes the next run of an upward sweep.
    #[inline]
    fn upward(&mut self, run: Run) {
        if run.to < run.from && run.length > 0 {
            if self.pending.is_followed_by(run) {
                self.pending.length += run.length;
            } else {
                self.flush();
                self.pending = run;
            }
        }
    }

    /// Takes the next run of a downward sweep.
    #[inline]
    fn downward(&mut self, run: Run) {
        if run.to > run.from && run.length > 0 {
            if run.is_followed_by(self.pending) {
                self.pending = Run { length: run.length + self.pending.length, ..run };
            } else {
                self.flush();
                self.pending = run;
            }
        }
    }

    /// Moves what waits.
    #[inline]
    fn flush(&mut self) {
        let Run { from, to, length } = core::mem::take(&mut self.pending);
        if length > 0 {
            self.moved += length;
            self.moves += 1;
            move_within(self.values, from as usize, to as usize, length as usize);
        }
    }
}

/// `copy_within` behind a check that leaves it nothing to panic about.
#[inline]
fn move_within<E: Element>(values: &mut [E], from: usize, to: usize, length: usize) {
    let available = values.len();
    if length <= available && from <= available - length && to <= available - length {
        values.copy_within(from..from + length, to);
    }
}

fn total(sizes: &[u32]) -> u64 {
    sizes.iter().map(|&size| u64::from(size)).sum()
}

impl<E: Element> Arena<'_, E> {
    /// Gives every row a new size. A row keeps its leading elements; `fill(side, id, first, elements)`
    /// sets the ones it gains, which begin at its element `first`.
    ///
    /// The slices hold one size per entity. Those beyond the present counts are admitted. The cold-start
    /// rows stay, and [`Arena::cold_starts`] begins anew.
    ///
    /// O(elements + entities), in place; a row moves once, and not at all if nothing before it on its
    /// side changes.
    ///
    /// # Errors
    /// Sizes for fewer entities than there are or more than the tables hold, or sizes that together with
    /// the cold-start rows exceed the budget.
    pub fn repack(
        &mut self,
        user_sizes: &[u32],
        item_sizes: &[u32],
        mut fill: impl FnMut(Side, u32, usize, &mut [E]),
    ) -> Result<Repacked, ArenaError> {
        let new_counts = PerSide::new(
            self.checked_count(Side::User, user_sizes)?,
            self.checked_count(Side::Item, item_sizes)?,
        );
        let user_total = u64::from(self.cold_size(Side::User)) + total(user_sizes);
        let item_total = u64::from(self.cold_size(Side::Item)) + total(item_sizes);
        let needed = user_total + item_total;
        if needed > u64::from(self.budget) {
            return Err(ArenaError::OverBudget { needed, budget: self.budget });
        }
        // Both fit in 32 bits, since the budget does.
        let new_taken = PerSide::new(user_total as u32, item_total as u32);

        let moved = self.move_down(user_sizes, item_sizes, new_taken.item);
        let mut report = Repacked {
            admitted: (new_counts.user - self.counts.user) + (new_counts.item - self.counts.item),
            ..moved
        };
        self.move_up(user_sizes, item_sizes, new_taken.user, &mut report, &mut fill);
        self.counts = new_counts;
        self.taken = new_taken;
        self.high_water = self.high_water.max(self.used());
        self.cold_starts = PerSide::new(0, 0);
        Ok(report)
    }

    fn checked_count(&self, side: Side, sizes: &[u32]) -> Result<u32, ArenaError> {
        let (count, capacity) = (self.count(side), self.capacity(side));
        u32::try_from(sizes.len())
            .ok()
            .filter(|asked| (count..=capacity).contains(asked))
            .ok_or(ArenaError::WrongCount { side, asked: sizes.len(), count, capacity })
    }

    /// The upward sweep.
    fn move_down(&mut self, user_sizes: &[u32], item_sizes: &[u32], new_item_taken: u32) -> Repacked {
        let available = self.len();
        let mut mover = Mover::new(self.values);

        let table = &*self.user_boundaries;
        let mut to = table.first().copied().unwrap_or(0);
        let rows = table.iter().zip(table.iter().skip(1)).zip(user_sizes);
        for ((&from, &end), &size) in rows.take(self.counts.user as usize) {
            mover.upward(Run { from, to, length: size.min(end - from) });
            to += size;
        }

        let count = self.counts.item as usize;
        let table = self.item_boundaries.get(..=count).unwrap_or_default();
        let (old_sizes, new_sizes) = item_sizes.split_at_checked(count).unwrap_or_default();
        let mut to = available - new_item_taken + total(new_sizes) as u32;
        let rows = table.iter().zip(table.iter().skip(1)).zip(old_sizes);
        for ((&end, &from), &size) in rows.rev() {
            mover.upward(Run { from, to, length: size.min(end - from) });
            to += size;
        }
        mover.flush();
        Repacked { moved: mover.moved, moves: mover.moves, ..Repacked::default() }
    }

    /// The downward sweep; it also sets what is new, and the boundaries.
    fn move_up(
        &mut self,
        user_sizes: &[u32],
        item_sizes: &[u32],
        new_user_taken: u32,
        report: &mut Repacked,
        fill: &mut impl FnMut(Side, u32, usize, &mut [E]),
    ) {
        let mut mover = Mover::new(self.values);
        let mut settle = |side, id: u32, known: bool, old: (u32, u32), start: u32, size: u32| {
            let old_size = old.1 - old.0;
            let kept = size.min(old_size);
            mover.downward(Run { from: old.0, to: start, length: kept });
            report.resized += u32::from(known && size != old_size);
            report.kept += kept;
            report.lost += old_size - kept;
            if size > kept {
                // What waits may still lie where the new elements go.
                mover.flush();
                report.fresh += size - kept;
                let span = (start + kept) as usize..(start + size) as usize;
                fill(side, id, kept as usize, mover.values.get_mut(span).unwrap_or_default());
            }
        };

        let count = self.counts.item;
        if let Some((&mut first, table)) = self.item_boundaries.split_first_mut() {
            let (mut old_end, mut new_end) = (first, first);
            for (id, (far, &size)) in (0..).zip(table.iter_mut().zip(item_sizes)) {
                let known = id < count;
                let old_start = if known { *far } else { old_end };
                let start = new_end - size;
                settle(Side::Item, id, known, (old_start, old_end), start, size);
                *far = start;
                (old_end, new_end) = (old_start, start);
            }
        }

        let count = self.counts.user;
        let mut old_end = self.user_boundaries.get(count as usize).copied().unwrap_or(0);
        let mut new_end = new_user_taken;
        if let Some(last) = self.user_boundaries.get_mut(user_sizes.len()) {
            *last = new_end;
        }
        let table = self.user_boundaries.get_mut(..user_sizes.len()).unwrap_or_default();
        for (id, (near, &size)) in table.iter_mut().zip(user_sizes).enumerate().rev() {
            let id = id as u32;
            let known = id < count;
            let old_start = if known { *near } else { old_end };
            let start = new_end - size;
            settle(Side::User, id, known, (old_start, old_end), start, size);
            *near = start;
            (old_end, new_end) = (old_start, start);
        }
        mover.flush();
        report.moved += mover.moved;
        report.moves += mover.moves;
    }
}
