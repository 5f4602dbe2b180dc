//! Who chooses the sizes of a scenario.

use super::{SHAPE, STATE, ScenarioError};
use crate::digest::Digest;
use crate::policy::{Actor, Policy, Sac, SacConfig, SacMemory, SacShape};
use crate::random::Generator;
use crate::segment::{ActionSpace, Decider, PolicyFile};
use crate::sizes::Distribution;
use crate::snapshot::Snapshot;

/// A policy that was trained over the streams of other seeds, as a [`PolicyFile`]; 1 KiB of flash.
pub const STORED_POLICY: &[u8] = include_bytes!("policy.scall");

/// Memory of a policy.
pub trait PolicyMemory: Sized {
    /// The policy over this memory.
    type Policy<'a>: Policy + Snapshot
    where
        Self: 'a;

    /// The memory before anything happened.
    const ZERO: Self;

    /// The most bytes of the policy in a snapshot.
    const SNAPSHOT_LEN: usize;

    /// The policy at its beginning.
    ///
    /// # Errors
    /// None with the constants as they are.
    fn start<'a>(
        &'a mut self,
        seed: u64,
        states: &'a mut [f32],
    ) -> Result<Decider<'a, Self::Policy<'a>>, ScenarioError>;

    /// Takes the policy's numbers in.
    fn digest(policy: &Self::Policy<'_>, digest: &mut Digest);
}

/// [`STORED_POLICY`], which does not learn.
#[derive(Clone, Debug)]
pub struct Stored {
    scratch: [f32; SHAPE.actor_scratch_len()],
}

impl PolicyMemory for Stored {
    type Policy<'a> = Actor<'a>;

    const ZERO: Self = Self { scratch: [0.0; _] };

    const SNAPSHOT_LEN: usize = Actor::SNAPSHOT_LEN;

    fn start<'a>(
        &'a mut self,
        _seed: u64,
        states: &'a mut [f32],
    ) -> Result<Decider<'a, Actor<'a>>, ScenarioError> {
        let file = PolicyFile::open(STORED_POLICY).map_err(|_| ScenarioError::Policy)?;
        file.decider(&mut self.scratch, states).map_err(|_| ScenarioError::Policy)
    }

    fn digest(policy: &Actor<'_>, digest: &mut Digest) {
        for &byte in policy.weights() {
            digest.byte(byte);
        }
    }
}

/// A policy that learns from the rewards of the run itself.
#[derive(Clone, Debug)]
pub struct Training {
    networks: [f32; POLICY.shape.networks_len()],
    replay: [f32; POLICY.shape.replay_len()],
    scratch: [f32; POLICY.shape.scratch_len()],
}

const POLICY: SacConfig = SacConfig {
    shape: SacShape { state: STATE.len() as u32, hidden: SHAPE.hidden, batch: 4, capacity: 16 },
    updates_per_step: 8,
    ..SacConfig::compact(STATE.len() as u32)
};

/// The stream of the seed for weights and exploration.
const POLICY_STREAM: u64 = 0x706f_6c69;

impl PolicyMemory for Training {
    type Policy<'a> = Sac<'a>;

    const ZERO: Self = Self { networks: [0.0; _], replay: [0.0; _], scratch: [0.0; _] };

    const SNAPSHOT_LEN: usize = POLICY.shape.max_snapshot_len(POLICY.shape.capacity as usize);

    fn start<'a>(&'a mut self, seed: u64, states: &'a mut [f32]) -> Result<Decider<'a>, ScenarioError> {
        let config = POLICY.validate().map_err(|_| ScenarioError::Policy)?;
        let memory =
            SacMemory { networks: &mut self.networks, replay: &mut self.replay, scratch: &mut self.scratch };
        let policy = Sac::new(&config, memory, Generator::stream(seed, POLICY_STREAM))
            .map_err(|_| ScenarioError::Policy)?;
        Decider::new(policy, STATE, ActionSpace::BALANCED, Distribution::PowerLaw, states)
            .map_err(|_| ScenarioError::Policy)
    }

    fn digest(policy: &Sac<'_>, digest: &mut Digest) {
        digest.floats(policy.networks());
    }
}
