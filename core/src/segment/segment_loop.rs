//! The loop that a device runs: events in, recommendations out, sizes decided segment by segment.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::decider::{Decider, DeciderError, Reading};
use super::resize::{ResizeError, ResizeSettings, Resized, SizeRule, resize};
use super::slices::{ActionFit, SideDeal};
use crate::allowance::Allowance;
use crate::element::Element;
use crate::frequency::retention_of_half_life;
use crate::policy::{Policy, Sac};
use crate::random::Generator;
use crate::recommender::{Averaging, Observed, Recommender, RecommenderError, Scored, Sorting};
use crate::side::{PerSide, Side};
use crate::sizes::Action;
use crate::tables::{Full, Tables};

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
/// close_segment -> propose -> apply         a decision, or in slices:
/// begin_next_segment, poll, ...
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
    pub(super) stage: Option<Stage<T::Ranking>>,
    /// Whether the last slice ended within a step.
    pub(super) within: bool,
}

/// What comes next of what is done in slices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stage<R> {
    /// The end of a segment, and what then follows: a reward, and whether to explore.
    Close(Reading<R>, Option<(f32, bool)>),
    Decide(Decision, Step<R>),
}

/// A decision under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Decision {
    action: Action,
    /// What newcomers ask for when all is done.
    admission: PerSide<u32>,
    /// Entities that get sizes.
    known: PerSide<u32>,
    /// Elements of their rows to be.
    elements: PerSide<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step<R> {
    Fit(ActionFit),
    Deal(Side, SideDeal<R>),
    Average(Averaging),
    Move,
    Reorder(Sorting),
    Decay(usize),
}

/// How far a slice came.
enum Progress {
    /// Within a step.
    Within,
    /// To the end of one.
    Between,
    Done,
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
        Self {
            recommender,
            decider,
            settings,
            counts,
            sizes,
            taken: None,
            segments: 0,
            stage: None,
            within: false,
        }
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

    /// Ends a segment: reads its state. O(elements + entities log entities).
    ///
    /// # Errors
    /// None with memory that fits together.
    pub fn close_segment(&mut self) -> Result<(), LoopError> {
        self.expect_no_stage()?;
        self.decider.read(&mut self.recommender)?;
        self.segments = self.segments.saturating_add(1);
        Ok(())
    }

    /// Begins what [`close_segment`](Self::close_segment) does, to be done in slices by [`poll`](Self::poll). Between
    /// them events may come and questions be answered; the state is then that of no single time.
    ///
    /// # Errors
    /// [`LoopError::Busy`], while something else is under way.
    pub fn begin_close(&mut self) -> Result<(), LoopError> {
        self.expect_no_stage()?;
        self.stage = Some(Stage::Close(Reading::new(self.known()), None));
        Ok(())
    }

    /// Begins all that lies between two segments, to be done by [`poll`](Self::poll): the end of one, as
    /// [`begin_close`](Self::begin_close) says, the [`reward`](Self::reward), what the policy
    /// [proposes](Self::propose), and the decision for the other. Reward and proposal come with the last slice of the
    /// end.
    ///
    /// # Errors
    /// [`LoopError::Busy`], while something else is under way. A reward beyond all measure is refused by the poll that
    /// comes to it; there is no decision then.
    pub fn begin_next_segment(&mut self, reward: f32, explore: bool) -> Result<(), LoopError> {
        self.expect_no_stage()?;
        self.stage = Some(Stage::Close(Reading::new(self.known()), Some((reward, explore))));
        Ok(())
    }

    /// Gives the action that was applied last its reward, and lets the policy learn. Nothing is learned
    /// before the first action.
    ///
    /// To be called after [`close_segment`](Self::close_segment), when the state that the action led to is
    /// known.
    ///
    /// # Errors
    /// A reward beyond all measure; [`LoopError::Busy`], while a segment is being closed.
    pub fn reward(&mut self, reward: f32) -> Result<(), LoopError> {
        self.expect_no_close()?;
        if let Some(positions) = self.taken {
            self.decider.reward(positions, reward, true)?;
        }
        Ok(())
    }

    /// The policy's positions for the state of the last closed segment; see [`Decider::propose`].
    ///
    /// # Errors
    /// A state beyond all measure; [`LoopError::Busy`], while a segment is being closed.
    pub fn propose(&mut self, explore: bool) -> Result<[f32; 3], LoopError> {
        self.expect_no_close()?;
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
        let (known, admission) = (self.known(), self.recommender.admission_sizes());
        let decision = Decision { action, admission, known, elements: PerSide::new(0, 0) };
        self.stage = Some(Stage::Decide(decision, Step::Fit(ActionFit::new(known))));
        self.recommender.set_admission_sizes(PerSide::new(0, 0));
        self.taken = Some(positions);
        Ok(action)
    }

