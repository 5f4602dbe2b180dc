//! The loop that a device runs: events in, recommendations out, sizes decided segment by segment.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::decider::{Decider, DeciderError};
use super::resize::{ResizeError, ResizeSettings, Resized, SizeRule, deal_side, fit_rule, resize};
use crate::element::Element;
use crate::frequency::retention_of_half_life;
use crate::policy::{Policy, Sac};
use crate::random::Generator;
use crate::recommender::{Observed, Recommender, RecommenderError, Scored};
use crate::side::{PerSide, Side};
use crate::sizes::Action;
use crate::tables::{Full, Tables, Word};

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
pub struct SegmentLoop<'a, E = f32, P = Sac<'a>, T: Tables = Full> {
    pub(super) recommender: Recommender<'a, E, T>,
    pub(super) decider: Decider<'a, P>,
    settings: LoopSettings,
    counts: PerSide<&'a mut [u32]>,
    pub(super) sizes: Generator,
    pub(super) taken: Option<[f32; 3]>,
    pub(super) segments: u32,
    pub(super) stage: Option<Stage>,
}

/// What comes next of a decision in slices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stage {
    action: Action,
    /// What newcomers ask for when all is done.
    admission: PerSide<u32>,
    /// Entities that get sizes.
    known: PerSide<u32>,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Fit,
    Deal(Side),
    Begin,
    Move,
}

impl<'a, E: Element, P: Policy, T: Tables> SegmentLoop<'a, E, P, T> {
    /// A loop at its beginning. `counts` are the scratch of [`resize`]; the generator is for drawn sizes.
    pub const fn new(
        recommender: Recommender<'a, E, T>,
        decider: Decider<'a, P>,
        settings: LoopSettings,
        counts: PerSide<&'a mut [u32]>,
        sizes: Generator,
    ) -> Self {
        Self { recommender, decider, settings, counts, sizes, taken: None, segments: 0, stage: None }
    }

    /// The recommender.
    pub const fn recommender(&self) -> &Recommender<'a, E, T> {
        &self.recommender
    }

    /// The recommender, to change.
    pub const fn recommender_mut(&mut self) -> &mut Recommender<'a, E, T> {
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
        self.expect_no_stage()?;
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
        self.expect_no_stage()?;
        let action = self.decider.action(positions);
        let head_room = self.head_room();
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

    /// Begins what [`apply`](Self::apply) does, to be done in slices by [`poll`](Self::poll). Between them events
    /// may come and questions be answered; newcomers get no row of their own until all is done, and nothing else
    /// may use the recommender's words.
    ///
    /// # Errors
    /// [`LoopError::Busy`], while another decision is under way.
    pub fn begin_apply(&mut self, positions: [f32; 3]) -> Result<Action, LoopError> {
        self.expect_no_stage()?;
        let action = self.decider.action(positions);
        let admission = self.recommender.admission_sizes();
        self.stage = Some(Stage { action, admission, known: PerSide::new(0, 0), step: Step::Fit });
        self.recommender.set_admission_sizes(PerSide::new(0, 0));
        self.taken = Some(positions);
        Ok(action)
    }

    /// Goes on with a decision, and returns whether all is done. One call takes one of these steps: how many
    /// entities get which size, O(entities); the size of each user, or of each item, O(entities log entities);
    /// the mean rows, O(elements); then rows, about `elements` elements each time.
    ///
    /// # Errors
    /// Settings that cannot be met; rows are as before then, and the decision is given up.
    pub fn poll(&mut self, elements: u32) -> Result<bool, LoopError> {
        let Some(stage) = self.stage else { return Ok(true) };
        match self.step(stage, elements) {
            Ok(Some(next)) => {
                self.stage = Some(next);
                Ok(false)
            }
            Ok(None) => {
                self.give_up(stage);
                self.recommender.frequencies_mut().decay(retention_of_half_life(self.settings.half_life));
                Ok(true)
            }
            Err(error) => {
                self.give_up(stage);
                Err(error)
            }
        }
    }

    /// Whether a decision is under way.
    pub const fn is_busy(&self) -> bool {
        self.stage.is_some()
    }

    /// Takes one step; `None` after the last.
    fn step(&mut self, stage: Stage, elements: u32) -> Result<Option<Stage>, LoopError> {
        let (rule, settings) = (SizeRule::Action(stage.action), self.settings.resize);
        let (head_room, generator) = (self.head_room(), &mut self.sizes);
        let next = |step| Ok(Some(Stage { step, ..stage }));
        match stage.step {
            Step::Fit => {
                let counts = self.counts.as_mut();
                fit_rule(&mut self.recommender, &rule, None, &settings, head_room, counts, generator)?;
                let arena = self.recommender.arena();
                let known = PerSide::new(arena.count(Side::User), arena.count(Side::Item));
                Ok(Some(Stage { known, step: Step::Deal(Side::User), ..stage }))
            }
            Step::Deal(side) => {
                let counts = &mut **self.counts.get_mut(side);
                deal_side(&mut self.recommender, side, &rule, None, &settings, counts, generator)?;
                next(if side == Side::User { Step::Deal(Side::Item) } else { Step::Begin })
            }
            Step::Begin => {
                let words = self.recommender.decide().words;
                for (words, known) in [(words.user, stage.known.user), (words.item, stage.known.item)] {
                    words.get_mut(known as usize..).unwrap_or_default().fill(T::Word::ZERO);
                }
                self.recommender.begin_repack().map_err(ResizeError::from)?;
                next(Step::Move)
            }
            Step::Move if self.recommender.continue_repack(elements) => Ok(None),
            Step::Move => next(Step::Move),
        }
    }

    fn give_up(&mut self, stage: Stage) {
        self.stage = None;
        self.recommender.set_admission_sizes(stage.admission);
    }

    fn head_room(&self) -> u32 {
        self.recommender.arena().row_budget().checked_div(self.settings.reserve).unwrap_or(0)
    }

    const fn expect_no_stage(&self) -> Result<(), LoopError> {
        if self.stage.is_some() { Err(LoopError::Busy) } else { Ok(()) }
    }
}

/// Why a loop could not go on.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum LoopError {
    /// The policy or its state.
    Decider(DeciderError),
    /// The sizes.
    Resize(ResizeError),
    /// A decision in slices is under way.
    Busy,
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
            Self::Busy => f.write_str("a decision is under way"),
        }
    }
}

impl core::error::Error for LoopError {}
