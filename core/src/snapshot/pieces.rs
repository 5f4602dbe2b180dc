//! Snapshots in consecutive pieces, for memory that does not hold a second copy of the state.
//!
//! The pieces, one after the other, are the bytes of a whole snapshot.

use core::fmt;

use super::{HEADER_LEN, KIND, Reader, Snapshot, SnapshotError, Writer};
use crate::envelope::Checksum;

/// Why pieces could not be written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceError<E> {
    /// The snapshot itself.
    Snapshot(SnapshotError),
    /// Where the pieces go to, or come from.
    Piece(E),
}

impl<E: fmt::Display> fmt::Display for PieceError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Snapshot(error) => error.fmt(f),
            Self::Piece(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for PieceError<E> {}

/// Hands the bytes of [`save`](super::save) to `take`, as many at a time as `piece` holds; the last piece is as
/// long as what is left. Returns the length of all. O(length), in two passes over the state.
///
/// # Errors
/// Those of the state; [`SnapshotError::BufferTooSmall`] for an empty `piece`; the first of `take`, which is not
/// called again.
pub fn save_in_pieces<E>(
    shape: &[u32],
    state: &impl Snapshot,
    piece: &mut [u8],
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<usize, PieceError<E>> {
    // The header comes first, and tells length and checksum of what follows.
    let mut crc = Checksum::new();
    let mut count = |bytes: &[u8]| {
        crc.update(bytes);
        true
    };
    let length =
        write(&[], shape, state, Gatherer::new(&mut *piece, &mut count)).map_err(PieceError::Snapshot)?;
    let header = KIND.header(length, crc.value());

    let mut failure = None;
    let mut hand_on = |bytes: &[u8]| match take(bytes) {
        Ok(()) => true,
        Err(error) => {
            failure = Some(error);
            false
        }
    };
    let written = write(&header, shape, state, Gatherer::new(piece, &mut hand_on));
    match failure {
        Some(error) => Err(PieceError::Piece(error)),
        None => written.map_err(PieceError::Snapshot),
    }
}

fn write(
    header: &[u8],
    shape: &[u32],
    state: &impl Snapshot,
    gatherer: Gatherer<'_>,
) -> Result<usize, SnapshotError> {
    if gatherer.piece.is_empty() {
        return Err(SnapshotError::BufferTooSmall { needed: 1, available: 0 });
    }
    let mut writer = Writer::in_pieces(gatherer);
    writer.put_bytes(header)?;
    writer.put(&shape)?;
    state.save(&mut writer)?;
    writer.finish()?;
    Ok(writer.used())
}

/// Restores `state` from a snapshot in pieces, and returns the snapshot's length. `fetch(n, piece)` puts piece `n`
/// at the front of `piece` and says how long it is; 0 if there is none.
///
/// All pieces are fetched three times in order: for the checksum, to check what is in them, and to write. O(length).
///
/// # Errors
/// Those of [`load`](super::load), the state being as before; the first of `fetch`, after which the state may be
/// anything if it was during the third time.
pub fn load_in_pieces<E>(
    shape: &[u32],
    state: &mut impl Snapshot,
    piece: &mut [u8],
    mut fetch: impl FnMut(usize, &mut [u8]) -> Result<usize, E>,
) -> Result<usize, PieceError<E>> {
    let mut failure = None;
    let mut fetch = |index: usize, piece: &mut [u8]| match fetch(index, piece) {
        Ok(length) => Some(length),
        Err(error) => {
            failure = Some(error);
            None
        }
    };
    let loaded = read(shape, state, piece, &mut fetch);
    match failure {
        Some(error) => Err(PieceError::Piece(error)),
        None => loaded.map_err(PieceError::Snapshot),
    }
}

fn read(
    shape: &[u32],
    state: &mut impl Snapshot,
    piece: &mut [u8],
    fetch: &mut dyn FnMut(usize, &mut [u8]) -> Option<usize>,
) -> Result<usize, SnapshotError> {
    let length = Supply::new(&mut *piece, &mut *fetch).check()?;
    for dry in [true, false] {
        let mut supply = Supply::new(&mut *piece, &mut *fetch);
        supply.header()?;
        supply.left = length;
        let mut reader = Reader::in_pieces(&mut supply, dry);
        reader.expect_shape(shape)?;
        state.load(&mut reader)?;
        reader.expect_end()?;
    }
    Ok(HEADER_LEN.saturating_add(length))
}

/// Gathers bytes until a piece is full, and hands it out.
pub(super) struct Gatherer<'b> {
    piece: &'b mut [u8],
    filled: usize,
    take: &'b mut dyn FnMut(&[u8]) -> bool,
}

impl<'b> Gatherer<'b> {
    fn new(piece: &'b mut [u8], take: &'b mut dyn FnMut(&[u8]) -> bool) -> Self {
        Self { piece, filled: 0, take }
    }

    /// Appends bytes; whether all pieces were taken.
    pub(super) fn extend(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let room = self.piece.get_mut(self.filled..).unwrap_or_default();
            let length = room.len().min(bytes.len());
            for (place, &byte) in room.iter_mut().zip(bytes) {
                *place = byte;
            }
            self.filled += length;
            bytes = bytes.get(length..).unwrap_or_default();
            if length == 0 || (self.filled == self.piece.len() && !self.hand_out()) {
                return false;
            }
        }
        true
    }

    /// Hands out what is there; whether it was taken.
    pub(super) fn hand_out(&mut self) -> bool {
        let piece = self.piece.get(..self.filled).unwrap_or_default();
        self.filled = 0;
        piece.is_empty() || (self.take)(piece)
    }
}

