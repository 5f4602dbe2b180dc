//! The best items for many users at once, for a machine with memory to spare.
//!
//! Each item row is fetched once for all users of a batch. Sixteen items side by side make a panel, four
//! users a tile; both are turned so that the elements of one dimension lie together, in the lanes of
//! [`math::dot`]: the compiler then works on whole vectors of items, and every score gets the bits of
//! [`Recommender::score`]. Short rows are filled up with zeros, so that holds for finite rows.
//!
//! [`math::dot`]: crate::math::dot

use core::slice::Chunks;

use super::model::{Recommender, RecommenderError};
use super::order::{Class, Items};
use super::top_k::{Scored, TopK, admits};
use crate::Side;
use crate::arena::Element;
use crate::math::LANES;

/// Items side by side.
const PANEL: usize = 16;

/// Users side by side.
const TILE: usize = 4;

/// The lanes in the order in which their sums meet; see [`math::fold`](crate::math::fold).
const LANE_ORDER: [usize; LANES] = [0, 4, 2, 6, 1, 5, 3, 7];

/// Scores of a tile by a panel.
type Scores = [[f32; PANEL]; TILE];

/// Length in elements of the scratch of [`Recommender::retrieve_batch`] for `users` users whose longest row
/// has `width` elements.
pub const fn batch_scratch_len(users: usize, width: usize) -> usize {
    let padded = width.div_ceil(LANES).saturating_mul(LANES);
    let tiles = users.div_ceil(TILE);
    padded.saturating_mul(PANEL).saturating_add(tiles.saturating_mul(TILE).saturating_mul(padded + 1))
}

impl<E: Element> Recommender<'_, E> {
    /// The best `k` items for each of `users`, best first: those of `users[n]` in
    /// `out[n * k..(n + 1) * k]`, filled up with [`Scored::NONE`].
    ///
    /// `excluded(n, item)` is asked about items that would get in. Equal scores go to the smaller id. The
    /// same result as [`retrieve`](Self::retrieve) for each user, many times as fast; inlined whole, so that
    /// a caller can have it compiled for wider vectors.
    ///
    /// # Errors
    /// `scratch` shorter than [`batch_scratch_len`], or `out` than `users.len() * k`.
    #[inline(always)]
    pub fn retrieve_batch(
        &self,
        users: &[u32],
        k: usize,
        scratch: &mut [f32],
        out: &mut [Scored],
        mut excluded: impl FnMut(usize, u32) -> bool,
    ) -> Result<(), RecommenderError> {
        let width = users.iter().map(|&user| self.arena.row(Side::User, user).len()).max().unwrap_or(0);
        let (needed, available) = (batch_scratch_len(users.len(), width), scratch.len());
        let places = users.len().saturating_mul(k);
        let Some(out) = out.get_mut(..places) else {
            return Err(RecommenderError::ShortOutput { needed: places, available: out.len() });
        };
        let short = RecommenderError::ShortScratch { needed, available };
        let padded = width.div_ceil(LANES).saturating_mul(LANES);
        let tiles = users.len().div_ceil(TILE);
        let (panel, rest) = scratch.split_at_mut_checked(padded.saturating_mul(PANEL)).ok_or(short)?;
        let (thresholds, rest) = rest.split_at_mut_checked(tiles.saturating_mul(TILE)).ok_or(short)?;
        let tiled = rest.get_mut(..tiles.saturating_mul(TILE).saturating_mul(padded)).ok_or(short)?;
        out.fill(Scored::NONE);
        if k == 0 {
            return Ok(());
        }

        let (thresholds, _) = thresholds.as_chunks_mut::<TILE>();
        thresholds.fill([f32::NEG_INFINITY; TILE]);
        let (panel, _) = panel.as_chunks_mut::<PANEL>();
        let (tiled, _) = tiled.as_chunks_mut::<TILE>();
        let chunks = padded / LANES;
        for (tile, users) in tiled.chunks_mut(padded.max(1)).zip(users.chunks(TILE)) {
            let mut rows: [&[E]; TILE] = [&[]; TILE];
            for (row, &user) in rows.iter_mut().zip(users) {
                *row = self.arena.row(Side::User, user);
            }
            turn(&rows, chunks, tile);
        }

        let mut batch = Batch { k, width, tiled, padded, panel, thresholds, out, excluded: &mut excluded };
        let items = Items::new(&self.arena);
        let bias = usize::from(self.config().get().item_bias);
        let cold = self.arena.cold_row(Side::Item);
        for class in self.order().classes() {
            match class {
                Class::Cold(ids) => {
                    for ids in ids.chunks(PANEL) {
                        batch.visit(bias, ids.iter().map(|_| cold), |n| ids.get(n).copied());
                    }
                }
                Class::Equal(length, starts) => {
                    for starts in starts.chunks(PANEL) {
                        let rows = starts.iter().map(|&start| items.row(start, length));
                        batch.visit(bias, rows, |n| starts.get(n).map(|&start| items.id(start)));
                    }
                }
                Class::Mixed(starts) => {
                    for starts in starts.chunks(PANEL) {
                        let rows =
                            starts.iter().map(|&start| items.row(start, items.span(items.id(start)).1));
                        batch.visit(bias, rows, |n| starts.get(n).map(|&start| items.id(start)));
                    }
                }
            }
        }
        let count = self.arena.count(Side::Item);
        let mut next = self.order().len();
        while next < count {
            let ids = next..count.min(next.saturating_add(PANEL as u32));
            next = ids.end;
            let rows = ids.clone().map(|id| self.arena.row(Side::Item, id));
            batch.visit(bias, rows, |n| ids.clone().nth(n));
        }
        Ok(())
    }
}

