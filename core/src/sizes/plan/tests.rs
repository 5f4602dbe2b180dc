use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::sizes::counts_len;
use crate::sizes::testing::cases;

fn settings(distribution: Distribution, min: u32, max: u32) -> SizeSettings {
    SizeSettings { distribution, bounds: PerSide::new(Bounds { min, max }, Bounds { min, max }) }
}

fn sizes(
    action: Action,
    settings: &SizeSettings,
    entities: (usize, usize),
    budget: u64,
    generator: Option<&mut Generator>,
) -> (Plan, Vec<u32>, Vec<u32>) {
    let (mut users, mut items) = (vec![0; entities.0], vec![0; entities.1]);
    let mut user_counts = vec![0; counts_len(settings.bounds.user.max)];
    let mut item_counts = vec![0; counts_len(settings.bounds.item.max)];
    let plan = descending_sizes(
        &action,
        settings,
        budget,
        generator,
        PerSide::new(&mut users, &mut items),
        PerSide::new(&mut user_counts, &mut item_counts),
    )
    .unwrap();
    let sum = |sizes: &[u32]| sizes.iter().map(|&size| u64::from(size)).sum::<u64>();
    assert_eq!((plan.sides.user.total, plan.sides.item.total), (sum(&users), sum(&items)));
    assert_eq!(plan.total() + plan.unused, budget);
    (plan, users, items)
}

const FLAT: f32 = 30.0;

fn flat(user_share: f32) -> Action {
    Action { user_share, user_shape: FLAT, item_shape: FLAT }
}

#[test]
fn the_share_divides_the_budget() {
    let settings = settings(Distribution::PowerLaw, 1, 256);
    let (plan, ..) = sizes(flat(0.25), &settings, (10, 10), 400, None);
    assert_eq!((plan.sides.user.total, plan.sides.item.total, plan.unused), (100, 300, 0));
}

#[test]
fn an_impossible_share_moves() {
    let settings = settings(Distribution::PowerLaw, 1, 8);
    let totals = |share, entities, budget| {
        let (plan, ..) = sizes(flat(share), &settings, entities, budget, None);
        (plan.sides.user.total, plan.sides.item.total, plan.unused)
    };
    // Below the least and above the most of a side.
    assert_eq!(totals(0.0, (10, 10), 60), (10, 50, 0));
    assert_eq!(totals(1.0, (10, 10), 60), (50, 10, 0));
    assert_eq!(totals(0.9, (10, 10), 120), (80, 40, 0));
    assert_eq!(totals(-5.0, (10, 10), 120), (40, 80, 0));
    // More than both can take.
    assert_eq!(totals(0.5, (10, 10), 1000), (80, 80, 840));
    // Less than one each: neither has more than one each while the other lacks.
    assert_eq!(totals(0.9, (10, 10), 15), (10, 5, 0));
    assert_eq!(totals(0.4, (10, 10), 15), (6, 9, 0));
    assert_eq!(totals(0.0, (10, 10), 3), (0, 3, 0));
    // A side without entities.
    assert_eq!(totals(0.9, (0, 10), 40), (0, 40, 0));
    assert_eq!(totals(0.1, (10, 0), 40), (40, 0, 0));
    assert_eq!(totals(0.5, (0, 0), 40), (0, 0, 40));
}

#[test]
fn what_one_side_cannot_use_goes_to_the_other() {
    let bounds = PerSide::new(Bounds { min: 1, max: 1 }, Bounds { min: 3, max: 3 });
    let settings = SizeSettings { distribution: Distribution::PowerLaw, bounds };
    let (plan, ..) = sizes(flat(0.5), &settings, (10, 10), 10, None);
    assert_eq!((plan.sides.user.total, plan.sides.item.total, plan.unused), (7, 3, 0));
}

#[test]
fn refusals_change_nothing() {
    let settings = settings(Distribution::PowerLaw, 1, 8);
    let mut generator = Generator::new(1);
    let before = generator.clone();
    let mut attempt = |action: Action, settings: SizeSettings, len: usize| {
        let (mut users, mut items) = ([5; 3], [5; 2]);
        let (mut user_counts, mut item_counts) = ([6; 9], vec![6; len]);
        let refused = plan(
            &action,
            &settings,
            20,
            Some(&mut generator),
            PerSide::new(&mut users, &mut items),
            PerSide::new(&mut user_counts, &mut item_counts),
        );
        assert_eq!((users, items, user_counts), ([5; 3], [5; 2], [6; 9]));
        assert!(item_counts.iter().all(|&count| count == 6));
        refused.unwrap_err()
    };
    for share in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert!(matches!(attempt(flat(share), settings, 9), SizesError::Share { .. }));
    }
    let nan = Action { item_shape: f32::NAN, ..flat(0.5) };
    assert!(matches!(attempt(nan, settings, 9), SizesError::Shape { .. }));
    assert_eq!(attempt(flat(0.5), settings, 8), SizesError::CountsTooShort { needed: 9, available: 8 });
    let bounds = PerSide::new(Bounds { min: 1, max: 8 }, Bounds { min: 9, max: 8 });
    let reversed = SizeSettings { bounds, ..settings };
    assert_eq!(attempt(flat(0.5), reversed, 9), SizesError::Bounds { min: 9, max: 8 });
    assert_eq!(generator, before);
}

