//! Training block by block, and the choice of the best block.

use std::time::{Duration, Instant};

use anyhow::Result;
use scall_core::math;
use scall_core::random::Generator;
use scall_core::recommender::RecommenderConfig;
use scall_core::side::{PerSide, Side};

use super::examination::Examination;
use super::lesson::Lesson;
use super::rows::Rows;
use crate::experiment::Base;
use crate::experiment::evaluate::Evaluation;
use crate::experiment::model::Model;
use crate::lightgcn::{Batch, Candidates, Graph, LightGcnSettings, Sampler, Trainer, served};

/// Blocks without a gain after which a training may end (published: 3).
const PATIENCE: u32 = 3;

/// A training goes on while a block's loss is at most this part of the one before (published: 0.95).
const FALLING: f64 = 0.95;

/// The most blocks of a training (published: a million).
const MOST_BLOCKS: u32 = 100;

/// One training of a recommender's rows on a lesson.
#[derive(Debug)]
pub struct Training<'t> {
    lesson: &'t Lesson<'t>,
    recommender: &'t mut dyn Model,
    base: Learner,
    settings: LightGcnSettings,
    sampler: Sampler,
    generator: Generator,
    steps: u32,
    /// The most bytes held at a time beside the rows.
    bytes: u64,
    measuring: Duration,
}

/// What differs between the recommenders.
#[derive(Debug)]
enum Learner {
    /// Learns each user and positive of a batch as an event, against a negative of its own; the graph only
    /// serves to draw. Its step falls like the published one.
    Mf { graph: Box<Graph>, batch: Batch, config: RecommenderConfig },
    /// Works on a copy of the rows.
    LightGcn(Box<Trainer>),
}

impl<'t> Training<'t> {
    /// A training that begins at the rows of `recommender`. Batches, blocks and rates are those of `settings` for
    /// every base.
    pub fn new(
        base: Base,
        settings: LightGcnSettings,
        lesson: &'t Lesson<'t>,
        recommender: &'t mut dyn Model,
        generator: Generator,
    ) -> Self {
        let sizes = |side| (0..recommender.count(side)).map(|id| recommender.size(side, id)).collect();
        let graph = Graph::new(&PerSide::new(sizes(Side::User), sizes(Side::Item)), || lesson.interactions());
        let had = |user, item| lesson.had(user, item);
        let sampler = Sampler::new(&graph, lesson.current(), had, Candidates::Current);
        let base = match base {
            Base::Mf => {
                lesson.interactions().for_each(|(user, item)| recommender.remember(user, item));
                let config = *recommender.config().get();
                Learner::Mf { graph: Box::new(graph), batch: Batch::default(), config }
            }
            Base::Lightgcn => Learner::LightGcn(Box::new(Trainer::new(graph, recommender, settings))),
        };
        Self {
            lesson,
            recommender,
            base,
            settings,
            sampler,
            generator,
            steps: 0,
            bytes: 0,
            measuring: Duration::ZERO,
        }
    }

    /// Takes a block of steps; returns their mean loss.
    ///
    /// # Errors
    /// None in practice: the settings stay in their ranges.
    pub fn block(&mut self) -> Result<f64> {
        let mut loss = 0.0;
        let Self { recommender, base, settings, sampler, generator, steps, .. } = self;
        match base {
            Learner::LightGcn(trainer) => {
                for _ in 0..settings.block {
                    loss += trainer.train(sampler, generator);
                }
            }
            Learner::Mf { graph, batch, config } => {
                let blocks = (*steps / settings.block) as f32;
                let least = settings.least_learning_rate / settings.learning_rate;
                let factor = math::pow(settings.decay, blocks).max(least);
                let slower = RecommenderConfig { learning_rate: config.learning_rate * factor, ..*config };
                recommender.set_config(slower.validate()?);
                let ids = |side| graph.side(side).ids();
                let (users, items) = (ids(Side::User), ids(Side::Item));
                let mut pairs = Vec::with_capacity(settings.batch);
                for _ in 0..settings.block {
                    sampler.draw(graph, settings.batch, generator, batch);
                    pairs.clear();
                    pairs.extend(
                        batch
                            .triples()
                            .iter()
                            .map(|one| (users[one.user as usize], items[one.positive as usize])),
                    );
                    loss += recommender.learn_with_loss(&pairs) / pairs.len().max(1) as f64;
                }
                recommender.reorder();
            }
        }
        *steps += settings.block;
        Ok(loss / f64::from(settings.block))
    }

