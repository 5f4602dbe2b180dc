//! A device small enough to be cut off thousands of times.

use scall_core::Side;
use scall_core::arena::{ArenaMemory, boundaries_len};
use scall_core::device::Device;
use scall_core::digest::Digest;
use scall_core::ids::{IdTable, index_len};
use scall_core::policy::Actor;
use scall_core::random::Generator;
use scall_core::recommender::{Recommender, RecommenderConfig, RecommenderMemory, class_ends_len, seen_len};
use scall_core::segment::{ActionSpace, Decider, LoopSettings, ResizeSettings, SegmentLoop};
use scall_core::side::PerSide;
use scall_core::sizes::{Bounds, Distribution, SizeSettings, counts_len};
use scall_core::snapshot::{self, Reader, Snapshot, SnapshotError, Writer};
use scall_core::state::StateConfig;

const USERS: usize = 6;
const ITEMS: usize = 10;
const PARAMETERS: usize = 64;
const LARGEST: usize = 8;
const BOUNDS: Bounds = Bounds { min: 1, max: LARGEST as u32 };
const STATE: StateConfig = StateConfig { groups: 2, width: 0, min_size: 1, max_size: LARGEST as u32 };
const HIDDEN: u32 = 3;
const SEEN: usize = seen_len(16);

pub(crate) const SHAPE: [u32; 2] = [USERS as u32, ITEMS as u32];
/// Events between two decisions, each of which is saved.
const SEGMENT: u32 = 12;
/// Decisions in a run.
pub(crate) const SEGMENTS: u32 = 8;
/// Bytes of the longest snapshot.
pub(crate) const LONGEST: usize = snapshot::max_size(
    SHAPE.len(),
    Recommender::<f32>::max_snapshot_len(PARAMETERS, USERS, ITEMS, 2 * LARGEST, SEEN)
        + Device::<f32, Actor<'static>>::max_snapshot_len(USERS, ITEMS)
        + Actor::SNAPSHOT_LEN
        + SegmentLoop::<f32>::SNAPSHOT_LEN
        + size_of::<f32>() * (Decider::states_len(&STATE) + 2)
        + 4 * snapshot::NUMBER_LEN,
);

/// A device and how many events it has had; its whole past.
pub(crate) struct Run<'a> {
    device: Device<'a, f32, Actor<'a>>,
    events: u32,
}

impl Snapshot for Run<'_> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        self.device.save(writer)?;
        writer.put(&self.events)
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.device.load(reader)?;
        let events = reader.take()?;
        if !reader.is_dry() {
            self.events = events;
        }
        Ok(())
    }
}

impl Run<'_> {
    /// Takes the events up to the next decision, and decides; whether there was one to come.
    pub(crate) fn go_on(&mut self) -> bool {
        if self.events == SEGMENT * SEGMENTS {
            return false;
        }
        for _ in 0..SEGMENT {
            // Twice as many of both as there is room for.
            let n = self.events;
            let user = (n * n / 5 + n / 3) % (2 * USERS as u32);
            let item = (n * 7 + n * n / 11) % (2 * ITEMS as u32);
            self.device.observe(user.wrapping_mul(0x9e37_79b1), item).expect("there is room for newcomers");
            self.events += 1;
        }
        let segments = self.device.segments_mut();
        segments.close_segment().expect("the memory fits together");
        let positions = segments.propose(true).expect("the state is finite");
        segments.apply(positions).expect("the settings can be met");
        true
    }

    /// Changes every row a little, as if much had been learned.
    pub(crate) fn disturb(&mut self) {
        for user in 0..2 * USERS as u32 {
            let item = (user + self.events) % ITEMS as u32;
            self.device.observe(user.wrapping_mul(0x9e37_79b1), item).expect("there is room for newcomers");
        }
        self.events += 1;
    }

    /// Decisions so far.
    pub(crate) const fn segments(&self) -> u32 {
        self.events / SEGMENT
    }

    /// Everything the device knows, as bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; LONGEST];
        let length = snapshot::save(&SHAPE, self, &mut bytes).expect("it is no longer than the longest");
        bytes.truncate(length);
        bytes
    }

    /// The digest of ids and rows.
    pub(crate) fn digest(&self) -> u64 {
        let arena = self.device.recommender().arena();
        let mut digest = Digest::new();
        for side in Side::BOTH {
            for slot in 0..arena.count(side) {
                digest.word(self.device.ids(side).id(slot).unwrap_or(0));
                digest.floats(arena.row(side, slot));
            }
        }
        digest.value()
    }
}

/// Runs `test` with a device that has just been switched on.
pub(crate) fn with_device<R>(test: impl FnOnce(&mut Run<'_>) -> R) -> R {
    let mut values = [0.0; PARAMETERS];
    let mut boundaries = ([0; boundaries_len(USERS)], [0; boundaries_len(ITEMS)]);
    let (mut accumulators, mut frequencies) = (([0.0; USERS], [0.0; ITEMS]), ([0.0; USERS], [0.0; ITEMS]));
    let (mut words, mut means) = (([0; USERS], [0; ITEMS]), ([0.0; LARGEST], [0.0; LARGEST]));
    let (mut class_ends, mut seen) = ([0; class_ends_len(ITEMS, LARGEST)], [0; SEEN]);
    let memory = RecommenderMemory {
        arena: ArenaMemory {
            values: &mut values,
            user_boundaries: &mut boundaries.0,
            item_boundaries: &mut boundaries.1,
        },
        accumulators: PerSide::new(&mut accumulators.0, &mut accumulators.1),
        frequencies: PerSide::new(&mut frequencies.0, &mut frequencies.1),
        words: PerSide::new(&mut words.0, &mut words.1),
        class_ends: &mut class_ends,
        means: PerSide::new(&mut means.0, &mut means.1),
        seen: &mut seen,
    };
    let config = RecommenderConfig::default().validate().expect("the default is valid");
    let recommender = Recommender::new(memory, config, PerSide::new(2, 2), PARAMETERS as u32, 1)
        .expect("the memory fits together");

    let weights = vec![0; Actor::weights_len(STATE.len() as u32, HIDDEN)];
    let mut scratch = [0.0; Actor::scratch_len(HIDDEN)];
    let mut states = vec![0.0; Decider::states_len(&STATE)];
    let policy = Actor::new(STATE.len() as u32, HIDDEN, &weights, &mut scratch).expect("it has its weights");
    let decider = Decider::new(policy, STATE, ActionSpace::BALANCED, Distribution::PowerLaw, &mut states)
        .expect("it has its states");
    let sizes = SizeSettings { distribution: Distribution::PowerLaw, bounds: PerSide::new(BOUNDS, BOUNDS) };
    let settings = LoopSettings {
        resize: ResizeSettings { sizes, draw: true, hysteresis: false },
        half_life: 1.0,
        reserve: 8,
    };
    let mut counts = ([0; counts_len(LARGEST as u32)], [0; counts_len(LARGEST as u32)]);
    let counts = PerSide::new(&mut counts.0[..], &mut counts.1[..]);
    let segments = SegmentLoop::new(recommender, decider, settings, counts, Generator::new(2));

    let mut ids = ([0; USERS], [0; ITEMS]);
    let mut index = ([0; index_len(USERS)], [0; index_len(ITEMS)]);
    let tables = PerSide::new(
        IdTable::new(&mut ids.0, &mut index.0).expect("the index fits"),
        IdTable::new(&mut ids.1, &mut index.1).expect("the index fits"),
    );
    let device = Device::new(segments, tables).expect("tables and recommender have the same places");
    test(&mut Run { device, events: 0 })
}
