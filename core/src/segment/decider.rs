//! The policy at work: from the recommender's state to positions, and from rewards to a better policy.

use core::fmt;

use super::space::ActionSpace;
use crate::Side;
use crate::allowance::Allowance;
use crate::element::Element;
use crate::policy::{Policy, Sac, SacError, Transition};
use crate::recommender::{Decision, Recommender};
use crate::side::PerSide;
use crate::sizes::{Action, Distribution};
use crate::state::{Pool, Pooled, SideFigures, SideState, StateConfig, StateError};
use crate::tables::{Count, Tables};

/// A policy, what it reads, and what its numbers mean.
#[derive(Debug)]
pub struct Decider<'a, P = Sac<'a>> {
    pub(super) policy: P,
    config: StateConfig,
    space: ActionSpace,
    distribution: Distribution,
    /// `[state before | state now]`.
    pub(super) states: &'a mut [f32],
    pub(super) last_reward: f32,
    /// The users' share that the space is centred on.
    pub(super) centre: f32,
}

impl Decider<'_> {
    /// Length of the slice for two states.
    pub const fn states_len(config: &StateConfig) -> usize {
        config.len().saturating_mul(2)
    }
}

impl<'a, P: Policy> Decider<'a, P> {
    /// A decider over lent memory.
    ///
    /// # Errors
    /// `states` shorter than [`Decider::states_len`], or a policy made for states of another length.
    pub fn new(
        policy: P,
        config: StateConfig,
        space: ActionSpace,
        distribution: Distribution,
        states: &'a mut [f32],
    ) -> Result<Self, DeciderError> {
        let (needed, given) = (Decider::states_len(&config), states.len());
        let asked = policy.state_len();
        if asked != config.len() {
            return Err(DeciderError::Policy(SacError::StateLength { needed: asked, given: config.len() }));
        }
        let states =
            states.get_mut(..needed).ok_or(DeciderError::State(StateError::Length { needed, given }))?;
        states.fill(0.0);
        Ok(Self {
            policy,
            config,
            space,
            distribution,
            states,
            last_reward: StateConfig::FIRST_REWARD,
            centre: 0.5,
        })
    }

    /// The policy.
    pub const fn policy(&self) -> &P {
        &self.policy
    }

    /// The policy, to restore.
    pub const fn policy_mut(&mut self) -> &mut P {
        &mut self.policy
    }

    /// What a state is.
    pub const fn state(&self) -> &StateConfig {
        &self.config
    }

    /// What an action is.
    pub const fn space(&self) -> ActionSpace {
        self.space
    }

    /// What sizes an action gives.
    pub const fn distribution(&self) -> Distribution {
        self.distribution
    }

    /// The last reward, which is part of the state.
    pub const fn last_reward(&self) -> f32 {
        self.last_reward
    }

    /// Takes on the last reward of a snapshot.
    pub const fn set_last_reward(&mut self, reward: f32) {
        self.last_reward = reward;
    }

    /// Reads the state of `recommender`; the one read before becomes the state before. Its size words lose
    /// what they held, until the next resize. O(elements + entities log entities).
    ///
    /// # Errors
    /// None with the memory that [`new`](Self::new) took.
    pub fn read<E: Element, T: Tables>(
        &mut self,
        recommender: &mut Recommender<'_, E, T>,
    ) -> Result<(), DeciderError> {
        let Decision { arena, frequencies, means, mut words } = recommender.decide();
        let figures = |side: Side| {
            let counts = frequencies.get(side);
            let mut extremes = Extremes::NONE;
            for (id, count) in (0..).zip(*counts) {
                extremes.add(count.value(), arena.size(side, id));
            }
            extremes.figures(counts.len() as u32, means.get(side))
        };
        let sides = PerSide::new(figures(Side::User), figures(Side::Item));
        let (config, last_reward) = (self.config, self.last_reward);
        let now = self.next_state(sides.user.entities, sides.item.entities);
        Ok(config.write_ranked(&sides, last_reward, now, |side, pool| {
            T::by_rank(frequencies.get(side), words.get_mut(side), |count| pool.push(count));
        })?)
    }

    /// [`read`](Self::read) in slices; whether that was the last. Until then the words belong to it, and there is no
    /// state.
    pub(super) fn read_on<E: Element, T: Tables>(
        &mut self,
        recommender: &mut Recommender<'_, E, T>,
        reading: &mut Reading<T::Ranking>,
        allowance: &mut Allowance,
    ) -> bool {
        let Decision { arena, frequencies, means, mut words } = recommender.decide();
        let (side, config) = (reading.side, self.config);
        let known = *reading.known.get(side);
        let counts = frequencies.get(side).get(..known as usize).unwrap_or_default();
        if reading.pool.is_none() {
            if side == Side::User && reading.id == 0 {
                self.next_state(reading.known.user as usize, reading.known.item as usize);
            }
            let extremes = reading.extremes.get_mut(side);
            // Those that were read are skipped in one step.
            for (id, count) in (reading.id as u32..).zip(counts.iter().skip(reading.id)) {
                if !allowance.take(1) {
                    return false;
                }
                extremes.add(count.value(), arena.size(side, id));
                reading.id += 1;
            }
        }
        let figures = |side| reading.extremes.get(side).figures(*reading.known.get(side), means.get(side));
        let now = self.states.get_mut(config.len()..).unwrap_or_default();
        let groups = config.groups_mut(side, now);
        let (pooled, mut ranking) = reading.pool.unzip();
        let extremes = figures(side);
        let mut pool = match pooled {
            Some(pooled) => Pool::again(pooled, groups),
            None => Pool::new(&extremes, groups),
        };
        // A count may have left the range since that was found.
        let within = |count: f32| count.max(extremes.least).min(extremes.greatest);
        let ranking = ranking.get_or_insert_default();
        let words = words.get_mut(side).get_mut(..known as usize).unwrap_or_default();
        let done = T::by_rank_on(counts, words, ranking, allowance, |count| pool.push(within(count)));
        if !done {
            reading.pool = Some((pool.pooled(), *ranking));
            return false;
        }
        pool.close();
        if side == Side::User {
            *reading = Reading { side: Side::Item, id: 0, pool: None, ..*reading };
            return false;
        }
        config.write_rest(&PerSide::new(figures(Side::User), figures(Side::Item)), self.last_reward, now);
        true
    }

