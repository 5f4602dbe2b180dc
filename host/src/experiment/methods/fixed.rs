//! One rule for all segments: equal, random, by frequency, or one action.

use anyhow::Result;
use scall_core::recommender::Recommender;
use scall_core::segment::{ResizeSettings, SizeRule};

use super::{Decided, SizingMethod};
use crate::experiment::protocol::Segment;
use crate::experiment::runner::Experiment;

/// A method without search.
#[derive(Clone, Copy, Debug)]
pub struct Fixed {
    /// How sizes are made.
    pub rule: SizeRule,
    /// How they become rows.
    pub resize: ResizeSettings,
}

impl SizingMethod for Fixed {
    fn decide(
        &mut self,
        _experiment: &Experiment<'_>,
        _segment: &Segment,
        _recommender: &mut Recommender<'_>,
        _violations: &mut u64,
    ) -> Result<Decided> {
        let Self { rule, resize } = *self;
        let action = if let SizeRule::Action(action) = rule { Some(action) } else { None };
        Ok(Decided { rule, resize, action })
    }
}
