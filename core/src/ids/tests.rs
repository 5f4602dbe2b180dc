use super::*;
use crate::snapshot;
use proptest::prelude::*;
use std::collections::HashMap;
use std::string::ToString;
use std::vec;
use std::vec::Vec;

#[test]
fn refuses_what_it_cannot_number() {
    let mut ids = vec![0; MAX_ENTITIES + 1];
    let mut index = vec![0; index_len(MAX_ENTITIES + 1)];
    let error = IdTable::new(&mut ids, &mut index).unwrap_err();
    assert_eq!(error, IdError::TooMany { asked: 65_536, limit: 65_535 });
    let error = IdTable::new(&mut [0; 4], &mut [0; 7]).unwrap_err();
    assert_eq!(error, IdError::ShortIndex { needed: 8, available: 7 });
    assert_eq!(error.to_string(), "the index of the ids is too short");
}

#[test]
fn no_entity_at_all() {
    let mut index = [0; index_len(0)];
    let mut table = IdTable::new(&mut [], &mut index).unwrap();
    assert_eq!((table.admit(1), table.slot(1), table.hand_over(0, 1)), (None, None, None));
}

#[test]
fn the_last_slot_of_the_largest_table() {
    let mut ids = vec![0; MAX_ENTITIES];
    let mut index = vec![0; index_len(MAX_ENTITIES)];
    let mut table = IdTable::new(&mut ids, &mut index).unwrap();
    for id in 0..MAX_ENTITIES as u32 {
        assert_eq!(table.admit(id.wrapping_mul(0x9e37_79b9)), Some(id));
    }
    assert_eq!(table.admit(1), None);
    assert_eq!(table.slot(65_534_u32.wrapping_mul(0x9e37_79b9)), Some(65_534));
    assert_eq!(table.hand_over(65_534, 1), Some(65_534_u32.wrapping_mul(0x9e37_79b9)));
    assert_eq!(table.slot(1), Some(65_534));
}

/// Mean and largest number of steps of as many searches as the table is large.
fn steps(table: &IdTable<'_>, id: impl Fn(u32) -> u32) -> (f64, usize) {
    let steps = || (0..table.capacity()).map(|n| table.steps(id(n)));
    (steps().sum::<usize>() as f64 / f64::from(table.capacity()), steps().max().unwrap_or(0))
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of thousands of searches")]
fn searches_in_a_full_table_stay_short_however_many_come_and_go() {
    for entities in [64, 512, 4_095, 20_000] {
        let (mut ids, mut index) = (vec![0; entities as usize], vec![0; index_len(entities as usize)]);
        let mut table = IdTable::new(&mut ids, &mut index).unwrap();
        (0..entities).for_each(|id| assert!(table.admit(id).is_some()));
        for round in 1..5 {
            let there = steps(&table, |n| table.id(n).unwrap());
            let missing = steps(&table, |n| u32::MAX - n);
            assert!(there.0 <= 5.5 && there.1 <= 40, "{entities}, {round}: {there:?} steps to an id");
            assert!(missing.0 <= 6.0 && missing.1 <= 41, "{entities}, {round}: {missing:?} steps to none");
            for slot in 0..entities {
                assert!(table.hand_over(slot, round * entities + slot).is_some());
            }
        }
    }
}

#[test]
fn a_snapshot_keeps_every_slot() {
    let (mut ids, mut index) = ([0; 5], [0; index_len(5)]);
    let mut table = IdTable::new(&mut ids, &mut index).unwrap();
    for id in [9, u32::MAX, 0, 77] {
        table.admit(id);
    }
    table.hand_over(1, 5);
    let mut bytes = [0; 128];
    let length = snapshot::save(&[], &table, &mut bytes).unwrap();
    assert!(length <= snapshot::max_size(0, IdTable::max_snapshot_len(5)));

    let (mut ids, mut index) = ([3; 8], [3; index_len(8)]);
    let mut copy = IdTable::new(&mut ids, &mut index).unwrap();
    copy.admit(1);
    assert_eq!(snapshot::load(&[], &mut copy, &bytes), Ok(length));
    assert_eq!(
        [9, 5, 0, 77, 1, u32::MAX].map(|id| copy.slot(id)),
        [Some(0), Some(1), Some(2), Some(3), None, None]
    );
    assert_eq!(copy.admit(1), Some(4));

    let (mut ids, mut index) = ([0; 3], [0; index_len(3)]);
    let mut narrow = IdTable::new(&mut ids, &mut index).unwrap();
    let refused = snapshot::load(&[], &mut narrow, &bytes);
    assert_eq!(refused, Err(snapshot::SnapshotError::OtherShape { found: 4, expected: 3 }));
    assert_eq!(narrow.count(), 0);
}

proptest! {
    #![proptest_config(crate::testing::config(256))]

    /// A table is a map from ids to slots and a list of ids.
    #[test]
    fn behaves_as_a_map(
        capacity in 0_usize..12,
        // Few ids, so that they come back and meet in the index.
        steps in prop::collection::vec((prop::sample::select(vec![0_u32, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89,
            144, u32::MAX - 1, u32::MAX]), 0_u32..12), 0..200),
    ) {
        let (mut ids, mut index) = (vec![7; capacity], vec![7; index_len(capacity)]);
        let mut table = IdTable::new(&mut ids, &mut index).unwrap();
        let (mut slots, mut known) = (HashMap::new(), Vec::new());
        for (id, slot) in steps {
            if known.len() < capacity {
                let expected = (!slots.contains_key(&id)).then_some(known.len() as u32);
                prop_assert_eq!(table.admit(id), expected);
                if let Some(slot) = expected {
                    slots.insert(id, slot);
                    known.push(id);
                }
            } else {
                prop_assert_eq!(table.admit(id), None);
                let former = known.get(slot as usize).copied().filter(|_| !slots.contains_key(&id));
                prop_assert_eq!(table.hand_over(slot, id), former);
                if let Some(former) = former {
                    slots.remove(&former);
                    slots.insert(id, slot);
                    known[slot as usize] = id;
                }
            }
            prop_assert_eq!(table.count() as usize, known.len());
            for id in [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, u32::MAX - 1, u32::MAX] {
                prop_assert_eq!(table.slot(id), slots.get(&id).copied());
            }
            for slot in 0..=capacity as u32 {
                prop_assert_eq!(table.id(slot), known.get(slot as usize).copied());
            }
            let entries = || (0..table.index.places()).filter(|&place| table.index.get(place).is_some());
            prop_assert_eq!(entries().count(), known.len());
            // A search can end early since nothing lies further from where its search begins than what is before it
            // and one.
            for place in entries() {
                let past = |place| table.index.get(place).map_or(0, |slot| {
                    table.distance(table.home(known[slot as usize]), place) + 1
                });
                prop_assert!(past(table.after(place)) <= past(place) + 1);
            }
        }
    }
}
