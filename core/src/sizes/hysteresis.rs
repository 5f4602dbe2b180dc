use super::fit::check;
use super::{Bounds, SizesError};

/// What [`settle`] changed.
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
pub fn settle(
    words: &mut [u32],
    current: impl Fn(u32) -> u32,
    bounds: Bounds,
    scratch: &mut [u32],
) -> Result<Settled, SizesError> {
    check(words.len(), bounds, scratch)?;
    let mut settled = Settled::default();
    // How far the kept sizes stand above their targets, less how far below.
    let mut balance = 0_i64;
    for (id, &target) in (0_u32..).zip(words.iter()) {
        let size = current(id);
        settled.total = settled.total.saturating_add(u64::from(target));
        if keeps(size, target, bounds) {
            balance = balance.saturating_add(i64::from(size) - i64::from(target));
        }
    }
    let shrink = balance > 0;
    // The distance to its target of a row that may have to move, if it is kept and on the balance's side.
    let gap_of = |size: u32, target: u32| {
        let gap = if shrink { size.checked_sub(target) } else { target.checked_sub(size) };
        gap.filter(|&gap| gap > 0 && keeps(size, target, bounds))
    };
    let mut owed = balance.unsigned_abs();
    scratch.fill(0);
    if owed > 0 {
        for (id, &target) in (0_u32..).zip(words.iter()) {
            // Twice a kept size is at least its target, so no gap is above the largest size.
            let gap = gap_of(current(id), target).and_then(|gap| scratch.get_mut(gap as usize));
            if let Some(count) = gap {
                *count = count.saturating_add(1);
            }
        }
    }
    // Rows with a gap above `edge` move to their target, and `whole` of those at it; one more moves by `part`.
    let (mut edge, mut whole, mut part) = (u64::MAX, 0_u64, 0_u32);
    for (gap, &count) in scratch.iter().enumerate().skip(1).rev() {
        if owed == 0 {
            break;
        }
        edge = gap as u64;
        whole = owed.checked_div(edge).unwrap_or(0).min(u64::from(count));
        owed = owed.saturating_sub(whole.saturating_mul(edge));
        if whole < u64::from(count) {
            // Less than one gap is left.
            part = u32::try_from(owed).unwrap_or(0);
            owed = 0;
        }
    }
    for (id, word) in (0_u32..).zip(words) {
        let (size, target) = (current(id), *word);
        if !keeps(size, target, bounds) {
            settled.outgrown = settled.outgrown.saturating_add(u32::from(size != target));
            continue;
        }
        *word = match gap_of(size, target).map(u64::from) {
            Some(gap) if gap > edge => target,
            Some(gap) if gap == edge && whole > 0 => {
                whole = whole.saturating_sub(1);
                target
            }
            Some(gap) if gap == edge && part > 0 => {
                let part = core::mem::take(&mut part);
                if shrink { size.saturating_sub(part) } else { size.saturating_add(part) }
            }
            _ => size,
        };
        settled.forced = settled.forced.saturating_add(u32::from(*word != size));
    }
    Ok(settled)
}

/// Whether a row of `size` stays as it is when its target is another.
fn keeps(size: u32, target: u32, bounds: Bounds) -> bool {
    let (size_wide, target_wide) = (u64::from(size), u64::from(target));
    size > 0
        && target_wide <= 2 * size_wide
        && size_wide <= 2 * target_wide
        && (bounds.min..=bounds.max).contains(&size)
}
