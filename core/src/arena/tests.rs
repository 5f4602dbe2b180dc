use super::*;
use std::vec;
use std::vec::Vec;

/// Owns what an arena borrows.
pub(super) struct Memory {
    values: Vec<f32>,
    users: Vec<u32>,
    items: Vec<u32>,
}

impl Memory {
    /// Memory full of what a new arena must not rely on.
    pub(super) fn new(values: usize, users: usize, items: usize) -> Self {
        Self {
            values: vec![f32::NAN; values],
            users: vec![u32::MAX; boundaries_len(users)],
            items: vec![u32::MAX; boundaries_len(items)],
        }
    }

    pub(super) fn lend(&mut self) -> ArenaMemory<'_> {
        ArenaMemory {
            values: &mut self.values,
            user_boundaries: &mut self.users,
            item_boundaries: &mut self.items,
        }
    }
}

/// A value that tells whose element it is.
pub(super) fn mark(side: Side, id: u32, element: usize) -> f32 {
    let side = match side {
        Side::User => 1.0,
        Side::Item => 2.0,
    };
    side * 10_000.0 + id as f32 * 100.0 + element as f32
}

pub(super) fn marked(side: Side, id: u32, first: usize, elements: &mut [f32]) {
    for (element, index) in elements.iter_mut().zip(first..) {
        *element = mark(side, id, index);
    }
}

pub(super) fn marks(side: Side, id: u32, size: usize) -> Vec<f32> {
    (0..size).map(|element| mark(side, id, element)).collect()
}

/// Everything an arena holds, to see that a refusal changed nothing.
pub(super) fn contents(arena: &Arena<'_>) -> (Vec<u32>, Vec<u32>, Vec<u32>, ArenaStats) {
    let bits = arena.values.iter().map(|value| value.to_bits()).collect();
    let boundaries = |side| arena.rows(side).boundaries().to_vec();
    (bits, boundaries(Side::User), boundaries(Side::Item), arena.stats())
}

pub(super) fn no_fill(_: Side, _: u32, _: usize, _: &mut [f32]) {
    panic!("nothing is to be set");
}

#[test]
fn rows_lie_as_drawn() {
    let mut memory = Memory::new(12, 2, 2);
    let mut arena = Arena::new(memory.lend(), PerSide::new(1, 1), 12).unwrap();
    arena.admit(Side::User, 2, marked).unwrap();
    arena.admit(Side::Item, 3, marked).unwrap();
    arena.admit(Side::Item, 1, marked).unwrap();
    arena.admit(Side::User, 1, marked).unwrap();
    assert_eq!(memory.users, [1, 3, 4]);
    assert_eq!(memory.items, [11, 8, 7]);
    assert_eq!(memory.values[..4], [0.0, 10_000.0, 10_001.0, 10_100.0]);
    assert_eq!(memory.values[7..], [20_100.0, 20_000.0, 20_001.0, 20_002.0, 0.0]);
}

#[test]
fn just_fits() {
    // Two cold-start rows of 1, a user of 3 and an item of 2: 7 elements, one entity a side.
    let mut memory = Memory::new(7, 1, 1);
    let mut arena = Arena::new(memory.lend(), PerSide::new(1, 1), 7).unwrap();
    assert_eq!(arena.admit(Side::User, 3, marked), Ok(Admission { id: 0, size: 3 }));
    assert_eq!(arena.admit(Side::Item, 2, marked), Ok(Admission { id: 0, size: 2 }));
    assert_eq!((arena.head_room(), arena.used()), (0, 7));
    assert_eq!(arena.row(Side::User, 0), marks(Side::User, 0, 3));
    assert_eq!(arena.row(Side::Item, 0), marks(Side::Item, 0, 2));
}

#[test]
fn one_element_too_few() {
    let mut memory = Memory::new(6, 1, 1);
    assert_eq!(
        Arena::new(memory.lend(), PerSide::new(1, 1), 7).unwrap_err(),
        ArenaError::BudgetAboveMemory { asked: 7, available: 6 }
    );
    let mut arena = Arena::new(memory.lend(), PerSide::new(1, 1), 6).unwrap();
    arena.admit(Side::User, 3, marked).unwrap();
    assert_eq!(arena.admit(Side::Item, 2, no_fill), Ok(Admission { id: 0, size: 0 }));
    assert_eq!((arena.cold_starts(Side::User), arena.cold_starts(Side::Item)), (0, 1));
    assert!(arena.is_cold(Side::Item, 0));
    assert_eq!(arena.row(Side::Item, 0), [0.0]);
    let before = contents(&arena);
    assert_eq!(arena.repack(&[3], &[2], no_fill), Err(ArenaError::OverBudget { needed: 7, budget: 6 }));
    assert_eq!(contents(&arena), before);
    arena.repack(&[2], &[2], marked).unwrap();
    assert_eq!(arena.cold_starts(Side::Item), 0);
    assert_eq!(arena.row(Side::Item, 0), marks(Side::Item, 0, 2));
}

