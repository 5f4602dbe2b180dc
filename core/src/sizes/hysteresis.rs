use super::fit::check;
use super::{Bounds, SizesError};
use crate::allowance::Allowance;
use crate::tables::Word;

/// What [`settle`] changed.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Sum of the final sizes, equal to that of the targets.
    pub total: u64,
    /// Rows whose size changes because it no longer fits: their target is more than double or less than
    /// half of it, or their size is out of bounds.
    pub outgrown: u32,
    /// Other rows whose size changes, to meet the total.
    pub forced: u32,
}

/// Lets rows keep a size that still fits: `words` holds the target size of each id, and becomes the final one.
///
/// A row keeps its `current` size while the target is neither more than double nor less than half of it and
/// the bounds allow it. Where what is kept leaves the total above that of the targets, rows that kept more
/// than their target go to it, those furthest above first and the smaller id first among equals, until the
/// totals agree; the last one goes only part of the way. Where it leaves the total below, the same with rows
/// that kept less. So the fewest rows move, and the total is exactly that of the targets.
///
/// `current` gives the size of an id now, 0 for a new one; it is asked up to three times. `scratch` is as long
/// as the side's counts, which it may be; its content is lost. O(entities).
///
/// # Errors
/// [`SizesError::Bounds`], [`SizesError::CountsTooShort`], [`SizesError::TooManyEntities`]; words and scratch
/// are untouched then.
pub fn settle<W: Word>(
    words: &mut [W],
    current: impl Fn(u32) -> u32,
    bounds: Bounds,
    scratch: &mut [u32],
) -> Result<Settled, SizesError> {
    check(words.len(), bounds, scratch)?;
    let mut settling = Settling::START;
    let settled = settling.go_on(words, current, bounds, scratch, &mut Allowance::unlimited());
    Ok(settled.unwrap_or(settling.settled))
}

/// How far [`settle`] has come, in slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settling {
    pass: Pass,
    /// The next id of the pass.
    id: u32,
    /// How far the kept sizes stand above their targets, less how far below.
    balance: i64,
    /// Rows with a gap above `edge` move to their target, and `whole` of those at it; one more moves by `part`.
    edge: u64,
    whole: u64,
    part: u32,
    settled: Settled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    Balance,
    Gaps,
    Sizes,
}

impl Settling {
    pub(crate) const START: Self = Self {
        pass: Pass::Balance,
        id: 0,
        balance: 0,
        edge: u64::MAX,
        whole: 0,
        part: 0,
        settled: Settled { total: 0, outgrown: 0, forced: 0 },
    };

    /// Goes on; what changed, when all sizes are final. Between the slices neither the sizes of rows nor the scratch
    /// may change.
    pub(crate) fn go_on<W: Word>(
        &mut self,
        words: &mut [W],
        current: impl Fn(u32) -> u32,
        bounds: Bounds,
        scratch: &mut [u32],
        allowance: &mut Allowance,
    ) -> Option<Settled> {
        loop {
            let id = self.id;
            for (id, word) in (id..).zip(words.iter_mut().skip(id as usize)) {
                if !allowance.take(1) {
                    return None;
                }
                self.id = id.saturating_add(1);
                let (size, target) = (current(id), word.size());
                match self.pass {
                    Pass::Balance => {
                        self.settled.total = self.settled.total.saturating_add(u64::from(target));
                        if keeps(size, target, bounds) {
                            self.balance = self.balance.saturating_add(i64::from(size) - i64::from(target));
                        }
                    }
                    Pass::Gaps => {
                        // Twice a kept size is at least its target, so no gap is above the largest size.
                        let gap =
                            self.gap(size, target, bounds).and_then(|gap| scratch.get_mut(gap as usize));
                        if let Some(count) = gap {
                            *count = count.saturating_add(1);
                        }
                    }
                    Pass::Sizes => *word = W::of_size(self.final_size(size, target, bounds)),
                }
            }
            self.id = 0;
            self.pass = match self.pass {
                Pass::Balance => {
                    scratch.fill(0);
                    if self.balance == 0 { Pass::Sizes } else { Pass::Gaps }
                }
                Pass::Gaps => {
                    self.find_edge(scratch);
                    Pass::Sizes
                }
                Pass::Sizes => return Some(self.settled),
            };
        }
    }

