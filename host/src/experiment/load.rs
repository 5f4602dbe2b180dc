//! From a file to a stream, with progress.

use std::fs::File;
use std::io::{self, Read, Seek};

use anyhow::{Result, bail};

use super::DataFile;
use crate::input::{self, InputError, Interactions, ReadOptions};
use crate::progress::Progress;
use crate::stream::prepared::{self, MAGIC};
use crate::stream::{self, PrepareOptions, Stream};

/// Reads a file of interactions, text or a prepared stream, and keeps what counts.
///
/// # Errors
/// The file cannot be read or is malformed, or the filter leaves nothing.
pub fn load_file(file: &DataFile, filter: &PrepareOptions, progress: &Progress) -> Result<Stream> {
    Ok(match open(file, filter, progress)? {
        (interactions, Some(held)) => stream::prepare_again(interactions, &held, filter)?,
        (interactions, None) => stream::prepare(interactions, filter)?,
    })
}

/// The same in the form that a prepared stream is made of.
///
/// # Errors
/// As [`load_file`].
pub fn select_file(file: &DataFile, filter: &PrepareOptions, progress: &Progress) -> Result<Interactions> {
    let (interactions, _) = open(file, filter, progress)?;
    Ok(stream::select(interactions, filter)?)
}

/// The interactions of a file, and the filters that they went through.
fn open(
    file: &DataFile,
    filter: &PrepareOptions,
    progress: &Progress,
) -> Result<(Interactions, Option<PrepareOptions>)> {
    let unreadable = |source| InputError::Unreadable { path: input::shown_path(&file.path), source };
    let mut source = File::open(&file.path).map_err(unreadable)?;
    let bytes = source.metadata().map_or(0, |metadata| metadata.len());
    let stage = progress.bytes("reading", bytes);
    // What a pipe has given is gone from it, so the head is kept.
    let mut head = Vec::with_capacity(MAGIC.len());
    source.by_ref().take(MAGIC.len() as u64).read_to_end(&mut head).map_err(unreadable)?;
    if head != MAGIC {
        let source = stage.follow(io::Cursor::new(head).chain(source));
        return Ok((input::read_from(source, &file.path, &file.options)?, None));
    }
    let plain = ReadOptions { ratings: file.options.ratings, ..ReadOptions::default() };
    if file.options != plain {
        let path = input::shown_path(&file.path);
        bail!("{path}: expected text for columns or a delimiter to be chosen, found a prepared stream");
    }
    source.rewind().map_err(unreadable)?;
    let (interactions, held) = prepared::read(source, &file.path, *filter, file.options.ratings)?;
    Ok((interactions, Some(held)))
}
