//! The loop of segments, and everything in a snapshot.

use core::hint::black_box;
use scall_core::arena::{ArenaMemory, boundaries_len};
use scall_core::policy::{Sac, SacConfig, SacMemory};
use scall_core::random::Generator;
use scall_core::recommender::{Recommender, RecommenderConfig, RecommenderMemory, Scored, class_ends_len};
use scall_core::segment::{
    ActionSpace, Decider, Incumbent, LoopSettings, Margin, ResizeSettings, SegmentLoop,
};
use scall_core::side::PerSide;
use scall_core::sizes::Distribution;
use scall_core::snapshot;
use scall_core::state::{SideState, StateConfig};

static mut FLOATS: [f32; 1 << 16] = [0.0; 1 << 16];
static mut WORDS: [u32; 1 << 12] = [0; 1 << 12];

/// The next part of some memory, of a length that the compiler does not know.
fn part<'m, T>(memory: &mut &'m mut [T], length: usize) -> &'m mut [T] {
    let whole = core::mem::take(memory);
    let (part, rest) = whole.split_at_mut_checked(black_box(length)).unwrap_or_default();
    *memory = rest;
    part
}

pub fn exercise() {
    // SAFETY: nothing else refers to them.
    let (floats, words) = unsafe { ((&raw mut FLOATS).as_mut(), (&raw mut WORDS).as_mut()) };
    let (Some(floats), Some(words)) = (floats, words) else { return };
    let (mut floats, mut words) = (&mut floats[..], &mut words[..]);
    let mut two = |length| PerSide::new(part(&mut floats, length), part(&mut floats, length));
    let (accumulators, frequencies, means) = (two(8), two(8), two(16));
    let mut two = |length| PerSide::new(part(&mut words, length), part(&mut words, length));
    let (boundaries, size_words, counts) = (two(boundaries_len(8)), two(8), two(300));
    let memory = RecommenderMemory {
        arena: ArenaMemory {
            values: part(&mut floats, 500),
            user_boundaries: boundaries.user,
            item_boundaries: boundaries.item,
        },
        accumulators,
        frequencies,
        words: size_words,
        class_ends: part(&mut words, class_ends_len(8, 16)),
        means,
        seen: part(&mut words, 64),
    };
    let Ok(config) = black_box(RecommenderConfig::default()).validate() else { return };
    let Ok(recommender) = Recommender::new(memory, config, black_box(PerSide::new(2, 3)), black_box(400), 1)
    else {
        return;
    };
    let state = black_box(StateConfig::COMPACT);
    let Ok(config) = black_box(SacConfig::compact(black_box(36))).validate() else { return };
    let memory = SacMemory {
        networks: part(&mut floats, 40_000),
        replay: part(&mut floats, 4_000),
        scratch: part(&mut floats, 8_000),
    };
    let Ok(policy) = Sac::new(&config, memory, Generator::new(black_box(3))) else { return };
    let states = part(&mut floats, Decider::states_len(&state));
    let space = black_box(ActionSpace::BALANCED);
    let Ok(mut decider) = Decider::new(policy, state, space, black_box(Distribution::PowerLaw), states)
    else {
        return;
    };
    let side = SideState {
        order: black_box(&[1, 0][..]),
        frequencies: black_box(&[2.0, 3.0][..]),
        mean_embedding: black_box(&[0.5][..]),
        largest: black_box(4.0),
        smallest: black_box(1.0),
    };
    let _ = black_box(decider.read_sides(&PerSide::new(side, side)));
    let settings = black_box(LoopSettings { resize: ResizeSettings::default(), half_life: 1.0, reserve: 16 });
    let mut session = SegmentLoop::new(recommender, decider, settings, counts, Generator::new(black_box(4)));
    let _ = black_box(session.observe(black_box(0), black_box(0)));
    let mut answers = [Scored::NONE; 8];
    let answers = answers.get_mut(..black_box(5)).unwrap_or_default();
    black_box(session.recommend(black_box(0), answers));
    let _ = black_box(session.close_segment());
    let _ = black_box(session.reward(black_box(0.5)));
    if let Ok(positions) = session.propose(black_box(true)) {
        let _ = black_box(session.apply(black_box(positions)));
    }

    let begun = [
        session.begin_apply(black_box([0.5; 3])).is_ok(),
        session.begin_close().is_ok(),
        session.begin_next_segment(black_box(0.5), black_box(true)).is_ok(),
    ];
    while black_box(begun).contains(&true) && session.is_busy() {
        let _ = black_box(session.poll(black_box(7)));
    }

    let mut bytes = black_box([0_u8; 500]);
    let bytes = bytes.get_mut(..black_box(400)).unwrap_or_default();
    let _ = black_box(snapshot::save(&[], &session, bytes));
    let _ = black_box(snapshot::load(&[], &mut session, bytes));
    let _ = black_box(snapshot::load(&[], session.recommender_mut(), bytes));
    let _ = black_box(snapshot::load(&[], session.decider_mut(), bytes));
    let mut incumbent = Incumbent::new(black_box([0.5; 3]));
    incumbent.observe(black_box([0.1; 3]), black_box(&[0.5, 0.2]));
    let margin = black_box(Margin { gain: 0.1, errors: 1.0, count: 2 });
    black_box(incumbent.conclude(&margin));
    let _ = black_box(snapshot::save(&[], &incumbent, bytes));
    let _ = black_box(snapshot::load(&[], &mut incumbent, bytes));
    black_box((session.segments(), incumbent.challenger(), session.recommender().arena().used()));
}
