//! Why state could not be saved or loaded.

use core::fmt;

use scall_core::snapshot::{PieceError, SnapshotError};

/// Why a store refused; `E` is the error of the flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError<E> {
    /// The region does not consist of two halves of at least two whole pages inside the flash.
    Region,
    /// The region does not hold two generations of the state.
    RegionTooSmall {
        /// Bytes needed, as [`region_len`](crate::region_len) says.
        needed: usize,
        /// Bytes of the region.
        available: usize,
    },
    /// The buffer is shorter than [`buffer_len`](crate::buffer_len).
    BufferTooSmall {
        /// Bytes needed.
        needed: usize,
        /// Bytes given.
        available: usize,
    },
    /// What is saved was written by another version of this crate.
    ForeignVersion {
        /// The version found.
        found: u32,
        /// The version that can be read.
        expected: u32,
    },
    /// The state cannot be saved now, or what is saved does not belong to it.
    Snapshot(SnapshotError),
    /// The flash does not keep what is written to it, even after it was erased.
    NotKept,
    /// The flash itself.
    Flash(E),
}

impl<E: fmt::Debug> fmt::Display for StoreError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Region => "the region is not two halves of whole pages inside the flash",
            Self::RegionTooSmall { .. } => "the region does not hold two generations of the state",
            Self::BufferTooSmall { .. } => "the buffer is too small",
            Self::ForeignVersion { .. } => "the flash was written by a version that cannot be read",
            Self::Snapshot(error) => return error.fmt(f),
            Self::NotKept => "the flash does not keep what is written to it",
            Self::Flash(error) => return write!(f, "the flash failed: {error:?}"),
        })
    }
}

impl<E: fmt::Debug> core::error::Error for StoreError<E> {}

impl<E> From<PieceError<StoreError<E>>> for StoreError<E> {
    fn from(error: PieceError<Self>) -> Self {
        match error {
            PieceError::Piece(error) => error,
            PieceError::Snapshot(error) => Self::Snapshot(error),
        }
    }
}