#[test]
fn one_boundary_too_few() {
    for (users, items) in [(1, 2), (2, 1)] {
        let mut memory = Memory::new(9, users, items);
        let mut arena = Arena::new(memory.lend(), PerSide::new(0, 0), 9).unwrap();
        let (full, open) = if users == 1 { (Side::User, Side::Item) } else { (Side::Item, Side::User) };
        for _ in 0..2 {
            assert!(arena.admit(open, 1, marked).is_ok());
        }
        arena.admit(full, 1, marked).unwrap();
        let before = contents(&arena);
        assert_eq!(arena.admit(full, 1, no_fill), Err(ArenaError::TableFull { side: full, capacity: 1 }));
        assert_eq!(
            arena.repack(&[1, 1], &[1, 1], no_fill),
            Err(ArenaError::WrongCount { side: full, asked: 2, count: 1, capacity: 1 })
        );
        assert_eq!(contents(&arena), before);
    }
    for (side, users, items) in [(Side::User, 0, 1), (Side::Item, 1, 0)] {
        let mut memory = Memory::new(1, 1, 1);
        let mut lent = memory.lend();
        lent.user_boundaries = &mut lent.user_boundaries[..users];
        lent.item_boundaries = &mut lent.item_boundaries[..items];
        assert_eq!(Arena::new(lent, PerSide::new(0, 0), 1).unwrap_err(), ArenaError::NoTable { side });
    }
}

#[test]
fn sizes_for_too_few_entities() {
    let mut memory = Memory::new(9, 3, 3);
    let mut arena = Arena::new(memory.lend(), PerSide::new(0, 0), 9).unwrap();
    arena.admit(Side::Item, 4, marked).unwrap();
    let before = contents(&arena);
    assert_eq!(
        arena.repack(&[], &[], no_fill),
        Err(ArenaError::WrongCount { side: Side::Item, asked: 0, count: 1, capacity: 3 })
    );
    assert_eq!(
        arena.repack(&[u32::MAX; 3], &[u32::MAX; 3], no_fill),
        Err(ArenaError::OverBudget { needed: 6 * u64::from(u32::MAX), budget: 9 })
    );
    assert_eq!(contents(&arena), before);
}

#[test]
fn zero_width() {
    let mut memory = Memory::new(0, 2, 2);
    let mut arena = Arena::new(memory.lend(), PerSide::new(0, 0), 0).unwrap();
    for side in Side::BOTH {
        arena.admit(side, 0, no_fill).unwrap();
        arena.admit(side, 1, no_fill).unwrap();
        assert_eq!((arena.count(side), arena.cold_starts(side)), (2, 1));
        assert_eq!(arena.row(side, 0), []);
        assert_eq!(arena.row(side, 9), []);
    }
    assert!(arena.triple_mut(0, 0, 1).is_none());
    assert_eq!(arena.repack(&[0, 0], &[0, 0], no_fill), Ok(Repacked::default()));
}

#[test]
fn grow_and_shrink_keep_leading_elements() {
    let mut memory = Memory::new(40, 4, 4);
    let mut arena = Arena::new(memory.lend(), PerSide::new(2, 1), 40).unwrap();
    for size in [5, 1, 7] {
        arena.admit(Side::User, size, marked).unwrap();
        arena.admit(Side::Item, size, marked).unwrap();
    }
    let report = arena.repack(&[1, 9, 7, 2], &[8, 0, 2, 1], marked).unwrap();
    for (id, size) in [1, 9, 7, 2].into_iter().enumerate() {
        assert_eq!(arena.row(Side::User, id as u32), marks(Side::User, id as u32, size));
    }
    for (id, size) in [(0, 8), (2, 2), (3, 1)] {
        assert_eq!(arena.row(Side::Item, id), marks(Side::Item, id, size));
    }
    assert_eq!(arena.row(Side::Item, 1), [0.0]);
    assert_eq!(arena.used(), 3 + 19 + 11);
    assert_eq!((report.admitted, report.resized), (2, 5));
    assert_eq!((report.kept, report.lost, report.fresh), (16, 10, 14));
}

#[test]
fn an_unchanged_repack_moves_nothing() {
    let mut memory = Memory::new(40, 4, 4);
    let mut arena = Arena::new(memory.lend(), PerSide::new(2, 1), 40).unwrap();
    for size in [5, 1, 7] {
        arena.admit(Side::User, size, marked).unwrap();
        arena.admit(Side::Item, size, marked).unwrap();
    }
    let before = contents(&arena);
    let report = arena.repack(&[5, 1, 7], &[5, 1, 7], no_fill).unwrap();
    assert_eq!(report, Repacked { kept: 26, ..Repacked::default() });
    assert_eq!(contents(&arena), before);
}

