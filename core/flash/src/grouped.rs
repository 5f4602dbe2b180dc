//! Flash with small words, used in larger ones.

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

/// A flash that is programmed and read `WORD` bytes at a time, though it could do so by fewer.
///
/// External NOR flash, for one, takes single bytes, and a [`FlashStore`](crate::FlashStore) at least four.
#[derive(Clone, Copy, Debug, Default)]
pub struct Grouped<F, const WORD: usize>(pub F);

impl<F: ErrorType, const WORD: usize> ErrorType for Grouped<F, WORD> {
    type Error = F::Error;
}

impl<F: ReadNorFlash, const WORD: usize> ReadNorFlash for Grouped<F, WORD> {
    const READ_SIZE: usize = {
        assert!(WORD.is_multiple_of(F::READ_SIZE), "words consist of whole smaller ones");
        WORD
    };

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), F::Error> {
        self.0.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl<F: NorFlash, const WORD: usize> NorFlash for Grouped<F, WORD> {
    const WRITE_SIZE: usize = {
        assert!(WORD.is_multiple_of(F::WRITE_SIZE), "words consist of whole smaller ones");
        WORD
    };
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), F::Error> {
        self.0.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), F::Error> {
        self.0.write(offset, bytes)
    }
}
