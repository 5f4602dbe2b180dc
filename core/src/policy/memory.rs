//! How a policy's memory is laid out.
//!
//! Networks: the weights of the actor and of both critics, their first moments, their second moments, then
//! the two targets. Scratch: what one update needs for its batch. All in blocks of eight numbers.

use serde::{Deserialize, Serialize};

use super::ACTION;
use super::actor::HEADS;
use super::kernels::{Block, RowsMut, blocks, columns_len};
use super::mlp::{Shape, Trace, Trained};
use super::replay::transition_len;
use crate::math::LANES;

/// What decides how much memory a policy takes.
///
/// All lengths saturate instead of overflowing, so that a shape too large for the target fits no slice.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SacShape {
    /// Numbers of a state, 1 to 1,048,576; published: 1028.
    pub state: u32,
    /// Units of each hidden layer, 1 to 16,384; published: 512. One less than a multiple of eight wastes no
    /// memory, since a bias stands beside the weights.
    pub hidden: u32,
    /// Transitions of an update, 1 to [`super::MAX_BATCH`]; published: 8.
    pub batch: u32,
    /// Transitions remembered, 1 to [`super::MAX_CAPACITY`]; published: 10,000.
    pub capacity: u32,
}

impl SacShape {
    /// Greatest number of state numbers.
    pub const MAX_STATE: u32 = 1 << 20;
    /// Greatest number of hidden units.
    pub const MAX_HIDDEN: u32 = 1 << 14;

    pub(super) const fn actor(&self) -> Shape {
        Shape { inputs: self.state as usize, hidden: self.hidden as usize, outputs: HEADS }
    }

    pub(super) const fn critic(&self) -> Shape {
        Shape {
            inputs: (self.state as usize).saturating_add(ACTION),
            hidden: self.hidden as usize,
            outputs: 1,
        }
    }

    /// Numbers of [`SacMemory::networks`]: three times the trained weights and the two targets.
    pub const fn networks_len(&self) -> usize {
        let (actor, critic) = (self.actor().weights(), self.critic().weights());
        actor.saturating_mul(3).saturating_add(critic.saturating_mul(8)).saturating_mul(LANES)
    }

    /// Numbers of [`SacMemory::replay`].
    pub const fn replay_len(&self) -> usize {
        transition_len(self.state as usize).saturating_mul(self.capacity as usize)
    }

    /// Numbers of [`SacMemory::scratch`].
    pub const fn scratch_len(&self) -> usize {
        let (actor, critic) = (self.actor(), self.critic());
        let (actor_inputs, critic_inputs) = (actor.input_stride(), critic.input_stride());
        let per_sample = (2 * actor_inputs)
            .saturating_add(2 * critic_inputs)
            .saturating_add(2 * actor.trace())
            .saturating_add(2 * critic.trace())
            .saturating_add(2 + 2);
        let batch = self.batch as usize;
        let longest = critic.longest_row();
        per_sample
            .saturating_mul(batch)
            .saturating_add(longest)
            .saturating_add(shared_len(actor, critic, batch))
            .saturating_add(blocks(batch))
            .saturating_mul(LANES)
    }
}

/// The memory of a policy, lent by the caller. Longer slices than needed are taken in part.
///
/// At published size an update sweeps 35 MB of networks: where the operating system has large pages, networks
/// on them save a tenth of its time or more, which goes to translating addresses.
#[derive(Debug)]
pub struct SacMemory<'a> {
    /// Weights, moments and targets: [`SacShape::networks_len`] numbers.
    pub networks: &'a mut [f32],
    /// The ring of transitions: [`SacShape::replay_len`] numbers. Not touched before it is used.
    pub replay: &'a mut [f32],
    /// Working memory of a call, without meaning between calls: [`SacShape::scratch_len`] numbers.
    pub scratch: &'a mut [f32],
}

