//! `scall inspect`: what is in a file.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::arguments::OutputArguments;
use super::console::Console;
use super::failure::Failure;
use crate::device::inspect::{self, Checkpoint, Content, Inspection};
use crate::input::shown_path;
use crate::report::SCHEMA;
use crate::report::table::grouped;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A snapshot, a policy, a recorded stream, or the checkpoint of a run
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Serialize)]
struct Document {
    schema: u32,
    path: String,
    #[serde(flatten)]
    inspection: Inspection,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console) -> Result<(), Failure> {
    let inspection = inspect::inspect(&arguments.file)?;
    let document = Document { schema: SCHEMA, path: shown_path(&arguments.file), inspection };
    console.show(&document, arguments.output, text)
}

fn text(document: &Document) -> String {
    let Document { path, inspection: Inspection { kind, magic, version, content, .. }, .. } = document;
    let Inspection { header_bytes, body_bytes, trailing_bytes, body_crc, header_crc, .. } =
        &document.inspection;
    let mut text = format!(
        "{path}: a {kind} ({magic}, version {version})\nheader of {header_bytes} bytes, CRC {header_crc} ok; body of {} \
         bytes, CRC {body_crc} ok; {} bytes behind\n",
        grouped(*body_bytes),
        grouped(*trailing_bytes),
    );
    let line = match content {
        Content::Policy(policy) => format!(
            "state of {} numbers ({} groups a side, sizes {} to {}), {} units in each hidden layer, {} weights, {} \
             distribution\n",
            policy.state_numbers,
            policy.state.groups,
            policy.state.min_size,
            policy.state.max_size,
            policy.hidden,
            grouped(policy.weights as u64),
            policy.distribution,
        ),
        Content::Stream(stream) => format!(
            "{} events of {} users and {} items\n",
            grouped(stream.events as u64),
            grouped(stream.users as u64),
            grouped(stream.items as u64)
        ),
        Content::Device(device) => format!(
            "a device after {} segments: {} of {} users and {} of {} items, {} made way; {} of {} parameters; rows {}\n",
            device.segments,
            device.users[0],
            device.users[1],
            device.items[0],
            device.items[1],
            device.evicted,
            grouped(device.parameters_used.into()),
            grouped(device.budget_parameters.into()),
            device.rows_digest,
        ),
        Content::Snapshot { shape } => format!("shape {shape:?}\n"),
        Content::Checkpoint(Checkpoint { segments, parts, run }) => {
            let [head, model, method] = parts.map(|bytes| grouped(bytes as u64));
            let mut text = format!(
                "{segments} segments finished; head of {head} bytes, model of {model}, method of {method}\n"
            );
            for (name, value) in run {
                text.push_str(&format!("  {name}: {value}\n"));
            }
            text
        }
    };
    text.push_str(&line);
    text
}
