//! One rule for all segments: equal, random, or by frequency.

use anyhow::Result;
use scall_core::recommender::Recommender;
use scall_core::segment::SizeRule;

use super::{Decided, SizingMethod};
use crate::experiment::protocol::Segment;
use crate::experiment::runner::Experiment;

/// A method without search.
#[derive(Clone, Copy, Debug)]
pub struct Fixed(pub SizeRule);

impl SizingMethod for Fixed {
    fn decide(
        &mut self,
        experiment: &Experiment<'_>,
        _segment: &Segment,
        _recommender: &mut Recommender<'_>,
        _violations: &mut u64,
    ) -> Result<Decided> {
        Ok(Decided { rule: self.0, resize: experiment.settings.resize, action: None })
    }
}
