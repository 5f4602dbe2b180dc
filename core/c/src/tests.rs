//! What C can do wrong is answered with a number, and what it does right is what the core does.

use core::ffi::CStr;
use core::ptr::{null, null_mut};
use std::vec::Vec;

use scall_core::scenario::STORED_POLICY;

use crate::*;

const CONFIG: ScallConfig = ScallConfig {
    users: 6,
    items: 9,
    parameters: 200,
    seen_pairs: 32,
    seed: 7,
    policy: null(),
    policy_bytes: 0,
};

/// Memory as C would lend it: aligned, and full of something else.
struct Memory(Vec<u64>);

impl Memory {
    fn for_bytes(bytes: usize) -> Self {
        Self(vec![0xa5a5_a5a5_a5a5_a5a5; bytes.div_ceil(8)])
    }

    fn start(&mut self, config: &ScallConfig) -> Result<*mut Scall, i32> {
        let mut scall = null_mut();
        let bytes = self.0.len() * 8;
        // SAFETY: the memory is this test's, and outlives the device in it.
        match unsafe { scall_init(&raw mut scall, self.0.as_mut_ptr().cast(), bytes, config) } {
            0 => Ok(scall),
            status => Err(status),
        }
    }
}

fn needed(config: &ScallConfig) -> usize {
    // SAFETY: a configuration whose policy is null or lies in a constant.
    unsafe { scall_memory_bytes(config) }
}

/// Runs `test` with a device that knows nobody.
fn with_device<R>(config: &ScallConfig, test: impl FnOnce(*mut Scall) -> R) -> R {
    let mut memory = Memory::for_bytes(needed(config));
    test(memory.start(config).expect("a sound configuration"))
}

const fn is(status: ScallStatus) -> i32 {
    status as i32
}

/// A stretch of events in which more come than there is room for, with a decision in the middle.
fn live(scall: *mut Scall, from: u32) {
    for n in from..from + 60 {
        // SAFETY: a device of this test.
        assert!(unsafe { scall_observe(scall, n * n % 11, n * 7 % 13) } >= 0);
    }
    // SAFETY: the same.
    assert_eq!(unsafe { scall_close_segment(scall, 0.25) }, 0);
    // SAFETY: the same.
    while unsafe { scall_poll(scall, 16) } > 0 {}
}

fn digest(scall: *const Scall) -> u64 {
    let mut digest = 0;
    // SAFETY: a device of this test.
    assert_eq!(unsafe { scall_digest(scall, &raw mut digest) }, 0);
    digest
}

fn counts(scall: *const Scall) -> ScallCounts {
    let mut counts = core::mem::MaybeUninit::uninit();
    // SAFETY: a device of this test.
    assert_eq!(unsafe { scall_counts(scall, counts.as_mut_ptr()) }, 0);
    // SAFETY: written by a call that went well.
    unsafe { counts.assume_init() }
}

#[test]
fn a_device_learns_recommends_and_says_where_it_stands() {
    with_device(&CONFIG, |scall| {
        // SAFETY, of all calls: a device of this test.
        assert_eq!(unsafe { scall_observe(scall, u32::MAX, 5) }, SCALL_NEW_USER + SCALL_NEW_ITEM);
        assert_eq!(unsafe { scall_observe(scall, u32::MAX, u32::MAX) }, SCALL_NEW_ITEM);
        assert_eq!(unsafe { scall_observe(scall, 3, 5) }, SCALL_NEW_USER);
        assert_eq!(unsafe { scall_observe(scall, 3, 5) }, 0);
        assert_eq!(unsafe { scall_knows_user(scall, 3) }, 1);
        assert_eq!(unsafe { scall_knows_user(scall, 5) }, 0);
        assert_eq!(unsafe { scall_knows_item(scall, u32::MAX) }, 1);
        assert_eq!(unsafe { scall_has_seen(scall, 3, 5) }, 1);
        assert_eq!(unsafe { scall_has_seen(scall, 3, u32::MAX) }, 0);
        let mut best = [ScallScored { item: 1, score: 0.0 }; 20];
        assert_eq!(unsafe { scall_recommend(scall, 3, best.as_mut_ptr(), 20) }, 1);
        assert_eq!(best[0].item, u32::MAX);
        assert!(best[0].score.is_finite());
        assert_eq!(best[12].item, 1, "no more places are touched than there are items");
        assert_eq!(unsafe { scall_recommend(scall, 3, best.as_mut_ptr(), 0) }, 0);
        let found = counts(scall);
        assert_eq!((found.users, found.items, found.segments, found.busy), (2, 2, 0, 0));
        assert_eq!((found.evicted_users, found.evicted_items, found.parameters_allowed), (0, 0, 200));
    });
}

