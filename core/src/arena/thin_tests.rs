//! An arena with lengths against one with boundaries.

use super::tests::{Memory, marked};
use super::*;
use crate::tables::{Word, starts_len};
use crate::testing;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

const LEN: usize = 900;
const CAPACITY: usize = 40;

/// Rows of both, which must be the same, and what is used.
fn assert_same(full: &Arena<'_>, thin: &Arena<'_, f32, u8>) {
    assert_eq!((full.used(), full.high_water()), (thin.used(), thin.high_water()));
    for side in Side::BOTH {
        assert_eq!(full.count(side), thin.count(side));
        assert_eq!(full.cold_starts(side), thin.cold_starts(side));
        assert_eq!(full.cold_row(side), thin.cold_row(side));
        for id in 0..full.count(side) + 1 {
            assert_eq!(full.size(side, id), thin.size(side, id), "{side:?} {id}");
            assert_eq!(full.row(side, id), thin.row(side, id), "{side:?} {id}");
        }
    }
}

fn with_both<T>(test: impl FnOnce(Arena<'_>, Arena<'_, f32, u8>) -> T) -> T {
    let cold = PerSide::new(3, 2);
    let mut memory = Memory::new(LEN, CAPACITY, CAPACITY);
    let mut values = vec![f32::NAN; LEN];
    let (mut user_starts, mut item_starts) = (vec![7; starts_len(CAPACITY)], vec![7; starts_len(CAPACITY)]);
    let (mut users, mut items) = (vec![7; CAPACITY], vec![7; CAPACITY]);
    let full = Arena::new(memory.lend(), cold, LEN as u32).unwrap();
    let memory = ArenaMemory {
        values: &mut values,
        user_boundaries: &mut user_starts,
        item_boundaries: &mut item_starts,
    };
    let thin = Arena::with_lengths(memory, PerSide::new(&mut users, &mut items), cold, LEN as u32).unwrap();
    assert_eq!(thin.capacity(Side::User) as usize, CAPACITY);
    assert_eq!(thin.stats().table_bytes, 2 * (CAPACITY + 4 * starts_len(CAPACITY)));
    test(full, thin)
}

#[test]
fn a_row_longer_than_a_byte_counts_is_refused() {
    with_both(|_, mut thin| {
        let limit = 254;
        let refused = thin.admit(Side::User, 255, marked);
        assert_eq!(refused, Err(ArenaError::RowTooLong { side: Side::User, asked: 255, limit }));
        thin.admit(Side::Item, 254, marked).unwrap();
        let refused = thin.repack(&[], &[255], marked);
        assert_eq!(refused, Err(ArenaError::RowTooLong { side: Side::Item, asked: 255, limit }));
        assert_eq!((thin.size(Side::Item, 0), thin.used()), (254, 259));
    });
}

fn sizes() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(prop_oneof![3 => 0_u32..12, 1 => Just(0)], CAPACITY)
}

fn narrow(sizes: &[u32]) -> Vec<u8> {
    sizes.iter().map(|&size| u8::of_size(size)).collect()
}

proptest! {
    #![proptest_config(testing::config(120))]

    #[test]
    fn both_do_the_same(
        admitted in prop::collection::vec((any::<bool>(), 0_u32..30), 0..70),
        rounds in prop::collection::vec((sizes(), sizes(), 0_usize..5, any::<bool>(), 1_u32..40), 1..5),
    ) {
        with_both(|mut full, mut thin| {
            for (item, size) in admitted {
                let side = Side::BOTH[usize::from(item)];
                prop_assert_eq!(full.admit(side, size, marked), thin.admit(side, size, marked));
            }
            assert_same(&full, &thin);
            for (users, items, more, sliced, slice) in rounds {
                let count = |side| full.count(side) as usize;
                let more = if sliced { 0 } else { more };
                let users = &users[..CAPACITY.min(count(Side::User) + more)];
                let items = &items[..CAPACITY.min(count(Side::Item) + more)];
                let (thin_users, thin_items) = (narrow(users), narrow(items));
                if !sliced {
                    let a = full.repack(users, items, marked);
                    let b = thin.repack(&thin_users, &thin_items, marked);
                    match (a, b) {
                        // Moved one by one, and perhaps twice.
                        (Ok(a), Ok(b)) => prop_assert_eq!(Repacked { moved: a.moved, moves: a.moves, ..b }, a),
                        (a, b) => prop_assert_eq!(a, b),
                    }
                    assert_same(&full, &thin);
                    continue;
                }
                let (a, b) = (full.begin_repack(users, items), thin.begin_repack(&thin_users, &thin_items));
                prop_assert_eq!(a, b);
                if a.is_err() {
                    continue;
                }
                let mut done = false;
                while !done {
                    done = full.continue_repack(users, items, slice, marked);
                    prop_assert_eq!(thin.continue_repack(&thin_users, &thin_items, slice, marked), done);
                    assert_same(&full, &thin);
                    if !done && slice > 30 {
                        prop_assert_eq!(full.admit(Side::Item, 3, marked), thin.admit(Side::Item, 3, marked));
                        assert_same(&full, &thin);
                    }
                }
            }
            Ok(())
        })?;
    }
}
