//! DESS-like: the size of every user and every item is a contextual bandit's choice.
//!
//! An arm is a size. What is known of an entity in the segment is its context; discounted LinUCB, which
//! forgets old rewards, estimates what each arm would earn. The reward is 1 less the loss on interactions
//! before they are learned, less a price of the size. Choices are weights: the fit to the budget scales them.
//!
//! The published definitions of the context, the arms, the reward and the constants are not public; what
//! stands for them here fits the description, and no more can be claimed.

use anyhow::Result;
use scall_core::math;
use scall_core::random::Generator;
use scall_core::segment::ResizeSettings;
use scall_core::side::{PerSide, Side};
use serde::{Deserialize, Serialize};

use super::{Decided, MethodCard, Pause, Sizing, SizingMethod, load_state, notches, save_state};
use crate::experiment::model::Model;
use crate::experiment::protocol::{Counts, Segment};
use crate::experiment::runner::{Experiment, purpose};
use crate::experiment::training;

/// What the method says of itself.
pub const CARD: MethodCard = MethodCard {
    name: "dess",
    label: "DESS-like",
    summary: "A discounted LinUCB bandit per side chooses every size (DESS-like)",
    decides: "once a segment, before its train part is learned; learns at every pause of 500 interactions",
    looks_at: "frequency, diversity and neighbours in the train part, the size, and losses before learning",
    stores: "for each side and size the bandit's two matrices and a vector, in double precision",
    source: "after He et al., DESS, CIKM 2023, arXiv 2308.07760, whose definitions are not public; the bandit: \
             Russac et al., Weighted Linear Bandits, NeurIPS 2019",
    capped: true,
    between_segments: false,
    any_storage: true,
    make: |setup| Ok(Box::new(Dess::new(setup.settings.resize, setup.request.seed))),
};

/// Interactions between two pauses.
const BATCH: usize = 500;

/// Numbers of a context: a constant, frequency, diversity, the neighbours' popularity, and the size.
const CONTEXT: usize = 5;

/// What remains of a reward from one pause to the next.
const DISCOUNT: f64 = 0.99;

/// Weight of the prior.
const PRIOR: f64 = 1.0;

/// Weight of the uncertainty.
const EXPLORATION: f64 = 0.3;

/// What a dimension costs, as a reward: 32 dimensions cost as much as there is to earn.
const PRICE: f64 = 1.0 / 32.0;

type Context = [f64; CONTEXT];

/// D-LinUCB of one arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LinUcb<const D: usize> {
    /// `V`: discounted products of contexts, and the prior.
    #[serde(with = "rows")]
    design: [[f64; D]; D],
    /// `W`: the same with squared discounts.
    #[serde(with = "rows")]
    squared: [[f64; D]; D],
    /// `b`: discounted contexts times rewards.
    #[serde(with = "row")]
    rewards: [f64; D],
}

/// Arrays of any length as sequences.
mod row {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer, const D: usize>(row: &[f64; D], to: S) -> Result<S::Ok, S::Error> {
        row.as_slice().serialize(to)
    }

    pub(super) fn deserialize<'de, R: Deserializer<'de>, const D: usize>(
        from: R,
    ) -> Result<[f64; D], R::Error> {
        Vec::deserialize(from)?.try_into().map_err(|_| R::Error::custom("another length"))
    }
}

/// The same of arrays.
mod rows {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer, const D: usize>(
        rows: &[[f64; D]; D],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        rows.as_flattened().serialize(to)
    }

    pub(super) fn deserialize<'de, R: Deserializer<'de>, const D: usize>(
        from: R,
    ) -> Result<[[f64; D]; D], R::Error> {
        let numbers = Vec::<f64>::deserialize(from)?;
        let mut rows = [[0.0; D]; D];
        if numbers.len() != D * D {
            return Err(R::Error::custom("another length"));
        }
        rows.as_flattened_mut().copy_from_slice(&numbers);
        Ok(rows)
    }
}

/// What a bandit knows at one moment.
#[derive(Clone, Debug)]
struct Estimate<const D: usize> {
    /// `V^-1 b`.
    mean: [f64; D],
    /// `V^-1 W V^-1`.
    spread: [[f64; D]; D],
}

impl<const D: usize> LinUcb<D> {
    fn new(prior: f64) -> Self {
        let mut design = [[0.0; D]; D];
        (0..D).for_each(|n| design[n][n] = prior);
        Self { design, squared: design, rewards: [0.0; D] }
    }

