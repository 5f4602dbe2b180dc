//! What decides how much memory a device takes, and a device over such memory.

use core::fmt;

use super::{CapacityError, Device};
use crate::arena::{ArenaMemory, boundaries_len};
use crate::element::Element;
use crate::ids::{IdError, IdTable, index_len};
use crate::policy::{Actor, Policy};
use crate::random::Generator;
use crate::recommender::{
    ConfigError, Recommender, RecommenderConfig, RecommenderError, RecommenderMemory, class_ends_len,
    seen_len,
};
use crate::segment::{Decider, LoopSettings, ResizeSettings, SegmentLoop};
use crate::side::PerSide;
use crate::sizes::{Bounds, Distribution, SizeSettings, counts_len};
use crate::state::StateConfig;
use crate::tables::Tables;

/// The stream of the seed for drawn sizes.
const SIZES: u64 = 0x7369_7a65;

/// What decides how much memory a device takes. All lengths saturate.
///
/// ```
/// use scall_core::device::{DeviceMemory, DeviceSettings, DeviceShape};
/// use scall_core::policy::Actor;
/// use scall_core::segment::{ActionSpace, Decider};
/// use scall_core::sizes::Distribution;
///
/// const SHAPE: DeviceShape =
///     DeviceShape { users: 20, items: 50, parameters: 560, largest: 16, seen_pairs: 64, groups: 4, hidden: 7 };
///
/// let (mut values, mut floats) = ([0.0; SHAPE.values_len()], [0.0; SHAPE.floats_len()]);
/// let (mut words, mut index) = ([0; SHAPE.words_len()], [0; SHAPE.index_len()]);
/// let memory =
///     DeviceMemory { values: &mut values, floats: &mut floats, words: &mut words, index: &mut index };
///
/// const STATE: u32 = SHAPE.state().len() as u32;
/// let weights = [0; Actor::weights_len(STATE, SHAPE.hidden)];
/// let (mut scratch, mut states) = ([0.0; SHAPE.actor_scratch_len()], [0.0; SHAPE.states_len()]);
/// let actor = Actor::new(STATE, SHAPE.hidden, &weights, &mut scratch).unwrap();
/// let decider =
///     Decider::new(actor, SHAPE.state(), ActionSpace::BALANCED, Distribution::PowerLaw, &mut states).unwrap();
///
/// let mut device = SHAPE.start(memory, decider, &DeviceSettings::new(SHAPE.largest), 42)?;
/// device.observe(u32::MAX, 7).unwrap();
/// # Ok::<(), scall_core::device::DeviceError>(())
/// ```
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceShape {
    /// Users that there is room for, at most [`MAX_ENTITIES`](crate::ids::MAX_ENTITIES).
    pub users: u32,
    /// Items that there is room for, as many at most.
    pub items: u32,
    /// Parameters of all rows, both cold-start rows included.
    pub parameters: u32,
    /// The most parameters of a row.
    pub largest: u32,
    /// Pairs of a user and an item that are remembered, so as not to be recommended again.
    pub seen_pairs: u32,
    /// Groups of a side's frequencies in the policy's state.
    pub groups: u32,
    /// Units of each hidden layer of the policy.
    pub hidden: u32,
}

impl DeviceShape {
    /// Elements of [`DeviceMemory::values`].
    pub const fn values_len(&self) -> usize {
        self.parameters as usize
    }

    /// Numbers of [`DeviceMemory::floats`].
    pub const fn floats_len(&self) -> usize {
        let entities = self.entities().saturating_mul(2);
        entities.saturating_add((self.largest as usize).saturating_mul(2))
    }

    /// Numbers of [`DeviceMemory::words`].
    pub const fn words_len(&self) -> usize {
        let largest = self.largest as usize;
        self.boundaries_len()
            .saturating_add(self.entities().saturating_mul(2))
            .saturating_add(class_ends_len(self.items as usize, largest))
            .saturating_add(seen_len(self.seen_pairs as usize))
            .saturating_add(counts_len(self.largest).saturating_mul(2))
    }

    /// Bytes of [`DeviceMemory::index`].
    pub const fn index_len(&self) -> usize {
        index_len(self.users as usize).saturating_add(index_len(self.items as usize))
    }

    /// What the policy reads.
    pub const fn state(&self) -> StateConfig {
        StateConfig { groups: self.groups, width: 0, min_size: 1, max_size: self.largest }
    }

    /// Numbers of the two states that a [`Decider`] keeps.
    pub const fn states_len(&self) -> usize {
        Decider::states_len(&self.state())
    }

    /// Numbers that an [`Actor`] works in.
    pub const fn actor_scratch_len(&self) -> usize {
        Actor::scratch_len(self.hidden)
    }

    /// Bytes of the rows and of where each begins, stored as `E`.
    pub const fn arena_bytes<E>(&self) -> usize {
        let rows = self.values_len().saturating_mul(size_of::<E>());
        rows.saturating_add(self.boundaries_len().saturating_mul(size_of::<u32>()))
    }

