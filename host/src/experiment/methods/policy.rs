//! A policy's memory on the host.

use anyhow::Result;
use scall_core::policy::{Sac, SacConfig, SacMemory, SacShape};
use scall_core::random::Generator;
use scall_core::segment::{ActionSpace, Decider};
use scall_core::sizes::Distribution;
use scall_core::state::StateConfig;

use crate::experiment::TargetNetworks;
use crate::experiment::runner::purpose;
use crate::memory::Numbers;

/// How large a compact policy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Groups of a side's frequencies in its state.
    groups: u32,
    /// Units of each hidden layer; with the bias, whole blocks of eight.
    hidden: u32,
    /// Transitions of an update.
    batch: u32,
    /// Transitions that are kept.
    capacity: u32,
}

impl Scale {
    /// A state of 36 numbers, where only parameters are counted.
    pub const FULL: Self = Self { groups: 16, hidden: 63, batch: 16, capacity: 1_024 };
    const SMALLER: [Self; 2] = [
        Self { groups: 8, hidden: 31, batch: 16, capacity: 256 },
        Self { groups: 4, hidden: 15, batch: 8, capacity: 64 },
    ];
    const SMALLEST: Self = Self { groups: 2, hidden: 7, batch: 4, capacity: 16 };
    /// One byte of so many is for the policy.
    const PART: u64 = 8;

    /// The largest that takes an eighth of a total at most, or else the smallest.
    pub fn within(total: u64) -> Self {
        let fits = |scale: &Self| PolicyKind::Compact(*scale).bytes() <= total / Self::PART;
        std::iter::once(Self::FULL).chain(Self::SMALLER).find(fits).unwrap_or(Self::SMALLEST)
    }
}

/// Which policy decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// For few transitions, as large as there is room for.
    Compact(Scale),
    /// 1028-512-512, with the published settings.
    Published(TargetNetworks),
}

impl PolicyKind {
    const fn state(self) -> StateConfig {
        match self {
            Self::Compact(scale) => StateConfig { groups: scale.groups, ..StateConfig::COMPACT },
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
            Self::Compact(Scale { hidden, batch, capacity, .. }) => {
                SacConfig { shape: SacShape { state, hidden, batch, capacity }, ..SacConfig::compact(state) }
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_takes_an_eighth_of_a_total_at_most_but_for_the_smallest() {
        let bytes = |total| PolicyKind::Compact(Scale::within(total)).bytes();
        let full = PolicyKind::Compact(Scale::FULL).bytes();
        assert_eq!(Scale::within(8 * full), Scale::FULL);
        assert_eq!(Scale::within(8 * full - 1), Scale::SMALLER[0]);
        assert_eq!(Scale::within(0), Scale::SMALLEST);
        let mut sizes: Vec<u64> = (10..24).map(|bits| bytes(1 << bits)).collect();
        assert!(sizes.iter().zip(10..).all(|(&size, bits)| size <= (1 << bits) / 8 || size == bytes(0)));
        assert!(sizes.is_sorted());
        sizes.dedup();
        assert_eq!(sizes.len(), 4);
    }

    #[test]
    fn a_policy_of_any_scale_decides() {
        for total in [0, 200_000, 1_000_000, u64::MAX] {
            let mut memory = PolicyMemory::default();
            let kind = PolicyKind::Compact(Scale::within(total));
            let mut decider = memory.decider(kind, ActionSpace::BALANCED, 1).unwrap();
            let positions = decider.propose(true).unwrap();
            assert!(positions.iter().all(|position| (0.0..=1.0).contains(position)), "{total}");
        }
    }
}
