//! scall on a Cortex-M4 with 256 KiB of flash and 64 KiB of RAM.
//!
//! Replays a stream of interactions that it makes from a seed: learns from each, recommends, closes
//! segments, lets the actor choose the embedding sizes, repacks, and goes on. Ends with one line of JSON
//! on the semihosting console and exits 0 if its own checks passed. The digest in it is the one that the
//! host computes for the same stream and seed.
#![no_std]
#![no_main]

mod json;
mod ram;

use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, entry, exception};
use scall_core::scenario::{self, Scenario};
use semihosting::{
    io::{self, Write},
    process,
};
use static_cell::ConstStaticCell;

// All zero, so it takes room in RAM alone and none in flash.
static SCENARIO: ConstStaticCell<Scenario> = ConstStaticCell::new(Scenario::new());

#[entry]
fn main() -> ! {
    let Some(scenario) = SCENARIO.try_take() else { process::exit(1) };
    let Ok(report) = scenario.run(scenario::SEED) else {
        let _ = print(b"error: the scenario does not fit its memory\n");
        process::exit(1)
    };
    let stack = ram::deepest_stack();

    let mut line = json::Line::new();
    line.number("schema", 1);
    line.number("interactions", report.interactions);
    line.number("segments", report.segments);
    line.number("entities", report.entities);
    line.number("parameters_used", report.parameters_used);
    line.number("budget_parameters", report.budget_parameters);
    line.number("budget_violations", report.budget_violations);
    line.ratio("recall@20", report.hits, report.tests);
    line.number("ram_bytes", ram::statics() + stack);
    line.number("stack_bytes", stack);
    line.hexadecimal("model_digest", report.digest);
    let printed = line.finish().is_some_and(|line| print(line).is_ok());

    let sound = report.interactions > 0
        && report.budget_violations == 0
        && report.parameters_used <= report.budget_parameters
        && stack < ram::stack_limit();
    process::exit(if printed && sound { 0 } else { 1 });
}

fn print(line: &[u8]) -> io::Result<()> {
    io::stdout()?.write_all(line)
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    let _ = print(b"error: panicked\n");
    process::exit(101);
}

// SAFETY: replaces the default handler, which would wait for ever; it returns to nothing.
#[exception]
unsafe fn HardFault(_: &ExceptionFrame) -> ! {
    let _ = print(b"error: hard fault\n");
    process::exit(102);
}
