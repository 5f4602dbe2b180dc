use super::*;
use std::vec;
use std::vec::Vec;

/// Owns what an arena borrows.
struct Memory {
    values: Vec<f32>,
    users: Vec<u32>,
    items: Vec<u32>,
}

impl Memory {
    fn new(values: usize, users: usize, items: usize) -> Self {
        Self {
            values: vec![f32::NAN; values],
            users: vec![u32::MAX; boundaries_len(users)],
            items: vec![u32::MAX; boundaries_len(items)],
        }
    }

    fn lend(&mut self) -> ArenaMemory<'_> {
        ArenaMemory {
            values: &mut self.values,
            user_boundaries: &mut self.users,
            item_boundaries: &mut self.items,
        }
    }
}

/// A value that tells whose element it is.
fn mark(side: Side, id: u32, element: usize) -> f32 {
    let side = match side {
        Side::User => 1.0,
        Side::Item => 2.0,
    };
    side * 10_000.0 + id as f32 * 100.0 + element as f32
}

fn marked(side: Side, id: u32, first: usize, elements: &mut [f32]) {
    for (element, index) in elements.iter_mut().zip(first..) {
        *element = mark(side, id, index);
    }
}

fn marks(side: Side, id: u32, size: usize) -> Vec<f32> {
    (0..size).map(|element| mark(side, id, element)).collect()
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
    let drawn = [10_000.0, 10_001.0, 10_100.0];
    assert_eq!(memory.values[1..4], drawn);
    assert_eq!(memory.values[7..], [20_100.0, 20_000.0, 20_001.0, 20_002.0, 0.0]);
}

#[test]
fn repack_grow_and_shrink_keeps_leading_elements() {
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
    for (id, size) in [8, 0, 2, 1].into_iter().enumerate() {
        if size > 0 {
            assert_eq!(arena.row(Side::Item, id as u32), marks(Side::Item, id as u32, size));
        }
    }
    assert_eq!(arena.row(Side::Item, 1), [0.0]);
    assert_eq!(arena.used(), 3 + 19 + 11);
    assert_eq!((report.admitted, report.resized), (2, 5));
    assert_eq!((report.kept, report.lost, report.fresh), (16, 10, 14));
}
