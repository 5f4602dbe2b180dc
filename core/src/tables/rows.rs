//! Where the rows of a side begin and end.
//!
//! A row has a *near* edge, on the side of the cold-start row and of the ids before it, and a *far* one, where the
//! next row begins: users lie from the low end up, items from the high end down.

use core::fmt::Debug;

use super::Word;
use crate::Side;

/// What a table of rows stores of each row, beside some of the edges.
pub trait RowLength: Copy + Debug + Send + Sync + 'static {
    /// What a size decision keeps of a row.
    type Word: Word;

    /// Elements of the longest row.
    const LONGEST: u32;
    /// Whether all edges are stored.
    const HAS_BOUNDARIES: bool;

    /// Elements of the row; 0 if the length is not stored.
    fn elements(self) -> u32;

    /// How many rows fit.
    fn capacity(rows: RowView<'_, Self>) -> usize;

    /// The near edge of a row, or the far one of the last.
    fn edge(rows: RowView<'_, Self>, side: Side, id: u32) -> Option<u32>;

    /// The near and the far edge of a row.
    fn span(rows: RowView<'_, Self>, side: Side, id: u32) -> Option<(u32, u32)>;

    /// The same while there is a gap before a row, whose near edge is not the far one of the row before it.
    fn span_beside(rows: RowView<'_, Self>, side: Side, id: u32, gap: (u32, u32)) -> Option<(u32, u32)>;

    /// Sets the edges of a row, of which the near one is the far one of the row before it.
    fn set(rows: &mut RowTable<'_, Self>, id: u32, near: u32, far: u32);
}

/// The table of a side's rows, to change.
#[derive(Debug)]
pub struct RowTable<'a, L> {
    pub(super) lengths: &'a mut [L],
    pub(super) edges: &'a mut [u32],
}

/// The table of a side's rows as it is.
#[derive(Clone, Copy, Debug)]
pub struct RowView<'r, L> {
    pub(super) lengths: &'r [L],
    pub(super) edges: &'r [u32],
}

impl<'a, L: RowLength> RowTable<'a, L> {
    pub(crate) const fn new(lengths: &'a mut [L], edges: &'a mut [u32]) -> Self {
        Self { lengths, edges }
    }

    #[inline(always)]
    pub(crate) const fn view(&self) -> RowView<'_, L> {
        RowView { lengths: self.lengths, edges: self.edges }
    }

    /// Sets the near edge of the first row; false if there is no room for it.
    pub(crate) fn begin(&mut self, edge: u32) -> bool {
        self.edges.first_mut().map(|first| *first = edge).is_some()
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, id: u32, near: u32, far: u32) {
        L::set(self, id, near, far);
    }

    /// The near edge of each row and the far one of the last, where all are stored.
    pub(crate) const fn boundaries_mut(&mut self) -> &mut [u32] {
        self.edges
    }
}

impl<'r, L: RowLength> RowView<'r, L> {
    #[inline(always)]
    pub(crate) fn capacity(self) -> usize {
        L::capacity(self)
    }

    /// Bytes of the table.
    pub(crate) const fn bytes(self) -> usize {
        size_of_val(self.lengths) + size_of_val(self.edges)
    }

    #[inline(always)]
    pub(crate) fn edge(self, side: Side, id: u32) -> Option<u32> {
        L::edge(self, side, id)
    }

    #[inline(always)]
    pub(crate) fn span(self, side: Side, id: u32) -> Option<(u32, u32)> {
        L::span(self, side, id)
    }

    #[inline(always)]
    pub(crate) fn span_beside(self, side: Side, id: u32, gap: (u32, u32)) -> Option<(u32, u32)> {
        L::span_beside(self, side, id, gap)
    }

    /// The lengths of the first rows, where they are stored.
    #[inline(always)]
    pub(crate) fn lengths(self, count: u32) -> &'r [L] {
        self.lengths.get(..count as usize).unwrap_or_default()
    }

    /// The near edge of each row and the far one of the last, where all are stored.
    #[inline(always)]
    pub(crate) const fn boundaries(self) -> &'r [u32] {
        self.edges
    }
}

/// No length is stored, but every boundary: row `id` goes from boundary `id` to boundary `id + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Implied;

impl RowLength for Implied {
    type Word = u32;

    const LONGEST: u32 = u32::MAX;
    const HAS_BOUNDARIES: bool = true;

    #[inline(always)]
    fn elements(self) -> u32 {
        0
    }

    #[inline(always)]
    fn capacity(rows: RowView<'_, Self>) -> usize {
        rows.edges.len().saturating_sub(1)
    }

    #[inline(always)]
    fn edge(rows: RowView<'_, Self>, _: Side, id: u32) -> Option<u32> {
        rows.edges.get(id as usize).copied()
    }

    #[inline(always)]
    fn span(rows: RowView<'_, Self>, _: Side, id: u32) -> Option<(u32, u32)> {
        let &[near, far] = rows.edges.get(id as usize..)?.first_chunk()?;
        Some((near, far))
    }

    #[inline(always)]
    fn span_beside(rows: RowView<'_, Self>, side: Side, id: u32, gap: (u32, u32)) -> Option<(u32, u32)> {
        let (near, far) = Self::span(rows, side, id)?;
        Some((if gap.0 == id { gap.1 } else { near }, far))
    }

    #[inline(always)]
    fn set(rows: &mut RowTable<'_, Self>, id: u32, _: u32, far: u32) {
        if let Some(boundary) = rows.edges.get_mut(id as usize + 1) {
            *boundary = far;
        }
    }
}
