//! `scall data fetch`, from a server on this computer: nothing here leaves it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::json;

use crate::support::{Directory, document, failure, failure_names, scall, scall_line, text};

const RATINGS: &[u8] = b"A1,B1,5.0,1092182400\nA1,B2,3.0,1092182401\nA2,B1,4.0,1092182402\n";

/// `printf 'A1,B1,5.0,1092182400\n...' | sha256sum`
const SHA256: &str = "66d17a7ce135a92c4a396a47b13a63986e259fe932332344acb7ca315e0c852c";

/// The address of a server that gives these ratings to whoever asks.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", RATINGS.len());
            let _ =
                write!(stream, "{head}Connection: close\r\n\r\n").and_then(|()| stream.write_all(RATINGS));
        }
    });
    format!("http://{address}/ratings")
}

#[test]
fn a_set_is_fetched_once_and_can_be_read() {
    let (directory, server) = (Directory::new(), server());
    let fetch = || {
        let mut command = scall(["data", "fetch", "amazon-beauty", "--json", "--quiet", "--sha256", SHA256]);
        command.args(["--from", &server, "--out"]).arg(directory.path());
        document(command)
    };
    let path = directory.path().join("amazon-beauty").join("ratings_Beauty.csv");
    let mut expected = json!({"schema": 1, "name": "amazon-beauty",
        "url": "https://snap.stanford.edu/data/amazon/productGraph/categoryFiles/ratings_Beauty.csv",
        "path": path.display().to_string(), "options": [], "bytes": RATINGS.len(),
        "checksum": format!("SHA-256 {SHA256}"), "checksum_from": "given", "downloaded": true});
    assert_eq!(fetch(), expected);
    expected["downloaded"] = json!(false);
    assert_eq!(fetch(), expected);
    let mut command = scall(["data", "stats", "--json", "--k-core", "1", "--data"]);
    command.arg(&path);
    let stats = document(command);
    assert_eq!((&stats["format"], &stats["interactions"]), (&json!("amazon-ratings-csv"), &json!(3)));
}

#[test]
fn what_is_not_the_published_file_is_refused_and_not_left() {
    let directory = Directory::new();
    let mut command = scall(["data", "fetch", "ml-100k", "--quiet", "--from", &server(), "--out"]);
    command.arg(directory.path());
    failure_names(command, 1, &["expected MD5 0e33842e24a9c977be4e0107933c0723, found MD5 "]);
    assert_eq!(std::fs::read_dir(directory.path().join("ml-100k")).unwrap().count(), 0);
}

#[test]
fn yelp_says_where_to_accept_its_terms_and_how_to_go_on() {
    let line = failure(scall_line("data fetch yelp"), 1);
    assert!(line.contains("https://business.yelp.com/data/resources/open-dataset/"), "{line}");
    assert!(line.contains("--data yelp_academic_dataset_review.json"), "{line}");
}

#[test]
fn the_list_names_every_set_with_its_address_and_checksum() {
    let list = text(scall_line("data fetch --list"));
    for part in ["ml-25m", "MD5 6b51fb2759a8657d3bfcbfc42b592ada", "amazon-books ", "none published", "yelp"]
    {
        assert!(list.contains(part), "{part}");
    }
    let sets = document(scall_line("data fetch --list --json"));
    assert_eq!(sets["sets"][0]["name"], "ml-100k");
}

#[test]
fn wrong_command_lines_are_told() {
    failure_names(scall_line("data fetch ml-11m"), 2, &["unknown data set `ml-11m`", "--list"]);
    failure(scall_line("data fetch"), 2);
    failure_names(scall_line("data fetch ml-1m --sha256 abc"), 2, &["64 digits"]);
    failure(scall_line("data fetch ml-1m --list"), 2);
    failure_names(scall_line("data fetch amazon-books --from http://127.0.0.1:9/x"), 1, &["expected https"]);
}
