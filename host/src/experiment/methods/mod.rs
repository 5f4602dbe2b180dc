//! The methods that choose sizes.

pub mod fixed;

use anyhow::Result;
use scall_core::recommender::Recommender;
use scall_core::segment::{ResizeSettings, SizeRule};
use scall_core::sizes::Action;

pub use fixed::Fixed;

use super::{Method, RunRequest};
use super::protocol::Segment;
use super::runner::Experiment;

/// A choice of sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decided {
    /// How sizes are made.
    pub rule: SizeRule,
    /// How they become rows.
    pub resize: ResizeSettings,
    /// The action behind it, for methods that have one.
    pub action: Option<Action>,
}

/// A way to choose sizes.
///
/// It is asked once a segment, when the segment's train part has been counted and before it is learned, and
/// may look at nothing that comes later.
pub trait SizingMethod {
    /// Chooses the sizes of a segment. Candidates are tried on copies of `recommender`; each time that one
    /// of them breaks the budget is added to `violations`.
    ///
    /// # Errors
    /// If a candidate cannot be tried.
    fn decide(
        &mut self,
        experiment: &Experiment<'_>,
        segment: &Segment,
        recommender: &Recommender<'_>,
        violations: &mut u64,
    ) -> Result<Decided>;

    /// Everything that the next decision depends on, to resume from.
    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes on what [`save`](Self::save) gave.
    ///
    /// # Errors
    /// If it was not saved by this method.
    fn restore(&mut self, _saved: &[u8]) -> Result<()> {
        Ok(())
    }
}

/// The method that was asked for.
pub fn of(request: &RunRequest) -> Box<dyn SizingMethod> {
    Box::new(Fixed(match request.method {
        Method::Scall | Method::Uniform => SizeRule::Uniform,
        Method::Random => SizeRule::Random,
        Method::Frequency => SizeRule::Frequency { power: 0.5 },
    }))
}

/// The action of a rule, as reports show it.
fn shown(rule: &SizeRule) -> Option<Action> {
    match rule {
        SizeRule::Action(action) => Some(*action),
        _ => None,
    }
}
