//! `scall device`: the firmware in QEMU beside the same run on this machine.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;

use super::arguments::OutputArguments;
use super::console::{self, Console};
use super::failure::Failure;
use super::shape::PolicyName;
use crate::device::firmware::{self, Line, Program, Request};
use crate::input::shown_path;
use crate::report::SCHEMA;
use crate::report::table::grouped;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The firmware's folder
    #[arg(long, value_name = "DIR", default_value = "firmware-example")]
    firmware: PathBuf,
    /// What it is built for
    #[arg(long, value_name = "TRIPLE", default_value = "thumbv7em-none-eabihf")]
    target: String,
    /// Who chooses the sizes
    #[arg(long, value_name = "NAME", value_enum, default_value_t = PolicyName::Stored)]
    policy: PolicyName,
    /// A stream that `scall export stream` wrote, for the device's flash [default: one that the firmware makes]
    #[arg(long, value_name = "FILE")]
    stream: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Serialize)]
struct Document {
    schema: u32,
    target: String,
    program: &'static str,
    stream: Option<String>,
    interactions: u32,
    segments: u32,
    entities: u32,
    evicted: u32,
    parameters_used: u32,
    budget_parameters: u32,
    budget_violations: u32,
    #[serde(rename = "recall@20")]
    recall: f64,
    ram_bytes: u64,
    stack_bytes: u64,
    device_digest: String,
    host_digest: String,
    /// Whether both came to the same; always so in a document.
    same: bool,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console) -> Result<(), Failure> {
    let Arguments { firmware, target, policy, stream, output } = arguments;
    let program = match policy {
        PolicyName::Stored => Program::Stored,
        PolicyName::Training => Program::Training,
    };
    let stage = console::progress(*output).open_ended("the firmware: build and run");
    let request =
        Request { folder: firmware.clone(), target: target.clone(), program, stream: stream.clone() };
    let line = firmware::run_in_emulator(&request)?;
    stage.say("the run on this machine");
    let here = firmware::run_here(program, stream.as_deref())?;
    let host_digest = format!("{:016x}", here.digest);
    if !line.agrees_with(&here) {
        return Err(anyhow!(
            "{}: the device came to {} after {} interactions; expected {host_digest} after {}, as here",
            shown_path(firmware),
            line.model_digest,
            line.interactions,
            here.interactions
        )
        .into());
    }
    let Line { interactions, segments, entities, evicted, .. } = line;
    let Line {
        parameters_used, budget_parameters, budget_violations, recall, ram_bytes, stack_bytes, ..
    } = line;
    let document = Document {
        schema: SCHEMA,
        target: target.clone(),
        program: program.name(),
        stream: stream.as_deref().map(shown_path),
        interactions,
        segments,
        entities,
        evicted,
        parameters_used,
        budget_parameters,
        budget_violations,
        recall,
        ram_bytes,
        stack_bytes,
        device_digest: line.model_digest,
        host_digest,
        same: true,
    };
    console.show(&document, *output, text)
}

fn text(document: &Document) -> String {
    format!(
        "{} on {}: {} interactions in {} segments, {} entities, {} made way\n{} of {} parameters, {} budget violations, \
         recall@20 {:.4}; {} bytes of RAM, {} of them stack\nmodel digest {} on the device and on this machine\n",
        document.program,
        document.target,
        grouped(document.interactions.into()),
        document.segments,
        document.entities,
        grouped(document.evicted.into()),
        grouped(document.parameters_used.into()),
        grouped(document.budget_parameters.into()),
        document.budget_violations,
        document.recall,
        grouped(document.ram_bytes),
        grouped(document.stack_bytes),
        document.device_digest,
    )
}
