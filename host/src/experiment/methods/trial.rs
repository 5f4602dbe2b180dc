//! What a search judges candidates by: short trainings of fresh models.

use anyhow::Result;
use rayon::prelude::*;
use scall_core::random::Generator;
use scall_core::segment::ResizeSettings;
use scall_core::side::Side;

use super::race::race;
use super::{Sizing, UserForm};
use crate::experiment::base::{Occasion, Part};
use crate::experiment::evaluate::evaluate;
use crate::experiment::model::{self, Memory, Model, ModelCapacity, SizeScratch};
use crate::experiment::protocol::Segment;
use crate::experiment::runner::{Experiment, purpose};
use crate::experiment::{training, validation};

/// How candidates are trained and measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrialSettings {
    /// Paired seeds of each candidate.
    pub seeds: u32,
    /// Part of the train part that candidates are measured on: its end.
    pub validation: f64,
    /// Passes over a candidate's interactions, where they are learned pair by pair.
    pub passes: u32,
    /// Training steps of a candidate, where it is learned in batches.
    pub steps: u32,
    /// Earlier interactions that candidates replay, as a share of what they learn of the segment.
    pub replay: f64,
    /// What is measured.
    pub measure: Measure,
}

/// What a candidate is measured by on the interactions that it has not learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Mean reciprocal rank among 200 items.
    ReciprocalRank,
    /// Mean of Recall@20 and NDCG@20 (published).
    Quality,
}

/// A candidate's measure for each seed, and how often it was over its budget.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    /// One measure a seed.
    pub qualities: Vec<f64>,
    /// Times that the budget was exceeded.
    pub violations: u64,
}

impl Trial {
    /// Relative gains over `present`, paired by seed.
    pub fn gains_over(&self, present: &Self) -> Vec<f32> {
        let pairs = self.qualities.iter().zip(&present.qualities);
        pairs.map(|(own, present)| ((own - present) / present.max(1e-9)) as f32).collect()
    }
}

/// What all candidates of a segment are trained and measured on.
#[derive(Debug)]
pub struct Task<'t> {
    experiment: &'t Experiment<'t>,
    settings: TrialSettings,
    resize: ResizeSettings,
    budget: u32,
    capacity: ModelCapacity,
    /// Counts of both sides without the validation part, by id.
    frequencies: [Vec<f32>; 2],
    part: Part<'t>,
    /// The same cut again: the validation part is its test part.
    segment: Segment,
    seeds: Vec<u64>,
}

impl<'t> Task<'t> {
    /// The task of a segment whose train part `recommender` has counted.
    ///
    /// # Errors
    /// If the budget cannot be kept.
    pub fn new(
        experiment: &'t Experiment<'t>,
        segment: &Segment,
        recommender: &dyn Model,
        settings: TrialSettings,
        resize: ResizeSettings,
    ) -> Result<Self> {
        let train = segment.train.clone();
        let cut = train.end - (train.len() as f64 * settings.validation) as usize;
        let known = segment.known_at(experiment.stream, cut);
        let mut generator = experiment.generator(purpose::SEARCH, segment);
        let part = experiment.part(train.start..cut, settings.replay, &mut generator);
        let learned = part.range.len() + part.replayed.len();
        let mut frequencies = [(Side::User, known.users), (Side::Item, known.items)].map(|(side, count)| {
            recommender.frequencies(side).iter().copied().take(count as usize).collect::<Vec<_>>()
        });
        for (user, item) in training::pairs(experiment.stream, cut..train.end) {
            for (counts, id) in frequencies.iter_mut().zip([user, item]) {
                if let Some(count) = counts.get_mut(id as usize) {
                    *count = (*count - 1.0).max(0.0);
                }
            }
        }
        let budget = experiment.budget(known)?;
        let capacity = experiment.capacity()?;
        let seeds = (0..settings.seeds)
            .map(|_| u64::from(generator.next_u32()) << 32 | u64::from(generator.next_u32()))
            .collect();
        Ok(Self {
            experiment,
            settings,
            resize,
            budget: budget.min(capacity.parameters),
            capacity: ModelCapacity { entities: known, seen: learned * 2, ..capacity },
            frequencies,
            part,
            segment: segment.validated_from(cut, known),
            seeds,
        })
    }

