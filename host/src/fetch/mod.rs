//! Public data sets, downloaded from where they are published and verified.
//!
//! A file appears under its name only when all of it is there and its checksum is right. What is published without
//! a checksum is taken over HTTPS, and its SHA-256 is recorded beside it, so that a later change is noticed. Of an
//! archive one file is extracted, and nothing in it decides where that goes.
//!
//! | bound | |
//! | --- | --- |
//! | connecting, waiting for an answer, waiting for more | 30 s, 60 s, 30 s |
//! | slowest | 1 KiB a second, over a minute |
//! | redirects | 5, never from HTTPS to HTTP |
//! | attempts | 5 at one file, each going on where the last one stopped |
//! | size | that of each set, as [`catalogue`] states it |

mod archive;
pub mod catalogue;
mod checksum;
mod download;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::output;
use crate::progress::Progress;
use catalogue::Published;
pub use checksum::{Algorithm, Checksum};
pub use download::Limits;

/// What is fetched, and where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The set's name, which is also that of its folder.
    pub name: &'a str,
    /// Where it is and how it is verified.
    pub set: &'a Published,
    /// The folder of that folder.
    pub directory: &'a Path,
    /// Another address of the same file.
    pub mirror: Option<&'a str>,
    /// A checksum besides the published one.
    pub checksum: Option<Checksum>,
}

/// Who vouches for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The publisher.
    Published,
    /// Whoever gave a checksum with the request.
    Given,
    /// The first download: nobody publishes a checksum.
    Recorded,
}

impl Origin {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Given => "given",
            Self::Recorded => "recorded",
        }
    }
}

/// A file that was fetched or was there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The file of interactions.
    pub path: PathBuf,
    /// Length of what was downloaded.
    pub bytes: u64,
    /// What was verified.
    pub checksum: Checksum,
    /// Who vouches for it.
    pub origin: Origin,
    /// False if nothing had to be downloaded.
    pub downloaded: bool,
}

/// Fetches a set, unless it is there and verified.
///
/// # Errors
/// The server does not give the file within all bounds, it is not what its checksum says, its archive is damaged,
/// too large or unsafe, or a file cannot be written. What was downloaded of a file that may still be completed is
/// kept with the ending `.part`; nothing else is left behind.
pub fn fetch(request: &Request<'_>, limits: &Limits, progress: &Progress) -> Result<Fetched> {
    let set = request.set;
    let folder = request.directory.join(request.name);
    let file = folder.join(set.file_name());
    let record = with_ending(&file, "sha256");
    let mut expected = Vec::new();
    expected.extend(request.checksum.map(|checksum| (checksum, Origin::Given)));
    expected.extend(set.checksum.map(|checksum| (checksum, Origin::Published)));
    let there = file.exists();
    if there && expected.is_empty() {
        expected.push((recorded(&record)?, Origin::Recorded));
    }
    if there {
        for (checksum, _) in &expected {
            let found = checksum.algorithm().of(&file)?;
            ensure!(
                found == *checksum,
                "{}: expected {checksum}, found {found}; remove the file to fetch it anew",
                file.display()
            );
        }
    } else {
        let url = request.mirror.unwrap_or(&set.url);
        ensure!(
            url.starts_with("https://") || !expected.is_empty(),
            "{url}: expected https, or --sha256, for a file without a published checksum"
        );
        output::make_directory(&folder)?;
        let part = with_ending(&file, "part");
        let mut held = download::open(&part)?;
        if let Err(error) = download::download(url, &mut held, &part, set.limit, limits, progress) {
            if held.metadata().is_ok_and(|metadata| metadata.len() == 0) {
                download::discard(&part)?;
            }
            return Err(error);
        }
        for (checksum, _) in &expected {
            let found = checksum.algorithm().of(&part)?;
            if found != *checksum {
                download::discard(&part)?;
                bail!("{url}: expected {checksum}, found {found}");
            }
        }
        if expected.is_empty() {
            let checksum = Algorithm::Sha256.of(&part)?;
            let line = format!("{}  {}\n", checksum.hex(), set.file_name());
            output::replace(&record, |out| out.write_all(line.as_bytes()))?;
            expected.push((checksum, Origin::Recorded));
        }
        let moved = held.sync_all().and_then(|()| fs::rename(&part, &file));
        moved.with_context(|| format!("{}: cannot write the file", file.display()))?;
        download::discard(&part)?;
    }
    let path = match &set.entry {
        Some(entry) => archive::extract(&file, entry, &folder)?,
        None => file.clone(),
    };
    let bytes = fs::metadata(&file).map_or(0, |metadata| metadata.len());
    let (checksum, origin) = expected.last().copied().context("every file has a checksum by now")?;
    Ok(Fetched { path, bytes, checksum, origin, downloaded: !there })
}

/// The checksum in a file as `sha256sum` writes it.
fn recorded(path: &Path) -> Result<Checksum> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let word = text.split_whitespace().next().unwrap_or_default();
    word.parse().ok().with_context(|| {
        format!(
            "{}: expected the SHA-256 of the file beside it; remove that to fetch it anew",
            path.display()
        )
    })
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}
