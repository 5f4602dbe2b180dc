//! Why a policy refused.

use core::fmt;

#[cfg(doc)]
use super::{Sac, SacMemory};

/// One of the slices of [`SacMemory`].
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// [`SacMemory::networks`].
    Networks,
    /// [`SacMemory::replay`].
    Replay,
    /// [`SacMemory::scratch`].
    Scratch,
}

/// Why a policy refused.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum SacError {
    /// A slice holds fewer numbers than the shape needs.
    Memory {
        /// Which slice.
        part: Part,
        /// Numbers needed.
        needed: usize,
        /// Numbers lent.
        given: usize,
    },
    /// A state has another length than the shape says.
    StateLength {
        /// Numbers of the shape's states.
        needed: usize,
        /// Numbers given.
        given: usize,
    },
    /// A number of a state is not finite or beyond [`Sac::MAX_MAGNITUDE`].
    State(f32),
    /// A number of an action is not in 0 to 1.
    Action(f32),
    /// A reward is not finite or beyond [`Sac::MAX_MAGNITUDE`].
    Reward(f32),
}

impl fmt::Display for SacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory { part: Part::Networks, .. } => "the policy's networks need more memory",
            Self::Memory { part: Part::Replay, .. } => "the policy's replay needs more memory",
            Self::Memory { part: Part::Scratch, .. } => "the policy's scratch needs more memory",
            Self::StateLength { .. } => "the state does not have the policy's length",
            Self::State(_) => "the state holds a number that is not finite or too large",
            Self::Action(_) => "the action holds a number outside 0 to 1",
            Self::Reward(_) => "the reward is not finite or too large",
        })
    }
}

impl core::error::Error for SacError {}
