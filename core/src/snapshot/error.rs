//! Why a snapshot was refused.

use core::fmt;

use crate::envelope::EnvelopeError;

/// Why a snapshot could not be written or read; nothing has changed then.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The end is missing.
    Truncated {
        /// Bytes of the whole snapshot, or of its header.
        needed: usize,
        /// Bytes given.
        available: usize,
    },
    /// It does not begin like a snapshot.
    WrongMagic,
    /// Another version of the format.
    ForeignVersion {
        /// The version of the snapshot.
        found: u32,
        /// The version that can be read.
        expected: u32,
    },
    /// The bytes are not those that were written, or describe a state that cannot be.
    Damaged,
    /// A state of another shape: other capacities, widths or parts.
    OtherShape {
        /// The first number that differs, as it is in the snapshot.
        found: u32,
        /// The same number of the state to be restored.
        expected: u32,
    },
    /// A decision or a repack in slices is under way, of which a snapshot cannot tell.
    Unfinished,
    /// The output does not hold the snapshot.
    BufferTooSmall {
        /// Bytes of the snapshot.
        needed: usize,
        /// Bytes given.
        available: usize,
    },
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated { .. } => "the snapshot is truncated",
            Self::WrongMagic => "this is not a snapshot",
            Self::ForeignVersion { .. } => "the snapshot has a version that cannot be read",
            Self::Damaged => "the snapshot is damaged",
            Self::OtherShape { .. } => "the snapshot belongs to a state of another shape",
            Self::Unfinished => "a decision is under way",
            Self::BufferTooSmall { .. } => "the buffer is too small for the snapshot",
        })
    }
}

impl core::error::Error for SnapshotError {}

impl From<EnvelopeError> for SnapshotError {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::Truncated { needed, available } => Self::Truncated { needed, available },
            EnvelopeError::WrongMagic => Self::WrongMagic,
            EnvelopeError::ForeignVersion { found, expected } => Self::ForeignVersion { found, expected },
            EnvelopeError::Damaged => Self::Damaged,
            EnvelopeError::BufferTooSmall { needed, available } => Self::BufferTooSmall { needed, available },
        }
    }
}
