use super::*;
use crate::testing;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

const CONFIG: RecommenderConfig = RecommenderConfig {
    learning_rate: 0.1,
    bias_learning_rate: 0.02,
    user_l2: 0.1,
    item_l2: 0.2,
    bias_l2: 0.3,
    initial_scale: 0.01,
    negatives: 1,
    item_bias: true,
    hardest_of: 1,
};

const NONE: PerRow = PerRow { user: 0.0, positive: 0.0, negative: 0.0 };

fn run(config: &RecommenderConfig, rows: &mut [Vec<f32>; 3], accumulators: PerRow) -> Step {
    let [user, positive, negative] = rows;
    step(config, Rows { user, positive, negative }, accumulators, 0)
}

#[test]
fn a_small_step_by_hand() {
    // x = 0.5 + 1*2 + 2*1 - (0.25 + 1*1 + 2*1) = 1.25, pull = 1 / (1 + e^1.25) = 0.2227001.
    let mut rows = [vec![1.0, 2.0], vec![0.5, 2.0, 1.0], vec![0.25, 1.0, 1.0]];
    let step = run(&CONFIG, &mut rows, NONE);
    assert_eq!(step.margin, 1.25);
    let pull = 0.222_700_14_f64;
    // Gradients, downhill: pull (i - j) - 0.1 p, pull p - 0.2 i, -pull p - 0.2 j.
    let gradients = [[pull - 0.1, -0.2], [pull - 0.4, 2.0 * pull - 0.2], [-pull - 0.2, -2.0 * pull - 0.2]];
    let accumulators = [step.accumulators.user, step.accumulators.positive, step.accumulators.negative];
    let before = [[1.0, 2.0], [2.0, 1.0], [1.0, 1.0]];
    for ((row, gradient), (before, accumulator)) in
        rows.iter().zip(gradients).zip(before.into_iter().zip(accumulators))
    {
        let mean = (gradient[0] * gradient[0] + gradient[1] * gradient[1]) / 2.0;
        assert!((f64::from(accumulator) - mean).abs() < 1e-7, "{accumulator} {mean}");
        let rate = 0.1 / mean.sqrt();
        let embedding = row.iter().rev().take(2).rev();
        for ((after, before), gradient) in embedding.zip(before).zip(gradient) {
            assert!((f64::from(*after) - (before + rate * gradient)).abs() < 1e-6);
        }
    }
    // Biases: 0.02 (pull - 0.3 b) and 0.02 (-pull - 0.3 b).
    assert!((f64::from(rows[1][0]) - (0.5 + 0.02 * (pull - 0.15))).abs() < 1e-7);
    assert!((f64::from(rows[2][0]) - (0.25 + 0.02 * (-pull - 0.075))).abs() < 1e-7);
}

#[test]
fn what_no_partner_has_stays_as_it_is() {
    let mut rows = [vec![0.5; 9], vec![0.1, 0.5, 0.4, 0.3], vec![0.1, 0.2]];
    run(&CONFIG, &mut rows, NONE);
    // The longer item has three dimensions.
    assert!(rows[0][..3].iter().all(|&x| x != 0.5));
    assert_eq!(rows[0][3..], [0.5; 6]);

    let mut rows = [vec![0.5; 2], vec![0.1, 0.5, 0.4, 0.3], vec![0.1, 0.2, 0.2, 0.2, 0.2]];
    run(&CONFIG, &mut rows, NONE);
    assert_eq!(rows[1][3..], [0.3]);
    assert_eq!(rows[2][3..], [0.2, 0.2]);
}

#[test]
fn empty_rows_and_bare_biases_are_fine() {
    let mut rows = [vec![], vec![], vec![]];
    let step = run(&CONFIG, &mut rows, NONE);
    assert_eq!((step.margin, step.accumulators), (0.0, NONE));
    let mut rows = [vec![1.0], vec![0.0], vec![0.5]];
    assert_eq!(run(&CONFIG, &mut rows, NONE).margin, -0.5);
    assert!(rows[1][0] > 0.0 && rows[2][0] < 0.5);
    assert_eq!(rows[0], [1.0]);
}

