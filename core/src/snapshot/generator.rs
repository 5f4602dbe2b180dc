//! The state of a random number generator.

use super::{Reader, Snapshot, SnapshotError, Writer};
use crate::random::Generator;

impl Generator {
    /// Bytes of a generator in a snapshot.
    pub const SNAPSHOT_LEN: usize = 16;
}

impl Snapshot for Generator {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        writer.put(&self.state())
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let state = reader.take()?;
        if !reader.is_dry() {
            *self = Self::from_state(state);
        }
        Ok(())
    }
}
