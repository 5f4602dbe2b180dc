use super::*;
use crate::frequency::Frequencies;
use crate::testing::{cases, config};
use crate::{Side, math};
use proptest::prelude::*;
use std::vec::Vec;

/// `count` after so many events, over many counters.
fn counted(events: u32, counters: u32) -> Vec<f64> {
    let mut generator = Generator::new(u64::from(events));
    (0..counters)
        .map(|_| {
            let mut count = LogCount::ZERO;
            (0..events).for_each(|_| count.add_one(generator.next_u32()));
            f64::from(count.value())
        })
        .collect()
}

fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0))
}

#[test]
fn every_code_is_a_power_and_comes_back() {
    for code in 1..=u8::MAX {
        let count = LogCount::of_code(code);
        let expected = math::pow_f64(2.0, (f64::from(code) - 65.0) / 16.0);
        assert!((f64::from(count.value()) / expected - 1.0).abs() < 1e-6, "{code}");
        assert_eq!(LogCount::of(count.value()), count);
    }
    assert_eq!(LogCount::of(0.0), LogCount::ZERO);
    assert_eq!(
        (LogCount::ZERO.value(), LogCount::of(1.0).value(), LogCount::of(64.0).value()),
        (0.0, 1.0, 64.0)
    );
    assert_eq!(LogCount::of(f32::MAX).code(), u8::MAX);
}

