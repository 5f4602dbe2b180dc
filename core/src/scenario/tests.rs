use std::boxed::Box;
use std::vec;

use super::*;
use crate::segment::PolicyFile;
use crate::snapshot::{self, Snapshot, SnapshotError};

/// The seed that the stored policy was trained with.
const TRAINING_SEED: u64 = 7;

#[test]
#[cfg_attr(miri, ignore = "thousands of events")]
fn a_run_repeats_itself_and_another_seed_differs() {
    let mut scenario = Box::new(Scenario::<Stored>::new());
    let first = scenario.run(SEED).unwrap();
    assert_eq!(scenario.run(SEED).unwrap(), first);
    assert_ne!(scenario.run(SEED + 1).unwrap().digest, first.digest);
}

fn learns_and_stays_inside_its_budget<M: PolicyMemory>() {
    let mut scenario = Box::new(Scenario::<M>::new());
    let report = scenario.run(SEED).unwrap();
    std::println!("{report:?} {}", size_of::<Scenario<M>>());
    assert_eq!(report.interactions, STREAM.events);
    assert!(report.interactions >= 20_000);
    assert_eq!(report.segments, STREAM.events / SEGMENT);
    assert_eq!(report.entities, (USERS + ITEMS) as u32);
    // More than once a newcomer takes the place of one who has left for good.
    assert!(report.evicted >= STREAM.entities.user - USERS as u32 + STREAM.entities.item - ITEMS as u32);
    assert_eq!(report.budget_violations, 0);
    assert!(report.parameters_used <= report.budget_parameters);
    // By chance alone it would be about one in twenty-five.
    assert!(report.hits * 5 > report.tests, "{report:?}");
    assert!(report.short_list_hits < report.hits && report.short_list_hits * 8 > report.tests, "{report:?}");
}

#[test]
#[cfg_attr(miri, ignore = "thousands of events")]
fn a_run_with_a_stored_policy_learns_and_stays_inside_its_budget() {
    learns_and_stays_inside_its_budget::<Stored>();
}

#[test]
#[cfg_attr(miri, ignore = "thousands of events")]
fn a_run_with_a_policy_that_learns_does_so_too() {
    learns_and_stays_inside_its_budget::<Training>();
}

/// With `SCALL_UPDATE_SNAPSHOTS=1` the policy is stored anew.
#[test]
#[cfg_attr(miri, ignore = "thousands of events")]
fn the_stored_policy_is_the_trained_one() {
    let mut scenario = Box::new(Scenario::<Training>::new());
    let mut bytes = vec![0; PolicyFile::len(&STATE, 7)];
    let length = scenario.train(TRAINING_SEED, &mut bytes).unwrap();
    if std::env::var("SCALL_UPDATE_SNAPSHOTS").is_ok_and(|value| value == "1") {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/scenario/policy.scall"), &bytes).unwrap();
    } else {
        assert!(bytes[..length] == *STORED_POLICY, "SCALL_UPDATE_SNAPSHOTS=1 stores the new one");
    }
}

/// Keeps a run in memory, and fails after some times.
struct Kept {
    bytes: vec::Vec<u8>,
    left: u32,
}

impl Keeper for Kept {
    type Error = SnapshotError;

    fn restore(&mut self, run: &mut impl Snapshot) -> Result<(), SnapshotError> {
        if self.bytes.is_empty() { Ok(()) } else { snapshot::load(&RUN_SHAPE, run, &self.bytes).map(|_| ()) }
    }

    fn keep(&mut self, run: &impl Snapshot) -> Result<(), SnapshotError> {
        self.left = self.left.checked_sub(1).ok_or(SnapshotError::Unfinished)?;
        self.bytes.resize(snapshot::size(&RUN_SHAPE, run)?, 0);
        snapshot::save(&RUN_SHAPE, run, &mut self.bytes).map(|_| ())
    }
}

fn goes_on_with_what_was_kept<M: PolicyMemory>() {
    let mut scenario = Box::new(Scenario::<M>::new());
    let expected = scenario.run(SEED).unwrap();
    let mut kept = Kept { bytes: vec![], left: 0 };
    let mut longest = 0;
    for left in [0, 1, 13, 0] {
        kept.left = left;
        let mut scenario = Box::new(Scenario::<M>::new());
        assert_eq!(scenario.run_kept(SEED, &mut kept), Err(ScenarioError::Keeper));
        longest = longest.max(kept.bytes.len());
    }
    kept.left = u32::MAX;
    let mut scenario = Box::new(Scenario::<M>::new());
    assert_eq!(scenario.run_kept(SEED, &mut kept), Ok(expected));
    // Each decision but the last, which the end of the stream interrupts, was kept once.
    assert_eq!(u32::MAX - kept.left, expected.segments - 1 - 14);
    longest = longest.max(kept.bytes.len());
    assert!(longest <= max_snapshot_len::<M>() && longest * 5 > max_snapshot_len::<M>() * 3, "{longest}");
}

#[test]
#[cfg_attr(miri, ignore = "thousands of events")]
fn a_run_that_was_interrupted_comes_to_the_same_report() {
    goes_on_with_what_was_kept::<Stored>();
    goes_on_with_what_was_kept::<Training>();
}

#[test]
fn a_recorded_stream_runs_as_the_live_one() {
    let mut scenario = Box::new(Scenario::<Stored>::new());
    let events =
        |count| TurnoverStream::new(9, STREAM, &mut [0; STREAM_PAIRS]).take(count).collect::<vec::Vec<_>>();
    let events = events(1_200);
    let report = scenario.replay(9, events.into_iter()).unwrap();
    assert_eq!((report.interactions, report.segments), (1_200, 2));
}

#[test]
#[cfg_attr(miri, ignore = "thousands of events")]
fn a_run_in_packed_memory_learns_and_stays_inside_its_budget() {
    let mut packed = Box::new(Packed::new());
    let report = packed.run(SEED).unwrap();
    assert_eq!(packed.run(SEED).unwrap(), report);
    assert_eq!(report.entities as usize, PACKED_SHAPE.entities());
    assert!(report.evicted > 100 && report.budget_violations == 0);
    assert!(report.parameters_used <= report.budget_parameters);
    // By chance alone it would be about one in 130.
    assert!(report.hits * 50 > report.tests, "{report:?}");
}

#[test]
fn the_memory_leaves_room_for_a_stack_in_64_kib() {
    assert!(size_of::<Packed>() + 5 * 1024 <= 64 * 1024, "{}", size_of::<Packed>());
    let (stored, training) = (size_of::<Scenario<Stored>>(), size_of::<Scenario<Training>>());
    assert!(stored <= 48 * 1024 && training <= 60 * 1024, "{stored} {training}");
}
