//! The best items for many users at once, for a machine with memory to spare.
//!
//! Each item row is fetched once for all users of a batch. Sixteen items side by side make a panel, six
//! users a tile; both are turned so that the elements of one dimension lie together, in the lanes of
//! [`math::dot`]: the compiler then works on whole vectors of items, and every score gets the bits of
//! [`Recommender::score`]. Short rows are filled up with zeros, so that holds for finite rows.
//!
//! [`math::dot`]: crate::math::dot

use core::ops::Range;

use super::model::{Recommender, RecommenderError};
use super::order::{Items, Place};
use super::top_k::{Scored, TopK, admits};
use crate::Side;
use crate::element::Element;
use crate::math::LANES;
use crate::tables::{RowLength, Tables};

/// Items side by side.
const PANEL: usize = 16;

/// Users side by side.
const TILE: usize = 6;

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

impl<E: Element, T: Tables> Recommender<'_, E, T> {
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
        let order = self.order();
        let count = self.arena.count(Side::Item);
        let mut panels = Panels {
            items: Items::new(&self.arena),
            classes: order.classes(),
            class: (Place::Id, &[]),
            later: order.len()..count,
        };
        let bias = self.bias_elements() as usize;
        while let Some(panel) = panels.next() {
            batch.visit(bias, &panels.items, &panel);
        }
        Ok(())
    }
}

/// Items side by side: words of their places, as many as there are.
struct Panel {
    place: Place,
    words: [u32; PANEL],
    len: usize,
}

/// All items, a panel at a time: those in order, then the later ones.
struct Panels<'r, E, L, C> {
    items: Items<'r, E, L>,
    classes: C,
    class: (Place, &'r [u32]),
    later: Range<u32>,
}

impl<'r, E, L, C: Iterator<Item = (Place, &'r [u32])>> Panels<'r, E, L, C> {
    fn next(&mut self) -> Option<Panel> {
        while self.class.1.is_empty() {
            match self.classes.next() {
                Some(class) => self.class = class,
                None => {
                    let words = core::array::from_fn(|_| self.later.next());
                    let len = words.iter().flatten().count();
                    let words = words.map(|word| word.unwrap_or(0));
                    return Some(Panel { place: Place::Id, words, len }).filter(|panel| panel.len > 0);
                }
            }
        }
        let (place, words) = self.class;
        let mut panel = Panel { place, words: [0; PANEL], len: words.len().min(PANEL) };
        panel.words.iter_mut().zip(words).for_each(|(to, from)| *to = *from);
        self.class.1 = words.get(panel.len..).unwrap_or_default();
        Some(panel)
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
    /// One panel against all users.
    #[inline(always)]
    fn visit<E: Element, L: RowLength>(&mut self, bias: usize, items: &Items<'_, E, L>, panel: &Panel) {
        let mut rows: [&[E]; PANEL] = [&[]; PANEL];
        let mut biases = [0.0; PANEL];
        let mut longest = 0;
        let words = panel.words.iter().take(panel.len);
        for ((row, bias_to), &word) in rows.iter_mut().zip(&mut biases).zip(words) {
            let whole = items.row_at(panel.place, word);
            *row = whole.get(bias..).unwrap_or_default();
            if bias > 0 {
                *bias_to = E::bias(whole);
            }
            longest = longest.max(row.len());
        }
        let panel_chunks = longest.min(self.width).div_ceil(LANES);
        let Some(turned) = self.panel.get_mut(..panel_chunks * LANES) else { return };
        turn(&rows, panel_chunks, turned);

        let chunks = self.padded / LANES;
        let mut tiles = self.tiled.chunks(self.padded.max(1));
        for (n, thresholds) in self.thresholds.iter_mut().enumerate() {
            let tile = tiles.next().unwrap_or_default();
            let mut scores = [[0.0; PANEL]; TILE];
            score_tile(tile, chunks, turned, panel_chunks, &biases, &mut scores);
            for (m, (scores, threshold)) in scores.iter().zip(thresholds).enumerate() {
                let mut any = false;
                for score in scores {
                    any |= admits(*score, *threshold);
                }
                if any {
                    let user = n * TILE + m;
                    let places = self.out.get_mut(user.saturating_mul(self.k)..);
                    let Some(places) = places.and_then(|rest| rest.get_mut(..self.k)) else { continue };
                    let excluded = |item| (self.excluded)(user, item);
                    consider(places, scores, threshold, items, panel, excluded);
                }
            }
        }
    }
}

