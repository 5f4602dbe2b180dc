//! BET: actions for the whole table are sampled, a predictor says which is worth trying, short trainings
//! judge.
//!
//! An action gives each side a share of the budget and sizes drawn from one of four distributions, dealt by
//! frequency. In every segment a number of actions are tried one after the other; which of a hundred drawn
//! candidates comes next is chosen by a predictor of their fitness, which learns from what was tried. The
//! three best are tried again with more seeds, and the best of them is taken.
//!
//! Probes are fresh short trainings, as in the project's other searches, in place of fine-tuning a masked
//! model of full size; and every entity gets the size of its rank.

use anyhow::Result;
use rayon::prelude::*;
use scall_core::math;
use scall_core::random::Generator;
use scall_core::segment::{ResizeSettings, SizeRule};
use scall_core::side::{PerSide, Side};
use serde::{Deserialize, Serialize};

use super::network::{Activation, LayerShape, Mode, Network};
use super::sizing::ranking;
use super::trial::{Task, TrialSettings};
use super::{Decided, MethodCard, Sizing, SizingMethod, load_state, save_state};
use crate::experiment::model::Model;
use crate::experiment::protocol::Segment;
use crate::experiment::runner::{Experiment, purpose};

/// What the method says of itself.
pub const CARD: MethodCard = MethodCard {
    name: "bet",
    label: "bet",
    summary: "Sampled actions for the whole table, with a DeepSets predictor of their fitness",
    decides: "once a segment, before its train part is learned, after short trainings of 15 sampled actions",
    looks_at: "frequencies and the train part, of which actions are judged on the end",
    stores: "the predictor: two encoders, a set encoder and a decoder, and Adam's moments",
    source: "Qu et al., Budgeted Embedding Table for Recommender Systems, WSDM 2024, arXiv 2310.14884",
    capped: true,
    between_segments: true,
    any_storage: true,
    make: |setup| {
        // As SCALL's trials (published: Recall and NDCG of a fine-tuned model of full size).
        let trial = TrialSettings { seeds: 1, ..setup.settings.search.trial };
        Ok(Box::new(Bet::new(setup.settings.resize, trial, setup.request.seed)))
    },
};

/// Actions tried in a segment (published: 50).
const TRIED: usize = 15;

/// Candidates that each of them is chosen from (published).
const CANDIDATES: usize = 100;

/// Updates of the predictor after each (published).
const UPDATES: u32 = 2;

/// Actions tried again (published).
const FINALISTS: usize = 3;

/// Adam's step begins at the first, is multiplied by the second after each update, and ends at the third
/// (published).
const LEARNING_RATE: [f32; 3] = [0.01, 0.9, 0.002];

/// Draws of a side's sizes before one above the largest size is accepted all the same: the fit bounds it.
const REDRAWS: u32 = 10;

/// Sizes by rank, most frequent first, that share a budget as far as they were drawn.
#[derive(Clone, Debug, PartialEq)]
struct Action(PerSide<Vec<f32>>);

impl Action {
    /// Draws an action: the users' share evenly, and each side's distribution and its parameter.
    fn draw(counts: PerSide<usize>, budget: f32, largest: u32, seed: u64) -> Self {
        let mut generator = Generator::stream(seed, 0);
        let user_share = generator.uniform();
        let mut side = |count: usize, share: f32| {
            let mut sizes = Vec::new();
            for _ in 0..REDRAWS {
                sizes = draw_shares(count, &mut generator);
                sizes.iter_mut().for_each(|size| *size *= share * budget);
                if sizes.first().is_none_or(|&first| first <= largest as f32) {
                    break;
                }
            }
            sizes
        };
        Self(PerSide::new(side(counts.user, user_share), side(counts.item, 1.0 - user_share)))
    }

    /// The whole sizes that the predictor sees: at least 1.
    fn sizes(&self, side: Side, largest: u32) -> impl Iterator<Item = usize> {
        self.0.get(side).iter().map(move |&size| (size as u32).clamp(1, largest) as usize)
    }
}

