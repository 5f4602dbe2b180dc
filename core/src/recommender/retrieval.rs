//! The best items for a user, out of all of them.
//!
//! Rows of equal length in a row make a loop whose branches are foreseen, so items are visited in blocks
//! of neighbouring ids (which keeps memory close) and within a block by descending length. The result does
//! not depend on the order.

use super::model::Recommender;
use super::score;
use super::top_k::{Scored, TopK};
use crate::Side;
use crate::arena::Element;

/// Ids that are sorted by length together.
const BLOCK: usize = 4096;

/// Lengths that are told apart; longer rows count as this long.
const LENGTHS: usize = 128;

impl<E: Element> Recommender<'_, E> {
    /// Puts the retrieval order of all known items in their words; O(items).
    ///
    /// [`repack`](Self::repack) does it. What is in the words is lost.
    pub fn reorder(&mut self) {
        let count = self.arena.count(Side::Item);
        let class = |id: u32| LENGTHS - (self.arena.size(Side::Item, id) as usize).min(LENGTHS);
        let words = self.words.item.get_mut(..count as usize).unwrap_or_default();
        let mut first = 0;
        for block in words.chunks_mut(BLOCK) {
            let ids = first..first + block.len() as u32;
            // A counting sort: first how many rows each class has, then where each class begins.
            let mut places = [0_u32; LENGTHS + 1];
            for id in ids.clone() {
                if let Some(place) = places.get_mut(class(id)) {
                    *place += 1;
                }
            }
            let mut begin = 0;
            for place in &mut places {
                begin += core::mem::replace(place, begin);
            }
            for id in ids {
                if let Some(place) = places.get_mut(class(id)) {
                    if let Some(word) = block.get_mut(*place as usize) {
                        *word = id;
                    }
                    *place += 1;
                }
            }
            first += block.len() as u32;
        }
        self.ordered = count;
    }

    /// The best items for `user` that it did not have lately, best first, in `out`; returns how many.
    ///
    /// Equal scores go to the smaller id. An unknown user is answered with the cold-start row. O(elements of
    /// all items); [`retrieve`](Self::retrieve) filters by another rule.
    pub fn recommend(&self, user: u32, out: &mut [Scored]) -> usize {
        self.retrieve(user, out, |item| self.seen.contains(user, item))
    }

    /// The best items for `user` that `excluded` does not say, best first, in `out`; returns how many.
    ///
    /// `excluded` is asked about items that would get in, not about all.
    #[inline(always)]
    pub fn retrieve(
        &self,
        user: u32,
        out: &mut [Scored],
        mut excluded: impl FnMut(u32) -> bool,
    ) -> usize {
        let mut top = TopK::new(out);
        let query = Query::new(self, user);
        let count = self.arena.count(Side::Item);
        let ordered = self.words.item.get(..self.ordered.min(count) as usize).unwrap_or_default();
        query.visit(ordered, &mut top, &mut excluded);
        // What came after the order was made follows in small batches.
        let mut ids = [0_u32; 64];
        let mut next = ordered.len() as u32;
        while next < count {
            let mut filled = 0;
            for (id, value) in ids.iter_mut().zip(next..count) {
                *id = value;
                filled += 1;
            }
            next += filled;
            query.visit(ids.get(..filled as usize).unwrap_or_default(), &mut top, &mut excluded);
        }
        top.finish()
    }
}

/// One user's question to many items.
struct Query<'r, E> {
    user: &'r [E],
    values: &'r [E],
    boundaries: &'r [u32],
    cold_score: f32,
    item_bias: bool,
}

impl<'r, E: Element> Query<'r, E> {
    #[inline(always)]
    fn new(recommender: &'r Recommender<'_, E>, user: u32) -> Self {
        let item_bias = recommender.config().get().item_bias;
        let user = recommender.arena.row(Side::User, user);
        let (values, boundaries) = recommender.arena.item_table();
        let cold_score = score(user, recommender.arena.cold_row(Side::Item), item_bias);
        Self { user, values, boundaries, cold_score, item_bias }
    }

