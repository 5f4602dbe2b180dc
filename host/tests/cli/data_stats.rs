//! `scall data stats`, and with it every promise and refusal about interaction files.

use std::io::Write;
use std::path::Path;

use crate::support::{Directory, document, failure, failure_names, scall, text};
use flate2::Compression;
use flate2::write::GzEncoder;
use scall::input::LINE_LIMIT;
use serde_json::{Value, json};

const GOOD: &str = "user,item,timestamp\nu1,a,100\nu1,b,300\nu2,a,200\nu2,b,400\n";

fn stats(path: &Path, options: &[&str]) -> Value {
    let mut command = scall(["data", "stats", "--json", "--data"]);
    command.arg(path).args(["--k-core", "1"]).args(options);
    document(command)
}

/// The file is refused, and the line names it and all of `expected`.
#[track_caller]
fn refused(name: &str, content: impl AsRef<[u8]>, expected: &[&str]) {
    let directory = Directory::new();
    let path = directory.file(name, content);
    let mut command = scall(["data", "stats", "--data"]);
    command.arg(&path).args(["--k-core", "1"]);
    let line = failure(command, 1);
    assert!(line.starts_with(&format!("error: {}:", path.display())), "{line}");
    for part in expected {
        assert!(line.contains(part), "{part:?} is not in {line:?}");
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_document_has_exactly_these_fields() {
    let directory = Directory::new();
    let path = directory.file("events.csv", GOOD);
    assert_eq!(
        stats(&path, &[]),
        json!({"schema": 1, "name": "events.csv", "format": "csv", "rows": 4, "skipped_rows": 0,
            "interactions": 4, "users": 2, "items": 2, "first_timestamp": 100, "last_timestamp": 400})
    );
}

#[test]
fn people_see_a_table() {
    let directory = Directory::new();
    let mut command = scall(["data", "stats", "--k-core", "1", "--data"]);
    command.arg(directory.file("events.csv", GOOD));
    let text = text(command);
    for name in ["events.csv", "skipped rows", "interactions", "first timestamp"] {
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn gzip_is_recognised_by_content() {
    let directory = Directory::new();
    let plain = stats(&directory.file("events.csv", GOOD), &[]);
    let packed = stats(&directory.file("no-hint", gzip(GOOD.as_bytes())), &[]);
    for field in ["format", "rows", "interactions", "users", "items", "first_timestamp", "last_timestamp"] {
        assert_eq!(packed[field], plain[field], "{field}");
    }
}

#[test]
fn rows_without_a_user_or_an_item_are_skipped_and_counted() {
    let directory = Directory::new();
    let path = directory.file("events.csv", format!("{GOOD},a,500\nu3,,600\n"));
    let stats = stats(&path, &[]);
    assert_eq!(
        (&stats["rows"], &stats["skipped_rows"], &stats["interactions"]),
        (&json!(6), &json!(2), &json!(4))
    );
}

#[test]
fn mixed_line_ends_are_understood() {
    let directory = Directory::new();
    let path =
        directory.file("events.csv", "user,item,timestamp\r\nu1,a,100\nu1,b,300\r\nu2,a,200\nu2,b,400");
    assert_eq!(stats(&path, &[])["interactions"], 4);
}

#[test]
fn repeats_count_only_if_asked_for() {
    let directory = Directory::new();
    let path = directory.file("events.csv", format!("{GOOD}u1,a,900\n"));
    assert_eq!(stats(&path, &[])["interactions"], 4);
    assert_eq!(stats(&path, &["--keep-repeats"])["interactions"], 5);
}

#[test]
fn a_filter_that_leaves_nothing_is_a_failure_that_names_it() {
    let directory = Directory::new();
    let path = directory.file("events.csv", GOOD);
    let mut command = scall(["data", "stats", "--data"]);
    command.arg(&path);
    failure_names(command, 1, &[&path.display().to_string(), "at least 5 interactions each (--k-core)"]);
}

#[test]
fn columns_are_chosen_by_name_or_number() {
    let directory = Directory::new();
    let path = directory.file("events.txt", "when|x|who|what\n100|1|u1|a\n300|1|u1|b\n200|1|u2|a\n");
    let by_name =
        ["--user-column", "who", "--item-column", "what", "--time-column", "when", "--delimiter", "|"];
    let by_number = ["--user-column", "3", "--item-column", "4", "--time-column", "1", "--delimiter", "|"];
    for options in [by_name, by_number] {
        let stats = stats(&path, &options);
        assert_eq!((&stats["users"], &stats["items"], &stats["rows"]), (&json!(2), &json!(2), &json!(3)));
    }
}

#[test]
fn one_user_only_and_one_item_only_can_be_counted() {
    let directory = Directory::new();
    let one_user = stats(&directory.file("u.csv", "user,item,timestamp\nu,a,1\nu,b,2\n"), &[]);
    assert_eq!((&one_user["users"], &one_user["items"]), (&json!(1), &json!(2)));
    let one_item = stats(&directory.file("i.csv", "user,item,timestamp\nu,a,1\nv,a,2\n"), &[]);
    assert_eq!((&one_item["users"], &one_item["items"]), (&json!(2), &json!(1)));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let directory = Directory::new();
    for path in [directory.path().join("missing.csv"), directory.path().to_owned()] {
        let mut command = scall(["data", "stats", "--data"]);
        command.arg(&path);
        failure_names(command, 1, &[&path.display().to_string(), "expected a readable file"]);
    }
}

#[test]
fn a_file_without_content_is_refused() {
    refused("empty.csv", "", &["expected"]);
    refused("blank.csv", "\n\n\n", &["expected"]);
    refused("empty.gz", gzip(b""), &["expected"]);
}

#[test]
fn a_truncated_or_damaged_gzip_file_is_refused() {
    let rows: String = (0..10_000).map(|i| format!("u{},i{},{}\n", i % 97, i * i % 1009, i)).collect();
    let whole = gzip(format!("user,item,timestamp\n{rows}").as_bytes());
    refused("cut.gz", &whole[..whole.len() / 2], &["gzip"]);
    refused("tail.gz", &whole[..whole.len() - 3], &["gzip"]);
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 0x55;
    refused("damaged.gz", damaged, &[":"]);
}

#[test]
fn a_binary_file_is_refused() {
    let noise: Vec<u8> = (0..10_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    refused("noise.bin", noise, &["expected"]);
    refused("zeros.bin", vec![0; 4096], &["expected"]);
}

#[test]
fn missing_columns_are_named_with_what_would_name_them() {
    refused("events.csv", "user,colour,timestamp\nu,red,1\n", &[":1:", "item (--item-column)"]);
}

#[test]
fn a_time_that_is_none_is_refused_with_its_line() {
    for time in [
        "soon",
        "NaN",
        "inf",
        "-inf",
        "1e400",
        "-5",
        "0000-01-01",
        "0000-00-00 00:00:00",
        "2020-13-01",
        "99999999999999999999999999",
        "2020-02-30",
    ] {
        refused("events.csv", format!("{GOOD}u3,a,{time}\n"), &[":6:", "expected"]);
    }
}

#[test]
fn a_row_with_too_few_columns_is_refused_with_its_line() {
    refused("events.csv", "user,item,timestamp\nu1,a,100\nu1,b\n", &[":3:", "expected"]);
}

#[test]
fn a_second_header_is_refused_with_its_line() {
    refused("events.csv", format!("{GOOD}user,item,timestamp\n"), &[":6:", "expected"]);
}

#[test]
fn a_line_without_end_is_refused_and_not_held() {
    let mut content = GOOD.to_owned().into_bytes();
    content.resize(content.len() + 100 * LINE_LIMIT, b'x');
    refused("long.csv", content, &[":6:", "bytes"]);
}