#[test]
fn decisions_go_on_in_steps_and_the_budget_holds() {
    with_device(&CONFIG, |scall| {
        live(scall, 0);
        let found = counts(scall);
        assert_eq!((found.users, found.items, found.segments, found.busy), (6, 9, 1, 0));
        assert!(found.evicted_items > 0 && found.parameters_used <= found.parameters_allowed);
        // SAFETY, of all calls: a device of this test.
        assert_eq!(unsafe { scall_close_segment(scall, 0.0) }, 0);
        assert_eq!(counts(scall).busy, 1);
        assert_eq!(unsafe { scall_close_segment(scall, 0.0) }, is(ScallStatus::Busy));
        assert_eq!(unsafe { scall_save_bytes(scall) }, is(ScallStatus::Busy));
        assert_eq!(unsafe { scall_poll(scall, 16) }, 2);
        assert!(unsafe { scall_observe(scall, 3, 5) } >= 0);
        while unsafe { scall_poll(scall, 16) } > 0 {}
        assert_eq!(unsafe { scall_poll(scall, 16) }, 0);
        let before = digest(scall);
        for reward in [f32::NAN, f32::INFINITY, -1e7] {
            assert_eq!(unsafe { scall_close_segment(scall, reward) }, is(ScallStatus::Reward));
        }
        assert_eq!((digest(scall), counts(scall).segments), (before, 2));
    });
}

#[test]
fn a_device_goes_on_from_its_snapshot_with_the_same_bits() {
    let mut bytes = vec![0_u8; 4_000];
    let save = |scall: *mut Scall, output: &mut [u8]| {
        // SAFETY: a device and an output of this test.
        unsafe { scall_save(scall, output.as_mut_ptr(), output.len()) }
    };
    let load = |scall: *mut Scall, input: &[u8]| {
        // SAFETY: a device and an input of this test.
        unsafe { scall_load(scall, input.as_ptr(), input.len()) }
    };
    let (length, expected) = with_device(&CONFIG, |scall| {
        live(scall, 0);
        // SAFETY: a device of this test.
        let length = unsafe { scall_save_bytes(scall) } as usize;
        assert_eq!(save(scall, &mut bytes[..length - 1]), is(ScallStatus::TooSmall));
        assert_eq!(save(scall, &mut bytes), length as i32);
        live(scall, 60);
        (length, digest(scall))
    });
    with_device(&CONFIG, |scall| {
        live(scall, 3);
        let before = digest(scall);
        let mut damaged = bytes.clone();
        damaged[length / 2] ^= 1;
        assert_eq!(load(scall, &damaged), is(ScallStatus::DamagedSnapshot));
        assert_eq!(load(scall, &bytes[..length - 1]), is(ScallStatus::DamagedSnapshot));
        assert_eq!(load(scall, b"something else entirely"), is(ScallStatus::ForeignSnapshot));
        damaged.copy_from_slice(&bytes);
        damaged[4] += 1;
        assert_eq!(load(scall, &damaged), is(ScallStatus::SnapshotVersion));
        assert_eq!(digest(scall), before);
        // What follows it does not matter.
        assert_eq!(load(scall, &bytes), length as i32);
        live(scall, 60);
        assert_eq!(digest(scall), expected);
    });
    with_device(&ScallConfig { parameters: 201, ..CONFIG }, |scall| {
        assert_eq!(load(scall, &bytes), is(ScallStatus::ForeignSnapshot));
    });
}

#[test]
fn memory_that_cannot_be_used_is_refused() {
    let bytes = needed(&CONFIG);
    let mut memory = Memory::for_bytes(bytes);
    let first = memory.0.as_mut_ptr().cast::<u8>();
    let mut scall = null_mut();
    // SAFETY, of all calls: pointers are null, or into memory of this test of that length.
    let mut start =
        |memory: *mut u8, bytes, config| unsafe { scall_init(&raw mut scall, memory.cast(), bytes, config) };
    assert_eq!(start(null_mut(), bytes, &CONFIG), is(ScallStatus::NullPointer));
    assert_eq!(start(first, bytes, null()), is(ScallStatus::NullPointer));
    assert_eq!(start(first.wrapping_add(4), bytes, &CONFIG), is(ScallStatus::Misaligned));
    assert_eq!(start(first, bytes - 1, &CONFIG), is(ScallStatus::TooSmall));
    assert_eq!(start(first, 0, &CONFIG), is(ScallStatus::TooSmall));
    let vast = ScallConfig { parameters: u32::MAX, seen_pairs: u32::MAX, ..CONFIG };
    assert_eq!(start(first, bytes, &vast), is(ScallStatus::TooSmall));
    assert!(scall.is_null());
    // SAFETY: as above.
    let status = unsafe { scall_init(null_mut(), first.cast(), bytes, &CONFIG) };
    assert_eq!(status, is(ScallStatus::NullPointer));
}

