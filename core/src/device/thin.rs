//! A device with thin tables: less than ten bytes an entity beside its row.

use super::{Device, DeviceError, DeviceSettings, DeviceShape};
use crate::arena::ArenaMemory;
use crate::element::Element;
use crate::ids::index_len;
use crate::policy::Policy;
use crate::recommender::{Recommender, ThinMemory, seen_len};
use crate::segment::Decider;
use crate::side::PerSide;
use crate::sizes::counts_len;
use crate::tables::{LogCount, LogSum, Thin, starts_len};

/// The memory of a device with [`Thin`] tables, lent by the caller; longer slices than needed are taken in part. That of
/// the policy is its own.
#[derive(Debug)]
pub struct ThinDeviceMemory<'a, E = f32> {
    /// The rows: [`DeviceShape::values_len`].
    pub values: &'a mut [E],
    /// AdaGrad's sums: [`DeviceShape::entities`].
    pub sums: &'a mut [LogSum],
    /// How often entities were seen: [`DeviceShape::entities`].
    pub counts: &'a mut [LogCount],
    /// Lengths of rows, sizes of a decision, and where ids are found: [`DeviceShape::thin_bytes_len`].
    pub bytes: &'a mut [u8],
    /// Where blocks of rows begin, pairs seen, counts and ids: [`DeviceShape::thin_words_len`].
    pub words: &'a mut [u32],
    /// Means: [`DeviceShape::thin_floats_len`].
    pub floats: &'a mut [f32],
}

/// Elements of a row beyond its dimensions, and two counts: [`ThinMemory::row_counts`] beyond the largest size.
const MORE_ROW_COUNTS: usize = 4;

impl DeviceShape {
    /// Numbers of [`ThinDeviceMemory::bytes`].
    pub const fn thin_bytes_len(&self) -> usize {
        self.entities().saturating_mul(2).saturating_add(self.index_len())
    }

    /// Numbers of [`ThinDeviceMemory::words`].
    pub const fn thin_words_len(&self) -> usize {
        self.starts_len()
            .saturating_add(self.row_counts_len())
            .saturating_add(seen_len(self.seen_pairs as usize))
            .saturating_add(counts_len(self.largest).saturating_mul(2))
            .saturating_add(self.entities())
    }

    /// Numbers of [`ThinDeviceMemory::floats`].
    pub const fn thin_floats_len(&self) -> usize {
        (self.largest as usize).saturating_mul(2)
    }

    /// Bytes of all but the rows in a [`ThinDeviceMemory`].
    pub const fn thin_tables_bytes(&self) -> usize {
        let words = self.thin_words_len().saturating_add(self.thin_floats_len());
        let codes = self.entities().saturating_mul(size_of::<LogSum>() + size_of::<LogCount>());
        words.saturating_mul(size_of::<u32>()).saturating_add(codes).saturating_add(self.thin_bytes_len())
    }

