//! Users as what they took last: a query made of the rows of their most recent items.
//!
//! ```text
//! query(u) = p_u + sum_k w_k q_(i_k),   w_k = DECAY^k / sum_n DECAY^n
//! ```
//!
//! `i_0` is the item that the user took last, `p_u` the user's own row, which may have no elements: then the
//! ids of a few items are all that is kept of a user. The query stands where the user's row would: scores are
//! its dot products with the items' rows, plus their biases. Items have one row for both of their parts, as in
//! FISM (Kabbur et al., KDD 2013) with a row of the user's own as in SVD++ (Koren, KDD 2008). A step of BPR
//! reaches all rows that the query is made of, each with the step size of its own accumulator.

use super::config::RecommenderConfig;
use super::model::Recommender;
use crate::Side;
use crate::element::Element;
use crate::math;
use crate::tables::{SquareSum, Tables};

/// The weight of an item in a query, relative to the item taken after it.
pub const DECAY: f32 = 0.7;

/// Length in elements of the scratch of [`Recommender::learn_recent`], for rows of up to `longest`.
pub const fn recent_scratch_len(longest: usize) -> usize {
    longest.saturating_mul(2)
}

/// A row that a query is made of, and how much of it.
#[derive(Clone, Copy)]
struct Ingredient {
    side: Side,
    id: u32,
    weight: f32,
}

