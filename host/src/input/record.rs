//! One line, or one quoted record of several lines, split into fields.

use std::io::Read;
use std::ops::Range;

use super::error::{InputError, Mismatch, excerpt};
use super::lines::{LINE_LIMIT, Lines};

/// What separates the fields of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delimiter {
    /// A tab; fields are taken as they stand, apart from a pair of quotes around a whole field.
    Tab,
    /// A comma, with quoted fields as in RFC 4180.
    Comma,
    /// A semicolon, with quoted fields.
    Semicolon,
    /// A vertical bar, with quoted fields.
    Bar,
    /// Two colons; fields are taken as they stand, apart from a pair of quotes around a whole field.
    DoubleColon,
}

impl Delimiter {
    /// All of them, in the order in which they are tried.
    pub(crate) const ALL: [Self; 5] = [Self::Tab, Self::DoubleColon, Self::Comma, Self::Semicolon, Self::Bar];

    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tab => "tab",
            Self::Comma => ",",
            Self::Semicolon => ";",
            Self::Bar => "|",
            Self::DoubleColon => "::",
        }
    }

    /// The character, and whether fields may be quoted.
    fn character(self) -> (u8, bool) {
        match self {
            Self::Tab => (b'\t', false),
            Self::Comma => (b',', true),
            Self::Semicolon => (b';', true),
            Self::Bar => (b'|', true),
            Self::DoubleColon => (b':', false),
        }
    }
}

impl std::str::FromStr for Delimiter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let given = if text == "\t" || text == "\\t" { "tab" } else { text };
        let found = Self::ALL.into_iter().find(|delimiter| delimiter.name() == given);
        found.ok_or("expected one of `tab`, `,`, `;`, `|`, `::`")
    }
}

/// Whether a record ends with its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    /// A quoted field goes on in the next line.
    Open,
}

/// The fields of one record; reused from record to record.
pub(crate) struct Record {
    text: Vec<u8>,
    fields: Vec<Range<usize>>,
    line: u64,
    quoted: csv_core::Reader,
    quoted_delimiter: u8,
    ends: Vec<usize>,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self {
            text: Vec::new(),
            fields: Vec::new(),
            line: 0,
            quoted: csv_core::Reader::new(),
            quoted_delimiter: b',',
            ends: Vec::new(),
        }
    }

    /// The number of the record's first line.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    /// A field without the spaces around it; empty if there is none.
    pub(crate) fn field(&self, index: usize) -> &[u8] {
        let field = self.fields.get(index).cloned().and_then(|field| self.text.get(field));
        field.unwrap_or_default().trim_ascii()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.field(index))
    }

    /// The next record that is not blank; false at the end.
    pub(crate) fn read<R: Read>(
        &mut self,
        lines: &mut Lines<R>,
        delimiter: Delimiter,
    ) -> Result<bool, InputError> {
        loop {
            let Some(line) = lines.next()? else { return Ok(false) };
            if is_blank(line) {
                continue;
            }
            let mut part = self.split(line, delimiter);
            self.line = lines.number();
            while part == Part::Open {
                let Some(line) = lines.next()? else {
                    return Err(
                        Mismatch::new("a closing quote", "the end of the file").at(lines.path(), self.line)
                    );
                };
                part = self.go_on(line);
                if self.text.len() > LINE_LIMIT {
                    let expected = format!("a quoted record of at most {LINE_LIMIT} bytes");
                    return Err(Mismatch::new(expected, "a longer one").at(lines.path(), self.line));
                }
            }
            return Ok(true);
        }
    }

    /// Splits a first line.
    pub(crate) fn split(&mut self, line: &[u8], delimiter: Delimiter) -> Part {
        let (character, quotes) = delimiter.character();
        self.fields.clear();
        self.text.clear();
        if quotes && memchr::memchr(b'"', line).is_some() {
            self.ends.clear();
            if self.quoted_delimiter == character {
                self.quoted.reset();
            } else {
                self.quoted = csv_core::ReaderBuilder::new().delimiter(character).build();
                self.quoted_delimiter = character;
            }
            return self.go_on(line);
        }
        self.text.extend_from_slice(line);
        let mut start = 0;
        for at in memchr::memchr_iter(character, line) {
            let end = at + if delimiter == Delimiter::DoubleColon { 2 } else { 1 };
            if delimiter == Delimiter::DoubleColon && (at < start || line.get(at + 1) != Some(&b':')) {
                continue;
            }
            self.fields.push(unquoted(line, start..at, quotes));
            start = end;
        }
        self.fields.push(unquoted(line, start..line.len(), quotes));
        Part::Whole
    }

    /// Gives a line of a quoted record to the parser.
    fn go_on(&mut self, line: &[u8]) -> Part {
        let (mut written, mut ended) = (self.text.len(), self.ends.len());
        // Room for all of it, so that the parser never stops for want of room.
        let fields = memchr::memchr_iter(self.quoted_delimiter, line).count() + 2;
        self.text.resize(written + line.len() + 1, 0);
        self.ends.resize(ended + fields, 0);
        let mut part = Part::Open;
        for input in [line, b"\n"] {
            let (result, _, text, ends) =
                self.quoted.read_record(input, &mut self.text[written..], &mut self.ends[ended..]);
            written += text;
            ended += ends;
            if result == csv_core::ReadRecordResult::Record {
                part = Part::Whole;
            }
        }
        self.text.truncate(written);
        self.ends.truncate(ended);
        if part == Part::Whole {
            let mut start = 0;
            self.fields.extend(self.ends.iter().map(|&end| std::mem::replace(&mut start, end)..end));
        }
        part
    }

    /// The fields as they may be shown in an error.
    pub(crate) fn shown(&self) -> String {
        let fields: Vec<&[u8]> = self.iter().collect();
        excerpt(&fields.join(&b' '))
    }
}

