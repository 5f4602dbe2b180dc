//! Snapshots with checksums that fit, whatever is in them.

use std::vec::Vec;

/// CRC-32 bit by bit, from its polynomial.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// A snapshot of that version and body.
pub(crate) fn document(version: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = b"scal".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend((body.len() as u64).to_le_bytes());
    bytes.extend(crc32(body).to_le_bytes());
    bytes.extend(crc32(&bytes).to_le_bytes());
    bytes.extend(body);
    bytes
}

/// Makes the checksums of a changed snapshot fit again.
pub(crate) fn seal(bytes: &mut Vec<u8>) {
    *bytes = document(super::VERSION, &bytes[super::HEADER_LEN..]);
}
