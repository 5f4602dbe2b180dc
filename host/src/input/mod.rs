//! Interaction files: text, plain or compressed, recognised by content.
//!
//! [`read`] takes the file of one interaction a line through decompression, lines of bounded length, and
//! the parser of its format, and gives the interactions in file order with users and items numbered by
//! first appearance. Nothing but the numbers, the names and one block of text is ever held.
//!
//! A row without a user or an item is skipped and counted, a blank line is no row, and anything else that
//! is not as expected ends the reading with its line.

mod decompress;
mod error;
mod format;
mod json;
mod lines;
mod names;
mod record;
#[cfg(test)]
mod tests;
mod time;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use decompress::Compression;
pub use error::InputError;
pub(crate) use error::shown_path;
use error::{Mismatch, excerpt};
pub use format::{Column, Format, ReadOptions};
use format::{Layout, recognise};
pub use lines::LINE_LIMIT;
use lines::Lines;
pub(crate) use names::Interner;
use names::NameError;
pub use names::Names;
pub use record::Delimiter;
use record::{Record, is_blank};

/// Interactions as they stand in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Interactions {
    /// The file as it was named, for errors; empty if there is none.
    pub path: String,
    /// The file's name without directories and compression suffix.
    pub name: String,
    /// What the file was recognised as.
    pub format: Format,
    /// Rows in the file, without a header and blank lines.
    pub rows: u64,
    /// Rows among them that lack a user or an item.
    pub skipped_rows: u64,
    /// The user of each interaction, in file order.
    pub users: Vec<u32>,
    /// The item of each interaction.
    pub items: Vec<u32>,
    /// The time of each interaction, in Unix milliseconds from 0 up to and without 10^14.
    pub times: Vec<i64>,
    /// The rating of each interaction, as far as it has one; empty unless [`ReadOptions::ratings`] asks.
    pub ratings: Vec<Option<f32>>,
    /// The users' names by number.
    pub user_names: Names,
    /// The items' names by number.
    pub item_names: Names,
}

/// Reads the interactions of the file at `path`.
///
/// O(bytes); holds 16 bytes an interaction, the names, and a hash table of 4 to 9 bytes a name.
///
/// # Errors
/// The file cannot be read, is damaged or no text, has no recognisable columns, or has a malformed row.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Interactions, InputError> {
    match File::open(path) {
        Ok(file) => read_from(file, path, options),
        Err(source) => Err(InputError::Unreadable { path: shown_path(path), source }),
    }
}

/// Reads interactions from the bytes of a file, which `path` names in errors.
///
/// # Errors
/// As [`read`].
pub fn read_from(source: impl Read, path: &Path, options: &ReadOptions) -> Result<Interactions, InputError> {
    let shown = shown_path(path);
    let mut reader = BufReader::with_capacity(1 << 16, source);
    let head = match reader.fill_buf() {
        Ok(head) => head,
        Err(source) => return Err(InputError::Unreadable { path: shown, source }),
    };
    let compression = Compression::of(head);
    let lines = Lines::new(compression.decode(reader), shown, compression)?;
    let mut reading = Reading::new(lines, options.ratings);
    let format = reading.run(options)?;
    Ok(reading.finish(path, format))
}

/// The interactions read so far, and the lines they come from.
struct Reading<R> {
    lines: Lines<R>,
    rows: u64,
    skipped_rows: u64,
    users: Vec<u32>,
    items: Vec<u32>,
    times: Vec<i64>,
    ratings: Option<Vec<Option<f32>>>,
    user_names: Interner,
    item_names: Interner,
}

impl<R: Read> Reading<R> {
    fn new(lines: Lines<R>, ratings: bool) -> Self {
        Self {
            lines,
            rows: 0,
            skipped_rows: 0,
            users: Vec::new(),
            items: Vec::new(),
            times: Vec::new(),
            ratings: ratings.then(Vec::new),
            user_names: Interner::default(),
            item_names: Interner::default(),
        }
    }

    fn run(&mut self, options: &ReadOptions) -> Result<Format, InputError> {
        let first = loop {
            match self.lines.next()? {
                None => return Err(self.nothing_more("an interaction")),
                Some(line) if is_blank(line) => {}
                Some(line) => break line.to_vec(),
            }
        };
        let format = match first.trim_ascii_start() {
            [b'{', ..] if options.delimiter.is_none() => self.objects(first, options)?,
            [b'[', ..] if options.delimiter.is_none() => {
                let mismatch = Mismatch::new("one JSON object a line, or columns", excerpt(&first));
                return Err(self.here(mismatch));
            }
            _ => {
                let layout = recognise(&first, options).map_err(|mismatch| self.here(mismatch))?;
                self.columns(&first, &layout)?;
                layout.format
            }
        };
        if self.rows == 0 {
            return Err(self.nothing_more("an interaction"));
        }
        if self.users.is_empty() {
            let found = format!("none in {} rows", self.rows);
            return Err(self.here(Mismatch::new("a row with a user and an item", found)));
        }
        Ok(format)
    }

