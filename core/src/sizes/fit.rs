use super::SizesError;
use crate::allowance::Allowance;
use crate::tables::Word;

/// The sizes a row may have.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Bounds {
    /// Smallest size; published 1. With 0, rows may be empty and are answered by the cold-start row.
    pub min: u32,
    /// Largest size; published 256.
    pub max: u32,
}

impl Bounds {
    /// Refuses a smallest size above the largest.
    ///
    /// # Errors
    /// [`SizesError::Bounds`].
    pub const fn check(self) -> Result<Self, SizesError> {
        if self.min <= self.max { Ok(self) } else { Err(SizesError::Bounds { min: self.min, max: self.max }) }
    }
}

/// What [`fit`] made of a budget.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fitted {
    /// Sum of all sizes; never above the budget.
    pub total: u64,
    /// Ranks with a size above 0.
    pub served: u32,
    /// Size of the first rank, 0 if there is none.
    pub largest: u32,
    /// Size of the last rank, 0 if there is none.
    pub smallest: u32,
}

/// Length of the counts for sizes up to `max`: one element per size, 0 included.
pub const fn counts_len(max: u32) -> usize {
    (max as usize).saturating_add(1)
}

/// Fits whole sizes to weights: `counts[s]` becomes the number of ranks with size `s`.
///
/// `words` holds positive weights by rank, descending; in words of 32 bits, the bits of `f32`. Each rank gets its weight
/// times one common level, rounded to the nearest whole number and kept inside the bounds; the level is
/// where the total meets the budget, and of equal weights that would pass it together the first ranks go
/// first. This is the divisor method of Sainte-Lague with a minimum and a maximum: exact, monotone in the
/// budget, descending. Not sorting, it takes O(`max` log `words.len()`) steps for each of at most 63 levels.
///
/// The total is the budget wherever `n * min <= budget <= n * max`. Above, all rows have size `max`. Below,
/// the first `budget / min` ranks are served and fitted with the whole budget, the others have size 0.
///
/// Weights that do not descend never lift the total above the budget, but may leave it below.
///
/// # Errors
/// [`SizesError::Bounds`], [`SizesError::CountsTooShort`], [`SizesError::TooManyEntities`]; the counts are
/// untouched then.
pub fn fit<W: Word>(
    words: &[W],
    bounds: Bounds,
    budget: u64,
    counts: &mut [u32],
) -> Result<Fitted, SizesError> {
    check(words.len(), bounds, counts)?;
    let mut search = Search::START;
    search.go_on(words, bounds, budget, &mut Allowance::unlimited());
    Ok(search.finish(words, bounds, budget, counts))
}

/// The search for the level of a fit: two levels, of which the first keeps the budget and the second exceeds it, or
/// twice one that meets it. It is over when they are neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Search {
    low: u64,
    high: u64,
}

impl Search {
    pub(super) const START: Self = Self { low: 0, high: HIGHEST_LEVEL.to_bits() };

    /// Goes on, and returns whether the levels are found.
    pub(super) fn go_on<W: Word>(
        &mut self,
        words: &[W],
        bounds: Bounds,
        budget: u64,
        allowance: &mut Allowance,
    ) -> bool {
        let (affordable, ranks) = affordable(words.len(), bounds, budget);
        if budget >= affordable.saturating_mul(u64::from(bounds.max)) {
            return true;
        }
        let cost = level_cost(bounds);
        // Positive numbers are ordered like their bits, so halving the bits finds neighbours in 63 steps.
        while self.high.saturating_sub(self.low) > 1 {
            if !allowance.take(cost) {
                return false;
            }
            let middle = self.low.midpoint(self.high);
            let reached = total(words, ranks, bounds, f64::from_bits(middle), budget);
            if reached <= budget {
                self.low = middle;
            } else {
                self.high = middle;
            }
            if reached == budget {
                self.high = middle;
            }
        }
        true
    }

