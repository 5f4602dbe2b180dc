//! The loop that a device runs: events in, recommendations out, sizes decided segment by segment.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::decider::{Decider, DeciderError};
use super::resize::{ResizeError, ResizeSettings, Resized, SizeRule, resize};
use crate::element::Element;
use crate::frequency::retention_of_half_life;
use crate::policy::{Policy, Sac};
use crate::random::Generator;
use crate::recommender::{Observed, Recommender, RecommenderError, Scored};
use crate::side::PerSide;
use crate::sizes::Action;

/// What a loop does at the end of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoopSettings {
    /// How an action becomes rows.
    pub resize: ResizeSettings,
    /// Half-life of the frequencies in segments; 0 counts each segment for itself.
    pub half_life: f32,
    /// Part of the budget that each decision leaves for newcomers, as one over this; 0 leaves nothing.
    pub reserve: u32,
}

/// A recommender whose sizes a policy decides.
///
/// ```text
/// observe, recommend, observe, ...          events as they come
/// close_segment -> propose -> apply         a decision
/// observe, ...                              the next segment
/// reward                                    what the decision earned
/// ```
///
/// A host that can try several actions takes [`recommender`](Self::recommender) and
/// [`decider`](Self::decider) apart.
#[derive(Debug)]
pub struct SegmentLoop<'a, E = f32, P = Sac<'a>> {
    pub(super) recommender: Recommender<'a, E>,
    pub(super) decider: Decider<'a, P>,
    settings: LoopSettings,
    counts: PerSide<&'a mut [u32]>,
    pub(super) sizes: Generator,
    pub(super) taken: Option<[f32; 3]>,
    pub(super) segments: u32,
}

impl<'a, E: Element, P: Policy> SegmentLoop<'a, E, P> {
    /// A loop at its beginning. `counts` are the scratch of [`resize`]; the generator is for drawn sizes.
    pub const fn new(
        recommender: Recommender<'a, E>,
        decider: Decider<'a, P>,
        settings: LoopSettings,
        counts: PerSide<&'a mut [u32]>,
        sizes: Generator,
    ) -> Self {
        Self { recommender, decider, settings, counts, sizes, taken: None, segments: 0 }
    }

    /// The recommender.
    pub const fn recommender(&self) -> &Recommender<'a, E> {
        &self.recommender
    }

    /// The recommender, to change.
    pub const fn recommender_mut(&mut self) -> &mut Recommender<'a, E> {
        &mut self.recommender
    }

    /// The policy with its state.
    pub const fn decider(&self) -> &Decider<'a, P> {
        &self.decider
    }

    /// The policy with its state, to change.
    pub const fn decider_mut(&mut self) -> &mut Decider<'a, P> {
        &mut self.decider
    }

    /// Segments closed so far.
    pub const fn segments(&self) -> u32 {
        self.segments
    }

    /// Takes one event; see [`Recommender::observe`].
    ///
    /// # Errors
    /// An id that skips one, or a new one where the table is full.
    #[inline]
    pub fn observe(&mut self, user: u32, item: u32) -> Result<Observed, RecommenderError> {
        self.recommender.observe(user, item)
    }

    /// The best items that `user` has not had lately; see [`Recommender::recommend`].
    #[inline]
    pub fn recommend(&self, user: u32, out: &mut [Scored]) -> usize {
        self.recommender.recommend(user, out)
    }

    /// Ends a segment: reads the state, and lets the past count less. O(elements + entities log entities).
    ///
    /// # Errors
    /// None with memory that fits together.
    pub fn close_segment(&mut self) -> Result<(), LoopError> {
        self.decider.read(&mut self.recommender)?;
        self.segments = self.segments.saturating_add(1);
        Ok(())
    }

    /// Gives the action that was applied last its reward, and lets the policy learn. Nothing is learned
    /// before the first action.
    ///
    /// To be called after [`close_segment`](Self::close_segment), when the state that the action led to is
    /// known.
    ///
    /// # Errors
    /// A reward beyond all measure.
    pub fn reward(&mut self, reward: f32) -> Result<(), LoopError> {
        if let Some(positions) = self.taken {
            self.decider.reward(positions, reward, true)?;
        }
        Ok(())
    }

    /// The policy's positions for the state of the last closed segment; see [`Decider::propose`].
    ///
    /// # Errors
    /// A state beyond all measure.
    pub fn propose(&mut self, explore: bool) -> Result<[f32; 3], LoopError> {
        Ok(self.decider.propose(explore)?)
    }

    /// Gives the rows the sizes of `positions`, and lets frequencies decay.
    ///
    /// # Errors
    /// Settings that cannot be met; rows are as before then.
    pub fn apply(&mut self, positions: [f32; 3]) -> Result<(Action, Resized), LoopError> {
        let action = self.decider.action(positions);
        let budget = self.recommender.arena().row_budget();
        let head_room = budget.checked_div(self.settings.reserve).unwrap_or(0);
        let resized = resize(
            &mut self.recommender,
            &SizeRule::Action(action),
            &self.settings.resize,
            head_room,
            self.counts.as_mut(),
            &mut self.sizes,
        )?;
        self.taken = Some(positions);
        self.recommender.frequencies_mut().decay(retention_of_half_life(self.settings.half_life));
        Ok((action, resized))
    }
}

/// Why a loop could not go on.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum LoopError {
    /// The policy or its state.
    Decider(DeciderError),
    /// The sizes.
    Resize(ResizeError),
}

impl From<DeciderError> for LoopError {
    fn from(error: DeciderError) -> Self {
        Self::Decider(error)
    }
}

impl From<ResizeError> for LoopError {
    fn from(error: ResizeError) -> Self {
        Self::Resize(error)
    }
}

impl fmt::Display for LoopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decider(error) => error.fmt(f),
            Self::Resize(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for LoopError {}