/// Shares of one side, descending, that sum to 1, from a distribution and a parameter drawn evenly.
fn draw_shares(count: usize, generator: &mut Generator) -> Vec<f32> {
    let kind = generator.below(4);
    let parameter = generator.uniform().max(1e-3);
    let draw = |generator: &mut Generator| match kind {
        // Density a x^(a-1) on 0 to 1.
        0 => math::pow(generator.uniform(), 1.0 / (20.0 * parameter)),
        1 => truncated_normal(20.0 * parameter, generator),
        // Density e^-x on 0 to b.
        2 => -math::ln_1p(-generator.uniform() * (1.0 - math::exp(-5.0 * parameter))),
        _ => math::exp(0.5 * parameter * generator.normal()),
    };
    let mut shares: Vec<f32> = (0..count).map(|_| draw(generator)).collect();
    shares.sort_unstable_by(|a, b| b.total_cmp(a));
    let sum = shares.iter().map(|&share| f64::from(share)).sum::<f64>().max(1e-30);
    shares.iter_mut().for_each(|share| *share = (f64::from(*share) / sum) as f32);
    shares
}

/// The size of a normal number that is at most `bound`.
fn truncated_normal(bound: f32, generator: &mut Generator) -> f32 {
    loop {
        if bound > 1.0 {
            let number = generator.normal().abs();
            if number <= bound {
                return number;
            }
        } else {
            let number = bound * generator.uniform();
            if generator.uniform() <= math::exp(-0.5 * number * number) {
                return number;
            }
        }
    }
}

/// Numbers that an entity is encoded as.
const ENCODED: usize = 16;

/// Numbers that a set of entities of one size, and a whole action, are embedded as.
const EMBEDDED: usize = 64;

/// DeepSets (Zaheer et al., NeurIPS 2017): entities of one size are a set, and the sets are a set.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Predictor {
    users: Network,
    items: Network,
    sets: Network,
    decoder: Network,
    updates: i32,
    largest: u32,
}

/// The entities' encodings, one side after the other, by rank.
type Encodings = PerSide<Vec<f32>>;

impl Predictor {
    fn new(largest: u32, generator: &mut Generator) -> Self {
        let leaky = |width| LayerShape::plain(width, Activation::LeakyRectifier);
        let encoder = [leaky(ENCODED), leaky(ENCODED)];
        Self {
            users: Network::new(1, &encoder, generator),
            items: Network::new(1, &encoder, generator),
            sets: Network::new(ENCODED + 1, &[leaky(EMBEDDED), leaky(EMBEDDED)], generator),
            decoder: Network::new(
                EMBEDDED,
                &[leaky(EMBEDDED), LayerShape::plain(1, Activation::Linear)],
                generator,
            ),
            updates: 0,
            largest,
        }
    }

    fn bytes(&self) -> u64 {
        [&self.users, &self.items, &self.sets, &self.decoder].map(Network::bytes).iter().sum()
    }

    fn encode(&self, frequencies: &PerSide<Vec<f32>>) -> Encodings {
        PerSide::new(self.users.serve(frequencies.user.clone()), self.items.serve(frequencies.item.clone()))
    }

