//! Predicting interactions under the published candidate rules.

use rayon::prelude::*;
use scall_core::recommender::Scored;

use crate::experiment::evaluate::{Evaluation, Excluded, USERS_AT_A_TIME, judge_list};
use crate::experiment::metrics::LIST;
use crate::experiment::protocol::Counts;
use crate::report::Quality;
use crate::stream::Stream;

/// Interactions to predict.
///
/// Only users and items that are known are in it. Every user is ranked all of its items but those it learned
/// from, and counts in the mean even if none of its own items are among them (Qu et al., CIKM 2024).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// Ascending.
    users: Vec<u32>,
    /// For each of them its items, distinct and ascending.
    relevant: Vec<Vec<u32>>,
    /// By item.
    is_candidate: Vec<bool>,
}

impl Examination {
    /// The interactions at `rows`, where `known` users and items are known.
    pub fn new(stream: &Stream, rows: impl Iterator<Item = usize>, known: Counts) -> Self {
        let mut is_candidate = vec![false; known.items as usize];
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        for (user, item) in rows.map(|row| (stream.users[row], stream.items[row])) {
            if let Some(candidate) = is_candidate.get_mut(item as usize) {
                *candidate = true;
            }
            if user < known.users {
                pairs.push((user, item));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        let (mut users, mut relevant) = (Vec::new(), Vec::new());
        for pairs in pairs.chunk_by(|one, two| one.0 == two.0) {
            users.extend(pairs.first().map(|pair| pair.0));
            let known = pairs.iter().map(|pair| pair.1).filter(|&item| item < known.items);
            relevant.push(known.collect());
        }
        Self { users, relevant, is_candidate }
    }

    /// Ranks the candidates for every user.
    ///
    /// `retrieve(users, lists, excluded)` is that of [`evaluate`](crate::experiment::evaluate::evaluate);
    /// `learned(user, item)` tells which pairs were learned. Results are summed in the order of user ids.
    pub fn measure(
        &self,
        retrieve: impl Fn(&[u32], &mut [Scored], &Excluded<'_>) + Sync,
        learned: impl Fn(u32, u32) -> bool + Sync,
    ) -> Evaluation {
        let results: Vec<Quality> = self
            .users
            .par_chunks(USERS_AT_A_TIME)
            .zip(self.relevant.par_chunks(USERS_AT_A_TIME))
            .flat_map_iter(|(users, relevant)| {
                let mut lists = vec![Scored::NONE; users.len() * LIST];
                retrieve(users, &mut lists, &|n, item| {
                    !self.is_candidate[item as usize] || learned(users[n], item)
                });
                let judged = lists.chunks_exact(LIST).zip(relevant);
                judged.map(|(list, relevant)| judge_list(list, relevant)).collect::<Vec<_>>()
            })
            .collect();
        Evaluation::of(&results)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::testing::{by_number, stream};

    #[test]
    fn users_who_are_known_are_ranked_the_known_items_of_the_part_that_they_did_not_learn() {
        // Learned: rows 0 to 5, with 3 users and 5 items. To predict: the others.
        let pairs = [(0, 0), (0, 1), (1, 2), (1, 3), (2, 0), (2, 4)];
        let rest = [
            (0, 3), // known
            (0, 2), // known
            (1, 0), // known
            (1, 5), // the item is new
            (2, 6), // the item is new, and there is nothing else
            (3, 3), // the user is new, but the item becomes a candidate by (0, 3) anyway
            (3, 4), // a candidate by this user alone
        ];
        let stream = stream(&[&pairs[..], &rest].concat());
        let known = Counts { users: 3, items: 5 };
        let examination = Examination::new(&stream, 6..13, known);
        assert_eq!(examination.users, [0, 1, 2]);
        assert_eq!(examination.relevant, [vec![2, 3], vec![0], vec![]]);
        assert_eq!(examination.is_candidate, [true, false, true, true, true]);

        let learned = |user, item| pairs.contains(&(user, item));
        let found = examination.measure(by_number(5), learned);
        assert_eq!(found.tested_users, 3);
        // Lists: user 0 gets 4, 3, 2; user 1 gets 4, 0; user 2 gets 3, 2 and finds nothing.
        let weight = |place: u32| 1.0 / scall_core::math::log2_f64(f64::from(place) + 1.0);
        let of_first = (weight(2) + weight(3)) / (weight(1) + weight(2));
        assert!((found.quality.ndcg - (of_first + weight(2)) / 3.0).abs() < 1e-12, "{found:?}");
        assert!((found.quality.recall - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(found.quality.recall_at_5, found.quality.recall);
    }

    #[test]
    fn short_lists_are_cut_at_5_and_10() {
        // One user, 30 candidates; 29, 24, 18 and 5 are its own: places 1, 6, 12 and 25.
        let mut pairs: Vec<(u32, u32)> = (0..30).map(|item| (0, item)).collect();
        pairs.extend((0..30).map(|item| (1, item)));
        pairs.extend([(0, 29), (0, 24), (0, 18), (0, 5)]);
        let stream = stream(&pairs);
        let known = Counts { users: 1, items: 30 };
        // User 1 is unknown, but makes every item a candidate.
        let found = Examination::new(&stream, 30..64, known).measure(by_number(30), |_, _| false);
        assert_eq!(found.tested_users, 1);
        let quality = found.quality;
        assert_eq!([quality.recall_at_5, quality.recall_at_10, quality.recall], [0.25, 0.5, 0.75]);
        assert!(quality.ndcg_at_5 < quality.ndcg_at_10 && quality.ndcg_at_10 < quality.ndcg);
    }

    #[test]
    fn nobody_to_ask_is_measured_as_nothing() {
        let stream = stream(&[(0, 0), (1, 1)]);
        let none = Examination::new(&stream, 1..2, Counts { users: 1, items: 1 });
        assert_eq!(none.measure(by_number(1), |_, _| false), Evaluation::default());
    }
}
