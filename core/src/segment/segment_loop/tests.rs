use std::vec;
use std::vec::Vec;

use super::*;
use crate::policy::{SacConfig, SacMemory, SacShape};
use crate::recommender::{Decision, Memory, ROOM, ThinRoom};
use crate::sizes::{Bounds, Distribution, SizeSettings, counts_len};
use crate::state::StateConfig;
use crate::tables::{Count, Thin};
use crate::{segment::ActionSpace, testing};
use proptest::prelude::*;

const STATE: StateConfig = StateConfig { groups: 3, width: 2, min_size: 0, max_size: 5 };
const SHAPE: SacShape = SacShape { state: STATE.len() as u32, hidden: 7, batch: 2, capacity: 4 };

/// All that a close and a decision decide, in bits.
#[derive(Debug, PartialEq)]
struct Outcome {
    state: Vec<u32>,
    sizes: PerSide<Vec<u32>>,
    means: PerSide<Vec<u32>>,
    cold_rows: PerSide<Vec<u32>>,
    counts: PerSide<Vec<u32>>,
    admission: PerSide<u32>,
    segments: u32,
}

fn bits(floats: &[f32]) -> Vec<u32> {
    floats.iter().map(|float| float.to_bits()).collect()
}

/// How a loop is told to do things.
#[derive(Clone, Copy, Debug)]
struct Case {
    distribution: Distribution,
    hysteresis: bool,
    positions: [f32; 3],
    /// Units of a slice; `None` at once.
    slice: Option<u32>,
}

/// What becomes of a recommender that has seen something.
fn decide<T: Tables>(recommender: Recommender<'_, f32, T>, case: Case) -> Outcome {
    let (mut networks, mut replay) = (vec![0.0; SHAPE.networks_len()], vec![0.0; SHAPE.replay_len()]);
    let (mut scratch, mut states) = (vec![0.0; SHAPE.scratch_len()], vec![0.5; Decider::states_len(&STATE)]);
    let memory = SacMemory { networks: &mut networks, replay: &mut replay, scratch: &mut scratch };
    let config = SacConfig { shape: SHAPE, ..SacConfig::compact(SHAPE.state) }.validate().unwrap();
    let policy = Sac::new(&config, memory, Generator::new(1)).unwrap();
    let decider = Decider::new(policy, STATE, ActionSpace::BALANCED, case.distribution, &mut states).unwrap();
    let bounds = Bounds { min: 0, max: 5 };
    let sizes = SizeSettings { distribution: case.distribution, bounds: PerSide::new(bounds, bounds) };
    let resize = ResizeSettings { sizes, draw: false, hysteresis: case.hysteresis };
    let (mut users, mut items) = (vec![9; counts_len(5)], vec![9; counts_len(5)]);
    let settings = LoopSettings { resize, half_life: 1.0, reserve: 8 };
    let counts = PerSide::new(&mut users[..], &mut items[..]);
    let mut segments = SegmentLoop::new(recommender, decider, settings, counts, Generator::new(2));
    match case.slice {
        None => {
            segments.close_segment().unwrap();
            segments.apply(case.positions).unwrap();
        }
        Some(slice) => {
            segments.begin_close().unwrap();
            while !segments.poll(slice).unwrap() {}
            segments.begin_apply(case.positions).unwrap();
            while !segments.poll(slice).unwrap() {}
            assert!(!segments.is_within_step() && segments.poll(slice).unwrap());
        }
    }
    let (count, admission) = (segments.segments(), segments.recommender().admission_sizes());
    let state = bits(&segments.decider().states[STATE.len()..]);
    let Decision { arena, frequencies, means, .. } = segments.recommender_mut().decide();
    let each = |of: &dyn Fn(Side) -> Vec<u32>| PerSide::new(of(Side::User), of(Side::Item));
    Outcome {
        state,
        sizes: each(&|side| (0..arena.count(side)).map(|id| arena.size(side, id)).collect()),
        means: each(&|side| bits(means.get(side))),
        cold_rows: each(&|side| bits(arena.cold_row(side))),
        counts: each(&|side| frequencies.get(side).iter().map(|count| count.value().to_bits()).collect()),
        admission,
        segments: count,
    }
}

/// Shows pairs, of which each side's ids arrive in order.
fn show<T: Tables>(recommender: &mut Recommender<'_, f32, T>, pairs: &[(u32, u32)]) {
    for &(user, item) in pairs {
        let arena = recommender.arena();
        let (user, item) = (user.min(arena.count(Side::User)), item.min(arena.count(Side::Item)));
        recommender.observe(user, item).unwrap();
    }
}

proptest! {
    #![proptest_config(testing::config(60))]

    /// A close and a decision in slices of any length come to the bits of one in one go, with both kinds of tables.
    #[test]
    fn slices_come_to_the_same_bits(
        pairs in prop::collection::vec((0_u32..12, 0_u32..20), 0..150),
        distribution in prop::sample::select(&[Distribution::PowerLaw, Distribution::Pareto][..]),
        hysteresis in any::<bool>(),
        positions in [0.0_f32..1.0, 0.4_f32..1.0, 0.4_f32..1.0],
        slice in 1_u32..400,
    ) {
        let whole = Case { distribution, hysteresis, positions, slice: None };
        let in_slices = Case { slice: Some(slice), ..whole };
        let full = |case| {
            let mut memory = Memory::new(ROOM);
            let mut recommender = memory.recommender(PerSide::new(2, 3), true, 4);
            show(&mut recommender, &pairs);
            decide(recommender, case)
        };
        prop_assert_eq!(full(in_slices), full(whole));
        let thin = |case| {
            let mut memory = ThinRoom::new();
            let mut recommender: Recommender<'_, f32, Thin> = memory.recommender();
            show(&mut recommender, &pairs);
            decide(recommender, case)
        };
        prop_assert_eq!(thin(in_slices), thin(whole));
    }
}
