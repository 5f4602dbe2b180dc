//! What a half of the region holds.

use core::fmt::Debug;

use scall_core::envelope::Checksum;

use crate::StoreError;

/// The version of the layout that this crate writes, and the only one it reads.
pub const VERSION: u32 = 1;

const MAGIC: u32 = u32::from_le_bytes(*b"scfl");

/// A generation that is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) generation: u32,
    /// Bytes of the snapshot.
    pub(crate) length: u32,
    /// Their CRC-32.
    pub(crate) crc: u32,
}

impl Manifest {
    pub(crate) const LEN: usize = 24;

    pub(crate) fn to_bytes(self) -> [u8; Self::LEN] {
        let fields = [MAGIC, VERSION, self.generation, self.length, self.crc];
        let crc = checksum(&fields);
        let mut bytes = [0; Self::LEN];
        for (place, word) in bytes.chunks_exact_mut(4).zip(fields.into_iter().chain([crc])) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The manifest in `bytes`, if there is an intact one.
    pub(crate) fn from_bytes<E: Debug>(bytes: &[u8]) -> Result<Option<Self>, StoreError<E>> {
        let Ok(bytes) = <&[u8; Self::LEN]>::try_from(bytes) else { return Ok(None) };
        let mut words = [0; Self::LEN / 4];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = bytes.try_into().map_or(0, u32::from_le_bytes);
        }
        let [magic, version, generation, length, crc, own_crc] = words;
        if magic != MAGIC || own_crc != checksum(&[magic, version, generation, length, crc]) {
            return Ok(None);
        }
        if version != VERSION {
            return Err(StoreError::ForeignVersion { found: version, expected: VERSION });
        }
        Ok(Some(Self { generation, length, crc }))
    }

    /// Whether this generation was saved after the other, of which at most half of all numbers lie between.
    pub(crate) const fn is_newer(&self, other: &Self) -> bool {
        self.generation.wrapping_sub(other.generation).cast_signed() > 0
    }
}

fn checksum(words: &[u32]) -> u32 {
    let mut checksum = Checksum::new();
    for word in words {
        checksum.update(&word.to_le_bytes());
    }
    checksum.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: Manifest = Manifest { generation: 7, length: 0x1234, crc: 0xcbf4_3926 };

    fn read(bytes: &[u8]) -> Result<Option<Manifest>, StoreError<()>> {
        Manifest::from_bytes(bytes)
    }

    #[test]
    fn exact_bytes() {
        let bytes = MANIFEST.to_bytes();
        assert_eq!(bytes[..20], *b"scfl\x01\0\0\0\x07\0\0\0\x34\x12\0\0\x26\x39\xf4\xcb");
        assert_eq!(read(&bytes), Ok(Some(MANIFEST)));
    }

    #[test]
    fn every_flipped_bit_is_told() {
        for bit in 0..Manifest::LEN * 8 {
            let mut bytes = MANIFEST.to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&bytes), Ok(None), "bit {bit}");
        }
        assert_eq!(read(&[]), Ok(None));
    }

    #[test]
    fn another_version_is_told() {
        let mut bytes = MANIFEST.to_bytes();
        bytes[4] = 2;
        let mut checksum = Checksum::new();
        checksum.update(&bytes[..20]);
        bytes[20..].copy_from_slice(&checksum.value().to_le_bytes());
        assert_eq!(read(&bytes), Err(StoreError::ForeignVersion { found: 2, expected: 1 }));
    }

    #[test]
    fn generations_are_ordered_around_the_end_of_their_numbers() {
        let of = |generation| Manifest { generation, ..MANIFEST };
        assert!(of(2).is_newer(&of(1)) && !of(1).is_newer(&of(2)) && !of(1).is_newer(&of(1)));
        assert!(of(0).is_newer(&of(u32::MAX)) && !of(u32::MAX).is_newer(&of(0)));
    }
}
