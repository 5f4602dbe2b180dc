//! NOR flash that loses its power when it is told to.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

/// What the operation during which power fails leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tear {
    /// Everything as it was.
    Nothing,
    /// Some bits of the word, or some of the page: a part erased, every bit by chance, or anything at all.
    Part,
    /// All that was to be done.
    All,
}

/// The power cut to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// During which operation from now on, the next being 0.
    pub(crate) after: u64,
    pub(crate) tear: Tear,
    pub(crate) seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    PowerLost,
    Refused(NorFlashErrorKind),
}

impl NorFlashError for Fault {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::PowerLost => NorFlashErrorKind::Other,
            Self::Refused(kind) => *kind,
        }
    }
}

/// Pages of `PAGE` bytes that are written in words of `WORD`.
#[derive(Clone, Debug)]
pub(crate) struct Nor<const WORD: usize, const PAGE: usize> {
    pub(crate) bytes: Vec<u8>,
    /// How often each page was erased.
    pub(crate) erases: Vec<u32>,
    /// Words programmed and pages erased.
    pub(crate) operations: u64,
    /// Words programmed that were not erased before.
    pub(crate) overwritten: u64,
    cut: Option<Cut>,
    has_power: bool,
}

impl<const WORD: usize, const PAGE: usize> Nor<WORD, PAGE> {
    pub(crate) fn new(pages: usize) -> Self {
        Self {
            bytes: vec![0xff; pages * PAGE],
            erases: vec![0; pages],
            operations: 0,
            overwritten: 0,
            cut: None,
            has_power: true,
        }
    }

    pub(crate) fn cut_power(&mut self, cut: Cut) {
        self.cut = Some(cut);
    }

    pub(crate) fn power_on(&mut self) {
        self.cut = None;
        self.has_power = true;
    }

    /// Counts an operation; what is left of it if power fails meanwhile.
    fn operate(&mut self) -> Result<Option<Cut>, Fault> {
        self.expect_power()?;
        self.operations += 1;
        match &mut self.cut {
            Some(cut) if cut.after == 0 => {
                self.has_power = false;
                Ok(self.cut)
            }
            Some(cut) => {
                cut.after -= 1;
                Ok(None)
            }
            None => Ok(None),
        }
    }

    fn expect_power(&self) -> Result<(), Fault> {
        if self.has_power { Ok(()) } else { Err(Fault::PowerLost) }
    }
}

/// Random bits, by Steele's mixing function.
pub(crate) fn mix(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

fn random_byte(seed: u64, index: usize) -> u8 {
    mix(seed ^ (index as u64) << 40) as u8
}

impl<const WORD: usize, const PAGE: usize> ErrorType for Nor<WORD, PAGE> {
    type Error = Fault;
}

impl<const WORD: usize, const PAGE: usize> ReadNorFlash for Nor<WORD, PAGE> {
    const READ_SIZE: usize = 4;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Fault> {
        self.expect_power()?;
        check_read(&*self, offset, bytes.len()).map_err(Fault::Refused)?;
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const WORD: usize, const PAGE: usize> NorFlash for Nor<WORD, PAGE> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Fault> {
        check_erase(&*self, from, to).map_err(Fault::Refused)?;
        for page in from as usize / PAGE..to as usize / PAGE {
            let cut = self.operate()?;
            self.erases[page] += 1;
            let bytes = &mut self.bytes[page * PAGE..][..PAGE];
            match cut {
                None => bytes.fill(0xff),
                Some(Cut { tear: Tear::All, .. }) => bytes.fill(0xff),
                Some(Cut { tear: Tear::Nothing, .. }) => {}
                Some(Cut { tear: Tear::Part, seed, .. }) => match seed % 3 {
                    0 => bytes[..mix(seed) as usize % PAGE].fill(0xff),
                    1 => (0..).zip(bytes).for_each(|(index, byte)| *byte |= random_byte(seed, index)),
                    _ => (0..).zip(bytes).for_each(|(index, byte)| *byte = random_byte(seed, index)),
                },
            }
            if cut.is_some() {
                return Err(Fault::PowerLost);
            }
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Fault> {
        check_write(&*self, offset, bytes.len()).map_err(Fault::Refused)?;
        for (index, word) in bytes.chunks(WORD).enumerate() {
            let cut = self.operate()?;
            let place = &mut self.bytes[offset as usize + index * WORD..][..WORD];
            self.overwritten += u64::from(place.iter().any(|&byte| byte != 0xff));
            for (index, (byte, &value)) in place.iter_mut().zip(word).enumerate() {
                // Bits can be cleared alone.
                *byte &= match cut {
                    None => value,
                    Some(Cut { tear: Tear::All, .. }) => value,
                    Some(Cut { tear: Tear::Nothing, .. }) => 0xff,
                    Some(Cut { tear: Tear::Part, seed, .. }) => value | random_byte(seed, index),
                };
            }
            if cut.is_some() {
                return Err(Fault::PowerLost);
            }
        }
        Ok(())
    }
}
