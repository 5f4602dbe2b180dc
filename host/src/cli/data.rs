//! `scall data`: a look at interaction files.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::arguments::{FilterArguments, FormatArguments, OutputArguments};
use super::console::{self, Console};
use super::failure::Failure;
use crate::experiment;
use crate::report::{DataStatsDocument, SCHEMA, table};

/// What was typed.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Count what a file of interactions holds
    #[command(allow_negative_numbers = true)]
    Stats(Stats),
}

/// Of `scall data stats`.
#[derive(Debug, Args)]
pub(super) struct Stats {
    /// A file of interactions, plain or compressed
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    #[command(flatten)]
    format: FormatArguments,
    #[command(flatten)]
    filter: FilterArguments,
    #[command(flatten)]
    output: OutputArguments,
}

pub(super) fn execute(command: &Command, console: &mut Console) -> Result<(), Failure> {
    match command {
        Command::Stats(arguments) => stats(arguments, console),
    }
}

fn stats(arguments: &Stats, console: &mut Console) -> Result<(), Failure> {
    let file = arguments.format.file(&arguments.data);
    let stream =
        experiment::load_file(&file, &arguments.filter.into(), &console::progress(arguments.output))?;
    let entities = stream.entities();
    let document = DataStatsDocument {
        schema: SCHEMA,
        format: stream.format.name().to_owned(),
        rows: stream.rows,
        skipped_rows: stream.skipped_rows,
        interactions: stream.len() as u64,
        users: entities.user as u64,
        items: entities.item as u64,
        first_timestamp: stream.first_timestamp().unwrap_or_default(),
        last_timestamp: stream.last_timestamp().unwrap_or_default(),
        name: stream.name,
    };
    console.show(&document, arguments.output, table::data_stats)
}
