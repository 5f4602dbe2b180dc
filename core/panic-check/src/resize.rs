//! Size decisions by every rule.

use core::hint::black_box;
use scall_core::arena::ArenaMemory;
use scall_core::random::Generator;
use scall_core::recommender::{Recommender, RecommenderConfig, RecommenderMemory};
use scall_core::segment::{ActionSpace, ResizeSettings, SizeRule, covering_share, resize, resize_by_weights};
use scall_core::side::PerSide;
use scall_core::sizes::{Action, Distribution};

pub fn exercise() {
    let Ok(config) = black_box(RecommenderConfig::default()).validate() else { return };
    let (mut values, mut users, mut items) = ([0.0_f32; 64], [0_u32; 5], [0_u32; 9]);
    let (mut floats, mut words, mut seen) = ([[0.0_f32; 8]; 6], [[0_u32; 8]; 2], [0_u32; 16]);
    let (mut class_ends, mut counts) = ([0_u32; 300], [[0_u32; 300]; 2]);
    let [a, b, c, d, e, f] = &mut floats;
    let [user_words, item_words] = &mut words;
    let memory = RecommenderMemory {
        arena: ArenaMemory {
            values: black_box(&mut values),
            user_boundaries: black_box(&mut users),
            item_boundaries: black_box(&mut items),
        },
        accumulators: PerSide::new(black_box(a), black_box(b)),
        frequencies: PerSide::new(black_box(c), black_box(d)),
        words: PerSide::new(black_box(user_words), black_box(item_words)),
        class_ends: black_box(&mut class_ends),
        means: PerSide::new(black_box(e), black_box(f)),
        seen: black_box(&mut seen),
    };
    let sizes = PerSide::new(black_box(1), black_box(2));
    let Ok(mut recommender) = Recommender::new(memory, config, sizes, black_box(64), black_box(1)) else {
        return;
    };
    let action = black_box(Action { user_share: 0.5, user_shape: 1.0, item_shape: 1.0 });
    let space = black_box(ActionSpace::BALANCED);
    let rules = black_box([
        SizeRule::Action(action),
        SizeRule::Action(space.action(black_box([0.5; 3]), black_box(0.5), black_box(Distribution::Pareto))),
        SizeRule::Uniform,
        SizeRule::Frequency { power: 0.5 },
        SizeRule::Random,
    ]);
    let settings = black_box(ResizeSettings::default());
    black_box(covering_share(&mut recommender, settings.sizes.bounds, black_box(20)));
    let mut generator = Generator::new(black_box(1));
    for rule in &rules {
        let [user_counts, item_counts] = &mut counts;
        let counts = PerSide::new(black_box(&mut user_counts[..]), black_box(&mut item_counts[..]));
        let head_room = black_box(3);
        let _ = black_box(resize(&mut recommender, rule, &settings, head_room, counts, &mut generator));
    }
    let (users, items) = (black_box([1.0_f32; 2]), black_box([3.0_f32; 2]));
    let (weights, [user_counts, item_counts]) = (PerSide::new(&users[..], &items[..]), &mut counts);
    let counts = PerSide::new(black_box(&mut user_counts[..]), black_box(&mut item_counts[..]));
    let _ = black_box(resize_by_weights(&mut recommender, weights, &settings, black_box(3), counts));
}
