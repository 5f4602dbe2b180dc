//! AutoEmb: every entity has a piece of each size, and a controller weighs them.
//!
//! A row is the weighted sum of its pieces, each of which is brought to one width by a linear map of its
//! size, batch normalisation and a hyperbolic tangent. The weights are the softmax of a controller that sees
//! the popularity and the last weights. Learning alternates (first-order DARTS): the controller descends the
//! loss of the batch before, then pieces and maps that of the batch at hand.
//!
//! No piece is ever given up, so there is no budget to keep. Loss, penalty included, negatives and the items'
//! biases are those of the recommender; the summed rows are written to it, and it answers with them.

use anyhow::{Result, bail};
use scall_core::math;
use scall_core::policy::{Step, WeightDecay};
use scall_core::random::Generator;
use scall_core::segment::ResizeSettings;
use scall_core::side::{PerSide, Side};
use serde::{Deserialize, Serialize};

use super::network::{Activation, LayerShape, Mode, Network, Trace, softmax};
use super::{
    Decided, MethodCard, Representation, Sizing, SizingMethod, draw_negative, load_state, notches,
    popularity_class, save_state,
};
use crate::experiment::Base;
use crate::experiment::model::Model;
use crate::experiment::protocol::Segment;
use crate::experiment::runner::{Experiment, purpose};
use crate::experiment::training::{Pair, shuffle};

/// What the method says of itself.
pub const CARD: MethodCard = MethodCard {
    name: "autoemb",
    label: "autoemb",
    summary: "Soft selection among pieces of all sizes; no budget: reports the parameters that it holds",
    decides: "in every batch of 128 interactions, by weights: pieces are never given up",
    looks_at: "frequencies, the last weights, and the loss of the batch learned before",
    stores: "two controllers, Adam's moments of them and of pieces and maps, all weights, and the summed rows",
    source: "Zhao et al., AutoEmb, ICDM 2021, arXiv 2002.11252",
    capped: false,
    between_segments: false,
    any_storage: false,
    make: |setup| {
        if setup.request.base != Base::Mf {
            bail!("--method autoemb learns by itself: expected --base mf");
        }
        Ok(Box::new(AutoEmb::new(setup.settings.resize, setup.request.seed)))
    },
};

/// The common width (published: 128, with pieces up to that; rows here have a quarter of the published width).
const WIDTH: u32 = 32;

/// Interactions in a batch (published: 500, on streams several hundred times as long).
const BATCH: usize = 128;

/// Hidden neurons of a controller (published: 512).
const HIDDEN: usize = 64;

/// Adam's step of pieces and maps (published: 1e-3).
const LEARNING_RATE: f32 = 3e-3;

/// Adam's step of the controllers (published: 1e-4).
const CONTROLLER_RATE: f32 = 1e-3;

/// Of this many passes of the recommender, one is made: a batch of Adam goes further than as many single steps
/// of AdaGrad (published: one pass in all).
const PASSES: u32 = 3;

/// By how much the smallest piece is ahead of the others at first, before the softmax.
const LEAD: f32 = 3.0;

/// Standard deviation of new pieces.
const INITIAL_SCALE: f32 = 0.1;

/// Classes of popularity.
const CLASSES: usize = 20;

/// One side: pieces, maps and a controller.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Half {
    /// Sizes of the pieces.
    sizes: Vec<usize>,
    width: usize,
    /// `[entities x all pieces]`, and Adam's moments of them.
    pieces: [Vec<f32>; 3],
    /// One a size.
    maps: Vec<Network>,
    controller: Network,
    /// `[entities x sizes]`.
    weights: Vec<f32>,
    steps: u32,
}

/// The rows of a batch, and what made them.
struct Summed {
    ids: Vec<u32>,
    controlled: Trace,
    weights: Vec<f32>,
    mapped: Vec<Trace>,
    /// `[ids x width]`.
    rows: Vec<f32>,
}

