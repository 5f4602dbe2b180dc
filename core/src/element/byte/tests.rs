use super::*;
use crate::random::Generator;
use crate::testing;
use proptest::prelude::*;
use std::vec::Vec;

const KEEP: Rates = Rates { keep: 1.0, pull: 0.0 };

#[test]
fn bytes_are_hundred_and_twenty_eighths() {
    assert_eq!(i8::from_f32(0.5), 64);
    assert_eq!((64_i8).to_f32(), 0.5);
    assert_eq!(
        [1.0, -1.0, 9.0, f32::INFINITY, f32::NEG_INFINITY].map(i8::from_f32),
        [127, -127, 127, 127, -127]
    );
    assert_eq!([0.6, 0.4, -0.6, -0.4].map(|x: f32| i8::from_f32(x / 128.0)), [1, 0, -1, 0]);
    assert_eq!(i8::from_f32(f32::NAN), 0);
}

#[test]
fn a_bias_is_two_bytes_the_lower_first() {
    let mut row = [0_i8; 3];
    for (bias, bytes) in [(0.5, [0, 4]), (-1.0 / 2048.0, [-1, -1]), (15.0, [0, 120]), (0.0, [0, 0])] {
        assert!(!i8::set_bias(&mut row, bias, 1 << 31));
        assert_eq!((&row[..2], row[2]), (&bytes[..], 0));
        assert_eq!(i8::bias(&row), bias);
    }
    for (bias, stored) in [(17.0, 32_767.0 / 2048.0), (-1e30, -32_767.0 / 2048.0)] {
        assert!(i8::set_bias(&mut row, bias, 0));
        assert_eq!(i8::bias(&row), stored);
    }
    assert!(!i8::set_bias(&mut [], 1.0, 0));
    assert_eq!(i8::bias(&[1]), 0.0);
}

#[test]
fn a_dot_product_is_exact() {
    let a: Vec<i8> = (0..64).map(|n| (n * 37 % 255 - 127) as i8).collect();
    let b: Vec<i8> = (0..80).map(|n| (n * 91 % 255 - 127) as i8).collect();
    let expected: i64 = a.iter().zip(&b).map(|(x, y)| i64::from(*x) * i64::from(*y)).sum();
    assert_eq!(f64::from(i8::dot(&a, &b)) * 16_384.0, expected as f64);
    assert_eq!(i8::dot(&a, &[]), 0.0);
}

#[test]
fn nothing_moves_without_a_rate() {
    let mut rows = [[1_i8, -127, 127, 0], [5, 6, -7, 8], [0, -1, 1, 127]];
    let before = rows;
    for dither in [0, 1, u32::MAX, 1 << 31, 0x9e37_79b9] {
        let [user, positive, negative] = &mut rows;
        assert_eq!(i8::step_triple(user, positive, negative, [KEEP; 3], dither), 0);
        assert_eq!(i8::step_pair(user, positive, [KEEP; 2], dither), 0);
        assert_eq!(rows, before);
    }
}

#[test]
fn what_leaves_the_range_stops_at_its_end_and_is_counted() {
    let rates = [Rates { keep: 1.0, pull: 1.0 }; 3];
    let (mut user, mut positive, mut negative) = ([100_i8, 0], [100_i8, 0], [-100_i8, 0]);
    assert_eq!(i8::step_triple(&mut user, &mut positive, &mut negative, rates, 0), 3);
    assert_eq!([user[0], positive[0], negative[0]], [127, 127, -127]);
    let (mut user, mut item) = ([-127_i8], [-127_i8]);
    assert_eq!(i8::step_pair(&mut user, &mut item, [Rates { keep: 8.0, pull: 8.0 }; 2], 0), 2);
    assert_eq!([user, item], [[-127]; 2]);
}

/// Means over many dithers of what becomes of a row.
fn mean_steps(mut step: impl FnMut(u32) -> Vec<i8>, count: u32) -> Vec<f64> {
    let mut generator = Generator::new(5);
    let mut sums = Vec::new();
    for _ in 0..count {
        let row = step(generator.next_u32());
        sums.resize(row.len(), 0.0);
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(x));
    }
    sums.iter().map(|sum| sum / f64::from(count)).collect()
}

