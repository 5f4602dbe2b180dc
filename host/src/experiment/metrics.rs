//! Recall and normalised discounted cumulative gain of one ranked list.

use scall_core::math;

use crate::report::Quality;

/// The length of the ranked lists.
pub const LIST: usize = 20;

/// All metrics of one list, of which `hits` says what stands in it, best first.
pub fn quality(hits: &[bool], relevant: usize) -> Quality {
    let first = |k: usize| hits.get(..k).unwrap_or(hits);
    let at = |k| (recall(first(k), relevant), ndcg(first(k), relevant, k));
    let ((recall_at_5, ndcg_at_5), (recall_at_10, ndcg_at_10), (recall, ndcg)) = (at(5), at(10), at(LIST));
    Quality { recall, ndcg, recall_at_5, ndcg_at_5, recall_at_10, ndcg_at_10 }
}

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
    fn shorter_lists_are_the_beginning_of_the_longest() {
        // Hits in places 2, 6 and 12 of a list of 20, of 7 relevant items: 1/log2(3), 1/log2(7), 1/log2(13).
        let mut hits = [false; LIST];
        for place in [2, 6, 12] {
            hits[place - 1] = true;
        }
        let found = quality(&hits, 7);
        let gains = [0.630_929_753_571_457_5, 0.356_207_187_108_022_2, 0.270_238_154_427_319_74];
        // The first five and seven weights add up to these.
        let (five, seven) = (2.948_459_118_879_392_3, 3.637_999_639_320_748);
        let expected = [
            (found.recall_at_5, 1.0 / 7.0),
            (found.recall_at_10, 2.0 / 7.0),
            (found.recall, 3.0 / 7.0),
            (found.ndcg_at_5, gains[0] / five),
            (found.ndcg_at_10, (gains[0] + gains[1]) / seven),
            (found.ndcg, (gains[0] + gains[1] + gains[2]) / seven),
        ];
        for (place, (value, expected)) in expected.into_iter().enumerate() {
            assert!((value - expected).abs() < 1e-12, "{place}: {value}, expected {expected}");
        }
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
