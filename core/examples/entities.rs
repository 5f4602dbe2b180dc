//! How many entities 64 KiB serve, with rows of floats and with rows of bytes, and how well.
//!
//! `cargo run --release -p scall-core --example entities`: the most entities that each build has room for beside stack,
//! stream and policy, and the recall of both on the stream of the larger one, where floats have memory without limit.

use scall_core::device::{Device, DeviceMemory, DeviceSettings, DeviceShape, ThinDeviceMemory};
use scall_core::element::Element;
use scall_core::policy::{Actor, Policy};
use scall_core::scenario::{
    PACKED_SHAPE, Run, SHAPE, STORED_POLICY, STREAM_PAIRS, packed_settings, packed_stream,
};
use scall_core::segment::PolicyFile;
use scall_core::snapshot::Snapshot;
use scall_core::tables::{LogCount, LogSum, Tables};

/// Bytes of a chip of 64 KiB that are left beside the deepest stack, the stream's memory and the policy's.
const ROOM: usize = (64 << 10) - 5_332 - size_of::<u32>() * STREAM_PAIRS - 256;

const SEEDS: u64 = 8;

/// A shape of so many users, eight times as many items, and eight elements for each.
const fn shape(users: u32) -> DeviceShape {
    DeviceShape { users, items: 8 * users, parameters: 8 * 9 * users, ..SHAPE }
}

/// The most users for whom there is room.
fn most(bytes: impl Fn(&DeviceShape) -> usize) -> u32 {
    (1..10_000).take_while(|&users| bytes(&shape(users)) <= ROOM).last().unwrap_or(0)
}

/// Recall@20 and @10 of a device on the packed stream.
fn recall<E: Element, P: Policy + Snapshot, T: Tables>(device: Device<'_, E, P, T>, seed: u64) -> [f64; 2] {
    let mut recent = [0; STREAM_PAIRS];
    let mut run = Run::new(device, || 0);
    run.take(packed_stream(seed, &mut recent)).expect("the run fits its memory");
    let report = run.finish(|_, _| {});
    [report.hits, report.short_list_hits].map(|hits| f64::from(hits) / f64::from(report.tests))
}

fn floats(shape: &DeviceShape, seed: u64) -> [f64; 2] {
    let (mut values, mut floats) = (vec![0.0; shape.values_len()], vec![0.0; shape.floats_len()]);
    let (mut words, mut index) = (vec![0; shape.words_len()], vec![0; shape.index_len()]);
    let (mut scratch, mut states) = (vec![0.0; shape.actor_scratch_len()], vec![0.0; shape.states_len()]);
    let memory =
        DeviceMemory { values: &mut values, floats: &mut floats, words: &mut words, index: &mut index };
    let policy = PolicyFile::open(STORED_POLICY).expect("the stored policy");
    let decider = policy.decider(&mut scratch, &mut states).expect("its shape");
    let device: Device<'_, f32, Actor<'_>> =
        shape.start(memory, decider, &DeviceSettings::new(shape.largest), seed).expect("its memory");
    recall(device, seed)
}

fn bytes(shape: &DeviceShape, seed: u64) -> [f64; 2] {
    let mut values = vec![0_i8; shape.values_len()];
    let (mut sums, mut counts) =
        (vec![LogSum::default(); shape.entities()], vec![LogCount::default(); shape.entities()]);
    let (mut bytes, mut words) = (vec![0; shape.thin_bytes_len()], vec![0; shape.thin_words_len()]);
    let mut floats = vec![0.0; shape.thin_floats_len()];
    let (mut scratch, mut states) = (vec![0.0; shape.actor_scratch_len()], vec![0.0; shape.states_len()]);
    let memory = ThinDeviceMemory {
        values: &mut values,
        sums: &mut sums,
        counts: &mut counts,
        bytes: &mut bytes,
        words: &mut words,
        floats: &mut floats,
    };
    let policy = PolicyFile::open(STORED_POLICY).expect("the stored policy");
    let decider = policy.decider(&mut scratch, &mut states).expect("its shape");
    let device = shape.start_thin(memory, decider, &packed_settings(), seed).expect("its memory");
    recall(device, seed)
}

fn main() {
    let of_floats = most(|shape| shape.arena_bytes::<f32>() + shape.tables_bytes());
    let of_bytes = most(|shape| shape.values_len() + shape.thin_tables_bytes());
    for (name, users) in [("f32, full tables", of_floats), ("i8, thin tables", of_bytes)] {
        println!("{name}: {} entities in 64 KiB", shape(users).entities());
    }
    println!("{:.2} times as many", f64::from(of_bytes) / f64::from(of_floats));
    let mut sums = [[0.0; 2]; 2];
    println!("recall@20 and @10 for {} entities, f32 and i8:", PACKED_SHAPE.entities());
    for seed in 42..42 + SEEDS {
        let both = [floats(&PACKED_SHAPE, seed), bytes(&PACKED_SHAPE, seed)];
        println!("seed {seed}: {both:.4?}");
        for (sum, recall) in sums.iter_mut().flatten().zip(both.into_iter().flatten()) {
            *sum += recall / SEEDS as f64;
        }
    }
    println!("mean: {sums:.4?}");
}
