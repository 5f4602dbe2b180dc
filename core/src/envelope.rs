//! What files of bytes have in common: a header that says what they are, and that nothing is missing or wrong.
//!
//! | bytes | content |
//! | --- | --- |
//! | 0..4 | the magic |
//! | 4..8 | the version of the format |
//! | 8..16 | the length of the body |
//! | 16..20 | CRC-32 (ISO-HDLC) of the body |
//! | 20..24 | CRC-32 of the bytes before |
//! | 24.. | the body |
//!
//! Numbers are little-endian. Magic and version keep their places in all versions. An envelope may be
//! followed by other bytes, such as the rest of a flash page.

mod header;

use core::fmt;

use crc::{CRC_32_ISO_HDLC, Crc};

pub use header::Header;

/// Bytes before the body.
pub const HEADER_LEN: usize = 24;

/// One table of 1 KiB, four times as fast as none.
#[cfg(not(feature = "small"))]
type Tables = crc::Table<1>;
#[cfg(feature = "small")]
type Tables = crc::NoTable;

static CRC: Crc<u32, Tables> = Crc::<u32, Tables>::new(&CRC_32_ISO_HDLC);

/// CRC-32 (ISO-HDLC) of bytes that come in parts.
#[derive(Clone)]
pub struct Checksum(crc::Digest<'static, u32, Tables>);

impl Checksum {
    /// The checksum of no bytes.
    #[must_use]
    pub fn new() -> Self {
        Self(CRC.digest())
    }

    /// Takes more bytes in. O(bytes).
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes so far.
    #[must_use]
    pub fn value(&self) -> u32 {
        self.0.clone().finalize()
    }
}

impl Default for Checksum {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Checksum").field(&self.value()).finish()
    }
}

/// Why an envelope could not be opened or sealed.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The end is missing.
    Truncated {
        /// Bytes of the whole, or of the header.
        needed: usize,
        /// Bytes given.
        available: usize,
    },
    /// It does not begin like a file of its kind.
    WrongMagic,
    /// Another version of the format.
    ForeignVersion {
        /// The version found.
        found: u32,
        /// The version that can be read.
        expected: u32,
    },
    /// The bytes are not those that were written.
    Damaged,
    /// The output does not hold it.
    BufferTooSmall {
        /// Bytes needed.
        needed: usize,
        /// Bytes given.
        available: usize,
    },
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated { .. } => "the end is missing",
            Self::WrongMagic => "it is of another kind",
            Self::ForeignVersion { .. } => "it has a version that cannot be read",
            Self::Damaged => "it is damaged",
            Self::BufferTooSmall { .. } => "the buffer is too small for it",
        })
    }
}

impl core::error::Error for EnvelopeError {}

/// A kind of file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) magic: [u8; 4],
    /// The version that is written, and the only one read.
    pub(crate) version: u32,
}

impl Kind {
    /// The body's place in the front of `output`, where a body of `length` bytes shall be sealed.
    pub(crate) fn body_mut(output: &mut [u8], length: usize) -> Result<&mut [u8], EnvelopeError> {
        let (needed, available) = (HEADER_LEN.saturating_add(length), output.len());
        let body = output.get_mut(..needed).and_then(|whole| whole.get_mut(HEADER_LEN..));
        body.ok_or(EnvelopeError::BufferTooSmall { needed, available })
    }

    /// Writes the header of a body of `length` bytes that stands in its place; returns the length of all.
    pub(crate) fn seal(self, output: &mut [u8], length: usize) -> Result<usize, EnvelopeError> {
        let (needed, available) = (HEADER_LEN.saturating_add(length), output.len());
        let too_small = EnvelopeError::BufferTooSmall { needed, available };
        let whole = output.get_mut(..needed).ok_or(too_small)?;
        let (header, body) = whole.split_first_chunk_mut::<HEADER_LEN>().ok_or(too_small)?;
        *header = self.header(body.len(), CRC.checksum(body));
        Ok(needed)
    }