    /// Goes on with a decision, or with the end of a segment, and returns whether all is done.
    ///
    /// The steps of a decision are: how many entities get which size; the size of each user; of each item; the mean
    /// rows; then rows, about `elements` elements in each step; with the last of them the order of retrieval and the
    /// decay. One call takes one step or a part of it: work of about that of moving `elements` elements, an entity that
    /// is looked at counting as one and one that is ranked as four; at most one of these beyond that: a row, O(largest
    /// size * log entities) for a few levels of the fit, O(log entities) for a rank. So calls get hardly longer where there
    /// are more entities. But the reward and the proposal of [`begin_next_segment`](Self::begin_next_segment), with all
    /// that the policy learns then, come in one call; so do weights that are drawn, or of another distribution than the
    /// power law and Pareto's, O(entities).
    ///
    /// The outcome is that of [`apply`](Self::apply) where nothing happens between the calls. Events may come
    /// between any two; where ranks are to be those of a single time, only between two [steps](Self::is_within_step).
    ///
    /// # Errors
    /// Settings that cannot be met, a reward or a state beyond all measure; rows are as before then, and the decision is
    /// given up.
    pub fn poll(&mut self, elements: u32) -> Result<bool, LoopError> {
        let Some(mut stage) = self.stage.take() else { return Ok(true) };
        let progress = match &mut stage {
            Stage::Close(reading, then) => {
                let allowance = &mut Allowance::new(elements);
                if self.decider.read_on(&mut self.recommender, reading, allowance) {
                    self.within = false;
                    self.segments = self.segments.saturating_add(1);
                    return self.follow(*then);
                }
                Ok(Progress::Within)
            }
            Stage::Decide(decision, step) => self.decide(decision, step, elements),
        };
        self.within = matches!(progress, Ok(Progress::Within));
        if matches!(progress, Ok(Progress::Within | Progress::Between)) {
            self.stage = Some(stage);
            return Ok(false);
        }
        if let Stage::Decide(decision, _) = stage {
            self.recommender.set_admission_sizes(decision.admission);
        }
        progress.map(|_| true)
    }

    /// What follows the end of a segment; whether that is nothing.
    fn follow(&mut self, then: Option<(f32, bool)>) -> Result<bool, LoopError> {
        let Some((reward, explore)) = then else { return Ok(true) };
        self.reward(reward)?;
        let positions = self.propose(explore)?;
        self.begin_apply(positions)?;
        Ok(false)
    }

    /// Whether a decision is under way, or the end of a segment.
    pub const fn is_busy(&self) -> bool {
        self.stage.is_some()
    }

    /// Whether the last [`poll`](Self::poll) ended within a step, so that there is more to do of it.
    pub const fn is_within_step(&self) -> bool {
        self.within
    }

    fn decide(
        &mut self,
        decision: &mut Decision,
        step: &mut Step<T::Ranking>,
        elements: u32,
    ) -> Result<Progress, LoopError> {
        let allowance = &mut Allowance::new(elements);
        let (settings, head_room) = (self.settings.resize, self.head_room());
        let Self { recommender, sizes, counts, .. } = self;
        match step {
            Step::Fit(fit) => {
                let (action, counts) = (decision.action, counts.as_mut());
                let fitted = fit.go_on(recommender, action, &settings, head_room, counts, sizes, allowance);
                if !fitted.map_err(ResizeError::from)? {
                    return Ok(Progress::Within);
                }
                *step = Step::Deal(Side::User, SideDeal::Begin);
            }
            Step::Deal(side, deal) => {
                let (side, known) = (*side, *decision.known.get(*side));
                let dealt = deal.go_on(recommender, side, known, &settings, counts.get_mut(side), allowance);
                let Some(elements) = dealt? else { return Ok(Progress::Within) };
                *decision.elements.get_mut(side) = elements;
                *step = match side {
                    Side::User => Step::Deal(Side::Item, SideDeal::Begin),
                    Side::Item => Step::Average(Averaging::START),
                };
            }
            Step::Average(averaging) => {
                if !recommender.average_on(averaging, allowance) {
                    return Ok(Progress::Within);
                }
                recommender.begin_repack_to(decision.elements).map_err(ResizeError::from)?;
                *step = Step::Move;
            }
            Step::Move => {
                if recommender.move_on(elements) {
                    *step = Step::Reorder(recommender.begin_reorder());
                    return Ok(Progress::Within);
                }
                if recommender.arena().is_within_slice() {
                    return Ok(Progress::Within);
                }
            }
            Step::Reorder(sorting) => {
                if recommender.reorder_on(sorting, allowance) {
                    *step = Step::Decay(0);
                }
                return Ok(Progress::Within);
            }
            Step::Decay(at) => {
                let retention = retention_of_half_life(self.settings.half_life);
                let done = recommender.frequencies_mut().decay_on(retention, at, allowance);
                return Ok(if done { Progress::Done } else { Progress::Within });
            }
        }
        Ok(Progress::Between)
    }

    fn known(&self) -> PerSide<u32> {
        let arena = self.recommender.arena();
        PerSide::new(arena.count(Side::User), arena.count(Side::Item))
    }

    fn head_room(&self) -> u32 {
        self.recommender.arena().row_budget().checked_div(self.settings.reserve).unwrap_or(0)
    }

    /// Until a segment is closed there is no state.
    const fn expect_no_close(&self) -> Result<(), LoopError> {
        if matches!(self.stage, Some(Stage::Close(..))) { Err(LoopError::Busy) } else { Ok(()) }
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

#[cfg(test)]
mod tests;
