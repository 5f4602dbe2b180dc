//! Frequencies in a snapshot.

use super::Frequencies;
use crate::Side;
use crate::snapshot::{NUMBER_LEN, Reader, Snapshot, SnapshotError, Writer};
use crate::tables::Count;

impl<C: Count> Frequencies<'_, C> {
    /// The most bytes in a snapshot, for that many users and items.
    pub const fn max_snapshot_len(users: usize, items: usize) -> usize {
        2 * 2 * NUMBER_LEN + size_of::<C>() * (users + items)
    }
}

/// Per side, the counts up to the last that is not zero.
impl<C: Count> Snapshot for Frequencies<'_, C> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        for side in Side::BOTH {
            let counts = self.counts(side);
            let used = counts.iter().rposition(|&count| count != C::ZERO).map_or(0, |last| last + 1);
            writer.put(&(used as u32))?;
            writer.put_all(counts.iter().take(used))?;
        }
        Ok(())
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        for side in Side::BOTH {
            let counts = self.counts_mut(side);
            let used: u32 = reader.take()?;
            let Some((known, rest)) = counts.split_at_mut_checked(used as usize) else {
                let expected = u32::try_from(counts.len()).unwrap_or(u32::MAX);
                return Err(SnapshotError::OtherShape { found: used, expected });
            };
            let write = !reader.is_dry();
            let mut possible = true;
            let mut slots = known.iter_mut();
            reader.sequence(used as usize, |count: C| {
                possible &= count.is_possible();
                if write && let Some(slot) = slots.next() {
                    *slot = count;
                }
            })?;
            if !possible {
                return Err(SnapshotError::Damaged);
            }
            if write {
                rest.fill(C::ZERO);
            }
        }
        Ok(())
    }
}
