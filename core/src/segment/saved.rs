//! A policy at work and its loop in a snapshot.
//!
//! Settings are the caller's, as in the [recommender's](crate::recommender) and the
//! [policy's](crate::policy) own snapshots.

use super::decider::Decider;
use super::incumbent::Incumbent;
use super::segment_loop::SegmentLoop;
use crate::element::Element;
use crate::policy::{Policy, SacShape};
use crate::random::Generator;
use crate::snapshot::{NUMBER_LEN, Reader, Snapshot, SnapshotError, Writer};
use crate::tables::Tables;

impl Decider<'_> {
    /// The most bytes in a snapshot, with that many transitions stored.
    pub const fn max_snapshot_len(shape: &SacShape, transitions: usize) -> usize {
        let floats = 2 * shape.state as usize + 2;
        shape.max_snapshot_len(transitions) + 2 * NUMBER_LEN + size_of::<f32>() * floats
    }
}

/// The policy, the states it read, and the last reward.
impl<P: Policy + Snapshot> Snapshot for Decider<'_, P> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        self.policy.save(writer)?;
        writer.put_all(self.states.iter())?;
        writer.put(&(self.last_reward, self.centre))
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.policy.load(reader)?;
        reader.fill(self.states)?;
        let (last_reward, centre): (f32, f32) = reader.take()?;
        if !last_reward.is_finite() || !(0.0..=1.0).contains(&centre) {
            return Err(SnapshotError::Damaged);
        }
        if !reader.is_dry() {
            self.last_reward = last_reward;
            self.centre = centre;
        }
        Ok(())
    }
}

impl Incumbent {
    /// The most bytes in a snapshot.
    pub const SNAPSHOT_LEN: usize = NUMBER_LEN + 1 + size_of::<f32>() * 8;
}

impl Snapshot for Incumbent {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        writer.put(self)
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let saved: Self = reader.take()?;
        let challenger = saved.challenger().unwrap_or(saved.present());
        if !positions(&saved.present()) || !positions(&challenger) {
            return Err(SnapshotError::Damaged);
        }
        if !reader.is_dry() {
            *self = saved;
        }
        Ok(())
    }
}

/// All but the settings and the scratch: recommender, policy, drawn sizes, and where the loop is.
impl<E: Element, P: Policy + Snapshot, T: Tables> Snapshot for SegmentLoop<'_, E, P, T> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        if self.is_busy() {
            return Err(SnapshotError::Unfinished);
        }
        self.recommender.save(writer)?;
        self.decider.save(writer)?;
        self.sizes.save(writer)?;
        writer.put(&(self.taken, self.segments))
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.recommender.load(reader)?;
        self.decider.load(reader)?;
        self.sizes.load(reader)?;
        let (taken, segments): (Option<[f32; 3]>, u32) = reader.take()?;
        if taken.is_some_and(|taken| !positions(&taken)) {
            return Err(SnapshotError::Damaged);
        }
        if !reader.is_dry() {
            self.taken = taken;
            self.stage = None;
            self.within = false;
            self.segments = segments;
        }
        Ok(())
    }
}

impl<E: Element> SegmentLoop<'_, E> {
    /// The most bytes in a snapshot, beyond those of its recommender and its decider.
    pub const SNAPSHOT_LEN: usize = Generator::SNAPSHOT_LEN + NUMBER_LEN + 1 + size_of::<[f32; 3]>();
}

/// Whether these are positions of a policy.
fn positions(numbers: &[f32; 3]) -> bool {
    numbers.iter().all(|number| (0.0..=1.0).contains(number))
}

#[cfg(test)]
mod tests;
