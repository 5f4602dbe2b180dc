use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use crate::Side;
use crate::arena::{ArenaMemory, boundaries_len};
use crate::element::{Element, F16};
use crate::random::Generator;
use crate::recommender::{
    Recommender, RecommenderConfig, RecommenderMemory, Scored, class_ends_len, seen_len,
};
use crate::side::PerSide;
use crate::snapshot::{self, SnapshotError};

const LONGEST: usize = 6;
const SHAPE: [u32; 1] = [7];

/// Memory filled with what must not matter.
pub(crate) struct Memory<E = f32> {
    values: Vec<E>,
    words: [Vec<u32>; 6],
    floats: [Vec<f32>; 6],
}

#[derive(Clone, Copy)]
pub(crate) struct Room {
    parameters: usize,
    users: usize,
    items: usize,
    longest: usize,
    pairs: usize,
}

pub(crate) const ROOM: Room = Room { parameters: 150, users: 12, items: 20, longest: LONGEST, pairs: 40 };

impl<E: Element> Memory<E> {
    pub(crate) fn new(room: Room) -> Self {
        let Room { parameters, users, items, longest, pairs } = room;
        let words = |length| vec![0xdead_beef; length];
        let floats = |length| vec![f32::NAN; length];
        Self {
            values: vec![E::from_f32(f32::NAN); parameters],
            words: [
                words(boundaries_len(users)),
                words(boundaries_len(items)),
                words(users),
                words(items),
                words(class_ends_len(items, longest)),
                words(seen_len(pairs)),
            ],
            floats: [users, items, users, items, longest, longest].map(floats),
        }
    }

    fn lend(&mut self) -> RecommenderMemory<'_, E> {
        let [user_boundaries, item_boundaries, user_words, item_words, class_ends, seen] = &mut self.words;
        let [user_sums, item_sums, user_counts, item_counts, user_mean, item_mean] = &mut self.floats;
        RecommenderMemory {
            arena: ArenaMemory { values: &mut self.values, user_boundaries, item_boundaries },
            accumulators: PerSide::new(user_sums, item_sums),
            frequencies: PerSide::new(user_counts, item_counts),
            words: PerSide::new(user_words, item_words),
            class_ends,
            means: PerSide::new(user_mean, item_mean),
            seen,
        }
    }

    pub(crate) fn recommender(
        &mut self,
        cold: PerSide<u32>,
        item_bias: bool,
        seed: u64,
    ) -> Recommender<'_, E> {
        let budget = self.values.len() as u32 - 10;
        let config = RecommenderConfig { item_bias, negatives: 2, ..RecommenderConfig::default() };
        Recommender::new(self.lend(), config.validate().unwrap(), cold, budget, seed).unwrap()
    }
}

const COLD: PerSide<u32> = PerSide::new(2, 3);

/// Something that happens to a recommender.
fn step<E: Element>(recommender: &mut Recommender<'_, E>, generator: &mut Generator) {
    let next = |recommender: &Recommender<'_, E>, side, generator: &mut Generator| {
        let known = recommender.arena().count(side);
        generator.below((known + 1).min(recommender.arena().capacity(side)))
    };
    match generator.below(20) {
        0 => {
            let used = recommender.arena().used();
            let budget = used + generator.below(recommender.arena().budget() - used + 1);
            recommender.set_budget(budget).unwrap();
        }
        1 | 2 => {
            let sizes = PerSide::new(1 + generator.below(3), 1 + generator.below(3));
            recommender.set_admission_sizes(sizes);
            recommender.frequencies_mut().decay(0.5);
            let room = recommender.arena().row_budget();
            let decision = recommender.decide();
            let words = decision.words.user.iter_mut().chain(decision.words.item);
            words.fold(room, |room, word| {
                *word = generator.below(LONGEST as u32 + 1).min(room);
                room - *word
            });
            recommender.repack().unwrap();
        }
        3 => drop(recommender.arena_mut()),
        _ => {
            let user = next(recommender, Side::User, generator);
            let item = next(recommender, Side::Item, generator);
            recommender.observe(user, item).unwrap();
        }
    }
}

fn saved<E: Element>(recommender: &Recommender<'_, E>) -> Vec<u8> {
    let mut bytes = vec![0; snapshot::size(&SHAPE, recommender).unwrap()];
    assert_eq!(snapshot::save(&SHAPE, recommender, &mut bytes), Ok(bytes.len()));
    bytes
}

