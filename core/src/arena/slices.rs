//! A repack in slices, between which every row can be read and changed.
//!
//! Both sides first close ranks: row after row, each moves next to the one before it and keeps what is common to
//! its old and its new size. All that is free then lies in the middle, and row after row, the last one first,
//! each moves to its place and gets its new elements. At any time all rows of one side lie together but for one
//! gap, in front of the row that is next, so the boundaries and the near edge of that one row tell where they
//! all are.
//!
//! A row moves twice where [`Arena::repack`] moves it once, and one at a time instead of in blocks.

use super::{Arena, ArenaError, Repacked, widen};
use crate::Side;
use crate::element::Element;
use crate::side::PerSide;
use crate::tables::{RowLength, Word};

/// What a row costs a slice, in elements, however short it is.
const ROW_COST: u32 = 4;

/// New elements after which a slice makes a pause, since they may take much longer to set than others to move.
const FRESH: u32 = 32;

/// How far a repack has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Motion {
    /// Entities that were there when it began.
    counts: PerSide<u32>,
    stage: Stage,
    /// The row that is next.
    id: u32,
    /// While ranks close, the near edge of that row; afterwards its far edge to be, which is the near edge of
    /// the row behind it.
    edge: u32,
    /// Elements of the side in its new shape, cold-start row included.
    taken: PerSide<u32>,
    /// What is left of a slice that makes a pause.
    left: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Close(Side),
    Open(Side),
}

impl Motion {
    const fn side(&self) -> Side {
        match self.stage {
            Stage::Close(side) | Stage::Open(side) => side,
        }
    }

    /// How many entities of a side take part.
    pub(super) const fn count(&self, side: Side) -> u32 {
        *self.counts.get(side)
    }

    /// The row in front of which there is a gap, and the row's near edge.
    #[inline]
    pub(super) fn gap(&self, side: Side) -> Option<(u32, u32)> {
        let id = match self.stage {
            Stage::Close(closing) if closing == side => self.id,
            Stage::Open(opening) if opening == side => self.id + 1,
            _ => return None,
        };
        Some((id, self.edge))
    }
}