/// Takes what is good enough among a panel's items for one user.
#[cold]
#[inline(never)]
fn consider<E: Element, L: RowLength>(
    places: &mut [Scored],
    scores: &[f32; PANEL],
    threshold: &mut f32,
    items: &Items<'_, E, L>,
    panel: &Panel,
    mut excluded: impl FnMut(u32) -> bool,
) {
    let mut top = TopK::resume(places);
    for (&score, &word) in scores.iter().zip(&panel.words).take(panel.len) {
        if top.admits(score) {
            let item = items.id_at(panel.place, word);
            if !excluded(item) {
                top.offer(item, score);
            }
        }
    }
    *threshold = top.threshold();
}

/// Writes `rows` side by side: first the elements of lane 0, dimension after dimension, `chunks` of them,
/// then those of the next lane in [`LANE_ORDER`].
#[inline(always)]
fn turn<E: Element, const N: usize>(rows: &[&[E]; N], chunks: usize, out: &mut [[f32; N]]) {
    let mut lanes = out.chunks_exact_mut(chunks.max(1));
    let mut lanes: [&mut [[f32; N]]; LANES] = core::array::from_fn(|_| lanes.next().unwrap_or_default());
    for chunk in 0..chunks {
        let mut block = [[0.0_f32; LANES]; N];
        for (block, row) in block.iter_mut().zip(rows) {
            let rest = row.get(chunk * LANES..).unwrap_or_default();
            match rest.first_chunk::<LANES>() {
                Some(whole) => block.iter_mut().zip(whole).for_each(|(to, from)| *to = from.to_f32()),
                None => block.iter_mut().zip(rest).for_each(|(to, from)| *to = from.to_f32()),
            }
        }
        for (lane, n) in lanes.iter_mut().zip(LANE_ORDER) {
            if let Some(out) = lane.get_mut(chunk) {
                for (to, block) in out.iter_mut().zip(&block) {
                    *to = block.get(n).copied().unwrap_or(0.0);
                }
            }
        }
    }
}

/// The scores of six users and sixteen items.
#[inline(always)]
fn score_tile(
    tile: &[[f32; TILE]],
    tile_chunks: usize,
    panel: &[[f32; PANEL]],
    panel_chunks: usize,
    biases: &[f32; PANEL],
    scores: &mut Scores,
) {
    let mut tiles = tile.chunks(tile_chunks.max(1));
    let mut panels = panel.chunks(panel_chunks.max(1));
    let lanes: [Scores; LANES] = [
        score_lane(tiles.next(), panels.next()),
        score_lane(tiles.next(), panels.next()),
        score_lane(tiles.next(), panels.next()),
        score_lane(tiles.next(), panels.next()),
        score_lane(tiles.next(), panels.next()),
        score_lane(tiles.next(), panels.next()),
        score_lane(tiles.next(), panels.next()),
        score_lane(tiles.next(), panels.next()),
    ];
    let [a, e, c, g, b, f, d, h] = core::hint::black_box(&lanes);
    let lanes = a.iter().zip(e).zip(c).zip(g).zip(b).zip(f).zip(d).zip(h);
    for (scores, (((((((a, e), c), g), b), f), d), h)) in scores.iter_mut().zip(lanes) {
        let lanes = a.iter().zip(e).zip(c).zip(g).zip(b).zip(f).zip(d).zip(h);
        for ((score, bias), (((((((a, e), c), g), b), f), d), h)) in scores.iter_mut().zip(biases).zip(lanes)
        {
            *score = bias + (((a + e) + (c + g)) + ((b + f) + (d + h)));
        }
    }
}

/// One lane's sums. Six separate sums, since LLVM then keeps all of them in registers.
#[inline(always)]
fn score_lane(tile: Option<&[[f32; TILE]]>, panel: Option<&[[f32; PANEL]]>) -> Scores {
    let (tile, panel) = (tile.unwrap_or_default(), panel.unwrap_or_default());
    let [mut a, mut b, mut c, mut d, mut e, mut f] = [[0.0_f32; PANEL]; TILE];
    for (&[p, q, r, s, t, u], items) in tile.iter().zip(panel) {
        multiply_add(&mut a, p, items);
        multiply_add(&mut b, q, items);
        multiply_add(&mut c, r, items);
        multiply_add(&mut d, s, items);
        multiply_add(&mut e, t, items);
        multiply_add(&mut f, u, items);
    }
    [a, b, c, d, e, f]
}

#[inline(always)]
fn multiply_add(sums: &mut [f32; PANEL], user: f32, items: &[f32; PANEL]) {
    for (sum, item) in sums.iter_mut().zip(items) {
        *sum += user * item;
    }
}
