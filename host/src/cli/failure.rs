//! Failures, each as one line.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::error::ErrorKind as ParserError;

/// Why the program did not do what was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// It made sense, but could not be done.
    Other(anyhow::Error),
    /// Whoever read standard output has seen enough.
    ReaderLeft,
}

impl Failure {
    /// A wrong command line, in own words.
    pub(super) fn usage(message: impl fmt::Display) -> Self {
        Self::Usage(message.to_string())
    }

    /// A wrong command line for `command`, in the parser's words.
    pub(super) fn usage_of_parser(error: &clap::Error, command: &clap::Command) -> Self {
        let text = error.render().to_string();
        // The parser's message comes in paragraphs: what is wrong, tips, then what the hint here says shorter.
        let mut parts = Vec::new();
        for paragraph in text.trim_start_matches("error: ").split("\n\n").map(one_line) {
            let hint = ["Usage: ", "For more information"].iter().any(|start| paragraph.starts_with(start));
            if !hint && !paragraph.is_empty() {
                parts.push(paragraph.trim_start_matches("tip: ").to_owned());
            }
        }
        let what = match error.kind() {
            ParserError::MissingSubcommand | ParserError::DisplayHelpOnMissingArgumentOrSubcommand => {
                let names: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
                format!("expected a command: {}", names.join(", "))
            }
            _ => parts.join("; "),
        };
        Self::Usage(what)
    }

    /// What came of writing to standard output.
    pub(super) fn of_stdout(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::ReaderLeft,
            _ => Self::Other(anyhow::Error::new(error).context("standard output: cannot write")),
        }
    }

    /// Prints the line, and gives the exit status.
    pub(super) fn report(&self) -> ExitCode {
        let (line, status) = match self {
            Self::ReaderLeft => return ExitCode::SUCCESS,
            Self::Usage(message) => (one_line(message), 2),
            Self::Other(error) => (one_line(&chain(error)), 1),
        };
        // Nobody is left to be told where standard error does not take it.
        let _ = writeln!(io::stderr().lock(), "error: {line}");
        ExitCode::from(status)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// The message and its causes, without those that the message tells itself.
fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Runs of white space become one space, and other control characters become visible.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut line = String::with_capacity(text.len());
    for character in words.join(" ").chars() {
        if character.is_control() { line.extend(character.escape_default()) } else { line.push(character) }
    }
    line
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_message_becomes_one_line_without_control_characters() {
        assert_eq!(one_line("  a\n\n  b\tc\r\nd "), "a b c d");
        assert_eq!(one_line("a\u{1b}[31mb\0"), "a\\u{1b}[31mb\\u{0}");
    }

    #[test]
    fn a_reader_that_leaves_is_no_failure_but_a_full_disk_is() {
        assert!(matches!(Failure::of_stdout(ErrorKind::BrokenPipe.into()), Failure::ReaderLeft));
        let Failure::Other(error) = Failure::of_stdout(ErrorKind::StorageFull.into()) else { panic!() };
        assert!(format!("{error:#}").starts_with("standard output: cannot write: "), "{error:#}");
    }

    #[test]
    fn causes_are_told_in_the_same_line() {
        let error = anyhow!("no space").context("x/run.json: cannot write the file");
        assert_eq!(chain(&error), "x/run.json: cannot write the file: no space");
        let twice = anyhow!("no space").context("cannot write: no space").context("x/run.json");
        assert_eq!(chain(&twice), "x/run.json: cannot write: no space");
    }
}
