use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::arena::{ArenaMemory, boundaries_len};
use crate::recommender::{RecommenderConfig, RecommenderMemory, class_ends_len};
use crate::sizes::{Bounds, counts_len};

const LARGEST: u32 = 12;

/// A recommender of these frequencies, without rows yet, and what a caller sees of it afterwards.
fn resized_as<E: Element>(
    frequencies: &PerSide<Vec<f32>>,
    budget: u32,
    rule: &SizeRule,
    settings: &ResizeSettings,
    item_bias: bool,
    times: u32,
) -> (Resized, PerSide<Vec<u32>>, u32) {
    let (users, items) = (frequencies.user.len(), frequencies.item.len());
    let mut values = vec![E::ZERO; budget as usize];
    let (mut user_boundaries, mut item_boundaries) =
        (vec![0; boundaries_len(users)], vec![0; boundaries_len(items)]);
    let mut floats = PerSide::new(vec![0.0; users], vec![0.0; items]);
    let mut counted = PerSide::new(vec![0.0; users], vec![0.0; items]);
    let mut words = PerSide::new(vec![0; users], vec![0; items]);
    let longest = LARGEST as usize + E::BIAS;
    let mut means = PerSide::new(vec![0.0; longest], vec![0.0; longest]);
    let mut class_ends = vec![0; class_ends_len(items, longest)];
    let memory = RecommenderMemory {
        arena: ArenaMemory {
            values: &mut values,
            user_boundaries: &mut user_boundaries,
            item_boundaries: &mut item_boundaries,
        },
        accumulators: PerSide::new(&mut floats.user, &mut floats.item),
        frequencies: PerSide::new(&mut counted.user, &mut counted.item),
        words: PerSide::new(&mut words.user, &mut words.item),
        class_ends: &mut class_ends,
        means: PerSide::new(&mut means.user, &mut means.item),
        seen: &mut [],
    };
    let config = RecommenderConfig { item_bias, ..RecommenderConfig::default() }.validate().unwrap();
    let mut recommender = Recommender::<E>::new(memory, config, PerSide::new(0, 0), budget, 1).unwrap();
    for side in Side::BOTH {
        for (id, &frequency) in (0..).zip(frequencies.get(side)) {
            recommender.admit(side, 0).unwrap();
            recommender.frequencies_mut().set(side, id, frequency);
        }
    }
    let mut counts = PerSide::new(vec![0; counts_len(LARGEST)], vec![0; counts_len(LARGEST)]);
    let mut generator = Generator::new(7);
    let mut last = None;
    for _ in 0..times {
        let counts = PerSide::new(&mut counts.user[..], &mut counts.item[..]);
        last = Some(resize(&mut recommender, rule, settings, 0, counts, &mut generator).unwrap());
        assert!(recommender.arena().used() <= budget);
    }
    let arena = recommender.arena();
    let sizes = |side| (0..arena.count(side)).map(|id| arena.size(side, id)).collect();
    (last.unwrap(), PerSide::new(sizes(Side::User), sizes(Side::Item)), arena.used())
}

/// The same with rows of floats.
fn resized(
    frequencies: &PerSide<Vec<f32>>,
    budget: u32,
    rule: &SizeRule,
    settings: &ResizeSettings,
    item_bias: bool,
    times: u32,
) -> (Resized, PerSide<Vec<u32>>, u32) {
    resized_as::<f32>(frequencies, budget, rule, settings, item_bias, times)
}

fn settings(min: u32) -> ResizeSettings {
    let bounds = Bounds { min, max: LARGEST };
    ResizeSettings {
        sizes: SizeSettings { bounds: PerSide::new(bounds, bounds), ..SizeSettings::default() },
        ..ResizeSettings::default()
    }
}

fn frequencies(users: &[f32], items: &[f32]) -> PerSide<Vec<f32>> {
    PerSide::new(users.to_vec(), items.to_vec())
}

#[test]
fn equal_rows_pay_the_items_biases_first() {
    let given = frequencies(&[3.0, 1.0], &[5.0, 2.0]);
    // 14 - 2 biases = 12 dimensions, 3 each.
    let (_, sizes, used) = resized(&given, 14, &SizeRule::Uniform, &settings(0), true, 1);
    assert_eq!((sizes.user, sizes.item, used), (vec![3, 3], vec![4, 4], 14));
    let (_, sizes, used) = resized(&given, 14, &SizeRule::Uniform, &settings(0), false, 1);
    // 7 to each side, the odd one to the most frequent.
    assert_eq!((sizes.user, sizes.item, used), (vec![4, 3], vec![4, 3], 14));
    // Biases of two elements each leave 12 dimensions of 16.
    let (_, sizes, used) = resized_as::<i8>(&given, 16, &SizeRule::Uniform, &settings(0), true, 1);
    assert_eq!((sizes.user, sizes.item, used), (vec![3, 3], vec![5, 5], 16));
}

#[test]
fn the_rarest_go_without_where_not_all_can_have_the_smallest_row() {
    let given = frequencies(&[9.0, 1.0, 5.0, 0.0], &[0.0, 7.0, 1.0, 8.0]);
    let action = Action { user_share: 0.5, user_shape: 500.0, item_shape: 500.0 };
    let (_, sizes, used) = resized(&given, 20, &SizeRule::Action(action), &settings(4), true, 1);
    assert_eq!(sizes.user[1].max(sizes.user[3]), 0);
    assert!(sizes.user[0] >= 4 && sizes.user[2] >= 4);
    // An item without dimensions has no bias either.
    assert_eq!(sizes.item[0].max(sizes.item[2]), 0);
    assert!(sizes.item[1] >= 5 && sizes.item[3] >= 5);
    assert_eq!(used, 20);
}

