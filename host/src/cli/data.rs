//! `scall data`: interaction files, counted and prepared.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::arguments::{FilterArguments, FormatArguments, OutputArguments};
use super::console::{self, Console};
use super::failure::Failure;
use crate::experiment;
use crate::input;
use crate::report::{DataStatsDocument, PreparedDocument, SCHEMA, table};
use crate::stream::{PrepareOptions, prepared};

/// What was typed.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Count what a file of interactions holds
    #[command(allow_negative_numbers = true)]
    Stats(Stats),
    /// Write the interactions that count to a Parquet file, which loads many times faster
    #[command(allow_negative_numbers = true)]
    Prepare(Prepare),
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

/// Of `scall data prepare`.
#[derive(Debug, Args)]
pub(super) struct Prepare {
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
    #[command(flatten)]
    output: OutputArguments,
}

pub(super) fn execute(command: &Command, console: &mut Console) -> Result<(), Failure> {
    match command {
        Command::Stats(arguments) => stats(arguments, console),
        Command::Prepare(arguments) => prepare(arguments, console),
    }
}

fn prepare(arguments: &Prepare, console: &mut Console) -> Result<(), Failure> {
    let mut file = arguments.format.file(&arguments.data);
    file.options.ratings = true;
    let filters = PrepareOptions::from(arguments.filter);
    let interactions = experiment::select_file(&file, &filters, &console::progress(arguments.output))?;
    prepared::write(&arguments.out, &interactions, filters)?;
    let document = PreparedDocument {
        schema: SCHEMA,
        path: input::shown_path(&arguments.out),
        bytes: std::fs::metadata(&arguments.out).map_or(0, |metadata| metadata.len()),
        interactions: interactions.users.len() as u64,
        ratings: interactions.ratings.iter().flatten().count() as u64,
        keep_repeats: filters.keep_repeats,
        k_core: filters.k_core,
    };
    console.show(&document, arguments.output, table::prepared)
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