    /// An item's own row; empty if it has none.
    #[inline(always)]
    fn row(&self, item: u32) -> &'r [E] {
        match self.boundaries.get(item as usize..).and_then(|rest| rest.first_chunk()) {
            Some(&[end, start]) => self.values.get(start as usize..end as usize).unwrap_or_default(),
            None => &[],
        }
    }

    #[inline(always)]
    fn visit(&self, mut items: &[u32], top: &mut TopK<'_>, excluded: &mut impl FnMut(u32) -> bool) {
        while let Some(&first) = items.first() {
            // Longer embeddings than the user's count as of its length.
            let length = self.row(first).len();
            let bias = usize::from(self.item_bias);
            let common = length.saturating_sub(bias).min(self.user.len());
            items = match (length, common) {
                (0, _) => self.visit_cold(items, top, excluded),
                (_, 0) => self.visit_short::<0>(length, items, top, excluded),
                (_, 1) => self.visit_short::<1>(length, items, top, excluded),
                (_, 2) => self.visit_short::<2>(length, items, top, excluded),
                (_, 3) => self.visit_short::<3>(length, items, top, excluded),
                (_, 4) => self.visit_short::<4>(length, items, top, excluded),
                (_, 5) => self.visit_short::<5>(length, items, top, excluded),
                (_, 6) => self.visit_short::<6>(length, items, top, excluded),
                (_, 7) => self.visit_short::<7>(length, items, top, excluded),
                (_, 8) => self.visit_short::<8>(length, items, top, excluded),
                _ => self.visit_long(length, items, top, excluded),
            };
        }
    }

    /// Items without a row, up to the first that has one; returns the rest.
    #[inline(always)]
    fn visit_cold<'i>(
        &self,
        items: &'i [u32],
        top: &mut TopK<'_>,
        excluded: &mut impl FnMut(u32) -> bool,
    ) -> &'i [u32] {
        for (n, &item) in items.iter().enumerate() {
            if !self.row(item).is_empty() {
                return items.get(n..).unwrap_or_default();
            }
            offer(top, item, self.cold_score, excluded);
        }
        &[]
    }

    /// Items of `length`, of whose embedding `N` elements count, up to the first of another length.
    #[inline(always)]
    fn visit_short<'i, const N: usize>(
        &self,
        length: usize,
        items: &'i [u32],
        top: &mut TopK<'_>,
        excluded: &mut impl FnMut(u32) -> bool,
    ) -> &'i [u32] {
        let mut user = [0.0; N];
        for (to, from) in user.iter_mut().zip(self.user) {
            *to = from.to_f32();
        }
        for (n, &item) in items.iter().enumerate() {
            let row = self.row(item);
            if row.len() != length {
                return items.get(n..).unwrap_or_default();
            }
            let (bias, embedding) = self.split(row);
            let Some(embedding) = embedding.first_chunk::<N>() else { continue };
            offer(top, item, bias + dot_short(&user, embedding), excluded);
        }
        &[]
    }

    /// The same for any number of elements.
    #[inline(always)]
    fn visit_long<'i>(
        &self,
        length: usize,
        items: &'i [u32],
        top: &mut TopK<'_>,
        excluded: &mut impl FnMut(u32) -> bool,
    ) -> &'i [u32] {
        for (n, &item) in items.iter().enumerate() {
            let row = self.row(item);
            if row.len() != length {
                return items.get(n..).unwrap_or_default();
            }
            let (bias, embedding) = self.split(row);
            offer(top, item, bias + E::dot(self.user, embedding), excluded);
        }
        &[]
    }

    #[inline(always)]
    fn split(&self, row: &'r [E]) -> (f32, &'r [E]) {
        match row.split_first() {
            Some((bias, embedding)) if self.item_bias => (bias.to_f32(), embedding),
            _ => (0.0, row),
        }
    }
}

#[inline(always)]
fn offer(top: &mut TopK<'_>, item: u32, score: f32, excluded: &mut impl FnMut(u32) -> bool) {
    if top.admits(score) && !excluded(item) {
        top.offer(item, score);
    }
}

/// [`Element::dot`] of at most eight elements, with its bits.
#[inline(always)]
fn dot_short<const N: usize, E: Element>(user: &[f32; N], item: &[E; N]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    for ((lane, x), y) in lanes.iter_mut().zip(user).zip(item) {
        *lane += x * y.to_f32();
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}
