//! Decompression, recognised by content.

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstandard,
}

impl Compression {
    /// Recognises the first bytes of a file.
    pub(crate) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or a skippable frame in front of one (RFC 8878, section 3.1).
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstandard,
            _ => Self::None,
        }
    }

    /// What a reader calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstandard => "zstd",
        }
    }

    /// The plain bytes behind `reader`.
    pub(crate) fn decode<'a>(self, reader: impl BufRead + 'a) -> Box<dyn Read + 'a> {
        match self {
            Self::None => Box::new(reader),
            Self::Gzip => Box::new(MultiGzDecoder::new(reader)),
            Self::Zstandard => {
                Box::new(Frames { reader, decoder: FrameDecoder::new(), open: false, failed: false })
            }
        }
    }
}

/// The content of Zstandard frames one after the other, without the skippable ones.
struct Frames<R> {
    reader: R,
    decoder: FrameDecoder,
    open: bool,
    failed: bool,
}

impl<R: BufRead> Frames<R> {
    /// Starts the next frame; false at the end of the data.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.reader.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.init(&mut self.reader) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let wanted = u64::from(length);
                    if io::copy(&mut (&mut self.reader).take(wanted), &mut io::sink())? < wanted {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(self.explain(&error)),
            }
        }
    }

    /// A cut file is told from a damaged one by whether anything is left to read.
    fn explain(&mut self, error: &FrameDecoderError) -> io::Error {
        self.failed = true;
        match self.reader.fill_buf() {
            Ok([]) => io::Error::new(io::ErrorKind::UnexpectedEof, error.to_string()),
            _ => io::Error::new(io::ErrorKind::InvalidData, error.to_string()),
        }
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.failed {
            return Ok(0);
        }
        loop {
            if !self.open {
                if !self.next_frame()? {
                    return Ok(0);
                }
                self.open = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let step = BlockDecodingStrategy::UptoBlocks(1);
                if let Err(error) = self.decoder.decode_blocks(&mut self.reader, step) {
                    return Err(self.explain(&error));
                }
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            self.open = false;
            let sums = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
            if let (Some(stated), Some(actual)) = sums
                && stated != actual
            {
                self.failed = true;
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a wrong checksum"));
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::io::Write;

    type Encode = fn(&[u8]) -> Vec<u8>;
    const ENCODERS: [Encode; 2] = [gzip, zstandard];

    pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    pub(crate) fn zstandard(data: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn decode(data: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        Compression::of(data).decode(data).read_to_end(&mut plain)?;
        Ok(plain)
    }

    fn sample() -> Vec<u8> {
        (0..60_000_u32)
            .flat_map(|i| format!("{}\t{}\n", i, i.wrapping_mul(2_654_435_761)).into_bytes())
            .collect()
    }

    #[test]
    fn all_members_and_frames_are_read() {
        for encode in ENCODERS {
            let whole = sample();
            let (first, second) = whole.split_at(whole.len() / 3);
            let joined = [encode(first), encode(second), encode(b"")].concat();
            assert!(decode(&joined).unwrap() == whole);
        }
        assert_eq!(decode(b"plain").unwrap(), b"plain");
        assert_eq!(decode(b"").unwrap(), b"");
    }

    /// Bytes of the reference `zstd` program: `printf hello | zstd --check`, behind a skippable frame.
    #[test]
    fn a_frame_of_the_reference_encoder_with_its_checksum() {
        let mut data = vec![0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9];
        data.extend(ZSTD_HELLO);
        assert_eq!(decode(&data).unwrap(), b"hello");
        let last = data.len() - 1;
        data[last] ^= 1;
        assert_eq!(decode(&data).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(decode(&data[..9]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    const ZSTD_HELLO: [u8; 18] = [
        0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x29, 0x00, 0x00, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0xa3, 0x6d, 0x9f,
        0x88,
    ];

    #[test]
    fn cut_and_damaged_data_are_errors() {
        for encode in ENCODERS {
            let data = encode(&sample());
            for length in [5, 20, data.len() / 2, data.len() - 1] {
                let error = decode(&data[..length]).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{length}: {error}");
            }
            let mut trailing = data.clone();
            trailing.extend(b"not compressed");
            assert!(decode(&trailing).is_err());
        }
        let mut damaged = gzip(&sample());
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x55;
        assert!(decode(&damaged).is_err());
    }
}
