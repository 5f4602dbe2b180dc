//! What can be wrong with an input file, in one line each.

use std::fmt::Write as _;
use std::io;

/// Why a file could not be read as interactions.
///
/// `Display` is one line, `PATH:LINE: expected ..., found ...`, without control characters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The operating system gave no data.
    #[error("{path}: expected a readable file: {source}")]
    Unreadable {
        /// The file as it was named.
        path: String,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The data are not what they should be.
    #[error("{path}:{line}: expected {expected}, found {found}")]
    Malformed {
        /// The file as it was named.
        path: String,
        /// The line, from 1; of a quoted record of several lines, the first.
        line: u64,
        /// What should have been there.
        expected: String,
        /// What was there, shortened.
        found: String,
    },
}

/// An expectation that was not met, before its file and line are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) expected: String,
    pub(crate) found: String,
}

impl Mismatch {
    pub(crate) fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: found.into() }
    }

    pub(crate) fn at(self, path: &str, line: u64) -> InputError {
        InputError::Malformed { path: path.to_owned(), line, expected: self.expected, found: self.found }
    }
}

/// The longest excerpt of an input that an error repeats, in characters.
const EXCERPT: usize = 60;

/// `bytes` in quotation marks: short, one line, no control characters.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    // Four bytes a character at most: what lies behind cannot be shown anyway.
    let text = String::from_utf8_lossy(bytes.get(..EXCERPT * 4 + 4).unwrap_or(bytes));
    let mut shown = String::from("`");
    for (index, character) in text.chars().enumerate() {
        if index == EXCERPT {
            shown.push('…');
            break;
        }
        if character.is_control() {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{}", character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown.push('`');
    shown
}

/// A path as text that stays on one line.
pub(crate) fn shown_path(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    if text.chars().any(char::is_control) { text.escape_debug().to_string() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_one_line_with_its_place() {
        let error = Mismatch::new("a time", excerpt(b"a\nb\x1b[31m")).at("x.csv", 7);
        assert_eq!(error.to_string(), "x.csv:7: expected a time, found `a\\nb\\u{1b}[31m`");
        let missing = io::Error::from(io::ErrorKind::NotFound);
        let error = InputError::Unreadable { path: "x.csv".to_owned(), source: missing };
        assert_eq!(error.to_string(), "x.csv: expected a readable file: entity not found");
        assert_eq!(shown_path(std::path::Path::new("a\nb")), "a\\nb");
        assert_eq!(shown_path(std::path::Path::new("ü/a b")), "ü/a b");
    }

    #[test]
    fn excerpts_are_short() {
        assert_eq!(excerpt(&[b'x'; 1000]).chars().count(), EXCERPT + 3);
        assert_eq!(excerpt("ü".repeat(EXCERPT).as_bytes()).chars().count(), EXCERPT + 2);
        assert_eq!(excerpt(&[0xff]), "`\u{fffd}`");
        assert_eq!(excerpt(b""), "``");
    }
}
