//! The best items for a user, out of all of them.

use super::model::Recommender;
use super::order::{Items, Place};
use super::score;
use super::top_k::{Scored, TopK};
use crate::Side;
use crate::arena::Element;
use crate::math::{LANES, fold};

impl<E: Element> Recommender<'_, E> {
    /// The best items for `user` that it did not have lately, best first, in `out`; returns how many.
    ///
    /// Equal scores go to the smaller id. An unknown user is answered with the cold-start row. O(elements of
    /// all items); [`retrieve`](Self::retrieve) filters by another rule.
    pub fn recommend(&self, user: u32, out: &mut [Scored]) -> usize {
        self.retrieve(user, out, |item| self.seen().contains(user, item))
    }

    /// The best items for `user` that are not `excluded`, best first, in `out`; returns how many.
    ///
    /// `excluded` is asked about items that would get in, not about all. Scores have the bits of
    /// [`score`](Self::score).
    #[inline(always)]
    pub fn retrieve(&self, user: u32, out: &mut [Scored], mut excluded: impl FnMut(u32) -> bool) -> usize {
        let arena = self.arena();
        let mut query = Query {
            user: arena.row(Side::User, user),
            items: Items::new(arena),
            bias: usize::from(self.config().get().item_bias),
            top: TopK::new(out),
            excluded: &mut excluded,
        };
        for (place, words) in self.order().classes() {
            match place {
                Place::Row(length) => query.visit(length, words),
                _ => query.visit_any(place, words.iter().copied()),
            }
        }
        query.visit_any(Place::Id, self.order().len()..arena.count(Side::Item));
        query.top.finish()
    }
}

/// One user's question to many items.
struct Query<'r, 'o, 'x, E, X> {
    user: &'r [E],
    items: Items<'r, E>,
    /// Elements before an item's embedding.
    bias: usize,
    top: TopK<'o>,
    excluded: &'x mut X,
}

impl<E: Element, X: FnMut(u32) -> bool> Query<'_, '_, '_, E, X> {
    #[inline(always)]
    fn score(&self, row: &[E]) -> f32 {
        score(self.user, row, self.bias > 0)
    }

    /// An item that is known by its row.
    #[inline(always)]
    fn offer_row(&mut self, start: u32, score: f32) {
        if self.top.admits(score) {
            self.consider(self.items.id(start), score);
        }
    }

    #[cold]
    #[inline(never)]
    fn consider(&mut self, id: u32, score: f32) {
        if !(self.excluded)(id) {
            self.top.offer(id, score);
        }
    }

    /// Any items.
    fn visit_any(&mut self, place: Place, words: impl Iterator<Item = u32>) {
        for word in words {
            let score = self.score(self.items.row_at(place, word));
            if self.top.admits(score) {
                self.consider(self.items.id_at(place, word), score);
            }
        }
    }

    /// Rows of one length.
    #[inline(always)]
    fn visit(&mut self, length: usize, starts: &[u32]) {
        let common = length.saturating_sub(self.bias).min(self.user.len());
        match common.div_ceil(LANES) {
            0 => self.visit_biases(starts),
            1 => self.visit_chunks::<1>(length, common, starts),
            2 => self.visit_chunks::<2>(length, common, starts),
            3 => self.visit_chunks::<3>(length, common, starts),
            4 => self.visit_chunks::<4>(length, common, starts),
            5 => self.visit_chunks::<5>(length, common, starts),
            6 => self.visit_chunks::<6>(length, common, starts),
            7 => self.visit_chunks::<7>(length, common, starts),
            8 => self.visit_chunks::<8>(length, common, starts),
            _ => {
                for &start in starts {
                    self.offer_row(start, self.score(self.items.row(start, length)));
                }
            }
        }
    }

    /// Rows of which no dimension counts.
    #[inline(always)]
    fn visit_biases(&mut self, starts: &[u32]) {
        for &start in starts {
            let bias = self.items.values.get(start as usize).map_or(0.0, |bias| bias.to_f32());
            self.offer_row(start, if self.bias > 0 { bias } else { 0.0 });
        }
    }

    /// Rows of which `common` dimensions count, in `C` blocks of lanes.
    ///
    /// The last block is read whole, beyond the row, and what is not the row's is masked out: no rest, no
    /// branch.
    #[inline(always)]
    fn visit_chunks<const C: usize>(&mut self, length: usize, common: usize, starts: &[u32]) {
        let mut user = [[0.0_f32; LANES]; C];
        for (to, from) in user.as_flattened_mut().iter_mut().zip(self.user) {
            *to = from.to_f32();
        }
        let mut mask = [0_u32; LANES];
        for mask in mask.iter_mut().take(common - (C - 1) * LANES) {
            *mask = u32::MAX;
        }
        for &start in starts {
            let row = self.items.values.get(start as usize..).unwrap_or_default();
            let Some(blocks) = row.get(self.bias..).and_then(|row| row.get(..C * LANES)) else {
                // The last row before the end of the memory.
                self.offer_row(start, self.score(self.items.row(start, length)));
                continue;
            };
            let mut lanes = [0.0_f32; LANES];
            let blocks = blocks.as_chunks::<LANES>().0;
            for (n, (x, y)) in user.iter().zip(blocks).enumerate() {
                for (((lane, x), y), mask) in lanes.iter_mut().zip(x).zip(y).zip(&mask) {
                    let product = x * y.to_f32();
                    let kept = if n + 1 == C { product.to_bits() & mask } else { product.to_bits() };
                    *lane += f32::from_bits(kept);
                }
            }
            let bias = match row.first() {
                Some(bias) if self.bias > 0 => bias.to_f32(),
                _ => 0.0,
            };
            self.offer_row(start, bias + fold(lanes));
        }
    }
}
