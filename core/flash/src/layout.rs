//! How much of what: chunks, buffers, pages.

use core::marker::PhantomData;

use embedded_storage::nor_flash::NorFlash;

use crate::manifest::Manifest;

/// Bytes of a key.
const KEY_LEN: usize = size_of::<u16>();
/// Bytes of the map's own before an item, before they are rounded up to words.
const ITEM_HEADER_LEN: usize = 8;
/// The fewest items that fill a page, and bytes of the longest item.
const FEWEST_ITEMS: usize = 4;
const LONGEST_ITEM: usize = 1024;

/// What follows from the words and pages of a flash.
struct Layout<F>(PhantomData<F>);

impl<F: NorFlash> Layout<F> {
    /// What the map reads and writes at a time.
    const WORD: usize = {
        assert!(F::WRITE_SIZE >= 4, "words of fewer than four bytes can lose items to a power cut");
        if F::WRITE_SIZE > F::READ_SIZE { F::WRITE_SIZE } else { F::READ_SIZE }
    };

    /// Items of full length in a page, beside the marks at both of its ends.
    const ITEMS: usize = {
        let room = F::ERASE_SIZE - 2 * Self::WORD;
        if room / FEWEST_ITEMS > LONGEST_ITEM { room / LONGEST_ITEM } else { FEWEST_ITEMS }
    };

    /// Bytes of the snapshot in an item.
    const CHUNK: usize = {
        let item = (F::ERASE_SIZE - 2 * Self::WORD) / Self::ITEMS / Self::WORD * Self::WORD;
        let around = ITEM_HEADER_LEN.next_multiple_of(Self::WORD) + KEY_LEN;
        assert!(item >= around + Manifest::LEN, "a page is too small for a manifest and three chunks");
        item - around
    };
}

/// Bytes of the snapshot in one item: a quarter of a page, or a kilobyte, with everything around them.
pub const fn chunk_len<F: NorFlash>() -> usize {
    Layout::<F>::CHUNK
}

/// Bytes of the memory that saving and loading need: a chunk, and an item.
pub const fn buffer_len<F: NorFlash>() -> usize {
    chunk_len::<F>() + (KEY_LEN + chunk_len::<F>()).next_multiple_of(Layout::<F>::WORD)
}

/// How many items a half has for a snapshot of that many bytes. A store that remembers the places of fewer works as
/// well, only slower.
pub const fn keys_len<F: NorFlash>(snapshot_len: usize) -> usize {
    1 + snapshot_len.div_ceil(chunk_len::<F>())
}

/// Bytes of flash for two generations of a snapshot of that many bytes, in whole pages.
///
/// Two pages of each half are for what is written next. With more of them, each is erased less often.
pub const fn region_len<F: NorFlash>(snapshot_len: usize) -> usize {
    2 * F::ERASE_SIZE * (keys_len::<F>(snapshot_len).div_ceil(Layout::<F>::ITEMS) + 2)
}
