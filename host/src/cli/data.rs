//! `scall data`: interaction files, fetched, counted and prepared.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args, Subcommand};

use super::arguments::{FilterArguments, FormatArguments, OutputArguments};
use super::console::{self, Console};
use super::failure::Failure;
use crate::experiment;
use crate::fetch::catalogue::{self, DataSet};
use crate::fetch::{self, Checksum, Limits};
use crate::input;
use crate::report::{
    DataStatsDocument, FetchedDocument, KnownSet, KnownSetsDocument, PreparedDocument, SCHEMA, table,
};
use crate::stream::{PrepareOptions, prepared};

/// What was typed.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Count what a file of interactions holds
    #[command(allow_negative_numbers = true)]
    Stats(Stats),
    /// Download a public data set and verify it
    Fetch(Fetch),
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

/// Of `scall data fetch`.
#[derive(Debug, Args)]
pub(super) struct Fetch {
    /// The set's name, as --list shows it
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// Show the sets that are known
    #[arg(long, conflicts_with_all = ["name", "from", "sha256"])]
    list: bool,
    /// Where the set's folder goes
    #[arg(long, value_name = "DIR", default_value = "data")]
    out: PathBuf,
    /// Another address of the same file
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// The SHA-256 that the downloaded file must have
    #[arg(long, value_name = "DIGITS")]
    sha256: Option<Checksum>,
    #[command(flatten)]
    output: OutputArguments,
}

pub(super) fn execute(command: &Command, console: &mut Console) -> Result<(), Failure> {
    match command {
        Command::Stats(arguments) => stats(arguments, console),
        Command::Fetch(arguments) => fetch(arguments, console),
        Command::Prepare(arguments) => prepare(arguments, console),
    }
}

fn fetch(arguments: &Fetch, console: &mut Console) -> Result<(), Failure> {
    let Some(name) = &arguments.name else {
        let known = |(name, set)| match set {
            DataSet::Open(set) => {
                let checksum = set.checksum.map(|checksum| checksum.to_string());
                KnownSet { name, url: set.url, checksum }
            }
            DataSet::Closed { page, .. } => KnownSet { name, url: page.to_owned(), checksum: None },
        };
        let sets = catalogue::all().into_iter().map(known).collect();
        let document = KnownSetsDocument { schema: SCHEMA, sets };
        return console.show(&document, arguments.output, table::known_sets);
    };
    let set = match catalogue::find(name) {
        Some(DataSet::Open(set)) => set,
        Some(DataSet::Closed { page, file }) => {
            return Err(Failure::Other(anyhow!(
                "{name}: its terms must be accepted by a person, at {page}; then unpack it and go on with --data {file}"
            )));
        }
        None => return Err(Failure::usage(format!("unknown data set `{name}`; --list shows all"))),
    };
    let request = fetch::Request {
        name,
        set: &set,
        directory: &arguments.out,
        mirror: arguments.from.as_deref(),
        checksum: arguments.sha256,
    };
    let fetched = fetch::fetch(&request, &Limits::default(), &console::progress(arguments.output))?;
    let document = FetchedDocument {
        schema: SCHEMA,
        name: name.clone(),
        url: set.url,
        path: input::shown_path(&fetched.path),
        options: set.options,
        bytes: fetched.bytes,
        checksum: fetched.checksum.to_string(),
        checksum_from: fetched.origin.name().to_owned(),
        downloaded: fetched.downloaded,
    };
    console.show(&document, arguments.output, table::fetched)
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
