//! Sizes: weights, fit, plan, deal, hysteresis.

use core::hint::black_box;
use scall_core::random::Generator;
use scall_core::side::PerSide;
use scall_core::sizes::{
    Action, Bounds, Distribution, SizeSettings, counts_len, deal, descending_sizes, draw_weights,
    expected_weights, fit, plan, settle, write_descending,
};

pub fn exercise() {
    let mut generator = Generator::new(black_box(1));
    let (mut user_words, mut item_words) = (black_box([3_u32; 40]), black_box([5_u32; 30]));
    let length = black_box(37_usize);
    let users = user_words.get_mut(..length).unwrap_or_default();
    let items = item_words.get_mut(..length).unwrap_or_default();
    let (mut user_counts, mut item_counts) = (black_box([0_u32; counts_len(64)]), black_box([0_u32; 50]));
    let bounds = Bounds { min: black_box(1), max: black_box(64) };
    let distribution = black_box(Distribution::LogNormal);
    let shape = distribution.shape(black_box(0.5));
    black_box((distribution.accepts(shape), distribution.name(), distribution.shape_range()));

    let _ = black_box(expected_weights(distribution, shape, users));
    let _ = black_box(draw_weights(distribution, shape, &mut generator, users));
    let _ = black_box(fit(users, bounds, black_box(500), &mut user_counts));
    let _ = black_box(write_descending(&user_counts, users));
    let _ = black_box(deal(users, &mut user_counts));
    let current = black_box([7_u32; 40]);
    let size = |id: u32| current.get(id as usize).copied().unwrap_or(0);
    let _ = black_box(settle(users, size, bounds, &mut user_counts));

    let settings = SizeSettings { distribution, bounds: PerSide::new(bounds, bounds) };
    let action = Action::from_positions(black_box([0.2, 0.3, 0.4]), distribution);
    let random = black_box(true).then_some(&mut generator);
    let _ = black_box(plan(
        &action,
        &settings,
        black_box(900),
        random,
        PerSide::new(&mut *users, &mut *items),
        PerSide::new(&mut user_counts, &mut item_counts),
    ))
    .map(|plan| black_box(plan.total()));
    let _ = black_box(descending_sizes(
        &action,
        &SizeSettings::default(),
        black_box(900),
        None,
        PerSide::new(users, items),
        PerSide::new(&mut user_counts, &mut item_counts),
    ));
}
