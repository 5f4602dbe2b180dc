use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::random::Generator;
use crate::sizes::testing::{cases, scaled};
use crate::sizes::{Distribution, draw_weights, expected_weights};

/// The sizes by rank.
fn sizes(words: &[u32], bounds: Bounds, budget: u64) -> (Fitted, Vec<u32>) {
    sizes_in(words, bounds, budget)
}

/// The same in words of any width.
fn sizes_in<W: Word>(words: &[W], bounds: Bounds, budget: u64) -> (Fitted, Vec<u32>) {
    let mut counts = vec![99; counts_len(bounds.max)];
    let fitted = fit(words, bounds, budget, &mut counts).unwrap();
    let mut sizes = Vec::new();
    for (size, &count) in counts.iter().enumerate().rev() {
        sizes.extend(std::iter::repeat_n(size as u32, count as usize));
    }
    assert_eq!(sizes.len(), words.len());
    assert_eq!(fitted.total, sizes.iter().map(|&size| u64::from(size)).sum::<u64>());
    assert_eq!(fitted.served as usize, sizes.iter().filter(|&&size| size > 0).count());
    assert_eq!(fitted.largest, sizes.first().copied().unwrap_or(0));
    assert_eq!(fitted.smallest, sizes.last().copied().unwrap_or(0));
    (fitted, sizes)
}

fn words(weights: &[f32]) -> Vec<u32> {
    weights.iter().map(|weight| weight.to_bits()).collect()
}

/// The same rule one parameter after the other: each goes to the rank, below its maximum, whose size plus
/// one half is the smallest multiple of its weight; the first rank wins a tie.
fn one_by_one(weights: &[u32], bounds: Bounds, budget: u64) -> Vec<u32> {
    let n = weights.len() as u64;
    let served = if bounds.min == 0 { n } else { n.min(budget / u64::from(bounds.min)) } as usize;
    let mut sizes = vec![0; weights.len()];
    sizes[..served].fill(bounds.min);
    let mut left = budget - served as u64 * u64::from(bounds.min);
    while left > 0 {
        let mut best: Option<usize> = None;
        for i in 0..served {
            // (2 s_i + 1) / w_i < (2 s_b + 1) / w_b, in whole numbers.
            let cost = |i: usize, j: usize| u64::from(2 * sizes[i] + 1) * u64::from(weights[j]);
            if sizes[i] < bounds.max && best.is_none_or(|b| cost(i, b) < cost(b, i)) {
                best = Some(i);
            }
        }
        let Some(best) = best else { break };
        sizes[best] += 1;
        left -= 1;
    }
    sizes
}

#[test]
#[cfg_attr(miri, ignore = "dozens of tables")]
fn narrow_words_give_nearly_the_sizes_of_wide_ones() {
    let bounds = Bounds { min: 1, max: 254 };
    for n in [576, 4_001] {
        for shape in [0.5, 1.0, 2.0, 5.0, 15.0, 30.0] {
            let (mut wide, mut narrow) = (vec![0_u32; n], vec![0_u8; n]);
            expected_weights(Distribution::PowerLaw, shape, &mut wide).unwrap();
            expected_weights(Distribution::PowerLaw, shape, &mut narrow).unwrap();
            for mean in [2, 4, 8, 16, 32] {
                let budget = mean * n as u64;
                let (fitted, narrow) = sizes_in(&narrow, bounds, budget);
                assert_eq!(fitted.total, budget);
                let wide = sizes(&wide, bounds, budget).1;
                let apart = || wide.iter().zip(&narrow).map(|(wide, narrow)| wide.abs_diff(*narrow));
                assert!(apart().max() <= Some(3), "{n}, {shape}, {mean}: {:?}", apart().max());
                let mean_apart = f64::from(apart().sum::<u32>()) / n as f64;
                assert!(mean_apart <= 0.1, "{n}, {shape}, {mean}: {mean_apart}");
            }
        }
    }
}

#[test]
fn shares_are_met_exactly() {
    let bounds = Bounds { min: 1, max: 8 };
    assert_eq!(sizes(&words(&[4.0, 2.0, 1.0]), bounds, 7).1, [4, 2, 1]);
    assert_eq!(sizes(&words(&[1.0; 4]), bounds, 10).1, [3, 3, 2, 2]);
    assert_eq!(sizes(&words(&[100.0, 1.0, 1.0]), bounds, 13).1, [8, 3, 2]);
    assert_eq!(sizes(&words(&[100.0, 1.0, 1.0]), bounds, 9).1, [7, 1, 1]);
    assert_eq!(sizes(&words(&[5.0]), bounds, 3).1, [3]);
    assert_eq!(sizes(&[], bounds, 3).0, Fitted::default());
}

