//! Predicting a segment's test part: full ranking of the known items.

use rayon::prelude::*;
use scall_core::recommender::Scored;

use super::history::History;
use super::metrics::{self, LIST};
use super::protocol::Segment;
use crate::report::Quality;
use crate::stream::Stream;

/// How many users are ranked at a time.
pub(super) const USERS_AT_A_TIME: usize = 64;

/// Whether the `n`-th of some users is not to get an item.
pub type Excluded<'e> = dyn Fn(usize, u32) -> bool + 'e;

/// Quality over the test part of one segment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Means over the tested users.
    pub quality: Quality,
    /// Users with something to find: a test interaction in a known item that is new to them.
    pub tested_users: u32,
}

impl Evaluation {
    /// The mean of one result a user, summed in their order.
    pub(super) fn of(results: &[Quality]) -> Self {
        let sum = results.iter().fold(Quality::default(), |sum, &result| sum + result);
        Self { quality: sum / results.len().max(1) as f64, tested_users: results.len() as u32 }
    }
}

/// What one user ought to be recommended.
struct Case {
    user: u32,
    /// Distinct, ascending.
    relevant: Vec<u32>,
    /// The user's items before the test part, ascending.
    known: Vec<u32>,
}

/// Ranks, for every user with a test interaction in a known item that is new to them, all known items
/// they have not interacted with.
///
/// `retrieve(users, lists, excluded)` fills `[users x LIST]` lists, best first, leaving out items of which
/// `excluded(n, item)` says that the `n`-th of the users is not to get them. Equal scores rank the smaller
/// item first. Results are summed in the order of user ids, whatever the number of threads.
pub fn evaluate(
    stream: &Stream,
    history: &History,
    segment: &Segment,
    retrieve: impl Fn(&[u32], &mut [Scored], &Excluded<'_>) + Sync,
) -> Evaluation {
    let cases = cases(stream, history, segment);
    let results: Vec<Quality> = cases
        .par_chunks(USERS_AT_A_TIME)
        .flat_map_iter(|cases| {
            let users: Vec<u32> = cases.iter().map(|case| case.user).collect();
            let mut lists = vec![Scored::NONE; users.len() * LIST];
            retrieve(&users, &mut lists, &|n, item| cases[n].known.binary_search(&item).is_ok());
            cases.iter().zip(lists.chunks_exact(LIST)).map(judge).collect::<Vec<_>>()
        })
        .collect();
    Evaluation::of(&results)
}

fn cases(stream: &Stream, history: &History, segment: &Segment) -> Vec<Case> {
    let mut users: Vec<u32> = stream.users[segment.test.clone()].to_vec();
    users.sort_unstable();
    users.dedup();
    users
        .into_iter()
        .filter_map(|user| {
            let items =
                |range| history.of(user, range).iter().map(|&position| stream.items[position as usize]);
            let mut relevant: Vec<u32> =
                items(segment.test.clone()).filter(|&item| item < segment.known.items).collect();
            relevant.sort_unstable();
            relevant.dedup();
            let mut known: Vec<u32> = items(0..segment.test.start).collect();
            known.sort_unstable();
            relevant.retain(|item| known.binary_search(item).is_err());
            (!relevant.is_empty()).then_some(Case { user, relevant, known })
        })
        .collect()
}

fn judge((case, list): (&Case, &[Scored])) -> Quality {
    judge_list(list, &case.relevant)
}

/// The metrics of a list of which these items, ascending, are the relevant ones.
pub(super) fn judge_list(list: &[Scored], relevant: &[u32]) -> Quality {
    let hits: Vec<bool> = list
        .iter()
        .take_while(|scored| scored.item != Scored::NONE.item)
        .map(|scored| relevant.binary_search(&scored.item).is_ok())
        .collect();
    metrics::quality(&hits, relevant.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::protocol::equal_segments;
    use crate::experiment::testing::{by_number, stream};

    #[test]
    fn every_user_with_a_known_new_item_is_tested_and_history_is_left_out() {
        // Train 0..8, test 8..10 of one segment in two; the second repeats ids and adds nothing.
        let pairs = [
            (0, 0),
            (0, 1),
            (1, 0),
            (1, 2),
            (2, 1),
            (2, 2),
            (0, 3),
            (1, 3), // train
            (2, 3),
            (3, 0), // test: a known user and an unknown one, both known items
            (0, 2),
            (1, 1),
            (2, 0),
            (3, 1),
            (3, 2),
            (3, 3),
            (0, 4),
            (1, 4), // train
            (2, 4),
            (0, 2), // test: a known new item, and one that the user has had
        ];
        let stream = stream(&pairs);
        let history = History::new(&stream);
        let segments = equal_segments(&stream, 2).unwrap();
        let first = evaluate(&stream, &history, &segments[0], by_number(4));
        // User 2 has had 1 and 2: the list is 3, 0. User 3 has had nothing: 3, 2, 1, 0.
        assert_eq!(first.tested_users, 2);
        assert_eq!(first.quality.recall, 1.0);
        let expected = f64::midpoint(1.0, 1.0 / scall_core::math::log2_f64(5.0));
        assert!((first.quality.ndcg - expected).abs() < 1e-12, "{first:?}");
        let second = evaluate(&stream, &history, &segments[1], by_number(5));
        assert_eq!((second.tested_users, second.quality.recall, second.quality.ndcg), (1, 1.0, 1.0));
    }

    #[test]
    fn items_that_nobody_has_seen_are_no_test() {
        let pairs = [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (0, 3), (1, 2), (1, 3), (0, 4), (1, 5)];
        let stream = stream(&pairs);
        let segments = equal_segments(&stream, 2).unwrap();
        let found = evaluate(&stream, &History::new(&stream), &segments[0], by_number(2));
        assert_eq!(found, Evaluation::default());
    }
}
