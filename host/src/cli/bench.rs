//! `scall bench`: the hot paths, timed in this process.

use clap::Args;

use super::arguments::OutputArguments;
use super::console::{self, Console};
use super::failure::Failure;
use crate::report::table;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    output: OutputArguments,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console) -> Result<(), Failure> {
    let document = crate::bench::run(&console::progress(arguments.output))?;
    console.show(&document, arguments.output, table::bench)
}