    /// As [`start`](Self::start), with thin tables: rows have at most 254 elements.
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    pub fn start_thin<'a, E: Element, P: Policy>(
        &self,
        memory: ThinDeviceMemory<'a, E>,
        decider: Decider<'a, P>,
        settings: &DeviceSettings,
        seed: u64,
    ) -> Result<Device<'a, E, P, Thin>, DeviceError> {
        let ThinDeviceMemory { values, mut sums, mut counts, mut bytes, mut words, mut floats } = memory;
        let given = [values.len(), sums.len(), counts.len(), bytes.len(), words.len(), floats.len()];
        let needed = [
            self.values_len(),
            self.entities(),
            self.entities(),
            self.thin_bytes_len(),
            self.thin_words_len(),
            self.thin_floats_len(),
        ];
        if given.into_iter().zip(needed).any(|(given, needed)| given < needed) {
            return Err(DeviceError::ShortMemory);
        }
        let (users, items) = (self.users as usize, self.items as usize);
        let (largest, sizes) = (self.largest as usize, counts_len(self.largest));
        let mut sum = |length: usize| sums.split_off_mut(..length).unwrap_or_default();
        let mut count = |length: usize| counts.split_off_mut(..length).unwrap_or_default();
        let mut byte = |length: usize| bytes.split_off_mut(..length).unwrap_or_default();
        let mut word = |length: usize| words.split_off_mut(..length).unwrap_or_default();
        let mut float = |length: usize| floats.split_off_mut(..length).unwrap_or_default();
        let memory = ThinMemory {
            arena: ArenaMemory {
                values: values.get_mut(..self.values_len()).unwrap_or_default(),
                user_boundaries: word(starts_len(users)),
                item_boundaries: word(starts_len(items)),
            },
            lengths: PerSide::new(byte(users), byte(items)),
            accumulators: PerSide::new(sum(users), sum(items)),
            frequencies: PerSide::new(count(users), count(items)),
            words: PerSide::new(byte(users), byte(items)),
            row_counts: word(self.row_counts_len()),
            means: PerSide::new(float(largest), float(largest)),
            seen: word(seen_len(self.seen_pairs as usize)),
        };
        let config = settings.recommender.validate().map_err(DeviceError::Config)?;
        let recommender = Recommender::thin(memory, config, settings.first_sizes, self.parameters, seed)
            .map_err(DeviceError::Recommender)?;
        let sizes = PerSide::new(word(sizes), word(sizes));
        let (user_index, item_index) = (byte(index_len(users)), byte(index_len(items)));
        let ids = PerSide::new((word(users), user_index), (word(items), item_index));
        Self::assemble(recommender, decider, settings, sizes, ids, seed)
    }

    const fn starts_len(&self) -> usize {
        starts_len(self.users as usize).saturating_add(starts_len(self.items as usize))
    }

    const fn row_counts_len(&self) -> usize {
        (self.largest as usize).saturating_add(MORE_ROW_COUNTS)
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::policy::Actor;
    use crate::segment::ActionSpace;
    use crate::sizes::Distribution;
    use crate::snapshot::{self, SnapshotError};

    const SHAPE: DeviceShape = DeviceShape {
        users: 20,
        items: 41,
        parameters: 500,
        largest: 12,
        seen_pairs: 64,
        groups: 2,
        hidden: 3,
    };

    struct Memory {
        values: Vec<i8>,
        sums: Vec<LogSum>,
        counts: Vec<LogCount>,
        bytes: Vec<u8>,
        words: Vec<u32>,
        floats: Vec<f32>,
        weights: Vec<u8>,
        scratch: Vec<f32>,
        states: Vec<f32>,
    }

    impl Memory {
        /// Memory filled with what must not matter, that lacks one number of a kind, if any.
        fn new(missing: Option<usize>) -> Self {
            let len = |kind: usize, needed: usize| needed - usize::from(missing == Some(kind));
            Self {
                values: vec![7; len(0, SHAPE.values_len())],
                sums: vec![LogSum::default(); len(1, SHAPE.entities())],
                counts: vec![LogCount::default(); len(2, SHAPE.entities())],
                bytes: vec![7; len(3, SHAPE.thin_bytes_len())],
                words: vec![7; len(4, SHAPE.thin_words_len())],
                floats: vec![f32::NAN; len(5, SHAPE.thin_floats_len())],
                weights: vec![0; Actor::weights_len(SHAPE.state().len() as u32, SHAPE.hidden)],
                scratch: vec![0.0; SHAPE.actor_scratch_len()],
                states: vec![0.0; SHAPE.states_len()],
            }
        }

        fn start(&mut self) -> Result<Device<'_, i8, Actor<'_>, Thin>, DeviceError> {
            let Self { values, sums, counts, bytes, words, floats, weights, scratch, states } = self;
            let state = SHAPE.state();
            let actor = Actor::new(state.len() as u32, SHAPE.hidden, weights, scratch).unwrap();
            let (space, distribution) = (ActionSpace::BALANCED, Distribution::PowerLaw);
            let decider = Decider::new(actor, state, space, distribution, states).unwrap();
            let memory = ThinDeviceMemory { values, sums, counts, bytes, words, floats };
            SHAPE.start_thin(memory, decider, &DeviceSettings::new(SHAPE.largest), 1)
        }
    }

    /// Learns events of more entities than there is room for, with a decision after every hundred.
    fn live(device: &mut Device<'_, i8, Actor<'_>, Thin>, events: core::ops::Range<u32>) {
        for n in events {
            device.observe(n * n % 31, n * 7 % 67).unwrap();
            let segments = device.segments_mut();
            segments.poll(256).unwrap();
            if n % 100 == 99 {
                segments.begin_next_segment(0.5, false).unwrap();
            }
            let arena = segments.recommender().arena();
            assert!(arena.used() <= arena.budget());
        }
    }

    #[test]
    fn memory_as_long_as_the_shape_says_suffices_and_one_less_does_not() {
        let mut memory = Memory::new(None);
        live(&mut memory.start().unwrap(), 0..250);
        for kind in 0..6 {
            assert_eq!(Memory::new(Some(kind)).start().err(), Some(DeviceError::ShortMemory), "{kind}");
        }
    }

    #[test]
    fn bytes_are_those_of_the_slices() {
        let memory = Memory::new(None);
        let codes = size_of_val(&memory.sums[..]) + size_of_val(&memory.counts[..]);
        let rest = 4 * (memory.words.len() + memory.floats.len()) + memory.bytes.len();
        assert_eq!(SHAPE.thin_tables_bytes(), codes + rest);
    }

    #[test]
    fn a_device_that_is_saved_and_restored_goes_on_as_if_nothing_had_been() {
        let (mut memory, mut other) = (Memory::new(None), Memory::new(None));
        let mut device = memory.start().unwrap();
        live(&mut device, 0..350);
        let shape = SHAPE.snapshot_shape();
        let mut bytes = vec![0; snapshot::size(&shape, &device).unwrap()];
        snapshot::save(&shape, &device, &mut bytes).unwrap();
        let mut restored = other.start().unwrap();
        live(&mut restored, 0..20);
        snapshot::load(&shape, &mut restored, &bytes).unwrap();
        assert_eq!(restored.digest().value(), device.digest().value());
        live(&mut device, 350..700);
        live(&mut restored, 350..700);
        assert_eq!(restored.digest().value(), device.digest().value());
        bytes[40] ^= 1;
        assert_eq!(snapshot::load(&shape, &mut restored, &bytes).err(), Some(SnapshotError::Damaged));
    }
}
