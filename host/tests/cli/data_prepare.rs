//! `scall data prepare`: what it writes gives the same results as the text, and damage is refused.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Directory, document, failure, failure_names, scall, text};

/// Enough for a run of a few segments, in no order of time.
fn events(directory: &Directory) -> PathBuf {
    let row = |row: u64| {
        let (user, item) = (row * row % 41, (row * 7 + row / 41) % 37);
        format!("u{user},i{item},{}.0,{}\n", row % 5 + 1, 881_250_949 + row * 7919 % 10_007)
    };
    directory.file("events.csv", (0..1500).map(row).collect::<String>())
}

fn prepare(data: &Path, out: &Path, options: &[&str]) -> Value {
    let mut command = scall(["data", "prepare", "--json", "--data"]);
    command.arg(data).arg("--out").arg(out).args(options);
    document(command)
}

/// What `run` finds, without the times and memory that differ from run to run, and without the name.
fn run(data: &Path, options: &[&str]) -> Value {
    let mut command = scall(["run", "--json", "--quiet", "--segments", "3", "--budget", "mean:4", "--data"]);
    command.arg(data).args(options);
    let mut document = document(command);
    document["dataset"]["name"] = Value::Null;
    for key in ["peak_memory_bytes", "wall_seconds"] {
        document[key] = Value::Null;
    }
    for segment in document["segments"].as_array_mut().unwrap() {
        for key in ["search_seconds", "train_seconds", "test_seconds"] {
            segment[key] = Value::Null;
        }
    }
    document
}

#[test]
fn a_run_finds_the_same_as_on_the_text() {
    let directory = Directory::new();
    let (data, out) = (events(&directory), directory.path().join("events.parquet"));
    for (options, of_run) in [
        (&[][..], &[][..]),
        (&["--k-core", "1", "--keep-repeats"], &[]),
        (&["--k-core", "1", "--keep-repeats"], &["--k-core", "1", "--keep-repeats"]),
    ] {
        prepare(&data, &out, options);
        assert_eq!(run(&out, of_run), run(&data, of_run), "{options:?} {of_run:?}");
    }
}

#[test]
fn the_document_counts_what_was_written_and_stats_agrees() {
    let directory = Directory::new();
    let data = directory.file("x.csv", "user,item,time,rating\nu,a,3,4\nv,a,1,\nu,a,5,5\n");
    let out = directory.path().join("x.parquet");
    let written = prepare(&data, &out, &["--k-core", "1"]);
    assert_eq!(
        written,
        json!({"schema": 1, "path": out.display().to_string(), "bytes": fs::metadata(&out).unwrap().len(),
            "interactions": 2, "ratings": 1, "keep_repeats": false, "k_core": 1})
    );
    let mut command = scall(["data", "stats", "--json", "--k-core", "1", "--data"]);
    command.arg(&out);
    assert_eq!(
        document(command),
        json!({"schema": 1, "name": "x.parquet", "format": "prepared", "rows": 2, "skipped_rows": 0,
            "interactions": 2, "users": 2, "items": 1, "first_timestamp": 1, "last_timestamp": 3})
    );
    let mut command = scall(["data", "prepare", "--k-core", "1", "--data"]);
    command.arg(&data).arg("--out").arg(&out);
    assert!(text(command).contains("2 interactions, 1 of them with a rating"));
}

#[test]
fn a_prepared_stream_can_be_prepared_again_with_its_ratings() {
    let directory = Directory::new();
    let (data, first) = (events(&directory), directory.path().join("a.parquet"));
    prepare(&data, &first, &["--k-core", "1", "--keep-repeats"]);
    let (again, direct) = (directory.path().join("b.parquet"), directory.path().join("c.parquet"));
    let expected = prepare(&data, &direct, &[]);
    let found = prepare(&first, &again, &[]);
    assert_eq!(
        (&found["interactions"], &found["ratings"]),
        (&expected["interactions"], &expected["ratings"])
    );
    assert_eq!(found["ratings"], found["interactions"]);
}

#[test]
fn what_a_prepared_stream_cannot_give_is_refused() {
    let directory = Directory::new();
    let (data, out) = (events(&directory), directory.path().join("events.parquet"));
    prepare(&data, &out, &[]);
    let stats = |options: &[&str]| {
        let mut command = scall(["data", "stats", "--data"]);
        command.arg(&out).args(options);
        command
    };
    failure_names(stats(&["--k-core", "2"]), 1, &["prepared with --k-core 2", "found --k-core 5"]);
    failure_names(stats(&["--user-column", "user"]), 1, &["found a prepared stream"]);
}

#[test]
fn damaged_files_are_one_line() {
    let directory = Directory::new();
    let (data, out) = (events(&directory), directory.path().join("events.parquet"));
    prepare(&data, &out, &[]);
    let whole = fs::read(&out).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 3] ^= 0x10;
    for (content, expected) in [
        (&whole[..4], "whole and sound Parquet file"),
        (&whole[..whole.len() / 2], "whole and sound Parquet file"),
        (&whole[..whole.len() - 1], "whole and sound Parquet file"),
        (&changed, "one that has changed"),
    ] {
        let path = directory.file("damaged.parquet", content);
        let mut command = scall(["data", "stats", "--data"]);
        command.arg(&path);
        failure_names(command, 1, &[&path.display().to_string(), expected]);
    }
}

#[test]
fn a_place_that_cannot_be_written_and_a_bad_row_are_named() {
    let directory = Directory::new();
    let data = events(&directory);
    let out = directory.path().join("missing").join("x.parquet");
    let mut command = scall(["data", "prepare", "--data"]);
    command.arg(&data).arg("--out").arg(&out);
    failure_names(command, 1, &[&out.display().to_string()]);
    let bad = directory.file("bad.csv", "user,item,time\nu,i,soon\n");
    let out = directory.path().join("x.parquet");
    let mut command = scall(["data", "prepare", "--data"]);
    command.arg(&bad).arg("--out").arg(&out);
    assert!(failure(command, 1).contains("bad.csv:2: expected a time"));
    assert!(!out.exists());
}