    /// Bytes of all else in a [`DeviceMemory`].
    pub const fn tables_bytes(&self) -> usize {
        let words = self.words_len().saturating_sub(self.boundaries_len()).saturating_add(self.floats_len());
        words.saturating_mul(size_of::<u32>()).saturating_add(self.index_len())
    }

    /// What a [snapshot](crate::snapshot) of such a device begins with.
    pub const fn snapshot_shape(&self) -> [u32; 7] {
        let Self { users, items, parameters, largest, seen_pairs, groups, hidden } = *self;
        [users, items, parameters, largest, seen_pairs, groups, hidden]
    }

    /// The shape that a snapshot begins with, if it is one of a device.
    pub const fn of_snapshot(shape: &[u32]) -> Option<Self> {
        match *shape {
            [users, items, parameters, largest, seen_pairs, groups, hidden] => {
                Some(Self { users, items, parameters, largest, seen_pairs, groups, hidden })
            }
            _ => None,
        }
    }

    /// A device that knows nobody, over lent memory, whose content does not matter. O(memory).
    ///
    /// # Errors
    /// Memory that does not suffice, or settings or a shape outside their ranges.
    pub fn start<'a, E: Element, P: Policy>(
        &self,
        memory: DeviceMemory<'a, E>,
        decider: Decider<'a, P>,
        settings: &DeviceSettings,
        seed: u64,
    ) -> Result<Device<'a, E, P>, DeviceError> {
        let DeviceMemory { values, mut floats, mut words, mut index } = memory;
        let (users, items) = (self.users as usize, self.items as usize);
        let given = [values.len(), floats.len(), words.len(), index.len()];
        let needed = [self.values_len(), self.floats_len(), self.words_len(), self.index_len()];
        if given.into_iter().zip(needed).any(|(given, needed)| given < needed) {
            return Err(DeviceError::ShortMemory);
        }
        let mut float = |length: usize| floats.split_off_mut(..length).unwrap_or_default();
        let mut word = |length: usize| words.split_off_mut(..length).unwrap_or_default();
        let mut place = |length: usize| index.split_off_mut(..length).unwrap_or_default();
        let (largest, counts) = (self.largest as usize, counts_len(self.largest));
        let memory = RecommenderMemory {
            arena: ArenaMemory {
                values: values.get_mut(..self.values_len()).unwrap_or_default(),
                user_boundaries: word(boundaries_len(users)),
                item_boundaries: word(boundaries_len(items)),
            },
            accumulators: PerSide::new(float(users), float(items)),
            frequencies: PerSide::new(float(users), float(items)),
            words: PerSide::new(word(users), word(items)),
            class_ends: word(class_ends_len(items, largest)),
            means: PerSide::new(float(largest), float(largest)),
            seen: word(seen_len(self.seen_pairs as usize)),
        };
        let config = settings.recommender.validate().map_err(DeviceError::Config)?;
        let recommender = Recommender::new(memory, config, settings.first_sizes, self.parameters, seed)
            .map_err(DeviceError::Recommender)?;
        let counts = PerSide::new(word(counts), word(counts));
        let ids =
            PerSide::new((word(users), place(index_len(users))), (word(items), place(index_len(items))));
        Self::assemble(recommender, decider, settings, counts, ids, seed)
    }

    /// A device of its parts; `ids` are places for ids, and for the index over them.
    pub(super) fn assemble<'a, E: Element, P: Policy, T: Tables>(
        recommender: Recommender<'a, E, T>,
        decider: Decider<'a, P>,
        settings: &DeviceSettings,
        counts: PerSide<&'a mut [u32]>,
        ids: PerSide<(&'a mut [u32], &'a mut [u8])>,
        seed: u64,
    ) -> Result<Device<'a, E, P, T>, DeviceError> {
        let generator = Generator::stream(seed, SIZES);
        let segments = SegmentLoop::new(recommender, decider, settings.segments, counts, generator);
        let table = |(ids, index)| IdTable::new(ids, index).map_err(DeviceError::Ids);
        let ids = PerSide::new(table(ids.user)?, table(ids.item)?);
        Device::new(segments, ids).map_err(DeviceError::Capacity)
    }

    /// Users and items that there is room for; saturates.
    pub const fn entities(&self) -> usize {
        (self.users as usize).saturating_add(self.items as usize)
    }

    const fn boundaries_len(&self) -> usize {
        boundaries_len(self.users as usize).saturating_add(boundaries_len(self.items as usize))
    }
}

/// The memory of a device, lent by the caller; longer slices than needed are taken in part. That of the policy
/// is its own.
#[derive(Debug)]
pub struct DeviceMemory<'a, E = f32> {
    /// The rows: [`DeviceShape::values_len`].
    pub values: &'a mut [E],
    /// Accumulators, frequencies and means: [`DeviceShape::floats_len`].
    pub floats: &'a mut [f32],
    /// Where rows begin, orders, pairs seen, counts and ids: [`DeviceShape::words_len`].
    pub words: &'a mut [u32],
    /// Where ids are found: [`DeviceShape::index_len`].
    pub index: &'a mut [u8],
}

