//! `scall data`: a look at interaction files.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::arguments::{FilterArguments, FormatArguments, OutputArguments};
use super::console::{self, Console};
use super::failure::Failure;
use crate::report::table;

/// What was typed.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Count what a file of interactions holds
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
