//! What a segment teaches, and what models are measured on.

use std::ops::Range;

use scall_core::random::Generator;
use scall_core::side::PerSide;

use super::examination::Examination;
use super::segments::GrowthSegment;
use crate::experiment::Selection;
use crate::experiment::protocol::{self, Counts};
use crate::experiment::runner::purpose;
use crate::stream::Stream;

/// Part of a segment's own train part that is held out where models are selected on it.
const HELD_OUT: f64 = 0.1;

/// A segment as models learn it.
#[derive(Debug)]
pub struct Lesson<'l> {
    stream: &'l Stream,
    growth: &'l GrowthSegment,
    /// Positions that are not learned, ascending.
    held_out: Vec<u32>,
    /// Distinct pairs that positives are drawn from, ascending, each with whether it stands in an earlier row
    /// that is not replayed.
    current: Vec<((u32, u32), bool)>,
    /// Items of each user that models may know, ascending; where each user's begin is in `starts`.
    learned: Vec<u32>,
    starts: Vec<u32>,
    /// Interactions of the train part and its replay, by id: what sizes are decided by.
    frequencies: PerSide<Vec<f32>>,
    /// What models are selected by.
    selection: Examination,
    /// The test part.
    test: Examination,
}

impl<'l> Lesson<'l> {
    /// The lesson of a segment. O(interactions up to its end).
    pub fn new(stream: &'l Stream, growth: &'l GrowthSegment, selection: Selection, seed: u64) -> Self {
        let segment = &growth.segment;
        let known = segment.known;
        let mut frequencies = PerSide::new(vec![0.0; known.users as usize], vec![0.0; known.items as usize]);
        for position in growth.learned() {
            frequencies.user[stream.users[position] as usize] += 1.0;
            frequencies.item[stream.items[position] as usize] += 1.0;
        }
        let held_out = match selection {
            Selection::Test => Vec::new(),
            Selection::Validation => {
                let mut generator = Generator::stream(seed, purpose::VALIDATION + segment.index as u64);
                hold_out(stream, segment.train.clone(), segment.before, &mut generator)
            }
        };
        let test = Examination::new(stream, segment.test.clone(), known);
        let selection = match selection {
            Selection::Test => test.clone(),
            Selection::Validation => {
                Examination::new(stream, held_out.iter().map(|&position| position as usize), known)
            }
        };
        let mut lesson = Self {
            stream,
            growth,
            held_out,
            current: Vec::new(),
            learned: Vec::new(),
            starts: Vec::new(),
            frequencies,
            selection,
            test,
        };
        lesson.current = lesson.pairs_to_draw();
        (lesson.starts, lesson.learned) = lesson.items_by_user();
        lesson
    }

    fn items_by_user(&self) -> (Vec<u32>, Vec<u32>) {
        let mut starts = vec![0_u32; self.known().users as usize + 1];
        for (user, _) in self.interactions() {
            starts[user as usize + 1] += 1;
        }
        for user in 1..starts.len() {
            starts[user] += starts[user - 1];
        }
        let (mut next, mut items) =
            (starts.clone(), vec![0_u32; starts.last().copied().unwrap_or(0) as usize]);
        for (user, item) in self.interactions() {
            items[next[user as usize] as usize] = item;
            next[user as usize] += 1;
        }
        for ends in starts.windows(2) {
            items[ends[0] as usize..ends[1] as usize].sort_unstable();
        }
        (starts, items)
    }

    /// Whether models may know that `user` had `item`. O(log items of the user).
    pub fn learned(&self, user: u32, item: u32) -> bool {
        let ends = (self.starts[user as usize] as usize, self.starts[user as usize + 1] as usize);
        self.learned[ends.0..ends.1].binary_search(&item).is_ok()
    }

    fn pairs_to_draw(&self) -> Vec<((u32, u32), bool)> {
        let pair = |position: usize| (self.stream.users[position], self.stream.items[position]);
        let learned = self.growth.learned().filter(|&position| !self.is_held_out(position));
        let mut current: Vec<_> = learned.map(|position| (pair(position), false)).collect();
        current.sort_unstable();
        current.dedup();
        let mut replayed = self.growth.replay.clone();
        replayed.sort_unstable();
        for position in 0..self.growth.segment.train.start {
            if replayed.binary_search(&(position as u32)).is_err()
                && let Ok(place) = current.binary_search_by_key(&pair(position), |&(pair, _)| pair)
            {
                current[place].1 = true;
            }
        }
        current
    }

    fn is_held_out(&self, position: usize) -> bool {
        self.held_out.binary_search(&(position as u32)).is_ok()
    }

