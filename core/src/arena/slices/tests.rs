use super::super::tests::{Memory, mark, marked, no_fill};
use super::super::{ArenaStats, boundaries_len};
use super::*;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

const LEN: usize = 200;

/// An arena with rows of these sizes, marked, in memory for three more of each.
fn with_arena<R>(sizes: &PerSide<Vec<u32>>, test: impl FnOnce(&mut Arena<'_>) -> R) -> R {
    let mut memory = Memory::new(LEN, sizes.user.len() + 3, sizes.item.len() + 3);
    let mut arena = Arena::new(memory.lend(), PerSide::new(2, 3), LEN as u32).unwrap();
    for side in Side::BOTH {
        for &size in sizes.get(side) {
            arena.admit(side, size, marked).unwrap();
        }
        arena.cold_row_mut(side).fill(7.0);
    }
    test(&mut arena)
}

fn rows(arena: &Arena<'_>, side: Side) -> Vec<Vec<f32>> {
    let own = |id| if arena.is_cold(side, id) { Vec::new() } else { arena.row(side, id).to_vec() };
    (0..arena.count(side)).map(own).collect()
}

#[test]
fn an_arena_under_repack_refuses_what_would_disturb_it() {
    let sizes = PerSide::new(vec![3, 4], vec![5]);
    with_arena(&sizes, |arena| {
        let short = ArenaError::WrongCount { side: Side::User, asked: 1, count: 2, capacity: 5 };
        assert_eq!(arena.begin_repack(&[1], &[1]), Err(short));
        let over = ArenaError::OverBudget { needed: 5 + 300, budget: 200 };
        assert_eq!(arena.begin_repack(&[100, 100], &[100]), Err(over));
        assert!(!arena.is_repacking());

        arena.begin_repack(&[6, 1], &[4]).unwrap();
        assert_eq!(arena.begin_repack(&[6, 1], &[4]), Err(ArenaError::Repacking));
        assert_eq!(arena.repack(&[6, 1], &[4], no_fill), Err(ArenaError::Repacking));
        assert_eq!(arena.set_budget(199), Err(ArenaError::Repacking));
        let mut bytes = [0; 64];
        let refused = crate::snapshot::save(&[], arena, &mut bytes);
        assert_eq!(refused, Err(crate::snapshot::SnapshotError::Unfinished));
        while !arena.continue_repack(&[6, 1], &[4], 1, marked) {}
        assert!(!arena.is_repacking());
        assert_eq!((rows(arena, Side::User)[0].len(), arena.used()), (6, 5 + 11));
    });
}

#[test]
fn nobody_to_move() {
    with_arena(&PerSide::default(), |arena| {
        arena.begin_repack(&[], &[]).unwrap();
        while !arena.continue_repack(&[], &[], 1, no_fill) {}
        assert_eq!(arena.used(), 5);
        arena.admit(Side::Item, 4, marked).unwrap();
        assert_eq!(arena.row(Side::Item, 0).len(), 4);
    });
}

/// Old and new sizes that fit.
fn plan() -> impl Strategy<Value = (PerSide<Vec<u32>>, PerSide<Vec<u32>>)> {
    let side = || prop::collection::vec((0_u32..12, prop::option::weighted(0.7, 0_u32..12)), 0..9);
    (side(), side()).prop_map(|(users, items)| {
        let split = |rows: Vec<(u32, Option<u32>)>| -> (Vec<u32>, Vec<u32>) {
            rows.into_iter().map(|(old, new)| (old, new.unwrap_or(old))).unzip()
        };
        let (users, items) = (split(users), split(items));
        (PerSide::new(users.0, items.0), PerSide::new(users.1, items.1))
    })
}

proptest! {
    #![proptest_config(crate::testing::config(2_000))]

    /// Between slices every row is the old one, what it keeps of it, or the new one; in the end all is as after
    /// a repack in one go.
    #[test]
    fn rows_are_right_between_slices(
        (old, new) in plan(),
        slices in prop::collection::vec((1_u32..30, 0_usize..20), 1..200),
        newcomer in prop::option::of(0_usize..20),
    ) {
        let whole = with_arena(&old, |arena| {
            arena.repack(&new.user, &new.item, marked).unwrap();
            (rows(arena, Side::User), rows(arena, Side::Item), arena.stats())
        });
        with_arena(&old, |arena| {
            arena.begin_repack(&new.user, &new.item).unwrap();
            let before = PerSide::new(rows(arena, Side::User), rows(arena, Side::Item));
            // What was written to a row between slices, as far as it keeps it.
            let mut expected = PerSide::new(whole.0.clone(), whole.1.clone());
            let mut written: PerSide<Vec<Option<f32>>> =
                PerSide::new(vec![None; old.user.len()], vec![None; old.item.len()]);
            for (turn, &(elements, touched)) in slices.iter().cycle().enumerate() {
                let longest = new.user.iter().chain(&new.item).chain(&old.user).chain(&old.item);
                prop_assert!(turn as u32 <= 4 * (16 + longest.sum::<u32>()) + 9 * 40, "it ends");
                for side in Side::BOTH {
                    prop_assert_eq!(arena.cold_row(side), vec![7.0; arena.cold_size(side) as usize]);
                    for id in 0..old.get(side).len() {
                        let found = rows(arena, side)[id].clone();
                        let kept = old.get(side)[id].min(new.get(side)[id]) as usize;
                        let mut options =
                            [before.get(side)[id].clone(), before.get(side)[id][..kept].to_vec(), expected.get(side)[id].clone()];
                        for option in &mut options {
                            if let (Some(value), Some(first)) = (written.get(side)[id], option.first_mut()) {
                                *first = value;
                            }
                        }
                        prop_assert!(options.contains(&found), "{:?} {} {:?} {:?}", side, id, found, options);
                    }
                }
                prop_assert!(arena.used() <= arena.budget());
                if turn == newcomer.unwrap_or(usize::MAX) && arena.is_repacking() {
                    let admission = arena.admit(Side::Item, 2, no_fill).unwrap();
                    prop_assert_eq!((admission.size, admission.id as usize), (0, old.item.len()));
                    prop_assert!(arena.is_cold(Side::Item, admission.id));
                }
                // Touch a row that keeps something: its first element is kept.
                for side in Side::BOTH {
                    let kept = |id: usize| old.get(side)[id].min(new.get(side)[id]) > 0;
                    if touched < old.get(side).len() && kept(touched) {
                        let value = mark(side, 90, turn);
                        arena.row_mut(side, touched as u32)[0] = value;
                        written.get_mut(side)[touched] = Some(value);
                        expected.get_mut(side)[touched][0] = value;
                    }
                }
                let longer = |sizes: &[u32]| [sizes, &[5, 5]].concat();
                if arena.continue_repack(&longer(&new.user), &longer(&new.item), elements, marked) {
                    break;
                }
            }
            prop_assert!(!arena.is_repacking());
            let came = (arena.count(Side::Item) as usize) - old.item.len();
            prop_assert_eq!(rows(arena, Side::User), expected.user);
            prop_assert_eq!(&rows(arena, Side::Item)[..old.item.len()], &expected.item[..]);
            let stats = ArenaStats { high_water: 0, high_water_bytes: 0, ..whole.2 };
            prop_assert_eq!(ArenaStats { high_water: 0, high_water_bytes: 0, ..arena.stats() }, stats);
            // Rows come and go as ever.
            let fits = arena.head_room() >= 3;
            let admission = arena.admit(Side::Item, 3, marked).unwrap();
            prop_assert_eq!(admission.size, if fits { 3 } else { 0 });
            prop_assert_eq!(admission.id as usize, old.item.len() + came);
            prop_assert_eq!(arena.capacity(Side::Item) as usize, boundaries_len(old.item.len() + 3) - 1);
            Ok(())
        })?;
    }
}
