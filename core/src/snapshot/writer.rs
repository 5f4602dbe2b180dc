//! The way from state to bytes.

use postcard::ser_flavors::Flavor;
use serde::{Serialize, Serializer};

use super::SnapshotError;

/// Appends values in postcard's encoding, or only counts their bytes.
#[derive(Debug)]
pub struct Writer<'b> {
    /// `None` to count.
    output: Option<&'b mut [u8]>,
    used: usize,
}

impl<'b> Writer<'b> {
    pub(super) const fn new(output: &'b mut [u8]) -> Self {
        Self { output: Some(output), used: 0 }
    }

    pub(super) const fn counting() -> Self {
        Self { output: None, used: 0 }
    }

    /// Bytes appended.
    pub(super) const fn used(&self) -> usize {
        self.used
    }

    /// Appends a value.
    ///
    /// # Errors
    /// [`SnapshotError::BufferTooSmall`] if the state has grown since its bytes were counted.
    pub fn put(&mut self, value: &impl Serialize) -> Result<(), SnapshotError> {
        let available = self.output.as_ref().map_or(usize::MAX, |output| output.len());
        let too_small = SnapshotError::BufferTooSmall { needed: available.saturating_add(1), available };
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

    fn extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        let end = self.used.saturating_add(bytes.len());
        if let Some(output) = &mut self.output {
            let place = output.get_mut(self.used..end).ok_or(postcard::Error::SerializeBufferFull)?;
            for (byte, &value) in place.iter_mut().zip(bytes) {
                *byte = value;
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
