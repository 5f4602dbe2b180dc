//! Prepared streams: interactions in time order, filtered once and for all, in a Parquet file.
//!
//! | column | type | |
//! | --- | --- | --- |
//! | `user`, `item` | string | dictionary-encoded |
//! | `time` | timestamp, milliseconds, UTC | never falling |
//! | `rating` | float, nullable | null where the text had none |
//!
//! Under the key `scall` the file says what filters it went through. In the gap that the format
//! allows before its footer stand the text `scallsum` and the CRC-32 (ISO-HDLC, little-endian) of all other bytes,
//! so that nothing is parsed that has changed. Any program that reads Parquet can read it; scall reads what scall
//! has written.

mod pages;
mod read;
#[cfg(test)]
mod tests;
mod write;

use parquet::errors::ParquetError;
use serde::{Deserialize, Serialize};

pub use read::read;
pub use write::write;

use super::PrepareOptions;

/// The first and the last bytes of a Parquet file.
pub const MAGIC: &[u8; 4] = b"PAR1";

/// Rows that share a dictionary.
const GROUP: usize = 1 << 22;

/// Stands before the checksum.
const MARK: &[u8; 8] = b"scallsum";

/// The footer's length and [`MAGIC`], behind the footer.
const END: usize = 8;

const KEY: &str = "scall";
const VERSION: u32 = 1;

/// The columns, in the language of the format.
const SCHEMA: &str = "message stream {
    required binary user (STRING);
    required binary item (STRING);
    required int64 time (TIMESTAMP(MILLIS, true));
    optional float rating;
}";

/// What stands under the key `scall`, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Description {
    version: u32,
    /// The name of the file that was prepared.
    source: String,
    keep_repeats: bool,
    k_core: u32,
}

impl Description {
    const fn filters(&self) -> PrepareOptions {
        PrepareOptions { keep_repeats: self.keep_repeats, k_core: self.k_core }
    }
}

/// Why a Parquet file is no prepared stream, or not the one that was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PreparedError {
    /// The operating system gave no data.
    #[error("{path}: expected a readable file: {source}")]
    Unreadable {
        /// The file as it was named.
        path: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// It was not written by `scall data prepare`, or by a later version.
    #[error("{path}: expected a stream of `scall data prepare`, version {VERSION}, found {found}")]
    Foreign {
        /// The file as it was named.
        path: String,
        /// What is there instead.
        found: String,
    },
    /// Its end is missing, or its content has changed.
    #[error("{path}: expected a whole and sound Parquet file, found {found}")]
    Damaged {
        /// The file as it was named.
        path: String,
        /// What is wrong.
        found: String,
    },
    /// It lacks interactions that are asked for now.
    #[error("{path}: expected a stream prepared with {wanted}, found {found}; prepare it again")]
    Filtered {
        /// The file as it was named.
        path: String,
        /// The filters of now.
        wanted: String,
        /// The filters that it went through.
        found: String,
    },
}

/// What is wrong with a file, before its name is known.
#[derive(Debug)]
enum Fault {
    Unreadable(std::io::Error),
    Foreign(String),
    Damaged(String),
}

impl Fault {
    fn damaged(found: impl Into<String>) -> Self {
        Self::Damaged(found.into())
    }

    fn at(self, path: &str) -> PreparedError {
        let path = path.to_owned();
        match self {
            Self::Unreadable(source) => PreparedError::Unreadable { path, source },
            Self::Foreign(found) => PreparedError::Foreign { path, found },
            Self::Damaged(found) => PreparedError::Damaged { path, found },
        }
    }
}

impl From<ParquetError> for Fault {
    fn from(error: ParquetError) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Whether a stream that went through the filters `held` still has all that `wanted` keeps.
const fn holds(held: PrepareOptions, wanted: PrepareOptions) -> bool {
    (held.keep_repeats || !wanted.keep_repeats) && (held.k_core <= wanted.k_core || held.k_core <= 1)
}

/// The filters as they are typed.
fn typed(filters: PrepareOptions) -> String {
    let repeats = if filters.keep_repeats { " --keep-repeats" } else { "" };
    format!("--k-core {}{repeats}", filters.k_core)
}
