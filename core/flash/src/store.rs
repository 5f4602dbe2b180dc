//! Two generations, one after the other.

use core::fmt;
use core::ops::Range;

use embassy_futures::block_on;
use embedded_storage::nor_flash::NorFlash;
use scall_core::envelope::Checksum;
use scall_core::snapshot::{self, PieceError, Snapshot};
use sequential_storage::cache::key_pointers::ArrayKeyPointers;
use sequential_storage::cache::{Cache, Uncached};
use sequential_storage::map::{MapConfig, MapStorage};

use crate::StoreError;
use crate::blocking::Blocking;
use crate::half::{Half, HalfError, Places};
use crate::layout::{buffer_len, chunk_len, region_len};
use crate::manifest::Manifest;

/// State in a region of flash.
///
/// `KEYS` is how many places it remembers, best as many as [`keys_len`](crate::keys_len) says.
pub struct FlashStore<F, const KEYS: usize> {
    flash: Blocking<F>,
    region: Range<u32>,
    places: [Option<Places<KEYS>>; 2],
    newest: Newest,
}

/// The newest complete generation.
#[derive(Clone, Copy, Debug)]
enum Newest {
    /// Nobody has looked yet.
    Unknown,
    Nothing,
    In {
        half: usize,
        generation: u32,
    },
}

/// What was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Its number; each is one more than the one before.
    pub generation: u32,
    /// Bytes of the snapshot.
    pub length: usize,
    /// Chunks of it that were written, the others having been there already.
    pub written: u32,
}

/// What was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The number that [`FlashStore::save`] gave it.
    pub generation: u32,
    /// Bytes of the snapshot.
    pub length: usize,
}

impl<F: NorFlash, const KEYS: usize> FlashStore<F, KEYS> {
    /// A store in that region of the flash, in bytes, whatever is in it. Nothing is read or written yet.
    ///
    /// # Errors
    /// [`StoreError::Region`].
    pub fn new(flash: F, region: Range<u32>) -> Result<Self, StoreError<F::Error>> {
        const { assert!(KEYS > 0, "a place at least has to be remembered") };
        let inside = usize::try_from(region.end).is_ok_and(|end| end <= flash.capacity());
        let even = region.len().is_multiple_of(2 * F::ERASE_SIZE);
        if !inside || !even || region.len() < region_len::<F>(0) {
            return Err(StoreError::Region);
        }
        let store = Self { flash: Blocking(flash), region, places: [None, None], newest: Newest::Unknown };
        MapConfig::<Blocking<F>>::try_new(store.range(0)).map_err(|_| StoreError::Region)?;
        Ok(store)
    }

    /// The flash, for other purposes.
    pub const fn flash_mut(&mut self) -> &mut F {
        &mut self.flash.0
    }

    /// Restores the newest complete generation; `None` if there is none, and the state is as before. `buffer` has
    /// [`buffer_len`] bytes. O(snapshot), three times, and once more to find its parts.
    ///
    /// # Errors
    /// Those of [`snapshot::load`] for a generation that belongs to a state of another shape or version, the state
    /// being as before. Those of the flash, after which the state may be anything.
    pub fn load(
        &mut self,
        shape: &[u32],
        state: &mut impl Snapshot,
        buffer: &mut [u8],
    ) -> Result<Option<Loaded>, StoreError<F::Error>> {
        let (chunk, item) = split::<F>(buffer)?;
        self.newest = Newest::Unknown;
        let Newest::In { half, generation } = self.find_newest(item)? else { return Ok(None) };
        let loaded = self.on(half, |half| {
            let length = snapshot::load_in_pieces(shape, state, chunk, |index, place| {
                let found = half.chunk(index, item).map_err(unkept)?.unwrap_or_default();
                place.iter_mut().zip(found).for_each(|(place, &byte)| *place = byte);
                Ok(found.len())
            });
            Ok(length.map_err(StoreError::from)?)
        });
        Ok(Some(Loaded { generation, length: loaded.map_err(unkept)? }))
    }

    /// Saves a generation in the half where the newest is not. `buffer` has [`buffer_len`] bytes.
    /// O(snapshot) reads, and writes of the chunks that differ.
    ///
    /// The half is erased first if it is unusable. Until the new generation is complete, the newest one before
    /// can be loaded; after that, it is the one that is loaded in place of a damaged one.
    ///
    /// # Errors
    /// [`StoreError::RegionTooSmall`] and those of the state, with nothing written; those of the flash,
    /// [`StoreError::NotKept`] among them.
    pub fn save(
        &mut self,
        shape: &[u32],
        state: &impl Snapshot,
        buffer: &mut [u8],
    ) -> Result<Saved, StoreError<F::Error>> {
        let length = snapshot::size(shape, state).map_err(StoreError::Snapshot)?;
        let (needed, available) = (region_len::<F>(length), self.region.len());
        if needed > available {
            return Err(StoreError::RegionTooSmall { needed, available });
        }
        let (chunk, item) = split::<F>(buffer)?;
        let (half, generation) = match self.find_newest(item)? {
            Newest::In { half, generation } => (1 - half, generation.wrapping_add(1)),
            Newest::Nothing | Newest::Unknown => (0, 1),
        };
        let mut saved = self.write(half, generation, shape, state, chunk, item);
        if matches!(saved, Err(HalfError::Unusable)) {
            self.erase(half)?;
            saved = self.write(half, generation, shape, state, chunk, item);
        }
        let saved = saved.map_err(unkept)?;
        self.newest = Newest::In { half, generation };
        Ok(saved)
    }