/// How a device learns, and what it does at the end of a segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeviceSettings {
    /// How it learns.
    pub recommender: RecommenderConfig,
    /// Parameters of both cold-start rows, and of newcomers until the first decision.
    pub first_sizes: PerSide<u32>,
    /// How actions become rows.
    pub segments: LoopSettings,
}

impl DeviceSettings {
    /// For rows of 1 to `largest` parameters: the recommender's defaults, sizes that follow the power law,
    /// frequencies with a half-life of one segment, and a sixteenth of the budget kept for newcomers.
    pub fn new(largest: u32) -> Self {
        let bounds = Bounds { min: 1, max: largest };
        let sizes =
            SizeSettings { distribution: Distribution::PowerLaw, bounds: PerSide::new(bounds, bounds) };
        Self {
            recommender: RecommenderConfig::default(),
            first_sizes: PerSide::new(4, 5),
            segments: LoopSettings {
                resize: ResizeSettings { sizes, draw: false, hysteresis: true },
                half_life: 1.0,
                reserve: 16,
            },
        }
    }
}

/// Why there is no device of that shape.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum DeviceError {
    /// A slice is shorter than the shape needs.
    ShortMemory,
    /// The settings of the recommender.
    Config(ConfigError),
    /// The recommender.
    Recommender(RecommenderError),
    /// The tables of ids.
    Ids(IdError),
    /// Tables of other capacities.
    Capacity(CapacityError),
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShortMemory => f.write_str("the memory is shorter than the device's shape needs"),
            Self::Config(error) => error.fmt(f),
            Self::Recommender(error) => error.fmt(f),
            Self::Ids(error) => error.fmt(f),
            Self::Capacity(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for DeviceError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::ActionSpace;
    use std::vec;

    const SHAPE: DeviceShape = DeviceShape {
        users: 5,
        items: 9,
        parameters: 120,
        largest: 12,
        seen_pairs: 20,
        groups: 2,
        hidden: 3,
    };

    /// Starts a device whose memory lacks one number of a kind, if any.
    fn start(shape: &DeviceShape, missing: Option<usize>) -> Result<u32, DeviceError> {
        let len = |kind: usize, needed: usize| needed - usize::from(missing == Some(kind));
        let mut values = vec![f32::NAN; len(0, shape.values_len())];
        let mut floats = vec![f32::NAN; len(1, shape.floats_len())];
        let mut words = vec![7; len(2, shape.words_len())];
        let mut index = vec![7; len(3, shape.index_len())];
        let state = shape.state().len() as u32;
        let weights = vec![0; Actor::weights_len(state, shape.hidden)];
        let (mut scratch, mut states) = (vec![0.0; shape.actor_scratch_len()], vec![0.0; shape.states_len()]);
        let actor = Actor::new(state, shape.hidden, &weights, &mut scratch).unwrap();
        let (space, distribution) = (ActionSpace::BALANCED, Distribution::PowerLaw);
        let decider = Decider::new(actor, shape.state(), space, distribution, &mut states).unwrap();
        let memory =
            DeviceMemory { values: &mut values, floats: &mut floats, words: &mut words, index: &mut index };
        let mut device = shape.start(memory, decider, &DeviceSettings::new(shape.largest), 1)?;
        for n in 0..60 {
            device.observe(n % 7, n % 11).unwrap();
        }
        Ok(device.recommender().arena().used())
    }

    #[test]
    fn memory_as_long_as_the_shape_says_suffices_and_one_less_does_not() {
        assert!(start(&SHAPE, None).unwrap() <= SHAPE.parameters);
        for kind in 0..4 {
            assert_eq!(start(&SHAPE, Some(kind)), Err(DeviceError::ShortMemory), "{kind}");
        }
    }

    #[test]
    fn bytes_are_those_of_the_slices() {
        let slices = 4 * (SHAPE.values_len() + SHAPE.floats_len() + SHAPE.words_len()) + SHAPE.index_len();
        assert_eq!(SHAPE.arena_bytes::<f32>() + SHAPE.tables_bytes(), slices);
        assert_eq!(SHAPE.arena_bytes::<f32>() - SHAPE.arena_bytes::<u8>(), 3 * 120);
    }

    #[test]
    fn shapes_without_a_device_are_refused() {
        let too_small = start(&DeviceShape { parameters: 8, ..SHAPE }, None);
        assert!(matches!(too_small, Err(DeviceError::Recommender(_))), "{too_small:?}");
        let too_many = start(&DeviceShape { users: 70_000, ..SHAPE }, None);
        assert!(matches!(too_many, Err(DeviceError::Ids(IdError::TooMany { .. }))), "{too_many:?}");
        let vast = DeviceShape { users: u32::MAX, items: u32::MAX, largest: u32::MAX, ..SHAPE };
        assert!(vast.words_len() > vast.floats_len());
    }

    #[test]
    fn a_shape_comes_back_from_a_snapshot() {
        assert_eq!(DeviceShape::of_snapshot(&SHAPE.snapshot_shape()), Some(SHAPE));
        assert_eq!(DeviceShape::of_snapshot(&[2]), None);
    }
}