#[test]
fn what_the_bounds_cannot_take_is_left() {
    let bounds = Bounds { min: 1, max: 4 };
    assert_eq!(sizes(&words(&[3.0, 1.0]), bounds, u64::MAX).1, [4, 4]);
    assert_eq!(sizes(&words(&[3.0, 1.0]), bounds, 8).1, [4, 4]);
    assert_eq!(sizes(&words(&[3.0, 1.0]), Bounds { min: 2, max: 2 }, 5).1, [2, 2]);
}

#[test]
fn a_budget_below_the_minimum_serves_the_first_ranks() {
    let bounds = Bounds { min: 1, max: 4 };
    let weights = words(&[3.0, 2.0, 1.0, 1.0]);
    assert_eq!(sizes(&weights, bounds, 3).1, [1, 1, 1, 0]);
    assert_eq!(sizes(&weights, bounds, 0).1, [0; 4]);
    assert_eq!(sizes(&weights, Bounds { min: 2, max: 4 }, 7).1, [3, 2, 2, 0]);
    assert_eq!(sizes(&weights, Bounds { min: 2, max: 2 }, 7).1, [2, 2, 2, 0]);
    assert_eq!(sizes(&weights, Bounds { min: 0, max: 4 }, 3).1, [1, 1, 1, 0]);
    assert_eq!(sizes(&weights, Bounds { min: 0, max: 0 }, 3).1, [0; 4]);
}

/// Weights so small that they are zero still share what is left when the others are full.
#[test]
fn weights_of_zero_share_what_is_left() {
    let bounds = Bounds { min: 1, max: 4 };
    assert_eq!(sizes(&words(&[1.0, 0.0, 0.0, 0.0]), bounds, 7).1, [4, 1, 1, 1]);
    assert_eq!(sizes(&words(&[1.0, 0.0, 0.0, 0.0]), bounds, 9).1, [4, 2, 2, 1]);
    assert_eq!(sizes(&words(&[0.0; 4]), bounds, 9).1, [3, 2, 2, 2]);
    assert_eq!(sizes(&words(&[1.0, f32::MIN_POSITIVE, 1e-45]), bounds, 10).1, [4, 3, 3]);
    assert_eq!(sizes(&words(&[f32::MAX, f32::MAX, f32::MIN_POSITIVE]), bounds, 10).1, [4, 4, 2]);
}

/// Infinity is no weight, but it does not break the budget either.
#[test]
fn infinite_weights_keep_the_budget() {
    let (fitted, _) = sizes(&words(&[f32::INFINITY, f32::INFINITY, 1.0]), Bounds { min: 0, max: 9 }, 5);
    assert!(fitted.total <= 5);
}

#[test]
fn refusals_change_nothing() {
    let mut counts = [7; 4];
    let refused = fit(&[0_u32; 2], Bounds { min: 3, max: 2 }, 4, &mut counts);
    assert_eq!(refused, Err(SizesError::Bounds { min: 3, max: 2 }));
    let refused = fit(&[0_u32; 2], Bounds { min: 1, max: 4 }, 4, &mut counts);
    assert_eq!(refused, Err(SizesError::CountsTooShort { needed: 5, available: 4 }));
    assert_eq!(counts, [7; 4]);
}

#[test]
fn more_counts_than_sizes_stay_zero() {
    let mut counts = [7; 9];
    fit(&words(&[2.0, 1.0]), Bounds { min: 1, max: 4 }, 3, &mut counts).unwrap();
    assert_eq!(counts, [0, 1, 1, 0, 0, 0, 0, 0, 0]);
}