    /// Reads rows of columns, the first line being known.
    fn columns(&mut self, first: &[u8], layout: &Layout) -> Result<(), InputError> {
        let mut record = Record::new();
        if !layout.has_header {
            record.split(first, layout.delimiter);
            self.row(&record, layout, self.lines.number(), None)?;
        }
        let header = layout.has_header.then_some(first);
        while record.read(&mut self.lines, layout.delimiter)? {
            self.row(&record, layout, record.line(), header)?;
        }
        Ok(())
    }

    fn row(
        &mut self,
        record: &Record,
        layout: &Layout,
        line: u64,
        header: Option<&[u8]>,
    ) -> Result<(), InputError> {
        self.rows += 1;
        let added = if record.len() == layout.fields {
            let [user, item, time] = layout.columns.map(|column| record.field(column));
            let rating = layout.rating.map(|column| record.field(column));
            self.add(user, item, time, rating)
        } else {
            let separator = layout.delimiter.name();
            let expected = format!("{} columns separated by `{separator}`", layout.fields);
            Err(Mismatch::new(expected, format!("{}: {}", record.len(), record.shown())))
        };
        added.map_err(|mismatch| {
            let again = header.is_some_and(|header| {
                let mut known = Record::new();
                known.split(header, layout.delimiter);
                known.iter().eq(record.iter())
            });
            let mismatch = if again { Mismatch::new("an interaction", "the header again") } else { mismatch };
            mismatch.at(self.lines.path(), line)
        })
    }

    /// Reads objects, one a line.
    fn objects(&mut self, first: Vec<u8>, options: &ReadOptions) -> Result<Format, InputError> {
        let mut keys: Option<json::Keys> = None;
        let mut line = first;
        loop {
            self.rows += 1;
            if keys.is_none() {
                keys = json::find_keys(&line, options).map_err(|mismatch| self.here(mismatch))?;
            }
            match &keys {
                Some(keys) => self.object(&line, keys).map_err(|mismatch| self.here(mismatch))?,
                None => self.skipped_rows += 1,
            }
            loop {
                let Some(next) = self.lines.next()? else {
                    return Ok(keys.as_ref().map_or(Format::JsonLines, json::format));
                };
                if !is_blank(next) {
                    line.clear();
                    line.extend_from_slice(next);
                    break;
                }
            }
        }
    }

    fn object(&mut self, line: &[u8], keys: &json::Keys) -> Result<(), Mismatch> {
        let [user, item, time] = json::values(line, keys)?;
        let (user, item) = (json::text(user, "a user")?, json::text(item, "an item")?);
        let rating = match self.ratings {
            Some(_) => json::rating(line)?,
            None => None,
        };
        let time = json::text(time, "a time")?;
        self.add(user.as_bytes(), item.as_bytes(), time.as_bytes(), rating.as_deref().map(str::as_bytes))
    }

    /// Adds an interaction, or counts it as skipped if it lacks a user or an item.
    fn add(&mut self, user: &[u8], item: &[u8], time: &[u8], rating: Option<&[u8]>) -> Result<(), Mismatch> {
        if user.is_empty() || item.is_empty() {
            self.skipped_rows += 1;
            return Ok(());
        }
        let time = time::parse(time)?;
        let user = self.user_names.intern(user).map_err(|error| name_mismatch(error, "user", user))?;
        let item = self.item_names.intern(item).map_err(|error| name_mismatch(error, "item", item))?;
        self.users.push(user);
        self.items.push(item);
        self.times.push(time);
        if let Some(ratings) = &mut self.ratings {
            ratings.push(rating.and_then(number));
        }
        Ok(())
    }

    /// A mismatch in the last line.
    fn here(&self, mismatch: Mismatch) -> InputError {
        mismatch.at(self.lines.path(), self.lines.number().max(1))
    }

    fn nothing_more(&self, expected: &str) -> InputError {
        Mismatch::new(expected, "the end of the file").at(self.lines.path(), self.lines.number() + 1)
    }

    fn finish(self, path: &Path, format: Format) -> Interactions {
        Interactions {
            path: self.lines.path().to_owned(),
            name: dataset_name(path),
            format,
            rows: self.rows,
            skipped_rows: self.skipped_rows,
            users: self.users,
            items: self.items,
            times: self.times,
            ratings: self.ratings.unwrap_or_default(),
            user_names: self.user_names.into_names(),
            item_names: self.item_names.into_names(),
        }
    }
}

/// A rating as a number; what is none counts as no rating, since nothing else depends on it.
fn number(text: &[u8]) -> Option<f32> {
    let number = std::str::from_utf8(text).ok()?.parse().ok()?;
    f32::is_finite(number).then_some(number)
}

fn name_mismatch(error: NameError, what: &str, name: &[u8]) -> Mismatch {
    match error {
        NameError::NotText => Mismatch::new(format!("a {what} in UTF-8 text"), excerpt(name)),
        NameError::TooMany => Mismatch::new(format!("fewer than 2^32 different {what}s"), "one more"),
    }
}

/// A file's name without directories and the suffix of its compression.
pub(crate) fn dataset_name(path: &Path) -> String {
    let name = Path::new(path.file_name().unwrap_or(path.as_os_str()));
    let packed = name.extension().is_some_and(|suffix| {
        ["gz", "gzip", "zst", "zstd"].iter().any(|known| suffix.eq_ignore_ascii_case(known))
    });
    shown_path(if packed { Path::new(name.file_stem().unwrap_or_default()) } else { name })
}
