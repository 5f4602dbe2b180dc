//! `scall plan`: what a device takes, before there is one.

use clap::Args;
use serde::Serialize;

use super::arguments::OutputArguments;
use super::console::Console;
use super::failure::Failure;
use super::shape::{PolicyName, ShapeArguments};
use crate::budget::parse_bytes;
use crate::device::plan::{self, Chip, Plan, PolicyPlan, Request};
use crate::report::SCHEMA;
use crate::report::table::grouped;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// RAM of the chip, in bytes or units (64KiB)
    #[arg(long, value_name = "BYTES", default_value = "64KiB", value_parser = parse_bytes)]
    ram: u64,
    /// Flash of the chip
    #[arg(long, value_name = "BYTES", default_value = "256KiB", value_parser = parse_bytes)]
    flash: u64,
    #[command(flatten)]
    shape: ShapeArguments,
    /// Who chooses the sizes
    #[arg(long, value_name = "NAME", value_enum, default_value_t = PolicyName::Stored)]
    policy: PolicyName,
    /// Transitions of an update of a policy that learns
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    batch: u32,
    /// Transitions that it remembers
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    replay: u32,
    /// RAM that the rest of the program takes
    #[arg(long, value_name = "BYTES", default_value = "0B", value_parser = parse_bytes)]
    application_ram: u64,
    /// Flash that it takes beyond start-up and a console, which are counted with the code
    #[arg(long, value_name = "BYTES", default_value = "0B", value_parser = parse_bytes)]
    application_flash: u64,
    /// The processor's clock in MHz, for the length of pauses at one instruction a cycle
    #[arg(long, value_name = "MHZ", default_value_t = 64.0, value_parser = megahertz)]
    clock: f64,
    /// Where RAM begins in the address space, for `memory.x`
    #[arg(long, value_name = "ADDRESS", default_value = "0x20000000", value_parser = address)]
    ram_origin: u32,
    /// Where flash begins
    #[arg(long, value_name = "ADDRESS", default_value = "0x00000000", value_parser = address)]
    flash_origin: u32,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Serialize)]
struct Document {
    schema: u32,
    #[serde(flatten)]
    plan: Plan,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console) -> Result<(), Failure> {
    let Arguments { ram, flash, application_ram, application_flash, ram_origin, flash_origin, .. } =
        *arguments;
    let policy = match arguments.policy {
        PolicyName::Stored => PolicyPlan::Stored,
        PolicyName::Training => PolicyPlan::Training { batch: arguments.batch, capacity: arguments.replay },
    };
    let request = Request {
        shape: arguments.shape.shape()?,
        policy,
        memory: Chip { ram, flash },
        application: Chip { ram: application_ram, flash: application_flash },
        origin: Chip { ram: ram_origin, flash: flash_origin },
        clock_hertz: arguments.clock * 1e6,
    };
    let document = Document { schema: SCHEMA, plan: plan::plan(&request)? };
    console.show(&document, arguments.output, |document| text(&document.plan, arguments.clock))
}

fn text(plan: &Plan, megahertz: f64) -> String {
    let mut text = String::from(if plan.fits { "it fits\n" } else { "it does NOT fit\n" });
    let ram = plan.ram.parts;
    let flash = plan.flash.parts;
    for (name, available, needed, parts) in [
        (
            "RAM",
            plan.ram.available,
            plan.ram.needed,
            vec![
                ("arena", ram.arena),
                ("tables", ram.tables),
                ("policy", ram.policy),
                ("replay", ram.replay),
                ("stack", ram.stack),
                ("application", ram.application),
            ],
        ),
        (
            "flash",
            plan.flash.available,
            plan.flash.needed,
            vec![
                ("code", flash.code),
                ("constants", flash.constants),
                ("weights", flash.weights),
                ("application", flash.application),
            ],
        ),
    ] {
        text.push_str(&format!("\n{name}: {} of {} bytes\n", grouped(needed), grouped(available)));
        for (part, bytes) in parts {
            text.push_str(&format!("  {part:<12}{:>12}\n", grouped(bytes)));
        }
    }
    if let Some(most) = plan.most_parameters {
        text.push_str(&format!("\nroom for {} parameters, all else as it is\n", grouped(most.into())));
    }
    let pause = &plan.longest_pause;
    text.push_str(&format!(
        "longest pause: {}, {} instructions{}, {:.1} ms at {megahertz} MHz\n",
        pause.name,
        grouped(pause.instructions),
        if pause.counted { "" } else { " by its growth with the device" },
        pause.milliseconds,
    ));
    text.push_str(&format!("\n{}\nmemory.x:\n\n{}", plan.constants, plan.memory_x));
    text
}

fn megahertz(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(clock) if (0.001..=100_000.0).contains(&clock) => Ok(clock),
        _ => Err("expected a clock in MHz, from 0.001 to 100000".to_owned()),
    }
}

fn address(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0x").ok_or("expected an address such as 0x20000000")?;
    u32::from_str_radix(digits, 16).map_err(|_| "expected an address such as 0x20000000".to_owned())
}