/// The inside of a field that is quoted as a whole, where quotes have no other meaning.
fn unquoted(line: &[u8], field: Range<usize>, quotes: bool) -> Range<usize> {
    match &line[field.clone()] {
        [b'"', .., b'"'] if !quotes => field.start + 1..field.end - 1,
        _ => field,
    }
}

/// Whether a line holds nothing but spaces.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|&byte| byte == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::decompress::Compression;

    fn records(text: &str, delimiter: Delimiter) -> Result<Vec<(u64, Vec<String>)>, InputError> {
        let mut lines = Lines::new(text.as_bytes(), "f".to_owned(), Compression::None)?;
        let mut record = Record::new();
        let mut all = Vec::new();
        while record.read(&mut lines, delimiter)? {
            let fields = record.iter().map(|field| String::from_utf8_lossy(field).into_owned());
            all.push((record.line(), fields.collect()));
        }
        Ok(all)
    }

    fn fields(text: &str, delimiter: &str) -> Vec<String> {
        let mut all = records(text, delimiter.parse().unwrap()).unwrap();
        assert_eq!(all.len(), 1);
        all.remove(0).1
    }

    #[test]
    fn every_delimiter_splits() {
        assert_eq!(fields("a\tb c\t\t d ", "tab"), ["a", "b c", "", "d"]);
        assert_eq!(fields("1::2:3::::4", "::"), ["1", "2:3", "", "4"]);
        assert_eq!(fields("1:::2", "::"), ["1", ":2"]);
        assert_eq!(fields("a,,b,", ","), ["a", "", "b", ""]);
        assert_eq!(fields("a;b,c", ";"), ["a", "b,c"]);
        assert_eq!(fields("a|b", "|"), ["a", "b"]);
        assert!("tabs".parse::<Delimiter>().is_err());
        assert_eq!("\t".parse(), Ok(Delimiter::Tab));
    }

    #[test]
    fn quoted_fields() {
        assert_eq!(
            fields(r#"1,"RECORD FRAME 7"" SINGLE, SIZE ",2"#, ","),
            ["1", "RECORD FRAME 7\" SINGLE, SIZE", "2"]
        );
        assert_eq!(fields(r#"a,b "c" d,e"#, ","), ["a", "b \"c\" d", "e"]);
        assert_eq!(fields(r#""a;b";"c""#, ";"), ["a;b", "c"]);
        assert_eq!(fields(r#"""",""""#, ","), ["\",\""]);
        assert_eq!(fields("\"a\"\t5\" disc\t\"b", "tab"), ["a", "5\" disc", "\"b"]);
    }

    #[test]
    fn a_quoted_field_may_hold_line_ends() {
        let text = "a,\"b\r\nc\",d\n\n \ne,\"f\",g\n";
        let all = records(text, Delimiter::Comma).unwrap();
        let second = vec!["e".to_owned(), "f".to_owned(), "g".to_owned()];
        assert_eq!(all, [(1, vec!["a".to_owned(), "b\nc".to_owned(), "d".to_owned()]), (5, second)]);
    }

    #[test]
    fn an_open_quote_is_an_error_at_its_own_line() {
        let error = records("a,b\nc,\"d\ne,f\n", Delimiter::Comma).unwrap_err().to_string();
        assert_eq!(error, "f:2: expected a closing quote, found the end of the file");
        let long = format!("a,\"{}", "x\n".repeat(LINE_LIMIT));
        let error = records(&long, Delimiter::Comma).unwrap_err().to_string();
        assert_eq!(error, "f:1: expected a quoted record of at most 1048576 bytes, found a longer one");
    }
}
