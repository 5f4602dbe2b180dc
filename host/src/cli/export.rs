//! `scall export`: what a device reads from its flash.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use scall_core::scenario::STORED_POLICY;
use scall_core::segment::PolicyFile;
use serde::Serialize;

use super::arguments::{FilterArguments, FormatArguments, OutputArguments};
use super::console::{self, Console};
use super::failure::Failure;
use super::parity;
use super::shape::ShapeArguments;
use crate::device::recording;
use crate::experiment;
use crate::input::shown_path;
use crate::output;
use crate::report::table::grouped;
use crate::report::{ParityDocument, SCHEMA};
use crate::stream::Stream;

/// What was typed.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a stream that a device replays from its flash
    #[command(allow_negative_numbers = true)]
    Stream(StreamArguments),
    /// Write the state of a device that has lived through a stream
    #[command(allow_negative_numbers = true)]
    Snapshot(Box<SnapshotArguments>),
}

/// Of `scall export stream`.
#[derive(Debug, Args)]
pub(super) struct StreamArguments {
    #[command(flatten)]
    source: SourceArguments,
    /// The most interactions to write, from the first on; each takes 4 bytes, and so does each user and item
    /// [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    events: Option<u32>,
    #[command(flatten)]
    output: OutputArguments,
}

/// Of `scall export snapshot`.
#[derive(Debug, Args)]
pub(super) struct SnapshotArguments {
    #[command(flatten)]
    source: SourceArguments,
    /// The file of a trained policy, for a device of the same --groups, --max-size and --hidden [default: the
    /// firmware's]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    shape: ShapeArguments,
    /// The one source of all randomness
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Args)]
struct SourceArguments {
    /// A file of interactions, plain or compressed
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    format: FormatArguments,
    #[command(flatten)]
    filter: FilterArguments,
}

impl SourceArguments {
    fn load(&self, output: OutputArguments) -> anyhow::Result<Stream> {
        experiment::load_file(&self.format.file(&self.data), &self.filter.into(), &console::progress(output))
    }
}

#[derive(Debug, Serialize)]
struct StreamDocument {
    schema: u32,
    path: String,
    bytes: usize,
    users: usize,
    items: usize,
    events: usize,
    /// What the ids are: `names` of the data set, or numbers in order of `arrival`.
    ids: &'static str,
}

#[derive(Debug, Serialize)]
struct SnapshotDocument {
    path: String,
    bytes: usize,
    #[serde(flatten)]
    run: ParityDocument,
}

pub(super) fn execute(command: &Command, console: &mut Console) -> Result<(), Failure> {
    match command {
        Command::Stream(arguments) => stream(arguments, console),
        Command::Snapshot(arguments) => snapshot(arguments, console),
    }
}

fn stream(arguments: &StreamArguments, console: &mut Console) -> Result<(), Failure> {
    let StreamArguments { source, events, output } = arguments;
    let stream = source.load(*output)?;
    let recording = recording::record(&stream, events.map(|events| events as usize))?;
    output::replace(&source.out, |out| out.write_all(&recording.bytes))?;
    let document = StreamDocument {
        schema: SCHEMA,
        path: shown_path(&source.out),
        bytes: recording.bytes.len(),
        users: recording.users,
        items: recording.items,
        events: recording.events,
        ids: recording.ids.name(),
    };
    console.show(&document, *output, |document| {
        let StreamDocument { path, bytes, users, items, events, ids, .. } = document;
        let [bytes, users, items, events] = [bytes, users, items, events].map(|&count| grouped(count as u64));
        format!("{path}: {events} events of {users} users and {items} items in {bytes} bytes, ids by {ids}\n")
    })
}

fn snapshot(arguments: &SnapshotArguments, console: &mut Console) -> Result<(), Failure> {
    let SnapshotArguments { source, policy, shape, seed, output } = arguments;
    let shape = shape.shape()?;
    let bytes = policy.as_deref().map_or_else(|| Ok(STORED_POLICY.to_vec()), read)?;
    let named = || policy.as_deref().map_or_else(|| "the firmware's policy".to_owned(), shown_path);
    let file = PolicyFile::open(&bytes).with_context(named)?;
    if (file.state, file.hidden) != (shape.state(), shape.hidden) {
        return Err(anyhow!(
            "{}: a policy for another device; expected --groups {} --max-size {} --hidden {}",
            named(),
            file.state.groups,
            file.state.max_size,
            file.hidden
        )
        .into());
    }
    let stream = source.load(*output)?;
    let (bytes, report) = recording::live(shape, &file, &stream, *seed)?;
    output::replace(&source.out, |out| out.write_all(&bytes))?;
    let ram_bytes = shape.arena_bytes::<f32>() + shape.tables_bytes();
    let run = parity::document(&report, ram_bytes);
    let document = SnapshotDocument { path: shown_path(&source.out), bytes: bytes.len(), run };
    console.show(&document, *output, |document| {
        format!(
            "{}: {} bytes after {}",
            document.path,
            grouped(document.bytes as u64),
            parity::text(&document.run)
        )
    })
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{}: cannot read the file", shown_path(path)))
}
