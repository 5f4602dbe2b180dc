//! The memory of a device, owned.

use anyhow::{Context, Result};
use scall_core::device::{Device, DeviceMemory, DeviceSettings, DeviceShape};
use scall_core::policy::{Actor, Policy};
use scall_core::segment::{Decider, DeciderError, PolicyFile};

/// Memory for one device at a time, that of its policy's states included.
#[derive(Debug)]
pub struct Room {
    shape: DeviceShape,
    values: Vec<f32>,
    floats: Vec<f32>,
    words: Vec<u32>,
    index: Vec<u8>,
    states: Vec<f32>,
    scratch: Vec<f32>,
}

impl Room {
    /// Memory for a device of that shape.
    ///
    /// # Errors
    /// If there is not as much.
    pub fn new(shape: DeviceShape) -> Result<Self> {
        Ok(Self {
            shape,
            values: zeros(shape.values_len())?,
            floats: zeros(shape.floats_len())?,
            words: zeros(shape.words_len())?,
            index: zeros(shape.index_len())?,
            states: zeros(shape.states_len())?,
            scratch: zeros(shape.actor_scratch_len())?,
        })
    }

    /// A device that knows nobody, with the policy that `decider` makes over memory for two states.
    ///
    /// # Errors
    /// A shape or a policy that the core refuses.
    pub fn start<'a, P: Policy>(
        &'a mut self,
        seed: u64,
        decider: impl FnOnce(&'a mut [f32]) -> Result<Decider<'a, P>, DeciderError>,
    ) -> Result<Device<'a, f32, P>> {
        let shape = self.shape;
        let (memory, states, _) = self.lend();
        begin(&shape, memory, decider(states), seed)
    }

    /// The same with a policy that is trained.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with<'a>(
        &'a mut self,
        seed: u64,
        file: &PolicyFile<'a>,
    ) -> Result<Device<'a, f32, Actor<'a>>> {
        let shape = self.shape;
        let (memory, states, scratch) = self.lend();
        begin(&shape, memory, file.decider(scratch, states), seed)
    }

    fn lend(&mut self) -> (DeviceMemory<'_>, &mut [f32], &mut [f32]) {
        let Self { values, floats, words, index, states, scratch, .. } = self;
        (DeviceMemory { values, floats, words, index }, states, scratch)
    }
}

fn begin<'a, P: Policy>(
    shape: &DeviceShape,
    memory: DeviceMemory<'a>,
    decider: Result<Decider<'a, P>, DeciderError>,
    seed: u64,
) -> Result<Device<'a, f32, P>> {
    let settings = DeviceSettings::new(shape.largest);
    shape.start(memory, decider.context("the device's policy")?, &settings, seed).context("the device")
}

fn zeros<T: Clone + Default>(length: usize) -> Result<Vec<T>> {
    let mut values = Vec::new();
    values
        .try_reserve_exact(length)
        .with_context(|| format!("no memory for {length} numbers of a device"))?;
    values.resize(length, T::default());
    Ok(values)
}