    /// The header of a body of that length and checksum.
    pub(crate) fn header(self, length: usize, body_crc: u32) -> [u8; HEADER_LEN] {
        let mut header = [0; HEADER_LEN];
        let length = (length as u64).to_le_bytes();
        let body_crc = body_crc.to_le_bytes();
        let fields = self.magic.into_iter().chain(self.version.to_le_bytes()).chain(length).chain(body_crc);
        for (byte, value) in header.iter_mut().zip(fields) {
            *byte = value;
        }
        let crc = CRC.checksum(header.get(..HEADER_LEN - 4).unwrap_or_default()).to_le_bytes();
        for (byte, value) in header.iter_mut().skip(HEADER_LEN - 4).zip(crc) {
            *byte = value;
        }
        header
    }

    /// The body in the front of `input`, if header and body are intact.
    pub(crate) fn open(self, input: &[u8]) -> Result<&[u8], EnvelopeError> {
        self.expect_magic(input)?;
        let truncated = |needed| EnvelopeError::Truncated { needed, available: input.len() };
        let (header, rest) = input.split_first_chunk::<HEADER_LEN>().ok_or(truncated(HEADER_LEN))?;
        let (length, body_crc) = self.open_header(header)?;
        let body = rest.get(..length).ok_or(truncated(HEADER_LEN.saturating_add(length)))?;
        if CRC.checksum(body) != body_crc {
            return Err(EnvelopeError::Damaged);
        }
        Ok(body)
    }

    /// Length and checksum of the body behind an intact header.
    pub(crate) fn open_header(self, header: &[u8; HEADER_LEN]) -> Result<(usize, u32), EnvelopeError> {
        self.expect_magic(header)?;
        let version = u32::from_le_bytes(field(header, 4));
        if version != self.version {
            return Err(EnvelopeError::ForeignVersion { found: version, expected: self.version });
        }
        let fields = header.get(..HEADER_LEN - 4).unwrap_or_default();
        if CRC.checksum(fields) != u32::from_le_bytes(field(header, 20)) {
            return Err(EnvelopeError::Damaged);
        }
        let length = usize::try_from(u64::from_le_bytes(field(header, 8))).unwrap_or(usize::MAX);
        Ok((length, u32::from_le_bytes(field(header, 16))))
    }

    /// Refuses bytes that begin otherwise.
    fn expect_magic(self, bytes: &[u8]) -> Result<(), EnvelopeError> {
        let differs = bytes.iter().zip(self.magic).any(|(&found, expected)| found != expected);
        if differs { Err(EnvelopeError::WrongMagic) } else { Ok(()) }
    }
}

fn field<const N: usize>(header: &[u8; HEADER_LEN], at: usize) -> [u8; N] {
    header.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
}

/// Takes little-endian words from the front of a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'b>(pub(crate) &'b [u8]);

impl<'b> Words<'b> {
    /// The next word; a body without one is damaged.
    pub(crate) fn take(&mut self) -> Result<u32, EnvelopeError> {
        let (word, rest) = self.0.split_first_chunk().ok_or(EnvelopeError::Damaged)?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*word))
    }

    /// The next bytes.
    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'b [u8], EnvelopeError> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(EnvelopeError::Damaged)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// Refuses bytes that are left over.
    pub(crate) const fn end(self) -> Result<(), EnvelopeError> {
        if self.0.is_empty() { Ok(()) } else { Err(EnvelopeError::Damaged) }
    }
}

/// Writes little-endian words to the front of a body.
#[derive(Debug)]
pub(crate) struct WordsMut<'b>(pub(crate) &'b mut [u8]);

impl WordsMut<'_> {
    /// Writes the next word, as far as there is room.
    pub(crate) fn put(&mut self, word: u32) {
        if let Some(place) = self.0.split_off_mut(..4) {
            for (place, byte) in place.iter_mut().zip(word.to_le_bytes()) {
                *place = byte;
            }
        }
    }
}