#[test]
fn configurations_without_a_device_are_refused() {
    let start = |config: &ScallConfig| {
        let mut memory = Memory::for_bytes(needed(config));
        memory.start(config).map(|_| ())
    };
    assert_eq!(start(&CONFIG), Ok(()));
    assert_eq!(start(&ScallConfig { parameters: 8, ..CONFIG }), Err(is(ScallStatus::Config)));
    assert_eq!(start(&ScallConfig { users: 65_536, ..CONFIG }), Err(is(ScallStatus::Config)));
    let policy = |bytes: &[u8]| {
        let config = ScallConfig { policy: bytes.as_ptr(), policy_bytes: bytes.len(), ..CONFIG };
        (needed(&config), Memory::for_bytes(9_000).start(&config).map(|_| ()))
    };
    assert_eq!(policy(STORED_POLICY), (needed(&CONFIG), Ok(())));
    let mut damaged = STORED_POLICY.to_vec();
    damaged[100] ^= 1;
    for bytes in [&damaged[..], &STORED_POLICY[..99], b"none"] {
        assert_eq!(policy(bytes), (0, Err(is(ScallStatus::Policy))));
    }
    assert_eq!(
        needed(&ScallConfig { policy: STORED_POLICY.as_ptr(), policy_bytes: usize::MAX, ..CONFIG }),
        0
    );
}

#[test]
fn pointers_that_are_none_are_answered_by_every_call() {
    let bytes = needed(&CONFIG);
    let mut zeros = vec![0_u64; bytes / 8 + 1];
    let strange = zeros.as_mut_ptr().cast::<Scall>();
    let odd = strange.cast::<u8>().wrapping_add(2).cast::<Scall>();
    let (mut best, mut output) = ([ScallScored { item: 0, score: 0.0 }; 2], [0_u8; 64]);
    let (mut number, mut few) = (0_u64, core::mem::MaybeUninit::uninit());
    for (scall, status) in [
        (null_mut(), ScallStatus::NullPointer),
        (odd, ScallStatus::Misaligned),
        (strange, ScallStatus::NotInitialised),
    ] {
        // SAFETY: null, or into memory of this test that is as large as a device; the others are this test's.
        let answers = unsafe {
            [
                scall_observe(scall, 0, 0),
                scall_recommend(scall, 0, best.as_mut_ptr(), 2),
                scall_knows_user(scall, 0),
                scall_knows_item(scall, 0),
                scall_has_seen(scall, 0, 0),
                scall_close_segment(scall, 0.0),
                scall_poll(scall, 1),
                scall_counts(scall, few.as_mut_ptr()),
                scall_digest(scall, &raw mut number),
                scall_save_bytes(scall),
                scall_save(scall, output.as_mut_ptr(), 64),
                scall_load(scall, output.as_ptr(), 64),
            ]
        };
        assert_eq!(answers, [is(status); 12]);
    }
    with_device(&CONFIG, |scall| {
        // SAFETY: a device of this test; the other pointers are null.
        let answers = unsafe {
            [
                scall_recommend(scall, 0, null_mut(), 2),
                scall_counts(scall, null_mut()),
                scall_digest(scall, null_mut()),
                scall_save(scall, null_mut(), 64),
                scall_load(scall, null(), 64),
            ]
        };
        assert_eq!(answers, [is(ScallStatus::NullPointer); 5]);
        let odd = best.as_mut_ptr().cast::<u8>().wrapping_add(1).cast();
        // SAFETY: a device of this test, and a pointer that is not read.
        assert_eq!(unsafe { scall_recommend(scall, 0, odd, 1) }, is(ScallStatus::Misaligned));
    });
}

#[test]
fn the_reference_stream_is_the_cores_own() {
    let mut memory = Memory::for_bytes(SCALL_REFERENCE_BYTES);
    let first = memory.0.as_mut_ptr();
    let mut stream = null_mut();
    let mut start = |memory: *mut u64, bytes| {
        // SAFETY: null, or memory of this test of that length.
        unsafe { scall_reference_start(&raw mut stream, memory.cast(), bytes, 9) }
    };
    assert_eq!(start(null_mut(), SCALL_REFERENCE_BYTES), is(ScallStatus::NullPointer));
    assert_eq!(start(first, SCALL_REFERENCE_BYTES - 1), is(ScallStatus::TooSmall));
    assert_eq!(start(first, SCALL_REFERENCE_BYTES), 0);
    let mut words = vec![0; scall_core::scenario::STREAM_PAIRS];
    let (mut user, mut item) = (0, 0);
    for event in scall_core::scenario::stream(9, &mut words).take(50) {
        // SAFETY: a stream of this test.
        assert_eq!(unsafe { scall_reference_next(stream, &raw mut user, &raw mut item) }, 1);
        assert_eq!((user, item), (event.user, event.item));
    }
    // SAFETY: the stream is null.
    let status = unsafe { scall_reference_next(null_mut(), &raw mut user, &raw mut item) };
    assert_eq!(status, is(ScallStatus::NullPointer));
}

#[test]
fn every_status_has_a_text_of_its_own() {
    let text = |status| {
        // SAFETY: a constant that ends with a zero.
        unsafe { CStr::from_ptr(scall_status_text(status)) }.to_str().expect("text")
    };
    let mut texts: Vec<&str> = (-13..=0).map(text).collect();
    assert_eq!(texts[0], "an unknown status");
    assert_eq!((texts[13], text(20), text(i32::MIN)), ("all went well", "all went well", texts[0]));
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), 14);
}
