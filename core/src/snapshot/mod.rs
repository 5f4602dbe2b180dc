//! State to and from bytes, so that a restored run goes on with the same bits.
//!
//! A snapshot is a header of fixed length and a body:
//!
//! | bytes | content |
//! | --- | --- |
//! | 0..4 | the magic, `scal` |
//! | 4..8 | the version of the format, [`VERSION`] |
//! | 8..16 | the length of the body |
//! | 16..20 | CRC-32 (ISO-HDLC) of the body |
//! | 20..24 | CRC-32 of the bytes before |
//! | 24.. | the body, in postcard's encoding: the shape, then the parts one after the other |
//!
//! Numbers of the header are little-endian. The *shape* is a short sequence of numbers that says what the
//! state belongs to (capacities, widths, ...); a snapshot of another shape is refused. Floats are stored
//! by their bits. Magic and version keep their places in all versions.
//!
//! Loading is done in two passes: the first checks everything and changes nothing, the second, which can
//! no longer fail, writes. A snapshot may be followed by other bytes, such as the rest of a flash page.
//!
//! ```
//! use scall_core::random::Generator;
//! use scall_core::snapshot::{self, SnapshotError};
//!
//! let mut generator = Generator::new(1);
//! let mut bytes = [0; 64];
//! let length = snapshot::save(&[7], &generator, &mut bytes)?;
//! let next = generator.next_u32();
//!
//! assert_eq!(snapshot::load(&[7], &mut generator, &bytes), Ok(length));
//! assert_eq!(generator.next_u32(), next);
//!
//! bytes[30] ^= 1;
//! assert_eq!(snapshot::load(&[7], &mut generator, &bytes), Err(SnapshotError::Damaged));
//! # Ok::<(), SnapshotError>(())
//! ```

mod error;
mod generator;
mod reader;
mod writer;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use crc::{CRC_32_ISO_HDLC, Crc};

pub use error::SnapshotError;
pub use reader::Reader;
pub use writer::Writer;

/// The version that this crate writes, and the only one it reads.
pub const VERSION: u32 = 1;

/// Bytes before the body.
pub const HEADER_LEN: usize = 24;

/// The most bytes that a number takes in the body: a varint of 64 bits.
pub const NUMBER_LEN: usize = 10;

const MAGIC: [u8; 4] = *b"scal";

/// One table of 1 KiB: four times as fast as none, and small enough for a microcontroller's flash.
static CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// State that a snapshot can hold.
///
/// Composite state writes its parts one after the other, and reads them in the same order.
pub trait Snapshot {
    /// Appends the state.
    ///
    /// # Errors
    /// Those of the [`Writer`].
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError>;

    /// Reads what [`Snapshot::save`] appended.
    ///
    /// It is called twice with the same bytes: first with a [dry](Reader::is_dry) reader, when it checks
    /// all it reads and must not change anything, then once more to write.
    ///
    /// # Errors
    /// Those of the [`Reader`], [`SnapshotError::Damaged`] for values that no save could have written, and
    /// [`SnapshotError::OtherShape`] for those that have no room here.
    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError>;
}

/// The exact number of bytes that [`save`] writes now.
///
/// # Errors
/// Those of the state itself.
pub fn size(shape: &[u32], state: &impl Snapshot) -> Result<usize, SnapshotError> {
    let mut counter = Writer::counting();
    counter.put(&shape)?;
    state.save(&mut counter)?;
    Ok(HEADER_LEN.saturating_add(counter.used()))
}

/// An upper bound for [`save`], in terms of the length of the shape and the bounds of the parts.
pub const fn max_size(shape_len: usize, parts: usize) -> usize {
    HEADER_LEN + NUMBER_LEN * (1 + shape_len) + parts
}

/// Writes a snapshot of `state` to the front of `output` and returns its length. O(length).
///
/// # Errors
/// [`SnapshotError::BufferTooSmall`], with nothing written.
pub fn save(shape: &[u32], state: &impl Snapshot, output: &mut [u8]) -> Result<usize, SnapshotError> {
    let needed = size(shape, state)?;
    let too_small = SnapshotError::BufferTooSmall { needed, available: output.len() };
    let output = output.get_mut(..needed).ok_or(too_small)?;
    let (header, body) = output.split_first_chunk_mut::<HEADER_LEN>().ok_or(too_small)?;
    let mut writer = Writer::new(body);
    writer.put(&shape)?;
    state.save(&mut writer)?;

    let length = (body.len() as u64).to_le_bytes();
    let body_crc = CRC.checksum(body).to_le_bytes();
    let fields = MAGIC.into_iter().chain(VERSION.to_le_bytes()).chain(length).chain(body_crc);
    for (byte, value) in header.iter_mut().zip(fields) {
        *byte = value;
    }
    let (fields, crc) = header.split_at_mut_checked(HEADER_LEN - 4).ok_or(too_small)?;
    for (byte, value) in crc.iter_mut().zip(CRC.checksum(fields).to_le_bytes()) {
        *byte = value;
    }
    Ok(needed)
}

/// Restores `state` from a snapshot at the front of `input`, and returns the snapshot's length. O(length).
///
/// # Errors
/// Everything but [`SnapshotError::BufferTooSmall`]; the state is then as it was before.
pub fn load(shape: &[u32], state: &mut impl Snapshot, input: &[u8]) -> Result<usize, SnapshotError> {
    let body = body_of(input)?;
    for dry in [true, false] {
        let mut reader = Reader::new(body, dry);
        reader.expect_shape(shape)?;
        state.load(&mut reader)?;
        reader.expect_end()?;
    }
    Ok(HEADER_LEN + body.len())
}

/// The body, if header and body are intact.
fn body_of(input: &[u8]) -> Result<&[u8], SnapshotError> {
    if input.iter().zip(MAGIC).any(|(&found, expected)| found != expected) {
        return Err(SnapshotError::WrongMagic);
    }
    let truncated = |needed| SnapshotError::Truncated { needed, available: input.len() };
    let (header, rest) = input.split_first_chunk::<HEADER_LEN>().ok_or(truncated(HEADER_LEN))?;
    let version = u32::from_le_bytes(field(header, 4));
    if version != VERSION {
        return Err(SnapshotError::ForeignVersion { found: version, expected: VERSION });
    }
    let fields = header.get(..HEADER_LEN - 4).unwrap_or_default();
    if CRC.checksum(fields) != u32::from_le_bytes(field(header, 20)) {
        return Err(SnapshotError::Damaged);
    }
    let length = usize::try_from(u64::from_le_bytes(field(header, 8))).unwrap_or(usize::MAX);
    let body = rest.get(..length).ok_or(truncated(HEADER_LEN.saturating_add(length)))?;
    if CRC.checksum(body) != u32::from_le_bytes(field(header, 16)) {
        return Err(SnapshotError::Damaged);
    }
    Ok(body)
}

fn field<const N: usize>(header: &[u8; HEADER_LEN], at: usize) -> [u8; N] {
    header.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
}
