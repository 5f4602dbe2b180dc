//! The way from state to bytes.

use postcard::ser_flavors::Flavor;
use serde::{Serialize, Serializer};

use super::SnapshotError;
use super::pieces::Gatherer;

/// Appends values in postcard's encoding, or only counts their bytes.
#[derive(Debug)]
pub struct Writer<'b> {
    output: Output<'b>,
    used: usize,
}

/// Where the bytes go.
#[derive(Debug)]
enum Output<'b> {
    /// Nowhere; they are counted.
    Count,
    Whole(&'b mut [u8]),
    Pieces(Gatherer<'b>),
}

impl<'b> Writer<'b> {
    pub(super) const fn new(output: &'b mut [u8]) -> Self {
        Self { output: Output::Whole(output), used: 0 }
    }

    pub(super) const fn counting() -> Self {
        Self { output: Output::Count, used: 0 }
    }

    pub(super) const fn in_pieces(gatherer: Gatherer<'b>) -> Self {
        Self { output: Output::Pieces(gatherer), used: 0 }
    }

    /// Bytes appended.
    pub(super) const fn used(&self) -> usize {
        self.used
    }

    /// Appends a value.
    ///
    /// # Errors
    /// [`SnapshotError::BufferTooSmall`] if the state has grown since its bytes were counted, or if a piece of
    /// them was not taken.
    pub fn put(&mut self, value: &impl Serialize) -> Result<(), SnapshotError> {
        let too_small = self.too_small();
        postcard::serialize_with_flavor(value, Sink(self)).map_err(|_| too_small)
    }

    /// Appends values as one sequence, which [`Reader::sequence`](super::Reader::sequence) and
    /// [`Reader::fill`](super::Reader::fill) read.
    ///
    /// # Errors
    /// As [`Writer::put`].
    pub fn put_all<T: Serialize>(
        &mut self,
        values: impl ExactSizeIterator<Item = T> + Clone,
    ) -> Result<(), SnapshotError> {
        self.put(&Sequence(values))
    }

    /// Appends bytes as they are.
    pub(super) fn put_bytes(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.extend(bytes).map_err(|_| self.too_small())
    }

    /// Hands out the last piece, which may be shorter than the others.
    pub(super) fn finish(&mut self) -> Result<(), SnapshotError> {
        let taken = match &mut self.output {
            Output::Pieces(gatherer) => gatherer.hand_out(),
            Output::Count | Output::Whole(_) => true,
        };
        if taken { Ok(()) } else { Err(self.too_small()) }
    }

    fn too_small(&self) -> SnapshotError {
        let available = match &self.output {
            Output::Whole(output) => output.len(),
            Output::Count | Output::Pieces(_) => usize::MAX,
        };
        SnapshotError::BufferTooSmall { needed: available.saturating_add(1), available }
    }

    fn extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        let end = self.used.saturating_add(bytes.len());
        match &mut self.output {
            Output::Count => {}
            Output::Whole(output) => {
                let place = output.get_mut(self.used..end).ok_or(postcard::Error::SerializeBufferFull)?;
                for (byte, &value) in place.iter_mut().zip(bytes) {
                    *byte = value;
                }
            }
            Output::Pieces(gatherer) => {
                if !gatherer.extend(bytes) {
                    return Err(postcard::Error::SerializeBufferFull);
                }
            }
        }
        self.used = end;
        Ok(())
    }
}

/// A writer as postcard wants it.
struct Sink<'w, 'b>(&'w mut Writer<'b>);

impl Flavor for Sink<'_, '_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.extend(&[byte])
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend(bytes)
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

struct Sequence<I>(I);

impl<T: Serialize, I: ExactSizeIterator<Item = T> + Clone> Serialize for Sequence<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}