#[test]
fn positions_become_an_action() {
    let action = Action::from_positions([0.3, 0.0, 1.0], Distribution::PowerLaw);
    assert_eq!(action, Action { user_share: 0.3, user_shape: 0.1, item_shape: 30.0 });
}

/// The grid on which the published sizing misses its side budgets by up to 40.6% and exceeds them in 169 of
/// 240 cases: here no feasible one is missed, for expected weights and for a draw.
#[test]
#[cfg_attr(miri, ignore = "tens of millions of words")]
fn the_published_grid_has_no_misses() {
    let settings = SizeSettings::default();
    let long = std::env::var("SCALL_LONG").is_ok_and(|value| value == "1");
    let user_numbers: &[usize] = if long { &[8_000, 60_000] } else { &[8_000] };
    let item_numbers: &[usize] = if long { &[7_000, 40_000] } else { &[7_000] };
    let mut generator = Generator::new(42);
    let mut feasible = 0;
    for &users in user_numbers {
        for &items in item_numbers {
            for mean in [10, 32, 64] {
                for share in [0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95] {
                    for place in [0.0, 0.01, 0.03, 0.1, 0.5, 1.0] {
                        let action = Action::from_positions([share, place, place], Distribution::PowerLaw);
                        let budget = mean * (users + items) as u64;
                        for draw in [false, true] {
                            let generator = if draw { Some(&mut generator) } else { None };
                            let (plan, ..) = sizes(action, &settings, (users, items), budget, generator);
                            assert_eq!(plan.total(), budget);
                            let wanted = (f64::from(share) * budget as f64 + 0.5) as u64;
                            let side = |n: usize| n as u64..=256 * n as u64;
                            if side(users).contains(&wanted) && side(items).contains(&(budget - wanted)) {
                                assert_eq!(plan.sides.user.total, wanted);
                                feasible += 1;
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(feasible >= 200, "{feasible}");
}

proptest! {
    #![proptest_config(cases(300, 500_000))]

    #[test]
    fn the_total_is_the_budget_wherever_the_bounds_allow(
        distribution in prop::sample::select(&Distribution::ALL[..]),
        positions in prop::array::uniform3(-0.1_f32..1.1),
        users in 0_usize..50,
        items in 0_usize..50,
        user_bounds in (0_u32..4, 0_u32..20),
        item_bounds in (0_u32..4, 0_u32..20),
        budget in 0_u64..2500,
        seed in prop::option::of(any::<u64>()),
    ) {
        let bounds = PerSide::new(
            Bounds { min: user_bounds.0, max: user_bounds.0 + user_bounds.1 },
            Bounds { min: item_bounds.0, max: item_bounds.0 + item_bounds.1 },
        );
        let settings = SizeSettings { distribution, bounds };
        let action = Action::from_positions(positions, distribution);
        let mut generator = seed.map(Generator::new);
        let (plan, user_sizes, item_sizes) = sizes(action, &settings, (users, items), budget, generator.as_mut());
        let range = |n: usize, Bounds { min, max }: Bounds| (n as u64 * u64::from(min), n as u64 * u64::from(max));
        let ((user_min, user_max), (item_min, item_max)) = (range(users, bounds.user), range(items, bounds.item));
        prop_assert!(plan.total() <= budget);
        if budget >= user_max + item_max {
            prop_assert_eq!(plan.total(), user_max + item_max);
        } else if budget >= user_min + item_min {
            prop_assert_eq!(plan.total(), budget);
            prop_assert!(user_sizes.iter().all(|size| (bounds.user.min..=bounds.user.max).contains(size)));
            prop_assert!(item_sizes.iter().all(|size| (bounds.item.min..=bounds.item.max).contains(size)));
        } else {
            // Some entity lacks its minimum, and what is left would not serve another one.
            let lacking = |sizes: &[u32], Bounds { min, .. }: Bounds| min > 0 && sizes.last() == Some(&0);
            prop_assert!(lacking(&user_sizes, bounds.user) || lacking(&item_sizes, bounds.item));
            prop_assert!(!lacking(&user_sizes, bounds.user) || plan.unused < u64::from(bounds.user.min));
            prop_assert!(!lacking(&item_sizes, bounds.item) || plan.unused < u64::from(bounds.item.min));
        }
        for sizes in [&user_sizes, &item_sizes] {
            prop_assert!(sizes.is_sorted_by(|a, b| a >= b));
        }
    }
}
