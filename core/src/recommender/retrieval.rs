//! The best items for a user, out of all of them.

use super::model::Recommender;
use super::order::{Items, Place};
use super::score;
use super::top_k::{Scored, TopK, admits};
use crate::Side;
use crate::element::{Element, Sum, fold_eight};
use crate::math::LANES;
use crate::tables::{RowLength, Tables};

impl<E: Element, T: Tables> Recommender<'_, E, T> {
    /// The best items for `user` that are not `excluded`, best first, in `out`; returns how many.
    ///
    /// `excluded` is asked about items that would get in, not about all. Scores have the bits of
    /// [`score`](Self::score).
    #[inline(always)]
    pub fn retrieve(&self, user: u32, out: &mut [Scored], mut excluded: impl FnMut(u32) -> bool) -> usize {
        let arena = self.arena();
        let mut query = Query {
            user: arena.row(Side::User, user),
            blocks: [[E::Sum::default(); LANES]; BLOCKS],
            items: Items::new(arena),
            item_bias: self.config().get().item_bias,
            top: TopK::new(out),
            excluded: &mut excluded,
        };
        for (to, from) in query.blocks.as_flattened_mut().iter_mut().zip(query.user) {
            *to = from.factor();
        }
        for (place, words) in self.order().classes() {
            match place {
                Place::Row(length) if query.item_bias && E::BIAS == 1 => query.visit::<1>(length, words),
                Place::Row(length) if query.item_bias => query.visit::<2>(length, words),
                Place::Row(length) if !SMALL => query.visit::<0>(length, words),
                _ => query.visit_any(place, words.iter().copied()),
            }
        }
        query.visit_any(Place::Id, self.order().len()..arena.count(Side::Item));
        query.top.finish()
    }
}

/// Whether code size comes before speed.
const SMALL: bool = cfg!(feature = "small");

/// The most blocks of lanes for which there is a loop of their own.
const BLOCKS: usize = if SMALL { 1 } else { 8 };

/// From word `LANES - n`, a mask that keeps the first `n` lanes.
const MASKS: [u32; 2 * LANES] = [!0, !0, !0, !0, !0, !0, !0, !0, 0, 0, 0, 0, 0, 0, 0, 0];

/// One user's question to many items.
struct Query<'r, 'o, 'x, E: Element, R, X> {
    user: &'r [E],
    /// The leading elements of `user`, and zeros.
    blocks: [[E::Sum; LANES]; BLOCKS],
    items: Items<'r, E, R>,
    item_bias: bool,
    top: TopK<'o>,
    excluded: &'x mut X,
}

