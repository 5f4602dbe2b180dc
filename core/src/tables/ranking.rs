//! Ranks by classes of equal counts: where a class begins follows from how many entities each has.

use super::{Count, LogCount, Word};
use crate::sizes::{SizesError, sum_up, take_apart};

/// Classes: the codes of a logarithmic count.
const CLASSES: usize = 256;

/// How many entities each class has.
fn histogram(counts: &[LogCount]) -> [u32; CLASSES] {
    let mut entities = [0; CLASSES];
    for count in counts {
        if let Some(entities) = entities.get_mut(usize::from(count.code())) {
            *entities += 1;
        }
    }
    entities
}

/// The counts and how many entities have each, falling.
pub(super) fn classes(counts: &[LogCount]) -> impl Iterator<Item = (f32, u32)> + use<> {
    let classes = histogram(counts).into_iter().enumerate().rev();
    classes.map(|(code, entities)| (LogCount::of_code(code as u8).value(), entities))
}

/// Writes the size of each entity to its word: `sizes` says how many ranks have which.
pub(super) fn deal(counts: &[LogCount], words: &mut [u16], sizes: &mut [u32]) -> Result<(), SizesError> {
    // The next rank of each class.
    let mut next = histogram(counts);
    let mut start = 0;
    for entities in next.iter_mut().rev() {
        start += core::mem::replace(entities, start);
    }
    sum_up(sizes, words.len())?;
    for (id, word) in words.iter_mut().enumerate().rev() {
        let class = counts.get(id).map_or(0, |count| count.code());
        let Some(rank) = next.get_mut(usize::from(class)) else { continue };
        let size = sizes.partition_point(|&ranks| ranks > *rank).saturating_sub(1);
        *word = u16::of_size(size as u32);
        *rank += 1;
    }
    take_apart(sizes);
    Ok(())
}
