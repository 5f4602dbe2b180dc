//! Training: batch after batch, from a recommender's rows and back to them.

use rayon::prelude::*;
use scall_core::math;
use scall_core::policy::{Step, WeightDecay};
use scall_core::random::Generator;
use scall_core::side::{PerSide, Side};

use super::batch::Batch;
use super::graph::Graph;
use super::loss;
use super::panel::{Columns, Descent, panels};
use super::sampler::Sampler;
use crate::experiment::model::Model;

/// How LightGCN learns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LightGcnSettings {
    /// Triples of a step.
    pub batch: usize,
    /// Weight of the summed squares of the rows that a batch uses, over its length.
    pub l2: f32,
    /// Adam's step in the first block.
    pub learning_rate: f32,
    /// What it is multiplied by from block to block.
    pub decay: f32,
    /// What it never falls below.
    pub least_learning_rate: f32,
    /// Steps of a block.
    pub block: u32,
}

impl LightGcnSettings {
    /// As published for SCALL.
    pub const PUBLISHED: Self = Self {
        batch: 10_000,
        l2: 1e-4,
        learning_rate: 0.03,
        decay: 0.95,
        least_learning_rate: 0.001,
        block: 200,
    };

    /// Adam's step in the step with this number, from 0.
    fn rate(&self, step: u32) -> f32 {
        let blocks = (step / self.block.max(1)) as f32;
        (self.learning_rate * math::pow(self.decay, blocks)).max(self.least_learning_rate)
    }
}

/// One training of the rows of a recommender on a graph.
///
/// It works on a copy of the rows; [`store`](Self::store) writes them back.
#[derive(Debug)]
pub struct Trainer {
    graph: Graph,
    settings: LightGcnSettings,
    panels: Vec<Box<dyn Columns>>,
    steps: u32,
    batch: Batch,
    slopes: Vec<f32>,
    counts: PerSide<Vec<u32>>,
}

impl Trainer {
    /// A training that begins at the rows of `recommender`, of which `graph` has the sizes.
    pub fn new(graph: Graph, recommender: &dyn Model, settings: LightGcnSettings) -> Self {
        let panels = panels(&graph, recommender);
        let counts = |side| vec![0; graph.side(side).len()];
        Self {
            counts: PerSide::new(counts(Side::User), counts(Side::Item)),
            graph,
            settings,
            panels,
            steps: 0,
            batch: Batch::default(),
            slopes: Vec::new(),
        }
    }

    /// The graph.
    pub const fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Draws a batch and takes a step; returns the loss before it, 0 if there was nothing to draw.
    pub fn train(&mut self, sampler: &Sampler, generator: &mut Generator) -> f64 {
        let mut batch = std::mem::take(&mut self.batch);
        sampler.draw(&self.graph, self.settings.batch, generator, &mut batch);
        let loss = if batch.triples().is_empty() { 0.0 } else { self.step(&batch) };
        self.batch = batch;
        loss
    }

    /// Takes a step, and returns the loss before it: the mean BPR loss plus the penalty.
    pub fn step(&mut self, batch: &Batch) -> f64 {
        let Self { graph, settings, panels, steps, slopes, counts, .. } = self;
        batch.count(counts);
        panels.par_iter_mut().for_each(|panel| {
            panel.forward(graph);
            panel.take_margins(batch);
        });
        slopes.clear();
        slopes.resize(batch.triples().len(), 0.0);
        for panel in panels.iter() {
            slopes.iter_mut().zip(panel.margins()).for_each(|(sum, share)| *sum += share);
        }
        let bpr = loss::bpr(slopes);
        let share = settings.l2 / batch.triples().len().max(1) as f32;
        let adam = Step::new(settings.rate(*steps), WeightDecay::L2(0.0), *steps + 1);
        let descent = Descent { slopes, counts, penalty: 2.0 * share, adam };
        let squares: Vec<f64> = panels
            .par_iter_mut()
            .map(|panel| {
                let squares = panel.squares(counts);
                panel.backward(graph, batch, &descent);
                squares
            })
            .collect();
        *steps += 1;
        bpr + f64::from(share) * squares.iter().sum::<f64>()
    }

    /// Writes the rows back.
    pub fn store(&self, recommender: &mut dyn Model) {
        let mut row = Vec::new();
        for side in Side::BOTH {
            for (place, &id) in self.graph.side(side).ids().iter().enumerate() {
                row.clear();
                row.extend(self.panels.iter().map_while(|panel| panel.parameters(side, place)).flatten());
                recommender.set_row(side, id, &row);
            }
        }
        recommender.reorder();
    }

    /// Propagates the rows as they are; [`vector`](Self::vector) then gives the final vectors.
    pub fn propagate(&mut self) {
        let Self { graph, panels, .. } = self;
        panels.par_iter_mut().for_each(|panel| panel.forward(graph));
    }

    /// Writes the final vector of a node, by place, to `out`, as long as the longest row.
    pub fn vector(&self, side: Side, place: usize, out: &mut [f32]) {
        for panel in &self.panels {
            out[panel.first()..].iter_mut().zip(panel.vector(side, place)).for_each(|(to, from)| *to = *from);
        }
    }

    /// Bytes of memory, the graph included.
    pub fn bytes(&self) -> u64 {
        let own = self.slopes.len()
            + self.counts.user.len()
            + self.counts.item.len()
            + 3 * self.batch.triples().len();
        self.graph.bytes()
            + self.panels.iter().map(|panel| panel.bytes()).sum::<u64>()
            + (own * size_of::<f32>()) as u64
    }
}

#[cfg(test)]
mod tests;