#[test]
fn steps_are_right_on_average_however_small() {
    let (user, positive, negative) = ([40_i8, -30, 7, 1], [12_i8, 100, -9, 0], [-5_i8, 3, 80, 1]);
    let rates = [
        Rates { keep: 0.999, pull: 0.003 },
        Rates { keep: 0.99, pull: 0.0004 },
        Rates { keep: 1.0, pull: 0.0101 },
    ];
    let count = if cfg!(miri) { 400 } else { 40_000 };
    // Three standard deviations of a mean of numbers that are one of two neighbours.
    let close = 1.5 / f64::from(count).sqrt() + 2e-3;
    for row in 0..3 {
        let means = mean_steps(
            |dither| {
                let mut rows = [user, positive, negative];
                let [p, i, j] = &mut rows;
                assert_eq!(i8::step_triple(p, i, j, rates, dither), 0);
                rows[row].to_vec()
            },
            count,
        );
        for (k, mean) in means.into_iter().enumerate() {
            let [p, i, j] = [user, positive, negative].map(|row| f64::from(row[k]));
            let (own, other) = [(p, i - j), (i, p), (j, -p)][row];
            let Rates { keep, pull } = rates[row];
            let exact = f64::from(keep) * own + f64::from(pull) * other;
            assert!((mean - exact).abs() < close, "{row} {k} {mean} {exact}");
        }
    }
    let means = mean_steps(
        |dither| {
            let mut bias = [0_i8; 2];
            i8::set_bias(&mut bias, 0.123_45, dither);
            std::vec![(i8::bias(&bias) * 2048.0 - 252.0) as i8]
        },
        count,
    );
    assert!((means[0] - (0.123_45 * 2048.0 - 252.0)).abs() < close, "{means:?}");
}

proptest! {
    #![proptest_config(testing::config(256))]

    #[test]
    fn every_step_is_one_of_the_two_neighbours_of_the_exact_one(
        rows in prop::collection::vec((-127_i8..=127, -127_i8..=127, -127_i8..=127), 0..40),
        keep in prop::array::uniform3(-2.0_f32..2.0),
        pull in prop::array::uniform3(-3.0_f32..3.0),
        dither in any::<u32>(),
    ) {
        let unzip = |of: fn(&(i8, i8, i8)) -> i8| rows.iter().map(of).collect::<Vec<_>>();
        let before = [unzip(|r| r.0), unzip(|r| r.1), unzip(|r| r.2)];
        let rates = [0, 1, 2].map(|n| Rates { keep: keep[n], pull: pull[n] });
        let mut after = before.clone();
        let [p, i, j] = &mut after;
        let counted = i8::step_triple(p, i, j, rates, dither);
        let mut beyond = 0;
        for n in 0..3 {
            for k in 0..rows.len() {
                let [p, i, j] = [0, 1, 2].map(|row: usize| f64::from(before[row][k]));
                let (own, other) = [(p, i - j), (i, p), (j, -p)][n];
                let exact = f64::from(keep[n]) * own + f64::from(pull[n]) * other;
                // Rates have eighteen bits.
                let error = 254.0 / f64::from(1 << 18);
                let (low, high) = ((exact - error).floor(), (exact + error).floor() + 1.0);
                let stored = f64::from(after[n][k]);
                prop_assert!(stored >= low.clamp(-127.0, 127.0) && stored <= high.clamp(-127.0, 127.0));
                beyond += u32::from(!(-128.0..=128.0).contains(&exact));
            }
        }
        prop_assert!(counted >= beyond);
        let sums = i8::sum_triple(&before[0], &before[1], &before[2]);
        prop_assert_eq!(sums.positive_dot, i8::dot(&before[0], &before[1]));
        prop_assert_eq!(sums.negative_dot, i8::dot(&before[0], &before[2]));
        prop_assert_eq!(sums.user_squared, i8::dot(&before[0], &before[0]));
        let pair = i8::sum_pair(&before[0], &before[1]);
        prop_assert_eq!((pair.dot, pair.user_squared), (sums.positive_dot, sums.user_squared));
        prop_assert_eq!(pair.item_squared, sums.positive_squared);
    }
}

#[test]
fn a_score_in_whole_numbers_has_the_bits_of_the_floats() {
    for bias in [0, 1, -1, 12_345, i16::MAX, -i16::MAX] {
        let row = bias.to_le_bytes().map(|byte| byte as i8);
        for products in [0, 1, -1, 127 * 127, 64 * 127 * 127, -64 * 127 * 127] {
            let floats = i8::bias(&row) + products as f32 / 16_384.0;
            assert_eq!(i8::score(&row, products).to_bits(), floats.to_bits(), "{bias} {products}");
        }
    }
    assert_eq!(i8::score(&[], 8_192), 0.5);
}
