//! An arena in a snapshot.
//!
//! Saved are the counts, the sizes and the elements in use, not the tables and the gap: a snapshot is as
//! long as what it holds, and can be loaded into any arena that has room for it and cold-start rows of the
//! same sizes.

use super::Arena;
use crate::Side;
use crate::element::Element;
use crate::side::PerSide;
use crate::snapshot::{NUMBER_LEN, Reader, Snapshot, SnapshotError, Writer};
use crate::tables::RowLength;

impl<E: Element, L: RowLength> Arena<'_, E, L> {
    /// The most bytes in a snapshot, for a budget of that many elements and that many users and items.
    pub const fn max_snapshot_len(parameters: usize, users: usize, items: usize) -> usize {
        // A size of 32 bits takes up to 5 bytes.
        12 * NUMBER_LEN + 5 * (users + items) + size_of::<E>() * parameters
    }

    /// The elements of the users and of the items, cold-start rows included.
    fn regions(&mut self, taken: PerSide<u32>) -> Option<(&mut [E], &mut [E])> {
        let middle = (self.values.len()).checked_sub(taken.item as usize)?;
        let (low, items) = self.values.split_at_mut_checked(middle)?;
        Some((low.get_mut(..taken.user as usize)?, items))
    }
}

impl<E: Element, L: RowLength> Arena<'_, E, L> {
    /// [`Snapshot::load`], which also says how many users and items the snapshot has.
    pub(crate) fn restore(&mut self, reader: &mut Reader<'_>) -> Result<PerSide<u32>, SnapshotError> {
        let write = !reader.is_dry();
        let mut taken = PerSide::new(0, 0);
        let mut counts = PerSide::new(0, 0);
        for side in Side::BOTH {
            let cold = self.cold_size(side);
            reader.expect(cold)?;
            let count: u32 = reader.take()?;
            if count > self.capacity(side) {
                return Err(SnapshotError::OtherShape { found: count, expected: self.capacity(side) });
            }
            let cold_starts: u32 = reader.take()?;
            let available = self.len();
            let edge = |elements: u64| match side {
                Side::User => elements as u32,
                Side::Item => available.saturating_sub(elements as u32),
            };
            let rows = self.rows_mut(side);
            let (mut id, mut end, mut longest) = (0, u64::from(cold), 0);
            reader.sequence(count as usize, |size: u32| {
                let near = edge(end);
                end = end.saturating_add(u64::from(size));
                longest = longest.max(size);
                if write {
                    rows.set(id, near, edge(end));
                }
                id += 1;
            })?;
            if longest > L::LONGEST {
                return Err(SnapshotError::OtherShape { found: longest, expected: L::LONGEST });
            }
            if cold_starts > count || end > u64::from(u32::MAX) {
                return Err(SnapshotError::Damaged);
            }
            *taken.get_mut(side) = end as u32;
            *counts.get_mut(side) = count;
            if write {
                *self.counts.get_mut(side) = count;
                *self.settled.get_mut(side) = count;
                self.motion = None;
                *self.cold_starts.get_mut(side) = cold_starts;
            }
        }
        let (budget, high_water): (u32, u32) = reader.take()?;
        if budget > self.len() {
            return Err(SnapshotError::OtherShape { found: budget, expected: self.len() });
        }
        let used = u64::from(taken.user) + u64::from(taken.item);
        if used > u64::from(budget) || u64::from(high_water) < used {
            return Err(SnapshotError::Damaged);
        }
        if write {
            self.taken = taken;
            self.budget = budget;
            self.high_water = high_water;
        }
        let (users, items) = self.regions(taken).ok_or(SnapshotError::Damaged)?;
        reader.fill(users)?;
        reader.fill(items)?;
        Ok(counts)
    }
}

impl<E: Element, L: RowLength> Snapshot for Arena<'_, E, L> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        if self.is_repacking() {
            return Err(SnapshotError::Unfinished);
        }
        for side in Side::BOTH {
            writer.put(&self.cold_size(side))?;
            writer.put(&self.count(side))?;
            writer.put(&self.cold_starts(side))?;
            writer.put_all((0..self.count(side)).map(|id| self.size(side, id)))?;
        }
        writer.put(&(self.budget, self.high_water))?;
        let items = self.values.len().saturating_sub(self.taken.item as usize);
        writer.put_all(self.values.get(..self.taken.user as usize).unwrap_or_default().iter())?;
        writer.put_all(self.values.get(items..).unwrap_or_default().iter())
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.restore(reader).map(|_| ())
    }
}
