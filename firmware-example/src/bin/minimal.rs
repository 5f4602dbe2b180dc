//! From an empty board project to a recommender; it needs nothing else of this folder.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use panic_halt as _;
use scall_core::device::{DeviceMemory, DeviceSettings, DeviceShape};
use scall_core::{recommender::Scored, scenario, segment::PolicyFile};
use semihosting::process::exit;

// The rest is what the policy that comes along was made for.
const SHAPE: DeviceShape = DeviceShape { users: 50, items: 500, parameters: 4_400, ..scenario::SHAPE };

#[entry]
fn main() -> ! {
    static mut VALUES: [f32; SHAPE.values_len()] = [0.0; _];
    static mut FLOATS: [f32; SHAPE.floats_len()] = [0.0; _];
    static mut WORDS: [u32; SHAPE.words_len()] = [0; _];
    static mut INDEX: [u8; SHAPE.index_len()] = [0; _];
    let memory = DeviceMemory { values: VALUES, floats: FLOATS, words: WORDS, index: INDEX };
    exit(if run(memory).is_some() { 0 } else { 1 })
}

fn run(memory: DeviceMemory<'_>) -> Option<()> {
    let (mut scratch, mut states) = ([0.0; SHAPE.actor_scratch_len()], [0.0; SHAPE.states_len()]);
    let decider = PolicyFile::open(scenario::STORED_POLICY).ok()?.decider(&mut scratch, &mut states).ok()?;
    let mut device = SHAPE.start(memory, decider, &DeviceSettings::new(SHAPE.largest), 42).ok()?;
    let (mut best, mut hits) = ([Scored::NONE; 10], 0.0);
    for n in 1..=2_000_u32 {
        let (user, item) = (n * n % 61, n * 7 % 509); // what a button or a radio says
        let found = device.recommend(user, &mut best); // ids and scores, best first
        hits += if best.iter().take(found).any(|scored| scored.item == item) { 1.0 } else { 0.0 };
        device.observe(user, item).ok()?;
        let segments = device.segments_mut();
        segments.poll(256).ok()?; // a decision about the sizes goes on, if one is under way
        if n % 500 == 0 {
            segments.begin_next_segment(core::mem::take(&mut hits) / 500.0, false).ok()?;
        }
    }
    Some(())
}
