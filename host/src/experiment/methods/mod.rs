//! The methods that choose sizes.

pub mod fixed;
pub mod scall;

use anyhow::Result;
use scall_core::recommender::Recommender;
use scall_core::segment::{ResizeSettings, SizeRule};
use scall_core::sizes::Action;

pub use fixed::Fixed;
pub use scall::{PolicyMemory, Scall, SearchSettings};

use super::{Method, RunRequest};
use super::protocol::Segment;
use super::runner::Experiment;
use super::settings::Settings;

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
        recommender: &mut Recommender<'_>,
        violations: &mut u64,
    ) -> Result<Decided>;

    /// Everything that the next decision depends on, to resume from.
    ///
    /// # Errors
    /// If it cannot be saved.
    fn save(&self) -> Result<Vec<u8>> {
        Ok(Vec::new())
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
///
/// # Errors
/// If its settings are wrong.
pub fn of<'a>(
    request: &RunRequest,
    settings: &Settings,
    memory: &'a mut PolicyMemory,
) -> Result<Box<dyn SizingMethod + 'a>> {
    let rule = match request.method {
        Method::Scall => return Ok(Box::new(Scall::new(settings.search, memory, request.seed)?)),
        Method::Uniform => SizeRule::Uniform,
        Method::Random => SizeRule::Random,
        Method::Frequency => SizeRule::Frequency { power: settings.frequency_power },
    };
    Ok(Box::new(Fixed(rule)))
}
