//! `scall report`: what `--out` left, as one page to look at.

use std::path::PathBuf;

use clap::Args;

use super::arguments::OutputArguments;
use super::console::Console;
use super::failure::Failure;
use crate::output;
use crate::report::{ReportDocument, SCHEMA, page, saved};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where --out of `run` or `compare` wrote to
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The page [default: report.html in DIR]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArguments,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console) -> Result<(), Failure> {
    let saved = saved::read(&arguments.directory)?;
    let page = page::page(&saved)?;
    let path = arguments.out.clone().unwrap_or_else(|| arguments.directory.join("report.html"));
    output::replace(&path, |out| out.write_all(page.html.as_bytes()))?;
    let document = ReportDocument {
        schema: SCHEMA,
        page: path.display().to_string(),
        charts: page.charts,
        bytes: page.html.len(),
    };
    console.show(&document, arguments.output, |document| {
        format!("{}: {} charts, {} KiB\n", document.page, document.charts, document.bytes.div_ceil(1024))
    })
}