/// Sizes of 16 expected and drawn order statistics: any change of a bit on the way shows here.
#[test]
fn value_stability() {
    let bounds = Bounds { min: 1, max: 64 };
    let table: [(Distribution, f32, [u32; 16], [u32; 16]); 5] = [
        (
            Distribution::PowerLaw,
            0.5,
            [33, 29, 26, 22, 19, 16, 14, 11, 9, 7, 5, 4, 2, 1, 1, 1],
            [30, 29, 25, 22, 19, 19, 17, 14, 7, 6, 5, 2, 2, 1, 1, 1],
        ),
        (
            Distribution::Pareto,
            2.0,
            [45, 22, 17, 14, 12, 11, 10, 9, 9, 8, 8, 8, 7, 7, 7, 6],
            [48, 22, 15, 14, 13, 10, 10, 10, 8, 8, 7, 7, 7, 7, 7, 7],
        ),
        (
            Distribution::TruncatedNormal,
            0.03,
            [22, 20, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 5, 3],
            [19, 19, 18, 17, 16, 16, 15, 15, 12, 11, 11, 9, 8, 7, 5, 2],
        ),
        (
            Distribution::TruncatedExponential,
            5.0,
            [40, 29, 24, 19, 16, 14, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1],
            [29, 28, 24, 20, 18, 17, 16, 14, 8, 7, 7, 4, 3, 3, 1, 1],
        ),
        (
            Distribution::LogNormal,
            0.5,
            [28, 21, 18, 16, 15, 14, 12, 12, 11, 10, 9, 8, 8, 7, 6, 5],
            [20, 20, 18, 17, 15, 15, 15, 14, 11, 11, 10, 8, 8, 8, 6, 4],
        ),
    ];
    for (distribution, shape, from_expected, from_draw) in table.into_iter().take(scaled(5, 2)) {
        let mut words = [0; 16];
        expected_weights(distribution, shape, &mut words).unwrap();
        assert_eq!(sizes(&words, bounds, 200).1, from_expected, "{distribution:?}");
        draw_weights(distribution, shape, &mut Generator::new(42), &mut words).unwrap();
        assert_eq!(sizes(&words, bounds, 200).1, from_draw, "{distribution:?}");
    }
}

