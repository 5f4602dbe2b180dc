//! A recommender with thin tables.

use std::vec;
use std::vec::Vec;

use super::saved::tests as full;
use super::{Recommender, RecommenderConfig, Scored, ThinMemory, seen_len};
use crate::Side;
use crate::arena::ArenaMemory;
use crate::random::Generator;
use crate::segment::{ResizeSettings, SizeRule, resize};
use crate::side::PerSide;
use crate::sizes::{Action, Bounds, SizeSettings, counts_len};
use crate::snapshot::{self, SnapshotError};
use crate::tables::{LogCount, LogSum, Thin, starts_len};

const USERS: usize = 40;
const ITEMS: usize = 60;
const LONGEST: usize = 12;
const PARAMETERS: usize = 4 * (USERS + ITEMS);
const SHAPE: [u32; 1] = [9];

/// Memory filled with what must not matter.
pub(crate) struct Memory {
    values: Vec<f32>,
    starts: PerSide<Vec<u32>>,
    lengths: PerSide<Vec<u8>>,
    sums: PerSide<Vec<LogSum>>,
    counts: PerSide<Vec<LogCount>>,
    words: PerSide<Vec<u8>>,
    row_counts: Vec<u32>,
    means: PerSide<Vec<f32>>,
    seen: Vec<u32>,
}

fn both<T: Clone>(value: T) -> PerSide<Vec<T>> {
    PerSide::new(vec![value.clone(); USERS], vec![value; ITEMS])
}

fn lend<T>(vectors: &mut PerSide<Vec<T>>) -> PerSide<&mut [T]> {
    PerSide::new(&mut vectors.user, &mut vectors.item)
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            values: vec![f32::NAN; PARAMETERS],
            starts: PerSide::new(vec![7; starts_len(USERS)], vec![7; starts_len(ITEMS)]),
            lengths: both(7),
            sums: both(LogSum::default()),
            counts: both(LogCount::of_code(7)),
            words: both(7),
            row_counts: vec![7; LONGEST + 2],
            means: PerSide::new(vec![f32::NAN; LONGEST], vec![f32::NAN; LONGEST]),
            seen: vec![7; seen_len(100)],
        }
    }

    pub(crate) fn recommender(&mut self) -> Recommender<'_, f32, Thin> {
        let memory = ThinMemory {
            arena: ArenaMemory {
                values: &mut self.values,
                user_boundaries: &mut self.starts.user,
                item_boundaries: &mut self.starts.item,
            },
            lengths: lend(&mut self.lengths),
            accumulators: lend(&mut self.sums),
            frequencies: lend(&mut self.counts),
            words: lend(&mut self.words),
            row_counts: &mut self.row_counts,
            means: lend(&mut self.means),
            seen: &mut self.seen,
        };
        let config = RecommenderConfig::default().validate().unwrap();
        Recommender::thin(memory, config, PerSide::new(2, 3), PARAMETERS as u32, 4).unwrap()
    }
}

/// So many events, and a decision after each hundred.
fn live(recommender: &mut Recommender<'_, f32, Thin>, events: core::ops::Range<u32>) {
    let mut counts = PerSide::new(vec![0; counts_len(LONGEST as u32)], vec![0; counts_len(LONGEST as u32)]);
    let bounds = Bounds { min: 1, max: LONGEST as u32 - 1 };
    let sizes = SizeSettings { bounds: PerSide::new(bounds, bounds), ..SizeSettings::default() };
    let settings = ResizeSettings { sizes, ..ResizeSettings::default() };
    for n in events {
        let mut generator = Generator::stream(3, u64::from(n));
        let mut entity = |side: Side, most: usize| {
            let known = recommender.arena().count(side);
            let older = generator.below(known + 1).min(generator.below(known + 1));
            let newcomer = known < most as u32 && generator.below(4) == 0;
            if newcomer { known } else { older.min(most as u32 - 1) }
        };
        let (user, item) = (entity(Side::User, USERS), entity(Side::Item, ITEMS));
        recommender.observe(user, item).unwrap();
        if n % 100 == 99 {
            let rule = match n / 100 % 4 {
                0 => SizeRule::Frequency { power: 0.5 },
                1 => SizeRule::Random,
                _ => SizeRule::Action(Action { user_share: 0.4, user_shape: 2.0, item_shape: 1.0 }),
            };
            let counts = PerSide::new(&mut counts.user[..], &mut counts.item[..]);
            let resized = resize(recommender, &rule, &settings, 20, counts, &mut generator).unwrap();
            let arena = recommender.arena();
            assert!(arena.used() <= arena.budget());
            let rows = |side| (0..arena.count(side)).map(|id| u64::from(arena.size(side, id))).sum::<u64>();
            let biases = arena.count(Side::Item);
            assert_eq!(rows(Side::User) + rows(Side::Item), resized.plan.total() + u64::from(biases));
            recommender.frequencies_mut().decay(0.5);
        }
    }
}

