//! Ids by falling count, in slices: a heapsort, whose steps are short and need no memory in between.

use super::rank::{exchange, sift_down};
use crate::allowance::Allowance;
use crate::sizes::MARK;

/// What a step costs a slice, in which an id goes down a heap.
const STEP_COST: u32 = 4;

/// How far a sort has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sorting {
    /// Steps taken, of two for each id.
    steps: usize,
}

impl Sorting {
    /// Goes on, and returns whether `words` hold every id, each with its [`MARK`], as [`rank`](super::rank()) orders
    /// them. O(log ids) a step.
    ///
    /// `words` are as long as `counts`. With counts that change between the slices the order is that of no single
    /// time, but every id is in it once.
    pub(crate) fn go_on(&mut self, counts: &[f32], words: &mut [u32], allowance: &mut Allowance) -> bool {
        let n = words.len();
        while self.steps < 2 * n {
            if !allowance.take(STEP_COST) {
                return false;
            }
            if self.steps < n {
                let root = n - 1 - self.steps;
                if let Some(word) = words.get_mut(root) {
                    *word = root as u32;
                }
                sift_down(counts, words, root);
            } else {
                let last = 2 * n - 1 - self.steps;
                exchange(words, 0, last);
                if let Some(word) = words.get_mut(last) {
                    *word |= MARK;
                }
                sift_down(counts, words.get_mut(..last).unwrap_or_default(), 0);
            }
            self.steps += 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frequency::rank;
    use crate::random::Generator;
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn slices_of_any_length_rank_as_one_call_does() {
        let mut generator = Generator::new(5);
        for n in 0..if cfg!(miri) { 12 } else { 90 } {
            let counts: Vec<f32> = (0..n).map(|_| generator.below(9) as f32 * 0.5).collect();
            let (mut expected, mut words) = (vec![0; n], vec![7; n]);
            rank(&counts, &mut expected);
            let mut sorting = Sorting::default();
            while !sorting.go_on(&counts, &mut words, &mut Allowance::new(generator.below(30))) {}
            assert_eq!(words, expected.iter().map(|id| id | MARK).collect::<Vec<_>>(), "{n}");
        }
    }

    #[test]
    fn every_id_stays_in_the_order_when_counts_change_meanwhile() {
        let mut generator = Generator::new(6);
        let mut counts = vec![0.0; 50];
        let (mut words, mut sorting) = (vec![0; 50], Sorting::default());
        while !sorting.go_on(&counts, &mut words, &mut Allowance::new(9)) {
            counts[generator.below(50) as usize] += 3.0;
            counts[generator.below(50) as usize] = 0.0;
        }
        words.sort_unstable();
        assert_eq!(words, (0..50).map(|id| id | MARK).collect::<Vec<_>>());
    }
}
