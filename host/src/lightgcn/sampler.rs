//! Drawing batches.

use scall_core::random::Generator;
use scall_core::side::Side;

use super::batch::{Batch, Triple};
use super::graph::Graph;

/// Random tries for a negative before the search becomes orderly.
const TRIES: u32 = 16;

/// Which items a user can be said to like less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Candidates {
    /// All that are known.
    Known,
    /// Those of the part that is learned (published).
    Current,
}

/// Draws batches for a part of the stream.
///
/// A user is drawn evenly from those of the part; then one of the user's items that are new to it in the
/// part, or any of its items if none is; then an item that the user never had.
#[derive(Clone, Debug)]
pub struct Sampler {
    users: Vec<User>,
    positives: Vec<u32>,
    negatives: Vec<u32>,
}

/// A user's place in the graph, and where its positives stand.
#[derive(Clone, Copy, Debug)]
struct User {
    place: u32,
    start: u32,
    end: u32,
}

impl Sampler {
    /// For the interactions `current`, by id, all of which are in the graph; `had(user, item)` tells of
    /// earlier ones. O(interactions log interactions).
    ///
    /// A user who had every candidate has nothing to learn and is never drawn.
    pub fn new(
        graph: &Graph,
        current: impl Iterator<Item = (u32, u32)>,
        had: impl Fn(u32, u32) -> bool,
        candidates: Candidates,
    ) -> Self {
        let (users, items) = (graph.side(Side::User), graph.side(Side::Item));
        let mut pairs: Vec<(u32, u32)> = current.collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut negatives: Vec<u32> = match candidates {
            Candidates::Known => (0..items.len() as u32).collect(),
            Candidates::Current => pairs.iter().map(|&(_, item)| items.places()[item as usize]).collect(),
        };
        negatives.sort_unstable();
        negatives.dedup();
        let mut sampler = Self { users: Vec::new(), positives: Vec::new(), negatives };
        for pairs in pairs.chunk_by(|one, two| one.0 == two.0) {
            let user = pairs[0].0;
            let place = users.places()[user as usize];
            let known = users.neighbours(place);
            if known.len() >= sampler.negatives.len()
                && sampler.negatives.iter().all(|&item| graph.has(place, item))
            {
                continue;
            }
            let start = sampler.positives.len();
            let new = pairs.iter().filter(|&&(user, item)| !had(user, item));
            sampler.positives.extend(new.map(|&(_, item)| items.places()[item as usize]));
            if sampler.positives.len() == start {
                sampler.positives.extend(known);
            }
            let end = sampler.positives.len();
            sampler.users.push(User { place, start: start as u32, end: end as u32 });
        }
        sampler
    }

    /// Whether there is nothing to draw.
    pub const fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Fills `batch` with `count` triples, or none if there is nothing to draw. O(count log neighbours).
    pub fn draw(&self, graph: &Graph, count: usize, generator: &mut Generator, batch: &mut Batch) {
        let triples = batch.triples_mut();
        triples.clear();
        if self.is_empty() {
            return;
        }
        triples.extend((0..count).map(|_| {
            let user = self.users[generator.below(self.users.len() as u32) as usize];
            let positive = user.start + generator.below(user.end - user.start);
            let negative = self.negative(graph, user.place, generator);
            Triple { user: user.place, positive: self.positives[positive as usize], negative }
        }));
    }

    fn negative(&self, graph: &Graph, user: u32, generator: &mut Generator) -> u32 {
        let count = self.negatives.len() as u32;
        for _ in 0..TRIES {
            let item = self.negatives[generator.below(count) as usize];
            if !graph.has(user, item) {
                return item;
            }
        }
        let (before, after) = self.negatives.split_at(generator.below(count) as usize);
        let mut others = after.iter().chain(before).copied();
        others.find(|&item| !graph.has(user, item)).unwrap_or_default()
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> u64 {
        let words = 3 * self.users.len() + self.positives.len() + self.negatives.len();
        (words * size_of::<u32>()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scall_core::side::PerSide;

    /// User 0 had items 0 and 1 before and comes to 2 and 1 now; user 1 comes back to 0; user 2 has all.
    const EARLIER: [(u32, u32); 6] = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 3)];
    const CURRENT: [(u32, u32); 5] = [(0, 2), (0, 1), (1, 0), (2, 1), (2, 2)];

    /// What is drawn, by id.
    fn draws(candidates: Candidates) -> Vec<(u32, u32, u32)> {
        let all = || EARLIER.into_iter().chain(CURRENT);
        // Places that differ from ids.
        let graph = Graph::new(&PerSide::new(vec![1, 2, 3], vec![1, 2, 3, 4]), all);
        let had = |user, item| EARLIER.contains(&(user, item));
        let sampler = Sampler::new(&graph, CURRENT.into_iter(), had, candidates);
        let mut batch = Batch::default();
        sampler.draw(&graph, 6_000, &mut Generator::new(3), &mut batch);
        let (users, items) = (graph.side(Side::User).ids(), graph.side(Side::Item).ids());
        let by_id = |triple: &Triple| {
            let Triple { user, positive, negative } = *triple;
            (users[user as usize], items[positive as usize], items[negative as usize])
        };
        batch.triples().iter().map(by_id).collect()
    }

    fn count(draws: &[(u32, u32, u32)], wanted: (u32, u32, u32)) -> usize {
        draws.iter().filter(|&&found| found == wanted).count()
    }

    #[test]
    fn new_items_first_then_any_and_never_one_that_the_user_had() {
        let draws = draws(Candidates::Known);
        assert_eq!(draws.len(), 6_000);
        // User 0 has one new item, and 3 is all that it had not; user 1 has nothing new, so any of its two.
        let near = |count: usize, expected: usize| count.abs_diff(expected) < 150;
        assert!(near(count(&draws, (0, 2, 3)), 3_000));
        for positive in [0, 1] {
            for negative in [2, 3] {
                assert!(near(count(&draws, (1, positive, negative)), 750));
            }
        }
        // User 2 had everything.
        assert!(draws.iter().all(|&(user, _, _)| user != 2));
    }

    #[test]
    fn current_candidates_are_items_of_the_part_alone() {
        let draws = draws(Candidates::Current);
        // Of the items 0, 1 and 2 user 0 had all.
        assert!(draws.iter().all(|&(user, _, negative)| user == 1 && negative == 2), "{draws:?}");
    }

    #[test]
    fn who_knows_nearly_all_still_gets_what_is_left() {
        let pairs = || (0..400).map(|item| (0, item)).filter(|&(_, item)| item != 77);
        let graph = Graph::new(&PerSide::new(vec![1], vec![1; 400]), pairs);
        let sampler = Sampler::new(&graph, pairs(), |_, _| false, Candidates::Known);
        let mut batch = Batch::default();
        sampler.draw(&graph, 50, &mut Generator::new(3), &mut batch);
        let left = graph.side(Side::Item).places()[77];
        assert!(batch.triples().iter().all(|triple| triple.negative == left));
        assert_eq!(batch.triples().len(), 50);
    }

    #[test]
    fn nothing_to_draw_gives_an_empty_batch() {
        let graph = Graph::new(&PerSide::new(vec![1], vec![1]), std::iter::empty);
        let sampler = Sampler::new(&graph, std::iter::empty(), |_, _| false, Candidates::Known);
        let mut batch = Batch::new(vec![Triple { user: 0, positive: 0, negative: 0 }]);
        sampler.draw(&graph, 50, &mut Generator::new(3), &mut batch);
        assert!(sampler.is_empty() && batch.triples().is_empty());
    }
}
