//! Rows by their lengths: a byte each, and where every sixteenth row begins.

use super::rows::{RowLength, RowTable, RowView};
use crate::Side;

/// Rows of a block.
const BLOCK: usize = 16;

/// Length of the slice of block starts for up to `entities` entities.
pub const fn starts_len(entities: usize) -> usize {
    entities / BLOCK + 1
}

/// The edges of a table with lengths are those where blocks begin.
impl RowLength for u8 {
    type Word = Self;

    /// A word of one byte has to say that a size is too large.
    const LONGEST: u32 = Self::MAX as u32 - 1;
    const HAS_BOUNDARIES: bool = false;

    #[inline(always)]
    fn elements(self) -> u32 {
        u32::from(self)
    }

    #[inline(always)]
    fn capacity(rows: RowView<'_, Self>) -> usize {
        // Each start serves the rows up to the next one's.
        rows.lengths.len().min((rows.edges.len() * BLOCK).saturating_sub(1))
    }

    #[inline(always)]
    fn edge(rows: RowView<'_, Self>, side: Side, id: u32) -> Option<u32> {
        let id = id as usize;
        let start = *rows.edges.get(id / BLOCK)?;
        Some(away(side, start, between(rows.lengths, id / BLOCK * BLOCK, id)))
    }

    #[inline(always)]
    fn span(rows: RowView<'_, Self>, side: Side, id: u32) -> Option<(u32, u32)> {
        let length = *rows.lengths.get(id as usize)?;
        let near = Self::edge(rows, side, id)?;
        Some((near, away(side, near, u32::from(length))))
    }

    fn span_beside(
        rows: RowView<'_, Self>,
        side: Side,
        id: u32,
        (gap, edge): (u32, u32),
    ) -> Option<(u32, u32)> {
        let (row, first) = (id as usize, gap as usize);
        if row < first || row / BLOCK > first / BLOCK {
            return Self::span(rows, side, id);
        }
        // Behind the gap the rows of its block go on from its edge.
        let length = *rows.lengths.get(row)?;
        let near = away(side, edge, between(rows.lengths, first, row));
        Some((near, away(side, near, u32::from(length))))
    }

    #[inline]
    fn set(rows: &mut RowTable<'_, Self>, id: u32, near: u32, far: u32) {
        let next = id as usize + 1;
        if let Some(length) = rows.lengths.get_mut(id as usize) {
            *length = far.abs_diff(near) as Self;
        }
        if next.is_multiple_of(BLOCK)
            && let Some(start) = rows.edges.get_mut(next / BLOCK)
        {
            *start = far;
        }
    }
}

/// An edge so many elements further from the cold-start row.
#[inline(always)]
const fn away(side: Side, edge: u32, elements: u32) -> u32 {
    match side {
        Side::User => edge.wrapping_add(elements),
        Side::Item => edge.wrapping_sub(elements),
    }
}

/// Elements of the rows from `first` to before `end`, which are of one block.
#[inline(always)]
fn between(lengths: &[u8], first: usize, end: usize) -> u32 {
    let block = first / BLOCK * BLOCK;
    match lengths.get(block..).and_then(|rest| rest.first_chunk::<BLOCK>()) {
        Some(lengths) => sum(lengths, first - block, end - block),
        None => lengths.get(first..end).unwrap_or_default().iter().map(|&length| u32::from(length)).sum(),
    }
}

/// Sum of the bytes from `first` to before `end`: four at a time, as pairs that cannot spill.
#[inline(always)]
fn sum(bytes: &[u8; BLOCK], first: usize, end: usize) -> u32 {
    let mut pairs = 0_u32;
    for (n, word) in bytes.as_chunks::<4>().0.iter().enumerate() {
        let within = |byte: usize| byte.saturating_sub(4 * n).min(4) as u32;
        let below = |bytes: u32| u32::MAX.checked_shl(8 * bytes).map_or(u32::MAX, |above| !above);
        let word = u32::from_le_bytes(*word) & below(within(end)) & !below(within(first));
        pairs += (word & 0x00ff_00ff) + (word >> 8 & 0x00ff_00ff);
    }
    (pairs & 0xffff) + (pairs >> 16)
}
