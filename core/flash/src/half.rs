//! One half of the region: a map that holds one generation.

use embassy_futures::block_on;
use embedded_storage::nor_flash::NorFlash;
use scall_core::envelope::Checksum;
use sequential_storage::cache::key_pointers::ArrayKeyPointers;
use sequential_storage::cache::{Cache, Uncached};
use sequential_storage::map::MapStorage;

use crate::StoreError;
use crate::blocking::Blocking;
use crate::layout::chunk_len;
use crate::manifest::Manifest;

/// The key of the manifest; those of the chunks follow.
const MANIFEST: u16 = 0;

/// Where the items of a half are.
pub(crate) type Places<const KEYS: usize> = Cache<Uncached, Uncached, ArrayKeyPointers<u16, KEYS>, u16>;

/// Why a half could not be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HalfError<E> {
    /// What is in it is not a map, or no longer one, or has no room.
    Unusable,
    /// For this no erasing helps.
    Store(StoreError<E>),
}

impl<E> From<StoreError<E>> for HalfError<E> {
    fn from(error: StoreError<E>) -> Self {
        Self::Store(error)
    }
}

impl<E> From<sequential_storage::Error<E>> for HalfError<E> {
    fn from(error: sequential_storage::Error<E>) -> Self {
        match error {
            sequential_storage::Error::Storage { value, .. } => Self::Store(StoreError::Flash(value)),
            // Items of another length than ours, or a map that is torn beyond repair.
            _ => Self::Unusable,
        }
    }
}

pub(crate) struct Half<'f, F: NorFlash, const KEYS: usize> {
    pub(crate) map: MapStorage<u16, &'f mut Blocking<F>, Places<KEYS>>,
}

impl<F: NorFlash, const KEYS: usize> Half<'_, F, KEYS> {
    /// The manifest, if the half holds a generation.
    pub(crate) fn manifest(&mut self, item: &mut [u8]) -> Result<Option<Manifest>, HalfError<F::Error>> {
        let manifest = self.fetch(MANIFEST, item)?;
        Ok(Manifest::from_bytes(manifest.unwrap_or_default())?)
    }

    /// The manifest, if all chunks are there and fit it.
    pub(crate) fn verify(&mut self, item: &mut [u8]) -> Result<Option<Manifest>, HalfError<F::Error>> {
        let Some(manifest) = self.manifest(item)? else { return Ok(None) };
        let (mut checksum, mut left) = (Checksum::new(), manifest.length as usize);
        for index in 0.. {
            if left == 0 {
                break;
            }
            match self.chunk(index, item)? {
                Some(chunk) if chunk.len() == left.min(chunk_len::<F>()) => {
                    checksum.update(chunk);
                    left -= chunk.len();
                }
                _ => return Ok(None),
            }
        }
        Ok((checksum.value() == manifest.crc).then_some(manifest))
    }

    /// A chunk of the snapshot.
    pub(crate) fn chunk<'i>(
        &mut self,
        index: usize,
        item: &'i mut [u8],
    ) -> Result<Option<&'i [u8]>, HalfError<F::Error>> {
        match u16::try_from(index).ok().and_then(|index| index.checked_add(MANIFEST + 1)) {
            Some(key) => self.fetch(key, item),
            None => Ok(None),
        }
    }

    /// From here on the half holds no generation, until the next manifest.
    pub(crate) fn withdraw(&mut self, item: &mut [u8]) -> Result<(), HalfError<F::Error>> {
        if self.fetch(MANIFEST, item)?.is_some_and(|manifest| !manifest.is_empty()) {
            self.store(MANIFEST, &[], item)?;
        }
        Ok(())
    }

    /// Completes a generation.
    pub(crate) fn complete(
        &mut self,
        manifest: Manifest,
        item: &mut [u8],
    ) -> Result<(), HalfError<F::Error>> {
        self.store(MANIFEST, &manifest.to_bytes(), item)
    }

    /// Has the half hold a chunk, and returns whether it had to be written.
    pub(crate) fn put_chunk(
        &mut self,
        index: usize,
        chunk: &[u8],
        item: &mut [u8],
    ) -> Result<bool, HalfError<F::Error>> {
        if self.chunk(index, item)? == Some(chunk) {
            return Ok(false);
        }
        let key = u16::try_from(index).ok().and_then(|index| index.checked_add(MANIFEST + 1));
        self.store(key.ok_or(HalfError::Unusable)?, chunk, item)?;
        Ok(true)
    }

    fn fetch<'i>(&mut self, key: u16, item: &'i mut [u8]) -> Result<Option<&'i [u8]>, HalfError<F::Error>> {
        Ok(block_on(self.map.fetch_item(item, &key))?)
    }

    /// Stores an item, and reads it back.
    fn store(&mut self, key: u16, value: &[u8], item: &mut [u8]) -> Result<(), HalfError<F::Error>> {
        block_on(self.map.store_item(item, &key, &value))?;
        if self.fetch(key, item)? == Some(value) { Ok(()) } else { Err(HalfError::Unusable) }
    }
}
