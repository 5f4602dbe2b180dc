//! One rule for all segments: equal, random, by frequency, or one action.

use anyhow::Result;
use scall_core::segment::{ResizeSettings, SizeRule};

use super::{Decided, MethodCard, Setup, SizingMethod};
use crate::experiment::model::Model;
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

/// Equal sizes.
pub const UNIFORM: MethodCard = MethodCard {
    name: "uniform",
    label: "uniform",
    summary: "Equal sizes",
    decides: "once a segment, before its train part is learned",
    looks_at: "the frequencies, for who gets what does not divide",
    stores: "nothing",
    source: "the common practice",
    capped: true,
    between_segments: true,
    any_storage: true,
    make: |setup| rule(&setup, SizeRule::Uniform),
};

/// Random sizes.
pub const RANDOM: MethodCard = MethodCard {
    name: "random",
    label: "random",
    summary: "Sizes drawn uniformly, dealt blindly",
    looks_at: "nothing",
    source: "a control: what sizes do that know nothing",
    make: |setup| rule(&setup, SizeRule::Random),
    ..UNIFORM
};

/// Sizes by frequency.
pub const FREQUENCY: MethodCard = MethodCard {
    name: "frequency",
    label: "frequency",
    summary: "Sizes proportional to a power of the frequency",
    looks_at: "the frequency of every entity",
    source: "a common heuristic: the square root of the frequency, both sides in one pool",
    make: |setup| rule(&setup, SizeRule::Frequency { power: setup.settings.frequency_power }),
    ..UNIFORM
};

fn rule<'a>(setup: &Setup<'a>, rule: SizeRule) -> Result<Box<dyn SizingMethod + 'a>> {
    Ok(Box::new(Fixed { rule, resize: setup.settings.resize }))
}

impl SizingMethod for Fixed {
    fn decide(
        &mut self,
        _experiment: &Experiment<'_>,
        _segment: &Segment,
        _recommender: &mut dyn Model,
        _violations: &mut u64,
    ) -> Result<Decided> {
        let Self { rule, resize } = *self;
        let action = if let SizeRule::Action(action) = rule { Some(action) } else { None };
        Ok(Decided { sizing: rule.into(), resize, action })
    }
}
