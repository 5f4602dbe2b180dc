//! Where a run is kept while the power is off.

use core::convert::Infallible;

use super::{Answers, ITEMS, PARAMETERS, PolicyMemory, Run, SEGMENT, SHAPE, USERS};
use crate::device::Device;
use crate::element::Element;
use crate::policy::{Policy, Sac};
use crate::recommender::{Recommender, seen_len};
use crate::segment::SegmentLoop;
use crate::snapshot::{self, NUMBER_LEN, Reader, Snapshot, SnapshotError, Writer};
use crate::tables::Tables;

/// What the snapshot of a run begins with.
pub const RUN_SHAPE: [u32; 8] = {
    let [users, items, parameters, largest, seen_pairs, groups, hidden] = SHAPE.snapshot_shape();
    [users, items, parameters, largest, seen_pairs, groups, hidden, SEGMENT]
};

/// The most bytes of a run in a snapshot of that [`RUN_SHAPE`].
pub const fn max_snapshot_len<M: PolicyMemory>() -> usize {
    let (means, seen) = (2 * SHAPE.largest as usize, seen_len(SHAPE.seen_pairs as usize));
    let device = Recommender::<f32>::max_snapshot_len(PARAMETERS, USERS, ITEMS, means, seen)
        + SegmentLoop::<f32>::SNAPSHOT_LEN
        + Device::<f32, Sac<'_>>::max_snapshot_len(USERS, ITEMS);
    let decider = M::SNAPSHOT_LEN + size_of::<f32>() * (SHAPE.states_len() + 2) + 2 * NUMBER_LEN;
    snapshot::max_size(RUN_SHAPE.len(), device + decider + 9 * NUMBER_LEN)
}

/// Keeps the state of a run where a power cut does not reach it.
pub trait Keeper {
    /// Why it could not.
    type Error;

    /// Restores the run that was kept, if one was.
    ///
    /// # Errors
    /// Whatever the keeper's memory has to say.
    fn restore(&mut self, run: &mut impl Snapshot) -> Result<(), Self::Error>;

    /// Keeps the run as it is now.
    ///
    /// # Errors
    /// Whatever the keeper's memory has to say.
    fn keep(&mut self, run: &impl Snapshot) -> Result<(), Self::Error>;
}

/// Keeps nothing.
impl Keeper for () {
    type Error = Infallible;

    fn restore(&mut self, _run: &mut impl Snapshot) -> Result<(), Infallible> {
        Ok(())
    }

    fn keep(&mut self, _run: &impl Snapshot) -> Result<(), Infallible> {
        Ok(())
    }
}

/// All that follows depends on: the device, how recommendations fared, and how far the stream has come.
impl<E: Element, P: Policy + Snapshot, C, T: Tables> Snapshot for Run<'_, P, C, E, T> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        self.device.save(writer)?;
        for Answers { hits, short_list_hits, tests } in [self.segment, self.all] {
            writer.put(&(hits, short_list_hits, tests))?;
        }
        writer.put(&(self.usual_recall, self.report.interactions, self.report.budget_violations))
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.device.load(reader)?;
        let mut answers = [Answers::default(); 2];
        for answers in &mut answers {
            let (hits, short_list_hits, tests) = reader.take()?;
            *answers = Answers { hits, short_list_hits, tests };
        }
        let (usual_recall, interactions, budget_violations) = reader.take()?;
        if !(0.0..=1.0).contains(&usual_recall) {
            return Err(SnapshotError::Damaged);
        }
        if !reader.is_dry() {
            [self.segment, self.all] = answers;
            self.usual_recall = usual_recall;
            self.report.interactions = interactions;
            self.report.budget_violations = budget_violations;
        }
        Ok(())
    }
}
