//! From a rule and the frequencies to rows of new sizes.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::arena::{Element, Repacked};
use crate::frequency::rank;
use crate::math;
use crate::random::Generator;
use crate::recommender::{Recommender, RecommenderError};
use crate::side::{PerSide, Side};
use crate::sizes::{
    Action, Distribution, Plan, Settled, SizeSettings, SizesError, deal, draw_weights, fit_sides, plan, settle,
};

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
/// With item biases, every item's bias is paid first; what is left is dimensions. A budget below one
/// parameter per item serves the most frequent items' biases and gives everyone else size 0.
///
/// `counts` are scratch, [`counts_len`](crate::sizes::counts_len) of each side's largest size, at least 2.
/// The generator is used by drawn and random sizes alone. O(parameters + entities log entities), the
/// logarithm for ranking.
///
/// # Errors
/// A shape out of its range, bounds that cross, or counts too short; sizes and rows are as before then.
pub fn resize<E: Element>(
    recommender: &mut Recommender<'_, E>,
    rule: &SizeRule,
    settings: &ResizeSettings,
    mut counts: PerSide<&mut [u32]>,
    generator: &mut Generator,
) -> Result<Resized, ResizeError> {
    let item_bias = recommender.config().get().item_bias;
    let decision = recommender.decide();
    let (arena, frequencies, mut words) = (decision.arena, decision.frequencies, decision.words);
    let row_budget = arena.row_budget();
    let biases = if item_bias { (words.item.len() as u32).min(row_budget) } else { 0 };
    let budget = u64::from(row_budget - biases);
    let bounds = settings.sizes.bounds;

    let made = {
        let words = PerSide::new(&mut *words.user, &mut *words.item);
        let counts = PerSide::new(&mut *counts.user, &mut *counts.item);
        weigh_and_fit(rule, settings, budget, frequencies, words, counts, generator)?
    };
    for side in Side::BOTH {
        let words = words.get_mut(side);
        if matches!(rule, SizeRule::Random) {
            shuffle(words, generator);
        } else {
            rank(frequencies.get(side), words);
        }
    }
    let everyone_has_a_bias = biases as usize == words.item.len();
    if item_bias && !everyone_has_a_bias {
        // No dimension is left: the counts become those of biases.
        if let [none, one, ..] = &mut *counts.item {
            (*none, *one) = (words.item.len() as u32 - biases, biases);
        }
    }
    let bias = u32::from(item_bias && everyone_has_a_bias);
    let mut settled = PerSide::<Settled>::default();
    for side in Side::BOTH {
        let (words, counts) = (words.get_mut(side), counts.get_mut(side));
        deal(words, counts)?;
        if settings.hysteresis && !matches!(rule, SizeRule::Random) && everyone_has_a_bias | !item_bias {
            let own = if side == Side::Item { bias } else { 0 };
            let current = |id| arena.size(side, id).saturating_sub(own);
            *settled.get_mut(side) = settle(words, current, *bounds.get(side), counts)?;
        }
    }
    for word in words.item.iter_mut() {
        *word += bias;
    }
    let repacked = recommender.repack()?;
    Ok(Resized { plan: made, settled, repacked })
}

/// Writes weights by rank to the words, and how many ranks have which size to the counts.
fn weigh_and_fit(
    rule: &SizeRule,
    settings: &ResizeSettings,
    budget: u64,
    frequencies: PerSide<&[f32]>,
    words: PerSide<&mut [u32]>,
    counts: PerSide<&mut [u32]>,
    generator: &mut Generator,
) -> Result<Plan, SizesError> {
    let PerSide { user, item } = words;
    let heads = user.len() as f64 / (user.len() + item.len()).max(1) as f64;
    let bounds = settings.sizes.bounds;
    let user_share = match *rule {
        SizeRule::Action(ref action) => {
            let generator = settings.draw.then_some(generator);
            return plan(action, &settings.sizes, budget, generator, PerSide::new(user, item), counts);
        }
        SizeRule::Uniform => {
            for words in [&mut *user, &mut *item] {
                words.fill(1.0_f32.to_bits());
            }
            heads
        }
        SizeRule::Random => {
            for words in [&mut *user, &mut *item] {
                // The order statistics of uniform numbers: a power law of shape 1.
                draw_weights(Distribution::PowerLaw, 1.0, generator, words)?;
            }
            heads
        }
        SizeRule::Frequency { power } => {
            let mut mass = PerSide::new(0.0_f64, 0.0_f64);
            for (side, words) in [(Side::User, &mut *user), (Side::Item, &mut *item)] {
                let frequencies = frequencies.get(side);
                rank(frequencies, words);
                for word in words {
                    let frequency = frequencies.get(*word as usize).copied().unwrap_or(0.0);
                    let weight = math::pow(frequency, power).clamp(f32::MIN_POSITIVE, f32::MAX);
                    *mass.get_mut(side) += f64::from(weight);
                    *word = weight.to_bits();
                }
            }
            mass.user / (mass.user + mass.item).max(f64::MIN_POSITIVE)
        }
    };
    fit_sides(user_share, bounds, budget, PerSide::new(&*user, &*item), counts)
}

/// The ids in random order.
fn shuffle(words: &mut [u32], generator: &mut Generator) {
    for (id, word) in (0_u32..).zip(words.iter_mut()) {
        *word = id;
    }
    for last in (1..words.len()).rev() {
        let other = generator.below(last as u32 + 1) as usize;
        words.swap(last, other);
    }
}

/// Why rows could not be resized.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ResizeError {
    /// The sizes could not be made.
    Sizes(SizesError),
    /// The rows could not be moved.
    Recommender(RecommenderError),
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
        }
    }
}

impl core::error::Error for ResizeError {}
