//! The methods that choose sizes.

mod fixed;

use anyhow::Result;
use scall_core::recommender::Recommender;
use scall_core::segment::{ResizeSettings, SizeRule};

pub use fixed::Fixed;

use super::Method;
use super::protocol::Segment;
use super::runner::Experiment;
use crate::report::Action;

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
