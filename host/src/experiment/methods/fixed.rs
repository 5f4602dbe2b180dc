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
        segment: &Segment,
        _recommender: &Recommender<'_>,
        _violations: &mut u64,
    ) -> Result<Decided> {
        if experiment.request.method == crate::experiment::Method::Scall {
            let e = crate::experiment::settings::env;
            let k = segment.known;
            let mut resize = experiment.settings.resize;
            let b = scall_core::sizes::Bounds { min: e("min", 4.0) as u32, max: e("max", 64.0) as u32 };
            resize.sizes.bounds = scall_core::side::PerSide::new(b, b);
            let fair = k.users as f32 / k.entities() as f32;
            let odds = fair / (1.0 - fair) * e("share", 1.0);
            let a = scall_core::sizes::Action { user_share: odds / (1.0 + odds), user_shape: e("ua", 30.0), item_shape: e("ia", 30.0) };
            return Ok(Decided { rule: SizeRule::Action(a), resize, action: Some(a) });
        }
        Ok(Decided { rule: self.0, resize: experiment.settings.resize, action: super::shown(&self.0) })
    }
}