impl Half {
    fn new(width: u32, generator: &mut Generator) -> Self {
        let sizes: Vec<usize> = notches(width).map(|size| size as usize).collect();
        let width = width as usize;
        let map = |&size: &usize| Network::new(size, &[LayerShape::normalised_tanh(width)], generator);
        let maps = sizes.iter().map(map).collect();
        let shapes =
            [LayerShape::normalised_tanh(HIDDEN), LayerShape::plain(sizes.len(), Activation::Linear)];
        let mut controller = Network::new(CLASSES + sizes.len(), &shapes, generator);
        controller.last_biases()[0] = LEAD;
        Self { sizes, width, pieces: Default::default(), maps, controller, weights: Vec::new(), steps: 0 }
    }

    fn stride(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// Gives newcomers their pieces, with all weight on the smallest.
    fn welcome(&mut self, known: usize, generator: &mut Generator) {
        let stride = self.stride();
        let [values, first, second] = &mut self.pieces;
        while values.len() < known * stride {
            values.push(INITIAL_SCALE * generator.normal());
        }
        first.resize(known * stride, 0.0);
        second.resize(known * stride, 0.0);
        while self.weights.len() < known * self.sizes.len() {
            self.weights.push(1.0);
            self.weights.extend(std::iter::repeat_n(0.0, self.sizes.len() - 1));
        }
    }

    /// Sums the rows of `ids`; the controller uses its running means unless it is the one that learns.
    fn sum(&mut self, ids: Vec<u32>, frequencies: &[f32], mode: Mode, controlling: Mode) -> Summed {
        let (kinds, width, stride) = (self.sizes.len(), self.width, self.stride());
        let mut features = Vec::with_capacity(ids.len() * (CLASSES + kinds));
        for id in ids.iter().map(|&id| id as usize) {
            let start = features.len();
            features.resize(start + CLASSES, 0.0);
            features[start + popularity_class(frequencies[id], CLASSES)] = 1.0;
            features.extend_from_slice(&self.weights[id * kinds..(id + 1) * kinds]);
        }
        let controlled = self.controller.forward(features, controlling);
        let mut weights = controlled.outputs().to_vec();
        softmax(&mut weights, kinds);
        let mut rows = vec![0.0; ids.len() * width];
        let mut mapped = Vec::with_capacity(kinds);
        let mut start = 0;
        for (kind, &size) in self.sizes.iter().enumerate() {
            let piece = |id: u32| &self.pieces[0][id as usize * stride + start..][..size];
            let trace =
                self.maps[kind].forward(ids.iter().flat_map(|&id| piece(id)).copied().collect(), mode);
            let weighed = rows.chunks_exact_mut(width).zip(trace.outputs().chunks_exact(width));
            for ((row, part), weights) in weighed.zip(weights.chunks_exact(kinds)) {
                row.iter_mut().zip(part).for_each(|(sum, number)| *sum += weights[kind] * number);
            }
            mapped.push(trace);
            start += size;
        }
        Summed { ids, controlled, weights, mapped, rows }
    }

    /// Adds to the controller's gradient, from the derivatives by the rows.
    fn toward_controller(&mut self, summed: &Summed, by_rows: &[f32]) {
        let (kinds, width) = (self.sizes.len(), self.width);
        let mut deltas = Vec::with_capacity(summed.weights.len());
        for (n, weights) in summed.weights.chunks_exact(kinds).enumerate() {
            let row = &by_rows[n * width..(n + 1) * width];
            let by_weights: Vec<f32> = summed
                .mapped
                .iter()
                .map(|map| math::dot(row, &map.outputs()[n * width..][..width]))
                .collect();
            let mean = math::dot(weights, &by_weights);
            deltas.extend(weights.iter().zip(&by_weights).map(|(weight, by)| weight * (by - mean)));
        }
        self.controller.backward(&summed.controlled, deltas);
    }

    /// Adds to the maps' gradients, from the derivatives by the rows; returns those by the pieces,
    /// `[ids x all pieces]`.
    fn toward_pieces(&mut self, summed: &Summed, by_rows: &[f32]) -> Vec<f32> {
        let (kinds, width, stride) = (self.sizes.len(), self.width, self.stride());
        let mut by_pieces = vec![0.0; summed.ids.len() * stride];
        let mut start = 0;
        for (kind, &size) in self.sizes.iter().enumerate() {
            let weights = summed.weights.chunks_exact(kinds).map(|weights| weights[kind]);
            let deltas = by_rows.chunks_exact(width).zip(weights);
            let deltas = deltas.flat_map(|(row, weight)| row.iter().map(move |by| weight * by)).collect();
            let back = self.maps[kind].backward(&summed.mapped[kind], deltas);
            for (to, from) in by_pieces.chunks_exact_mut(stride).zip(back.chunks_exact(size)) {
                to[start..start + size].copy_from_slice(from);
            }
            start += size;
        }
        by_pieces
    }

    /// One step of maps and pieces; rows that occur more than once take the sum of their gradients.
    fn step(&mut self, summed: &Summed, by_pieces: &[f32]) {
        self.maps.iter_mut().for_each(|map| map.step(LEARNING_RATE));
        self.steps += 1;
        let adam = Step::new(LEARNING_RATE, WeightDecay::L2(0.0), self.steps);
        let stride = self.stride();
        let mut order: Vec<usize> = (0..summed.ids.len()).collect();
        order.sort_by_key(|&n| summed.ids[n]);
        for same in order.chunk_by(|&a, &b| summed.ids[a] == summed.ids[b]) {
            let mut gradient = vec![0.0; stride];
            for &n in same {
                let row = &by_pieces[n * stride..(n + 1) * stride];
                gradient.iter_mut().zip(row).for_each(|(sum, number)| *sum += number);
            }
            let at = summed.ids[same[0]] as usize * stride;
            let [values, first, second] = self.pieces.each_mut().map(|part| &mut part[at..at + stride]);
            adam.row(values, first, second, &gradient);
        }
    }

    fn parameters(&self) -> u64 {
        (self.pieces[0].len() + self.maps.iter().map(Network::parameters).sum::<usize>()) as u64
    }

    /// Bytes beyond the parameters: moments, running means, controller, weights and summed rows.
    fn bytes(&self) -> u64 {
        let numbers = self.pieces[1].len() + self.pieces[2].len() + self.weights.len();
        let rows = self.weights.len() / self.sizes.len() * self.width;
        let maps = |map: &Network| map.bytes() - (map.parameters() * size_of::<f32>()) as u64;
        ((numbers + rows) * size_of::<f32>()) as u64
            + self.controller.bytes()
            + self.maps.iter().map(maps).sum::<u64>()
    }
}

/// A user, an item, and one that the user did not have.
type Triple = [u32; 3];

/// The method.
#[derive(Debug)]
pub struct AutoEmb {
    resize: ResizeSettings,
    sides: PerSide<Half>,
    generator: Generator,
    /// The items' biases, which are parameters too.
    biases: u64,
}

/// The derivatives of the mean loss by the rows of both sides and the margins; `items` are the liked ones, then
/// the others. `l2` are the weights of half the squared lengths of the users' and the items' rows.
fn derivatives(
    users: &[f32],
    items: &[f32],
    biases: &[f32],
    l2: PerSide<f32>,
    width: usize,
) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let count = users.len() / width;
    let (mut by_users, mut by_items) = (vec![0.0; users.len()], vec![0.0; items.len()]);
    let mut pulls = Vec::with_capacity(count);
    let share = 1.0 / count as f32;
    for n in 0..count {
        let (row, other) = (n * width..(n + 1) * width, (count + n) * width..(count + n + 1) * width);
        let (user, liked, not) = (&users[row.clone()], &items[row.clone()], &items[other.clone()]);
        let margin = (biases[n] + math::dot(user, liked)) - (biases[count + n] + math::dot(user, not));
        let pull = -math::sigmoid(-margin);
        for k in 0..width {
            by_users[row.start + k] = share * (pull * (liked[k] - not[k]) + l2.user * user[k]);
            by_items[row.start + k] = share * (pull * user[k] + l2.item * liked[k]);
            by_items[other.start + k] = share * (l2.item * not[k] - pull * user[k]);
        }
        pulls.push(pull);
    }
    (by_users, by_items, pulls)
}