impl<E: Element, T: Tables> Recommender<'_, E, T> {
    /// Writes what stands for a user who took the items `recent` last, newest first, to `query`, filled up
    /// with zeros; returns how many dimensions it has, none if there is nothing to make it of.
    ///
    /// Items without a row of their own count, but have nothing to add. O(dimensions x recent items).
    pub fn compose(&self, user: u32, recent: impl Iterator<Item = u32> + Clone, query: &mut [f32]) -> usize {
        query.fill(0.0);
        let mut dimensions = 0;
        for ingredient in ingredients(user, recent) {
            let row = self.own_dimensions(ingredient.side, ingredient.id);
            dimensions = dimensions.max(row.len().min(query.len()));
            for (sum, element) in query.iter_mut().zip(row) {
                *sum += ingredient.weight * element.to_f32();
            }
        }
        dimensions
    }

    /// The score of an item for a query.
    #[inline(always)]
    pub fn score_query(&self, query: &[f32], item: u32) -> f32 {
        let row = self.arena.row(Side::Item, item);
        let (bias, dimensions) = row.split_at_checked(self.bias_elements() as usize).unwrap_or((row, &[]));
        let bias = if self.config.get().item_bias { E::bias(bias) } else { 0.0 };
        let products = query.iter().zip(dimensions).map(|(x, y)| x * y.to_f32());
        bias + products.fold(0.0, |sum, product| sum + product)
    }

    /// Learns that a user took an item after `recent`, newest first: `config.negatives` updates as of
    /// [`learn`](Self::learn), with the query in the place of the user's row. The item itself is left out of
    /// `recent`.
    ///
    /// Returns the margin before the first update, `None` if there was no other item to compare with, or if
    /// `scratch` is shorter than [`recent_scratch_len`] of the longest row. O(dimensions x recent items).
    #[inline(always)]
    pub fn learn_recent(
        &mut self,
        user: u32,
        item: u32,
        recent: impl Iterator<Item = u32> + Clone,
        scratch: &mut [f32],
    ) -> Option<f32> {
        let (query, difference) = scratch.split_at_mut_checked(scratch.len() / 2)?;
        let recent = recent.filter(move |&other| other != item);
        let mut margin = None;
        for n in 0..self.config.get().negatives {
            let dimensions = self.compose(user, recent.clone(), query);
            let query = query.get(..dimensions).unwrap_or_default();
            let found = self.update_recent(user, item, recent.clone(), query, difference);
            margin = if n == 0 { found } else { margin };
        }
        margin
    }

    #[inline(always)]
    fn update_recent(
        &mut self,
        user: u32,
        item: u32,
        recent: impl Iterator<Item = u32> + Clone,
        query: &[f32],
        difference: &mut [f32],
    ) -> Option<f32> {
        let negative = self.draw_negative_for(user, item, query)?;
        if self.arena.is_cold(Side::Item, item) && self.arena.is_cold(Side::Item, negative) {
            // One cold-start row stands for both items: nothing to tell apart.
            return Some(0.0);
        }
        let margin = self.score_query(query, item) - self.score_query(query, negative);
        let pull = math::sigmoid(-margin);
        difference.fill(0.0);
        let mut reached = 0;
        for (id, sign) in [(item, 1.0_f32), (negative, -1.0)] {
            let row = self.own_dimensions(Side::Item, id);
            reached = reached.max(row.len().min(query.len()));
            for (sum, element) in difference.iter_mut().zip(row) {
                *sum += sign * element.to_f32();
            }
        }
        let difference = difference.get(..reached).unwrap_or_default();
        for (id, sign) in [(item, 1.0_f32), (negative, -1.0)] {
            self.step_toward(Side::Item, id, sign * pull, query);
            self.step_bias(id, sign * pull);
        }
        for Ingredient { side, id, weight } in ingredients(user, recent) {
            self.step_toward(side, id, weight * pull, difference);
        }
        Some(margin)
    }

    /// The best-scored of a few items that the user did not have lately.
    #[inline(always)]
    fn draw_negative_for(&mut self, user: u32, item: u32, query: &[f32]) -> Option<u32> {
        let mut hardest = self.draw(user, item)?;
        let draws = self.config.get().hardest_of;
        if draws > 1 {
            let mut highest = self.score_query(query, hardest);
            for _ in 1..draws {
                let other = self.draw(user, item)?;
                let score = self.score_query(query, other);
                if score > highest {
                    (hardest, highest) = (other, score);
                }
            }
        }
        Some(hardest)
    }

    /// Moves a row by AdaGrad along `pull` times `other`, and by its own decay, in the dimensions that both
    /// have.
    #[inline(always)]
    fn step_toward(&mut self, side: Side, id: u32, pull: f32, other: &[f32]) {
        let RecommenderConfig { learning_rate, user_l2, item_l2, .. } = *self.config.get();
        let l2 = match side {
            Side::User => user_l2,
            Side::Item => item_l2,
        };
        let row = self.own_dimensions(side, id);
        let dimensions = row.len().min(other.len());
        if dimensions == 0 {
            return;
        }
        let gradient = |own: E, other: f32| pull * other - l2 * own.to_f32();
        let square = row.iter().zip(other).fold(0.0, |sum, (&own, &other)| {
            let gradient = gradient(own, other);
            sum + gradient * gradient
        });
        let mean = square / dimensions as u32 as f32;
        let dither = if T::DITHERS { self.rounding.next_u32() } else { 0 };
        let mut accumulator = self.accumulator(side, id, false);
        let rate = learning_rate * accumulator.advance(mean, dither);
        self.set_accumulator(side, id, false, accumulator);
        let bias = if side == Side::Item { self.bias_elements() as usize } else { 0 };
        let Self { arena, rounding, saturated, .. } = self;
        let row = arena.row_mut(side, id).get_mut(bias..).unwrap_or_default();
        let [highest, lowest] = [f32::MAX, f32::MIN].map(|end| E::from_f32(end).to_f32());
        for (own, &other) in row.iter_mut().zip(other) {
            let value = own.to_f32() + rate * gradient(*own, other);
            // Added before rounding to the nearest, an even number within half a step either way rounds by chance.
            let chance = if E::DITHERS { E::STEP * (rounding.uniform() - 0.5) } else { 0.0 };
            *own = E::from_f32(value + chance);
            *saturated = saturated.saturating_add(u64::from(value > highest || value < lowest));
        }
    }

    #[inline(always)]
    fn step_bias(&mut self, item: u32, pull: f32) {
        let RecommenderConfig { item_bias, bias_learning_rate, bias_l2, .. } = *self.config.get();
        if item_bias {
            let dither = if E::DITHERS { self.rounding.next_u32() } else { 0 };
            let row = self.arena.row_mut(Side::Item, item);
            let value = E::bias(row);
            let saturated = E::set_bias(row, value + bias_learning_rate * (pull - bias_l2 * value), dither);
            self.saturated = self.saturated.saturating_add(u64::from(saturated));
        }
    }

    /// The embedding of an entity, empty if it has no row of its own.
    #[inline(always)]
    fn own_dimensions(&self, side: Side, id: u32) -> &[E] {
        if self.arena.is_cold(side, id) {
            return &[];
        }
        let bias = if side == Side::Item { self.bias_elements() as usize } else { 0 };
        self.arena.row(side, id).get(bias..).unwrap_or_default()
    }
}

/// The user's own row, and those of the recent items with weights that fall by [`DECAY`] and add up to one.
#[inline(always)]
fn ingredients(user: u32, recent: impl Iterator<Item = u32> + Clone) -> impl Iterator<Item = Ingredient> {
    let mut total = 0.0;
    let mut weight = 1.0;
    for _ in recent.clone() {
        total += weight;
        weight *= DECAY;
    }
    let mut weight = if total > 0.0 { 1.0 / total } else { 0.0 };
    let own = core::iter::once(Ingredient { side: Side::User, id: user, weight: 1.0 });
    own.chain(recent.map(move |id| {
        let ingredient = Ingredient { side: Side::Item, id, weight };
        weight *= DECAY;
        ingredient
    }))
}

#[cfg(test)]
mod tests;
