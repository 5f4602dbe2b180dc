//! A device in a snapshot: its loop, and who is in which slot.

use super::Device;
use crate::Side;
use crate::element::Element;
use crate::ids::IdTable;
use crate::policy::Policy;
use crate::snapshot::{NUMBER_LEN, Reader, Snapshot, SnapshotError, Writer};
use crate::tables::Tables;

impl<E: Element, P: Policy> Device<'_, E, P> {
    /// The most bytes in a snapshot beyond those of its loop, for that many users and items.
    pub const fn max_snapshot_len(users: usize, items: usize) -> usize {
        IdTable::max_snapshot_len(users) + IdTable::max_snapshot_len(items) + 2 * NUMBER_LEN
    }
}

impl<E: Element, P: Policy + Snapshot, T: Tables> Snapshot for Device<'_, E, P, T> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        self.segments.save(writer)?;
        for side in Side::BOTH {
            self.ids.get(side).save(writer)?;
            writer.put(self.evicted.get(side))?;
        }
        Ok(())
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.segments.load(reader)?;
        for side in Side::BOTH {
            self.ids.get_mut(side).load(reader)?;
            let evicted = reader.take()?;
            if !reader.is_dry() {
                *self.evicted.get_mut(side) = evicted;
            }
        }
        Ok(())
    }
}
