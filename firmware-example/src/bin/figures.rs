//! What the parts of the run cost in instructions, and how many bytes of the memory they take: one line of JSON.
//!
//! QEMU is told to let one instruction take one nanosecond, so that the system timer counts them, by forty at its
//! 25 MHz; what is shorter is right on average.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use firmware_example::{fail, finish, json::Line, tick::Timer};
use scall_core::Side;
use scall_core::arena::{Arena, ArenaMemory, Repacked, boundaries_len};
use scall_core::scenario::{self, Scenario, Spent, Stored};
use scall_core::side::PerSide;

const ROWS: usize = 128;

/// Rows of 4 and of 12 elements in turn, or the other way round: eight on average.
fn sizes(odd: u32) -> [u32; ROWS] {
    core::array::from_fn(|row| if row as u32 % 2 == odd { 4 } else { 12 })
}

/// Rows of 8 elements, but for every sixteenth, which has 4 in one half of the rows, or in the other: as many change
/// their size as in a decision with hysteresis.
fn typical_sizes(half: usize) -> [u32; ROWS] {
    core::array::from_fn(|row| if row % 16 == 0 && row / (ROWS / 2) == half { 4 } else { 8 })
}

#[entry]
fn main() -> ! {
    static mut SCENARIO: Scenario<Stored> = Scenario::new();
    static mut VALUES: [f32; 16 * ROWS + 1] = [0.0; 16 * ROWS + 1];
    static mut BOUNDARIES: [[u32; boundaries_len(ROWS)]; 2] = [[0; boundaries_len(ROWS)]; 2];
    let mut timer = Timer::start();
    let mut line = Line::new();
    line.number("schema", 1);

    let memory = match BOUNDARIES {
        [users, items] => ArenaMemory { values: VALUES, user_boundaries: users, item_boundaries: items },
    };
    let Some((repacked, ticks, sliced, longest, typical, typical_ticks)) = repack(memory, &mut timer) else {
        fail(b"error: the rows do not fit\n")
    };
    line.number("repack_instructions_per_100_moved", 100 * ticks / repacked.moved.max(1));
    line.number("sliced_repack_instructions_per_100_moved", 100 * sliced / repacked.moved.max(1));
    line.number("longest_slice_of_256", longest);
    line.number("typical_repack_instructions_per_100_moved", 100 * typical_ticks / typical.moved.max(1));

    let Ok(figures) = SCENARIO.measure(scenario::SEED, || timer.instructions()) else {
        fail(b"error: the scenario does not fit its memory\n")
    };
    let mut spent = |mean: &str, longest: &str, spent: Spent| {
        line.number(mean, (spent.total / u64::from(spent.times.max(1))) as u32);
        line.number(longest, spent.longest);
    };
    spent("learn", "learn_longest", figures.learn);
    spent("welcome", "welcome_longest", figures.welcome);
    spent("recommend", "recommend_longest", figures.recommend);
    spent("short_list", "short_list_longest", figures.short_list);
    spent("recommend_meanwhile", "recommend_meanwhile_longest", figures.recommend_meanwhile);
    spent("close", "close_longest", figures.close);
    spent("propose", "propose_longest", figures.propose);
    spent("decide", "decide_longest", figures.decide);
    finish(&mut line, true)
}

/// The same repack in one go and in slices: what moved, instructions of both, and of the longest slice; then one as of a
/// decision, what moved, and instructions.
fn repack(memory: ArenaMemory<'_>, timer: &mut Timer) -> Option<(Repacked, u32, u32, u32, Repacked, u32)> {
    let mut arena = Arena::new(memory, PerSide::new(0, 0), 16 * ROWS as u32).ok()?;
    let fill = |_: Side, _: u32, _: usize, elements: &mut [f32]| elements.fill(1.0);
    for side in Side::BOTH {
        for size in sizes(0) {
            arena.admit(side, size, fill).ok()?;
        }
    }
    let before = timer.instructions();
    let repacked = arena.repack(&sizes(1), &sizes(1), fill).ok()?;
    let ticks = timer.instructions().wrapping_sub(before);

    let mut last = timer.instructions();
    let (first, mut longest, mut done) = (last, 0, false);
    arena.begin_repack(&sizes(0), &sizes(0)).ok()?;
    while !done {
        done = arena.continue_repack(&sizes(0), &sizes(0), scenario::SLICE, fill);
        let now = timer.instructions();
        longest = longest.max(now.wrapping_sub(last));
        last = now;
    }
    let sliced = last.wrapping_sub(first);
    arena.repack(&typical_sizes(0), &typical_sizes(0), fill).ok()?;
    let sizes = typical_sizes(1);
    let before = timer.instructions();
    let typical = arena.repack(&sizes, &sizes, fill).ok()?;
    let typical_ticks = timer.instructions().wrapping_sub(before);
    Some((repacked, ticks, sliced, longest, typical, typical_ticks))
}
