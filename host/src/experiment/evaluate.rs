//! Predicting a segment's test part: full ranking of the known items.

use rayon::prelude::*;

use super::history::History;
use super::metrics;
use super::protocol::Segment;
use crate::stream::Stream;

/// The length of the ranked lists.
pub const LIST: usize = 20;

/// How many users are scored at a time: their scores take `USERS_AT_A_TIME * items` numbers a thread.
const USERS_AT_A_TIME: usize = 32;

/// Quality over the test part of one segment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Mean Recall@20 of the tested users.
    pub recall: f64,
    /// Mean NDCG@20 of the tested users.
    pub ndcg: f64,
    /// Users with something to find: a test interaction in a known item that is new to them.
    pub tested_users: u32,
}

/// What one user ought to be recommended.
struct Case {
    user: u32,
    /// Distinct, ascending.
    relevant: Vec<u32>,
}

/// Ranks, for every user with a test interaction in a known item that is new to them, all known items
/// they have not interacted with.
///
/// `score(users, scores)` writes `[users x known items]` scores, row by row. Equal scores rank the smaller
/// item first. Results are summed in the order of user ids, whatever the number of threads.
pub fn evaluate(
    stream: &Stream,
    history: &History,
    segment: &Segment,
    score: impl Fn(&[u32], &mut [f32]) + Sync,
) -> Evaluation {
    let items = segment.known.items as usize;
    let cases = cases(stream, history, segment);
    let results: Vec<(f64, f64)> = cases
        .par_chunks(USERS_AT_A_TIME)
        .map_init(
            || vec![0.0_f32; USERS_AT_A_TIME * items],
            |scores, cases| {
                let users: Vec<u32> = cases.iter().map(|case| case.user).collect();
                let scores = &mut scores[..users.len() * items];
                score(&users, scores);
                let rows = scores.chunks_exact_mut(items.max(1));
                cases.iter().zip(rows).map(|(case, row)| judge(stream, history, segment, case, row)).collect()
            },
        )
        .collect::<Vec<Vec<_>>>()
        .concat();
    let tested = results.len().max(1) as f64;
    let (recall, ndcg) = results.iter().fold((0.0, 0.0), |(r, n), result| (r + result.0, n + result.1));
    Evaluation { recall: recall / tested, ndcg: ndcg / tested, tested_users: results.len() as u32 }
}

fn cases(stream: &Stream, history: &History, segment: &Segment) -> Vec<Case> {
    let mut users: Vec<u32> = stream.users[segment.test.clone()].to_vec();
    users.sort_unstable();
    users.dedup();
    users
        .into_iter()
        .filter_map(|user| {
            let items = |range| history.of(user, range).iter().map(|&position| stream.items[position as usize]);
            let mut relevant: Vec<u32> =
                items(segment.test.clone()).filter(|&item| item < segment.known.items).collect();
            relevant.sort_unstable();
            relevant.dedup();
            if !relevant.is_empty() {
                let mut known: Vec<u32> = items(0..segment.test.start).collect();
                known.sort_unstable();
                relevant.retain(|item| known.binary_search(item).is_err());
            }
            (!relevant.is_empty()).then_some(Case { user, relevant })
        })
        .collect()
}

/// Recall and NDCG of one user, from the scores of all known items.
fn judge(
    stream: &Stream,
    history: &History,
    segment: &Segment,
    case: &Case,
    scores: &mut [f32],
) -> (f64, f64) {
    for &position in history.of(case.user, 0..segment.test.start) {
        scores[stream.items[position as usize] as usize] = f32::NEG_INFINITY;
    }
    let best = best(scores);
    let hits: Vec<bool> = best.iter().map(|item| case.relevant.binary_search(item).is_ok()).collect();
    (metrics::recall(&hits, case.relevant.len()), metrics::ndcg(&hits, case.relevant.len(), LIST))
}

/// The items of the highest scores, best first; smaller ids first among equals; `-inf` is left out.
fn best(scores: &[f32]) -> Vec<u32> {
    let mut list: Vec<(f32, u32)> = Vec::with_capacity(LIST + 1);
    let mut threshold = f32::NEG_INFINITY;
    for (item, &score) in scores.iter().enumerate() {
        // Items come in ascending order, so an equal score never displaces an earlier one.
        if score > threshold {
            let place = list.partition_point(|&(held, _)| held >= score);
            list.insert(place, (score, item as u32));
            if list.len() > LIST {
                list.pop();
            }
            if list.len() == LIST {
                threshold = list[LIST - 1].0;
            }
        }
    }
    list.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_is_the_head_of_a_full_sort_with_ties_to_the_smaller_item() {
        let mut generator = scall_core::random::Generator::new(1);
        for round in 0..200_u32 {
            let scores: Vec<f32> = (0..round)
                .map(|_| match generator.below(12) {
                    0 => f32::NEG_INFINITY,
                    n => n as f32 / 4.0,
                })
                .collect();
            let mut expected: Vec<u32> =
                (0..round).filter(|&item| scores[item as usize] > f32::NEG_INFINITY).collect();
            expected.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]).then(a.cmp(&b)));
            expected.truncate(LIST);
            assert_eq!(best(&scores), expected);
        }
    }
}
