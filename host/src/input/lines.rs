//! Lines of bounded length, with their numbers.

use std::io::{self, Read};

use super::decompress::Compression;
use super::error::{InputError, Mismatch};

/// The longest line that is read, in bytes.
pub const LINE_LIMIT: usize = 1 << 20;

const BLOCK: usize = 1 << 18;

/// Splits text at `\n`, `\r\n` and `\r`, in any mixture, holding no more than one block and one line.
pub(crate) struct Lines<R> {
    reader: R,
    path: String,
    compression: Compression,
    buffer: Vec<u8>,
    /// The unread part of the buffer; no line end lies between `start` and `scanned`.
    start: usize,
    scanned: usize,
    end: usize,
    ended: bool,
    after_return: bool,
    number: u64,
}

impl<R: Read> Lines<R> {
    /// Reads the first block and refuses what is not text.
    pub(crate) fn new(reader: R, path: String, compression: Compression) -> Result<Self, InputError> {
        let mut lines = Self {
            reader,
            path,
            compression,
            buffer: vec![0; BLOCK],
            start: 0,
            scanned: 0,
            end: 0,
            ended: false,
            after_return: false,
            number: 0,
        };
        while lines.end < HEAD && !lines.ended {
            lines.fill()?;
        }
        let head = &lines.buffer[..lines.end.min(HEAD)];
        if let Some(found) = foreign(head) {
            return Err(Mismatch::new(TEXT, found).at(&lines.path, 1));
        }
        if head.starts_with(b"\xef\xbb\xbf") {
            lines.start = 3;
            lines.scanned = 3;
        }
        Ok(lines)
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The number of the last line, from 1; 0 before the first.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The next line without its end, or `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, InputError> {
        loop {
            if self.after_return && self.start < self.end {
                self.after_return = false;
                if self.buffer[self.start] == b'\n' {
                    self.start += 1;
                    self.scanned = self.start;
                }
            }
            let found = memchr::memchr2(b'\n', b'\r', &self.buffer[self.scanned..self.end]);
            let stop = found.map_or(self.end, |at| self.scanned + at);
            if stop - self.start > LINE_LIMIT {
                let expected = format!("a line of at most {LINE_LIMIT} bytes");
                return Err(Mismatch::new(expected, "a longer one").at(&self.path, self.number + 1));
            }
            if found.is_some() || (self.ended && self.start < stop) {
                let line = self.start..stop;
                self.after_return = found.is_some() && self.buffer[stop] == b'\r';
                self.start = (stop + 1).min(self.end);
                self.scanned = self.start;
                self.number += 1;
                return Ok(Some(&self.buffer[line]));
            }
            if self.ended {
                return Ok(None);
            }
            self.scanned = self.end;
            self.fill()?;
        }
    }

    /// Reads more behind the unread part, which moves to the front.
    fn fill(&mut self) -> Result<(), InputError> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.scanned -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            self.buffer.resize(self.end * 2, 0);
        }
        loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(read) => {
                    self.end += read;
                    self.ended = read == 0;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(error)),
            }
        }
    }

    fn unreadable(&self, error: io::Error) -> InputError {
        let name = self.compression.name();
        let (expected, found) = match error.kind() {
            _ if self.compression == Compression::None => {
                return InputError::Unreadable { path: self.path.clone(), source: error };
            }
            io::ErrorKind::UnexpectedEof => (format!("more {name} data"), "the end of the file".to_owned()),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                (format!("sound {name} data"), error.to_string())
            }
            _ => return InputError::Unreadable { path: self.path.clone(), source: error },
        };
        // The unread part holds whole lines only when it was never searched.
        let whole = memchr::memchr_iter(b'\n', &self.buffer[self.start..self.end]).count() as u64;
        Mismatch::new(expected, found).at(&self.path, self.number + whole + 1)
    }
}

const TEXT: &str = "text (plain, gzip or zstd)";

/// How much of a file is looked at to see whether it is text.
const HEAD: usize = 8192;

/// What the head of a file is, when it is not text.
fn foreign(head: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 8] = [
        (b"PK\x03\x04", "a zip archive (unpack it first)"),
        (b"BZh", "bzip2 data (unpack them first)"),
        (b"\xfd7zXZ", "xz data (unpack them first)"),
        (b"7z\xbc\xaf", "a 7z archive (unpack it first)"),
        (b"\x1f\x8b", "gzip data inside compressed data (unpack them first)"),
        (b"PAR1", "a Parquet file (write it as CSV first)"),
        (b"\xff\xfe", "UTF-16 text (write it as UTF-8 first)"),
        (b"\xfe\xff", "UTF-16 text (write it as UTF-8 first)"),
    ];
    let named = known.iter().find(|(magic, _)| head.starts_with(magic)).map(|&(_, name)| name);
    named.or_else(|| head.contains(&0).then_some("binary data"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, so that every boundary falls between two reads.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(buffer.len()).min(1);
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn lines(reader: impl Read) -> Result<Vec<String>, InputError> {
        let mut lines = Lines::new(reader, "f".to_owned(), Compression::None)?;
        let mut all = Vec::new();
        while let Some(line) = lines.next()? {
            all.push(String::from_utf8(line.to_vec()).unwrap());
            assert_eq!(lines.number(), all.len() as u64);
        }
        assert!(lines.next()?.is_none());
        Ok(all)
    }

    #[test]
    fn line_ends_may_be_mixed_and_the_last_may_be_missing() {
        let text = b"\xef\xbb\xbfa\r\nb\nc\rd\r\n\r\n\n\re";
        let expected = ["a", "b", "c", "d", "", "", "", "e"];
        assert_eq!(lines(&text[..]).unwrap(), expected);
        assert_eq!(lines(Drip(text)).unwrap(), expected);
        assert_eq!(lines(&b"a\n"[..]).unwrap(), ["a"]);
        assert_eq!(lines(&b"a\r"[..]).unwrap(), ["a"]);
        assert!(lines(&b""[..]).unwrap().is_empty());
        assert!(lines(&b"\xef\xbb\xbf"[..]).unwrap().is_empty());
    }

    #[test]
    fn lines_cross_blocks() {
        let long = "x".repeat(LINE_LIMIT);
        let text = format!("{}\n{long}\r\nz", "y".repeat(BLOCK - 1));
        let all = lines(text.as_bytes()).unwrap();
        assert_eq!(all.iter().map(String::len).collect::<Vec<_>>(), [BLOCK - 1, LINE_LIMIT, 1]);
        assert!(lines(format!("a\n{long}").as_bytes()).is_ok());
    }

    #[test]
    fn a_line_of_100_mib_is_an_error_and_is_not_held() {
        let source = (&b"ok\n"[..]).chain(io::repeat(b'x').take(100 << 20));
        let mut lines = Lines::new(source, "f".to_owned(), Compression::None).unwrap();
        assert_eq!(lines.next().unwrap(), Some(&b"ok"[..]));
        let error = lines.next().unwrap_err().to_string();
        assert_eq!(error, "f:2: expected a line of at most 1048576 bytes, found a longer one");
        assert!(lines.buffer.len() <= 2 * LINE_LIMIT);
    }

    #[test]
    fn what_is_not_text_is_named() {
        for (data, found) in [
            (&b"PK\x03\x04..."[..], "a zip archive (unpack it first)"),
            (b"BZh91AY", "bzip2 data (unpack them first)"),
            (b"\xff\xfea\0", "UTF-16 text (write it as UTF-8 first)"),
            (b"ab\0c", "binary data"),
        ] {
            let error = lines(data).unwrap_err().to_string();
            assert_eq!(error, format!("f:1: expected {TEXT}, found {found}"));
        }
    }
}
