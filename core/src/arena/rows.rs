//! The rows of a side as a repack walks over them: stretches that keep their sizes, and changed rows.

use crate::Side;
use crate::tables::Word;

/// How many rows are compared at once.
const BLOCK: usize = 8;

/// In which order of ids to walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
}

/// Rows that are there: where they begin and end, and the sizes they shall have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'t, W> {
    starts: &'t [u32],
    ends: &'t [u32],
    sizes: &'t [W],
    /// The first row not yet taken.
    first: usize,
    /// The end of the rows not yet taken.
    end: usize,
}

/// A stretch of rows that keep their sizes, and the row after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Rows in the stretch, perhaps none.
    pub(super) rows: u32,
    /// Elements in the stretch.
    pub(super) stretch: u32,
    /// Size of the row after the stretch, as it is.
    pub(super) old: u32,
    /// Size of the row after the stretch, as it shall be. The same as `old` if there is no such row.
    pub(super) new: u32,
}

impl<'t, W: Word> Rows<'t, W> {
    /// The first `count` rows of a table, and the sizes of the rows to come.
    pub(super) fn known(side: Side, boundaries: &'t [u32], sizes: &'t [W], count: u32) -> (Self, &'t [W]) {
        let count = count as usize;
        let (sizes, newcomers) = sizes.split_at_checked(count).unwrap_or_default();
        let near = boundaries.get(..count).unwrap_or_default();
        let far = boundaries.get(1..).and_then(|far| far.get(..count)).unwrap_or_default();
        let (starts, ends) = match side {
            Side::User => (near, far),
            Side::Item => (far, near),
        };
        let end = sizes.len().min(starts.len()).min(ends.len());
        (Self { starts, ends, sizes, first: 0, end }, newcomers)
    }

    /// Takes the next stretch from that end and the row after it; `None` when no row is left.
    #[inline]
    pub(super) fn take_step(&mut self, order: Order) -> Option<Step> {
        if self.first >= self.end {
            return None;
        }
        let (from, to, after) = match order {
            Order::Ascending => {
                let from = self.first;
                let to = self.first_change();
                self.first = to + 1;
                (from, to, (to < self.end).then_some(to))
            }
            Order::Descending => {
                let to = self.end;
                let from = self.last_change();
                self.end = from.saturating_sub(1);
                (from, to, (from > self.first).then_some(self.end))
            }
        };
        let (old, new) =
            after.and_then(|row| self.row(row)).map_or((0, 0), |(start, end, size)| (end - start, size));
        Some(Step { rows: (to - from) as u32, stretch: self.elements(from, to), old, new })
    }

    #[inline]
    fn row(&self, row: usize) -> Option<(u32, u32, u32)> {
        Some((*self.starts.get(row)?, *self.ends.get(row)?, self.sizes.get(row)?.size()))
    }

    #[inline]
    fn is_changed(&self, row: usize) -> bool {
        self.row(row).is_some_and(|(start, end, size)| end.wrapping_sub(start) != size)
    }

    /// The elements of the rows `from..to`, which lie together, in either direction.
    #[inline]
    fn elements(&self, from: usize, to: usize) -> u32 {
        match (self.row(from), self.row(to.wrapping_sub(1))) {
            (Some(one), Some(other)) if from < to => one.1.max(other.1) - one.0.min(other.0),
            _ => 0,
        }
    }

    /// One bit for each of the [`BLOCK`] rows from `row` on whose size changes; `None` if there are fewer.
    #[inline]
    fn changes(&self, row: usize) -> Option<u32> {
        let starts = self.starts.get(row..)?.first_chunk::<BLOCK>()?;
        let ends = self.ends.get(row..)?.first_chunk::<BLOCK>()?;
        let sizes = self.sizes.get(row..)?.first_chunk::<BLOCK>()?;
        let mut bits = 0;
        for (index, ((start, end), size)) in (0..).zip(starts.iter().zip(ends).zip(sizes)) {
            bits |= u32::from(end.wrapping_sub(*start) != size.size()) << index;
        }
        Some(bits)
    }

    /// The first row whose size changes, or the end of the rows.
    #[inline]
    fn first_change(&self) -> usize {
        let mut row = self.first;
        // Where most rows change, the first one does.
        if self.is_changed(row) {
            return row;
        }
        while row + BLOCK <= self.end
            && let Some(changes) = self.changes(row)
        {
            if changes != 0 {
                return row + changes.trailing_zeros() as usize;
            }
            row += BLOCK;
        }
        while row < self.end && !self.is_changed(row) {
            row += 1;
        }
        row
    }

    /// The row after the last one whose size changes, or the first of the rows.
    #[inline]
    fn last_change(&self) -> usize {
        let mut row = self.end;
        if self.is_changed(row.saturating_sub(1)) {
            return row;
        }
        while row >= self.first + BLOCK
            && let Some(changes) = self.changes(row - BLOCK)
        {
            if changes != 0 {
                return row - (changes.leading_zeros() as usize - (u32::BITS as usize - BLOCK));
            }
            row -= BLOCK;
        }
        while row > self.first && !self.is_changed(row - 1) {
            row -= 1;
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn walk(side: Side, edges: &[u32], sizes: &[u32], order: Order) -> Vec<(u32, u32, u32, u32)> {
        let (mut rows, newcomers) = Rows::known(side, edges, sizes, edges.len() as u32 - 1);
        assert!(newcomers.is_empty());
        core::iter::from_fn(|| rows.take_step(order)).map(|s| (s.rows, s.stretch, s.old, s.new)).collect()
    }

    #[test]
    fn stretches_from_either_end() {
        use Order::{Ascending, Descending};
        // Sizes 2 3 0 4 5; the third and the last change.
        let edges = [1, 3, 6, 6, 10, 15];
        let sizes = [2, 3, 1, 4, 6];
        assert_eq!(walk(Side::User, &edges, &sizes, Ascending), [(2, 5, 0, 1), (1, 4, 5, 6)]);
        assert_eq!(walk(Side::User, &edges, &sizes, Descending), [(0, 0, 5, 6), (1, 4, 0, 1), (2, 5, 0, 0)]);
        let edges = edges.map(|edge| 20 - edge);
        assert_eq!(walk(Side::Item, &edges, &sizes, Ascending), [(2, 5, 0, 1), (1, 4, 5, 6)]);
        assert_eq!(walk(Side::Item, &edges, &[2, 3, 0, 4, 5], Descending), [(5, 14, 0, 0)]);
        assert_eq!(walk(Side::Item, &[7], &[], Ascending), []);
    }

    #[test]
    fn every_change_is_found_wherever_it_is() {
        let counts = if cfg!(miri) { 17..20 } else { 0..4 * BLOCK as u32 };
        for count in counts {
            let edges: Vec<u32> = (0..=count).map(|row| row * 3).collect();
            for changed in 0..count {
                let mut sizes = std::vec![3; count as usize];
                sizes[changed as usize] = 2;
                let before = (changed, 3 * changed, 3, 2);
                let after = (count - changed - 1, 3 * (count - changed - 1), 0, 0);
                let both = walk(Side::User, &edges, &sizes, Order::Ascending);
                assert_eq!(both.first(), Some(&before));
                assert_eq!(both.get(1).copied().unwrap_or_default(), after);
                let both = walk(Side::User, &edges, &sizes, Order::Descending);
                assert_eq!(both.first(), Some(&(after.0, after.1, 3, 2)));
                assert_eq!(both.get(1).copied().unwrap_or_default(), (before.0, before.1, 0, 0));
            }
        }
    }
}
