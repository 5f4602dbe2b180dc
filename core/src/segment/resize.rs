//! From a rule and the frequencies to rows of new sizes.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::allowance::Allowance;
use crate::arena::{ArenaError, Repacked};
use crate::element::Element;
use crate::math;
use crate::random::Generator;
use crate::recommender::{Recommender, RecommenderError};
use crate::side::{PerSide, Side};
use crate::sizes::{
    Action, Distribution, Plan, Settled, SidesFit, SizeSettings, SizesError, draw_weights, expected_weights,
    settle,
};
use crate::tables::{RowLength, Tables, Word};

/// How sizes are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum SizeRule {
    /// SCALL: a share and two shapes, dealt by rank (Qu et al., CIKM 2024).
    Action(Action),
    /// Equal sizes on both sides; what does not divide goes to the most frequent.
    Uniform,
    /// Proportional to a power of the frequency, both sides in one pool.
    Frequency {
        /// The power, above 0; 0.5 is the square root of the frequency.
        power: f32,
    },
    /// Drawn uniformly and dealt blindly, whatever the frequencies.
    Random,
}

/// What stays the same from one size decision to the next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResizeSettings {
    /// Distribution and bounds, in embedding dimensions: an item's bias comes on top.
    pub sizes: SizeSettings,
    /// Draw an action's sizes at random instead of taking their expected values; default off.
    pub draw: bool,
    /// Whether a row keeps its size until its target is more than double or less than half of it, or the
    /// budget forces it; default on.
    pub hysteresis: bool,
}

impl Default for ResizeSettings {
    fn default() -> Self {
        Self { sizes: SizeSettings::default(), draw: false, hysteresis: true }
    }
}

/// What [`resize`] did.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resized {
    /// The dimensions given out.
    pub plan: Plan,
    /// Which rows hysteresis could not keep as they were.
    pub settled: PerSide<Settled>,
    /// What moved in the arena.
    pub repacked: Repacked,
}

/// Gives every entity of `recommender` a row by `rule` inside its arena's budget, and moves the rows.
///
/// An item's bias is paid with its first dimension: an item of size 0 has neither, and is answered from the
/// items' cold-start row. `head_room` elements of the budget stay free for newcomers.
///
/// `counts` are scratch, [`counts_len`](crate::sizes::counts_len) of each side's largest size. The generator
/// is used by drawn and random sizes alone. O(parameters + entities log entities), the logarithm for
/// ranking.
///
/// # Errors
/// A shape out of its range, bounds that cross, or counts too short; sizes and rows are as before then.
pub fn resize<E: Element, T: Tables>(
    recommender: &mut Recommender<'_, E, T>,
    rule: &SizeRule,
    settings: &ResizeSettings,
    head_room: u32,
    counts: PerSide<&mut [u32]>,
    generator: &mut Generator,
) -> Result<Resized, ResizeError> {
    resize_with(recommender, rule, None, settings, head_room, counts, generator)
}

/// As [`resize`], with the sizes proportional to a weight of the caller's for every entity, by id, both sides
/// in one pool, in the type of the recommender's counts. Weights of no more than the smallest positive number count as
/// that.
///
/// # Errors
/// Those of [`resize`], and [`ResizeError::Weights`] if there is not one weight for each known entity; sizes
/// and rows are as before then.
pub fn resize_by_weights<E: Element, T: Tables>(
    recommender: &mut Recommender<'_, E, T>,
    weights: PerSide<&[T::Count]>,
    settings: &ResizeSettings,
    head_room: u32,
    counts: PerSide<&mut [u32]>,
) -> Result<Resized, ResizeError> {
    for side in Side::BOTH {
        let (side_weights, needed) = (weights.get(side), recommender.arena().count(side));
        if side_weights.len() != needed as usize {
            return Err(ResizeError::Weights { side, needed, given: side_weights.len() });
        }
    }
    let rule = SizeRule::Frequency { power: 1.0 };
    // Nothing is drawn by this rule.
    let mut generator = Generator::new(0);
    resize_with(recommender, &rule, Some(weights), settings, head_room, counts, &mut generator)
}

fn resize_with<E: Element, T: Tables>(
    recommender: &mut Recommender<'_, E, T>,
    rule: &SizeRule,
    weights: Option<PerSide<&[T::Count]>>,
    settings: &ResizeSettings,
    head_room: u32,
    mut counts: PerSide<&mut [u32]>,
    generator: &mut Generator,
) -> Result<Resized, ResizeError> {
    let plan = fit_rule(recommender, rule, weights, settings, head_room, counts.as_mut(), generator)?;
    let mut settled = PerSide::<Settled>::default();
    for side in Side::BOTH {
        let counts = &mut **counts.get_mut(side);
        *settled.get_mut(side) = deal_side(recommender, side, rule, weights, settings, counts, generator)?;
    }
    let repacked = recommender.repack()?;
    Ok(Resized { plan, settled, repacked })
}

