//! Thin tables.

use core::hint::black_box;
use scall_core::Side;
use scall_core::arena::{Arena, ArenaMemory};
use scall_core::element::Element;
use scall_core::random::Generator;
use scall_core::recommender::{Recommender, RecommenderConfig, ThinMemory, seen_len};
use scall_core::segment::{ResizeSettings, SizeRule, resize};
use scall_core::side::PerSide;
use scall_core::sizes::{Action, counts_len};
use scall_core::snapshot;
use scall_core::tables::{LogCount, LogSum, starts_len};

pub fn exercise() {
    exercise_stored::<f32>();
    exercise_stored::<i8>();
    arena();
}

fn exercise_stored<E: Element>() {
    let mut values = black_box([E::ZERO; 256]);
    let (mut user_starts, mut item_starts) = ([0; starts_len(20)], [0; starts_len(20)]);
    let (mut user_lengths, mut item_lengths) = ([0; 20], [0; 20]);
    let (mut user_sums, mut item_sums) = ([LogSum::default(); 20], [LogSum::default(); 20]);
    let (mut user_counts, mut item_counts) = ([LogCount::default(); 20], [LogCount::default(); 20]);
    let (mut user_words, mut item_words) = ([0; 20], [0; 20]);
    let (mut user_mean, mut item_mean) = ([0.0; 16], [0.0; 16]);
    let mut row_counts = [0; 18];
    let mut seen = [0; seen_len(64)];
    let length = black_box(19_usize);
    let memory = ThinMemory {
        arena: ArenaMemory {
            values: values.get_mut(..black_box(200)).unwrap_or_default(),
            user_boundaries: user_starts.get_mut(..black_box(2)).unwrap_or_default(),
            item_boundaries: &mut item_starts,
        },
        lengths: PerSide::new(
            user_lengths.get_mut(..length).unwrap_or_default(),
            item_lengths.get_mut(..length).unwrap_or_default(),
        ),
        accumulators: PerSide::new(&mut user_sums, &mut item_sums),
        frequencies: PerSide::new(&mut user_counts, &mut item_counts),
        words: PerSide::new(&mut user_words, &mut item_words),
        row_counts: &mut row_counts,
        means: PerSide::new(&mut user_mean, &mut item_mean),
        seen: seen.get_mut(..black_box(50)).unwrap_or_default(),
    };
    let Ok(config) = black_box(RecommenderConfig::default()).validate() else { return };
    let sizes = black_box(PerSide::new(3, 4));
    let Ok(mut recommender) = Recommender::thin(memory, config, sizes, black_box(200), black_box(1)) else {
        return;
    };
    super::recommender::use_all(&mut recommender);
    let (mut user, mut item) = ([0; counts_len(256)], [0; counts_len(256)]);
    let mut generator = Generator::new(black_box(3));
    let action =
        Action { user_share: black_box(0.3), user_shape: black_box(2.0), item_shape: black_box(3.0) };
    for rule in
        [SizeRule::Action(action), SizeRule::Uniform, SizeRule::Frequency { power: 0.5 }, SizeRule::Random]
    {
        let counts = PerSide::new(&mut user[..], &mut item[..]);
        let settings = black_box(ResizeSettings::default());
        let resized = resize(&mut recommender, &rule, &settings, black_box(9), counts, &mut generator);
        let _ = black_box(resized.is_ok());
    }
    let _ = black_box(recommender.begin_repack());
    black_box(recommender.continue_repack(black_box(5)));
    let mut bytes = black_box([0; 1024]);
    let _ = black_box(snapshot::save(&[1], &recommender, &mut bytes));
    let _ = black_box(snapshot::load(&[1], &mut recommender, &bytes));
}

fn arena() {
    let mut values = black_box([0.0_f32; 64]);
    let (mut users, mut items) = ([0; starts_len(20)], [0; starts_len(20)]);
    let (mut user_lengths, mut item_lengths) = (black_box([0; 20]), black_box([0; 20]));
    let memory =
        ArenaMemory { values: &mut values, user_boundaries: &mut users, item_boundaries: &mut items };
    let lengths = PerSide::new(&mut user_lengths[..], &mut item_lengths[..]);
    let Ok(mut arena) = Arena::with_lengths(memory, lengths, black_box(PerSide::new(1, 2)), black_box(60))
    else {
        return;
    };
    let _ = black_box(arena.admit(black_box(Side::User), black_box(7), |_, _, _, row| row.fill(1.0)));
    let sizes = black_box([3, 0, 5]);
    let sizes = sizes.get(..black_box(2)).unwrap_or_default();
    let _ = black_box(arena.repack(sizes, sizes, |_, _, _, row| row.fill(1.0)));
    let _ = black_box(arena.begin_repack(sizes, sizes));
    black_box(arena.continue_repack(sizes, sizes, black_box(4), |_, _, _, row| row.fill(1.0)));
    black_box(arena.row(Side::Item, black_box(1)));
}