impl AutoEmb {
    /// Controllers that put nearly all weight on the smallest piece.
    pub fn new(resize: ResizeSettings, seed: u64) -> Self {
        let mut resize = ResizeSettings { hysteresis: false, ..resize };
        for bounds in [&mut resize.sizes.bounds.user, &mut resize.sizes.bounds.item] {
            bounds.min = 0;
        }
        let width = WIDTH.min(resize.sizes.bounds.user.max);
        let mut generator = Generator::stream(seed, purpose::POLICY);
        let sides = PerSide::new(Half::new(width, &mut generator), Half::new(width, &mut generator));
        Self { resize, sides, generator, biases: 0 }
    }

    /// A pair with the best-scored of as many items as the recommender draws for a negative, by the rows
    /// written last.
    fn triple(&mut self, recommender: &dyn Model, (user, item): Pair) -> Option<Triple> {
        let mut hardest = draw_negative(recommender, user, item, &mut self.generator)?;
        for _ in 1..recommender.config().get().hardest_of {
            let other = draw_negative(recommender, user, item, &mut self.generator)?;
            if recommender.score(user, other) > recommender.score(user, hardest) {
                hardest = other;
            }
        }
        Some([user, item, hardest])
    }

    /// The rows of a batch on both sides.
    fn sum(&mut self, recommender: &dyn Model, batch: &[Triple], controlling: Mode) -> PerSide<Summed> {
        let users = batch.iter().map(|triple| triple[0]).collect();
        let items =
            batch.iter().map(|triple| triple[1]).chain(batch.iter().map(|triple| triple[2])).collect();
        let counts = |side| recommender.frequencies(side);
        let PerSide { user, item } = &mut self.sides;
        PerSide::new(
            user.sum(users, &counts(Side::User), Mode::Training, controlling),
            item.sum(items, &counts(Side::Item), Mode::Training, controlling),
        )
    }

