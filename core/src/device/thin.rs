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