/// The first half of a decision: how many ranks of each side get which size, in `counts`. The words are lost.
fn fit_rule<E: Element, T: Tables>(
    recommender: &mut Recommender<'_, E, T>,
    rule: &SizeRule,
    weights: Option<PerSide<&[T::Count]>>,
    settings: &ResizeSettings,
    head_room: u32,
    counts: PerSide<&mut [u32]>,
    generator: &mut Generator,
) -> Result<Plan, ResizeError> {
    let bias = recommender.bias_elements();
    let decision = recommender.decide();
    let frequencies = weights.unwrap_or(decision.frequencies);
    let budget = u64::from(decision.arena.row_budget().saturating_sub(head_room));
    let weights = Weights::<T> { rule, settings, frequencies };
    Ok(weights.fit(bias, budget, decision.words, counts, generator)?)
}

/// The second half, for one side: the size of each entity in its word, from the counts of [`fit_rule`]. Who has
/// come since then gets none.
fn deal_side<E: Element, T: Tables>(
    recommender: &mut Recommender<'_, E, T>,
    side: Side,
    rule: &SizeRule,
    weights: Option<PerSide<&[T::Count]>>,
    settings: &ResizeSettings,
    counts: &mut [u32],
    generator: &mut Generator,
) -> Result<Settled, ResizeError> {
    let bias = if side == Side::Item { recommender.bias_elements() } else { 0 };
    check_longest::<T>(side, counts, bias).map_err(RecommenderError::from)?;
    let mut decision = recommender.decide();
    let ranked = counts.iter().fold(0_u32, |sum, &count| sum.saturating_add(count)) as usize;
    let words = &mut **decision.words.get_mut(side);
    let (words, newcomers) = words.split_at_mut_checked(ranked).unwrap_or_default();
    newcomers.fill(T::Word::ZERO);
    let blindly = matches!(rule, SizeRule::Random);
    if blindly {
        T::deal_blindly(words, counts, generator)?;
    } else {
        let frequencies = weights.unwrap_or(decision.frequencies);
        T::deal(frequencies.get(side).get(..ranked).unwrap_or_default(), words, counts)?;
    }
    let mut settled = Settled::default();
    if settings.hysteresis && !blindly {
        let current = |id| decision.arena.size(side, id).saturating_sub(bias);
        settled = settle(words, current, *settings.sizes.bounds.get(side), counts)?;
    }
    for word in words.iter_mut().filter(|word| word.size() > 0) {
        *word = T::Word::of_size(word.size() + bias);
    }
    Ok(settled)
}

/// Refuses counts of ranks by size, the bias not included, if the tables can say no such row.
pub(super) fn check_longest<T: Tables>(side: Side, counts: &[u32], bias: u32) -> Result<(), ArenaError> {
    let largest = counts.iter().rposition(|&ranks| ranks > 0).unwrap_or(0) as u32;
    let (asked, limit) = (largest.saturating_add(bias), T::Length::LONGEST);
    if asked > limit { Err(ArenaError::RowTooLong { side, asked, limit }) } else { Ok(()) }
}

/// How far a fit of weights to a budget has come, of which every item with a row takes a bias for itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fitting {
    Begin,
    /// As if all items had a bias, or half the budget where that is more than they can have.
    First(SidesFit),
    /// The biases of the others are dimensions for those who are served, who are so many.
    Second(SidesFit, usize),
}

impl Fitting {
    /// Goes on; the plan when it is done, with the counts of all ranks.
    #[expect(clippy::too_many_arguments, reason = "what a fit works from")]
    pub(super) fn go_on<W: Word>(
        &mut self,
        settings: &ResizeSettings,
        bias: u32,
        budget: u64,
        user_share: f64,
        words: PerSide<&[W]>,
        mut counts: PerSide<&mut [u32]>,
        allowance: &mut Allowance,
    ) -> Result<Option<Plan>, SizesError> {
        let mut bounds = settings.sizes.bounds;
        let (users, items) = (words.user.len(), words.item.len());
        let biases = u64::from(bias) * items as u64;
        let first = budget.saturating_sub(biases).max(if bias > 0 { budget / 2 } else { budget });
        let of = |counts: &PerSide<&mut [u32]>, bounds, budget, items| {
            let counts = PerSide::new(&*counts.user, &*counts.item);
            SidesFit::new(user_share, bounds, budget, PerSide::new(users, items), counts)
        };
        match self {
            Self::Begin => *self = Self::First(of(&counts, bounds, first, items)?),
            Self::First(fit) => {
                let Some(plan) = fit.go_on(words, counts.as_mut(), allowance) else { return Ok(None) };
                let served = plan.sides.item.served as usize;
                if bias == 0 || (served == items && first + biases == budget) {
                    return Ok(Some(plan));
                }
                bounds.item.min = bounds.item.min.max(1);
                let dimensions = budget.saturating_sub(u64::from(bias) * served as u64);
                *self = Self::Second(of(&counts, bounds, dimensions, served)?, served);
            }
            Self::Second(fit, served) => {
                let weighed = PerSide::new(words.user, words.item.get(..*served).unwrap_or_default());
                let Some(plan) = fit.go_on(weighed, counts.as_mut(), allowance) else { return Ok(None) };
                if let Some(none) = counts.item.first_mut() {
                    *none += (items - *served) as u32;
                }
                return Ok(Some(plan));
            }
        }
        Ok(None)
    }
}

