//! The same run for five times as many entities in 64 KiB: rows of bytes, thin tables.

use super::{Report, Run, SHAPE, STREAM, STREAM_PAIRS, ScenarioError};
use crate::device::{DeviceSettings, DeviceShape, ThinDeviceMemory};
use crate::side::PerSide;
use crate::stream::{TurnoverConfig, TurnoverStream};
use crate::tables::{Count, LogCount, LogSum, SquareSum};

use super::policy::{PolicyMemory, Stored};

/// What decides how much memory the run takes: as many entities as 64 KiB have room for.
pub const PACKED_SHAPE: DeviceShape =
    DeviceShape { users: 328, items: 8 * 328, parameters: 8 * 9 * 328, ..SHAPE };

/// The events of a run, in which a third more users, and half as many items again, as there is room for come; `recent`
/// has [`STREAM_PAIRS`] words.
pub fn packed_stream(seed: u64, recent: &mut [u32]) -> TurnoverStream<'_> {
    let entities = PerSide::new(PACKED_SHAPE.users * 4 / 3, PACKED_SHAPE.items * 3 / 2);
    TurnoverStream::new(seed, TurnoverConfig { entities, ..STREAM }, recent)
}

/// How a run learns: as [`DeviceSettings::new`] says; newcomers begin with a bias of two bytes.
pub fn packed_settings() -> DeviceSettings {
    DeviceSettings { first_sizes: PerSide::new(4, 6), ..DeviceSettings::new(PACKED_SHAPE.largest) }
}

/// Events of a run that machines compare: tables are full by then, and an emulator needs as long for them as for
/// all of the smaller run.
const EVENTS: usize = 12_000;

const ENTITIES: usize = PACKED_SHAPE.entities();

/// The memory of a run; all zero, so a `static` of it takes no room in flash.
#[derive(Clone, Debug)]
pub struct Packed {
    stream: [u32; STREAM_PAIRS],
    values: [i8; PACKED_SHAPE.values_len()],
    sums: [LogSum; ENTITIES],
    counts: [LogCount; ENTITIES],
    bytes: [u8; PACKED_SHAPE.thin_bytes_len()],
    words: [u32; PACKED_SHAPE.thin_words_len()],
    floats: [f32; PACKED_SHAPE.thin_floats_len()],
    states: [f32; PACKED_SHAPE.states_len()],
    policy: Stored,
}

impl Packed {
    /// Memory for one run.
    pub const fn new() -> Self {
        Self {
            stream: [0; _],
            values: [0; _],
            sums: [LogSum::ZERO; _],
            counts: [LogCount::ZERO; _],
            bytes: [0; _],
            words: [0; _],
            floats: [0.0; _],
            states: [0.0; _],
            policy: Stored::ZERO,
        }
    }

    /// Runs over the first 12,000 events of the stream of `seed`, whatever was in the memory.
    ///
    /// # Errors
    /// None with the constants as they are; a part that refused otherwise.
    pub fn run(&mut self, seed: u64) -> Result<Report, ScenarioError> {
        let Self { stream, values, sums, counts, bytes, words, floats, states, policy } = self;
        let memory = ThinDeviceMemory { values, sums, counts, bytes, words, floats };
        let decider = policy.start(seed, states)?;
        let device = PACKED_SHAPE
            .start_thin(memory, decider, &packed_settings(), seed)
            .map_err(|_| ScenarioError::Recommender)?;
        let mut run = Run::new(device, || 0);
        run.take(packed_stream(seed, stream).take(EVENTS))?;
        Ok(run.finish(Stored::digest))
    }
}

impl Default for Packed {
    fn default() -> Self {
        Self::new()
    }
}
