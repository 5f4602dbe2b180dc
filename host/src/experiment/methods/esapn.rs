//! ESAPN: two policies, one a side, keep or enlarge the rows of the users and items at hand.
//!
//! Sizes are notches, everyone begins at the smallest, and nobody ever shrinks. At every pause in the
//! learning the batch learned last validates: actions are drawn, the loss with the rows so enlarged is
//! compared with the last losses of the same user or item, and REINFORCE moves the policies. Then those of the
//! batch that comes next are enlarged where the policy prefers it.
//!
//! Rows grow by new leading dimensions, as everywhere here, in place of the published chain of linear maps: a
//! row that would be enlarged is judged with the mean of its side in the new dimensions. The published
//! embedding of the popularity, followed by a linear layer, is one linear layer over its logarithm's class.

use anyhow::Result;
use scall_core::math;
use scall_core::random::Generator;
use scall_core::segment::ResizeSettings;
use scall_core::side::{PerSide, Side};
use serde::{Deserialize, Serialize};

use super::network::{Activation, LayerShape, Mode, Network, softmax};
use super::{
    Decided, MethodCard, Pause, Sizing, SizingMethod, load_state, notches, popularity_class, save_state,
};
use crate::experiment::model::Model;
use crate::experiment::protocol::{Counts, Segment};
use crate::experiment::runner::{Experiment, purpose};

/// Held to the budget.
pub const CARD: MethodCard = MethodCard {
    name: "esapn",
    label: "esapn",
    summary: "Rows grow by notches, as two policies learn by REINFORCE; stops at the budget",
    decides: "at every pause of 500 interactions, for the users and items that come next; only enlarges",
    looks_at: "frequencies, sizes, and losses on the 500 interactions learned before",
    stores: "two networks with Adam's moments; for each entity its notch and its last five losses",
    source: "Liu et al., Automated Embedding Size Search in Deep Recommender Systems, SIGIR 2020",
    capped: true,
    between_segments: false,
    any_storage: true,
    make: |setup| Ok(Box::new(Esapn::new(setup.settings.resize, true, setup.request.seed))),
};

/// As published, without a budget.
pub const UNCAPPED: MethodCard = MethodCard {
    name: "esapn-uncapped",
    label: "esapn-uncapped",
    summary: "The same without a budget, as published: reports the parameters that it holds",
    capped: false,
    make: |setup| Ok(Box::new(Esapn::new(setup.settings.resize, false, setup.request.seed))),
    ..CARD
};

/// Interactions between two pauses (published).
const BATCH: usize = 500;

/// Hidden neurons of a policy (published).
const HIDDEN: usize = 512;

/// Adam's step of the policies (published: 1e-4, for streams several hundred times as long).
const LEARNING_RATE: f32 = 1e-3;

/// Classes of popularity.
const CLASSES: usize = 20;

/// Losses that make an entity's baseline (published).
const LOSSES: usize = 5;

/// Keep or enlarge.
const ACTIONS: usize = 2;

/// What is kept of an entity.
const ENTITY_BYTES: u64 = (size_of::<u8>() + size_of::<Recent>()) as u64;

/// An entity's last losses, newest last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Recent {
    losses: [f32; LOSSES],
    count: u8,
}

impl Recent {
    /// Their mean, if there are any.
    fn mean(&self) -> Option<f32> {
        let count = usize::from(self.count);
        (count > 0).then(|| self.losses[LOSSES - count..].iter().sum::<f32>() / count as f32)
    }

    fn push(&mut self, loss: f32) {
        self.losses.rotate_left(1);
        self.losses[LOSSES - 1] = loss;
        self.count = (self.count + 1).min(LOSSES as u8);
    }
}

/// One side: its policy and its entities.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Half {
    policy: Network,
    /// Position of each entity's size.
    notch: Vec<u8>,
    recent: Vec<Recent>,
}

impl Half {
    fn new(notches: usize, generator: &mut Generator) -> Self {
        let shapes = [LayerShape::normalised_tanh(HIDDEN), LayerShape::plain(ACTIONS, Activation::Linear)];
        let policy = Network::new(CLASSES + notches, &shapes, generator);
        Self { policy, notch: Vec::new(), recent: Vec::new() }
    }

    /// What the policy sees of each entity: the class of its popularity, and its notch.
    fn features(&self, ids: impl Iterator<Item = u32>, frequencies: &[f32], notches: usize) -> Vec<f32> {
        let mut features = Vec::new();
        for id in ids.map(|id| id as usize) {
            let start = features.len();
            features.resize(start + CLASSES + notches, 0.0);
            features[start + popularity_class(frequencies[id], CLASSES)] = 1.0;
            features[start + CLASSES + usize::from(self.notch[id])] = 1.0;
        }
        features
    }
}