impl<E: Element, R: RowLength, X: FnMut(u32) -> bool> Query<'_, '_, '_, E, R, X> {
    #[inline(always)]
    fn score(&self, row: &[E]) -> f32 {
        score(self.user, row, self.item_bias)
    }

    /// Takes an item that is good enough.
    #[cold]
    #[inline(never)]
    fn consider(&mut self, place: Place, word: u32, score: f32) {
        let id = self.items.id_at(place, word);
        if !(self.excluded)(id) {
            self.top.offer(id, score);
        }
    }

    /// Any items.
    fn visit_any(&mut self, place: Place, words: impl Iterator<Item = u32>) {
        for word in words {
            let score = self.score(self.items.row_at(place, word));
            if self.top.admits(score) {
                self.consider(place, word, score);
            }
        }
    }

    /// Rows of one length, of which `BIAS` elements come before the embedding.
    #[inline(always)]
    fn visit<const BIAS: usize>(&mut self, length: usize, starts: &[u32]) {
        let common = length.saturating_sub(BIAS).min(self.user.len());
        if SMALL {
            return match common {
                0 => self.visit_biases::<BIAS>(length, starts),
                1 => self.visit_short::<BIAS, 1>(length, starts),
                2 => self.visit_short::<BIAS, 2>(length, starts),
                3 => self.visit_short::<BIAS, 3>(length, starts),
                4 => self.visit_short::<BIAS, 4>(length, starts),
                5 => self.visit_short::<BIAS, 5>(length, starts),
                6 => self.visit_short::<BIAS, 6>(length, starts),
                7 => self.visit_short::<BIAS, 7>(length, starts),
                8 => self.visit_short::<BIAS, 8>(length, starts),
                _ => self.visit_any(Place::Row(length), starts.iter().copied()),
            };
        }
        match (common, common.div_ceil(LANES)) {
            (0, _) => self.visit_biases::<BIAS>(length, starts),
            (1, _) => self.visit_few::<BIAS, 1>(length, starts),
            (2, _) => self.visit_few::<BIAS, 2>(length, starts),
            (3, _) => self.visit_few::<BIAS, 3>(length, starts),
            (_, 1) => self.visit_blocks::<BIAS, 1>(length, common, starts),
            (_, 2) => self.visit_blocks::<BIAS, 2>(length, common, starts),
            (_, 3) => self.visit_blocks::<BIAS, 3>(length, common, starts),
            (_, 4) => self.visit_blocks::<BIAS, 4>(length, common, starts),
            (_, 5) => self.visit_blocks::<BIAS, 5>(length, common, starts),
            (_, 6) => self.visit_blocks::<BIAS, 6>(length, common, starts),
            (_, 7) => self.visit_blocks::<BIAS, 7>(length, common, starts),
            (_, 8) => self.visit_blocks::<BIAS, 8>(length, common, starts),
            _ => self.visit_any(Place::Row(length), starts.iter().copied()),
        }
    }

    /// Rows of which `L` dimensions count, at most one block of lanes: what a processor without vectors takes
    /// one by one anyway, without a loop.
    #[inline(always)]
    fn visit_short<const BIAS: usize, const L: usize>(&mut self, length: usize, starts: &[u32]) {
        let [[a, b, c, d, e, f, g, h], ..] = self.blocks;
        let values = self.items.values;
        let mut threshold = self.top.threshold();
        for &start in starts {
            let row = values.get(start as usize..).and_then(|rest| rest.get(..BIAS + L));
            let Some((bias, embedding)) = row.and_then(|row| row.split_at_checked(BIAS)) else { continue };
            let Some(embedding) = embedding.first_chunk::<L>() else { continue };
            let zero = E::Sum::default();
            let lane = |n: usize, x: E::Sum| embedding.get(n).map_or(zero, |y| zero + x * y.factor());
            let lanes = [
                lane(0, a),
                lane(1, b),
                lane(2, c),
                lane(3, d),
                lane(4, e),
                lane(5, f),
                lane(6, g),
                lane(7, h),
            ];
            let score = E::score(bias, E::Sum::fold(lanes));
            if admits(score, threshold) {
                self.consider(Place::Row(length), start, score);
                threshold = self.top.threshold();
            }
        }
    }

    /// Rows of which no dimension counts.
    #[inline(always)]
    fn visit_biases<const BIAS: usize>(&mut self, length: usize, starts: &[u32]) {
        let values = self.items.values;
        let mut threshold = self.top.threshold();
        for &start in starts {
            let score = if BIAS > 0 {
                E::bias(values.get(start as usize..).and_then(|rest| rest.get(..length)).unwrap_or_default())
            } else {
                0.0
            };
            if admits(score, threshold) {
                self.consider(Place::Row(length), start, score);
                threshold = self.top.threshold();
            }
        }
    }

    /// Rows of which the first `C` dimensions count, at most three, eight rows side by side.
    #[inline(always)]
    fn visit_few<const BIAS: usize, const C: usize>(&mut self, length: usize, starts: &[u32]) {
        let Some(&user) = self.blocks.first().and_then(|block| block.first_chunk::<C>()) else { return };
        let values = self.items.values;
        let mut threshold = self.top.threshold();
        let (eights, rest) = starts.as_chunks::<LANES>();
        for starts in eights {
            if let Some(scores) = score_few::<E, BIAS, C>(values, starts, &user) {
                self.consider_all(length, starts, &scores, &mut threshold);
            }
        }
        self.visit_any(Place::Row(length), rest.iter().copied());
    }

    /// Rows of which `common` dimensions count, in `N` blocks of lanes, eight rows side by side.
    ///
    /// The last block is read whole, beyond the row, and what is not the row's is masked out: no rest, no
    /// branch.
    #[inline(always)]
    fn visit_blocks<const BIAS: usize, const N: usize>(
        &mut self,
        length: usize,
        common: usize,
        starts: &[u32],
    ) {
        let Some(&user) = self.blocks.first_chunk::<N>() else { return };
        let rest = common.saturating_sub((N - 1) * LANES);
        let window = MASKS.get(LANES.saturating_sub(rest)..).and_then(|masks| masks.first_chunk::<LANES>());
        let Some(&mask) = window else { return };
        let values = self.items.values;
        let mut threshold = self.top.threshold();
        for starts in starts.chunks(LANES) {
            let mut filled = [0; LANES];
            let eight = match starts.first_chunk() {
                Some(eight) => eight,
                None => {
                    filled.fill(starts.first().copied().unwrap_or(0));
                    filled.iter_mut().zip(starts).for_each(|(to, from)| *to = *from);
                    &filled
                }
            };
            match score_eight::<E, BIAS, N>(values, eight, &user, &mask) {
                Some(scores) => self.consider_all(length, starts, &scores, &mut threshold),
                // Among the last rows before the end of the memory.
                None => {
                    self.visit_any(Place::Row(length), starts.iter().copied());
                    threshold = self.top.threshold();
                }
            }
        }
    }

    /// Takes what is good enough among the items of up to eight places; one branch for all that are not.
    #[inline(always)]
    fn consider_all(&mut self, length: usize, starts: &[u32], scores: &[f32; LANES], threshold: &mut f32) {
        let mut any = false;
        for score in scores {
            any |= admits(*score, *threshold);
        }
        if any {
            for (&start, &score) in starts.iter().zip(scores) {
                if self.top.admits(score) {
                    self.consider(Place::Row(length), start, score);
                }
            }
            *threshold = self.top.threshold();
        }
    }
}