    /// One step of time: what was learned fades, the prior does not.
    fn discount(&mut self, discount: f64, prior: f64) {
        let square = discount * discount;
        for n in 0..D {
            self.design[n].iter_mut().for_each(|number| *number *= discount);
            self.squared[n].iter_mut().for_each(|number| *number *= square);
            self.design[n][n] += (1.0 - discount) * prior;
            self.squared[n][n] += (1.0 - square) * prior;
            self.rewards[n] *= discount;
        }
    }

    /// Counts a context as pulled.
    fn pull(&mut self, context: &[f64; D]) {
        for (n, &number) in context.iter().enumerate() {
            for (m, &other) in context.iter().enumerate() {
                self.design[n][m] += number * other;
                self.squared[n][m] += number * other;
            }
        }
    }

    /// Learns what a pull earned.
    fn observe(&mut self, context: &[f64; D], reward: f64) {
        self.pull(context);
        self.rewards.iter_mut().zip(context).for_each(|(sum, number)| *sum += reward * number);
    }

    fn estimate(&self) -> Estimate<D> {
        let inverse = invert(self.design);
        let mean = std::array::from_fn(|n| dot(&inverse[n], &self.rewards));
        let half: [[f64; D]; D] = std::array::from_fn(|n| {
            std::array::from_fn(|m| (0..D).map(|k| inverse[n][k] * self.squared[k][m]).sum())
        });
        let spread = std::array::from_fn(|n| {
            std::array::from_fn(|m| (0..D).map(|k| half[n][k] * inverse[k][m]).sum())
        });
        Estimate { mean, spread }
    }
}

impl<const D: usize> Estimate<D> {
    fn score(&self, context: &[f64; D], exploration: f64) -> f64 {
        let square: f64 = context.iter().zip(&self.spread).map(|(x, row)| x * dot(row, context)).sum();
        dot(&self.mean, context) + exploration * math::sqrt_f64(square.max(0.0))
    }
}

