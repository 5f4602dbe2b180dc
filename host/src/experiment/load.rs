//! From a file to a stream, with progress.

use std::fs::File;

use anyhow::Result;

use super::DataFile;
use crate::input::{self, InputError};
use crate::progress::Progress;
use crate::stream::{self, PrepareOptions, Stream};

/// Reads a file of interactions and keeps what counts.
///
/// # Errors
/// The file cannot be read or is malformed, or the filter leaves nothing.
pub fn load_file(file: &DataFile, filter: &PrepareOptions, progress: &Progress) -> Result<Stream> {
    let unreadable = |source| InputError::Unreadable { path: file.path.display().to_string(), source };
    let source = File::open(&file.path).map_err(unreadable)?;
    let bytes = source.metadata().map_or(0, |metadata| metadata.len());
    let stage = progress.bytes("reading", bytes);
    let interactions = input::read_from(stage.follow(source), &file.path, &file.options)?;
    drop(stage);
    Ok(stream::prepare(interactions, filter)?)
}
