//! State to and from bytes, so that a restored run goes on with the same bits.
//!
//! A snapshot is an [envelope](crate::envelope) with the magic `scal`; its body is in postcard's encoding: the
//! *shape*, then the parts one after the other. The shape is a short sequence of numbers that says what the
//! state belongs to (capacities, widths, ...); a snapshot of another shape is refused. Floats are stored by
//! their bits.
//!
//! Loading is done in two passes: the first checks everything and changes nothing, the second, which can
//! no longer fail, writes. Where there is no room for a whole snapshot beside the state, it goes
//! [in pieces](save_in_pieces).
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
mod pieces;
mod reader;
mod writer;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use crate::envelope::Kind;

pub use crate::envelope::HEADER_LEN;
pub use error::SnapshotError;
pub use pieces::{PieceError, load_in_pieces, save_in_pieces};
pub use reader::Reader;
pub use writer::Writer;

/// The version that this crate writes, and the only one it reads.
pub const VERSION: u32 = 1;

/// The most bytes that a number takes in the body: a varint of 64 bits.
pub const NUMBER_LEN: usize = 10;

const KIND: Kind = Kind { magic: *b"scal", version: VERSION };

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
    let length = size(shape, state)?.saturating_sub(HEADER_LEN);
    let mut writer = Writer::new(Kind::body_mut(output, length)?);
    writer.put(&shape)?;
    state.save(&mut writer)?;
    Ok(KIND.seal(output, length)?)
}

/// Restores `state` from a snapshot at the front of `input`, and returns the snapshot's length. O(length).
///
/// # Errors
/// Everything but [`SnapshotError::BufferTooSmall`]; the state is then as it was before.
pub fn load(shape: &[u32], state: &mut impl Snapshot, input: &[u8]) -> Result<usize, SnapshotError> {
    let body = KIND.open(input)?;
    for dry in [true, false] {
        let mut reader = Reader::new(body, dry);
        reader.expect_shape(shape)?;
        state.load(&mut reader)?;
        reader.expect_end()?;
    }
    Ok(HEADER_LEN + body.len())
}

/// The shape that an intact snapshot at the front of `input` begins with, in the front of `out`. O(length).
///
/// # Errors
/// As [`load`] for what is no intact snapshot, and [`SnapshotError::BufferTooSmall`] for an `out` that does not
/// hold the shape.
pub fn shape<'o>(input: &[u8], out: &'o mut [u32]) -> Result<&'o [u32], SnapshotError> {
    let mut reader = Reader::new(KIND.open(input)?, false);
    let (needed, available) = (reader.take::<u32>()? as usize, out.len());
    let shape = out.get_mut(..needed).ok_or(SnapshotError::BufferTooSmall { needed, available })?;
    for number in shape.iter_mut() {
        *number = reader.take()?;
    }
    Ok(shape)
}
