//! The best items for one user in one plain loop, for a processor without vectors.
//!
//! Items follow one another in memory, so the loop cuts row after row off the end of what is left. Of the user
//! the first [`LANES`] dimensions are at hand as numbers; rows that share no more of them are most of all, and
//! have code without a loop for each length. Scores have the bits of [`Recommender::score`].

use super::model::Recommender;
use super::score;
use super::seen::SeenFilter;
use super::top_k::{Scored, TopK, admits};
use crate::Side;
use crate::arena::ItemTable;
use crate::element::Element;
use crate::math::{self, LANES};
use crate::tables::{RowLength, Tables};

impl<E: Element, T: Tables> Recommender<'_, E, T> {
    /// The best items for `user` that it did not have lately, best first, in `out`; returns how many.
    ///
    /// Equal scores go to the smaller id. An unknown user is answered with the cold-start row. O(elements of
    /// all items); [`retrieve`](Self::retrieve) filters by another rule, and has more code to be faster on a
    /// machine with vectors.
    pub fn recommend(&self, user: u32, out: &mut [Scored]) -> usize {
        let arena = self.arena();
        let (row, item_bias) = (arena.row(Side::User, user), self.config().get().item_bias);
        let mut query = Query {
            user,
            item: 0,
            row,
            first: [0.0; LANES],
            item_bias,
            cold: score(row, arena.cold_row(Side::Item), item_bias),
            seen: self.seen(),
            top: TopK::new(out),
        };
        for (to, from) in query.first.iter_mut().zip(row) {
            *to = from.to_f32();
        }
        let ItemTable { values, rows, count, gap } = arena.item_table();
        let first = rows.edge(Side::Item, 0).unwrap_or(0);
        let (gap, end) = gap.unwrap_or((u32::MAX, 0));
        let (first, end) = [first, end].map(|edge| values.get(..edge as usize).unwrap_or_default()).into();
        if T::Length::HAS_BOUNDARIES {
            let starts = rows.boundaries().get(1..=count as usize).unwrap_or_default();
            let (before, behind) = starts.split_at_checked(gap as usize).unwrap_or((starts, &[]));
            query.visit(before, first);
            query.visit(behind, end);
        } else {
            let lengths = rows.lengths(count);
            let (before, behind) = lengths.split_at_checked(gap as usize).unwrap_or((lengths, &[]));
            query.visit_lengths(before, first);
            query.visit_lengths(behind, end);
        }
        // Who came during a repack has no row yet.
        while query.item < arena.count(Side::Item) {
            if query.top.admits(query.cold) {
                query.offer(query.item, query.cold);
            }
            query.item += 1;
        }
        query.top.finish()
    }
}

/// One user's question.
struct Query<'r, 'o, E> {
    user: u32,
    /// The next item.
    item: u32,
    row: &'r [E],
    /// The leading elements of `row`, and zeros.
    first: [f32; LANES],
    item_bias: bool,
    /// The score of an item without a row.
    cold: f32,
    seen: &'r SeenFilter<'r>,
    top: TopK<'o>,
}

impl<E: Element> Query<'_, '_, E> {
    /// The next items, by where their rows start; `below` ends with the row of the first.
    fn visit(&mut self, mut starts: &[u32], mut below: &[E]) {
        // Exact sums have a loop of their own, in whole numbers.
        if self.item_bias && E::BIAS == 1 && !E::EXACT {
            let pairs;
            (pairs, starts) = starts.as_chunks();
            below = self.visit_pairs(pairs, below);
        }
        let mut scan = Scan { user: self.first, below, item: self.item, threshold: self.top.threshold() };
        for &start in starts {
            let Some(row) = scan.cut(start) else { return };
            scan.offer(self, self.score(row));
        }
        self.item = scan.item;
    }