    /// Measures the model as it is.
    ///
    /// # Errors
    /// More propagated numbers than can be served.
    pub fn measure(&mut self, examination: &Examination) -> Result<Evaluation> {
        let (lesson, started) = (self.lesson, Instant::now());
        let measure = |recommender: &dyn Model| {
            examination.measure(
                |users, lists, excluded| {
                    // Lists and scratch have the lengths that were asked for.
                    let _ = recommender.retrieve(users, lists, excluded);
                },
                |user, item| lesson.learned(user, item),
            )
        };
        let evaluation = match &mut self.base {
            Learner::Mf { .. } => measure(self.recommender),
            Learner::LightGcn(trainer) => {
                let (evaluation, serving) = served(trainer, measure)?;
                self.bytes = self.bytes.max(trainer.bytes() + self.sampler.bytes() + serving);
                evaluation
            }
        };
        self.measuring += started.elapsed();
        Ok(evaluation)
    }

    /// The most bytes held at a time beside the rows: graph, propagated vectors, optimiser.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The rows as they are.
    pub fn rows(&mut self) -> Rows {
        if let Learner::LightGcn(trainer) = &self.base {
            trainer.store(self.recommender);
        }
        Rows::of(self.recommender)
    }

    /// Trains until neither the quality nor the loss moves, and keeps the best block.
    ///
    /// # Errors
    /// Those of the steps.
    pub fn converge(mut self) -> Result<Trained> {
        let lesson = self.lesson;
        let selects_by_test = lesson.selection() == lesson.test();
        let mut best = Best::default();
        let mut patience = PATIENCE;
        let (mut last_loss, mut first_fitness) = (0.0, 0.0);
        for block in 0..MOST_BLOCKS {
            let loss = self.block()?;
            let selected = self.measure(lesson.selection())?;
            let fitness = selected.quality.fitness();
            if block == 0 || fitness > best.fitness {
                let evaluation = if selects_by_test { selected } else { self.measure(lesson.test())? };
                best = Best { fitness, evaluation, rows: self.rows() };
                patience = PATIENCE;
            } else {
                patience = patience.saturating_sub(1);
                if patience == 0 && loss > FALLING * last_loss {
                    break;
                }
            }
            if block == 0 {
                first_fitness = best.evaluation.quality.fitness();
            }
            last_loss = loss;
        }
        let Best { evaluation, rows, .. } = best;
        Ok(Trained {
            evaluation,
            rows,
            first_fitness,
            steps: self.steps,
            working_memory_bytes: self.bytes,
            test_seconds: self.measuring.as_secs_f64(),
        })
    }
}

/// The best block so far.
#[derive(Default)]
struct Best {
    fitness: f64,
    evaluation: Evaluation,
    rows: Rows,
}

/// What came of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// Of the best block, on the test part.
    pub evaluation: Evaluation,
    /// Its rows.
    pub rows: Rows,
    /// Mean of Recall@20 and NDCG@20 of the first block on the test part: what candidates are compared with.
    pub first_fitness: f64,
    /// Steps taken.
    pub steps: u32,
    /// The most bytes held at a time beside the rows: graph, propagated vectors, optimiser.
    pub working_memory_bytes: u64,
    /// Time spent on measuring.
    pub test_seconds: f64,
}
