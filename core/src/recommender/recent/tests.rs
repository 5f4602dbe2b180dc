use std::vec;
use std::vec::Vec;

use super::*;
use crate::element::F16;
use crate::recommender::{Memory, ROOM};
use crate::side::PerSide;

const USER: u32 = 0;

/// Four items and a user, with rows of these lengths, biases included; the user had all but item 1.
fn with<E: Element>(user: u32, items: [u32; 4], check: impl FnOnce(&mut Recommender<'_, E>)) {
    let mut memory = Memory::<E>::new(ROOM);
    let mut model = memory.recommender(PerSide::new(0, 1), true, 3);
    let config = RecommenderConfig { negatives: 1, hardest_of: 2, ..*model.config().get() };
    model.set_config(config.validate().unwrap());
    model.admit(Side::User, user).unwrap();
    for (item, size) in (0..).zip(items) {
        model.admit(Side::Item, size).unwrap();
        let number = |n: usize| 0.1 * ((7 * n + 3 * item as usize) % 5) as f32 - 0.15;
        let bias = model.bias_elements() as usize;
        if size > 0 {
            let row = model.arena_mut().row_mut(Side::Item, item);
            row.iter_mut().enumerate().skip(bias).for_each(|(n, to)| *to = E::from_f32(number(n)));
        }
        if item != 1 {
            model.remember(USER, item);
        }
    }
    check(&mut model);
}

fn close(a: f32, b: f32) -> bool {
    (a - b).abs() <= 1e-5 * (1.0 + a.abs().max(b.abs()))
}

#[test]
fn a_query_is_the_own_row_and_the_decayed_mean_of_recent_ones() {
    with::<f32>(2, [4, 3, 0, 6], |model| {
        model.arena_mut().row_mut(Side::User, USER).copy_from_slice(&[1.0, -1.0]);
        model.arena_mut().row_mut(Side::Item, 0).copy_from_slice(&[9.0, 0.1, 0.2, 0.3]);
        model.arena_mut().row_mut(Side::Item, 3).copy_from_slice(&[9.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let mut query = [7.0; 6];
        // Item 2 has no row, but its share.
        assert_eq!(model.compose(USER, [3, 2, 0].into_iter(), &mut query), 5);
        let total = 1.0 + 0.7 + 0.49;
        let expected = [
            1.0 + (1.0 + 0.49 * 0.1) / total,
            -1.0 + (2.0 + 0.49 * 0.2) / total,
            (3.0 + 0.49 * 0.3) / total,
            4.0 / total,
            5.0 / total,
            0.0,
        ];
        assert!(query.iter().zip(expected).all(|(&a, b)| close(a, b)), "{query:?} {expected:?}");
        let score = 9.0 + 0.1 * query[0] + 0.2 * query[1] + 0.3 * query[2];
        assert!(close(model.score_query(&query, 0), score));
        // Of a stranger without items nothing is known.
        assert_eq!(model.compose(5, [].into_iter(), &mut query), 0);
    });
}

#[test]
fn without_recent_items_it_learns_as_from_a_row() {
    let rows = |recent: bool| {
        let mut rows = Vec::new();
        with::<f32>(3, [5, 4, 6, 3], |model| {
            let mut scratch = [0.0; recent_scratch_len(6)];
            for _ in 0..30 {
                let plain = if recent { None } else { model.learn(USER, 0) };
                let margin =
                    if recent { model.learn_recent(USER, 0, [].into_iter(), &mut scratch) } else { plain };
                rows.push(margin.unwrap());
            }
            rows.extend_from_slice(model.arena().row(Side::User, USER));
            (0..4).for_each(|item| rows.extend_from_slice(model.arena().row(Side::Item, item)));
        });
        rows
    };
    let (plain, recent) = (rows(false), rows(true));
    assert!(plain.iter().zip(&recent).all(|(&a, &b)| (a - b).abs() < 1e-3), "{plain:?} {recent:?}");
}

/// The loss of the user's taking item 0 rather than item 1 after items 2 and 3, with the rows as given.
fn loss(rows: &[Vec<f64>; 5], l2: f64) -> f64 {
    let [user, items @ ..] = rows;
    let total = 1.0 + 0.7;
    let query: Vec<f64> = (0..8)
        .map(|n| {
            let of = |row: &[f64]| row.get(n).copied().unwrap_or(0.0);
            of(user) + of(&items[2][1..]) / total + 0.7 * of(&items[3][1..]) / total
        })
        .collect();
    let score = |row: &[f64]| row[0] + query.iter().zip(&row[1..]).map(|(x, y)| x * y).sum::<f64>();
    let squares = |row: &[f64]| row.iter().map(|x| x * x).sum::<f64>();
    let penalty: f64 = squares(user) + items.iter().map(|row| squares(&row[1..])).sum::<f64>();
    math::ln_1p_f64(math::exp_f64(score(&items[1]) - score(&items[0]))) + l2 / 2.0 * penalty
}

#[test]
fn every_row_of_a_query_descends_its_gradient() {
    with::<f32>(3, [4, 4, 4, 4], |model| {
        let rows = |model: &Recommender<'_, f32>| {
            let row =
                |side, id| model.arena().row(side, id).iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            let item = |id| row(Side::Item, id);
            [row(Side::User, USER), item(0), item(1), item(2), item(3)]
        };
        let before = rows(model);
        let mut scratch = [0.0; recent_scratch_len(6)];
        model.learn_recent(USER, 0, [2, 3].into_iter(), &mut scratch).unwrap();
        let after = rows(model);
        let l2 = f64::from(model.config().get().item_l2);
        let rate = f64::from(model.config().get().learning_rate);
        for place in 0..5 {
            let first = usize::from(place > 0);
            let gradient: Vec<f64> = (first..before[place].len())
                .map(|n| {
                    let at = |step: f64| {
                        let mut moved = before.clone();
                        moved[place][n] += step;
                        loss(&moved, l2)
                    };
                    (at(1e-4) - at(-1e-4)) / 2e-4
                })
                .collect();
            // The first step of AdaGrad has the length of the rate in the root mean square.
            let size = (gradient.iter().map(|x| x * x).sum::<f64>() / gradient.len() as f64).sqrt();
            for (n, slope) in (first..).zip(gradient) {
                let moved = after[place][n] - before[place][n];
                assert!((moved + rate * slope / size).abs() < 1e-3, "row {place}, {n}: {moved} {slope}");
            }
        }
    });
}

#[test]
fn the_item_itself_and_strangers_to_the_table_change_nothing() {
    let learned = |recent: Vec<u32>| {
        let mut rows = Vec::new();
        with::<f32>(0, [4, 4, 4, 4], |model| {
            let mut scratch = [0.0; recent_scratch_len(6)];
            model.learn_recent(USER, 0, recent.into_iter(), &mut scratch).unwrap();
            (0..4).for_each(|item| rows.extend_from_slice(model.arena().row(Side::Item, item)));
        });
        rows
    };
    assert_eq!(learned(vec![0, 2, 0, 3]), learned(vec![2, 3]));
    assert_ne!(learned(vec![2, 3]), learned(vec![3, 2]));
    with::<f32>(0, [0, 0, 0, 0], |model| {
        let mut scratch = [0.0; recent_scratch_len(6)];
        assert_eq!(model.learn_recent(USER, 0, [2, 77].into_iter(), &mut scratch), Some(0.0));
        assert_eq!(model.learn_recent(USER, 0, [2].into_iter(), &mut []), Some(0.0));
    });
}

fn learns_stored<E: Element>() {
    with::<E>(0, [6, 6, 6, 6], |model| {
        let mut scratch = [0.0; recent_scratch_len(6)];
        let mut margins = Vec::new();
        for _ in 0..200 {
            margins.push(model.learn_recent(USER, 0, [2, 3].into_iter(), &mut scratch).unwrap());
        }
        assert!(margins[199] > margins[0] + 1.0, "{margins:?}");
        let mut query = [0.0; 6];
        model.compose(USER, [2, 3].into_iter(), &mut query);
        assert!(model.score_query(&query, 0) > model.score_query(&query, 1) + 1.0);
    });
}

#[test]
fn rows_of_all_types_learn() {
    learns_stored::<f32>();
    learns_stored::<F16>();
    learns_stored::<i8>();
}

#[test]
fn values_at_the_end_of_the_range_are_counted() {
    with::<i8>(0, [6, 6, 6, 6], |model| {
        for item in 0..4 {
            model.arena_mut().row_mut(Side::Item, item)[2..].fill(i8::MAX);
        }
        // Item 1 is the only negative: different, so that the query pulls the others outwards.
        model.arena_mut().row_mut(Side::Item, 1)[2..].fill(-i8::MAX);
        assert_eq!(model.saturated(), 0);
        let mut scratch = [0.0; recent_scratch_len(6)];
        let config = RecommenderConfig { user_l2: 0.0, item_l2: 0.0, ..*model.config().get() };
        model.set_config(config.validate().unwrap());
        model.learn_recent(USER, 0, [2, 3].into_iter(), &mut scratch).unwrap();
        assert!(model.saturated() > 0);
    });
}