    /// The next items, by the lengths of their rows.
    fn visit_lengths<L: RowLength>(&mut self, lengths: &[L], below: &[E]) {
        let leading = self.item_bias && E::BIAS == 1 && !E::EXACT;
        let mut scan = Scan { user: self.first, below, item: self.item, threshold: self.top.threshold() };
        for length in lengths {
            let start = (scan.below.len() as u32).wrapping_sub(length.elements());
            if leading {
                scan.take(self, start);
                continue;
            }
            let Some(row) = scan.cut(start) else { return };
            scan.offer(self, self.score(row));
        }
        self.item = scan.item;
    }

    /// The same, sooner. Two at a time, since going round costs as much as a dimension. Returns what is left.
    #[inline(never)]
    fn visit_pairs<'v>(&mut self, starts: &[[u32; 2]], below: &'v [E]) -> &'v [E] {
        let mut scan = Scan { user: self.first, below, item: self.item, threshold: self.top.threshold() };
        for &[one, other] in starts {
            scan.take(self, one);
            scan.take(self, other);
        }
        self.item = scan.item;
        scan.below
    }

    #[inline(never)]
    fn score(&self, row: &[E]) -> f32 {
        if row.is_empty() { self.cold } else { score(self.row, row, self.item_bias) }
    }

    #[inline(never)]
    fn offer(&mut self, item: u32, score: f32) {
        if !self.seen.contains(self.user, item) {
            // Sums that begin at zero, as in `score`, never end as minus zero.
            self.top.insert(Scored { item, score: 0.0 + score });
        }
    }
}

/// How far a [`Query`] has come.
struct Scan<'r, E> {
    user: [f32; LANES],
    below: &'r [E],
    item: u32,
    threshold: f32,
}

impl<'r, E: Element> Scan<'r, E> {
    /// The item whose row starts here and is the last one left: a bias and, as a rule, no more than the
    /// leading dimensions. A user with fewer has zeros there.
    #[inline(always)]
    fn take(&mut self, query: &mut Query<'_, '_, E>, start: u32) {
        let Some(row) = self.cut(start) else { return };
        let u = &self.user;
        let score = match row {
            [] => query.cold,
            [b] => E::bias(&[*b]),
            [b, y @ ..] => match y {
                [y0] => sum(b, u, [y0]),
                [y0, y1] => sum(b, u, [y0, y1]),
                [y0, y1, y2] => sum(b, u, [y0, y1, y2]),
                [y0, y1, y2, y3] => sum(b, u, [y0, y1, y2, y3]),
                [y0, y1, y2, y3, y4] => sum(b, u, [y0, y1, y2, y3, y4]),
                [y0, y1, y2, y3, y4, y5] => sum(b, u, [y0, y1, y2, y3, y4, y5]),
                [y0, y1, y2, y3, y4, y5, y6] => sum(b, u, [y0, y1, y2, y3, y4, y5, y6]),
                [y0, y1, y2, y3, y4, y5, y6, y7] => sum(b, u, [y0, y1, y2, y3, y4, y5, y6, y7]),
                _ => query.score(row),
            },
        };
        self.offer(query, score);
    }

    /// Cuts off the row that starts here.
    #[inline(always)]
    fn cut(&mut self, start: u32) -> Option<&'r [E]> {
        let (rest, row) = self.below.split_at_checked(start as usize)?;
        self.below = rest;
        Some(row)
    }

    #[inline(always)]
    fn offer(&mut self, query: &mut Query<'_, '_, E>, score: f32) {
        if admits(score, self.threshold) {
            query.offer(self.item, score);
            self.threshold = query.top.threshold();
        }
        self.item += 1;
    }
}

/// The score of a row with so many dimensions.
#[inline(always)]
fn sum<E: Element, const L: usize>(bias: &E, user: &[f32; LANES], row: [&E; L]) -> f32 {
    // What is missing is a zero that changes no sum.
    let lane = |n: usize| match (user.get(n), row.get(n)) {
        (Some(x), Some(y)) => x * y.to_f32(),
        _ => -0.0,
    };
    let lanes = [lane(0), lane(1), lane(2), lane(3), lane(4), lane(5), lane(6), lane(7)];
    E::bias(&[*bias]) + math::fold(lanes)
}