    /// The controllers' step on a batch.
    fn control(&mut self, recommender: &dyn Model, batch: &[Triple]) {
        let summed = self.sum(recommender, batch, Mode::Training);
        let biases = biases_of(recommender, &summed.item.ids);
        let (by_users, by_items, _) = derivatives(
            &summed.user.rows,
            &summed.item.rows,
            &biases,
            l2_of(recommender),
            self.sides.user.width,
        );
        self.sides.user.toward_controller(&summed.user, &by_users);
        self.sides.item.toward_controller(&summed.item, &by_items);
        for half in [&mut self.sides.user, &mut self.sides.item] {
            half.controller.step(CONTROLLER_RATE);
        }
    }

    /// The pieces' and maps' step on a batch, and the biases'.
    fn fit(&mut self, recommender: &mut dyn Model, batch: &[Triple]) {
        let summed = self.sum(recommender, batch, Mode::Serving);
        let biases = biases_of(recommender, &summed.item.ids);
        let (by_users, by_items, pulls) = derivatives(
            &summed.user.rows,
            &summed.item.rows,
            &biases,
            l2_of(recommender),
            self.sides.user.width,
        );
        for (half, summed, by_rows) in
            [(&mut self.sides.user, &summed.user, by_users), (&mut self.sides.item, &summed.item, by_items)]
        {
            let by_pieces = half.toward_pieces(summed, &by_rows);
            half.step(summed, &by_pieces);
            let kinds = half.sizes.len();
            for (&id, weights) in summed.ids.iter().zip(summed.weights.chunks_exact(kinds)) {
                half.weights[id as usize * kinds..][..kinds].copy_from_slice(weights);
            }
        }
        let config = *recommender.config().get();
        let signs = pulls.iter().map(|pull| -pull).chain(pulls.iter().copied());
        for (&id, pull) in summed.item.ids.iter().zip(signs) {
            if let Some(bias) = recommender.row(Side::Item, id).first().filter(|_| config.item_bias) {
                let stepped = bias + config.bias_learning_rate * (pull - config.bias_l2 * bias);
                recommender.set_row(Side::Item, id, &[stepped]);
            }
        }
    }