    /// Counts the ranks of each size at the levels that were found. O(sizes * log entities).
    pub(super) fn finish<W: Word>(
        self,
        words: &[W],
        bounds: Bounds,
        budget: u64,
        counts: &mut [u32],
    ) -> Fitted {
        let Bounds { min, max } = bounds;
        let (affordable, served) = affordable(words.len(), bounds, budget);
        let (low, high) = (f64::from_bits(self.low), f64::from_bits(self.high));
        counts.fill(0);

        let mut fitted = Fitted::default();
        let mut take = |size: u32, ranks: usize| {
            let ranks = u32::try_from(ranks).unwrap_or(u32::MAX);
            if let Some(count) = counts.get_mut(size as usize) {
                *count = count.saturating_add(ranks);
            }
            if ranks > 0 {
                fitted.total = fitted.total.saturating_add(u64::from(size) * u64::from(ranks));
                fitted.largest = fitted.largest.max(size);
                fitted.smallest = size;
                if size > 0 {
                    fitted.served = fitted.served.saturating_add(ranks);
                }
            }
        };
        if budget >= affordable.saturating_mul(u64::from(max)) {
            take(max, served);
        } else {
            let mut spare = budget.saturating_sub(total(words, served, bounds, low, u64::MAX));
            let mut left = budget.saturating_sub(affordable.saturating_mul(u64::from(min)));
            let mut above = 0_usize;
            for size in (min.saturating_add(1)..=max).rev() {
                let reached = reach(words, served, size, low);
                // Equal weights that pass between the two levels: the first of them use up the budget.
                let passing = reach(words, served, size, high).saturating_sub(reached) as u64;
                let granted = passing.min(spare);
                spare = spare.saturating_sub(granted);
                let wanted = (reached as u64).saturating_add(granted).saturating_sub(above as u64);
                // Binds only for weights that do not descend.
                let extra = u64::from(size.saturating_sub(min));
                let taken = left.checked_div(extra).unwrap_or(0).min(wanted);
                left = left.saturating_sub(taken.saturating_mul(extra));
                let taken = usize::try_from(taken).unwrap_or(0);
                take(size, taken);
                above = above.saturating_add(taken);
            }
            take(min, served.saturating_sub(above));
        }
        take(0, words.len().saturating_sub(served));
        fitted
    }
}

/// How many ranks get at least the smallest size, in either type.
fn affordable(ranks: usize, bounds: Bounds, budget: u64) -> (u64, usize) {
    let affordable = budget.checked_div(u64::from(bounds.min)).unwrap_or(u64::MAX).min(ranks as u64);
    (affordable, usize::try_from(affordable).unwrap_or(ranks))
}

/// What a level costs a slice: about that of an element for each size, and half.
pub(super) fn level_cost(bounds: Bounds) -> u32 {
    bounds.max.saturating_sub(bounds.min).saturating_mul(2)
}

/// What [`fit`] refuses.
pub(super) fn check(entities: usize, bounds: Bounds, counts: &[u32]) -> Result<(), SizesError> {
    let Bounds { max, .. } = bounds.check()?;
    let (needed, available) = (counts_len(max), counts.len());
    if available < needed {
        return Err(SizesError::CountsTooShort { needed, available });
    }
    let limit = usize::try_from(u32::MAX).unwrap_or(usize::MAX);
    if entities > limit { Err(SizesError::TooManyEntities { entities, limit }) } else { Ok(()) }
}

/// 2^160: even the smallest normal weight reaches every size at this level.
const HIGHEST_LEVEL: f64 = f64::from_bits((1023 + 160) << 52);

/// Sum of the sizes of the first `ranks` ranks at `level`, or any number above `enough` once that is passed.
fn total<W: Word>(words: &[W], mut ranks: usize, bounds: Bounds, level: f64, enough: u64) -> u64 {
    let mut total = (ranks as u64).saturating_mul(u64::from(bounds.min));
    for size in bounds.min.saturating_add(1)..=bounds.max {
        // Fewer ranks reach a larger size.
        ranks = reach(words, ranks, size, level);
        total = total.saturating_add(ranks as u64);
        if ranks == 0 || total > enough {
            break;
        }
    }
    total
}

/// How many of the first `ranks` ranks have at least `size` at `level`: those whose weight times the level rounds to it.
#[inline]
fn reach<W: Word>(words: &[W], ranks: usize, size: u32, level: f64) -> usize {
    let threshold = ((f64::from(size) - 0.5) / level) as f32;
    if threshold > f32::MIN_POSITIVE { W::reach(words, ranks, threshold.to_bits()) } else { ranks }
}

#[cfg(test)]
mod tests;
