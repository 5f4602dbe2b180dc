//! Means, spreads and paired tests.
//!
//! Probabilities are rounded to six significant digits: more carries no meaning, and the last digits of the
//! underlying special functions differ between machines.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::document::Spread;

/// Up to this many pairs the Wilcoxon test counts every assignment of signs.
const MOST_EXACT_PAIRS: usize = 50;

/// The mean and the standard deviation of a sample (divisor n - 1; 0 for fewer than two values).
pub fn spread(values: &[f64]) -> Spread {
    let count = values.len() as f64;
    let mean = if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / count };
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    let std = if values.len() < 2 { 0.0 } else { (squares / (count - 1.0)).sqrt() };
    Spread { mean, std }
}

/// The two-sided p-value of Student's t-test on paired differences.
///
/// None for fewer than two pairs. If all differences agree, it is 1 where they are zero, and 0 elsewhere.
pub fn paired_t_test(differences: &[f64]) -> Option<f64> {
    if differences.len() < 2 {
        return None;
    }
    let count = differences.len() as f64;
    let Spread { mean, std } = spread(differences);
    if std == 0.0 {
        return Some(if mean == 0.0 { 1.0 } else { 0.0 });
    }
    let t = mean / (std / count.sqrt());
    let distribution = StudentsT::new(0.0, 1.0, count - 1.0).ok()?;
    Some(round(2.0 * distribution.sf(t.abs())))
}

/// The two-sided p-value of Wilcoxon's signed-rank test on paired differences.
///
/// Pairs without a difference are left out, and equal ones share their mean rank. The null distribution is
/// exact for up to 50 pairs, ties included; beyond that, it is normal with the variance corrected for ties.
/// None if no difference is left.
pub fn wilcoxon_signed_rank(differences: &[f64]) -> Option<f64> {
    let mut differences: Vec<f64> =
        differences.iter().copied().filter(|d| *d != 0.0 && !d.is_nan()).collect();
    if differences.is_empty() {
        return None;
    }
    differences.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let ranks = doubled_mean_ranks(&differences);
    let total: u64 = ranks.iter().sum();
    let positive: u64 = ranks
        .iter()
        .zip(&differences)
        .filter(|(_, difference)| **difference > 0.0)
        .map(|(rank, _)| rank)
        .sum();
    let smaller = positive.min(total - positive);
    let p = if differences.len() <= MOST_EXACT_PAIRS {
        2.0 * exact_lower_tail(&ranks, smaller)
    } else {
        // The mean of the doubled rank sum is total / 2; its variance is the sum of squares / 4.
        let squares: f64 = ranks.iter().map(|rank| (rank * rank) as f64).sum();
        let z = (total as f64 / 2.0 - smaller as f64) / (squares / 4.0).sqrt();
        2.0 * Normal::standard().sf(z)
    };
    Some(round(p.min(1.0)))
}

/// Holm's step-down correction: p-values that hold jointly for the whole family.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut corrected = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (step, index) in order.into_iter().enumerate() {
        largest = largest.max(p_values[index] * (p_values.len() - step) as f64).min(1.0);
        corrected[index] = round(largest);
    }
    corrected
}

/// Twice the mean rank of each value, so that ties keep whole numbers. Expects values sorted by magnitude.
fn doubled_mean_ranks(sorted: &[f64]) -> Vec<u64> {
    let mut ranks = Vec::with_capacity(sorted.len());
    for tied in sorted.chunk_by(|a, b| a.abs() == b.abs()) {
        let before = ranks.len();
        let doubled = (2 * before + tied.len() + 1) as u64;
        ranks.resize(before + tied.len(), doubled);
    }
    ranks
}

/// The share of all assignments of signs whose positive ranks sum to at most `bound`.
fn exact_lower_tail(ranks: &[u64], bound: u64) -> f64 {
    let total = ranks.iter().sum::<u64>() as usize;
    let mut probability = vec![0.0_f64; total + 1];
    probability[0] = 1.0;
    let mut reached = 0;
    for rank in ranks {
        let rank = *rank as usize;
        for sum in (0..=reached).rev() {
            let half = probability[sum] / 2.0;
            probability[sum] = half;
            probability[sum + rank] += half;
        }
        reached += rank;
    }
    probability.iter().take(bound as usize + 1).sum()
}

fn round(p: f64) -> f64 {
    format!("{p:.5e}").parse().unwrap_or(p)
}

#[cfg(test)]
mod tests;
