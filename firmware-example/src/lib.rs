//! What the programs of this folder share: a run of scall from its start to one line of JSON.
#![no_std]

pub mod flash;
pub mod json;
pub mod ram;
pub mod tick;

use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};
use scall_core::scenario::{self, PolicyMemory, Report, Scenario, ScenarioError};
use semihosting::{
    io::{self, Write},
    process,
};

/// Replays the whole stream, says in one line of JSON what came of it, and exits: with 0 if the firmware's own
/// checks passed.
pub fn run_to_the_end<M: PolicyMemory>(scenario: &mut Scenario<M>) -> ! {
    let Ok(report) = run(scenario) else { fail(b"error: the scenario does not fit its memory\n") };
    let (mut line, sound) = describe(&report);
    finish(&mut line, sound)
}

/// The line of JSON so far, and whether the firmware's own checks passed.
pub fn describe(report: &Report) -> (json::Line, bool) {
    let stack = ram::deepest_stack();
    let mut line = json::Line::new();
    line.number("schema", 1);
    line.number("interactions", report.interactions);
    line.number("segments", report.segments);
    line.number("entities", report.entities);
    line.number("evicted", report.evicted);
    line.number("parameters_used", report.parameters_used);
    line.number("budget_parameters", report.budget_parameters);
    line.number("budget_violations", report.budget_violations);
    line.ratio("recall@10", report.short_list_hits, report.tests);
    line.ratio("recall@20", report.hits, report.tests);
    line.number("ram_bytes", ram::statics() + stack);
    line.number("stack_bytes", stack);
    line.hexadecimal("model_digest", report.digest);
    let sound = report.interactions > 0
        && report.budget_violations == 0
        && report.parameters_used <= report.budget_parameters
        && stack < ram::stack_limit();
    (line, sound)
}

/// Prints a line and exits: with 0 if all went well.
pub fn finish(line: &mut json::Line, sound: bool) -> ! {
    let printed = line.finish().is_some_and(|line| print(line).is_ok());
    process::exit(if printed && sound { 0 } else { 1 })
}

#[cfg(not(recorded_stream))]
fn run<M: PolicyMemory>(scenario: &mut Scenario<M>) -> Result<Report, ScenarioError> {
    scenario.run(scenario::SEED)
}

/// The stream that the build was given, from where it lies in flash.
#[cfg(recorded_stream)]
fn run<M: PolicyMemory>(scenario: &mut Scenario<M>) -> Result<Report, ScenarioError> {
    static STREAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/stream.scall"));
    match scall_core::stream::StreamBlob::open(STREAM) {
        Ok(stream) => scenario.replay(scenario::SEED, stream.events()),
        Err(_) => fail(b"error: the stream in flash is damaged\n"),
    }
}

/// Writes to the standard output of whoever runs the board.
///
/// # Errors
/// A console that takes nothing.
pub fn print(line: &[u8]) -> io::Result<()> {
    io::stdout()?.write_all(line)
}

/// Says what is wrong, and exits.
pub fn fail(line: &[u8]) -> ! {
    let _ = print(line);
    process::exit(1)
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
