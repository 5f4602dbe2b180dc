//! A policy in a snapshot.
//!
//! Saved are the networks, the transitions in use and [`Progress`]; the settings are the caller's, who
//! restores into a policy of the same shape.

use super::memory::SacShape;
use super::replay::transition_len;
use super::{Actor, Progress, Sac};
use crate::snapshot::{NUMBER_LEN, Reader, Snapshot, SnapshotError, Writer};

impl SacShape {
    /// The most bytes of a policy in a snapshot, with that many transitions stored.
    pub const fn max_snapshot_len(&self, transitions: usize) -> usize {
        let numbers = self.networks_len().saturating_add(transition_len(self.state as usize) * transitions);
        numbers.saturating_mul(size_of::<f32>()).saturating_add(16 * NUMBER_LEN)
    }
}

impl Snapshot for Sac<'_> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        let shape = &self.config().shape;
        for number in [shape.state, shape.hidden, shape.capacity] {
            writer.put(&number)?;
        }
        writer.put(&self.progress())?;
        writer.put_all(self.networks().iter())?;
        writer.put_all(self.transitions().iter())
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let shape = self.config().shape;
        for number in [shape.state, shape.hidden, shape.capacity] {
            reader.expect(number)?;
        }
        let progress: Progress = reader.take()?;
        if !self.accepts(&progress) {
            return Err(SnapshotError::Damaged);
        }
        if !reader.is_dry() {
            self.set_progress(&progress);
        }
        reader.fill(self.networks_mut())?;
        reader.fill(self.transitions_mut(progress.stored).ok_or(SnapshotError::Damaged)?)
    }
}

impl Actor<'_> {
    /// The most bytes in a snapshot.
    pub const SNAPSHOT_LEN: usize = 2 * NUMBER_LEN;
}

/// Its shape alone: the weights do not change.
impl Snapshot for Actor<'_> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        writer.put(&self.shape())
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let (state, hidden) = self.shape();
        reader.expect(state)?;
        reader.expect(hidden)
    }
}