/// Items and bits of their scores, for all users and a stranger.
fn answers<E: Element>(recommender: &Recommender<'_, E>) -> Vec<(u32, u32)> {
    let mut answers = vec![Scored::NONE; 14 * 5];
    for (user, list) in (0..).zip(answers.chunks_exact_mut(5)) {
        recommender.recommend(user, list);
    }
    answers.into_iter().map(|scored| (scored.item, scored.score.to_bits())).collect()
}

/// A recommender that `steps` have happened to.
fn lived<E: Element>(memory: &mut Memory<E>, seed: u64, steps: usize) -> Recommender<'_, E> {
    let mut recommender = memory.recommender(COLD, true, seed);
    let mut generator = Generator::new(seed);
    for _ in 0..steps {
        step(&mut recommender, &mut generator);
    }
    recommender
}

/// What happens to a recommender before it is saved, and to the one that it is restored into.
struct Life {
    seed: u64,
    before: usize,
    other: usize,
    more_room: usize,
}

impl Life {
    fn check<E: Element>(&self) -> Result<(), TestCaseError> {
        let Self { seed, before, other, more_room } = *self;
        let mut memory = Memory::<E>::new(ROOM);
        let mut original = lived(&mut memory, seed, before);
        let bytes = saved(&original);
        let bound = Recommender::<E>::max_snapshot_len(150, 12, 20, 2 * LONGEST, seen_len(40));
        prop_assert!(bytes.len() <= snapshot::max_size(1, bound));

        let mut memory = Memory::<E>::new(ROOM);
        let mut restored = lived(&mut memory, !seed, other);
        prop_assert_eq!(snapshot::load(&SHAPE, &mut restored, &bytes), Ok(bytes.len()));
        prop_assert_eq!(restored.order().len(), original.order().len());
        let mut memory = Memory::<E>::new(Room { parameters: ROOM.parameters + more_room, ..ROOM });
        let mut roomy = memory.recommender(COLD, true, 1);
        snapshot::load(&SHAPE, &mut roomy, &bytes).unwrap();

        let mut generators = [(); 3].map(|()| Generator::new(seed ^ 1));
        for _ in 0..50 {
            let recommenders = [&mut original, &mut restored, &mut roomy];
            for (recommender, generator) in recommenders.into_iter().zip(&mut generators) {
                step(recommender, generator);
            }
        }
        let expected = saved(&original);
        prop_assert_eq!(&saved(&restored), &expected);
        prop_assert_eq!(&saved(&roomy), &expected);
        prop_assert_eq!(answers(&restored), answers(&original));
        prop_assert_eq!(answers(&roomy), answers(&original));
        Ok(())
    }
}

proptest! {
    #![proptest_config(crate::testing::config(32))]

    /// Saved at any moment and restored into fresh or used, equal or larger memory, it goes on in parallel
    /// with the original.
    #[test]
    fn a_restored_recommender_goes_on_with_the_same_bits(
        seed in any::<u64>(),
        before in 0_usize..150,
        other in 0_usize..60,
        more_room in 0_usize..40,
    ) {
        let life = Life { seed, before, other, more_room };
        life.check::<f32>()?;
        life.check::<F16>()?;
        life.check::<i8>()?;
    }

    /// Any bytes behind a sound header are a state or a refusal that changes nothing.
    #[test]
    fn bytes_of_no_state_are_refused_and_change_nothing(
        at in 0.0_f64..1.0,
        value in any::<u8>(),
    ) {
        let mut memory = Memory::<f32>::new(ROOM);
        let recommender = lived(&mut memory, 5, 80);
        let mut bytes = saved(&recommender);
        let at = snapshot::HEADER_LEN + (at * (bytes.len() - snapshot::HEADER_LEN) as f64) as usize;
        bytes[at] = value;
        snapshot::testing::seal(&mut bytes);
        let mut memory = Memory::<f32>::new(ROOM);
        let mut target = lived(&mut memory, 6, 30);
        let before = saved(&target);
        match snapshot::load(&SHAPE, &mut target, &bytes) {
            Ok(length) => prop_assert_eq!(length, bytes.len()),
            Err(_) => prop_assert_eq!(saved(&target), before),
        }
        // What was accepted can be used.
        let mut generator = Generator::new(1);
        for _ in 0..20 {
            let user = generator.below(recommender.arena().count(Side::User));
            target.learn(user, generator.below(5));
        }
        answers(&target);
    }
}

