//! A policy's memory on the host.

use anyhow::Result;
use scall_core::policy::{Sac, SacConfig, SacMemory};
use scall_core::random::Generator;
use scall_core::segment::{ActionSpace, Decider};
use scall_core::sizes::Distribution;
use scall_core::state::StateConfig;

use crate::experiment::TargetNetworks;
use crate::experiment::runner::purpose;
use crate::memory::Numbers;

/// Which policy decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// A state of 36 numbers and 63 hidden units, for few transitions.
    Compact,
    /// 1028-512-512, with the published settings.
    Published(TargetNetworks),
}

impl PolicyKind {
    const fn state(self) -> StateConfig {
        match self {
            Self::Compact => StateConfig::COMPACT,
            Self::Published(_) => StateConfig::PUBLISHED,
        }
    }

    /// Bytes of a policy's networks, optimiser, replay and scratch, and of two states.
    pub const fn bytes(self) -> u64 {
        let shape = self.config().shape;
        let numbers = shape.networks_len() + shape.replay_len() + shape.scratch_len();
        ((numbers + Decider::states_len(&self.state())) * size_of::<f32>()) as u64
    }

    const fn config(self) -> SacConfig {
        let state = self.state().len() as u32;
        match self {
            Self::Compact => SacConfig::compact(state),
            Self::Published(targets) => {
                let synchronised_targets = matches!(targets, TargetNetworks::Synchronised);
                SacConfig { synchronised_targets, ..SacConfig::published() }
            }
        }
    }
}

/// Memory for one policy, taken when it is made.
#[derive(Debug, Default)]
pub struct PolicyMemory {
    networks: Option<Numbers>,
    replay: Vec<f32>,
    scratch: Vec<f32>,
    states: Vec<f32>,
}

impl PolicyMemory {
    /// A new policy in this memory, of which the system provides only what is used.
    ///
    /// # Errors
    /// If the policy's settings are wrong.
    pub fn decider(&mut self, kind: PolicyKind, space: ActionSpace, seed: u64) -> Result<Decider<'_>> {
        let config = kind.config().validate()?;
        let shape = config.shape();
        let networks = self.networks.insert(Numbers::zeros(shape.networks_len())?).as_mut_slice();
        self.replay = vec![0.0; shape.replay_len()];
        self.scratch = vec![0.0; shape.scratch_len()];
        self.states = vec![0.0; Decider::states_len(&kind.state())];
        let Self { replay, scratch, states, .. } = self;
        let generator = Generator::stream(seed, purpose::POLICY);
        let policy = Sac::new(&config, SacMemory { networks, replay, scratch }, generator)?;
        Ok(Decider::new(policy, kind.state(), space, Distribution::PowerLaw, states)?)
    }
}