    /// The segment.
    pub const fn growth(&self) -> &'l GrowthSegment {
        self.growth
    }

    /// The users and items that have rows.
    pub const fn known(&self) -> Counts {
        self.growth.segment.known
    }

    /// Interactions of the train part and its replay, by id.
    pub const fn frequencies(&self) -> &PerSide<Vec<f32>> {
        &self.frequencies
    }

    /// Everything that models may know, the edges of their graph: all earlier interactions, and those of the
    /// train part that are not held out.
    pub fn interactions(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        (0..self.growth.segment.train.end)
            .filter(|&position| !self.is_held_out(position))
            .map(|position| (self.stream.users[position], self.stream.items[position]))
    }

    /// The distinct pairs of the train part and its replay that are learned, ascending.
    pub fn current(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.current.iter().map(|&(pair, _)| pair)
    }

    /// Whether the user of a [current](Self::current) pair had its item before the segment, replay aside.
    pub fn had(&self, user: u32, item: u32) -> bool {
        let found = self.current.binary_search_by_key(&(user, item), |&(pair, _)| pair);
        found.is_ok_and(|place| self.current[place].1)
    }

    /// What models are selected by.
    pub const fn selection(&self) -> &Examination {
        &self.selection
    }

    /// The test part.
    pub const fn test(&self) -> &Examination {
        &self.test
    }
}

/// Draws a tenth of `train` among the interactions that bring neither a new user nor a new item, so that who
/// is measured and what is ranked has been learned. Ascending.
fn hold_out(stream: &Stream, train: Range<usize>, mut known: Counts, generator: &mut Generator) -> Vec<u32> {
    let wanted = (train.len() as f64 * HELD_OUT) as usize;
    let mut rows: Vec<u32> = Vec::new();
    for position in train {
        let now = protocol::seen(stream, position..position + 1, known);
        if now == known {
            rows.push(position as u32);
        }
        known = now;
    }
    let wanted = wanted.min(rows.len());
    for place in 0..wanted {
        let other = place + generator.below((rows.len() - place) as u32) as usize;
        rows.swap(place, other);
    }
    rows.truncate(wanted);
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::published::growth_segments;
    use crate::experiment::testing::stream;

    fn pairs(count: u32) -> Vec<(u32, u32)> {
        // A new user every 20 rows, a new item every 10, and old ones in between.
        (0..count).map(|n| (n / 20 - (n % 20) % (n / 20 + 1), n / 10 - (n % 7) % (n / 10 + 1))).collect()
    }

    /// `pairs` with names in order of arrival.
    fn grown(count: u32) -> Stream {
        let (mut users, mut items) = (0_u32, 0_u32);
        let pairs: Vec<_> = pairs(count)
            .into_iter()
            .map(|(user, item)| {
                let pair = (user.min(users), item.min(items));
                (users, items) = (users.max(pair.0 + 1), items.max(pair.1 + 1));
                pair
            })
            .collect();
        stream(&pairs)
    }

    #[test]
    fn models_know_the_past_and_the_train_part_without_what_is_held_out() {
        let stream = grown(400);
        let segments = growth_segments(&stream, 20, 3).unwrap();
        assert!(segments.len() > 2);
        for growth in &segments {
            let segment = &growth.segment;
            let whole = Lesson::new(&stream, growth, Selection::Test, 3);
            let all: Vec<_> = stream.pairs().take(segment.train.end).collect();
            assert!(whole.interactions().eq(all.iter().copied()));
            assert!(all.iter().all(|&(user, item)| whole.learned(user, item)));
            let known = whole.known();
            let unknown =
                (0..known.users).map(|user| (user, known.items - 1)).find(|pair| !all.contains(pair));
            assert!(unknown.is_none_or(|(user, item)| !whole.learned(user, item)));
            assert_eq!(whole.selection(), whole.test());

            let lesson = Lesson::new(&stream, growth, Selection::Validation, 3);
            let held_out = lesson.held_out.clone();
            assert!(held_out.len() <= segment.train.len() / 10);
            assert_eq!(lesson.interactions().count() + held_out.len(), all.len());
            for &row in &held_out {
                assert!(segment.train.contains(&(row as usize)));
                // Neither its user nor its item comes first in it.
                let (user, item) = all[row as usize];
                assert!(all[..row as usize].iter().any(|pair| pair.0 == user));
                assert!(all[..row as usize].iter().any(|pair| pair.1 == item));
            }
            // Sizes are decided by all of the train part, replay included.
            let counted: f32 = lesson.frequencies().user.iter().sum();
            assert_eq!(counted as usize, growth.replay.len() + segment.train.len());
            assert_eq!(lesson.frequencies(), whole.frequencies());
        }
    }

    #[test]
    fn what_is_replayed_counts_as_new_and_what_only_comes_again_does_not() {
        // Cut before row 4. User 0 comes again with items 0 and 3; user 1 with nothing old.
        let stream =
            stream(&[(0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (0, 0), (0, 3), (1, 3), (2, 1), (2, 0)]);
        let mut growth = growth_segments(&stream, 5, 1).unwrap().swap_remove(1);
        growth.replay = vec![1];
        let lesson = Lesson::new(&stream, &growth, Selection::Test, 1);
        assert_eq!(growth.segment.train, 4..9);
        assert!(lesson.current().eq([(0, 0), (0, 1), (0, 3), (1, 3), (2, 1), (2, 2)]));
        let had: Vec<_> = lesson.current().map(|(user, item)| lesson.had(user, item)).collect();
        assert_eq!(had, [true, false, false, false, false, false]);
        assert_eq!(lesson.frequencies().user, [3.0, 1.0, 2.0]);
    }
}
