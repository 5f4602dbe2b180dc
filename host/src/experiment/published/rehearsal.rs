//! What a search tries its actions in: the segment that is over.

use anyhow::Result;
use scall_core::random::Generator;
use scall_core::segment::SizeRule;

use super::lesson::Lesson;
use super::model;
use super::rows::Rows;
use super::training::Training;
use crate::experiment::methods::published::{Environment, Observed, Outcome};
use crate::experiment::methods::{Decided, SizingMethod};
use crate::experiment::runner::{Experiment, purpose};

/// The environment of one segment's search: every action is tried on a fresh model, trained for one block.
pub(super) struct Rehearsal<'r> {
    /// The run.
    pub(super) experiment: &'r Experiment<'r>,
    /// The segment that is over.
    pub(super) lesson: &'r Lesson<'r>,
    /// The rows that its training ended with.
    pub(super) rows: &'r Rows,
    /// The quality after the first block of that training.
    pub(super) baseline: f64,
    /// Steps taken so far.
    pub(super) steps: u64,
    /// Times that a candidate was above the budget.
    pub(super) violations: u64,
    /// Told of the method, the steps and the violations after every step.
    pub(super) pause: &'r mut dyn FnMut(&dyn SizingMethod, u64, u64) -> Result<()>,
}

impl Environment for Rehearsal<'_> {
    fn baseline(&mut self) -> Result<f64> {
        Ok(self.baseline)
    }

    fn segment(&self) -> usize {
        self.lesson.growth().segment.index + 1
    }

    fn state(&mut self) -> Option<Observed> {
        let item_bias = self.experiment.settings.recommender.item_bias;
        Some(self.rows.observed(self.lesson.frequencies(), item_bias))
    }

    fn step(&mut self, rule: &SizeRule) -> Result<Outcome> {
        let Self { experiment, lesson, .. } = *self;
        self.steps += 1;
        let (seed, index) = (experiment.request.seed, lesson.growth().segment.index as u64);
        // Every step has its own stream, so that a search that is resumed draws the same.
        let mut generator = Generator::stream(seed, purpose::SEARCH + index + (self.steps << 40));
        let mut memory = model::memory(experiment, lesson)?;
        let own_bytes = memory.bytes();
        let nothing = Rows::default();
        let seed = u64::from(generator.next_u32());
        let mut model = model::model(experiment, lesson, &nothing, &mut *memory, seed)?;
        let resize = experiment.settings.published.resize;
        let decided = Decided { sizing: (*rule).into(), resize, action: None };
        let over = model::begin(experiment, lesson, &decided, &nothing, &mut *model, &mut generator)?;
        self.violations += u64::from(over);
        let mut training = Training::new(
            experiment.request.base,
            experiment.settings.lightgcn.settings,
            lesson,
            &mut *model,
            generator,
        );
        training.block()?;
        let quality = training.measure(lesson.test())?.quality.fitness();
        let item_bias = experiment.settings.recommender.item_bias;
        let state = training.rows().observed(lesson.frequencies(), item_bias);
        Ok(Outcome { quality, state: Some(state), bytes: own_bytes + training.bytes() })
    }

    fn pause(&mut self, method: &dyn SizingMethod) -> Result<()> {
        (self.pause)(method, self.steps, self.violations)
    }
}
