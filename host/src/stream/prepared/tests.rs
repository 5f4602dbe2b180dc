use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::*;
use crate::input::{Interactions, ReadOptions, read_from};
use crate::stream::{prepare, prepare_again, select};

const ALL: PrepareOptions = PrepareOptions { keep_repeats: true, k_core: 1 };

/// Many users and items, some of them often, in no order of time, and every third row without a rating.
fn text(rows: u32) -> String {
    (0..rows).fold(String::new(), |text, row| {
        let (user, item) = (row * row % 97, row * 31 % 89 * (row % 5 + 1));
        let rating = if row % 3 == 0 { String::new() } else { format!("{}.5", row % 5) };
        format!("{text}u-{user},ü{item},{rating},{}\n", 881_250_949 + row * 7919 % 10_007)
    })
}

fn interactions(text: &str) -> Interactions {
    let options = ReadOptions { ratings: true, ..ReadOptions::default() };
    read_from(text.as_bytes(), Path::new("x.csv"), &options).unwrap()
}

fn bytes(interactions: &Interactions, filters: PrepareOptions, group: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    write::write_to(&mut bytes, interactions, filters, group).unwrap();
    bytes
}

/// A file in a directory that goes away with it.
struct Saved {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

fn saved(bytes: &[u8]) -> Saved {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.parquet");
    fs::write(&path, bytes).unwrap();
    Saved { _directory: directory, path }
}

fn read_bytes(bytes: &[u8], wanted: PrepareOptions) -> Result<Interactions, PreparedError> {
    let saved = saved(bytes);
    read(File::open(&saved.path).unwrap(), &saved.path, wanted, true).map(|(interactions, _)| interactions)
}

fn spelled(interactions: &Interactions) -> Vec<(String, String, i64, Option<f32>)> {
    let name = |names: &crate::input::Names, id| names.get(id).unwrap().to_owned();
    (0..interactions.users.len())
        .map(|row| {
            (
                name(&interactions.user_names, interactions.users[row]),
                name(&interactions.item_names, interactions.items[row]),
                interactions.times[row],
                interactions.ratings[row],
            )
        })
        .collect()
}

#[test]
fn what_is_written_is_read_whatever_the_groups() {
    let selected = select(interactions(&text(3000)), &ALL).unwrap();
    assert!(selected.ratings.contains(&None) && selected.ratings.contains(&Some(2.5)));
    for group in [1, 7, 1000, 1 << 20] {
        let rows = if group == 1 { 20 } else { 3000 };
        let mut part = selected.clone();
        part.users.truncate(rows);
        part.items.truncate(rows);
        part.times.truncate(rows);
        part.ratings.truncate(rows);
        let back = read_bytes(&bytes(&part, ALL, group), ALL).unwrap();
        assert_eq!(spelled(&back), spelled(&part), "{group}");
        assert_eq!((back.format, back.rows), (crate::input::Format::Prepared, rows as u64));
    }
}

#[test]
fn a_prepared_stream_is_the_stream_of_the_text() {
    let filters = |keep_repeats, k_core| PrepareOptions { keep_repeats, k_core };
    for (held, wanted) in [
        (filters(true, 1), filters(false, 5)),
        (filters(true, 1), filters(true, 1)),
        (filters(false, 5), filters(false, 5)),
        (filters(true, 3), filters(false, 6)),
    ] {
        let expected = prepare(interactions(&text(3000)), &wanted).unwrap();
        let selected = select(interactions(&text(3000)), &held).unwrap();
        let back = read_bytes(&bytes(&selected, held, 1000), wanted).unwrap();
        let stream = prepare_again(back, &held, &wanted).unwrap();
        assert_eq!(stream.user_names, expected.user_names, "{held:?} {wanted:?}");
        assert_eq!(stream.item_names, expected.item_names);
        assert_eq!(
            (stream.users, stream.items, stream.times),
            (expected.users, expected.items, expected.times)
        );
    }
}

#[test]
fn what_was_filtered_away_is_missed() {
    let filters = |keep_repeats, k_core| PrepareOptions { keep_repeats, k_core };
    let held = filters(false, 5);
    let file = bytes(&select(interactions(&text(3000)), &held).unwrap(), held, 1000);
    for wanted in [filters(false, 4), filters(true, 5)] {
        let error = read_bytes(&file, wanted).unwrap_err().to_string();
        assert!(error.contains("found --k-core 5; prepare it again"), "{error}");
        assert!(error.contains(&format!("with {},", typed(wanted))), "{error}");
    }
    assert!(read_bytes(&file, filters(false, 6)).is_ok());
}

/// The file with one text in its footer replaced, and a checksum that fits.
fn edited(file: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    let mark = file.windows(MARK.len()).rposition(|part| part == MARK).unwrap();
    let at = mark + file[mark..].windows(from.len()).position(|part| part == from).unwrap();
    file[at..at + from.len()].copy_from_slice(to);
    let mut digest = crc32fast::Hasher::new();
    digest.update(&file[..mark]);
    digest.update(&file[mark + 12..]);
    file[mark + 8..mark + 12].copy_from_slice(&digest.finalize().to_le_bytes());
    file
}

#[test]
fn other_files_are_refused_for_what_they_are() {
    let file = bytes(&select(interactions(&text(50)), &ALL).unwrap(), ALL, 1000);
    let refusal = |bytes: &[u8]| read_bytes(bytes, ALL).unwrap_err().to_string();
    for damaged in [&MAGIC[..], b"PAR1 and no more than text", b"PAR1 \xff\xff\xff\xffPAR1"] {
        assert!(refusal(damaged).ends_with("found one that ends early"), "{}", refusal(damaged));
    }
    assert!(refusal(b"PAR1 what others write \0\0\0\0PAR1").ends_with("found another Parquet file"));
    let described = |from: &str, to: &str| refusal(&edited(&file, from.as_bytes(), to.as_bytes()));
    assert!(described("\"version\":1", "\"version\":9").ends_with("version 1, found version 9"));
    assert!(described("\"k_core\":1", "\"k_core\":x").contains("a description that cannot be read"));
    assert!(described("rating", "raging").ends_with("other columns than user, item, time, rating"));
}

#[test]
fn any_cut_and_any_changed_byte_is_refused() {
    let file = bytes(&select(interactions(&text(60)), &ALL).unwrap(), ALL, 25);
    let saved = saved(&file);
    let refusal = |bytes: &[u8]| {
        // Some file systems wait for the disk when a file is written over.
        fs::remove_file(&saved.path).unwrap();
        fs::write(&saved.path, bytes).unwrap();
        let opened = File::open(&saved.path).unwrap();
        read(opened, &saved.path, ALL, true).unwrap_err().to_string()
    };
    for length in 0..file.len() {
        assert!(!refusal(&file[..length]).contains(char::is_control));
    }
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(!refusal(&damaged).contains(char::is_control), "byte {at}");
    }
}