    /// Writes all rows to the recommender.
    fn write(&mut self, recommender: &mut dyn Model) {
        let bias = usize::from(recommender.config().get().item_bias);
        for side in Side::BOTH {
            let known = recommender.count(side);
            let half = self.sides.get_mut(side);
            let frequencies = recommender.frequencies(side).into_owned();
            let summed = half.sum((0..known).collect(), &frequencies, Mode::Serving, Mode::Serving);
            let ahead = if side == Side::Item { bias } else { 0 };
            for (id, row) in (0..).zip(summed.rows.chunks_exact(half.width)) {
                // Who came in the test part has a shorter row or none yet, and gets one with the next sizes.
                let mut whole = recommender.row(side, id);
                whole.truncate(ahead);
                whole.extend_from_slice(row);
                recommender.set_row(side, id, &whole);
            }
        }
        recommender.reorder();
    }
}

fn l2_of(recommender: &dyn Model) -> PerSide<f32> {
    let config = recommender.config().get();
    PerSide::new(config.user_l2, config.item_l2)
}

fn biases_of(recommender: &dyn Model, items: &[u32]) -> Vec<f32> {
    let of = |&id: &u32| recommender.row(Side::Item, id).first().copied();
    let has = recommender.config().get().item_bias;
    items.iter().map(|id| of(id).filter(|_| has).unwrap_or(0.0)).collect()
}

impl SizingMethod for AutoEmb {
    fn decide(
        &mut self,
        _experiment: &Experiment<'_>,
        _segment: &Segment,
        recommender: &mut dyn Model,
        _violations: &mut u64,
    ) -> Result<Decided> {
        let rows = |side, half: &Half| vec![half.width as u32; recommender.count(side) as usize];
        let sizes = PerSide::new(rows(Side::User, &self.sides.user), rows(Side::Item, &self.sides.item));
        Ok(Decided { sizing: Sizing::Dimensions(sizes), resize: self.resize, action: None })
    }

    fn representation(&mut self) -> Option<&mut dyn Representation> {
        Some(self)
    }

    fn bytes(&self) -> u64 {
        self.sides.user.bytes() + self.sides.item.bytes()
    }

    fn save(&self) -> Result<Vec<u8>> {
        save_state(&(&self.sides.user, &self.sides.item, self.generator.state(), self.biases))
    }

    fn restore(&mut self, saved: &[u8]) -> Result<()> {
        let (user, item, generator, biases) = load_state(saved)?;
        self.sides = PerSide::new(user, item);
        self.generator = Generator::from_state(generator);
        self.biases = biases;
        Ok(())
    }
}

impl Representation for AutoEmb {
    fn learn(&mut self, recommender: &mut dyn Model, pairs: &mut [Pair], passes: u32, order: &mut Generator) {
        for side in Side::BOTH {
            let known = recommender.count(side) as usize;
            self.sides.get_mut(side).welcome(known, &mut self.generator);
        }
        let bias = u64::from(recommender.config().get().item_bias);
        self.biases = bias * u64::from(recommender.count(Side::Item));
        let mut previous: Vec<Triple> = Vec::new();
        for _ in 0..passes.div_ceil(PASSES) {
            shuffle(pairs, order);
            for batch in pairs.chunks(BATCH) {
                let batch: Vec<Triple> =
                    batch.iter().filter_map(|&pair| self.triple(recommender, pair)).collect();
                if batch.is_empty() {
                    continue;
                }
                if !previous.is_empty() {
                    self.control(recommender, &previous);
                }
                self.fit(recommender, &batch);
                previous = batch;
            }
            self.write(recommender);
        }
    }

    fn parameters(&self) -> u64 {
        self.sides.user.parameters() + self.sides.item.parameters() + self.biases
    }
}

#[cfg(test)]
mod tests;
