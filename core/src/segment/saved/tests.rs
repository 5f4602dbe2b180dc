use std::vec;
use std::vec::Vec;

use crate::policy::{Sac, SacConfig, SacMemory, SacShape};
use crate::random::Generator;
use crate::recommender::{Memory, ROOM, Recommender};
use crate::segment::{ActionSpace, Decider, Incumbent, LoopSettings, Margin, ResizeSettings, SegmentLoop};
use crate::side::PerSide;
use crate::sizes::{Bounds, Distribution, SizeSettings, counts_len};
use crate::snapshot::{self, Snapshot, SnapshotError};
use crate::state::StateConfig;

const STATE: StateConfig = StateConfig { groups: 3, width: 0, min_size: 0, max_size: 5 };
const SHAPE: SacShape = SacShape { state: STATE.len() as u32, hidden: 7, batch: 2, capacity: 4 };

/// Memory of a whole loop.
struct LoopMemory {
    recommender: Memory,
    networks: Vec<f32>,
    replay: Vec<f32>,
    scratch: Vec<f32>,
    states: Vec<f32>,
    counts: [Vec<u32>; 2],
}

impl LoopMemory {
    fn new() -> Self {
        Self {
            recommender: Memory::new(ROOM),
            networks: vec![f32::NAN; SHAPE.networks_len()],
            replay: vec![f32::NAN; SHAPE.replay_len()],
            scratch: vec![f32::NAN; SHAPE.scratch_len()],
            states: vec![f32::NAN; Decider::states_len(&STATE)],
            counts: [vec![9; counts_len(5)], vec![9; counts_len(5)]],
        }
    }

    fn start(&mut self, seed: u64) -> SegmentLoop<'_> {
        let bounds = Bounds { min: 0, max: 5 };
        let resize = ResizeSettings {
            sizes: SizeSettings {
                distribution: Distribution::PowerLaw,
                bounds: PerSide::new(bounds, bounds),
            },
            draw: true,
            hysteresis: true,
        };
        let config = SacConfig { shape: SHAPE, ..SacConfig::compact(SHAPE.state) };
        let memory =
            SacMemory { networks: &mut self.networks, replay: &mut self.replay, scratch: &mut self.scratch };
        let policy = Sac::new(&config.validate().unwrap(), memory, Generator::stream(seed, 1)).unwrap();
        let [users, items] = &mut self.counts;
        SegmentLoop::new(
            self.recommender.recommender(PerSide::new(2, 3), true, seed),
            Decider::new(policy, STATE, ActionSpace::BALANCED, Distribution::PowerLaw, &mut self.states)
                .unwrap(),
            LoopSettings { resize, half_life: 1.0, reserve: 8 },
            PerSide::new(users, items),
            Generator::stream(seed, 2),
        )
    }
}

/// The events `from..to` of a stream, with a decision after every thirtieth.
fn go_on(session: &mut SegmentLoop<'_>, from: u32, to: u32) {
    for n in from..to {
        let mut draws = Generator::stream(5, n.into());
        let user = draws.below((2 + n / 10).min(12));
        let item = draws.below((3 + n / 10).min(20));
        // Who arrives is the next in order.
        let counts = crate::Side::BOTH.map(|side| session.recommender().arena().count(side));
        session.observe(user.min(counts[0]), item.min(counts[1])).unwrap();
        match n % 30 {
            27 => session.close_segment().unwrap(),
            28 => session.reward(draws.symmetric()).unwrap(),
            29 => drop(session.propose(true).map(|positions| session.apply(positions).unwrap()).unwrap()),
            _ => (),
        }
    }
}