/// The loss of the module's head in double precision, with the penalty on what takes part alone.
fn loss(config: &RecommenderConfig, rows: &[Vec<f64>; 3], lengths: [usize; 3]) -> f64 {
    let [p, i, j] = rows;
    let bias = usize::from(config.item_bias);
    let dot = |q: &[f64]| p.iter().zip(q).map(|(x, y)| x * y).sum::<f64>();
    let square = |row: &[f64], n: usize| row.iter().take(n).map(|x| x * x).sum::<f64>();
    let (b_i, b_j) = if config.item_bias { (i[0], j[0]) } else { (0.0, 0.0) };
    let x = b_i + dot(&i[bias..]) - b_j - dot(&j[bias..]);
    let penalty = f64::from(config.user_l2) * square(p, lengths[0])
        + f64::from(config.item_l2) * (square(&i[bias..], lengths[1]) + square(&j[bias..], lengths[2]))
        + f64::from(config.bias_l2) * (b_i * b_i + b_j * b_j);
    math::ln_1p_f64(math::exp_f64(-x)) + penalty / 2.0
}

fn any_row(low: usize) -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec((-100_i32..101).prop_map(|x| x as f32 / 50.0), low..40)
}

proptest! {
    #![proptest_config(testing::config(256))]

    #[test]
    fn steps_follow_the_gradient(
        user in any_row(0), positive in any_row(1), negative in any_row(1), item_bias in any::<bool>(),
    ) {
        // So large an accumulator that the step is a constant multiple of the gradient, and small.
        let config = RecommenderConfig { learning_rate: 10.0, item_bias, ..CONFIG };
        let large = 1e8_f32;
        let rate = 10.0 / f64::from(large).sqrt();
        let bias = usize::from(item_bias);
        let (d, di, dj) = (user.len(), positive.len() - bias, negative.len() - bias);
        let lengths = [d.min(di.max(dj)), d.min(di), d.min(dj)];
        let mut rows = [user, positive, negative];
        let before: [Vec<f64>; 3] = rows.clone().map(|row| row.into_iter().map(f64::from).collect());
        let accumulators = PerRow { user: large, positive: large, negative: large };
        run(&config, &mut rows, accumulators);
        for r in 0..3 {
            for k in 0..before[r].len() {
                let at = |shift: f64| {
                    let mut moved = before.clone();
                    moved[r][k] += shift;
                    loss(&config, &moved, lengths)
                };
                let slope = (at(1e-4) - at(-1e-4)) / 2e-4;
                let is_bias = item_bias && r > 0 && k == 0;
                let rate = if is_bias { f64::from(config.bias_learning_rate) } else { rate };
                let moved = f64::from(rows[r][k]) - before[r][k];
                prop_assert!((moved + rate * slope).abs() < 2e-3 * rate, "{r} {k} {moved} {slope}");
            }
        }
    }

    #[test]
    fn accumulators_take_the_mean_squared_gradient(
        user in any_row(0), positive in any_row(1), negative in any_row(1), item_bias in any::<bool>(),
    ) {
        let config = RecommenderConfig { item_bias, ..CONFIG };
        let bias = usize::from(item_bias);
        let (d, di, dj) = (user.len(), positive.len() - bias, negative.len() - bias);
        let before = [user, positive, negative];
        let mut rows = before.clone();
        let start = PerRow { user: 1.0, positive: 2.0, negative: 3.0 };
        let step = run(&config, &mut rows, start);
        let pull = 1.0 / (1.0 + math::exp_f64(f64::from(step.margin)));
        let [p, i, j] = before.map(|row| row.into_iter().map(f64::from).collect::<Vec<_>>());
        let at = |row: &[f64], k: usize| row.get(k).copied().unwrap_or(0.0);
        let (i, j) = (&i[bias..], &j[bias..]);
        let (l2_user, l2_item) = (f64::from(config.user_l2), f64::from(config.item_l2));
        let mean = |n: usize, gradient: &dyn Fn(usize) -> f64| {
            (0..n).map(|k| gradient(k) * gradient(k)).sum::<f64>() / n.max(1) as f64
        };
        let user = mean(d.min(di.max(dj)), &|k| pull * (at(i, k) - at(j, k)) - l2_user * p[k]);
        let positive = mean(d.min(di), &|k| pull * p[k] - l2_item * i[k]);
        let negative = mean(d.min(dj), &|k| -pull * p[k] - l2_item * j[k]);
        let close = |a: f32, b: f64| (f64::from(a) - b).abs() < 1e-5 * (1.0 + b);
        prop_assert!(close(step.accumulators.user, 1.0 + user));
        prop_assert!(close(step.accumulators.positive, 2.0 + positive));
        prop_assert!(close(step.accumulators.negative, 3.0 + negative));
        // No dimension moves by more than the root of their number times the learning rate.
        for (row, (old, n)) in rows.iter().zip([(&p[..], d), (i, di), (j, dj)]) {
            let embedding = &row[row.len() - old.len()..];
            for (new, old) in embedding.iter().zip(old) {
                prop_assert!((f64::from(*new) - old).abs() <= 0.1 * (n as f64).sqrt() * 1.001);
            }
        }
    }
}
