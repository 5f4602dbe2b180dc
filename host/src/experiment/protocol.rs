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
    /// Users and items seen up to the end of the train part: those the sizes are decided for.
    pub known: Counts,
    /// Where the test part of the segment before begins: what is not yet among the known before `new`.
    tested_before: usize,
    /// Those among them that were not known when the segment before was sized.
    pub new: Counts,
}

impl Segment {
    /// The users and items known at a position of the train part.
    pub fn known_at(&self, stream: &Stream, position: usize) -> Counts {
        let before =
            Counts { users: self.known.users - self.new.users, items: self.known.items - self.new.items };
        seen(stream, self.tested_before..position, before)
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
    let (mut before, mut tested) = (Counts::default(), 0);
    let mut cut = Vec::with_capacity(segments);
    for index in 0..segments {
        let (start, end) = (boundary(index), boundary(index + 1));
        let middle = start + (end - start) * 4 / 5;
        let (tested_before, known) = (tested, seen(stream, tested..middle, before));
        let new = Counts { users: known.users - before.users, items: known.items - before.items };
        (before, tested) = (known, middle);
        cut.push(Segment { index, train: start..middle, test: middle..end, known, tested_before, new });
    }
    Ok(cut)
}

/// The counts after `range`, when `before` were seen ahead of it.
fn seen(stream: &Stream, range: Range<usize>, before: Counts) -> Counts {
    let above = |ids: &[u32], count: u32| ids.iter().fold(count, |count, &id| count.max(id + 1));
    Counts {
        users: above(&stream.users[range.clone()], before.users),
        items: above(&stream.items[range], before.items),
    }
}