impl fmt::Debug for Gatherer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gatherer").field("filled", &self.filled).finish_non_exhaustive()
    }
}

/// Fetches piece after piece, and gives out their bytes.
pub(super) struct Supply<'b> {
    piece: &'b mut [u8],
    fetch: &'b mut dyn FnMut(usize, &mut [u8]) -> Option<usize>,
    /// The number of the next piece.
    next: usize,
    at: usize,
    end: usize,
    /// Bytes that may still be taken.
    pub(super) left: usize,
    /// A number that lies across two pieces.
    together: [u8; LONGEST_NUMBER],
}

/// Bytes of the longest number of fixed length.
const LONGEST_NUMBER: usize = 16;

impl<'b> Supply<'b> {
    fn new(piece: &'b mut [u8], fetch: &'b mut dyn FnMut(usize, &mut [u8]) -> Option<usize>) -> Self {
        Self { piece, fetch, next: 0, at: 0, end: 0, left: usize::MAX, together: [0; _] }
    }

    /// The next byte.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<u8> {
        if self.left == 0 || (self.at == self.end && !self.refill()) {
            return None;
        }
        let byte = *self.piece.get(self.at)?;
        self.at += 1;
        self.left -= 1;
        Some(byte)
    }

    /// The next few bytes.
    #[inline]
    pub(super) fn take(&mut self, count: usize) -> Option<&[u8]> {
        for index in 0..count {
            let byte = self.pop()?;
            *self.together.get_mut(index)? = byte;
        }
        self.together.get(..count)
    }

    fn refill(&mut self) -> bool {
        let length = (self.fetch)(self.next, self.piece).unwrap_or(0);
        self.next = self.next.saturating_add(1);
        self.at = 0;
        self.end = length.min(self.piece.len());
        self.end > 0
    }

    fn header(&mut self) -> Result<[u8; HEADER_LEN], SnapshotError> {
        let mut header = [0; HEADER_LEN];
        for (available, place) in header.iter_mut().enumerate() {
            *place = self.pop().ok_or(SnapshotError::Truncated { needed: HEADER_LEN, available })?;
        }
        Ok(header)
    }

    /// The length of the body, if it is intact.
    fn check(mut self) -> Result<usize, SnapshotError> {
        let (length, expected) = KIND.open_header(&self.header()?)?;
        let mut crc = Checksum::new();
        let mut left = length;
        while left > 0 {
            if self.at == self.end && !self.refill() {
                let needed = HEADER_LEN.saturating_add(length);
                return Err(SnapshotError::Truncated { needed, available: needed.saturating_sub(left) });
            }
            let bytes = self.piece.get(self.at..self.end).unwrap_or_default();
            let bytes = bytes.get(..left).unwrap_or(bytes);
            crc.update(bytes);
            left -= bytes.len();
            self.at = self.end;
        }
        if crc.value() == expected { Ok(length) } else { Err(SnapshotError::Damaged) }
    }
}

impl fmt::Debug for Supply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supply").field("left", &self.left).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