#[test]
fn neighbours_that_keep_their_sizes_move_as_one_block() {
    let mut memory = Memory::new(400, 40, 40);
    let mut arena = Arena::new(memory.lend(), PerSide::new(1, 1), 400).unwrap();
    for _ in 0..40 {
        arena.admit(Side::User, 4, marked).unwrap();
        arena.admit(Side::Item, 4, marked).unwrap();
    }
    let (mut users, mut items) = ([4; 40], [4; 40]);
    users[10] = 6;
    users[30] = 2;
    items[20] = 1;
    let report = arena.repack(&users, &items, marked).unwrap();
    // Users 11 to 29 and the first half of user 30 go up by 2, and what remains of item 20 with all
    // later items by 3.
    assert_eq!((report.moves, report.moved), (2, (19 * 4 + 2) + (1 + 19 * 4)));
    assert_eq!(report.resized, 3);
    for id in 0..40 {
        assert_eq!(arena.row(Side::User, id), marks(Side::User, id, users[id as usize] as usize));
        assert_eq!(arena.row(Side::Item, id), marks(Side::Item, id, items[id as usize] as usize));
    }
}

#[test]
fn the_budget_moves_between_use_and_memory() {
    let mut memory = Memory::new(10, 2, 2);
    let mut arena = Arena::new(memory.lend(), PerSide::new(1, 1), 5).unwrap();
    arena.admit(Side::User, 3, marked).unwrap();
    assert_eq!(arena.admit(Side::Item, 1, no_fill).unwrap().size, 0);
    arena.set_budget(10).unwrap();
    assert_eq!(arena.set_budget(11), Err(ArenaError::BudgetAboveMemory { asked: 11, available: 10 }));
    assert_eq!(arena.admit(Side::Item, 1, marked).unwrap().size, 1);
    assert_eq!(arena.set_budget(5), Err(ArenaError::OverBudget { needed: 6, budget: 5 }));
    assert_eq!((arena.budget(), arena.row_budget(), arena.head_room()), (10, 8, 4));
    arena.repack(&[1], &[1, 1], marked).unwrap();
    arena.set_budget(5).unwrap();
    let stats = arena.stats();
    assert_eq!((stats.used, stats.free, stats.high_water), (5, 0, 6));
    assert_eq!((stats.used_bytes, stats.free_bytes, stats.high_water_bytes), (20, 0, 24));
    assert_eq!(stats.table_bytes, 4 * 6);
}

#[test]
fn a_cold_row_is_one_row_for_all_it_serves() {
    let mut memory = Memory::new(10, 2, 3);
    let mut arena = Arena::new(memory.lend(), PerSide::new(1, 2), 10).unwrap();
    for size in [0, 0, 2] {
        arena.admit(Side::Item, size, marked).unwrap();
    }
    arena.row_mut(Side::Item, 0).fill(5.0);
    assert_eq!(arena.row(Side::Item, 1), [5.0, 5.0]);
    assert_eq!(arena.row(Side::Item, u32::MAX), [5.0, 5.0]);
    assert_eq!(arena.row(Side::Item, 2), marks(Side::Item, 2, 2));
    assert!(arena.triple_mut(0, 0, 1).is_none());
    assert!(arena.triple_mut(0, 2, 2).is_none());
    let (user, positive, negative) = arena.triple_mut(0, 2, 1).unwrap();
    assert_eq!((user.len(), positive.len(), negative.len()), (1, 2, 2));
    assert_eq!((&*positive, &*negative), (&[20_200.0, 20_201.0][..], &[5.0, 5.0][..]));
    let (user, item) = arena.pair_mut(0, 1);
    user.fill(1.0);
    item.fill(2.0);
    assert_eq!((arena.cold_row(Side::User), arena.cold_row(Side::Item)), (&[1.0][..], &[2.0, 2.0][..]));
}

#[test]
fn every_refusal_says_what_it_is_about() {
    let errors = [
        ArenaError::TooLarge { available: 1, limit: 0 },
        ArenaError::NoTable { side: Side::User },
        ArenaError::NoTable { side: Side::Item },
        ArenaError::BudgetAboveMemory { asked: 1, available: 0 },
        ArenaError::OverBudget { needed: 1, budget: 0 },
        ArenaError::TableFull { side: Side::User, capacity: 0 },
        ArenaError::TableFull { side: Side::Item, capacity: 0 },
        ArenaError::WrongCount { side: Side::User, asked: 1, count: 0, capacity: 0 },
        ArenaError::WrongCount { side: Side::Item, asked: 1, count: 0, capacity: 0 },
    ];
    let mut texts: Vec<_> = errors.iter().map(std::string::ToString::to_string).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), errors.len());
}