    /// The distance to its target of a row that may have to move, if it is kept and on the balance's side.
    fn gap(&self, size: u32, target: u32, bounds: Bounds) -> Option<u32> {
        let gap = if self.balance > 0 { size.checked_sub(target) } else { target.checked_sub(size) };
        gap.filter(|&gap| gap > 0 && keeps(size, target, bounds))
    }

    /// From the number of rows with each gap to who has to move.
    fn find_edge(&mut self, rows: &[u32]) {
        let mut owed = self.balance.unsigned_abs();
        for (gap, &count) in rows.iter().enumerate().skip(1).rev() {
            if owed == 0 {
                break;
            }
            self.edge = gap as u64;
            self.whole = owed.checked_div(self.edge).unwrap_or(0).min(u64::from(count));
            owed = owed.saturating_sub(self.whole.saturating_mul(self.edge));
            if self.whole < u64::from(count) {
                // Less than one gap is left.
                self.part = u32::try_from(owed).unwrap_or(0);
                owed = 0;
            }
        }
    }

    fn final_size(&mut self, size: u32, target: u32, bounds: Bounds) -> u32 {
        if !keeps(size, target, bounds) {
            self.settled.outgrown = self.settled.outgrown.saturating_add(u32::from(size != target));
            return target;
        }
        let settled_size = match self.gap(size, target, bounds).map(u64::from) {
            Some(gap) if gap > self.edge => target,
            Some(gap) if gap == self.edge && self.whole > 0 => {
                self.whole = self.whole.saturating_sub(1);
                target
            }
            Some(gap) if gap == self.edge && self.part > 0 => {
                let part = core::mem::take(&mut self.part);
                if self.balance > 0 { size.saturating_sub(part) } else { size.saturating_add(part) }
            }
            _ => size,
        };
        self.settled.forced = self.settled.forced.saturating_add(u32::from(settled_size != size));
        settled_size
    }
}

