//! Columns of strings, page by page, to numbers: each name is looked at once, and not once a row.
//!
//! The typed readers of the format give every row its own string. Here the names are numbered as they come in
//! the dictionary, and rows are numbers from the start (Parquet format, "Encodings": plain, and the hybrid of
//! runs and packed bits).

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};

use super::Fault;
use crate::input::Interner;

/// The numbers of all `rows` values behind `pages`, added to `ids`.
pub(super) fn read_names(
    pages: &mut dyn PageReader,
    rows: usize,
    names: &mut Interner,
    ids: &mut Vec<u32>,
) -> Result<(), Fault> {
    let mut dictionary: Vec<u32> = Vec::new();
    let mut left = rows;
    while let Some(page) = pages.get_next_page()? {
        match page {
            Page::DictionaryPage { buf, num_values, .. } => {
                dictionary.clear();
                read_plain(&buf, num_values as usize, names, &mut dictionary)?;
            }
            Page::DataPage { buf, num_values, encoding, .. } => {
                let values = num_values as usize;
                left = left.checked_sub(values).ok_or_else(|| Fault::damaged("more values than rows"))?;
                match encoding {
                    Encoding::PLAIN => read_plain(&buf, values, names, ids)?,
                    Encoding::RLE_DICTIONARY => {
                        let early = || Fault::damaged("a page of numbers that ends early or is out of range");
                        read_indices(&buf, values, &dictionary, ids).ok_or_else(early)?;
                    }
                    other => return Err(Fault::Foreign(format!("strings encoded as {other}"))),
                }
            }
            Page::DataPageV2 { .. } => return Err(Fault::Foreign("data pages of version 2".to_owned())),
        }
    }
    if left == 0 { Ok(()) } else { Err(Fault::damaged(format!("{left} values too few"))) }
}

/// Strings one after the other, each behind its length in four bytes.
fn read_plain(
    mut bytes: &[u8],
    values: usize,
    names: &mut Interner,
    ids: &mut Vec<u32>,
) -> Result<(), Fault> {
    for _ in 0..values {
        let (name, rest) = split_string(bytes).ok_or_else(|| Fault::damaged("a string that ends early"))?;
        let known = if name.is_empty() { None } else { names.intern(name).ok() };
        ids.push(known.ok_or_else(|| Fault::damaged("a name that is no text"))?);
        bytes = rest;
    }
    Ok(())
}

fn split_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

/// Places in the dictionary: the width in one byte, then runs of one value and groups of eight packed ones.
fn read_indices(page: &[u8], values: usize, dictionary: &[u32], ids: &mut Vec<u32>) -> Option<()> {
    let (&width, bytes) = page.split_first()?;
    let width = usize::from(width);
    if width > 32 {
        return None;
    }
    let mask = (1_u64 << width) - 1;
    // Every value is read as part of eight bytes, so that much must follow the last.
    let mut padded = Vec::with_capacity(bytes.len() + 8);
    padded.extend_from_slice(bytes);
    padded.extend_from_slice(&[0; 8]);
    let word = |at: usize| Some(u64::from_le_bytes(*padded.get(at..)?.first_chunk()?));
    let (mut at, mut left) = (0, values);
    while left > 0 {
        let (header, next) = read_header(bytes, at)?;
        at = next;
        let count = usize::try_from(header >> 1).ok()?;
        if header & 1 == 0 {
            let size = width.div_ceil(8);
            if count == 0 || at + size > bytes.len() {
                return None;
            }
            let index = usize::try_from(word(at)? & mask).ok()?;
            let id = *dictionary.get(index)?;
            let run = count.min(left);
            ids.resize(ids.len() + run, id);
            left -= run;
            at += size;
        } else {
            let size = count.checked_mul(width)?;
            let run = count.checked_mul(8)?.min(left);
            if count == 0 || (run * width).div_ceil(8) > bytes.len() - at {
                return None;
            }
            let start = at * 8;
            let mut known = true;
            ids.extend((0..run).map(|number| {
                let bit = start + number * width;
                let index = (word(bit / 8).unwrap_or(0) >> (bit % 8)) & mask;
                let id = dictionary.get(index as usize);
                known &= id.is_some();
                id.copied().unwrap_or(0)
            }));
            if !known {
                return None;
            }
            left -= run;
            at = at.checked_add(size)?.min(bytes.len());
        }
    }
    Some(())
}

