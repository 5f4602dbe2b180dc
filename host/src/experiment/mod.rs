//! One method on one stream, from the first segment to the result.

mod load;
mod request;

use anyhow::Result;

use crate::progress::Progress;
use crate::report::RunResult;

pub use load::load_file;
pub(crate) use request::name_of;
pub use request::{Base, DataFile, DataSource, Method, Protocol, RunRequest, Storage};

/// Runs one method on one stream.
///
/// # Errors
/// If the stream cannot be read, the budget cannot be kept, or a result file cannot be written.
pub fn run(request: &RunRequest, _progress: &Progress) -> Result<RunResult> {
    anyhow::bail!("method `{}` is not part of this program", request.method)
}

/// Runs every request; the results stand in the same order.
///
/// # Errors
/// As [`run`], for the first request that fails.
pub fn run_all(requests: &[RunRequest], progress: &Progress) -> Result<Vec<RunResult>> {
    requests.iter().map(|request| run(request, progress)).collect()
}
