use std::boxed::Box;

use super::*;

#[test]
#[cfg_attr(miri, ignore = "thousands of events")]
fn a_run_repeats_itself_and_another_seed_differs() {
    let mut scenario = Box::new(Scenario::new());
    let first = scenario.run(SEED).unwrap();
    assert_eq!(scenario.run(SEED).unwrap(), first);
    assert_ne!(scenario.run(SEED + 1).unwrap().digest, first.digest);
}

#[test]
#[cfg_attr(miri, ignore = "thousands of events")]
fn a_run_learns_and_stays_inside_its_budget() {
    let mut scenario = Box::new(Scenario::new());
    let report = scenario.run(SEED).unwrap();
    assert_eq!(report.interactions, EVENTS);
    assert_eq!(report.segments, EVENTS / SEGMENT);
    assert_eq!(report.entities, (USERS + ITEMS) as u32);
    assert_eq!(report.budget_violations, 0);
    assert!(report.parameters_used <= report.budget_parameters);
    // By chance alone it would be about one in ten.
    assert!(report.hits * 4 > report.tests, "{report:?}");
}

#[test]
fn the_memory_leaves_room_for_a_stack_in_64_kib() {
    assert!(size_of::<Scenario>() <= 60 * 1024, "{}", size_of::<Scenario>());
}
