//! How a stream is cut: segments of equal interaction counts, each with a train and a test part.

use std::ops::Range;

use thiserror::Error;

use crate::stream::Stream;

/// One segment of the stream.
///
/// Ids are given in order of arrival, so "known" is always "below a count".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Position among the segments, from 0.
    pub index: usize,
    /// The interactions that are learned before the test, by position in the stream.
    pub train: Range<usize>,
    /// The interactions that are predicted first and learned afterwards.
    pub test: Range<usize>,
    /// Users and items seen before the segment.
    pub before: Counts,
    /// Users and items seen up to the end of the train part: those the sizes are decided for.
    pub known: Counts,
    /// Users and items seen up to the end of the segment.
    pub seen: Counts,
}

impl Segment {
    /// The users and items known at a position of the train part.
    pub fn known_at(&self, stream: &Stream, position: usize) -> Counts {
        seen(stream, self.train.start..position, self.before)
    }

    /// The same segment with the end of its train part, from `cut` on, as its test part; `known` are known
    /// there.
    #[must_use]
    pub fn validated_from(&self, cut: usize, known: Counts) -> Self {
        Self { train: self.train.start..cut, test: cut..self.train.end, known, ..self.clone() }
    }
}

/// A number of users and one of items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Users.
    pub users: u32,
    /// Items.
    pub items: u32,
}

impl Counts {
    /// Users and items together.
    pub const fn entities(self) -> u64 {
        self.users as u64 + self.items as u64
    }
}

/// Why a stream cannot be cut as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProtocolError {
    /// No segment at all, or only the one that warms the model up.
    #[error("--segments must be at least 2 (the first only warms the model up), not {asked}")]
    TooFewSegments {
        /// The number of segments asked for.
        asked: usize,
    },
    /// A segment would have no train or no test part.
    #[error(
        "{interactions} interactions are left after the filters: too few for {segments} segments of at least \
         2 each; ask for fewer with --segments or keep more with --k-core"
    )]
    TooFewInteractions {
        /// The interactions in the prepared stream.
        interactions: usize,
        /// The number of segments asked for.
        segments: usize,
    },
    /// Too few users and items to cut by their growth.
    #[error(
        "{entities} users and items are left after the filters, all of which fit into the first segment; lower \
         --new-entities {asked}, or keep more with --k-core"
    )]
    TooLittleGrowth {
        /// Users and items in the prepared stream.
        entities: u64,
        /// The new ones that a segment may have.
        asked: u32,
    },
}

/// Cuts `stream` into `segments` equal counts; the first four fifths of each are its train part.
pub fn equal_segments(stream: &Stream, segments: usize) -> Result<Vec<Segment>, ProtocolError> {
    let interactions = stream.len();
    if segments < 2 {
        return Err(ProtocolError::TooFewSegments { asked: segments });
    }
    if interactions / segments < 2 {
        return Err(ProtocolError::TooFewInteractions { interactions, segments });
    }
    let boundary = |index: usize| (index as u128 * interactions as u128 / segments as u128) as usize;
    let mut before = Counts::default();
    let mut cut = Vec::with_capacity(segments);
    for index in 0..segments {
        let (start, end) = (boundary(index), boundary(index + 1));
        let middle = start + (end - start) * 4 / 5;
        let known = seen(stream, start..middle, before);
        let seen = seen(stream, middle..end, known);
        cut.push(Segment { index, train: start..middle, test: middle..end, before, known, seen });
        before = seen;
    }
    Ok(cut)
}

/// The counts after `range`, when `before` were seen ahead of it.
pub(super) fn seen(stream: &Stream, range: Range<usize>, before: Counts) -> Counts {
    let above = |ids: &[u32], count: u32| ids.iter().fold(count, |count, &id| count.max(id + 1));
    Counts {
        users: above(&stream.users[range.clone()], before.users),
        items: above(&stream.items[range], before.items),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::testing::stream;

    #[test]
    fn segments_cover_the_stream_in_equal_counts() {
        let pairs: Vec<(u32, u32)> = (0..103).map(|n| (n % 7, n % 11)).collect();
        let cut = equal_segments(&stream(&pairs), 10).unwrap();
        assert_eq!(cut.len(), 10);
        let mut next = 0;
        for segment in &cut {
            assert_eq!(segment.train.start, next);
            assert_eq!(segment.train.end, segment.test.start);
            let length = segment.test.end - segment.train.start;
            assert!((10..=11).contains(&length));
            assert_eq!(segment.train.len(), length * 4 / 5);
            next = segment.test.end;
        }
        assert_eq!(next, 103);
    }

    #[test]
    fn entities_are_known_from_the_train_part_on_and_seen_from_the_segment_on() {
        // Ten interactions in two segments: train 0..4, test 4..5, train 5..9, test 9..10.
        let pairs = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 2), (0, 2), (1, 2), (0, 3), (1, 3), (3, 4)];
        let stream = stream(&pairs);
        let cut = equal_segments(&stream, 2).unwrap();
        assert_eq!(cut[0].before, Counts::default());
        assert_eq!(cut[0].known, Counts { users: 2, items: 2 });
        assert_eq!(cut[0].seen, Counts { users: 3, items: 3 });
        assert_eq!(cut[1].before, cut[0].seen);
        assert_eq!(cut[1].known, Counts { users: 3, items: 4 });
        assert_eq!(cut[1].seen, Counts { users: 4, items: 5 });
        assert_eq!(cut[1].known_at(&stream, 6), Counts { users: 3, items: 3 });
    }

    #[test]
    fn too_few_interactions_or_segments_are_told() {
        let pairs = [(0, 0), (1, 1), (2, 2)];
        assert_eq!(
            equal_segments(&stream(&pairs), 2),
            Err(ProtocolError::TooFewInteractions { interactions: 3, segments: 2 })
        );
        assert_eq!(equal_segments(&stream(&pairs), 1), Err(ProtocolError::TooFewSegments { asked: 1 }));
    }
}
