//! The pages of the chip's flash that hold the state, on boards whose flash is emulated by memory.
//!
//! They behave as flash does: erasing sets all bits of a page, programming clears bits, word by word. Power fails
//! after so many operations, in the middle of a word or a page. A board takes the flash driver of its chip instead.

use core::ops::Range;

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

/// Bytes that are erased at a time.
const PAGE: usize = 4096;
/// Pages that `memory.x` sets aside.
const PAGES: usize = 32;
/// Bytes of the state's pages.
pub const LEN: usize = PAGE * PAGES;

unsafe extern "C" {
    /// The state's pages, at the end of the chip's flash.
    static mut _state_start: [u8; LEN];
    /// Memory that the chip does not have.
    static mut _outside: Outside;
}

/// What an observer of the chip writes down.
#[repr(C)]
pub struct Outside {
    /// Whether it has begun.
    mark: u32,
    /// How often the chip was switched on.
    pub boots: u32,
    /// How often each page was erased.
    pub erases: [u32; PAGES],
}

const MARK: u32 = u32::from_le_bytes(*b"seen");

/// The state's pages.
pub struct StateFlash {
    bytes: &'static mut [u8; LEN],
    outside: &'static mut Outside,
    power: u32,
}

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no power any more.
    NoPower,
    /// It was asked for what flash cannot do.
    Refused(NorFlashErrorKind),
}

impl NorFlashError for Fault {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NoPower => NorFlashErrorKind::Other,
            Self::Refused(kind) => *kind,
        }
    }
}

impl StateFlash {
    /// All of the pages.
    pub const REGION: Range<u32> = 0..LEN as u32;

    /// Switches the chip on, with power for so many words programmed and pages erased. A chip that was never on
    /// before comes erased.
    ///
    /// # Safety
    /// It may be called once in the life of a program.
    pub unsafe fn switch_on(power: u32) -> Self {
        let (bytes, outside) = (&raw mut _state_start, &raw mut _outside);
        // SAFETY: `memory.x` keeps both places free, the board has memory there, any bytes are valid for them, and
        // the caller promises that nothing else refers to them.
        let (bytes, outside) = unsafe { (&mut *bytes, &mut *outside) };
        if outside.mark != MARK {
            *outside = Outside { mark: MARK, boots: 0, erases: [0; _] };
            bytes.fill(0xff);
        }
        outside.boots += 1;
        Self { bytes, outside, power }
    }

    /// What an observer has seen.
    pub fn outside(&self) -> &Outside {
        self.outside
    }

    /// Whether an operation still has power, or half of it.
    fn operate(&mut self) -> bool {
        self.power = self.power.saturating_sub(1);
        self.power > 0
    }
}

impl ErrorType for StateFlash {
    type Error = Fault;
}

impl ReadNorFlash for StateFlash {
    const READ_SIZE: usize = 4;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Fault> {
        check_read(&*self, offset, bytes.len()).map_err(Fault::Refused)?;
        let stored = self.bytes.get(offset as usize..).unwrap_or_default();
        bytes.iter_mut().zip(stored).for_each(|(byte, &stored)| *byte = stored);
        Ok(())
    }

    fn capacity(&self) -> usize {
        LEN
    }
}

impl NorFlash for StateFlash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Fault> {
        check_erase(&*self, from, to).map_err(Fault::Refused)?;
        for number in from as usize / PAGE..to as usize / PAGE {
            let has_power = self.operate();
            let page = self.bytes.get_mut(number * PAGE..).unwrap_or_default();
            page.iter_mut().take(if has_power { PAGE } else { PAGE / 3 }).for_each(|byte| *byte = 0xff);
            if let Some(erases) = self.outside.erases.get_mut(number) {
                *erases += 1;
            }
            if !has_power {
                return Err(Fault::NoPower);
            }
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Fault> {
        check_write(&*self, offset, bytes.len()).map_err(Fault::Refused)?;
        for (word, at) in bytes.chunks_exact(4).zip((offset as usize..).step_by(4)) {
            let has_power = self.operate();
            let places = self.bytes.get_mut(at..).unwrap_or_default();
            places
                .iter_mut()
                .zip(word)
                .for_each(|(place, &byte)| *place &= if has_power { byte } else { byte | 0xa5 });
            if !has_power {
                return Err(Fault::NoPower);
            }
        }
        Ok(())
    }
}
