//! `scall methods`: what every method says of itself.

use clap::Args;

use super::arguments::OutputArguments;
use super::console::Console;
use super::failure::Failure;
use crate::experiment::Method;
use crate::report::{MethodsDocument, SCHEMA, table};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    output: OutputArguments,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console) -> Result<(), Failure> {
    let methods = Method::ALL.iter().map(|method| method.card()).collect();
    console.show(&MethodsDocument { schema: SCHEMA, methods }, arguments.output, table::methods)
}