/// One digest over a long draw of each distribution, bit by bit (FNV-1a).
#[test]
fn weights_are_the_same_bits_everywhere() {
    let table = [
        (Distribution::PowerLaw, 0.5, 0xf2c7_d6fc_2f67_179a_u64, 0xaba9_798a_f6eb_8c90_u64),
        (Distribution::Pareto, 30.0, 0x50e3_5a34_2a5d_7bf6, 0xd691_615c_86cf_e0fa),
        (Distribution::TruncatedNormal, 1e-3, 0x3bf3_4010_95d7_728d, 0x273c_1a54_8ee4_55e3),
        (Distribution::TruncatedExponential, 5.0, 0x21b1_3da8_f1ea_17bf, 0xb277_c54e_d458_67a0),
        (Distribution::LogNormal, 0.5, 0xc2dc_fb89_e573_eea5, 0x8748_dbd3_1a37_ccd1),
    ];
    let digest = |words: &[u32]| {
        words.iter().flat_map(|word| word.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    for (distribution, shape, from_expected, from_draw) in table.into_iter().take(scaled(5, 2)) {
        let mut words = [0; 700];
        expected_weights(distribution, shape, &mut words).unwrap();
        assert_eq!(digest(&words), from_expected, "{distribution:?}");
        draw_weights(distribution, shape, &mut Generator::new(42), &mut words).unwrap();
        assert_eq!(digest(&words), from_draw, "{distribution:?}");
    }
}

/// Ten million rows, ten thousand million parameters.
#[test]
#[cfg_attr(miri, ignore = "ten million words")]
fn large_sides_are_exact() {
    let bounds = Bounds { min: 1, max: 2048 };
    let mut counts = vec![0; counts_len(bounds.max)];
    let mut words = vec![0_u32; 10_000_000];
    for (distribution, shape) in [(Distribution::PowerLaw, 0.1), (Distribution::Pareto, 30.0)] {
        expected_weights(distribution, shape, &mut words).unwrap();
        for budget in [10_000_000, 10_000_001, 123_456_789, 10_000_000_000, 20_479_999_999] {
            let fitted = fit(&words, bounds, budget, &mut counts).unwrap();
            assert_eq!(fitted.total, budget);
            assert_eq!(counts.iter().map(|&count| u64::from(count)).sum::<u64>(), 10_000_000);
        }
    }
}

proptest! {
    #![proptest_config(cases(300, 1_000_000))]

    /// Whole weights without equal quotients decide like the naive rule; where quotients are equal, the last
    /// bit of the level may order different weights otherwise, but never by a whole step.
    #[test]
    fn fits_like_the_naive_rule(
        mut weights in prop::collection::vec(1_u32..900, 0..24),
        min in 0_u32..4,
        room in 0_u32..12,
        budget in 0_u64..260,
    ) {
        weights.sort_unstable_by(|a, b| b.cmp(a));
        let bounds = Bounds { min, max: min + room };
        let as_words: Vec<u32> = weights.iter().map(|&weight| (weight as f32).to_bits()).collect();
        let (fitted, got) = sizes(&as_words, bounds, budget);
        let naive = one_by_one(&weights, bounds, budget);
        prop_assert_eq!(fitted.total, naive.iter().map(|&size| u64::from(size)).sum::<u64>());
        prop_assert!(got.is_sorted_by(|a, b| a >= b));
        for i in 0..got.len() {
            if got[i] == naive[i] {
                continue;
            }
            // A difference is a tie: some other rank differs the other way, at the same quotient.
            let quotient = |j: usize| f64::from(2 * got[j].max(naive[j]) - 1) / f64::from(weights[j]);
            let tied = (0..got.len()).any(|j| {
                (got[j] > naive[j]) == (got[i] < naive[i]) && got[j] != naive[j]
                    && (quotient(j) - quotient(i)).abs() < 1e-9 * quotient(i)
            });
            prop_assert!(tied && got[i].abs_diff(naive[i]) == 1, "{got:?} {naive:?} {weights:?}");
        }
    }

    /// Any descending weights, any budget: never above it, and equal to it wherever the bounds allow.
    #[test]
    fn the_total_is_the_budget(
        mut weights in prop::collection::vec(
            prop_oneof![0.0_f32..1.0, Just(0.0), Just(1.0), Just(f32::MIN_POSITIVE), 1e-38_f32..1e-36, 1e30_f32..3e38],
            0..60,
        ),
        min in 0_u32..5,
        room in 0_u32..scaled(300, 9),
        share in 0.0_f64..1.2,
        exact in prop::sample::select(vec![None, Some(0), Some(1)]),
    ) {
        weights.sort_unstable_by(|a, b| b.total_cmp(a));
        let bounds = Bounds { min, max: min + room };
        let n = weights.len() as u64;
        let (least, most) = (n * u64::from(bounds.min), n * u64::from(bounds.max));
        let budget = match exact {
            None => (share * most as f64) as u64,
            Some(0) => least,
            _ => most,
        };
        let mut narrow = vec![0_u8; weights.len()];
        for (rank, &weight) in weights.iter().enumerate() {
            u8::set_weight(&mut narrow, rank, weight);
        }
        let (fitted, wide) = sizes(&words(&weights), bounds, budget);
        for (fitted, got) in [(fitted, wide.clone()), sizes_in(&narrow, bounds, budget)] {
            prop_assert!(fitted.total <= budget);
            prop_assert!(got.is_sorted_by(|a, b| a >= b));
            prop_assert!(got.iter().all(|&size| size == 0 || (bounds.min..=bounds.max).contains(&size)));
            if (least..=most).contains(&budget) {
                prop_assert_eq!(fitted.total, budget);
                prop_assert!(got.iter().all(|&size| size >= bounds.min));
            } else if budget > most {
                prop_assert_eq!(fitted.total, most);
            } else {
                prop_assert_eq!(u64::from(fitted.served), budget / u64::from(bounds.min));
                prop_assert!(fitted.total == budget || got.iter().all(|&size| size == 0 || size == bounds.max));
            }
        }
        // Equal weights differ by one at most, before the served ranks end.
        for (weights, pair) in weights.windows(2).zip(wide.windows(2)) {
            prop_assert!(weights[0] != weights[1] || pair[1] == 0 || pair[0] - pair[1] <= 1);
        }
    }

    /// Words that are no descending weights never lift the total above the budget.
    #[test]
    fn garbage_keeps_the_budget(
        words in prop::collection::vec(any::<u32>(), 0..50),
        min in 0_u32..3,
        room in 0_u32..scaled(40, 9),
        budget in 0_u64..1500,
    ) {
        let (fitted, _) = sizes(&words, Bounds { min, max: min + room }, budget);
        prop_assert!(fitted.total <= budget);
    }
}

proptest! {
    #![proptest_config(cases(300, 100_000))]

    /// More budget never makes a row smaller.
    #[test]
    fn sizes_grow_with_the_budget(
        distribution in prop::sample::select(&Distribution::ALL[..]),
        place in 0.0_f32..1.0,
        n in 1_usize..scaled(80, 9),
        budget in 0_u64..900,
    ) {
        let mut words = vec![0; n];
        expected_weights(distribution, distribution.shape(place), &mut words).unwrap();
        let bounds = Bounds { min: 1, max: scaled(40, 9) };
        let fewer = sizes(&words, bounds, budget).1;
        let more = sizes(&words, bounds, budget + 1).1;
        prop_assert!(fewer.iter().zip(&more).all(|(a, b)| a <= b), "{fewer:?} {more:?}");
    }
}
