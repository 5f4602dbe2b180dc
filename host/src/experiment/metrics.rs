//! Recall and normalised discounted cumulative gain of one ranked list.

use scall_core::math;

/// Share of the `relevant` items that stand in `ranked`.
pub fn recall(hits: &[bool], relevant: usize) -> f64 {
    if relevant == 0 { 0.0 } else { hits.iter().filter(|&&hit| hit).count() as f64 / relevant as f64 }
}

/// Discounted gain of the hits over that of the best possible list of the same length.
///
/// Position `i` (from 0) weighs `1 / log2(i + 2)`; the ideal list has `min(relevant, k)` hits on top.
pub fn ndcg(hits: &[bool], relevant: usize, k: usize) -> f64 {
    let weight = |position: usize| 1.0 / math::log2_f64(position as f64 + 2.0);
    let ideal: f64 = (0..relevant.min(k)).map(weight).sum();
    let gained: f64 = hits.iter().enumerate().filter(|&(_, &hit)| hit).map(|(i, _)| weight(i)).sum();
    if ideal == 0.0 { 0.0 } else { gained / ideal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recall_counts_hits_over_relevant_items() {
        assert_eq!(recall(&[true, false, true], 4), 0.5);
        assert_eq!(recall(&[], 3), 0.0);
        assert_eq!(recall(&[], 0), 0.0);
    }

    #[test]
    fn ndcg_discounts_by_position_and_cuts_the_ideal_at_k() {
        // 1/log2(2) = 1, 1/log2(3) = 0.63093, 1/log2(4) = 0.5.
        assert!((ndcg(&[true, false, true], 2, 3) - 1.5 / 1.630_929_753_571_457_4).abs() < 1e-12);
        assert_eq!(ndcg(&[true, true], 5, 2), 1.0);
        assert_eq!(ndcg(&[false, false], 5, 2), 0.0);
        assert_eq!(ndcg(&[], 0, 20), 0.0);
    }
}
