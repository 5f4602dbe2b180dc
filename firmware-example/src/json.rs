//! One JSON object of numbers and short texts, without the formatting machinery of the language, which
//! would cost flash and bring panicking paths.

/// Bytes of the longest line.
const CAPACITY: usize = 768;

/// A JSON object on one line, written field by field.
pub struct Line {
    bytes: [u8; CAPACITY],
    length: usize,
    whole: bool,
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

impl Line {
    /// An object without fields yet.
    pub const fn new() -> Self {
        Self { bytes: [0; CAPACITY], length: 0, whole: true }
    }

    /// A whole number.
    pub fn number(&mut self, name: &str, value: u32) {
        self.key(name);
        self.decimal(value, 1);
    }

    /// `part / whole` with four decimals, rounded to the nearest; 0 when `whole` is 0.
    pub fn ratio(&mut self, name: &str, part: u32, whole: u32) {
        self.key(name);
        let (part, whole) = (u64::from(part), u64::from(whole));
        let scaled = (part * 10_000 + whole / 2).checked_div(whole).unwrap_or(0) as u32;
        self.decimal(scaled / 10_000, 1);
        self.push(b'.');
        self.decimal(scaled % 10_000, 4);
    }

    /// Sixteen hexadecimal digits.
    pub fn hexadecimal(&mut self, name: &str, value: u64) {
        self.key(name);
        self.push(b'"');
        for byte in value.to_be_bytes() {
            self.push(hexadecimal_digit(byte >> 4));
            self.push(hexadecimal_digit(byte & 15));
        }
        self.push(b'"');
    }

    /// The closed object and a line end; `None` when it did not fit.
    pub fn finish(&mut self) -> Option<&[u8]> {
        self.push(b'}');
        self.push(b'\n');
        if self.whole { self.bytes.get(..self.length) } else { None }
    }

    fn key(&mut self, name: &str) {
        self.push(if self.length == 0 { b'{' } else { b',' });
        self.push(b'"');
        for &byte in name.as_bytes() {
            self.push(byte);
        }
        self.push(b'"');
        self.push(b':');
    }

    fn decimal(&mut self, value: u32, minimum_digits: u32) {
        let mut power = 1_000_000_000_u32;
        let mut place = 10_u32;
        while power > 0 {
            if place <= minimum_digits || value >= power {
                self.push(b'0' + (value / power % 10) as u8);
            }
            power /= 10;
            place -= 1;
        }
    }

    fn push(&mut self, byte: u8) {
        match self.bytes.get_mut(self.length) {
            Some(slot) => {
                *slot = byte;
                self.length += 1;
            }
            None => self.whole = false,
        }
    }
}

const fn hexadecimal_digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}
