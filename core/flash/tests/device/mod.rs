//! A device small enough to be cut off thousands of times.

use scall_core::Side;
use scall_core::device::{Device, DeviceMemory, DeviceSettings, DeviceShape};
use scall_core::digest::Digest;
use scall_core::policy::Actor;
use scall_core::recommender::{Recommender, seen_len};
use scall_core::segment::{ActionSpace, Decider, SegmentLoop};
use scall_core::sizes::Distribution;
use scall_core::snapshot::{self, NUMBER_LEN, Reader, Snapshot, SnapshotError, Writer};

const USERS: usize = 6;
const ITEMS: usize = 10;
const DEVICE: DeviceShape = DeviceShape {
    users: USERS as u32,
    items: ITEMS as u32,
    parameters: 64,
    largest: 8,
    seen_pairs: 16,
    groups: 2,
    hidden: 3,
};

pub(crate) const SHAPE: [u32; 7] = DEVICE.snapshot_shape();
/// Events between two decisions, each of which is saved.
const SEGMENT: u32 = 12;
/// Decisions in a run.
pub(crate) const SEGMENTS: u32 = 8;
/// Bytes of the longest snapshot.
pub(crate) const LONGEST: usize = snapshot::max_size(
    SHAPE.len(),
    Recommender::<f32>::max_snapshot_len(
        DEVICE.values_len(),
        USERS,
        ITEMS,
        2 * DEVICE.largest as usize,
        seen_len(DEVICE.seen_pairs as usize),
    ) + Device::<f32, Actor<'static>>::max_snapshot_len(USERS, ITEMS)
        + Actor::SNAPSHOT_LEN
        + SegmentLoop::<f32>::SNAPSHOT_LEN
        + size_of::<f32>() * (DEVICE.states_len() + 2)
        + 4 * NUMBER_LEN,
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
    let (mut values, mut floats) = ([0.0; DEVICE.values_len()], [0.0; DEVICE.floats_len()]);
    let (mut words, mut index) = ([0; DEVICE.words_len()], [0; DEVICE.index_len()]);
    let memory =
        DeviceMemory { values: &mut values, floats: &mut floats, words: &mut words, index: &mut index };
    let state = DEVICE.state().len() as u32;
    let weights = vec![0; Actor::weights_len(state, DEVICE.hidden)];
    let (mut scratch, mut states) = ([0.0; DEVICE.actor_scratch_len()], [0.0; DEVICE.states_len()]);
    let actor = Actor::new(state, DEVICE.hidden, &weights, &mut scratch).expect("it has its weights");
    let (space, distribution) = (ActionSpace::BALANCED, Distribution::PowerLaw);
    let decider = Decider::new(actor, DEVICE.state(), space, distribution, &mut states);
    let mut settings = DeviceSettings::new(DEVICE.largest);
    settings.segments.resize.draw = true;
    let decider = decider.expect("it has its states");
    let device = DEVICE.start(memory, decider, &settings, 1).expect("it has its memory");
    test(&mut Run { device, events: 0 })
}