/// A number in groups of seven bits, the lowest first.
fn read_header(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let mut header = 0;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(at)?;
        at += 1;
        header |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((header, at));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indices(page: &[u8], values: usize, entries: u32) -> Option<Vec<u32>> {
        let dictionary: Vec<u32> = (0..entries).map(|id| 100 + id).collect();
        let mut ids = Vec::new();
        read_indices(page, values, &dictionary, &mut ids).map(|()| ids)
    }

    #[test]
    fn the_example_of_the_format() {
        // The numbers 0 to 7 in three bits each are the bytes 0x88 0xc6 0xfa.
        assert_eq!(indices(&[3, 0b11, 0x88, 0xc6, 0xfa], 8, 8), Some((100..108).collect()));
        assert_eq!(indices(&[3, 0b11, 0x88, 0xc6, 0xfa], 5, 8), Some((100..105).collect()));
    }

    #[test]
    fn runs_and_packed_groups_follow_each_other() {
        let page = [1, 10 << 1, 1, 0b11, 0b0000_0101, 0x80 | 0x48, 0x01, 0];
        let expected = [[101; 10].as_slice(), &[101, 100, 101], &[100; 5], &[100; 100]].concat();
        assert_eq!(indices(&page, 118, 2), Some(expected));
        assert_eq!(indices(&[0, 4 << 1], 4, 1), Some(vec![100; 4]), "one entry needs no bits");
        assert_eq!(indices(&[9, 4 << 1, 0x2c, 0x01], 4, 301), Some(vec![400; 4]));
    }

    #[test]
    fn what_ends_early_or_is_out_of_range_is_refused() {
        assert_eq!(indices(&[], 1, 8), None);
        assert_eq!(indices(&[3], 1, 8), None);
        assert_eq!(indices(&[3, 0b11, 0x88, 0xc6], 8, 8), None);
        assert_eq!(indices(&[3, 0b11, 0x88, 0xc6, 0xfa], 9, 8), None);
        assert_eq!(indices(&[3, 0b11, 0x88, 0xc6, 0xfa], 8, 7), None, "7 is no entry");
        assert_eq!(indices(&[3, 4 << 1], 4, 8), None);
        assert_eq!(indices(&[3, 4 << 1, 7], 4, 7), None);
        assert_eq!(indices(&[3, 0, 0, 0, 0], 4, 8), None, "a run of nothing");
        assert_eq!(indices(&[33, 4 << 1, 0, 0, 0, 0, 0], 4, 8), None);
        assert_eq!(indices(&[3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 4, 8), None);
        assert_eq!(indices(&[32, 0xff, 0xff, 0xff, 0xff, 0x0f], 1 << 20, 8), None);
    }

    #[test]
    fn strings_are_numbered_once() {
        let mut names = Interner::default();
        let mut ids = Vec::new();
        let page = b"\x01\0\0\0a\x02\0\0\0bc\x01\0\0\0a";
        read_plain(page, 3, &mut names, &mut ids).unwrap();
        assert_eq!(ids, [0, 1, 0]);
        assert_eq!(names.into_names().iter().collect::<Vec<_>>(), ["a", "bc"]);
        for (page, values) in [
            (&page[..], 4),
            (&page[..7], 2),
            (b"\0\0\0\0", 1),
            (b"\x01\0\0\0\xff", 1),
            (b"\xff\xff\xff\xffx", 1),
        ] {
            assert!(read_plain(page, values, &mut Interner::default(), &mut Vec::new()).is_err(), "{page:?}");
        }
    }
}