    /// The mean encoding of the entities of each size, with the size from 0 to 1, for the sizes that occur;
    /// and how many have each size.
    fn pool(&self, encodings: &Encodings, action: &Action) -> (Vec<f32>, Vec<u32>) {
        let sizes = self.largest as usize + 1;
        let (mut sums, mut counts) = (vec![0.0; sizes * ENCODED], vec![0_u32; sizes]);
        for side in Side::BOTH {
            let encodings = encodings.get(side).chunks_exact(ENCODED);
            for (size, encoding) in action.sizes(side, self.largest).zip(encodings) {
                counts[size] += 1;
                let sum = &mut sums[size * ENCODED..(size + 1) * ENCODED];
                sum.iter_mut().zip(encoding).for_each(|(sum, number)| *sum += number);
            }
        }
        let mut rows = Vec::new();
        for (size, &count) in counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
            let sum = &sums[size * ENCODED..(size + 1) * ENCODED];
            rows.extend(sum.iter().map(|sum| sum / count as f32));
            rows.push(size as f32 / self.largest as f32);
        }
        (rows, counts)
    }

    /// The action's embedding.
    fn embed(&self, encodings: &Encodings, action: &Action) -> Vec<f32> {
        mean_row(&self.sets.serve(self.pool(encodings, action).0))
    }

    /// The fitness that an embedded action is said to have.
    fn predict(&self, embedding: &[f32]) -> f32 {
        self.decoder.serve(embedding.to_vec())[0]
    }

    /// The squared error for one action; its gradient is added to all networks.
    fn gather(&mut self, frequencies: &PerSide<Vec<f32>>, action: &Action, fitness: f32) -> f32 {
        let users = self.users.forward(frequencies.user.clone(), Mode::Training);
        let items = self.items.forward(frequencies.item.clone(), Mode::Training);
        let encodings = PerSide::new(users.outputs().to_vec(), items.outputs().to_vec());
        let (rows, counts) = self.pool(&encodings, action);
        let sets = self.sets.forward(rows, Mode::Training);
        let decoded = self.decoder.forward(mean_row(sets.outputs()), Mode::Training);
        let error = decoded.outputs()[0] - fitness;

        let by_embedding = self.decoder.backward(&decoded, vec![2.0 * error]);
        let occurring = (sets.outputs().len() / EMBEDDED) as f32;
        let by_sets: Vec<f32> = by_embedding.iter().map(|delta| delta / occurring).collect();
        let by_sets = by_sets.repeat(occurring as usize);
        let by_rows = self.sets.backward(&sets, by_sets);
        let mut of_size = vec![0_usize; counts.len()];
        let sizes = counts.iter().enumerate().filter(|&(_, &count)| count > 0);
        sizes.enumerate().for_each(|(row, (size, _))| of_size[size] = row);
        for (side, trace) in [(Side::User, &users), (Side::Item, &items)] {
            let mut deltas = Vec::with_capacity(trace.outputs().len());
            for size in action.sizes(side, self.largest) {
                let row = &by_rows[of_size[size] * (ENCODED + 1)..][..ENCODED];
                deltas.extend(row.iter().map(|delta| delta / counts[size] as f32));
            }
            let network = if side == Side::User { &mut self.users } else { &mut self.items };
            network.backward(trace, deltas);
        }
        error * error
    }

    fn update(&mut self, frequencies: &PerSide<Vec<f32>>, action: &Action, fitness: f32) {
        self.gather(frequencies, action, fitness);
        let [first, factor, last] = LEARNING_RATE;
        let rate = (first * math::pow(factor, self.updates as f32)).max(last);
        self.updates += 1;
        for network in [&mut self.users, &mut self.items, &mut self.sets, &mut self.decoder] {
            network.step(rate);
        }
    }
}

fn mean_row(rows: &[f32]) -> Vec<f32> {
    let count = (rows.len() / EMBEDDED).max(1) as f32;
    let mut mean = vec![0.0; EMBEDDED];
    for row in rows.chunks_exact(EMBEDDED) {
        mean.iter_mut().zip(row).for_each(|(mean, number)| *mean += number);
    }
    mean.iter_mut().for_each(|mean| *mean /= count);
    mean
}

/// The search.
#[derive(Debug)]
pub struct Bet {
    resize: ResizeSettings,
    trial: TrialSettings,
    predictor: Predictor,
    seed: u64,
    trial_bytes: u64,
}

impl Bet {
    /// A search whose predictor has learned nothing.
    pub fn new(mut resize: ResizeSettings, trial: TrialSettings, seed: u64) -> Self {
        // Every entity has a row (published), as far as the budget goes.
        for bounds in [&mut resize.sizes.bounds.user, &mut resize.sizes.bounds.item] {
            bounds.min = bounds.min.max(1);
        }
        let largest = resize.sizes.bounds.user.max;
        let predictor = Predictor::new(largest, &mut Generator::stream(seed, purpose::POLICY));
        Self { resize, trial, predictor, seed, trial_bytes: 0 }
    }

    /// Which of the candidates is tried next: three times out of five the one that the predictor thinks best,
    /// once that nearest to the best so far, once any.
    fn choose(
        &self,
        turn: usize,
        candidates: &[Action],
        best: Option<&Action>,
        encodings: &Encodings,
    ) -> usize {
        let embedded = |action: &Action| self.predictor.embed(encodings, action);
        let score: Vec<f32> = match (turn % 5, best) {
            (3, Some(best)) => {
                let goal = embedded(best);
                let distance = |action| -> f32 {
                    let own = embedded(action);
                    own.iter().zip(&goal).map(|(a, b)| (a - b) * (a - b)).sum()
                };
                candidates.par_iter().map(|action| -distance(action)).collect()
            }
            (4, _) => return 0,
            _ => candidates.par_iter().map(|action| self.predictor.predict(&embedded(action))).collect(),
        };
        (0..candidates.len())
            .reduce(|best, next| if score[next] > score[best] { next } else { best })
            .unwrap_or(0)
    }
}