/// The derivatives by the logits of the mean of `-reward * ln(probability of the action)`.
fn reinforce(probabilities: &[f32], actions: &[usize], rewards: &[f32]) -> Vec<f32> {
    let scale = 1.0 / actions.len().max(1) as f32;
    let mut deltas = probabilities.to_vec();
    for ((row, &action), reward) in deltas.chunks_exact_mut(ACTIONS).zip(actions).zip(rewards) {
        row[action] -= 1.0;
        row.iter_mut().for_each(|delta| *delta *= scale * reward);
    }
    deltas
}

/// The method.
#[derive(Debug)]
pub struct Esapn {
    resize: ResizeSettings,
    capped: bool,
    notches: Vec<u32>,
    sides: PerSide<Half>,
    generator: Generator,
}

impl Esapn {
    /// Policies that have learned nothing.
    pub fn new(resize: ResizeSettings, capped: bool, seed: u64) -> Self {
        let resize = ResizeSettings { hysteresis: false, ..resize };
        let notches: Vec<u32> = notches(resize.sizes.bounds.user.max).collect();
        let mut generator = Generator::stream(seed, purpose::POLICY);
        let sides =
            PerSide::new(Half::new(notches.len(), &mut generator), Half::new(notches.len(), &mut generator));
        Self { resize, capped, notches, sides, generator }
    }

    fn decided(&self) -> Decided {
        let sizes = |half: &Half| half.notch.iter().map(|&notch| self.notches[usize::from(notch)]).collect();
        let sizing = Sizing::Dimensions(PerSide::new(sizes(&self.sides.user), sizes(&self.sides.item)));
        Decided { sizing, resize: self.resize, action: None }
    }

    /// The policies' step on the batch learned last.
    fn validate(&mut self, pause: &Pause<'_>) {
        let triples: Vec<[u32; 3]> = pause
            .previous
            .iter()
            .filter_map(|&(user, item)| Some([user, item, pause.negative(user, item, &mut self.generator)?]))
            .collect();
        let rows = Rows::new(pause.recommender);
        let mut traces = Vec::new();
        for (side, column) in [(Side::User, 0), (Side::Item, 1)] {
            let frequencies = pause.frequencies(side);
            let half = self.sides.get_mut(side);
            let ids = triples.iter().map(|triple| triple[column]);
            let features = half.features(ids, &frequencies, self.notches.len());
            let trace = half.policy.forward(features, Mode::Training);
            let mut probabilities = trace.outputs().to_vec();
            softmax(&mut probabilities, ACTIONS);
            let actions: Vec<usize> = probabilities
                .chunks_exact(ACTIONS)
                .map(|row| usize::from(self.generator.uniform() < row[1]))
                .collect();
            traces.push((side, column, trace, probabilities, actions));
        }
        let enlarged = |side: Side, id: u32, action: usize| {
            let notch = usize::from(self.sides.get(side).notch[id as usize]) + action;
            self.notches.get(notch).copied().filter(|_| action > 0).unwrap_or(0)
        };
        let losses: Vec<f32> = triples
            .iter()
            .enumerate()
            .map(|(n, &[user, item, negative])| {
                let of_user = rows.enlarged(Side::User, user, enlarged(Side::User, user, traces[0].4[n]));
                let of_item = rows.enlarged(Side::Item, item, enlarged(Side::Item, item, traces[1].4[n]));
                let (user_now, item_now) = (rows.of(Side::User, user), rows.of(Side::Item, item));
                let other = rows.of(Side::Item, negative);
                let gained = common(&of_user, &of_item)
                    - common(&user_now, &item_now)
                    - (common(&of_user, &other) - common(&user_now, &other));
                let margin = (pause.score)(user, item) - (pause.score)(user, negative) + gained;
                math::softplus(-margin)
            })
            .collect();
        for (side, column, trace, probabilities, actions) in traces {
            let half = self.sides.get_mut(side);
            let rewards: Vec<f32> = triples
                .iter()
                .zip(&losses)
                .map(|(triple, &loss)| {
                    let recent = &mut half.recent[triple[column] as usize];
                    let reward = recent.mean().map_or(0.0, |baseline| baseline - loss);
                    recent.push(loss);
                    reward
                })
                .collect();
            half.policy.backward(&trace, reinforce(&probabilities, &actions, &rewards));
            half.policy.step(LEARNING_RATE);
        }
    }