    /// Reads a state of which the caller knows both sides; the one read before becomes the state before.
    /// O(users + items).
    ///
    /// # Errors
    /// None with the memory that [`new`](Self::new) took.
    pub fn read_sides(&mut self, sides: &PerSide<SideState<'_>>) -> Result<(), DeciderError> {
        let (config, last_reward) = (self.config, self.last_reward);
        let now = self.next_state(sides.user.order.len(), sides.item.order.len());
        Ok(config.write(sides, last_reward, now)?)
    }

    /// Makes the state now the one before; returns the place of the next, of that many users and items.
    fn next_state(&mut self, users: usize, items: usize) -> &mut [f32] {
        let (users, items) = (users as f64, items as f64);
        self.centre = if users + items > 0.0 { (users / (users + items)) as f32 } else { 0.5 };
        let (before, now) = self.states.split_at_mut_checked(self.config.len()).unwrap_or_default();
        for (before, now) in before.iter_mut().zip(now.iter()) {
            *before = *now;
        }
        now
    }

    /// Centres the [space](ActionSpace) on another share of the users, 0..=1, than their part of all entities, until
    /// the next state is read.
    pub const fn set_centre(&mut self, user_share: f32) {
        self.centre = user_share.clamp(0.0, 1.0);
    }

    /// Positions for the state that was read last: drawn from the policy to explore, at its mean otherwise.
    ///
    /// # Errors
    /// A state whose numbers are beyond all measure.
    pub fn propose(&mut self, explore: bool) -> Result<[f32; 3], DeciderError> {
        let now = self.states.get(self.config.len()..).unwrap_or_default();
        Ok(self.policy.act(now, explore)?)
    }

    /// The action of positions, for the recommender that was read last.
    pub fn action(&self, positions: [f32; 3]) -> Action {
        self.space.action(positions, self.centre, self.distribution)
    }

    /// The positions of equal rows.
    pub const fn equal_rows(&self) -> [f32; 3] {
        self.space.equal_rows()
    }

    /// Learns what `positions` earned, taken in the state that was read last (`after` false: its outcome is
    /// known before the next state is read) or in the one before it (`after` true).
    ///
    /// # Errors
    /// Positions outside 0..=1, or a reward beyond all measure; nothing is learned then.
    pub fn reward(&mut self, positions: [f32; 3], reward: f32, after: bool) -> Result<(), DeciderError> {
        let (before, now) = self.states.split_at_checked(self.config.len()).unwrap_or_default();
        let state = if after { before } else { now };
        self.policy.learn(&Transition { state, action: positions, reward, next_state: now })?;
        self.last_reward = reward;
        Ok(())
    }
}

/// How far a state has come that is read in slices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading<R> {
    /// Entities of the state.
    known: PerSide<u32>,
    side: Side,
    /// The next entity.
    id: usize,
    extremes: PerSide<Extremes>,
    /// The frequencies by rank, when those are known.
    pool: Option<(Pooled, R)>,
}

impl<R: Copy> Reading<R> {
    /// A state of so many entities.
    pub(super) const fn new(known: PerSide<u32>) -> Self {
        let extremes = PerSide::new(Extremes::NONE, Extremes::NONE);
        Self { known, side: Side::User, id: 0, extremes, pool: None }
    }
}

/// The ends of what the entities of a side have.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Extremes {
    least: f32,
    greatest: f32,
    largest: u32,
    smallest: u32,
}

impl Extremes {
    const NONE: Self = Self { least: f32::INFINITY, greatest: 0.0, largest: 0, smallest: u32::MAX };

    fn add(&mut self, count: f32, size: u32) {
        self.least = self.least.min(count);
        self.greatest = self.greatest.max(count);
        self.largest = self.largest.max(size);
        self.smallest = self.smallest.min(size);
    }

    fn figures<'m>(&self, entities: u32, mean_embedding: &'m [f32]) -> SideFigures<'m> {
        let any = entities > 0;
        SideFigures {
            entities: entities as usize,
            least: if any { self.least } else { 0.0 },
            greatest: self.greatest,
            mean_embedding,
            largest: self.largest as f32,
            smallest: if any { self.smallest as f32 } else { 0.0 },
        }
    }
}

/// Why a decider refused.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum DeciderError {
    /// The state.
    State(StateError),
    /// The policy.
    Policy(SacError),
}

impl From<StateError> for DeciderError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<SacError> for DeciderError {
    fn from(error: SacError) -> Self {
        Self::Policy(error)
    }
}

impl fmt::Display for DeciderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(error) => error.fmt(f),
            Self::Policy(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for DeciderError {}
