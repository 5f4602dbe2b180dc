//! Segments by the growth of the stream, and what each replays.

use scall_core::random::Generator;

use crate::experiment::protocol::{self, Counts, ProtocolError, Segment};
use crate::experiment::runner::purpose;
use crate::stream::Stream;

/// Part of a segment's own interactions that is replayed with them (published: 0.2).
pub const REPLAY: f64 = 0.2;

/// Part of a segment, its replay included, that is learned before the test.
const TRAIN: f64 = 0.8;

/// A segment, and the earlier interactions that are learned with its train part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrowthSegment {
    /// Its own interactions. `known` are the users and items that have rows in it.
    pub segment: Segment,
    /// Positions in the stream, some more than once, all of them before the segment.
    pub replay: Vec<u32>,
}

impl GrowthSegment {
    /// Positions of what is learned: the replay, then the segment's train part.
    pub fn learned(&self) -> impl Iterator<Item = usize> + '_ {
        self.replay.iter().map(|&position| position as usize).chain(self.segment.train.clone())
    }
}

/// Cuts `stream` before the interaction that makes more than `new_entities` new users and items since the
/// last cut, and replays a fifth (Qu et al., CIKM 2024). That interaction opens the next segment, and its
/// user and item do not count there as new. What is left at the end is a segment too.
///
/// # Errors
/// Fewer than two segments.
pub fn growth_segments(
    stream: &Stream,
    new_entities: u32,
    seed: u64,
) -> Result<Vec<GrowthSegment>, ProtocolError> {
    let starts = starts(stream, new_entities);
    if starts.len() < 2 {
        let entities = stream.entities();
        return Err(ProtocolError::TooLittleGrowth {
            entities: (entities.user + entities.item) as u64,
            asked: new_entities,
        });
    }
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let mut segments: Vec<GrowthSegment> = Vec::with_capacity(starts.len());
    // All earlier segments, each with what it replayed.
    let mut earlier: Vec<u32> = Vec::new();
    let mut before = Counts::default();
    for (index, (&start, end)) in starts.iter().zip(ends).enumerate() {
        let mut generator = Generator::stream(seed, purpose::REPLAY + index as u64);
        let capacity = ((end - start) as f64 * REPLAY) as usize;
        let replay = reservoir(of_users_in(stream, start..end, &earlier), capacity, &mut generator);
        // Halves go to the even number.
        let learned = ((replay.len() + end - start) as f64 * TRAIN).round_ties_even() as usize;
        let middle = start + learned - replay.len();
        let known = protocol::seen(stream, start..middle, before);
        let seen = protocol::seen(stream, middle..end, known);
        earlier.extend(&replay);
        earlier.extend(start as u32..end as u32);
        let segment = Segment { index, train: start..middle, test: middle..end, before, known, seen };
        segments.push(GrowthSegment { segment, replay });
        before = seen;
    }
    Ok(segments)
}

/// Where the segments begin.
fn starts(stream: &Stream, new_entities: u32) -> Vec<usize> {
    let (mut known, mut at_cut) = (Counts::default(), 0);
    let mut starts = vec![0];
    for position in 0..stream.len() {
        known = protocol::seen(stream, position..position + 1, known);
        if known.entities() - at_cut > u64::from(new_entities) {
            starts.push(position);
            at_cut = known.entities();
        }
    }
    starts
}

/// Those of `earlier` whose users are in `range`, in their order.
fn of_users_in(stream: &Stream, range: std::ops::Range<usize>, earlier: &[u32]) -> Vec<u32> {
    let mut present = vec![false; stream.entities().user];
    for &user in &stream.users[range] {
        present[user as usize] = true;
    }
    earlier.iter().copied().filter(|&row| present[stream.users[row as usize] as usize]).collect()
}

/// At most `capacity` of `rows`: a tenth more are drawn evenly and put in the order of the stream; each that
/// finds no free place replaces a held one by chance.
fn reservoir(mut rows: Vec<u32>, capacity: usize, generator: &mut Generator) -> Vec<u32> {
    if rows.len() > capacity {
        let drawn = ((capacity as f64 * 1.1) as usize).min(rows.len());
        for place in 0..drawn {
            let other = place + generator.below((rows.len() - place) as u32) as usize;
            rows.swap(place, other);
        }
        rows.truncate(drawn);
        rows.sort_unstable();
    }
    let surplus = rows.split_off(capacity.min(rows.len()));
    for (turn, row) in (capacity..).zip(surplus) {
        // One place more than Vitter's algorithm R has, as published.
        let place = generator.below(turn as u32 + 2) as usize;
        if let Some(held) = rows.get_mut(place) {
            *held = row;
        }
    }
    rows
}

#[cfg(test)]
mod tests;
