//! The policy that chooses the sizes: soft actor-critic over small multi-layer perceptrons.
//!
//! [`Sac`] is the whole of it: [`Sac::act`] on a state, [`Sac::remember`] what came of it, [`Sac::update`]
//! the networks. Its numbers live in three slices that the caller lends ([`SacMemory`]), as long as
//! [`SacShape`] says; [`SacConfig`] holds every other choice and is checked before use.
//!
//! [`Actor`] is what a policy that is done with learning needs: its weights alone, read where they are.
//!
//! Haarnoja et al., "Soft actor-critic", ICML 2018, and "Soft actor-critic algorithms and applications",
//! arXiv 1812.05905; with the shape and settings of SCALL (Qu et al., CIKM 2024).

mod actor;
mod adam;
mod config;
mod critic;
mod error;
mod inference;
pub mod kernels;
mod memory;
mod mlp;
mod replay;
mod sac;
mod saved;
#[cfg(test)]
mod tests;
mod update;

pub use actor::{MAX_LOG_STD, MIN_LOG_STD};
pub use adam::{BETA_1, BETA_2, EPSILON, Step, WeightDecay};
pub use config::{EntropyWeight, InitialPolicy, SacConfig, SacConfigError, ValidSacConfig};
pub use error::{Part, SacError};
pub use inference::Actor;
pub use memory::{SacMemory, SacShape};
pub use mlp::{Target, Trained};
pub use replay::{MAX_BATCH, MAX_CAPACITY, Replay, Sampling, Transition};
pub use sac::{Losses, Progress, Sac};

/// How many numbers an action has.
pub const ACTION: usize = 3;

/// What the policy chooses: the users' share of the budget, the users' and the items' shape, each between 0
/// and 1.
pub type Action = [f32; ACTION];

/// Whoever chooses actions for states.
pub trait Policy {
    /// Numbers of a state.
    fn state_len(&self) -> usize;

    /// The action for `state`: by chance, to explore, if the policy can; else the one that it holds best.
    ///
    /// # Errors
    /// A state of another length or with numbers beyond all measure.
    fn act(&mut self, state: &[f32], explore: bool) -> Result<Action, SacError>;

    /// Learns what came of an action, if the policy learns.
    ///
    /// # Errors
    /// A transition of another length or with numbers beyond all measure; nothing is learned then.
    fn learn(&mut self, transition: &Transition<'_>) -> Result<(), SacError>;
}
