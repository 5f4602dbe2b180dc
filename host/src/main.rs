//! The `scall` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    scall::cli::main()
}
