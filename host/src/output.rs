//! Writing result files, all or nothing.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use atomic_write_file::AtomicWriteFile;

/// Replaces the file at `path` by what `fill` writes.
///
/// Until everything is on the disk the old file stays in place, and whatever interrupts the program leaves
/// either the old file or the new one.
///
/// # Errors
/// If the file cannot be written; the old one is then untouched.
pub fn replace(path: &Path, fill: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>) -> Result<()> {
    let write = || {
        let mut file = BufWriter::new(AtomicWriteFile::open(path)?);
        fill(&mut file)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.commit()
    };
    write().with_context(|| format!("{}: cannot write the file", path.display()))
}

/// Makes sure that the directory exists.
///
/// # Errors
/// If it cannot be made, or something else has its name.
pub fn make_directory(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("{}: cannot make the directory", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_and_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.json");
        for text in ["the first, longer text", "the second"] {
            replace(&path, |out| out.write_all(text.as_bytes())).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn a_failure_half_way_leaves_the_old_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.json");
        fs::write(&path, "old").unwrap();
        let error = replace(&path, |out| {
            out.write_all(&vec![b'x'; 1 << 20])?;
            Err(io::Error::other("pulled the plug"))
        })
        .unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            format!("{}: cannot write the file: pulled the plug", path.display())
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("missing").join("run.json");
        let error = format!("{:#}", replace(&path, |_| Ok(())).unwrap_err());
        assert!(error.starts_with(&path.display().to_string()), "{error}");
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let error = format!("{:#}", make_directory(&file.join("below")).unwrap_err());
        assert!(error.contains("cannot make the directory"), "{error}");
    }
}