/// The scores of the rows that begin at eight places, of which the first `C` dimensions count, at most three.
///
/// The other lanes hold nothing, so that of [`Sum::fold`] these sums are left.
#[inline(always)]
fn score_few<E: Element, const BIAS: usize, const C: usize>(
    values: &[E],
    starts: &[u32; LANES],
    user: &[E::Sum; C],
) -> Option<[f32; LANES]> {
    let mut rows: [&[E]; LANES] = [&[]; LANES];
    for (row, &start) in rows.iter_mut().zip(starts) {
        let start = start as usize;
        *row = values.get(start..start + (BIAS + C))?;
    }
    let mut scores = [0.0; LANES];
    for (score, row) in scores.iter_mut().zip(rows) {
        let (bias, row) = row.split_at_checked(BIAS)?;
        // Spelled out: a loop of two or three rounds would go through memory.
        let zero = E::Sum::default();
        let lane = |n: usize| match (user.get(n), row.get(n)) {
            (Some(&x), Some(y)) => zero + x * y.factor(),
            _ => zero,
        };
        *score = E::score(bias, (lane(0) + lane(2)) + lane(1));
    }
    Some(scores)
}

/// The scores of the rows that begin at eight places; `None` if a whole number of blocks reaches beyond the end.
#[inline(always)]
fn score_eight<E: Element, const BIAS: usize, const N: usize>(
    values: &[E],
    &[a, b, c, d, e, f, g, h]: &[u32; LANES],
    user: &[[E::Sum; LANES]; N],
    mask: &[u32; LANES],
) -> Option<[f32; LANES]> {
    let (a, b) =
        (multiply::<E, BIAS, N>(values, a, user, mask)?, multiply::<E, BIAS, N>(values, b, user, mask)?);
    let (c, d) =
        (multiply::<E, BIAS, N>(values, c, user, mask)?, multiply::<E, BIAS, N>(values, d, user, mask)?);
    let (e, f) =
        (multiply::<E, BIAS, N>(values, e, user, mask)?, multiply::<E, BIAS, N>(values, f, user, mask)?);
    let (g, h) =
        (multiply::<E, BIAS, N>(values, g, user, mask)?, multiply::<E, BIAS, N>(values, h, user, mask)?);
    let sums = fold_eight([a.1, b.1, c.1, d.1, e.1, f.1, g.1, h.1]);
    let mut scores = [0.0; LANES];
    for ((score, bias), sum) in scores.iter_mut().zip([a.0, b.0, c.0, d.0, e.0, f.0, g.0, h.0]).zip(sums) {
        *score = E::score(bias, sum);
    }
    Some(scores)
}

/// The bias of a row, and its products with a user's, summed in lanes.
#[inline(always)]
fn multiply<'r, E: Element, const BIAS: usize, const N: usize>(
    values: &'r [E],
    start: u32,
    user: &[[E::Sum; LANES]; N],
    mask: &[u32; LANES],
) -> Option<(&'r [E], [E::Sum; LANES])> {
    let start = start as usize;
    let (bias, row) = values.get(start..start + (BIAS + N * LANES))?.split_at_checked(BIAS)?;
    let mut lanes = [E::Sum::default(); LANES];
    for (n, (x, y)) in user.iter().zip(row.as_chunks::<LANES>().0).enumerate() {
        for (((lane, &x), y), &mask) in lanes.iter_mut().zip(x).zip(y).zip(mask) {
            let product = x * y.factor();
            let product = if n + 1 == N { product.masked(mask) } else { product };
            *lane = *lane + product;
        }
    }
    Some((bias, lanes))
}