fn dot<const D: usize>(a: &[f64; D], b: &[f64; D]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The inverse of a positive definite matrix, whose pivots need no search.
fn invert<const D: usize>(mut matrix: [[f64; D]; D]) -> [[f64; D]; D] {
    let mut inverse = [[0.0; D]; D];
    (0..D).for_each(|n| inverse[n][n] = 1.0);
    for n in 0..D {
        let pivot = matrix[n][n];
        matrix[n].iter_mut().chain(&mut inverse[n]).for_each(|number| *number /= pivot);
        let (row, inverse_row) = (matrix[n], inverse[n]);
        for m in (0..D).filter(|&m| m != n) {
            let factor = matrix[m][n];
            for k in 0..D {
                matrix[m][k] -= factor * row[k];
                inverse[m][k] -= factor * inverse_row[k];
            }
        }
    }
    inverse
}

/// The bandits, and what they chose for the segment.
#[derive(Debug)]
pub struct Dess {
    resize: ResizeSettings,
    arms: Vec<u32>,
    bandits: PerSide<Vec<LinUcb<CONTEXT>>>,
    contexts: PerSide<Vec<Context>>,
    chosen: PerSide<Vec<usize>>,
    seed: u64,
    negatives: Generator,
}

impl Dess {
    /// Bandits that have learned nothing.
    pub fn new(resize: ResizeSettings, seed: u64) -> Self {
        let arms: Vec<u32> = notches(resize.sizes.bounds.user.max).collect();
        let bandits = vec![LinUcb::new(PRIOR); arms.len()];
        Self {
            resize,
            arms,
            bandits: PerSide::new(bandits.clone(), bandits),
            contexts: PerSide::default(),
            chosen: PerSide::default(),
            seed,
            negatives: Generator::new(0),
        }
    }

    /// Lets the bandits of a side choose for entity after entity. What was chosen so far counts as pulled, for
    /// this decision alone, as in batched bandits (Desautels et al., JMLR 2014): all choices are made before
    /// the first reward comes, and equal entities would all try the same arm.
    fn choose(&self, side: Side) -> Vec<usize> {
        let mut bandits = self.bandits.get(side).clone();
        let mut estimates: Vec<_> = bandits.iter().map(LinUcb::estimate).collect();
        let contexts = self.contexts.get(side).iter();
        contexts
            .map(|context| {
                let score = |arm: usize| estimates[arm].score(context, EXPLORATION);
                let mut best = (0, score(0));
                for arm in 1..self.arms.len() {
                    let score = score(arm);
                    best = if score > best.1 { (arm, score) } else { best };
                }
                let arm = best.0;
                bandits[arm].pull(context);
                estimates[arm].spread = bandits[arm].estimate().spread;
                arm
            })
            .collect()
    }
}

/// The contexts of all entities of both sides, from a segment's train part.
fn contexts(pairs: &[training::Pair], recommender: &dyn Model, largest: u32) -> PerSide<Vec<Context>> {
    let users: Vec<training::Pair> = pairs.to_vec();
    let items: Vec<training::Pair> = pairs.iter().map(|&(user, item)| (item, user)).collect();
    let counts = |pairs: &[training::Pair], side: Side| {
        let mut counts = vec![0_u32; recommender.count(side) as usize];
        pairs.iter().for_each(|&(id, _)| counts[id as usize] += 1);
        counts
    };
    let both = PerSide::new(counts(&users, Side::User), counts(&items, Side::Item));
    let logarithms = |counts: &[u32]| -> Vec<f64> {
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        let scale = math::ln_1p_f64(most.into());
        counts.iter().map(|&count| math::ln_1p_f64(count.into()) / scale).collect()
    };
    let popularity = PerSide::new(logarithms(&both.user), logarithms(&both.item));
    let of = |side: Side, mut pairs: Vec<training::Pair>| {
        let other = if side == Side::User { Side::Item } else { Side::User };
        let counts = both.get(side);
        let mut neighbours = vec![0.0; counts.len()];
        for &(id, neighbour) in &pairs {
            neighbours[id as usize] += popularity.get(other)[neighbour as usize];
        }
        pairs.sort_unstable();
        pairs.dedup();
        let mut distinct = vec![0_u32; counts.len()];
        pairs.iter().for_each(|&(id, _)| distinct[id as usize] += 1);
        (0..counts.len())
            .map(|id| {
                let count = f64::from(counts[id].max(1));
                let size =
                    f64::from(recommender.size(side, id as u32).min(largest)) / f64::from(largest.max(1));
                let own = popularity.get(side)[id];
                [1.0, own, f64::from(distinct[id]) / count, neighbours[id] / count, size]
            })
            .collect()
    };
    PerSide::new(of(Side::User, users), of(Side::Item, items))
}

impl SizingMethod for Dess {
    fn decide(
        &mut self,
        experiment: &Experiment<'_>,
        segment: &Segment,
        recommender: &mut dyn Model,
        _violations: &mut u64,
    ) -> Result<Decided> {
        let pairs = training::pairs(experiment.stream, segment.train.clone());
        let largest = self.arms.last().copied().unwrap_or(1);
        self.contexts = contexts(&pairs, recommender, largest);
        self.chosen = PerSide::new(self.choose(Side::User), self.choose(Side::Item));
        self.negatives = Generator::stream(self.seed, purpose::ACTIONS + segment.index as u64);
        let weights = |arms: &[usize]| arms.iter().map(|&arm| self.arms[arm] as f32).collect();
        let sizing = Sizing::Weights(PerSide::new(weights(&self.chosen.user), weights(&self.chosen.item)));
        Ok(Decided { sizing, resize: self.resize, action: None })
    }

    fn pause_every(&self) -> Option<usize> {
        Some(BATCH)
    }

    fn pause(&mut self, pause: &Pause<'_>) -> Result<Option<Decided>> {
        for bandit in self.bandits.user.iter_mut().chain(&mut self.bandits.item) {
            bandit.discount(DISCOUNT, PRIOR);
        }
        for &(user, item) in pause.next {
            let Some(negative) = pause.negative(user, item, &mut self.negatives) else { continue };
            let margin = (pause.score)(user, item) - (pause.score)(user, negative);
            let earned = 1.0 - f64::from(math::softplus(-margin));
            for (side, id) in [(Side::User, user as usize), (Side::Item, item as usize)] {
                let arm = self.chosen.get(side)[id];
                let price = PRICE * f64::from(self.arms[arm]);
                self.bandits.get_mut(side)[arm].observe(&self.contexts.get(side)[id], earned - price);
            }
        }
        Ok(None)
    }

    fn bytes(&self) -> u64 {
        let bandits = (self.bandits.user.len() + self.bandits.item.len()) as u64;
        bandits * size_of::<LinUcb<CONTEXT>>() as u64
    }

    /// Within a segment, of each entity what was seen and chosen.
    fn bytes_for(&self, entities: Counts) -> u64 {
        self.bytes() + entities.entities() * (size_of::<Context>() + size_of::<usize>()) as u64
    }

    fn save(&self) -> Result<Vec<u8>> {
        save_state(&(&self.bandits.user, &self.bandits.item))
    }

    fn restore(&mut self, saved: &[u8]) -> Result<()> {
        let (user, item) = load_state(saved)?;
        self.bandits = PerSide::new(user, item);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
