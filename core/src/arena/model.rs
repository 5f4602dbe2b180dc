//! An arena against the plainest thing that does the same.

use super::tests::{Memory, contents, mark, marked, marks, no_fill};
use super::*;
use crate::testing;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

/// The same as an arena, by the plainest means.
#[derive(Clone, Debug, Default)]
struct Model {
    cold: [Vec<f32>; 2],
    rows: [Vec<Vec<f32>>; 2],
    budget: usize,
    high_water: usize,
    cold_starts: [u32; 2],
}

const fn index(side: Side) -> usize {
    match side {
        Side::User => 0,
        Side::Item => 1,
    }
}

impl Model {
    fn used(&self) -> usize {
        let rows = self.rows.iter().flatten().map(Vec::len).sum::<usize>();
        rows + self.cold.iter().map(Vec::len).sum::<usize>()
    }

    fn row(&mut self, side: Side, id: u32) -> &mut Vec<f32> {
        match self.rows[index(side)].get_mut(id as usize) {
            Some(row) if !row.is_empty() => row,
            _ => &mut self.cold[index(side)],
        }
    }

    fn check(&mut self, arena: &Arena<'_>) {
        assert_eq!(arena.used() as usize, self.used());
        assert!(arena.used() <= arena.budget());
        self.high_water = self.high_water.max(self.used());
        assert_eq!(arena.high_water() as usize, self.high_water);
        for side in Side::BOTH {
            let count = self.rows[index(side)].len() as u32;
            assert_eq!(arena.count(side), count);
            assert_eq!(arena.cold_starts(side), self.cold_starts[index(side)]);
            assert_eq!(arena.cold_row(side), self.cold[index(side)]);
            for id in 0..count + 2 {
                let own = self.rows[index(side)].get(id as usize).map_or(0, Vec::len);
                assert_eq!(arena.size(side, id) as usize, own);
                assert_eq!(arena.row(side, id), self.row(side, id));
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Admit {
        item: bool,
        size: u32,
    },
    Write {
        item: bool,
        id: u32,
        value: i16,
    },
    Triple {
        user: u32,
        positive: u32,
        negative: u32,
    },
    Budget {
        budget: u32,
    },
    /// New sizes for all; with `keep`, only about one row in so many changes.
    Repack {
        users: Vec<u32>,
        items: Vec<u32>,
        keep: u32,
        more: [usize; 2],
    },
}

const MEMORY: u32 = 160;
const CAPACITY: usize = 14;

fn operation() -> impl Strategy<Value = Operation> {
    let sizes = || prop::collection::vec(0_u32..14, CAPACITY + 1);
    prop_oneof![
        4 => (any::<bool>(), 0_u32..14).prop_map(|(item, size)| Operation::Admit { item, size }),
        2 => (any::<bool>(), 0_u32..16, any::<i16>())
            .prop_map(|(item, id, value)| Operation::Write { item, id, value }),
        2 => (0_u32..16, 0_u32..16, 0_u32..16)
            .prop_map(|(user, positive, negative)| Operation::Triple { user, positive, negative }),
        1 => (0..MEMORY + 2).prop_map(|budget| Operation::Budget { budget }),
        3 => (sizes(), sizes(), 1_u32..6, [0_usize..4, 0_usize..4])
            .prop_map(|(users, items, keep, more)| Operation::Repack { users, items, keep, more }),
    ]
}

fn apply(arena: &mut Arena<'_>, model: &mut Model, operation: Operation) {
    match operation {
        Operation::Admit { item, size } => {
            let side = Side::BOTH[usize::from(item)];
            let id = model.rows[index(side)].len() as u32;
            if id as usize == CAPACITY {
                let before = contents(arena);
                let error = ArenaError::TableFull { side, capacity: CAPACITY as u32 };
                assert_eq!(arena.admit(side, size, no_fill), Err(error));
                assert_eq!(contents(arena), before);
                return;
            }
            let fits = model.used() + size as usize <= model.budget;
            let given = if fits { size } else { 0 };
            assert_eq!(arena.admit(side, size, marked), Ok(Admission { id, size: given }));
            model.rows[index(side)].push(marks(side, id, given as usize));
            model.cold_starts[index(side)] += u32::from(!fits);
        }
        Operation::Write { item, id, value } => {
            let side = Side::BOTH[usize::from(item)];
            for (offset, element) in arena.row_mut(side, id).iter_mut().enumerate() {
                *element = f32::from(value) + offset as f32;
            }
            for (offset, element) in model.row(side, id).iter_mut().enumerate() {
                *element = f32::from(value) + offset as f32;
            }
        }
        Operation::Triple { user, positive, negative } => {
            let cold = |model: &Model, id: u32| model.rows[1].get(id as usize).is_none_or(Vec::is_empty);
            let same = positive == negative || cold(model, positive) && cold(model, negative);
            let rows = arena.triple_mut(user, positive, negative);
            assert_eq!(rows.is_none(), same);
            if let Some((a, b, c)) = rows {
                assert_eq!(a, model.row(Side::User, user));
                assert_eq!(b, model.row(Side::Item, positive));
                assert_eq!(c, model.row(Side::Item, negative));
                for ((x, y), z) in a.iter_mut().zip(b).zip(c) {
                    (*x, *y, *z) = (*y - *z, *x + 1.0, *x - 1.0);
                }
                let (a, b, c) = (
                    model.row(Side::User, user).clone(),
                    model.row(Side::Item, positive).clone(),
                    model.row(Side::Item, negative).clone(),
                );
                for (i, ((&x, &y), &z)) in a.iter().zip(&b).zip(&c).enumerate() {
                    model.row(Side::User, user)[i] = y - z;
                    model.row(Side::Item, positive)[i] = x + 1.0;
                    model.row(Side::Item, negative)[i] = x - 1.0;
                }
            }
        }
        Operation::Budget { budget } => {
            let before = contents(arena);
            let result = arena.set_budget(budget);
            let possible = budget as usize >= model.used() && budget <= MEMORY;
            assert_eq!(result.is_ok(), possible);
            if possible {
                model.budget = budget as usize;
            } else {
                assert_eq!(contents(arena), before);
            }
        }
        Operation::Repack { users, items, keep, more } => {
            let mut sizes = [users, items];
            for ((sizes, rows), more) in sizes.iter_mut().zip(&model.rows).zip(more) {
                for (id, row) in rows.iter().enumerate() {
                    if sizes[id] % keep != 0 {
                        sizes[id] = row.len() as u32;
                    }
                }
                sizes.truncate(rows.len() + more);
            }
            let cold = model.cold.iter().map(Vec::len).sum::<usize>();
            let total = cold + sizes.iter().flatten().sum::<u32>() as usize;
            let fits = sizes.iter().all(|sizes| sizes.len() <= CAPACITY) && total <= model.budget;
            let before = contents(arena);
            let old: Vec<usize> = model.rows.iter().map(Vec::len).collect();
            let mut expected = Repacked::default();
            let result = if fits {
                arena.repack(&sizes[0], &sizes[1], marked)
            } else {
                arena.repack(&sizes[0], &sizes[1], no_fill)
            };
            if !fits {
                assert!(result.is_err());
                assert_eq!(contents(arena), before);
                return;
            }
            for side in Side::BOTH {
                let sizes = &sizes[index(side)];
                let rows = &mut model.rows[index(side)];
                rows.resize(sizes.len(), Vec::new());
                for (id, (row, &size)) in rows.iter_mut().zip(sizes).enumerate() {
                    let kept = row.len().min(size as usize);
                    expected.admitted += u32::from(id >= old[index(side)]);
                    expected.resized += u32::from(id < old[index(side)] && row.len() != size as usize);
                    expected.kept += kept as u32;
                    expected.lost += (row.len() - kept) as u32;
                    expected.fresh += size - kept as u32;
                    row.truncate(kept);
                    row.extend((kept..size as usize).map(|element| mark(side, id as u32, element)));
                }
            }
            model.cold_starts = [0; 2];
            let report = result.unwrap();
            assert_eq!(Repacked { moved: 0, moves: 0, ..report }, expected);
            assert!(report.moved <= report.kept && report.moves <= report.moved);
        }
    }
}

proptest! {
    #![proptest_config(testing::config(2_000))]

    #[test]
    fn it_is_what_a_vector_of_vectors_is(
        cold in (0_u32..4, 0_u32..4),
        budget in 6..=MEMORY,
        operations in prop::collection::vec(operation(), 1..if cfg!(miri) { 12 } else { 40 }),
    ) {
        let mut memory = Memory::new(MEMORY as usize, CAPACITY, CAPACITY);
        let mut arena = Arena::new(memory.lend(), PerSide::new(cold.0, cold.1), budget).unwrap();
        let mut model = Model {
            cold: [vec![0.0; cold.0 as usize], vec![0.0; cold.1 as usize]],
            budget: budget as usize,
            ..Model::default()
        };
        model.check(&arena);
        for operation in operations {
            apply(&mut arena, &mut model, operation);
            model.check(&arena);
        }
    }
}