/// Many users' question to many items.
struct Batch<'s, X> {
    k: usize,
    /// The longest user row.
    width: usize,
    /// The users' tiles, each of `padded` dimensions.
    tiled: &'s [[f32; TILE]],
    padded: usize,
    panel: &'s mut [[f32; PANEL]],
    thresholds: &'s mut [[f32; TILE]],
    out: &'s mut [Scored],
    excluded: &'s mut X,
}

impl<X: FnMut(usize, u32) -> bool> Batch<'_, X> {
    /// Up to a panel of item rows, and what the id of the `n`-th is.
    #[inline(always)]
    fn visit<'e, E: Element>(
        &mut self,
        bias: usize,
        items: impl Iterator<Item = &'e [E]>,
        id: impl Fn(usize) -> Option<u32>,
    ) {
        let mut rows: [&[E]; PANEL] = [&[]; PANEL];
        let mut biases = [0.0; PANEL];
        let mut longest = 0;
        for ((to, bias_to), row) in rows.iter_mut().zip(&mut biases).zip(items) {
            *to = row.get(bias..).unwrap_or_default();
            if bias > 0 {
                *bias_to = row.first().map_or(0.0, |bias| bias.to_f32());
            }
            longest = longest.max(to.len());
        }
        let panel_chunks = longest.min(self.width).div_ceil(LANES);
        let Some(panel) = self.panel.get_mut(..panel_chunks * LANES) else { return };
        turn(&rows, panel_chunks, panel);

        let chunks = self.padded / LANES;
        let mut tiles = self.tiled.chunks(self.padded.max(1));
        for (n, thresholds) in self.thresholds.iter_mut().enumerate() {
            let tile = tiles.next().unwrap_or_default();
            let mut scores = score_tile(tile, chunks, panel, panel_chunks);
            for (m, (scores, threshold)) in scores.iter_mut().zip(thresholds).enumerate() {
                let mut any = false;
                for (score, bias) in scores.iter_mut().zip(&biases) {
                    *score += bias;
                    any |= admits(*score, *threshold);
                }
                if any {
                    let user = n * TILE + m;
                    let places = self.out.get_mut(user.saturating_mul(self.k)..);
                    let Some(places) = places.and_then(|rest| rest.get_mut(..self.k)) else { continue };
                    consider(places, scores, threshold, &id, |item| (self.excluded)(user, item));
                }
            }
        }
    }
}

/// Takes what is good enough among a panel's items for one user.
#[inline(never)]
fn consider(
    places: &mut [Scored],
    scores: &[f32; PANEL],
    threshold: &mut f32,
    id: impl Fn(usize) -> Option<u32>,
    mut excluded: impl FnMut(u32) -> bool,
) {
    let mut top = TopK::resume(places);
    for (n, &score) in scores.iter().enumerate() {
        if top.admits(score)
            && let Some(item) = id(n)
            && !excluded(item)
        {
            top.offer(item, score);
        }
    }
    *threshold = top.threshold();
}

/// Writes `rows` side by side: first the elements of lane 0, dimension after dimension, `chunks` of them,
/// then those of the next lane in [`LANE_ORDER`].
#[inline(always)]
fn turn<E: Element, const N: usize>(rows: &[&[E]; N], chunks: usize, out: &mut [[f32; N]]) {
    out.fill([0.0; N]);
    for (n, row) in rows.iter().enumerate() {
        for (lane, out) in LANE_ORDER.iter().zip(out.chunks_mut(chunks.max(1))) {
            let elements = row.get(*lane..).unwrap_or_default().iter().step_by(LANES);
            for (place, element) in out.iter_mut().zip(elements) {
                if let Some(place) = place.get_mut(n) {
                    *place = element.to_f32();
                }
            }
        }
    }
}

/// The dot products of four users and sixteen items.
#[inline(always)]
fn score_tile(
    tile: &[[f32; TILE]],
    tile_chunks: usize,
    panel: &[[f32; PANEL]],
    panel_chunks: usize,
) -> Scores {
    let mut tiles = tile.chunks(tile_chunks.max(1));
    let mut panels = panel.chunks(panel_chunks.max(1));
    let first = score_pair(&mut tiles, &mut panels);
    let even = add(first, &score_pair(&mut tiles, &mut panels));
    let first = score_pair(&mut tiles, &mut panels);
    let odd = add(first, &score_pair(&mut tiles, &mut panels));
    add(even, &odd)
}

/// The sum of two lanes' sums.
#[inline(always)]
fn score_pair(tiles: &mut Chunks<'_, [f32; TILE]>, panels: &mut Chunks<'_, [f32; PANEL]>) -> Scores {
    let first = score_lane(tiles.next().unwrap_or_default(), panels.next().unwrap_or_default());
    let second = score_lane(tiles.next().unwrap_or_default(), panels.next().unwrap_or_default());
    add(first, &second)
}

/// One lane's sums.
#[inline(always)]
fn score_lane(tile: &[[f32; TILE]], panel: &[[f32; PANEL]]) -> Scores {
    let mut sums = [[0.0_f32; PANEL]; TILE];
    for (users, items) in tile.iter().zip(panel) {
        for (sums, user) in sums.iter_mut().zip(users) {
            for (sum, item) in sums.iter_mut().zip(items) {
                *sum += user * item;
            }
        }
    }
    sums
}

#[inline(always)]
fn add(mut a: Scores, b: &Scores) -> Scores {
    for (a, b) in a.iter_mut().zip(b) {
        for (a, b) in a.iter_mut().zip(b) {
            *a += b;
        }
    }
    a
}