impl SizingMethod for Bet {
    fn decide(
        &mut self,
        experiment: &Experiment<'_>,
        segment: &Segment,
        recommender: &mut dyn Model,
        violations: &mut u64,
    ) -> Result<Decided> {
        let resize = self.resize;
        if segment.index == 0 {
            return Ok(Decided { sizing: SizeRule::Uniform.into(), resize, action: None });
        }
        let of_ranks = |side: Side| {
            let counts = recommender.frequencies(side);
            let sorted: Vec<f32> = ranking(&counts).into_iter().map(|id| counts[id as usize]).collect();
            let most = sorted.first().copied().unwrap_or(0.0).max(f32::MIN_POSITIVE);
            sorted.into_iter().map(|count| count / most).collect::<Vec<f32>>()
        };
        let frequencies = PerSide::new(of_ranks(Side::User), of_ranks(Side::Item));
        let counts = PerSide::new(frequencies.user.len(), frequencies.item.len());
        let budget = recommender.row_budget() as f32;
        let task = Task::new(experiment, segment, recommender, self.trial, resize)?;
        self.trial_bytes = self.trial_bytes.max(task.bytes());
        let mut generator = Generator::stream(self.seed, purpose::ACTIONS + segment.index as u64);
        let mut tried: Vec<(Action, f64)> = Vec::new();
        for turn in 0..TRIED {
            let seeds: Vec<u64> = (0..CANDIDATES).map(|_| generator.next_u32().into()).collect();
            let mut candidates: Vec<Action> = seeds
                .par_iter()
                .map(|&seed| Action::draw(counts, budget, self.predictor.largest, seed))
                .collect();
            let best = best_of(&tried).map(|at| &tried[at].0);
            let encodings = self.predictor.encode(&frequencies);
            let chosen = candidates.swap_remove(self.choose(turn, &candidates, best, &encodings));
            let trial = task.trial(&Sizing::Ranks(chosen.0.clone()))?;
            *violations += trial.violations;
            tried.push((chosen, trial.qualities[0]));
            let (mean, deviation) = spread(&tried);
            for _ in 0..UPDATES {
                let (action, quality) = &tried[generator.below(tried.len() as u32) as usize];
                self.predictor.update(&frequencies, action, ((quality - mean) / deviation) as f32);
            }
        }
        tried.sort_by(|a, b| b.1.total_cmp(&a.1));
        tried.truncate(FINALISTS);
        let finals = TrialSettings { seeds: 2, ..self.trial };
        let task = Task::new(experiment, segment, recommender, finals, resize)?;
        for (action, quality) in &mut tried {
            let trial = task.trial(&Sizing::Ranks(action.0.clone()))?;
            *violations += trial.violations;
            *quality = trial.qualities.iter().sum::<f64>() / trial.qualities.len() as f64;
        }
        let best = tried.swap_remove(best_of(&tried).unwrap_or(0)).0;
        Ok(Decided { sizing: Sizing::Ranks(best.0), resize, action: None })
    }

    fn bytes(&self) -> u64 {
        self.predictor.bytes()
    }

    fn trial_bytes(&self) -> u64 {
        self.trial_bytes
    }

    fn save(&self) -> Result<Vec<u8>> {
        save_state(&self.predictor)
    }

    fn restore(&mut self, saved: &[u8]) -> Result<()> {
        self.predictor = load_state(saved)?;
        Ok(())
    }
}

/// The first of the best.
fn best_of(tried: &[(Action, f64)]) -> Option<usize> {
    (0..tried.len()).reduce(|best, next| if tried[next].1 > tried[best].1 { next } else { best })
}

/// Mean and standard deviation of the fitness so far; a deviation of 1 where there is none.
fn spread(tried: &[(Action, f64)]) -> (f64, f64) {
    let count = tried.len().max(1) as f64;
    let mean = tried.iter().map(|(_, quality)| quality).sum::<f64>() / count;
    let variance = tried.iter().map(|(_, quality)| (quality - mean) * (quality - mean)).sum::<f64>() / count;
    let deviation = math::sqrt(variance as f32);
    (mean, if deviation > 1e-6 { deviation.into() } else { 1.0 })
}

#[cfg(test)]
mod tests;