fn bytes_of(state: &impl Snapshot) -> Vec<u8> {
    let mut bytes = vec![0; snapshot::size(&[], state).unwrap()];
    snapshot::save(&[], state, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_restored_loop_goes_on_with_the_same_bits() {
    let end = if cfg!(miri) { 70 } else { 300 };
    // In the middle of a segment, and between the steps of a decision.
    for cut in [0, 1, 17, 28, 29, 30, 58, 59, 140, 299].into_iter().filter(|&cut| cut < end) {
        let (mut memory, mut other) = (LoopMemory::new(), LoopMemory::new());
        let mut original = memory.start(1);
        go_on(&mut original, 0, cut);
        let bytes = bytes_of(&original);
        let decider = Decider::max_snapshot_len(&SHAPE, 4);
        let recommender = Recommender::<f32>::max_snapshot_len(150, 12, 20, 12, 40);
        assert!(
            bytes.len() <= snapshot::max_size(0, SegmentLoop::<f32>::SNAPSHOT_LEN + decider + recommender)
        );

        let mut restored = other.start(2);
        go_on(&mut restored, 0, 100);
        assert_eq!(snapshot::load(&[], &mut restored, &bytes), Ok(bytes.len()));
        go_on(&mut original, cut, end);
        go_on(&mut restored, cut, end);
        assert_eq!(restored.segments(), end / 30);
        assert!(bytes_of(&original) == bytes_of(&restored), "saved after {cut} events");
    }
}

#[test]
fn a_refused_loop_stays_as_it_was() {
    let (mut memory, mut other) = (LoopMemory::new(), LoopMemory::new());
    let mut saved = memory.start(1);
    go_on(&mut saved, 0, 100);
    let bytes = bytes_of(&saved);
    let mut target = other.start(2);
    go_on(&mut target, 0, 65);
    let before = bytes_of(&target);
    let mut refused = |bytes: &[u8]| {
        let error = snapshot::load(&[], &mut target, bytes).unwrap_err();
        assert!(bytes_of(&target) == before, "{error}");
        error
    };
    for length in (0..bytes.len()).step_by(if cfg!(miri) { 997 } else { 31 }) {
        assert!(matches!(refused(&bytes[..length]), SnapshotError::Truncated { .. }));
    }
    // What was taken ends the snapshot: three floats and a short number. The highest is its sign and exponent.
    for (byte, value) in [(bytes.len() - 2, 0xbf), (bytes.len() - 2, 0x40), (bytes.len() - 2, 0x7f)] {
        let mut bytes = bytes.clone();
        bytes[byte] = value;
        snapshot::testing::seal(&mut bytes);
        assert_eq!(refused(&bytes), SnapshotError::Damaged, "{value:x}");
    }
    let mut shorter = bytes.clone();
    shorter.pop();
    snapshot::testing::seal(&mut shorter);
    assert_eq!(refused(&shorter), SnapshotError::Damaged);
}

#[test]
fn an_action_in_force_is_kept_with_its_challenger() {
    const MARGIN: Margin = Margin { gain: 0.01, errors: 1.0, count: 4 };
    let mut incumbent = Incumbent::new([0.5, 1.0, 0.0]);
    for gains in [&[][..], &[0.03, 0.04], &[0.05, 0.02]] {
        incumbent.observe([0.2; 3], gains);
        let bytes = bytes_of(&incumbent);
        assert!(bytes.len() <= snapshot::max_size(0, Incumbent::SNAPSHOT_LEN));
        let mut restored = Incumbent::new([0.1; 3]);
        snapshot::load(&[], &mut restored, &bytes).unwrap();
        assert_eq!(restored, incumbent);
        let mut expected = incumbent;
        assert_eq!(restored.conclude(&MARGIN), expected.conclude(&MARGIN));
        assert_eq!(restored, expected);
    }
    for impossible in [Incumbent::new([0.5, f32::NAN, 0.5]), Incumbent::new([0.5, 0.5, 1.5])] {
        let bytes = bytes_of(&impossible);
        assert_eq!(snapshot::load(&[], &mut incumbent, &bytes), Err(SnapshotError::Damaged));
    }
    assert_eq!(incumbent.present(), [0.5, 1.0, 0.0]);
}
