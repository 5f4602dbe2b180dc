//! The rows of a side as a repack walks over them: stretches that keep their sizes, and changed rows.

use crate::Side;

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
pub(super) struct Rows<'t> {
    starts: &'t [u32],
    ends: &'t [u32],
    sizes: &'t [u32],
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

impl<'t> Rows<'t> {
    /// The first `count` rows of a table, and the sizes of the rows to come.
    pub(super) fn known(
        side: Side,
        boundaries: &'t [u32],
        sizes: &'t [u32],
        count: u32,
    ) -> (Self, &'t [u32]) {
        let count = count as usize;
        let (sizes, newcomers) = sizes.split_at_checked(count).unwrap_or_default();
        let near = boundaries.get(..count).unwrap_or_default();
        let far = boundaries.get(1..).and_then(|far| far.get(..count)).unwrap_or_default();
        let (starts, ends) = match side {
            Side::User => (near, far),
            Side::Item => (far, near),
        };
        (Self { starts, ends, sizes }, newcomers)
    }

    /// Takes the next stretch from that end and the row after it; `None` when no row is left.
    #[inline]
    pub(super) fn take_step(&mut self, order: Order) -> Option<Step> {
        if self.sizes.is_empty() {
            return None;
        }
        let (stretch, after) = match order {
            Order::Ascending => {
                let rows = self.unchanged_first();
                let (stretch, rest) = self.split_at(rows);
                let (row, rest) = rest.split_at(1);
                *self = rest;
                (stretch, row)
            }
            Order::Descending => {
                let rows = self.unchanged_last();
                let (rest, stretch) = self.split_at(self.sizes.len().saturating_sub(rows));
                let (rest, row) = rest.split_at(rest.sizes.len().saturating_sub(1));
                *self = rest;
                (stretch, row)
            }
        };
        Some(Step {
            rows: stretch.sizes.len() as u32,
            stretch: stretch.elements(),
            old: after.elements(),
            new: after.sizes.first().copied().unwrap_or(0),
        })
    }

    /// The first `rows`, or all that there are, and the rest.
    #[inline]
    fn split_at(self, rows: usize) -> (Self, Self) {
        let split = |slice: &'t [u32]| slice.split_at_checked(rows).unwrap_or((slice, &[]));
        let (starts, ends, sizes) = (split(self.starts), split(self.ends), split(self.sizes));
        (
            Self { starts: starts.0, ends: ends.0, sizes: sizes.0 },
            Self { starts: starts.1, ends: ends.1, sizes: sizes.1 },
        )
    }

    /// The elements of all the rows, which lie together, in either direction.
    #[inline]
    fn elements(self) -> u32 {
        match (self.starts, self.ends) {
            (&[start], &[end]) => end - start,
            (&[first_start, .., last_start], &[first_end, .., last_end]) => {
                first_end.max(last_end) - first_start.min(last_start)
            }
            _ => 0,
        }
    }

    /// How many of the first rows keep their sizes.
    #[inline]
    fn unchanged_first(self) -> usize {
        let (starts, starts_rest) = self.starts.as_chunks();
        let (ends, ends_rest) = self.ends.as_chunks();
        let (sizes, sizes_rest) = self.sizes.as_chunks();
        let mut rows = 0;
        for ((starts, ends), sizes) in starts.iter().zip(ends).zip(sizes) {
            let changed = changes(starts, ends, sizes);
            if changed != 0 {
                return rows + changed.trailing_zeros() as usize;
            }
            rows += BLOCK;
        }
        let rest = starts_rest.iter().zip(ends_rest).zip(sizes_rest);
        rows + rest.take_while(|((start, end), size)| end.wrapping_sub(**start) == **size).count()
    }

    /// How many of the last rows keep their sizes.
    #[inline]
    fn unchanged_last(self) -> usize {
        let (starts_rest, starts) = self.starts.as_rchunks();
        let (ends_rest, ends) = self.ends.as_rchunks();
        let (sizes_rest, sizes) = self.sizes.as_rchunks();
        let mut rows = 0;
        for ((starts, ends), sizes) in starts.iter().zip(ends).zip(sizes).rev() {
            let changed = changes(starts, ends, sizes);
            if changed != 0 {
                return rows + (changed.leading_zeros() - (u32::BITS - BLOCK as u32)) as usize;
            }
            rows += BLOCK;
        }
        let rest = starts_rest.iter().zip(ends_rest).zip(sizes_rest).rev();
        rows + rest.take_while(|((start, end), size)| end.wrapping_sub(**start) == **size).count()
    }
}

/// One bit for each row whose size changes.
#[inline]
fn changes(starts: &[u32; BLOCK], ends: &[u32; BLOCK], sizes: &[u32; BLOCK]) -> u32 {
    let mut bits = 0;
    for (index, ((start, end), size)) in (0..).zip(starts.iter().zip(ends).zip(sizes)) {
        bits |= u32::from(end.wrapping_sub(*start) != *size) << index;
    }
    bits
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
        for count in 0..4 * BLOCK as u32 {
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
