//! Matrix factorisation, learned pair by pair.

use anyhow::Result;
use scall_core::random::Generator;

use super::{BaseRecommender, Occasion, Part};
use crate::experiment::model::Model;
use crate::experiment::training;

/// The core's recommender itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct MatrixFactorisation {
    /// Passes over a train part, its replay included.
    pub(super) train_passes: u32,
    /// Passes over a test part, the one of its events included.
    pub(super) test_passes: u32,
}

impl BaseRecommender for MatrixFactorisation {
    fn meet(&self, recommender: &mut dyn Model, user: u32, item: u32) -> Result<()> {
        recommender.observe(user, item)?;
        Ok(())
    }

    fn learn(
        &self,
        part: &Part<'_>,
        occasion: Occasion,
        recommender: &mut dyn Model,
        generator: &mut Generator,
    ) -> Result<u64> {
        let mut pairs = training::pairs(part.stream, part.range.clone());
        pairs.extend_from_slice(&part.replayed);
        let passes = match occasion {
            Occasion::Train => self.train_passes,
            Occasion::Stretch { .. } => {
                recommender.learn(&pairs);
                0
            }
            Occasion::Rest => {
                let replayed = &mut part.replayed.clone();
                training::learn(recommender, replayed, self.train_passes.min(1), generator);
                self.train_passes.saturating_sub(1)
            }
            Occasion::Test => self.test_passes.saturating_sub(1),
            Occasion::Trial(settings) => {
                for &(user, item) in &pairs {
                    recommender.remember(user, item);
                }
                settings.passes
            }
        };
        training::learn(recommender, &mut pairs, passes, generator);
        Ok(0)
    }

    fn serve(
        &self,
        _part: &Part<'_>,
        recommender: &dyn Model,
        then: &mut dyn FnMut(&dyn Model),
    ) -> Result<u64> {
        then(recommender);
        Ok(0)
    }
}