/// The networks of a policy.
#[derive(Debug)]
pub(super) struct Networks<'a> {
    pub(super) actor: Trained<'a>,
    pub(super) critics: [Trained<'a>; 2],
    pub(super) targets: [&'a mut [Block]; 2],
}

impl<'a> Networks<'a> {
    /// Cuts `memory` up; `None` if it is too short.
    pub(super) fn take(shape: &SacShape, memory: &'a mut [Block]) -> Option<Self> {
        let (actor, critic) = (shape.actor().weights(), shape.critic().weights());
        let mut rest = memory;
        let mut cut = |len: usize| rest.split_off_mut(..len);
        let weights = (cut(actor)?, cut(critic)?, cut(critic)?);
        let first = (cut(actor)?, cut(critic)?, cut(critic)?);
        let second = (cut(actor)?, cut(critic)?, cut(critic)?);
        Some(Self {
            actor: Trained { weights: weights.0, first: first.0, second: second.0 },
            critics: [
                Trained { weights: weights.1, first: first.1, second: second.1 },
                Trained { weights: weights.2, first: first.2, second: second.2 },
            ],
            targets: [cut(critic)?, cut(critic)?],
        })
    }
}

/// The working memory of one call on `samples` transitions.
#[derive(Debug)]
pub(super) struct Scratch<'a> {
    /// States, then the next states: `[state | 1 | zeros]`.
    pub(super) actor_inputs: RowsMut<'a>,
    /// States with their action: `[action | state | 1 | zeros]`.
    pub(super) inputs: RowsMut<'a>,
    /// Next states with theirs.
    pub(super) next_inputs: RowsMut<'a>,
    /// The actor's pass over states and next states.
    pub(super) actor: Trace<'a>,
    /// A pass of each critic.
    pub(super) critics: [Trace<'a>; 2],
    /// Derivatives of each critic by its first inputs, the action.
    pub(super) by_action: [RowsMut<'a>; 2],
    /// Standard normal numbers for states, then next states.
    pub(super) noise: RowsMut<'a>,
    /// The inputs of a layer, samples side by side, on the way forward; the deltas of a network on the way back.
    pub(super) shared: &'a mut [Block],
    /// One row of a gradient.
    pub(super) gradient: &'a mut [Block],
    /// What the critics are to say, one number per sample.
    pub(super) returns: &'a mut [f32],
}

impl<'a> Scratch<'a> {
    /// Cuts `memory` up; `None` if it is too short.
    pub(super) fn take(shape: &SacShape, samples: usize, memory: &'a mut [Block]) -> Option<Self> {
        let (actor, critic) = (shape.actor(), shape.critic());
        let mut rest = memory;
        let rest = &mut rest;
        let actor_stride = actor.input_stride();
        let critic_stride = critic.input_stride();
        Some(Self {
            actor_inputs: rows(rest, 2 * samples, actor_stride)?,
            inputs: rows(rest, samples, critic_stride)?,
            next_inputs: rows(rest, samples, critic_stride)?,
            actor: Trace::take(actor, 2 * samples, rest)?,
            critics: [Trace::take(critic, samples, rest)?, Trace::take(critic, samples, rest)?],
            by_action: [rows(rest, samples, 1)?, rows(rest, samples, 1)?],
            noise: rows(rest, 2 * samples, 1)?,
            shared: rest.split_off_mut(..shared_len(actor, critic, samples))?,
            gradient: rest.split_off_mut(..critic.longest_row())?,
            returns: rest.split_off_mut(..blocks(samples))?.as_flattened_mut(),
        })
    }
}

/// Blocks of [`Scratch::shared`].
const fn shared_len(actor: Shape, critic: Shape, samples: usize) -> usize {
    let columns = columns_len(samples.saturating_mul(2), critic.longest_row());
    let trace = if actor.trace() > critic.trace() { actor.trace() } else { critic.trace() };
    let deltas = trace.saturating_mul(samples);
    if columns > deltas { columns } else { deltas }
}

fn rows<'a>(rest: &mut &'a mut [Block], count: usize, stride: usize) -> Option<RowsMut<'a>> {
    Some(RowsMut { data: rest.split_off_mut(..count.checked_mul(stride)?)?, stride })
}