/// What a fit works from.
struct Weights<'w, T: Tables> {
    rule: &'w SizeRule,
    settings: &'w ResizeSettings,
    frequencies: PerSide<&'w [T::Count]>,
}

impl<T: Tables> Weights<'_, T> {
    /// Fits the rule's weights to a budget of which every item with a row takes `bias` for itself.
    fn fit(
        &self,
        bias: u32,
        budget: u64,
        mut words: PerSide<&mut [T::Word]>,
        mut counts: PerSide<&mut [u32]>,
        generator: &mut Generator,
    ) -> Result<Plan, SizesError> {
        let user_share = self.weigh(words.as_mut(), generator)?;
        let mut fitting = Fitting::Begin;
        let (settings, unlimited) = (self.settings, &mut Allowance::unlimited());
        loop {
            let words = PerSide::new(&*words.user, &*words.item);
            let plan =
                fitting.go_on(settings, bias, budget, user_share, words, counts.as_mut(), unlimited)?;
            if let Some(plan) = plan {
                return Ok(plan);
            }
        }
    }

    /// Writes weights by rank to the words; returns the users' share of the budget.
    fn weigh(&self, words: PerSide<&mut [T::Word]>, generator: &mut Generator) -> Result<f64, SizesError> {
        let PerSide { user, item } = words;
        let heads = user.len() as f64 / (user.len() + item.len()).max(1) as f64;
        let distribution = self.settings.sizes.distribution;
        match *self.rule {
            SizeRule::Action(Action { user_share, user_shape, item_shape }) => {
                for (words, shape) in [(user, user_shape), (item, item_shape)] {
                    if self.settings.draw {
                        draw_weights(distribution, shape, generator, words)?;
                    } else {
                        expected_weights(distribution, shape, words)?;
                    }
                }
                Ok(f64::from(user_share))
            }
            SizeRule::Uniform => {
                for words in [user, item] {
                    (0..words.len()).for_each(|rank| T::Word::set_weight(words, rank, 1.0));
                }
                Ok(heads)
            }
            SizeRule::Random => {
                for words in [user, item] {
                    // The order statistics of uniform numbers: a power law of shape 1.
                    draw_weights(Distribution::PowerLaw, 1.0, generator, words)?;
                }
                Ok(heads)
            }
            SizeRule::Frequency { power } => {
                let mut mass = PerSide::new(0.0_f64, 0.0_f64);
                for (side, words) in [(Side::User, user), (Side::Item, item)] {
                    *mass.get_mut(side) = T::weigh(self.frequencies.get(side), words, |frequency| {
                        math::pow(frequency, power).clamp(f32::MIN_POSITIVE, f32::MAX)
                    });
                }
                Ok(mass.user / (mass.user + mass.item).max(f64::MIN_POSITIVE))
            }
        }
    }
}

/// Why rows could not be resized.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ResizeError {
    /// The sizes could not be made.
    Sizes(SizesError),
    /// The rows could not be moved.
    Recommender(RecommenderError),
    /// Too few or too many weights.
    Weights {
        /// The side.
        side: Side,
        /// Entities known.
        needed: u32,
        /// Weights given.
        given: usize,
    },
}

impl From<SizesError> for ResizeError {
    fn from(error: SizesError) -> Self {
        Self::Sizes(error)
    }
}

impl From<RecommenderError> for ResizeError {
    fn from(error: RecommenderError) -> Self {
        Self::Recommender(error)
    }
}

impl fmt::Display for ResizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sizes(error) => error.fmt(f),
            Self::Recommender(error) => error.fmt(f),
            Self::Weights { side: Side::User, .. } => f.write_str("not one weight for each user"),
            Self::Weights { side: Side::Item, .. } => f.write_str("not one weight for each item"),
        }
    }
}

impl core::error::Error for ResizeError {}

#[cfg(test)]
mod tests;