#[test]
fn frequency_gives_more_to_the_frequent_and_random_does_not_look() {
    let given = frequencies(&[16.0, 1.0], &[16.0, 1.0]);
    let (_, sizes, _) = resized(&given, 20, &SizeRule::Frequency { power: 0.5 }, &settings(0), false, 1);
    assert_eq!((sizes.user, sizes.item), (vec![8, 2], vec![8, 2]));
    let all_alike = frequencies(&[1.0; 40], &[1.0; 40]);
    let by_rank = |rule| resized(&all_alike, 240, &rule, &settings(0), false, 1).1.user;
    let random = by_rank(SizeRule::Random);
    assert!(!random.is_sorted() && !random.is_sorted_by(|a, b| a >= b), "{random:?}");
}

/// A recommender of three users and an item, all of size 0, goes to `then`.
fn with_small(then: impl FnOnce(&mut Recommender<'_>, PerSide<&mut [u32]>)) {
    let (mut values, mut users, mut items) = ([0.0; 40], [0; 4], [0; 2]);
    let (mut of_users, mut of_items, mut words) = ([[0.0; 13]; 3], [[0.0; 13]; 3], [[0; 13]; 2]);
    let ([a, b, c], [d, e, f], [g, h]) = (&mut of_users, &mut of_items, &mut words);
    let memory = RecommenderMemory {
        arena: ArenaMemory { values: &mut values, user_boundaries: &mut users, item_boundaries: &mut items },
        accumulators: PerSide::new(a, d),
        frequencies: PerSide::new(b, e),
        words: PerSide::new(g, h),
        class_ends: &mut vec![0; class_ends_len(1, 13)],
        means: PerSide::new(c, f),
        seen: &mut [],
    };
    let config = RecommenderConfig::default().validate().unwrap();
    let mut recommender = Recommender::<f32>::new(memory, config, PerSide::new(0, 0), 40, 1).unwrap();
    for side in [Side::User, Side::User, Side::User, Side::Item] {
        recommender.admit(side, 0).unwrap();
    }
    let (mut user_counts, mut item_counts) = (vec![0; counts_len(LARGEST)], vec![0; counts_len(LARGEST)]);
    then(&mut recommender, PerSide::new(&mut user_counts, &mut item_counts));
}

#[test]
fn weights_are_shared_by_entity() {
    with_small(|recommender, counts| {
        let weights = PerSide::new(&[2.0, 6.0, 1.0][..], &[4.0][..]);
        // 40 less a head-room of 13 and one bias are 26 dimensions for weights of 13.
        resize_by_weights(recommender, weights, &settings(0), 13, counts).unwrap();
        let arena = recommender.arena();
        assert_eq!([0, 1, 2].map(|id| arena.size(Side::User, id)), [4, 12, 2]);
        assert_eq!(arena.size(Side::Item, 0), 9);
    });
}

#[test]
fn a_weight_too_few_is_refused() {
    with_small(|recommender, counts| {
        let weights = PerSide::new(&[2.0, 6.0][..], &[4.0][..]);
        assert_eq!(
            resize_by_weights(recommender, weights, &settings(0), 0, counts),
            Err(ResizeError::Weights { side: Side::User, needed: 3, given: 2 })
        );
        assert_eq!(recommender.arena().used(), 0);
    });
}

proptest! {
    #![proptest_config(crate::testing::config(64))]

    #[test]
    fn no_rule_ever_exceeds_the_budget_and_all_use_it_where_they_can(
        users in prop::collection::vec(0.0_f32..50.0, 0..30),
        items in prop::collection::vec(0.0_f32..50.0, 1..30),
        budget in 0_u32..900,
        min in 0_u32..5,
        item_bias in any::<bool>(),
        which in 0_usize..4,
        share in 0.0_f32..1.0,
        shape in 0.1_f32..30.0,
    ) {
        let given = frequencies(&users, &items);
        let rule = [
            SizeRule::Action(Action { user_share: share, user_shape: shape, item_shape: 1.0 }),
            SizeRule::Uniform,
            SizeRule::Frequency { power: 0.5 },
            SizeRule::Random,
        ][which];
        for (elements, (made, sizes, used)) in [
            (f32::BIAS, resized_as::<f32>(&given, budget, &rule, &settings(min), item_bias, 3)),
            (i8::BIAS, resized_as::<i8>(&given, budget, &rule, &settings(min), item_bias, 3)),
        ] {
            let bias = if item_bias { elements as u32 } else { 0 };
            for &size in &sizes.user {
                prop_assert!(size == 0 || (min.max(1)..=LARGEST).contains(&size));
            }
            for &size in &sizes.item {
                prop_assert!(size == 0 || (min.max(1) + bias..=LARGEST + bias).contains(&size));
            }
            let served = sizes.item.iter().filter(|&&size| size > 0).count() as u64;
            prop_assert_eq!(made.plan.total() + u64::from(bias) * served, u64::from(used));
            let all = given.user.len() as u32 * LARGEST + given.item.len() as u32 * (LARGEST + bias);
            if min == 1 && !item_bias && budget as usize >= given.user.len() + given.item.len() {
                prop_assert_eq!(used, budget.min(all));
            }
        }
    }
}
