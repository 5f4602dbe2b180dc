//! The files that cross between hosts and devices, as they were written once: read to what they hold, written
//! again to the same bytes, and refused by name when they are of another version.

use scall_core::Side;
use scall_core::device::{Device, DeviceMemory, DeviceSettings, DeviceShape};
use scall_core::digest::Digest;
use scall_core::envelope::{EnvelopeError, HEADER_LEN, Header};
use scall_core::policy::{Actor, Policy, Sac, SacConfig, SacMemory, SacShape};
use scall_core::random::Generator;
use scall_core::segment::{ActionSpace, Decider, PolicyFile};
use scall_core::sizes::Distribution;
use scall_core::snapshot::{self, Snapshot, SnapshotError};
use scall_core::stream::StreamBlob;
use scall_tests::{golden, program, repository, succeed};
use serde_json::Value;

const SHAPE: DeviceShape =
    DeviceShape { users: 4, items: 6, parameters: 60, largest: 8, seen_pairs: 16, groups: 1, hidden: 1 };
const STATE: u32 = SHAPE.state().len() as u32;
const POLICY: SacShape = SacShape { state: STATE, hidden: SHAPE.hidden, batch: 2, capacity: 3 };

const USERS: [u32; 3] = [u32::MAX, 0, 7];
const ITEMS: [u32; 4] = [0x0102_0304, 5, 0, 1_000_000];
const EVENTS: [(u16, u16); 6] = [(0, 3), (1, 0), (2, 1), (0, 2), (0, 3), (2, 0)];

