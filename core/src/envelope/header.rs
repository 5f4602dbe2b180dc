//! What an envelope says of itself, whatever is in it.

use super::HEADER_LEN;

/// The first bytes of an envelope, of which nothing is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it is.
    pub magic: [u8; 4],
    /// The version of its format.
    pub version: u32,
    /// Bytes of the body.
    pub length: u64,
    /// CRC-32 (ISO-HDLC) of the body.
    pub body_crc: u32,
    /// CRC-32 of the header before it.
    pub header_crc: u32,
}

impl Header {
    /// The header at the front of `bytes`; `None` if they are too few.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let header = bytes.first_chunk::<HEADER_LEN>()?;
        Some(Self {
            magic: super::field(header, 0),
            version: u32::from_le_bytes(super::field(header, 4)),
            length: u64::from_le_bytes(super::field(header, 8)),
            body_crc: u32::from_le_bytes(super::field(header, 16)),
            header_crc: u32::from_le_bytes(super::field(header, 20)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_the_format_says() {
        let bytes = *b"scst\x01\0\0\0\x30\0\0\0\0\0\0\0\x1d\xbf\x24\xfb\xb4\x6a\x81\x9e";
        let expected = Header {
            magic: *b"scst",
            version: 1,
            length: 0x30,
            body_crc: 0xfb24_bf1d,
            header_crc: 0x9e81_6ab4,
        };
        assert_eq!(Header::read(&bytes), Some(expected));
        assert_eq!(Header::read(&bytes[..23]), None);
    }
}
