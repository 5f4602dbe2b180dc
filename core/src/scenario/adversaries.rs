//! The device against streams that mean it ill. By default each is short; `SCALL_LONG=1` makes them ten million
//! events long.

use std::boxed::Box;

use super::*;
use crate::testing;

/// Events between two looks at the counters.
const STRETCH: u32 = 10_000;

/// The most slices of a decision before its repack: weights, 63 levels of at most six fits, each of as much as two
/// elements for each size, and no more for ranks, sizes and means than 32 elements for each entity.
const BEFORE: u32 = 20 + (6 * 64 * 2 * SHAPE.largest + 32 * (SHAPE.users + SHAPE.items)) / SLICE;

/// The most slices of a repack and the order after it: a row moves at most twice, and costs four elements more than it
/// has; and each 32 new elements make a pause.
const SLICES: u32 =
    2 * (SHAPE.parameters + 4 * (SHAPE.users + SHAPE.items) + 2 * SLICE) / SLICE + SHAPE.parameters / 32 + 20;

/// What a stream asks of the device, counted and not timed, so that no machine's mood matters.
fn survives(name: &str, event: impl Fn(u32) -> (u32, u32)) {
    let mut scenario = Box::new(Scenario::<Stored>::new());
    let Parts { memory, states, policy } = &mut scenario.parts;
    let decider = policy.start(SEED, states).unwrap();
    let mut run = Run::new(memory.start(decider, SEED).unwrap(), || 0);
    let stretches = testing::cases(2).min(10_000_000 / STRETCH);
    let mut polls = 0;
    for stretch in 0..stretches {
        for n in stretch * STRETCH..(stretch + 1) * STRETCH {
            let (user, item) = event(n);
            let event = Event { user, item };
            run.answer(event);
            run.go_on().unwrap();
            run.learn(event).unwrap();
            if run.report.interactions.is_multiple_of(SEGMENT) {
                run.close_segment().unwrap();
            }
        }

        let arena = run.device.recommender().arena();
        assert!(arena.high_water() <= arena.budget(), "{name}: over the budget");
        assert_eq!(run.report.budget_violations, 0, "{name}");
        let taken = run.figures.decide.times - polls;
        polls = run.figures.decide.times;
        assert!(taken <= STRETCH / SEGMENT * (BEFORE + SLICES), "{name}: {taken} polls in {stretch}");
        for side in Side::BOTH {
            let table = run.device.ids(side);
            let steps = || (0..table.count()).map(|slot| table.steps(table.id(slot).unwrap()));
            // With seven eighths of the index taken no search is bounded but by the index; the order of what is in it
            // keeps the longest near the mean below.
            assert!(steps().max() <= Some(50), "{name}: {:?} steps to an id", steps().max());
            assert!(steps().sum::<usize>() <= 8 * table.count() as usize, "{name}: long searches");
            for slot in 0..table.count() {
                let row = arena.row(side, slot);
                assert!(row.iter().all(|element| element.is_finite()), "{name}: {side:?} {slot}");
            }
        }
    }
    assert_eq!(run.report.interactions, stretches * STRETCH, "{name}");
    assert_eq!(run.device.segments().segments(), stretches * STRETCH / SEGMENT, "{name}");
}

/// Ids at both ends of their range.
fn limit(n: u32) -> u32 {
    if n.is_multiple_of(2) { n / 2 } else { u32::MAX - n / 2 }
}

#[test]
#[cfg_attr(miri, ignore = "thousands of events")]
fn nobody_but_newcomers() {
    survives("users and items all new", |n| (n, n.wrapping_mul(0x9e37_79b9)));
    survives("users all new", |n| (n, n % 700));
    survives("items all new", |n| (n % 60, n));
}

#[test]
#[cfg_attr(miri, ignore = "thousands of events")]
fn one_user_or_one_pair_alone() {
    survives("one user", |n| (7, n.wrapping_mul(n) % 900));
    survives("one pair", |_| (7, 7));
}

#[test]
#[cfg_attr(miri, ignore = "thousands of events")]
fn extremes_in_turn() {
    survives("both ends in turn", |n| if n % 2 == 0 { (0, u32::MAX) } else { (u32::MAX, 0) });
    survives("crowds and hermits in turn", |n| {
        if n / 5_000 % 2 == 0 { (n % 64, n % 512) } else { (1_000, 1_000 + n % 2) }
    });
}

#[test]
#[cfg_attr(miri, ignore = "thousands of events")]
fn ids_at_their_limits() {
    survives("ids at their limits", |n| (limit(n % 90), limit(n * 7 % 1_500)));
}

/// The core has no clock: what comes late is an event like any other.
#[test]
#[cfg_attr(miri, ignore = "thousands of events")]
fn a_stream_backwards() {
    survives("a stream backwards", |n| {
        let back = 10_000_000 - n;
        (back / 100 % 85, back / 40 * 31 % 768)
    });
}
