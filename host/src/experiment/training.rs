//! Learning the parts of a segment.

use std::ops::Range;

use scall_core::random::Generator;

use super::model::Model;
use crate::stream::Stream;

/// A user and an item.
pub type Pair = (u32, u32);

/// `count` interactions drawn evenly, with replacement, from everything before `end`.
pub fn replay(stream: &Stream, end: usize, count: usize, generator: &mut Generator) -> Vec<Pair> {
    if end == 0 {
        return Vec::new();
    }
    (0..count)
        .map(|_| {
            let position = generator.below(end as u32) as usize;
            (stream.users[position], stream.items[position])
        })
        .collect()
}

/// The interactions of a part of the stream.
pub fn pairs(stream: &Stream, range: Range<usize>) -> Vec<Pair> {
    range.map(|position| (stream.users[position], stream.items[position])).collect()
}

/// Learns from every pair once a pass, in a fresh random order each time.
pub fn learn(recommender: &mut dyn Model, pairs: &mut [Pair], passes: u32, generator: &mut Generator) {
    for _ in 0..passes {
        shuffle(pairs, generator);
        recommender.learn(pairs);
    }
}

/// Puts the pairs in random order.
pub fn shuffle<T>(pairs: &mut [T], generator: &mut Generator) {
    for last in (1..pairs.len()).rev() {
        pairs.swap(last, generator.below(last as u32 + 1) as usize);
    }
}
