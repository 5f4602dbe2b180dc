//! Standard output, in one of the two forms: a document for programs, or text for people.

use std::io::{self, BufWriter, Stdout, Write};

use serde::Serialize;

use super::arguments::OutputArguments;
use super::failure::Failure;
use crate::progress::Progress;
use crate::report::json;

/// Where answers go.
#[derive(Debug)]
pub(super) struct Console {
    out: BufWriter<Stdout>,
}

impl Console {
    pub(super) fn of_process() -> Self {
        Self { out: BufWriter::with_capacity(1 << 16, io::stdout()) }
    }

    /// Shows a document, as JSON if that is asked for, and else as `text` says.
    pub(super) fn show<D: Serialize>(
        &mut self,
        document: &D,
        arguments: OutputArguments,
        text: impl FnOnce(&D) -> String,
    ) -> Result<(), Failure> {
        if arguments.json {
            json::write(document, &mut self.out).and_then(|()| self.out.flush()).map_err(Failure::of_stdout)
        } else {
            self.print(&text(document))
        }
    }

    /// Shows a text.
    pub(super) fn print(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).map_err(Failure::of_stdout)
    }
}

/// Where progress goes.
pub(super) fn progress(arguments: OutputArguments) -> Progress {
    if arguments.quiet { Progress::silent() } else { Progress::on_terminal() }
}
