//! Who has interacted with what, and when.

use std::ops::Range;

use crate::stream::Stream;

/// The stream's interactions by user, in time order.
#[derive(Debug)]
pub struct History {
    starts: Vec<u32>,
    positions: Vec<u32>,
}

impl History {
    /// Sorts the interactions of `stream` by user. O(users + interactions), 4 bytes each.
    pub fn new(stream: &Stream) -> Self {
        let users = stream.users.iter().max().map_or(0, |&last| last as usize + 1);
        let mut starts = vec![0_u32; users + 1];
        for &user in &stream.users {
            starts[user as usize + 1] += 1;
        }
        for user in 0..users {
            starts[user + 1] += starts[user];
        }
        let mut next = starts.clone();
        let mut positions = vec![0_u32; stream.len()];
        for (position, &user) in stream.users.iter().enumerate() {
            positions[next[user as usize] as usize] = position as u32;
            next[user as usize] += 1;
        }
        Self { starts, positions }
    }

    /// The positions of `user`'s interactions within `range` of the stream, ascending.
    pub fn of(&self, user: u32, range: Range<usize>) -> &[u32] {
        let user = user as usize;
        let all = &self.positions[self.starts[user] as usize..self.starts[user + 1] as usize];
        let below = |end: usize| all.partition_point(|&position| (position as usize) < end);
        &all[below(range.start)..below(range.end)]
    }

    /// Whether `user` had `item` before position `end`. O(interactions of the user).
    pub fn has(&self, stream: &Stream, user: u32, item: u32, end: usize) -> bool {
        self.items_of(stream, user, end).any(|had| had == item)
    }

    /// The items that `user` had before position `end`, one an interaction.
    pub fn items_of(&self, stream: &Stream, user: u32, end: usize) -> impl Iterator<Item = u32> {
        self.of(user, 0..end).iter().map(|&position| stream.items[position as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::testing::stream;

    #[test]
    fn a_users_interactions_are_found_by_position() {
        let stream = stream(&[(0, 0), (1, 0), (0, 1), (2, 2), (0, 2)]);
        let history = History::new(&stream);
        assert_eq!(history.of(0, 0..5), [0, 2, 4]);
        assert_eq!(history.of(0, 1..4), [2]);
        assert_eq!(history.of(1, 2..5), [0_u32; 0]);
        assert!(history.has(&stream, 0, 1, 3));
        assert!(!history.has(&stream, 0, 2, 4));
        assert!(history.items_of(&stream, 0, 4).eq([0, 1]));
    }
}
