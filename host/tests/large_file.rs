//! A file of three million rows loads within seconds and a few times its size in memory.
//!
//! A long test: runs with `SCALL_LONG=1`, best with `--release -- --nocapture`, and prints its figures.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Instant;

use scall::input::{ReadOptions, read};
use scall::stream::{PrepareOptions, prepare};
use scall_core::side::PerSide;
use scall_core::stream::{CrowdMemory, SyntheticConfig, SyntheticStream, rows_len};

const ROWS: u32 = 3_000_000;
const USERS: usize = 60_000;
const ITEMS: usize = 20_000;

fn write_ratings(file: File) {
    let (mut user_rows, mut user_ranks) = (vec![0.0; rows_len(USERS)], vec![0; USERS]);
    let (mut item_rows, mut item_ranks) = (vec![0.0; rows_len(ITEMS)], vec![0; ITEMS]);
    let mut recent = vec![0; ROWS as usize];
    let config = SyntheticConfig {
        events: ROWS,
        candidates: 1,
        flatness: PerSide::new(0.1, 0.05),
        ..SyntheticConfig::default()
    };
    let events = SyntheticStream::new(
        1,
        config,
        CrowdMemory { rows: &mut user_rows, ranks: &mut user_ranks },
        CrowdMemory { rows: &mut item_rows, ranks: &mut item_ranks },
        &mut recent,
    )
    .unwrap();
    let mut out = BufWriter::new(file);
    writeln!(out, "userId,movieId,rating,timestamp").unwrap();
    for (row, event) in (0_u32..).zip(events) {
        // Not in time order, as in the files of MovieLens.
        let time = 900_000_000 + row.wrapping_mul(2_654_435_761) / 8;
        let rating = f64::from(row % 10 + 1) / 2.0;
        writeln!(out, "{},{},{rating:.1},{time}", event.user + 1, event.item + 1).unwrap();
    }
    out.flush().unwrap();
}

/// A figure of `/proc/self/status` in bytes.
fn status(key: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

#[test]
fn three_million_rows() {
    if std::env::var_os("SCALL_LONG").is_none() {
        eprintln!("skipped: three million rows are read with SCALL_LONG=1");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ratings.csv");
    write_ratings(File::create(&path).unwrap());
    let size = std::fs::metadata(&path).unwrap().len();
    // The peak starts anew where the system allows it.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = status("VmRSS:");
    let start = Instant::now();
    let interactions = read(&path, &ReadOptions::default()).unwrap();
    let reading = start.elapsed();
    let stream = prepare(interactions, &PrepareOptions::default()).unwrap();
    let all = start.elapsed();
    assert_eq!(stream.rows, u64::from(ROWS));
    assert!(stream.len() > 2_000_000, "{}", stream.len());
    println!(
        "{} bytes: read in {reading:.2?}, prepared in {all:.2?}, {} interactions kept",
        size,
        stream.len()
    );
    if let (Some(before), Some(peak)) = (before, status("VmHWM:")) {
        let used = peak.saturating_sub(before);
        println!("peak above the start: {used} bytes, {:.2} times the file", used as f64 / size as f64);
        assert!(used < 4 * size, "{used}");
    }
    if !cfg!(debug_assertions) {
        assert!(all.as_secs_f64() < 10.0, "{all:?}");
    }
}
