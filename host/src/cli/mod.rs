//! The command line: what can be asked, and how answers, failures and exit statuses look.
//!
//! | exit status | when |
//! | --- | --- |
//! | 0 | it did what was asked |
//! | 1 | it could not |
//! | 2 | wrong command line |
//!
//! Every failure is one line on standard error that starts with `error: `.

mod arguments;
mod bench;
mod compare;
mod console;
mod data;
mod device;
mod export;
mod failure;
mod inspect;
mod methods;
mod parity;
mod plan;
mod report;
mod run;
mod shape;
mod sizes;
mod train_policy;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use console::Console;
use failure::Failure;

/// Recommendation that learns from a stream inside a hard memory cap.
///
/// scall reads a stream of interactions and, segment by segment, chooses how many parameters each user and
/// item gets, so that the whole never exceeds a budget.
#[derive(Debug, Parser)]
#[command(name = "scall", version, propagate_version = true, arg_required_else_help = false)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run one method on one stream
    #[command(allow_negative_numbers = true)]
    Run(run::Arguments),
    /// Run several methods and budgets on one stream or more, and test their differences
    #[command(allow_negative_numbers = true)]
    Compare(compare::Arguments),
    /// Show what --out of run and compare left, as one page
    Report(report::Arguments),
    /// Draw sizes that fit a budget: the sampler alone
    #[command(allow_negative_numbers = true)]
    Sizes(sizes::Arguments),
    /// Look at interaction files
    #[command(subcommand)]
    Data(data::Command),
    /// Time the hot paths beside their physical yardsticks
    Bench(bench::Arguments),
    /// Say of every method when it decides, what it looks at, what it stores, and its source
    Methods(methods::Arguments),
    /// Say what a device would take, whether it fits a chip, and how long its longest pause is
    Plan(Box<plan::Arguments>),
    /// Train a device's policy over one stream or more, and write it to a file
    #[command(allow_negative_numbers = true)]
    TrainPolicy(Box<train_policy::Arguments>),
    /// Write what a device reads from its flash
    #[command(subcommand)]
    Export(export::Command),
    /// Show what is in a snapshot, a policy, a recorded stream or a checkpoint
    Inspect(inspect::Arguments),
    /// Build the firmware, run it in QEMU, and compare it with the same run on this machine
    Device(device::Arguments),
}

/// Does what the process's command line asks.
pub fn main() -> ExitCode {
    let mut console = Console::of_process();
    match execute(std::env::args_os(), &mut console) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn execute(arguments: impl IntoIterator<Item = OsString>, console: &mut Console) -> Result<(), Failure> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let result = match CommandLine::try_parse_from(&arguments) {
        Ok(CommandLine { command }) => match command {
            Command::Run(command) => run::execute(&command, &typed(&arguments), console),
            Command::Compare(command) => compare::execute(&command, &typed(&arguments), console),
            Command::Report(arguments) => report::execute(&arguments, console),
            Command::Sizes(arguments) => sizes::execute(&arguments, console),
            Command::Data(command) => data::execute(&command, console),
            Command::Bench(arguments) => bench::execute(&arguments, console),
            Command::Methods(arguments) => methods::execute(&arguments, console),
            Command::Plan(arguments) => plan::execute(&arguments, console),
            Command::TrainPolicy(arguments) => train_policy::execute(&arguments, console),
            Command::Export(command) => export::execute(&command, console),
            Command::Inspect(arguments) => inspect::execute(&arguments, console),
            Command::Device(arguments) => device::execute(&arguments, console),
        },
        Err(error) if error.use_stderr() => Err(Failure::usage_of_parser(&error, &named_command(&arguments))),
        Err(help) => console.print(&help.render().to_string()),
    };
    result.map_err(|failure| match failure {
        Failure::Usage(what) => {
            let command = named_command(&arguments);
            Failure::Usage(format!("{what}; see `{} --help`", command.get_bin_name().unwrap_or("scall")))
        }
        other => other,
    })
}

/// The command line as a shell takes it.
fn typed(arguments: &[OsString]) -> String {
    let words: Vec<_> = arguments.iter().skip(1).map(|word| word.to_string_lossy()).collect();
    let words = std::iter::once("scall").chain(words.iter().map(AsRef::as_ref));
    // No argument can hold a zero byte, which alone cannot be quoted.
    shlex::try_join(words).unwrap_or_default()
}

/// The command that the arguments name, for the hint in an error.
fn named_command(arguments: &[OsString]) -> clap::Command {
    let mut command = CommandLine::command();
    command.build();
    for argument in arguments.iter().skip(1) {
        match argument.to_str().and_then(|name| command.find_subcommand(name)) {
            Some(subcommand) => command = subcommand.clone(),
            None => break,
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_written_as_a_shell_takes_it() {
        let words = ["target/scall", "run", "--data", "my file's.csv"].map(OsString::from);
        assert_eq!(typed(&words), "scall run --data \"my file's.csv\"");
    }

    #[test]
    fn the_definition_of_the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