    /// Enlarges those of the next batch that the policies want larger, most wanted first, while there is
    /// room. Says whether any was.
    fn enlarge(&mut self, pause: &Pause<'_>) -> bool {
        let mut wanted: Vec<(f32, Side, u32)> = Vec::new();
        for side in Side::BOTH {
            let of = |&(user, item): &(u32, u32)| if side == Side::User { user } else { item };
            let half = self.sides.get(side);
            let mut ids: Vec<u32> = pause.next.iter().map(of).collect();
            ids.sort_unstable();
            ids.dedup();
            ids.retain(|&id| usize::from(half.notch[id as usize]) + 1 < self.notches.len());
            let features = half.features(ids.iter().copied(), &pause.frequencies(side), self.notches.len());
            let logits = half.policy.serve(features);
            let margins = logits.chunks_exact(ACTIONS).map(|row| row[1] - row[0]);
            wanted.extend(margins.zip(ids).filter(|&(margin, _)| margin > 0.0).map(|(m, id)| (m, side, id)));
        }
        wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut room = if self.capped { self.room(pause.recommender) } else { u64::MAX };
        let mut any = false;
        for (_, side, id) in wanted {
            let notch = &mut self.sides.get_mut(side).notch[id as usize];
            let (now, then) = (self.notches[usize::from(*notch)], self.notches[usize::from(*notch) + 1]);
            if u64::from(then - now) <= room {
                room -= u64::from(then - now);
                *notch += 1;
                any = true;
            }
        }
        any
    }

    /// What the budget holds beyond all notches and the items' biases.
    fn room(&self, recommender: &dyn Model) -> u64 {
        let bias = u64::from(recommender.bias_parameters()) * self.sides.item.notch.len() as u64;
        let notches = self.sides.user.notch.iter().chain(&self.sides.item.notch);
        let held: u64 = notches.map(|&notch| u64::from(self.notches[usize::from(notch)])).sum();
        u64::from(recommender.row_budget()).saturating_sub(held + bias)
    }
}

/// The embeddings of a model, and what new dimensions would begin as.
struct Rows<'r> {
    recommender: &'r dyn Model,
    means: PerSide<Vec<f32>>,
}

impl<'r> Rows<'r> {
    fn new(recommender: &'r dyn Model) -> Self {
        let mut rows = Self { recommender, means: PerSide::default() };
        let mean = |rows: &Self, side: Side| {
            let (mut sums, mut counts) = (Vec::new(), Vec::new());
            for id in 0..recommender.count(side) {
                let row = rows.of(side, id);
                if row.len() > sums.len() {
                    sums.resize(row.len(), 0.0);
                    counts.resize(row.len(), 0.0);
                }
                for ((sum, count), number) in sums.iter_mut().zip(&mut counts).zip(row) {
                    *sum += number;
                    *count += 1.0;
                }
            }
            sums.iter().zip(&counts).map(|(sum, count): (&f32, &f32)| sum / count).collect::<Vec<f32>>()
        };
        rows.means = PerSide::new(mean(&rows, Side::User), mean(&rows, Side::Item));
        rows
    }

    /// An embedding, without the bias.
    fn of(&self, side: Side, id: u32) -> Vec<f32> {
        let bias = usize::from(side == Side::Item && self.recommender.config().get().item_bias);
        self.recommender.row(side, id).into_iter().skip(bias).collect()
    }

    /// The same with at least `size` dimensions, as far as the means go.
    fn enlarged(&self, side: Side, id: u32, size: u32) -> Vec<f32> {
        let mut row = self.of(side, id);
        let new = self.means.get(side).iter().take(size as usize).skip(row.len()).copied();
        row.extend(new.collect::<Vec<f32>>());
        row
    }
}

/// The product over the common leading dimensions.
fn common(a: &[f32], b: &[f32]) -> f32 {
    let length = a.len().min(b.len());
    math::dot(&a[..length], &b[..length])
}

impl SizingMethod for Esapn {
    fn decide(
        &mut self,
        _experiment: &Experiment<'_>,
        _segment: &Segment,
        recommender: &mut dyn Model,
        _violations: &mut u64,
    ) -> Result<Decided> {
        for side in Side::BOTH {
            let known = recommender.count(side) as usize;
            let half = self.sides.get_mut(side);
            half.notch.resize(known, 0);
            half.recent.resize(known, Recent::default());
        }
        Ok(self.decided())
    }

    fn pause_every(&self) -> Option<usize> {
        Some(BATCH)
    }

    fn pause(&mut self, pause: &Pause<'_>) -> Result<Option<Decided>> {
        if !pause.previous.is_empty() {
            self.validate(pause);
        }
        Ok(self.enlarge(pause).then(|| self.decided()))
    }

    fn bytes(&self) -> u64 {
        let PerSide { user, item } = &self.sides;
        let known = user.notch.len() + item.notch.len();
        user.policy.bytes() + item.policy.bytes() + known as u64 * ENTITY_BYTES
    }

    fn bytes_for(&self, entities: Counts) -> u64 {
        let PerSide { user, item } = &self.sides;
        user.policy.bytes() + item.policy.bytes() + entities.entities() * ENTITY_BYTES
    }

    fn save(&self) -> Result<Vec<u8>> {
        save_state(&(&self.sides.user, &self.sides.item, self.generator.state()))
    }

    fn restore(&mut self, saved: &[u8]) -> Result<()> {
        let (user, item, generator) = load_state(saved)?;
        self.sides = PerSide::new(user, item);
        self.generator = Generator::from_state(generator);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