/// Loads `bytes` into a recommender with a history of its own, and sees that the refusal changed nothing.
fn refusal(mut target: Recommender<'_>, bytes: &[u8]) -> SnapshotError {
    let before = (saved(&target), answers(&target));
    let error = snapshot::load(&SHAPE, &mut target, bytes).unwrap_err();
    assert!((saved(&target), answers(&target)) == before, "{error} changed something");
    error
}

#[test]
fn damage_truncation_and_a_foreign_version_are_told_apart() {
    let bytes = saved(&lived(&mut Memory::<f32>::new(ROOM), 3, 100));
    let mut memory = Memory::<f32>::new(ROOM);
    let mut refused = |bytes: &[u8]| refusal(lived(&mut memory, 4, 40), bytes);
    let step = if cfg!(miri) { 211 } else { 17 };
    for length in (0..bytes.len()).step_by(step) {
        assert!(matches!(refused(&bytes[..length]), SnapshotError::Truncated { .. }), "{length}");
    }
    for bit in (8 * 8..bytes.len() * 8).step_by(step * 8 + 3) {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(refused(&bytes), SnapshotError::Damaged, "bit {bit}");
    }
    let mut foreign = bytes.clone();
    foreign[4] += 1;
    assert_eq!(refused(&foreign), SnapshotError::ForeignVersion { found: 2, expected: 1 });
    assert_eq!(refused(b"another file"), SnapshotError::WrongMagic);
}

#[test]
fn another_shape_is_told() {
    let mut memory = Memory::<f32>::new(ROOM);
    let recommender = lived(&mut memory, 3, 100);
    let bytes = saved(&recommender);
    let budget = recommender.arena().budget();
    let [users, items] = Side::BOTH.map(|side| recommender.arena().count(side));
    let other = |room: Room, cold: PerSide<u32>, item_bias| {
        refusal(Memory::<f32>::new(room).recommender(cold, item_bias, 1), &bytes)
    };
    let shape = |found, expected| SnapshotError::OtherShape { found, expected };
    assert_eq!(other(ROOM, COLD, false), shape(1, 0));
    assert_eq!(other(ROOM, PerSide::new(3, 3), true), shape(2, 3));
    assert_eq!(other(ROOM, PerSide::new(2, 1), true), shape(3, 1));
    assert_eq!(other(Room { users: 3, ..ROOM }, COLD, true), shape(users, 3));
    assert_eq!(other(Room { items: 4, ..ROOM }, COLD, true), shape(items, 4));
    assert_eq!(other(Room { longest: 7, ..ROOM }, COLD, true), shape(6, 7));
    assert_eq!(other(Room { pairs: 48, ..ROOM }, COLD, true), shape(40, 48));
    // A recommender of another stored type means its rows otherwise.
    let mut memory = Memory::<i8>::new(ROOM);
    let mut target = memory.recommender(COLD, true, 1);
    assert_eq!(snapshot::load(&SHAPE, &mut target, &bytes), Err(shape(1, 5)));
    let less = Room { parameters: budget as usize - 1, ..ROOM };
    assert_eq!(other(less, COLD, true), shape(budget, budget - 1));
}

/// The parts that a test of equal continuation could miss, by name.
#[test]
fn every_part_is_in_it() {
    let base = || (Memory::<f32>::new(ROOM), 3);
    let with = |change: fn(&mut Recommender<'_>)| {
        let (mut memory, seed) = base();
        let mut recommender = lived(&mut memory, seed, 100);
        change(&mut recommender);
        saved(&recommender)
    };
    let changes: [fn(&mut Recommender<'_>); 11] = [
        |_| (),
        |r| r.arena.cold_row_mut(Side::User)[1] += 1.0,
        |r| r.accumulators.item[2] += 1.0,
        |r| r.cold_accumulators.user += 1.0,
        |r| r.cold_accumulators.item += 1.0,
        |r| r.frequencies.record(Side::Item, 19),
        |r| r.order.forget(),
        |r| r.means.item[LONGEST - 1] += 1.0,
        |r| r.seen.insert(100, 100),
        |r| r.negatives = Generator::new(1),
        |r| r.initial = Generator::new(1),
    ];
    let mut all: Vec<_> = changes.into_iter().map(with).collect();
    all.push(with(|r| r.admission.item += 1));
    all.push(with(|r| r.admission.user += 1));
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
}
