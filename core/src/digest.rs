//! A fingerprint of a model: the same on every machine exactly when the bits are.

/// FNV-1a over little-endian bytes, 64 bits wide (Fowler, Noll and Vo).
///
/// Tells equal from different runs. It is no protection: damage is what a snapshot's CRC is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// The digest of nothing.
    pub const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Takes in one byte.
    #[inline]
    pub fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }

    /// Takes in a whole number, lowest byte first.
    #[inline]
    pub fn word(&mut self, word: u32) {
        for byte in word.to_le_bytes() {
            self.byte(byte);
        }
    }

    /// Takes in the bits of every value, in order.
    pub fn floats(&mut self, values: &[f32]) {
        for value in values {
            self.word(value.to_bits());
        }
    }

    /// Takes in every number, in order.
    pub fn words(&mut self, words: &[u32]) {
        for &word in words {
            self.word(word);
        }
    }

    /// The digest of all that was taken in.
    pub const fn value(self) -> u64 {
        self.0
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published test vectors of the 64-bit FNV-1a.
    #[test]
    fn known_values() {
        let of = |text: &str| {
            let mut digest = Digest::new();
            text.bytes().for_each(|byte| digest.byte(byte));
            digest.value()
        };
        assert_eq!(of(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(of("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(of("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn numbers_go_in_lowest_byte_first() {
        let mut digest = Digest::new();
        digest.words(&[u32::from_le_bytes(*b"foob")]);
        digest.byte(b'a');
        digest.byte(b'r');
        assert_eq!(digest.value(), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_zero_and_a_negative_zero_differ() {
        let of = |value: f32| {
            let mut digest = Digest::default();
            digest.floats(&[value]);
            digest.value()
        };
        assert_ne!(of(0.0), of(-0.0));
        assert_eq!(of(1.5), of(1.5));
    }
}