fn bytes(recommender: &Recommender<'_, f32, Thin>) -> Vec<u8> {
    let most =
        Recommender::<f32, Thin>::max_snapshot_len(PARAMETERS, USERS, ITEMS, 2 * LONGEST, seen_len(100));
    let mut bytes = vec![0; most + 100];
    let length = snapshot::save(&SHAPE, recommender, &mut bytes).unwrap();
    bytes.truncate(length);
    bytes
}

#[test]
fn an_entity_takes_less_than_five_bytes_beside_its_row() {
    let per_entity = 1 + size_of::<LogSum>() + size_of::<LogCount>() + size_of::<u8>();
    // The starts are four bytes for each sixteen, and one more a side.
    assert_eq!(4 * per_entity + 1, 17);
    assert_eq!(4 * starts_len(1_600) - 4, 400);
}

#[test]
fn rows_follow_the_frequencies_and_retrieval_the_scores() {
    let mut memory = Memory::new();
    let mut recommender = memory.recommender();
    live(&mut recommender, 0..1_200);
    assert_eq!(recommender.arena().count(Side::Item) as usize, ITEMS);
    let sizes: Vec<u32> = (0..ITEMS as u32).map(|id| recommender.arena().size(Side::Item, id)).collect();
    let third = ITEMS / 3;
    let of = |ids: core::ops::Range<usize>| sizes[ids].iter().sum::<u32>();
    assert!(of(0..third) > 2 * of(2 * third..ITEMS), "{sizes:?}");
    for user in 0..USERS as u32 + 1 {
        let mut expected: Vec<Scored> = (0..ITEMS as u32)
            .filter(|&item| !recommender.seen().contains(user, item))
            .map(|item| Scored { item, score: recommender.score(user, item) })
            .collect();
        expected.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        let (mut plain, mut asked) = ([Scored::NONE; 9], [Scored::NONE; 9]);
        let found = recommender.recommend(user, &mut plain);
        assert_eq!(plain[..found], expected[..found.min(expected.len())]);
        let seen = recommender.seen();
        assert_eq!(recommender.retrieve(user, &mut asked, |item| seen.contains(user, item)), found);
        assert_eq!(asked, plain);
    }
}

#[test]
fn a_restored_recommender_goes_on_with_the_same_bits() {
    let (mut memory, mut other) = (Memory::new(), Memory::new());
    let mut recommender = memory.recommender();
    live(&mut recommender, 0..450);
    let middle = bytes(&recommender);
    live(&mut recommender, 450..900);
    let mut restored = other.recommender();
    live(&mut restored, 0..130);
    snapshot::load(&SHAPE, &mut restored, &middle).unwrap();
    assert_eq!(bytes(&restored), middle);
    live(&mut restored, 450..900);
    assert_eq!(bytes(&restored), bytes(&recommender));

    let mut memory = full::Memory::<f32>::new(super::ROOM);
    let mut full = memory.recommender(PerSide::new(2, 3), true, 1);
    let refused = snapshot::load(&SHAPE, &mut full, &middle);
    assert!(matches!(refused, Err(SnapshotError::OtherShape { .. })), "{refused:?}");
}

/// The same bits on every machine that runs this.
#[test]
#[cfg_attr(miri, ignore = "hundreds of events")]
fn the_run_of_a_seed_has_known_bytes() {
    let mut memory = Memory::new();
    let mut recommender = memory.recommender();
    live(&mut recommender, 0..900);
    let mut digest = crate::digest::Digest::new();
    bytes(&recommender).into_iter().for_each(|byte| digest.byte(byte));
    assert_eq!(digest.value(), 0x099c_3072_a63a_eeac, "{:016x}", digest.value());
}
