//! `scall bench`: the hot paths, timed in this process.

use clap::Args;

use super::arguments::OutputArguments;
use super::console::{self, Console};
use super::failure::Failure;
use crate::bench::{self, Effort};
use crate::report::table;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Run everything once or twice, to see that it works; the figures mean little
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    output: OutputArguments,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console) -> Result<(), Failure> {
    let effort = if arguments.quick { Effort::Quick } else { Effort::Full };
    let document = bench::run(effort, &console::progress(arguments.output))?;
    console.show(&document, arguments.output, table::bench)
}
