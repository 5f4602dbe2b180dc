//! State in on-board flash, where a power cut at any time leaves the last saved state or the one before.
//!
//! A [`FlashStore`] keeps two generations of a [`Snapshot`], each in a half of its region of flash, and writes
//! them in turn: while one is written, the other half is not touched. A half is a map of `sequential-storage`,
//! whose pages are used one after the other, so they wear evenly:
//!
//! | key | value |
//! | --- | --- |
//! | 0 | the manifest: generation, length and checksum of the snapshot; empty while the half is written |
//! | 1.. | the snapshot, [`chunk_len`] bytes each, the last as many as are left |
//!
//! A chunk that the half already holds with the same bytes is not written again. Everything written is read
//! back, and the generation as a whole once more, as after a reboot, before it counts.
//!
//! The flash is anything with the traits of `embedded-storage` whose words are at least four bytes; smaller ones
//! have to be [`Grouped`], because items can be lost to power cuts between single bytes. All memory is the caller's: a buffer
//! of [`buffer_len`] bytes, and where the chunks are, as long as [`keys_len`] says, in the store itself.
//!
//! ```
//! # use embedded_storage::nor_flash::*;
//! # struct Flash([u8; 4096]);
//! # impl Flash { fn new() -> Self { Self([0xff; 4096]) } }
//! # impl ErrorType for Flash { type Error = NorFlashErrorKind; }
//! # impl ReadNorFlash for Flash {
//! #     const READ_SIZE: usize = 4;
//! #     fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
//! #         check_read(self, offset, bytes.len())?;
//! #         bytes.copy_from_slice(&self.0[offset as usize..][..bytes.len()]);
//! #         Ok(())
//! #     }
//! #     fn capacity(&self) -> usize { self.0.len() }
//! # }
//! # impl NorFlash for Flash {
//! #     const WRITE_SIZE: usize = 4;
//! #     const ERASE_SIZE: usize = 256;
//! #     fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
//! #         check_erase(self, from, to)?;
//! #         Ok(self.0[from as usize..to as usize].fill(0xff))
//! #     }
//! #     fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
//! #         check_write(self, offset, bytes.len())?;
//! #         Ok(self.0[offset as usize..].iter_mut().zip(bytes).for_each(|(place, byte)| *place &= byte))
//! #     }
//! # }
//! use scall_core::random::Generator;
//! use scall_flash::{FlashStore, buffer_len, keys_len, region_len};
//!
//! const LONGEST: usize = 60;
//! // Flash of the board, of which the first pages are the state's.
//! let mut flash = Flash::new();
//! let region = 0..region_len::<Flash>(LONGEST) as u32;
//! let mut buffer = [0; buffer_len::<Flash>()];
//!
//! let mut generator = Generator::new(1);
//! let mut store = FlashStore::<_, { keys_len::<Flash>(LONGEST) }>::new(&mut flash, region.clone())?;
//! assert_eq!(store.load(&[7], &mut generator, &mut buffer)?, None);
//! store.save(&[7], &generator, &mut buffer)?;
//! let next = generator.next_u32();
//!
//! // After the next boot.
//! let mut generator = Generator::new(2);
//! let mut store = FlashStore::<_, { keys_len::<Flash>(LONGEST) }>::new(&mut flash, region)?;
//! assert!(store.load(&[7], &mut generator, &mut buffer)?.is_some_and(|loaded| loaded.generation == 1));
//! assert_eq!(generator.next_u32(), next);
//! # Ok::<(), scall_flash::StoreError<embedded_storage::nor_flash::NorFlashErrorKind>>(())
//! ```
//!
//! [`Snapshot`]: scall_core::snapshot::Snapshot
#![no_std]

mod blocking;
mod error;
mod grouped;
mod half;
mod layout;
mod manifest;
mod store;

pub use error::StoreError;
pub use grouped::Grouped;
pub use layout::{buffer_len, chunk_len, keys_len, region_len};
pub use manifest::VERSION;
pub use store::{FlashStore, Loaded, Saved};
