//! Reference values: SciPy 1.17.1 (`ttest_1samp`, `wilcoxon`), statsmodels (`multipletests`), and for ties the
//! enumeration of all assignments of signs.

use super::*;

const EIGHT: [f64; 8] = [0.012, -0.003, 0.007, 0.015, 0.001, -0.002, 0.009, 0.004];
const TIED: [f64; 10] = [1.0, 1.0, -1.0, 2.0, 2.0, -2.0, 3.0, 0.0, 4.0, 5.0];

fn close(got: Option<f64>, expected: f64) {
    let got = got.unwrap();
    assert!((got - expected).abs() <= 1e-5 * expected, "got {got}, expected {expected}");
}

/// Sixty differences in eleven tied magnitudes, two thirds of them positive.
fn sixty() -> Vec<f64> {
    let sign = |i: u32| if i.is_multiple_of(3) { -1.0 } else { 1.0 };
    (1..=60).map(|i| sign(i) * f64::from(i * 7 % 11 + 1) * 0.5).collect()
}

/// Forty-five differences of different magnitudes.
fn forty_five() -> Vec<f64> {
    let sign = |i: u32| if i.is_multiple_of(4) { -1.0 } else { 1.0 };
    (1..=45).map(|i| sign(i) * f64::from(i * 17 % 46) * 0.01).collect()
}

#[test]
fn mean_and_sample_deviation() {
    let spread = spread(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
    assert_eq!(spread.mean, 5.0);
    assert!((spread.std - 2.138_089_935_299_395).abs() < 1e-14);
}

#[test]
fn one_value_has_no_deviation() {
    assert_eq!(spread(&[3.0]), Spread { mean: 3.0, std: 0.0 });
    assert_eq!(spread(&[]), Spread { mean: 0.0, std: 0.0 });
}

#[test]
fn the_t_test_agrees_with_scipy() {
    close(paired_t_test(&EIGHT), 0.052_572_542_818_864_705);
    close(paired_t_test(&[1.0, 2.0, 3.0, 4.0, 5.0]), 0.013_235_599_563_682_69);
    close(paired_t_test(&sixty()), 0.045_842_416_047_454_34);
    close(paired_t_test(&forty_five()), 0.013_264_202_644_596_431);
}

#[test]
fn the_t_test_is_two_sided() {
    let negated = EIGHT.map(|difference| -difference);
    assert_eq!(paired_t_test(&negated), paired_t_test(&EIGHT));
}

#[test]
fn the_t_test_has_an_answer_without_variance_and_none_without_pairs() {
    assert_eq!(paired_t_test(&[0.0, 0.0, 0.0]), Some(1.0));
    assert_eq!(paired_t_test(&[0.5, 0.5]), Some(0.0));
    assert_eq!(paired_t_test(&[0.5]), None);
    assert_eq!(paired_t_test(&[]), None);
}

#[test]
fn the_exact_signed_rank_test_agrees_with_scipy() {
    close(wilcoxon_signed_rank(&EIGHT), 0.078_125);
    close(wilcoxon_signed_rank(&[1.0, 2.0, 3.0, 4.0, 5.0]), 0.0625);
    close(wilcoxon_signed_rank(&forty_five()), 0.014_213_166_138_574_707);
}

#[test]
fn ties_share_ranks_and_zeros_are_left_out() {
    close(wilcoxon_signed_rank(&TIED), 0.082_031_25);
}

#[test]
fn many_pairs_use_the_normal_approximation_with_ties() {
    close(wilcoxon_signed_rank(&sixty()), 0.054_442_248_778_358_8);
}

#[test]
fn a_single_difference_proves_nothing() {
    assert_eq!(wilcoxon_signed_rank(&[0.1]), Some(1.0));
    assert_eq!(wilcoxon_signed_rank(&[1.0, -1.0]), Some(1.0));
    assert_eq!(wilcoxon_signed_rank(&[0.0, 0.0]), None);
    assert_eq!(wilcoxon_signed_rank(&[]), None);
}

#[test]
fn holm_steps_down_and_never_falls() {
    assert_eq!(holm(&[0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02]);
    assert_eq!(holm(&[0.5, 0.9, 0.2, 0.04, 0.04]), [1.0, 1.0, 0.6, 0.2, 0.2]);
    assert!(holm(&[]).is_empty());
}
