//! A table of ids in a snapshot: the ids by slot. The index follows from them.

use super::IdTable;
use crate::snapshot::{NUMBER_LEN, Reader, Snapshot, SnapshotError, Writer};

impl IdTable<'_> {
    /// The most bytes in a snapshot, for that many entities.
    pub const fn max_snapshot_len(entities: usize) -> usize {
        // An id of 32 bits takes up to 5 bytes.
        2 * NUMBER_LEN + 5 * entities
    }
}

impl Snapshot for IdTable<'_> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        writer.put(&self.count)?;
        writer.put_all(self.known().iter())
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let count: u32 = reader.take()?;
        let expected = self.capacity();
        let ids = self.ids.get_mut(..count as usize);
        reader.fill(ids.ok_or(SnapshotError::OtherShape { found: count, expected })?)?;
        if !reader.is_dry() {
            self.count = count;
            self.index.clear();
            for slot in 0..count {
                self.enter(slot);
            }
        }
        Ok(())
    }
}
