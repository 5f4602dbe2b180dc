//! One file out of an archive.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use zip::ZipArchive;

use super::catalogue::Entry;
use crate::output;

/// The most entries of an archive.
const ENTRIES: usize = 10_000;

/// Extracts `entry` into `folder`, and says where it is.
///
/// Its place follows from the catalogue alone. An archive with an entry that would lie outside of a folder, or that
/// is a link, is refused all the same: nobody publishes such a one by intent.
pub(super) fn extract(archive: &Path, entry: &Entry, folder: &Path) -> Result<PathBuf> {
    let shown = archive.display();
    let file = File::open(archive).with_context(|| format!("{shown}: cannot read the file"))?;
    let damaged = || format!("{shown}: expected a sound zip archive");
    let mut zip = ZipArchive::new(io::BufReader::new(file)).with_context(damaged)?;
    ensure!(zip.len() <= ENTRIES, "{shown}: expected at most {ENTRIES} entries, found {}", zip.len());
    for index in 0..zip.len() {
        let other = zip.by_index_raw(index).with_context(damaged)?;
        if !stays_inside(other.name_raw()) || other.is_symlink() {
            let name = String::from_utf8_lossy(other.name_raw()).escape_debug().to_string();
            bail!("{shown}: expected entries inside of the archive's folder, found `{name}`");
        }
    }
    let mut source =
        zip.by_name(entry.name).with_context(|| format!("{shown}: expected the entry {}", entry.name))?;
    let size = source.size();
    let most = entry.limit;
    ensure!(size <= most, "{shown}: expected at most {most} bytes in {}, found {size}", entry.name);
    let target = folder.join(entry.name.rsplit('/').next().unwrap_or(entry.name));
    let mut unreadable = None;
    let written = output::replace(&target, |out| {
        let mut limited = Watched { source: (&mut source).take(size + 1), error: &mut unreadable };
        let copied = io::copy(&mut limited, out)?;
        if copied == size {
            return Ok(());
        }
        let more = if copied > size { "more" } else { "fewer" };
        let error = io::Error::other(format!("{} has {more} bytes than the {size} it states", entry.name));
        unreadable = Some(error);
        Err(io::ErrorKind::InvalidData.into())
    });
    // What is wrong with the archive is no fault of the file that was to be written.
    match unreadable {
        Some(error) => Err(error).with_context(damaged),
        None => written.map(|()| target),
    }
}

/// Whether a name, on any system, is that of a place below the folder it is put in.
fn stays_inside(name: &[u8]) -> bool {
    let mut parts = name.split(|byte| b"/\\".contains(byte));
    let drive = name.get(1) == Some(&b':');
    let absolute = name.first().is_none_or(|byte| b"/\\".contains(byte));
    !drive && !absolute && !name.contains(&0) && parts.all(|part| part != b"..")
}

/// Keeps the error of a source apart from those of the target.
struct Watched<'a, R> {
    source: R,
    error: &'a mut Option<io::Error>,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.read(buffer).map_err(|error| {
            let kind = error.kind();
            *self.error = Some(error);
            kind.into()
        })
    }
}
