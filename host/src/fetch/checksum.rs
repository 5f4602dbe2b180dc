//! Checksums of files.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result};
use md5::Md5;
use sha2::{Digest, Sha256};

/// How a checksum is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// MD5: tells damage, and no more.
    Md5,
    /// SHA-256.
    Sha256,
}

/// The checksum of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// MD5.
    Md5([u8; 16]),
    /// SHA-256.
    Sha256([u8; 32]),
}

impl Algorithm {
    /// The checksum of the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of(self, path: &Path) -> Result<Checksum> {
        let summed = File::open(path).and_then(|file| match self {
            Self::Md5 => digest::<Md5>(file).map(|sum| Checksum::Md5(sum.into())),
            Self::Sha256 => digest::<Sha256>(file).map(|sum| Checksum::Sha256(sum.into())),
        });
        summed.with_context(|| format!("{}: cannot read the file", path.display()))
    }
}

fn digest<D: Digest>(mut file: File) -> std::io::Result<sha2::digest::Output<D>> {
    let mut digest = D::new();
    let mut block = vec![0; 1 << 18];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(digest.finalize()),
            Ok(read) => digest.update(&block[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl Checksum {
    /// How it was computed.
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Md5(_) => Algorithm::Md5,
            Self::Sha256(_) => Algorithm::Sha256,
        }
    }

    /// Its digits.
    pub fn hex(&self) -> String {
        match self {
            Self::Md5(sum) => hex::encode(sum),
            Self::Sha256(sum) => hex::encode(sum),
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Md5(_) => "MD5",
            Self::Sha256(_) => "SHA-256",
        };
        write!(formatter, "{name} {}", self.hex())
    }
}

/// Reads a SHA-256.
impl FromStr for Checksum {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut sum = [0; 32];
        hex::decode_to_slice(text, &mut sum).map_err(|_| "expected the 64 digits of a SHA-256")?;
        Ok(Self::Sha256(sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standards() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        // RFC 1321, appendix A.5; FIPS 180-2, appendix B.1.
        assert_eq!(Algorithm::Md5.of(&path).unwrap().to_string(), "MD5 900150983cd24fb0d6963f7d28e17f72");
        let sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Algorithm::Sha256.of(&path).unwrap(), sha.parse().unwrap());
        assert_eq!(sha.parse::<Checksum>().unwrap().hex(), sha);
        assert!(Algorithm::Md5.of(directory.path()).is_err());
    }

    #[test]
    fn what_is_no_sha_256_is_refused() {
        for text in ["", "ab", "900150983cd24fb0d6963f7d28e17f72", &"g".repeat(64), &"a".repeat(66)] {
            assert!(text.parse::<Checksum>().is_err(), "{text}");
        }
    }
}
