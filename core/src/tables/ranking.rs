//! Ranks by classes of equal counts: where a class begins follows from how many entities each has. And ranks of both
//! kinds of tables in slices.

use super::{Count, LogCount, Word, size_of_rank};
use crate::allowance::Allowance;
use crate::frequency::Sorting;
use crate::sizes::{Dealing, MARK, SizesError, sum_up, take_apart};

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
pub(super) fn deal(counts: &[LogCount], words: &mut [u8], sizes: &mut [u32]) -> Result<(), SizesError> {
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
        *word = u8::of_size(size_of_rank(sizes, *rank));
        *rank += 1;
    }
    take_apart(sizes);
    Ok(())
}

/// How far ranks by sorting have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BySort {
    sorting: Sorting,
    dealing: Dealing,
    /// Ranks visited.
    visited: usize,
}

impl BySort {
    /// Sorts the ids, then visits the counts of the ranks; whether all is done.
    pub(super) fn visit(
        &mut self,
        counts: &[f32],
        words: &mut [u32],
        allowance: &mut Allowance,
        mut visit: impl FnMut(f32),
    ) -> bool {
        if !self.sorting.go_on(counts, words, allowance) {
            return false;
        }
        for &word in words.iter().skip(self.visited) {
            if !allowance.take(1) {
                return false;
            }
            self.visited += 1;
            visit(counts.get((word & !MARK) as usize).copied().unwrap_or(0.0));
        }
        true
    }

    /// Sorts the ids, then deals sizes to them; whether all is done.
    pub(super) fn deal(
        &mut self,
        counts: &[f32],
        words: &mut [u32],
        sums: &[u32],
        allowance: &mut Allowance,
    ) -> bool {
        self.sorting.go_on(counts, words, allowance) && self.dealing.go_on(words, sums, allowance)
    }
}

/// What a word holds until its entity has a rank; no row is so long.
const UNRANKED: u8 = u8::MAX;

/// Entities that one unit of a slice looks at.
const LOOKS: usize = 16;

/// How far ranks by classes have come: class after class, the largest count first, all entities are looked through
/// for those of the class and for the next one. O(entities) for each class, and no memory in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByClass {
    pass: Pass,
    /// Entities of the pass that are still to be looked at, the newest first.
    left: usize,
    /// The next rank.
    rank: u32,
    /// The largest class after this one that was found.
    next: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    Begin,
    /// Clears the words and finds the largest class.
    Clear,
    Class(u8),
    /// Gives the last ranks to those whose class changed meanwhile.
    Rest,
}

impl Default for ByClass {
    fn default() -> Self {
        Self { pass: Pass::Begin, left: 0, rank: 0, next: None }
    }
}

impl ByClass {
    /// Visits ids and ranks, one after the other, and writes the size that the visit returns; whether all is done.
    pub(super) fn go_on(
        &mut self,
        counts: &[LogCount],
        words: &mut [u8],
        allowance: &mut Allowance,
        mut visit: impl FnMut(usize, u32) -> u32,
    ) -> bool {
        loop {
            while self.left > 0 {
                let id = self.left - 1;
                let class = counts.get(id).map_or(0, |count| count.code());
                let Some(word) = words.get_mut(id) else { return true };
                let is_next = match self.pass {
                    Pass::Begin | Pass::Clear => false,
                    Pass::Class(this) => class == this && *word == UNRANKED,
                    Pass::Rest => *word == UNRANKED,
                };
                let cost = u32::from(self.left.is_multiple_of(LOOKS)) + u32::from(is_next);
                if cost > 0 && !allowance.take(cost) {
                    return false;
                }
                if is_next {
                    *word = u8::of_size(visit(id, self.rank));
                    self.rank += 1;
                } else if self.pass == Pass::Clear {
                    *word = UNRANKED;
                }
                let is_later = match self.pass {
                    Pass::Class(this) => class < this,
                    _ => true,
                };
                if is_later {
                    self.next = self.next.max(Some(class));
                }
                self.left -= 1;
            }
            self.pass = match (self.pass, self.next.take()) {
                (Pass::Begin, _) => Pass::Clear,
                (Pass::Clear | Pass::Class(_), Some(class)) => Pass::Class(class),
                (Pass::Clear | Pass::Class(_), None) => Pass::Rest,
                (Pass::Rest, _) => return true,
            };
            self.left = words.len();
        }
    }
}