impl<E: Element, L: RowLength> Arena<'_, E, L> {
    /// Begins to give every row a new size, as [`repack`](Self::repack) does, in slices of
    /// [`continue_repack`](Self::continue_repack).
    ///
    /// Meanwhile a row is as it was, then shows the elements that it keeps, then is whole; who is admitted gets
    /// no row. O(entities).
    ///
    /// # Errors
    /// As `repack`, for sizes of more entities than there are, and while another is under way.
    pub fn begin_repack(&mut self, user_sizes: &[L::Word], item_sizes: &[L::Word]) -> Result<(), ArenaError> {
        if self.motion.is_some() {
            return Err(ArenaError::Repacking);
        }
        for (side, sizes) in [(Side::User, user_sizes), (Side::Item, item_sizes)] {
            let (count, capacity) = (self.count(side), self.capacity(side));
            if sizes.len() != count as usize {
                return Err(ArenaError::WrongCount { side, asked: sizes.len(), count, capacity });
            }
        }
        let taken = self.checked_total(user_sizes, item_sizes)?;
        self.begin_motion(taken);
        Ok(())
    }

    /// The same with sizes that are added up already, in elements of rows, none of which is longer than a row can be:
    /// O(1).
    pub(crate) fn begin_repack_to(&mut self, elements: PerSide<u64>) -> Result<(), ArenaError> {
        if self.motion.is_some() {
            return Err(ArenaError::Repacking);
        }
        let taken = self.checked_taken(elements)?;
        self.begin_motion(taken);
        Ok(())
    }

    fn begin_motion(&mut self, taken: PerSide<u32>) {
        let (stage, edge) = (Stage::Close(Side::User), self.edge(Side::User, 0));
        self.motion = Some(Motion { counts: self.counts, stage, id: 0, edge, taken, left: 0 });
        self.settled = PerSide::new(0, 0);
        self.cold_starts = PerSide::new(0, 0);
    }

    /// Whether a repack is under way.
    #[inline]
    pub const fn is_repacking(&self) -> bool {
        self.motion.is_some()
    }

    /// Whether the last slice of a repack has made a pause, because it had new elements to set.
    #[inline]
    pub(crate) fn is_within_slice(&self) -> bool {
        self.motion.is_some_and(|motion| motion.left > 0)
    }

    /// Goes on with a repack, with the sizes that it began with (more behind
    /// them do not matter), and returns whether it is done. Moves and sets
    /// about `elements` elements, a row counting four more than it has; at most one row beyond that.
    ///
    /// New elements may take much longer than others: after 32 of them, and the rest of their row, a slice makes a
    /// pause, and the next call goes on with it, whatever `elements` it asks for.
    ///
    /// With other sizes than it began with rows may end with sizes that nobody asked for, and over the budget.
    pub fn continue_repack(
        &mut self,
        user_sizes: &[L::Word],
        item_sizes: &[L::Word],
        elements: u32,
        mut fill: impl FnMut(Side, u32, usize, &mut [E]),
    ) -> bool {
        self.go_on(user_sizes, item_sizes, elements, &mut Repacked::default(), &mut fill)
    }

    /// The same, with an account of what rows gained and lost, and of what moved.
    pub(super) fn go_on(
        &mut self,
        user_sizes: &[L::Word],
        item_sizes: &[L::Word],
        elements: u32,
        report: &mut Repacked,
        fill: &mut impl FnMut(Side, u32, usize, &mut [E]),
    ) -> bool {
        // Taken out once, and not for each row.
        let Some(mut motion) = self.motion.take() else { return true };
        let mut left = if motion.left > 0 { motion.left } else { elements.max(1) };
        let mut fresh = if elements == u32::MAX { u32::MAX } else { FRESH };
        while left > 0 && fresh > 0 {
            let side = motion.side();
            let sizes = if side == Side::User { user_sizes } else { item_sizes };
            let size = sizes.get(..motion.count(side) as usize).unwrap_or(sizes).get(motion.id as usize);
            let size = size.map(|size| size.size());
            let set = report.fresh;
            let cost = match (motion.stage, size) {
                (Stage::Close(side), Some(size)) => Some(self.close(side, &mut motion, size, report)),
                (Stage::Open(side), Some(size)) => self.open(side, &mut motion, size, report, fill),
                _ => self.next_stage(&mut motion).then_some(ROW_COST),
            };
            let Some(cost) = cost else { return true };
            left = left.saturating_sub(cost);
            fresh = fresh.saturating_sub(report.fresh - set);
        }
        motion.left = if fresh == 0 { left } else { 0 };
        self.motion = Some(motion);
        false
    }

    /// Moves a row next to the one before it. Returns what that costs.
    fn close(&mut self, side: Side, motion: &mut Motion, size: u32, report: &mut Repacked) -> u32 {
        let gap = (motion.id, motion.edge);
        let (near, far) = self.rows(side).span_beside(side, motion.id, gap).unwrap_or_default();
        let target = self.edge(side, motion.id);
        let old = far.abs_diff(near);
        let kept = old.min(size);
        report.lost += old - kept;
        report.resized += u32::from(old != size);
        let (from, to) = match side {
            Side::User => (near, target),
            Side::Item => (far, target.saturating_sub(kept)),
        };
        self.shift(from, to, kept, report);
        let end = if side == Side::User { target + kept } else { to };
        self.rows_mut(side).set(motion.id, target, end);
        (motion.id, motion.edge) = (motion.id + 1, far);
        if from == to { ROW_COST } else { kept + ROW_COST }
    }

    /// Moves a row to its place, whose far edge is `motion.edge`, and sets its new elements. Returns what that
    /// costs, `None` if it was the last of all.
    fn open(
        &mut self,
        side: Side,
        motion: &mut Motion,
        size: u32,
        report: &mut Repacked,
        fill: &mut impl FnMut(Side, u32, usize, &mut [E]),
    ) -> Option<u32> {
        let (near, far) = self.rows(side).span(side, motion.id).unwrap_or_default();
        let kept = near.abs_diff(far).min(size);
        // Where the row comes to lie.
        let (from, start, end) = match side {
            Side::User => (near, motion.edge.saturating_sub(size), motion.edge),
            Side::Item => (far, motion.edge, motion.edge.saturating_add(size)),
        };
        self.shift(from, start, kept, report);
        report.fresh += size - kept;
        let fresh = widen((start.saturating_add(kept), end));
        if size > kept
            && let Some(elements) = self.values.get_mut(fresh)
        {
            fill(side, motion.id, kept as usize, elements);
        }
        let edge = if side == Side::User { start } else { end };
        self.rows_mut(side).set(motion.id, edge, motion.edge);
        let goes_on = match motion.id.checked_sub(1) {
            Some(id) => {
                (motion.id, motion.edge) = (id, edge);
                true
            }
            None => self.next_stage(motion),
        };
        goes_on.then_some(if from == start { size - kept + ROW_COST } else { size + ROW_COST })
    }

    /// Goes to what comes after all rows of a stage have had their turn; whether there is anything.
    fn next_stage(&mut self, motion: &mut Motion) -> bool {
        let Motion { counts, taken, .. } = *motion;
        let last = |side| counts.get(side).saturating_sub(1);
        let end = self.edge(motion.side(), motion.count(motion.side()));
        (motion.stage, motion.id, motion.edge) = match motion.stage {
            Stage::Close(Side::User) => {
                self.taken.user = end;
                (Stage::Close(Side::Item), 0, self.edge(Side::Item, 0))
            }
            Stage::Close(Side::Item) => {
                self.taken.item = self.len().saturating_sub(end);
                let edge = self.len().saturating_sub(taken.item);
                (Stage::Open(Side::Item), last(Side::Item), edge)
            }
            Stage::Open(Side::Item) => {
                self.taken.item = taken.item;
                (Stage::Open(Side::User), last(Side::User), taken.user)
            }
            Stage::Open(Side::User) => {
                self.taken.user = taken.user;
                self.high_water = self.high_water.max(self.used());
                // Who came meanwhile has no row.
                for side in Side::BOTH {
                    let end = self.edge(side, *counts.get(side));
                    for id in *counts.get(side)..self.count(side) {
                        self.rows_mut(side).set(id, end, end);
                    }
                }
                self.settled = self.counts;
                return false;
            }
        };
        true
    }

    fn edge(&self, side: Side, id: u32) -> u32 {
        self.rows(side).edge(side, id).unwrap_or(0)
    }

    /// Moves elements up or down.
    fn shift(&mut self, from: u32, to: u32, length: u32, report: &mut Repacked) {
        if from != to && length > 0 {
            report.moved += length;
            report.moves += 1;
        }
        let (from, to, length) = (from as usize, to as usize, length as usize);
        if to < from {
            super::repack::copy_down(self.values, from, to, length);
        } else if to > from {
            super::repack::copy_up(self.values, from, to, length);
        }
    }
}

#[cfg(test)]
mod tests;