    /// Forgets all that was saved: erases the whole region.
    ///
    /// # Errors
    /// Those of the flash.
    pub fn clear(&mut self) -> Result<(), StoreError<F::Error>> {
        self.newest = Newest::Unknown;
        self.erase(0)?;
        self.erase(1)
    }

    fn write(
        &mut self,
        half: usize,
        generation: u32,
        shape: &[u32],
        state: &impl Snapshot,
        chunk: &mut [u8],
        item: &mut [u8],
    ) -> Result<Saved, HalfError<F::Error>> {
        let (mut checksum, mut index, mut written) = (Checksum::new(), 0, 0);
        let mut manifest = Manifest { generation, length: 0, crc: 0 };
        let length = self.on(half, |half| {
            half.withdraw(item)?;
            let length = snapshot::save_in_pieces(shape, state, chunk, |chunk| {
                checksum.update(chunk);
                written += u32::from(half.put_chunk(index, chunk, item)?);
                index += 1;
                Ok(())
            });
            let length = length.map_err(|error| match error {
                PieceError::Piece(error) => error,
                PieceError::Snapshot(error) => HalfError::Store(StoreError::Snapshot(error)),
            })?;
            manifest = Manifest { length: length as u32, crc: checksum.value(), ..manifest };
            half.complete(manifest, item)?;
            Ok(length)
        })?;
        // What was acknowledged may still be lost to the next boot, which knows no places.
        self.forget(half);
        let kept = self.on(half, |half| half.verify(item))?;
        if kept == Some(manifest) {
            Ok(Saved { generation, length, written })
        } else {
            Err(HalfError::Unusable)
        }
    }

    /// Looks for the newest generation of which nothing is missing or wrong.
    fn find_newest(&mut self, item: &mut [u8]) -> Result<Newest, StoreError<F::Error>> {
        if matches!(self.newest, Newest::Unknown) {
            let first = self.readable(0, |half| half.manifest(item))?;
            let second = self.readable(1, |half| half.manifest(item))?;
            let order = match (first, second) {
                (Some(first), Some(second)) if second.is_newer(&first) => [1, 0],
                _ => [0, 1],
            };
            self.newest = Newest::Nothing;
            for half in order {
                if let Some(manifest) = self.readable(half, |half| half.verify(item))? {
                    self.newest = Newest::In { half, generation: manifest.generation };
                    break;
                }
            }
        }
        Ok(self.newest)
    }

    /// What `read` finds in a half; nothing in one that is unusable.
    fn readable(
        &mut self,
        half: usize,
        read: impl FnOnce(&mut Half<'_, F, KEYS>) -> Result<Option<Manifest>, HalfError<F::Error>>,
    ) -> Result<Option<Manifest>, StoreError<F::Error>> {
        match self.on(half, read) {
            Ok(found) => Ok(found),
            Err(HalfError::Unusable) => Ok(None),
            Err(HalfError::Store(error)) => {
                self.newest = Newest::Unknown;
                Err(error)
            }
        }
    }

    fn erase(&mut self, half: usize) -> Result<(), StoreError<F::Error>> {
        self.forget(half);
        self.on(half, |half| Ok(block_on(half.map.erase_all())?)).map_err(unkept)
    }

    /// Acts on a half, with the places of its items that are remembered.
    fn on<T>(
        &mut self,
        half: usize,
        act: impl FnOnce(&mut Half<'_, F, KEYS>) -> Result<T, HalfError<F::Error>>,
    ) -> Result<T, HalfError<F::Error>> {
        let range = self.range(half);
        let config = MapConfig::try_new(range).map_err(|_| HalfError::Store(StoreError::Region))?;
        let places = self.places.get_mut(half).and_then(Option::take);
        let places = places.unwrap_or_else(|| Cache::new(Uncached, Uncached, ArrayKeyPointers::new()));
        let mut acting = Half { map: MapStorage::new(&mut self.flash, config, places) };
        let result = act(&mut acting);
        let (_, places) = acting.map.destroy();
        if let Some(place) = self.places.get_mut(half) {
            *place = Some(places);
        }
        result
    }

    fn forget(&mut self, half: usize) {
        if let Some(places) = self.places.get_mut(half) {
            *places = None;
        }
    }

    fn range(&self, half: usize) -> Range<u32> {
        let Range { start, end } = self.region;
        let middle = start + (end - start) / 2;
        if half == 0 { start..middle } else { middle..end }
    }
}

impl<F, const KEYS: usize> fmt::Debug for FlashStore<F, KEYS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlashStore")
            .field("region", &self.region)
            .field("newest", &self.newest)
            .finish_non_exhaustive()
    }
}

/// A half that is unusable where erasing does not help, or must not.
fn unkept<E>(error: HalfError<E>) -> StoreError<E> {
    match error {
        HalfError::Unusable => StoreError::NotKept,
        HalfError::Store(error) => error,
    }
}

/// Places for a chunk, and for an item of the map.
type ChunkAndItem<'b> = (&'b mut [u8], &'b mut [u8]);

fn split<F: NorFlash>(buffer: &mut [u8]) -> Result<ChunkAndItem<'_>, StoreError<F::Error>> {
    let (needed, available) = (buffer_len::<F>(), buffer.len());
    let buffer = buffer.get_mut(..needed).ok_or(StoreError::BufferTooSmall { needed, available })?;
    Ok(buffer.split_at_mut(chunk_len::<F>()))
}