    fn memory(&self) -> Box<dyn Memory> {
        let request = self.experiment.request;
        model::memory(request.storage, request.tables, &self.capacity)
    }

    /// Bytes of the model that a trial trains, and has gone again afterwards.
    pub fn bytes(&self) -> u64 {
        // Of untouched memory the system provides nothing.
        self.memory().bytes()
    }

    /// Trains and measures a fresh model of each seed with the sizes of `sizing`.
    ///
    /// # Errors
    /// If the sizes are impossible.
    pub fn trial(&self, sizing: &Sizing) -> Result<Trial> {
        self.trial_of(sizing, UserForm::Rows)
    }

    /// The same with what is kept of users.
    ///
    /// # Errors
    /// If the sizes are impossible.
    pub fn trial_of(&self, sizing: &Sizing, form: UserForm) -> Result<Trial> {
        let results: Vec<(f64, bool)> =
            self.seeds.par_iter().map(|&seed| self.once(sizing, form, seed)).collect::<Result<_>>()?;
        Ok(Trial {
            qualities: results.iter().map(|&(quality, _)| quality).collect(),
            violations: results.iter().filter(|&&(_, over)| over).count() as u64,
        })
    }

    /// Trials of several sizings against the first of them; see `race`.
    ///
    /// # Errors
    /// If a size is impossible.
    pub fn race(&self, sizings: &[Sizing], whole: usize) -> Result<Vec<Trial>> {
        race(sizings, whole, &self.seeds, |sizing, seed| self.once(sizing, UserForm::Rows, seed))
    }

    /// Trains a fresh model and measures it; also says whether it was over its budget.
    fn once(&self, sizing: &Sizing, form: UserForm, seed: u64) -> Result<(f64, bool)> {
        let experiment = self.experiment;
        let mut memory = self.memory();
        let config = experiment.settings.recommender.validate()?;
        let users = experiment.users(form, self.segment.known.users);
        let budget = self.budget.saturating_sub(experiment.user_parameters(users));
        let cold = experiment.cold_sizes(budget);
        let mut model = memory.model(config, cold, budget, seed)?;
        for (side, counts) in Side::BOTH.into_iter().zip(&self.frequencies) {
            for (id, &count) in (0..).zip(counts) {
                model.admit(side, 0)?;
                model.set_frequency(side, id, count);
            }
        }
        let mut generator = Generator::stream(seed, purpose::SIZES);
        let mut scratch = SizeScratch::new(experiment.largest());
        sizing.apply(&mut *model, &form.resize(self.resize), 0, &mut scratch, &mut generator)?;
        let over = model.used() + experiment.user_parameters(users) > self.budget;
        let base = experiment.base(users);
        base.learn(&self.part, Occasion::Trial(self.settings), &mut *model, &mut generator)?;
        let mut quality = 0.0;
        base.serve(&self.part, &*model, &mut |served| quality = self.measure(served, &mut generator))?;
        Ok((quality, over))
    }

    /// Measures what answers after a training.
    fn measure(&self, served: &dyn Model, generator: &mut Generator) -> f64 {
        let Experiment { stream, history, .. } = *self.experiment;
        match self.settings.measure {
            Measure::ReciprocalRank => {
                let cut = self.segment.test.start;
                let validation = training::pairs(stream, self.segment.test.clone());
                let had = |user| history.items_of(stream, user, cut);
                validation::reciprocal_rank(served, &validation, had, generator)
            }
            Measure::Quality => {
                let found = evaluate(stream, history, &self.segment, |users, lists, excluded| {
                    // Lists and scratch have the lengths that were asked for.
                    let _ = served.retrieve(users, lists, excluded);
                });
                found.quality.fitness()
            }
        }
    }
}