/// Runs `test` with a policy that learns, at its beginning.
fn with_policy<R>(test: impl FnOnce(Sac<'_>) -> R) -> R {
    let config = SacConfig { shape: POLICY, updates_per_step: 1, ..SacConfig::compact(STATE) };
    let mut networks = vec![0.0; POLICY.networks_len()];
    let mut replay = vec![0.0; POLICY.replay_len()];
    let mut scratch = vec![0.0; POLICY.scratch_len()];
    let memory = SacMemory { networks: &mut networks, replay: &mut replay, scratch: &mut scratch };
    let config = config.validate().expect("the settings are in their ranges");
    test(Sac::new(&config, memory, Generator::new(3)).expect("the memory suffices"))
}

/// Runs `test` with a device at its beginning.
fn with_device<P: Policy, R>(policy: P, test: impl FnOnce(&mut Device<'_, f32, P>) -> R) -> R {
    let (mut values, mut floats) = (vec![0.0; SHAPE.values_len()], vec![0.0; SHAPE.floats_len()]);
    let (mut words, mut index) = (vec![0; SHAPE.words_len()], vec![0; SHAPE.index_len()]);
    let mut states = vec![0.0; SHAPE.states_len()];
    let (space, distribution) = (ActionSpace::BALANCED, Distribution::PowerLaw);
    let decider = Decider::new(policy, SHAPE.state(), space, distribution, &mut states).expect("they fit");
    let memory =
        DeviceMemory { values: &mut values, floats: &mut floats, words: &mut words, index: &mut index };
    let settings = DeviceSettings::new(SHAPE.largest);
    test(&mut SHAPE.start(memory, decider, &settings, 1).expect("the shape has a device"))
}

fn with_actor<R>(test: impl FnOnce(Actor<'_>) -> R) -> R {
    let weights = vec![0; Actor::weights_len(STATE, SHAPE.hidden)];
    let mut scratch = vec![0.0; SHAPE.actor_scratch_len()];
    test(Actor::new(STATE, SHAPE.hidden, &weights, &mut scratch).expect("the memory suffices"))
}

/// Seventy events with three decisions in between; more users and items than there is room for.
fn live<P: Policy>(device: &mut Device<'_, f32, P>) {
    for n in 0..70_u32 {
        device.observe(n * n % 11, 100 + n * 7 % 9).expect("events are taken");
        if n % 20 == 19 {
            let segments = device.segments_mut();
            segments.close_segment().expect("the memory fits together");
            segments.reward(0.5).expect("the reward is moderate");
            let positions = segments.propose(true).expect("the state is moderate");
            segments.apply(positions).expect("the sizes fit");
        }
    }
}

fn bytes_of(state: &impl Snapshot) -> Vec<u8> {
    let shape = SHAPE.snapshot_shape();
    let mut bytes = vec![0; snapshot::size(&shape, state).expect("nothing is under way")];
    snapshot::save(&shape, state, &mut bytes).expect("the buffer is as long");
    bytes
}

fn rows<P: Policy>(device: &Device<'_, f32, P>) -> u64 {
    let arena = device.recommender().arena();
    let mut digest = Digest::new();
    for side in Side::BOTH {
        (0..arena.count(side)).for_each(|slot| digest.floats(arena.row(side, slot)));
    }
    digest.value()
}

/// Another version, which nobody has written yet.
fn of_next_version(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[4] += 1;
    bytes
}

#[test]
fn a_stream() {
    let mut bytes = vec![0; StreamBlob::len(USERS.len(), ITEMS.len(), EVENTS.len())];
    StreamBlob::write(&USERS, &ITEMS, EVENTS.into_iter(), &mut bytes).expect("the buffer is as long");
    let kept = golden("stream.scall", &bytes);
    let blob = StreamBlob::open(&kept).expect("it is intact");
    assert_eq!((blob.users(), blob.items()), (3, 4));
    let events: Vec<_> = blob.events().map(|event| (event.user, event.item)).collect();
    let expected = EVENTS.map(|(user, item)| (USERS[usize::from(user)], ITEMS[usize::from(item)]));
    assert_eq!(events, expected);
    let refusal = StreamBlob::open(&of_next_version(&kept)).expect_err("it is of another version");
    assert_eq!(refusal, EnvelopeError::ForeignVersion { found: 2, expected: 1 });
}

#[test]
fn a_policy() {
    let mut bytes = vec![0; PolicyFile::len(&SHAPE.state(), SHAPE.hidden)];
    with_policy(|policy| {
        with_device(policy, |device| {
            live(device);
            device.segments().decider().export(&mut bytes).expect("the buffer is as long")
        })
    });
    let kept = golden("policy.scall", &bytes);
    let policy = PolicyFile::open(&kept).expect("it is intact");
    assert_eq!((policy.state, policy.hidden), (SHAPE.state(), 1));
    assert_eq!((policy.space, policy.distribution), (ActionSpace::BALANCED, Distribution::PowerLaw));
    // Six inputs and a bias, a unit and a bias, and both for six outputs.
    assert_eq!(policy.weights.len(), 4 * (7 + 2 + 12));
    let refusal = PolicyFile::open(&of_next_version(&kept)).expect_err("it is of another version");
    assert_eq!(refusal, EnvelopeError::ForeignVersion { found: 2, expected: 1 });
}

#[test]
fn a_snapshot_of_a_device() {
    let (bytes, digest) = with_actor(|actor| {
        with_device(actor, |device| {
            live(device);
            (bytes_of(device), rows(device))
        })
    });
    let kept = golden("device.scall", &bytes);
    restores(&kept, digest);
}

#[test]
fn a_snapshot_of_a_device_whose_policy_learns() {
    let (bytes, digest) = with_policy(|policy| {
        with_device(policy, |device| {
            live(device);
            (bytes_of(device), rows(device))
        })
    });
    let kept = golden("learning-device.scall", &bytes);
    let restored = with_policy(|policy| {
        with_device(policy, |device| {
            snapshot::load(&SHAPE.snapshot_shape(), device, &kept).expect("it is intact");
            assert_eq!(device.segments().decider().policy().progress().stored, 2);
            (bytes_of(device), rows(device))
        })
    });
    assert_eq!(restored, (kept, digest));
}

/// The known device in a snapshot, and its refusals.
fn restores(kept: &[u8], digest: u64) {
    with_actor(|actor| {
        with_device(actor, |device| {
            let shape = SHAPE.snapshot_shape();
            let refusal = snapshot::load(&shape, device, &of_next_version(kept));
            assert_eq!(refusal, Err(SnapshotError::ForeignVersion { found: 2, expected: 1 }));
            let other = DeviceShape { users: 5, ..SHAPE }.snapshot_shape();
            let refusal = snapshot::load(&other, device, kept);
            assert_eq!(refusal, Err(SnapshotError::OtherShape { found: 4, expected: 5 }));
            assert_eq!(device.recommender().arena().count(Side::User), 0, "a refusal changes nothing");

            assert_eq!(snapshot::load(&shape, device, kept), Ok(kept.len()));
            assert_eq!(bytes_of(device), kept);
            assert_eq!(rows(device), digest);
            let known = |side| device.recommender().arena().count(side);
            assert_eq!((known(Side::User), known(Side::Item)), (4, 6));
            assert_eq!(device.segments().segments(), 3);
            assert!(device.has_seen(69 * 69 % 11, 100 + 69 * 7 % 9), "the last event is remembered");
            assert!(device.evicted(Side::User) > 0 && device.evicted(Side::Item) > 0);
        });
    });
}

#[test]
fn the_program_shows_all_of_them() {
    for (name, kind, magic) in [
        ("stream.scall", "stream", "scst"),
        ("policy.scall", "policy", "scpo"),
        ("device.scall", "snapshot", "scal"),
        ("learning-device.scall", "snapshot", "scal"),
    ] {
        let path = repository().join("tests/golden").join(name);
        let output = succeed(program().args(["inspect", "--json"]).arg(&path));
        let told: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
        assert_eq!(
            (&told["kind"], &told["magic"], &told["version"]),
            (&kind.into(), &magic.into(), &1.into())
        );
        let bytes = std::fs::read(&path).expect("it is there");
        let header = Header::read(&bytes).expect("it has a header");
        assert_eq!(told["body_bytes"], bytes.len() - HEADER_LEN);
        assert_eq!(told["body_crc"], format!("{:08x}", header.body_crc));
        let content = &told["content"];
        match name {
            "device.scall" => assert_eq!(content["users"], serde_json::json!([4, 4])),
            "learning-device.scall" => assert_eq!(content["shape"][2], 60),
            "policy.scall" => assert_eq!(content["weights"], 21),
            _ => assert_eq!(content["events"], 6),
        }
    }
}
