//! Where the recommender of a scenario lives.

use super::{SHAPE, ScenarioError};
use crate::device::{Device, DeviceMemory, DeviceSettings};
use crate::policy::Policy;
use crate::segment::Decider;

/// Everything but the policy.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    values: [f32; SHAPE.values_len()],
    floats: [f32; SHAPE.floats_len()],
    words: [u32; SHAPE.words_len()],
    index: [u8; SHAPE.index_len()],
}

impl Memory {
    pub(super) const fn new() -> Self {
        Self { values: [0.0; _], floats: [0.0; _], words: [0; _], index: [0; _] }
    }

    pub(super) fn start<'a, P: Policy>(
        &'a mut self,
        decider: Decider<'a, P>,
        seed: u64,
    ) -> Result<Device<'a, f32, P>, ScenarioError> {
        let Self { values, floats, words, index } = self;
        let memory = DeviceMemory { values, floats, words, index };
        SHAPE
            .start(memory, decider, &DeviceSettings::new(SHAPE.largest), seed)
            .map_err(|_| ScenarioError::Recommender)
    }
}
