//! LightGCN, learned from the graph of everything so far.

use anyhow::Result;
use scall_core::random::Generator;
use scall_core::side::{PerSide, Side};

use super::{BaseRecommender, Occasion, Part, meet_unlearned};
use crate::experiment::model::Model;
use crate::experiment::training;
use crate::lightgcn::{Candidates, Graph, LightGcnSettings, Sampler, Trainer, served};

/// How much LightGCN learns, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LightGcnSteps {
    /// How it learns.
    pub settings: LightGcnSettings,
    /// Steps for a train part.
    pub train: u32,
    /// Steps for a test part.
    pub test: u32,
    /// What negatives are drawn from.
    pub candidates: Candidates,
}

/// The rows as layer 0 of a graph's nodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct LightGcn(pub(super) LightGcnSteps);

impl LightGcn {
    /// A training on everything up to the end of `part`.
    fn trainer(&self, part: &Part<'_>, recommender: &dyn Model) -> Trainer {
        let sizes = |side| (0..recommender.count(side)).map(|id| recommender.size(side, id)).collect();
        let sizes = PerSide::new(sizes(Side::User), sizes(Side::Item));
        let end = part.range.end;
        let graph = Graph::new(&sizes, || {
            part.stream.users[..end].iter().copied().zip(part.stream.items[..end].iter().copied())
        });
        // A part of fewer interactions than a batch would be drawn over and over in every step.
        let batch = self.0.settings.batch.min(part.range.len());
        Trainer::new(graph, recommender, LightGcnSettings { batch, ..self.0.settings })
    }
}

impl BaseRecommender for LightGcn {
    fn meet(&self, recommender: &mut dyn Model, user: u32, item: u32) -> Result<()> {
        meet_unlearned(recommender, user, item)
    }

    fn learn(
        &self,
        part: &Part<'_>,
        occasion: Occasion,
        recommender: &mut dyn Model,
        generator: &mut Generator,
    ) -> Result<u64> {
        let steps = match occasion {
            Occasion::Train => self.0.train,
            // Half of the steps are for the stretches, half for the whole.
            Occasion::Stretch { of } => (self.0.train / 2).div_ceil(of.max(1) as u32),
            Occasion::Rest => self.0.train - self.0.train / 2,
            Occasion::Test => self.0.test,
            Occasion::Trial(settings) => settings.steps,
        };
        let mut trainer = self.trainer(part, recommender);
        let pairs = training::pairs(part.stream, part.range.clone()).into_iter();
        let had = |user, item| part.history.has(part.stream, user, item, part.range.start);
        let sampler = Sampler::new(trainer.graph(), pairs, had, self.0.candidates);
        for _ in 0..steps {
            trainer.train(&sampler, generator);
        }
        trainer.store(recommender);
        Ok(trainer.bytes() + sampler.bytes())
    }

    fn serve(
        &self,
        part: &Part<'_>,
        recommender: &dyn Model,
        then: &mut dyn FnMut(&dyn Model),
    ) -> Result<u64> {
        let mut trainer = self.trainer(part, recommender);
        let ((), bytes) = served(&mut trainer, then)?;
        Ok(trainer.bytes() + bytes)
    }
}
