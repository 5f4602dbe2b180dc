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

/// Memory of a policy and of decisions, for rows of up to `largest`.
struct Room {
    networks: Vec<f32>,
    replay: Vec<f32>,
    scratch: Vec<f32>,
    states: Vec<f32>,
    counts: PerSide<Vec<u32>>,
    largest: u32,
    reserve: u32,
}

impl Room {
    fn new(largest: u32) -> Self {
        let counts = vec![9; counts_len(largest)];
        Self {
            networks: vec![0.0; SHAPE.networks_len()],
            replay: vec![0.0; SHAPE.replay_len()],
            scratch: vec![0.0; SHAPE.scratch_len()],
            states: vec![0.5; Decider::states_len(&STATE)],
            counts: PerSide::new(counts.clone(), counts),
            largest,
            reserve: 8,
        }
    }

    fn segments<'a, T: Tables>(
        &'a mut self,
        recommender: Recommender<'a, f32, T>,
        distribution: Distribution,
        hysteresis: bool,
    ) -> SegmentLoop<'a, f32, Sac<'a>, T> {
        let Self { networks, replay, scratch, states, counts, largest, reserve } = self;
        let config = SacConfig { shape: SHAPE, ..SacConfig::compact(SHAPE.state) }.validate().unwrap();
        let policy = Sac::new(&config, SacMemory { networks, replay, scratch }, Generator::new(1)).unwrap();
        let decider = Decider::new(policy, STATE, ActionSpace::BALANCED, distribution, states).unwrap();
        let bounds = Bounds { min: 0, max: *largest };
        let sizes = SizeSettings { distribution, bounds: PerSide::new(bounds, bounds) };
        let resize = ResizeSettings { sizes, draw: false, hysteresis };
        let settings = LoopSettings { resize, half_life: 1.0, reserve: *reserve };
        let counts = PerSide::new(&mut counts.user[..], &mut counts.item[..]);
        SegmentLoop::new(recommender, decider, settings, counts, Generator::new(2))
    }
}

/// What becomes of a recommender that has seen something.
fn decide<T: Tables>(recommender: Recommender<'_, f32, T>, case: Case) -> Outcome {
    let mut room = Room::new(5);
    let mut segments = room.segments(recommender, case.distribution, case.hysteresis);
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

/// Closes segments and decides, with an event after every slice in which `pairs` has one.
fn go_on_amid<T: Tables>(recommender: Recommender<'_, f32, T>, pairs: &[Option<(u32, u32)>], slice: u32) {
    let mut room = Room::new(5);
    let mut segments = room.segments(recommender, Distribution::PowerLaw, true);
    // Counts that have decayed to next to nothing, beside which an event is beyond all range.
    for _ in 0..40 {
        segments.begin_next_segment(0.0, false).unwrap();
        while !segments.poll(1000).unwrap() {}
    }
    segments.begin_next_segment(0.0, true).unwrap();
    let (mut pairs, mut polls) = (pairs.iter(), 0);
    while !segments.poll(slice).unwrap() {
        if let Some(&Some(pair)) = pairs.next() {
            show(&mut segments.recommender, &[pair]);
        }
        if segments.stage.is_some_and(|stage| matches!(stage, Stage::Close(..))) {
            assert_eq!(segments.propose(false), Err(LoopError::Busy));
            assert_eq!(segments.reward(0.0), Err(LoopError::Busy));
        }
        polls += 1;
        assert!(polls < 10_000, "it comes to an end");
    }
    let state = &segments.decider.states[STATE.len()..];
    assert!(state.iter().take(6).all(|group| (0.0..=1.0).contains(group)), "{state:?}");
    let arena = segments.recommender.arena();
    let rows = |side| (0..arena.count(side)).map(move |id| arena.size(side, id)).sum::<u32>();
    let cold = |side| arena.cold_row(side).len() as u32;
    let all = Side::BOTH.map(|side| rows(side) + cold(side)).iter().sum::<u32>();
    assert_eq!(all, arena.used());
    assert!(all <= arena.budget());
}

proptest! {
    #![proptest_config(testing::config(60))]

    #[test]
    fn events_amid_slices_leave_all_in_order(
        before in prop::collection::vec((0_u32..12, 0_u32..20), 1..60),
        amid in prop::collection::vec(prop::option::of((0_u32..12, 0_u32..20)), 0..80),
        slice in 1_u32..40,
    ) {
        let mut memory = Memory::new(ROOM);
        let mut recommender = memory.recommender(PerSide::new(2, 3), true, 4);
        show(&mut recommender, &before);
        go_on_amid(recommender, &amid, slice);
        let mut memory = ThinRoom::new();
        let mut recommender: Recommender<'_, f32, Thin> = memory.recommender();
        show(&mut recommender, &before);
        go_on_amid(recommender, &amid, slice);
    }
}

#[test]
fn rows_longer_than_the_tables_can_say_are_refused_in_slices_too() {
    // The user's row would take most of the budget.
    const MOST_TO_USERS: [f32; 3] = [1.0, 0.5, 0.5];
    let outcome = |slice: Option<u32>| {
        let mut memory = ThinRoom::new();
        let mut recommender: Recommender<'_, f32, Thin> = memory.recommender();
        show(&mut recommender, &[(0, 0)]);
        let mut room = Room { reserve: 0, ..Room::new(300) };
        let mut segments = room.segments(recommender, Distribution::PowerLaw, false);
        segments.close_segment().unwrap();
        let before = segments.recommender.arena().used();
        let result = match slice {
            None => segments.apply(MOST_TO_USERS).map(|_| ()),
            Some(slice) => {
                segments.begin_apply(MOST_TO_USERS).unwrap();
                loop {
                    match segments.poll(slice) {
                        Ok(false) => {}
                        result => break result.map(|_| ()),
                    }
                }
            }
        };
        assert_eq!(segments.recommender.arena().used(), before);
        assert!(!segments.is_busy());
        result
    };
    let refused = outcome(None);
    assert!(matches!(refused, Err(LoopError::Resize(ResizeError::Recommender(_)))), "{refused:?}");
    assert_eq!(outcome(Some(64)), refused);
}