#[test]
fn the_nearest_count_is_taken() {
    let mut generator = Generator::new(3);
    for _ in 0..cases(2_000) {
        let x = math::exp(4.0 * generator.symmetric() + 3.0);
        let nearest = (1..=u8::MAX)
            .map(LogCount::of_code)
            .min_by(|a, b| (a.value() - x).abs().total_cmp(&(b.value() - x).abs()));
        assert_eq!(Some(LogCount::of(x)), nearest, "{x}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "millions of events")]
fn counts_are_right_on_average_and_spread_as_theory_says() {
    const COUNTERS: u32 = 4_000;
    for events in [1, 2, 3, 10, 100, 1_000] {
        let (mean, variance) = mean_and_variance(&counted(events, COUNTERS));
        let n = f64::from(events);
        // An event at x, where the next step is r x away, takes it with chance 1 / (r x): variance r x - 1. Where steps
        // are closer than 1, it is at most a quarter of a squared step.
        let gaps = (1..events).map(|x| 0.044_27 * f64::from(x));
        let expected: f64 = gaps.clone().map(|gap| (gap - 1.0).max(0.0)).sum();
        let close: f64 = gaps.filter(|&gap| gap < 1.2).map(|gap| 1.21 * gap * gap / 4.0).sum();
        assert!(variance <= 1.1 * (expected + close) + 0.01, "{events}: {variance}, expected {expected}");
        assert!(variance >= 0.9 * expected, "{events}: {variance}, expected {expected}");
        let error = 4.0 * (variance / f64::from(COUNTERS)).sqrt() + 1e-6 * n;
        assert!((mean - n).abs() <= error, "{events}: {mean} +- {error}");
    }
}

#[test]
fn a_count_stops_at_the_end_of_its_scale() {
    let mut count = LogCount::of(1e6);
    count.add_one(u32::MAX);
    assert_eq!(count.code(), u8::MAX);
    assert!((3_755.0..3_757.0).contains(&count.value()));
}

#[test]
fn a_half_life_halves_without_chance() {
    use crate::frequency::retention_of_half_life;
    let mut counts = [LogCount::ZERO; 3];
    let mut frequencies = Frequencies::new(&mut counts, &mut []);
    frequencies.set(Side::User, 0, 48.0);
    frequencies.set(Side::User, 1, 1.0);
    let halved = [0, 1, 2].map(|id| 0.5 * frequencies.get(Side::User, id));
    frequencies.decay(retention_of_half_life(1.0));
    assert_eq!([0, 1, 2].map(|id| frequencies.get(Side::User, id)), halved);
    // Four quarters of an octave are one.
    (0..4).for_each(|_| frequencies.decay(retention_of_half_life(4.0)));
    assert_eq!(frequencies.get(Side::User, 1), 0.25);
    frequencies.decay(retention_of_half_life(f32::INFINITY));
    assert_eq!(frequencies.get(Side::User, 1), 0.25);
    (0..3).for_each(|_| frequencies.decay(0.5));
    assert_eq!(frequencies.get(Side::User, 1), 0.0);
    frequencies.decay(0.0);
    assert_eq!(frequencies.of(Side::User, 3), [LogCount::ZERO; 3]);
}

#[test]
#[cfg_attr(miri, ignore = "a hundred thousand steps")]
fn sums_of_squares_give_the_root_that_exact_ones_do() {
    let mut generator = Generator::new(8);
    for scale in [1e-3_f32, 0.02, 1.0] {
        let mut sums = [LogSum::ZERO; 400];
        let mut exact = [0.0_f32; 400];
        for _ in 0..300 {
            for (sum, exact) in sums.iter_mut().zip(&mut exact) {
                let square = scale * generator.exponential();
                let root = sum.advance(square, generator.next_u32());
                exact.advance(square, 0);
                let expected = math::inverse_sqrt(sum.value().max(1.0 / 65_536.0));
                assert!((root / expected - 1.0).abs() < 1e-5);
            }
        }
        let ratios: Vec<f64> =
            sums.iter().zip(exact).map(|(sum, exact)| f64::from(sum.value() / exact)).collect();
        let (mean, variance) = mean_and_variance(&ratios);
        assert!((mean - 1.0).abs() < 0.04, "{scale}: {mean}");
        // Half the relative distance of two steps, 2^(1/8) - 1.
        assert!(variance < 1.2 * 0.0905 / 2.0, "{scale}: {variance}");
    }
}

#[test]
fn a_sum_of_nothing_and_one_beyond_the_scale_have_finite_roots() {
    let mut sum = LogSum::ZERO;
    assert_eq!(sum.advance(0.0, 7), 256.0);
    assert_eq!(sum, LogSum::ZERO);
    assert!(sum.advance(f32::MAX, 7) < 0.005);
    assert!(sum.advance(f32::INFINITY, 7) > 0.0);
}

/// Sizes by rank for `n` entities, as counts.
fn sizes(n: usize) -> Vec<u32> {
    let mut counts = std::vec![0; 20];
    for rank in 0..n {
        counts[19 - 19 * rank / n.max(1)] += 1;
    }
    counts
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn derived_ranks_are_those_of_sorting(codes in prop::collection::vec(0_u8..40, 0..120), wide: bool) {
        let counts: Vec<LogCount> =
            codes.iter().map(|&code| LogCount::of_code(if wide { code.wrapping_mul(6) } else { code })).collect();
        let floats: Vec<f32> = counts.iter().map(|count| count.value()).collect();
        let n = counts.len();
        let (mut thin, mut full) = (std::vec![0_u8; n], std::vec![0_u32; n]);

        let mut seen = (Vec::new(), Vec::new());
        Thin::by_rank(&counts, &mut thin, |count| seen.0.push(count));
        Full::by_rank(&floats, &mut full, |count| seen.1.push(count));
        prop_assert_eq!(seen.0, seen.1);

        let (mut ranks, mut same) = (sizes(n), sizes(n));
        Thin::deal(&counts, &mut thin, &mut ranks).unwrap();
        Full::deal(&floats, &mut full, &mut same).unwrap();
        let wide: Vec<u32> = thin.iter().map(|word| word.size()).collect();
        prop_assert_eq!(wide, full.clone());
        prop_assert_eq!(ranks, sizes(n), "counts are as before");

        let sum = Thin::weigh(&counts, &mut thin, |count| count + 1.0);
        let exact = Full::weigh(&floats, &mut full, |count| count + 1.0);
        prop_assert!((sum - exact).abs() <= 1e-9 * exact, "{sum}, expected {exact}");
        let mut noted = std::vec![0_u8; n];
        for (rank, &weight) in full.iter().enumerate() {
            u8::set_weight(&mut noted, rank, f32::from_bits(weight));
        }
        // The last word of an odd number is of no pair.
        prop_assert_eq!(&thin[..n / 2 * 2], &noted[..n / 2 * 2]);
    }

    #[test]
    fn sizes_dealt_blindly_are_a_permutation(n in 0_usize..60, seed: u64) {
        let mut words = std::vec![0_u8; n];
        Thin::deal_blindly(&mut words, &mut sizes(n), &mut Generator::new(seed)).unwrap();
        let mut counts = std::vec![0; 20];
        words.iter().for_each(|word| counts[usize::from(*word)] += 1);
        prop_assert_eq!(counts, sizes(n));
    }

    #[test]
    fn edges_are_the_sums_of_lengths(
        sizes in prop::collection::vec(0_u32..256, 0..70),
        gap in 0_usize..70,
        hole in 0_u32..50,
    ) {
        let n = sizes.len();
        for side in Side::BOTH {
            let away = |edge: u32, elements: u32| match side {
                Side::User => edge + elements,
                Side::Item => edge - elements,
            };
            let (mut lengths, mut starts) = (std::vec![9_u8; n], std::vec![9; starts_len(n)]);
            let mut rows = RowTable::new(&mut lengths, &mut starts);
            let mut edges = std::vec![40_000];
            prop_assert!(rows.begin(40_000));
            for (id, &size) in (0..).zip(&sizes) {
                let near = *edges.last().unwrap();
                edges.push(away(near, size));
                rows.set(id, near, away(near, size));
            }
            let view = rows.view();
            prop_assert_eq!(view.capacity(), n);
            for (id, pair) in (0..).zip(edges.windows(2)) {
                prop_assert_eq!(view.edge(side, id), Some(pair[0]));
                prop_assert_eq!(view.span(side, id), Some((pair[0], pair[1])));
            }
            prop_assert_eq!(view.edge(side, n as u32), edges.last().copied());
            prop_assert_eq!(view.span(side, n as u32), None);
            // Rows from one on lie further, as those of its block would be found during a repack.
            if gap < n {
                let end = (gap / 16 * 16 + 16).min(n);
                for id in 0..end {
                    let by = if id < gap { 0 } else { hole };
                    let span = (away(edges[id], by), away(edges[id + 1], by));
                    let gap = (gap as u32, away(edges[gap], hole));
                    prop_assert_eq!(view.span_beside(side, id as u32, gap), Some(span));
                }
            }
        }
    }
}
