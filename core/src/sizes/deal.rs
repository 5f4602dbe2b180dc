use super::SizesError;
use crate::allowance::Allowance;
use crate::tables::Word;

/// Marks a word that still holds an id.
pub(crate) const MARK: u32 = 1 << 31;

/// Writes the sizes that `counts` stand for by rank, largest first.
///
/// # Errors
/// [`SizesError::CountsDisagree`] if they are not `out.len()` many; `out` is untouched then.
pub fn write_descending<W: Word>(counts: &[u32], out: &mut [W]) -> Result<(), SizesError> {
    check(counts, out.len())?;
    let mut out = out.iter_mut();
    for (size, &count) in counts.iter().enumerate().rev() {
        for word in out.by_ref().take(count as usize) {
            *word = W::of_size(size as u32);
        }
    }
    Ok(())
}

/// Gives the sizes that `counts` stand for to entities by rank: `words` holds the ids by rank, and becomes
/// the size of each id.
///
/// In place and in O(entities) by following the cycles of the ranking; each entity costs a look-up among the
/// counts, which are turned into sums for the time of the call.
///
/// # Errors
/// [`SizesError::NotARanking`], [`SizesError::CountsDisagree`], [`SizesError::TooManyEntities`] above 2^31;
/// words and counts are as before then.
pub fn deal(words: &mut [u32], counts: &mut [u32]) -> Result<(), SizesError> {
    let limit = MARK as usize;
    if words.len() > limit {
        return Err(SizesError::TooManyEntities { entities: words.len(), limit });
    }
    check(counts, words.len())?;
    mark_all(words)?;
    sum_up(counts, words.len())?;
    Dealing::default().go_on(words, counts, &mut Allowance::unlimited());
    take_apart(counts);
    Ok(())
}

/// Turns counts of ranks by size into sums: how many ranks have at least that size.
///
/// # Errors
/// [`SizesError::CountsDisagree`] if they are not those of so many entities; they are as before then.
pub(crate) fn sum_up(counts: &mut [u32], entities: usize) -> Result<(), SizesError> {
    check(counts, entities)?;
    let mut sum = 0_u32;
    for count in counts.iter_mut().rev() {
        sum = sum.saturating_add(*count);
        *count = sum;
    }
    Ok(())
}

/// Turns such sums into the counts again.
pub(crate) fn take_apart(sums: &mut [u32]) {
    let mut above = 0;
    for count in sums.iter_mut().rev() {
        let reached = *count;
        *count = reached.saturating_sub(above);
        above = reached;
    }
}

/// How far [`deal`] has come, in slices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dealing {
    /// All words before have their sizes.
    start: usize,
    /// The next rank of the cycle that goes from there, and its word.
    cycle: Option<(usize, u32)>,
}

impl Dealing {
    /// Goes on, and returns whether all is dealt. `words` hold the ids by rank, each with its [`MARK`]; `reach` are
    /// counts that were [summed up](sum_up).
    pub(crate) fn go_on(&mut self, words: &mut [u32], reach: &[u32], allowance: &mut Allowance) -> bool {
        while let Some(&first) = words.get(self.start) {
            if !allowance.take(1) {
                return false;
            }
            let (rank, word) = match self.cycle {
                Some(next) => next,
                None if first & MARK != 0 => (self.start, first),
                None => {
                    self.start = self.start.saturating_add(1);
                    continue;
                }
            };
            let id = (word & !MARK) as usize;
            let size = reach.partition_point(|&ranks| ranks as usize > rank).saturating_sub(1);
            // The word that makes way is that of the rank numbered like the id.
            let next = words.get_mut(id).map(|place| core::mem::replace(place, size as u32));
            self.cycle = next.filter(|_| id != self.start).map(|word| (id, word));
        }
        true
    }
}

/// Marks every word, if together they hold every id once; otherwise leaves them as they were.
fn mark_all(words: &mut [u32]) -> Result<(), SizesError> {
    let n = words.len();
    if words.iter().any(|&id| id as usize >= n) {
        return Err(SizesError::NotARanking);
    }
    for rank in 0..n {
        let id = words.get(rank).map_or(0, |&word| word & !MARK) as usize;
        match words.get_mut(id) {
            Some(word) if *word & MARK == 0 => *word |= MARK,
            _ => {
                for word in words {
                    *word &= !MARK;
                }
                return Err(SizesError::NotARanking);
            }
        }
    }
    Ok(())
}

fn check(counts: &[u32], entities: usize) -> Result<(), SizesError> {
    let counted = counts.iter().fold(0_u64, |sum, &count| sum.saturating_add(u64::from(count)));
    if counted == entities as u64 { Ok(()) } else { Err(SizesError::CountsDisagree { counted, entities }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use crate::sizes::testing::cases;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn sizes_by_rank() {
        let mut out = [9_u32; 4];
        write_descending(&[1, 2, 0, 1], &mut out).unwrap();
        assert_eq!(out, [3, 1, 1, 0]);
        let refused = write_descending(&[1, 2, 0, 2], &mut out);
        assert_eq!(refused, Err(SizesError::CountsDisagree { counted: 5, entities: 4 }));
        assert_eq!(out, [3, 1, 1, 0]);
        write_descending::<u32>(&[0, 0], &mut []).unwrap();
    }

    #[test]
    fn sizes_go_to_ids_by_rank() {
        // Ranks: 2 first, then 0, 3, 1.
        let mut words = [2, 0, 3, 1];
        let mut counts = [0, 2, 1, 0, 1];
        deal(&mut words, &mut counts).unwrap();
        assert_eq!(words, [2, 1, 4, 1]);
        assert_eq!(counts, [0, 2, 1, 0, 1]);
    }

    #[test]
    fn what_is_no_ranking_is_refused_and_unchanged() {
        for bad in [[0, 1, 1], [0, 1, 3], [2, 2, 2], [0, MARK, 1], [u32::MAX, 0, 1]] {
            let (mut words, mut counts) = (bad, [0, 3]);
            assert_eq!(deal(&mut words, &mut counts), Err(SizesError::NotARanking));
            assert_eq!((words, counts), (bad, [0, 3]));
        }
        let (mut words, mut counts) = ([1, 0], [1, 2]);
        let refused = deal(&mut words, &mut counts);
        assert_eq!(refused, Err(SizesError::CountsDisagree { counted: 3, entities: 2 }));
        assert_eq!((words, counts), ([1, 0], [1, 2]));
    }

    proptest! {
        #![proptest_config(cases(200, 2_000_000))]

        #[test]
        fn deals_like_two_loops(counts in prop::collection::vec(0_u32..12, 1..20), seed: u64) {
            let mut sizes: Vec<u32> = Vec::new();
            for (size, &count) in counts.iter().enumerate().rev() {
                sizes.extend(std::iter::repeat_n(size as u32, count as usize));
            }
            let mut generator = Generator::new(seed);
            let mut ranking: Vec<u32> = (0..sizes.len() as u32).collect();
            for i in (1..ranking.len()).rev() {
                ranking.swap(i, generator.below(i as u32 + 1) as usize);
            }
            let mut by_id = vec![0; sizes.len()];
            for (&id, &size) in ranking.iter().zip(&sizes) {
                by_id[id as usize] = size;
            }
            let mut after = counts.clone();
            deal(&mut ranking, &mut after).unwrap();
            prop_assert_eq!(&ranking, &by_id);
            prop_assert_eq!(&after, &counts);
            write_descending(&counts, &mut ranking).unwrap();
            prop_assert_eq!(ranking, sizes);
        }
    }
}