/// Whether a row of `size` stays as it is when its target is another.
fn keeps(size: u32, target: u32, bounds: Bounds) -> bool {
    let (size_wide, target_wide) = (u64::from(size), u64::from(target));
    size > 0
        && target_wide <= 2 * size_wide
        && size_wide <= 2 * target_wide
        && (bounds.min..=bounds.max).contains(&size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sizes::testing::cases;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    const BOUNDS: Bounds = Bounds { min: 1, max: 64 };

    fn settled(target: &[u32], current: &[u32], bounds: Bounds) -> (Settled, Vec<u32>) {
        let mut words = target.to_vec();
        let mut scratch = vec![7; bounds.max as usize + 1];
        let settled = settle(&mut words, |id| current[id as usize], bounds, &mut scratch).unwrap();
        (settled, words)
    }

    #[test]
    fn rows_that_fit_stay() {
        // Twice and half are still a fit; the differences cancel.
        let (moved, sizes) = settled(&[8, 4, 3], &[4, 8, 3], BOUNDS);
        assert_eq!(sizes, [4, 8, 3]);
        assert_eq!(moved, Settled { total: 15, outgrown: 0, forced: 0 });
    }

    #[test]
    fn rows_that_do_not_fit_move() {
        let (moved, sizes) = settled(&[9, 3, 5, 0], &[4, 8, 0, 2], BOUNDS);
        assert_eq!(sizes, [9, 3, 5, 0]);
        assert_eq!(moved, Settled { total: 17, outgrown: 4, forced: 0 });
    }

    #[test]
    fn the_total_forces_the_furthest_first() {
        // Kept, the rows are 3 + 2 + 3 over; the new row takes what it must have.
        let (moved, sizes) = settled(&[7, 8, 7, 10], &[10, 10, 10, 0], BOUNDS);
        assert_eq!(sizes, [7, 8, 7, 10]);
        assert_eq!(moved, Settled { total: 32, outgrown: 1, forced: 3 });
        // 4 over, two of them by 3: the smaller id goes all the way, the next in part.
        let (moved, sizes) = settled(&[9, 7, 7, 12], &[10, 10, 10, 9], BOUNDS);
        assert_eq!(sizes, [10, 7, 9, 9]);
        assert_eq!(moved, Settled { total: 35, outgrown: 0, forced: 2 });
        // The same below.
        let (moved, sizes) = settled(&[11, 13, 13, 8], &[10, 10, 10, 11], BOUNDS);
        assert_eq!(sizes, [10, 13, 11, 11]);
        assert_eq!(moved, Settled { total: 45, outgrown: 0, forced: 2 });
    }

    #[test]
    fn a_size_out_of_bounds_moves() {
        let (moved, sizes) = settled(&[4, 4], &[5, 3], Bounds { min: 1, max: 4 });
        assert_eq!(sizes, [4, 4]);
        assert_eq!(moved, Settled { total: 8, outgrown: 1, forced: 1 });
        assert_eq!(settled(&[4], &[3], Bounds { min: 4, max: 4 }).1, [4]);
    }

    #[test]
    fn refusals_change_nothing() {
        let (mut words, mut scratch) = ([3_u32, 4], [7; 64]);
        let refused = settle(&mut words, |_| 4, BOUNDS, &mut scratch);
        assert_eq!(refused, Err(SizesError::CountsTooShort { needed: 65, available: 64 }));
        assert_eq!((words, scratch), ([3, 4], [7; 64]));
    }

    /// The same with lists that are sorted.
    fn naive(target: &[u32], current: &[u32], bounds: Bounds) -> Vec<u32> {
        let stays = |i: usize| {
            let (size, target) = (current[i], target[i]);
            size > 0 && target <= 2 * size && size <= 2 * target && size >= bounds.min && size <= bounds.max
        };
        let mut sizes: Vec<u32> =
            (0..target.len()).map(|i| if stays(i) { current[i] } else { target[i] }).collect();
        let sum = |sizes: &[u32]| sizes.iter().map(|&size| i64::from(size)).sum::<i64>();
        let mut over = sum(&sizes) - sum(target);
        let gap = |i: usize| (i64::from(current[i]) - i64::from(target[i])) * over.signum();
        let mut movable: Vec<usize> = (0..target.len()).filter(|&i| stays(i) && gap(i) > 0).collect();
        movable.sort_by_key(|&i| (-gap(i), i));
        let sign = over.signum();
        for i in movable {
            let part = (over * sign).min((i64::from(current[i]) - i64::from(target[i])) * sign);
            sizes[i] = (i64::from(sizes[i]) - part * sign) as u32;
            over -= part * sign;
        }
        sizes
    }

    proptest! {
        #![proptest_config(cases(400, 4_000_000))]

        #[test]
        fn settles_like_the_naive_rule(
            rows in prop::collection::vec((0_u32..20, 0_u32..25), 0..40),
            min in 0_u32..3,
        ) {
            let bounds = Bounds { min, max: 19 };
            let (target, current): (Vec<u32>, Vec<u32>) = rows.into_iter().unzip();
            let (moved, sizes) = settled(&target, &current, bounds);
            prop_assert_eq!(&sizes, &naive(&target, &current, bounds));
            let sum = |sizes: &[u32]| sizes.iter().map(|&size| u64::from(size)).sum::<u64>();
            prop_assert_eq!(sum(&sizes), sum(&target));
            prop_assert_eq!(moved.total, sum(&target));
            let changed = sizes.iter().zip(&current).filter(|(a, b)| a != b).count();
            prop_assert_eq!((moved.outgrown + moved.forced) as usize, changed);
            // A row ends between its size and its target.
            for ((&size, &target), &current) in sizes.iter().zip(&target).zip(&current) {
                prop_assert!((target.min(current)..=target.max(current)).contains(&size));
            }
        }
    }
}
