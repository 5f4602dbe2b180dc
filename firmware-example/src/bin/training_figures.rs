//! What a policy that learns on the device costs in instructions: one line of JSON, counted as in `figures`.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use firmware_example::{fail, finish, json::Line, tick::Timer};
use scall_core::scenario::{self, Scenario, Training};

#[entry]
fn main() -> ! {
    static mut SCENARIO: Scenario<Training> = Scenario::new();
    let mut timer = Timer::start();
    let Ok(figures) = SCENARIO.measure(scenario::SEED, || timer.instructions()) else {
        fail(b"error: the scenario does not fit its memory\n")
    };
    let mut line = Line::new();
    line.number("schema", 1);
    for (mean, longest, spent) in
        [("propose", "propose_longest", figures.propose), ("reward", "reward_longest", figures.reward)]
    {
        line.number(mean, (spent.total / u64::from(spent.times.max(1))) as u32);
        line.number(longest, spent.longest);
    }
    finish(&mut line, true)
}
