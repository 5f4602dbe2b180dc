use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::catalogue::Entry;
use super::server::{Server, range_start, send};
use super::*;

const ENTRY: Entry = Entry { name: "set/u.data", limit: 1 << 20 };

/// Impatient, so that tests are quick.
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    answer: Duration::from_secs(5),
    read: Duration::from_secs(5),
    window: Duration::from_secs(60),
    window_bytes: 1,
    redirects: 3,
    attempts: 3,
    pause: Duration::ZERO,
};

fn content() -> Vec<u8> {
    (0..50_000_u32).flat_map(|number| (number.wrapping_mul(2_654_435_761) >> 8).to_be_bytes()).collect()
}

fn sum(bytes: &[u8]) -> Checksum {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    fs::write(&path, bytes).unwrap();
    Algorithm::Md5.of(&path).unwrap()
}

/// A set whose file is `bytes`.
fn set(bytes: &[u8]) -> Published {
    Published {
        url: "https://nowhere.example/sets/file.bin".to_owned(),
        checksum: Some(sum(bytes)),
        limit: 1 << 20,
        entry: None,
        options: Vec::new(),
    }
}

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn fetch(&self, set: &Published, server: &Server, limits: &Limits) -> Result<Fetched> {
        let url = server.url("/file.bin");
        let request =
            Request { name: "set", set, directory: self.0.path(), mirror: Some(&url), checksum: None };
        fetch(&request, limits, &Progress::silent())
    }

    fn refusal(&self, set: &Published, server: &Server, limits: &Limits) -> String {
        let error = format!("{:#}", self.fetch(set, server, limits).unwrap_err());
        assert!(!self.folder().join("file.bin").exists(), "{error}");
        error
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("set")
    }

    fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder()) else { return Vec::new() };
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn whole(stream: &mut TcpStream, body: &[u8]) {
    send(stream, &format!("200 OK\nContent-Length: {}\nETag: \"v1\"", body.len()), body);
}

/// What a server does that knows ranges.
fn rest(stream: &mut TcpStream, body: &[u8], start: usize) {
    let (last, length) = (body.len() - 1, body.len());
    let head = format!(
        "206 Partial Content\nContent-Length: {}\nContent-Range: bytes {start}-{last}/{length}\nETag: \"v1\"",
        length - start
    );
    send(stream, &head, &body[start..]);
}

/// Half of the body, though all of it is announced.
fn half(stream: &mut TcpStream, body: &[u8]) {
    let head = format!("200 OK\nContent-Length: {}\nETag: \"v1\"", body.len());
    send(stream, &head, &body[..body.len() / 2]);
}

#[test]
fn a_file_is_fetched_once() {
    let server = Server::start(|_, _, stream| whole(stream, &content()));
    let (place, set) = (Place::new(), set(&content()));
    let first = place.fetch(&set, &server, &LIMITS).unwrap();
    assert_eq!(first.path, place.folder().join("file.bin"));
    assert_eq!((first.bytes, first.origin, first.downloaded), (200_000, Origin::Published, true));
    assert_eq!(fs::read(&first.path).unwrap(), content());
    assert_eq!(place.names(), ["file.bin"]);
    let second = place.fetch(&set, &server, &LIMITS).unwrap();
    assert_eq!(second, Fetched { downloaded: false, ..first.clone() });
    assert_eq!(server.heads().len(), 1);
    fs::write(&first.path, "changed").unwrap();
    let error = format!("{:#}", place.fetch(&set, &server, &LIMITS).unwrap_err());
    assert!(error.contains("remove the file to fetch it anew"), "{error}");
    assert_eq!(fs::read(&first.path).unwrap(), b"changed");
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let server = Server::start(|number, head, stream| match range_start(head) {
        None if number == 0 => half(stream, &content()),
        Some(start) => rest(stream, &content(), start),
        None => send(stream, "500 Asked For All", b""),
    });
    let place = Place::new();
    let once = Limits { attempts: 1, ..LIMITS };
    let error = place.refusal(&set(&content()), &server, &once);
    assert!(error.contains("given up after 1 attempts") && error.contains("cut off after 100000"), "{error}");
    assert_eq!(place.names(), ["file.bin.part", "file.bin.part.json"]);
    // As if by another process, later.
    place.fetch(&set(&content()), &server, &once).unwrap();
    assert_eq!(place.names(), ["file.bin"]);
    let heads = server.heads();
    assert!(heads[1].contains("range: bytes=100000-") && heads[1].contains("if-range: \"v1\""), "{heads:?}");
}

#[test]
fn attempts_follow_by_themselves_and_are_bounded() {
    let server = Server::start(|_, _, stream| send(stream, "503 Busy", b""));
    let error = Place::new().refusal(&set(&content()), &server, &LIMITS);
    assert!(error.contains("given up after 3 attempts") && error.contains("status 503"), "{error}");
    assert_eq!(server.heads().len(), 3);
    let server = Server::start(|_, _, stream| send(stream, "404 Not Found", b""));
    let place = Place::new();
    assert!(place.refusal(&set(&content()), &server, &LIMITS).contains("status 404"));
    assert_eq!((server.heads().len(), place.names().len()), (1, 0));
}

#[test]
fn servers_without_ranges_or_versions_send_all_again() {
    // The first ignores the range, the second names no version to continue.
    let server = Server::start(|number, _, stream| match number {
        0 => half(stream, &content()),
        _ => whole(stream, &content()),
    });
    Place::new().fetch(&set(&content()), &server, &LIMITS).unwrap();
    assert!(range_start(&server.heads()[1]).is_some());
    let server = Server::start(|number, _, stream| {
        let body = content();
        let sent = if number == 0 { body.len() / 2 } else { body.len() };
        send(stream, &format!("200 OK\nContent-Length: {}\nETag: W/\"v1\"", body.len()), &body[..sent]);
    });
    Place::new().fetch(&set(&content()), &server, &LIMITS).unwrap();
    assert!(range_start(&server.heads()[1]).is_none());
}

#[test]
fn another_part_or_version_than_asked_for_is_not_put_together() {
    let other = |wrong: fn(&mut TcpStream, usize)| {
        let server = Server::start(move |number, head, stream| match (number, range_start(head)) {
            (0, _) => half(stream, &content()),
            (1, Some(start)) => wrong(stream, start),
            _ => whole(stream, &content()),
        });
        Place::new().fetch(&set(&content()), &server, &LIMITS).unwrap();
        assert!(range_start(&server.heads()[2]).is_none());
    };
    other(|stream, start| rest(stream, &content(), start - 1));
    other(|stream, start| {
        let head = format!("206 Partial Content\nContent-Range: bytes {start}-199999/200000\nETag: \"v2\"");
        send(stream, &head, &content()[start..]);
    });
    other(|stream, _| send(stream, "416 Range Not Satisfiable", b""));
}

#[test]
fn a_wrong_checksum_leaves_nothing() {
    let server = Server::start(|_, _, stream| whole(stream, b"something else"));
    let place = Place::new();
    let error = place.refusal(&set(&content()), &server, &LIMITS);
    assert!(error.contains(&format!("expected {}, found MD5 ", sum(&content()))), "{error}");
    assert!(place.names().is_empty());
}

#[test]
fn a_length_that_is_a_lie_is_found_out() {
    // Shorter than the body, so that the file is cut.
    let server = Server::start(|_, _, stream| {
        send(stream, "200 OK\nContent-Length: 1000\nETag: \"v1\"", &content());
    });
    assert!(Place::new().refusal(&set(&content()), &server, &LIMITS).contains("expected MD5"));
    // Longer than the body, at every attempt.
    let server = Server::start(|_, _, stream| {
        send(stream, "200 OK\nContent-Length: 300000", &content());
    });
    assert!(Place::new().refusal(&set(&content()), &server, &LIMITS).contains("cut off after 200000 bytes"));
}

#[test]
fn bodies_beyond_the_limit_are_refused_announced_or_not() {
    let server = Server::start(|_, _, stream| {
        send(stream, &format!("200 OK\nContent-Length: {}", u64::MAX), b"");
    });
    let place = Place::new();
    assert!(place.refusal(&set(&content()), &server, &LIMITS).contains("at most 1048576 bytes"));
    assert!(place.names().is_empty());
    let server = Server::start(|_, _, stream| {
        send(stream, "200 OK\nTransfer-Encoding: chunked", b"");
        let chunk = [&b"10000\r\n"[..], &[b'x'; 0x10000], b"\r\n"].concat();
        while stream.write_all(&chunk).is_ok() {}
    });
    assert!(place.refusal(&set(&content()), &server, &LIMITS).contains("at most 1048576 bytes"));
    assert!(place.names().is_empty());
    assert_eq!(server.heads().len(), 1);
}

#[test]
fn slow_servers_are_given_up() {
    let began = Instant::now();
    let silent = Limits { read: Duration::from_millis(100), attempts: 2, ..LIMITS };
    let server = Server::start(|_, _, stream| {
        half(stream, &content());
        std::thread::sleep(Duration::from_secs(120));
    });
    let error = Place::new().refusal(&set(&content()), &server, &silent);
    assert!(error.contains("given up after 2 attempts"), "{error}");
    let trickling = Limits { window: Duration::from_millis(50), window_bytes: 1000, attempts: 1, ..LIMITS };
    let server = Server::start(|_, _, stream| {
        send(stream, "200 OK\nContent-Length: 200000", b"");
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let error = Place::new().refusal(&set(&content()), &server, &trickling);
    assert!(error.contains("too slow: "), "{error}");
    let unanswered = Limits { answer: Duration::from_millis(100), attempts: 1, ..LIMITS };
    let server = Server::start(|_, _, _| std::thread::sleep(Duration::from_secs(120)));
    let error = Place::new().refusal(&set(&content()), &server, &unanswered);
    assert!(error.contains("cannot be fetched"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn redirects_are_followed_and_bounded() {
    let server = Server::start(|_, head, stream| match head.split(' ').nth(1) {
        Some("/file.bin") => send(stream, "302 Found\nLocation: /b\nContent-Length: 0", b""),
        Some("/b") => send(stream, "301 Moved\nLocation: c\nContent-Length: 0", b""),
        _ => whole(stream, &content()),
    });
    Place::new().fetch(&set(&content()), &server, &LIMITS).unwrap();
    let server = Server::start(|_, _, stream| {
        send(stream, "302 Found\nLocation: /again\nContent-Length: 0", b"");
    });
    let error = Place::new().refusal(&set(&content()), &server, &LIMITS);
    assert!(error.contains("redirects"), "{error}");
    assert_eq!(server.heads().len(), 4);
}

#[test]
fn without_a_published_checksum_one_is_given_or_recorded() {
    let server = Server::start(|_, _, stream| whole(stream, &content()));
    let unchecked = Published { checksum: None, ..set(&content()) };
    let place = Place::new();
    let error = format!("{:#}", place.fetch(&unchecked, &server, &LIMITS).unwrap_err());
    assert!(error.contains("expected https, or --sha256"), "{error}");
    assert!(server.heads().is_empty());

    let path = place.0.path().join("reference");
    fs::write(&path, content()).unwrap();
    let given = Algorithm::Sha256.of(&path).unwrap();
    let url = server.url("/x");
    let request = Request {
        name: "set",
        set: &unchecked,
        directory: place.0.path(),
        mirror: Some(&url),
        checksum: Some(given),
    };
    let fetched = fetch(&request, &LIMITS, &Progress::silent()).unwrap();
    assert_eq!((fetched.origin, fetched.checksum), (Origin::Given, given));

    // As a download over HTTPS leaves it.
    let record = place.folder().join("file.bin.sha256");
    let error = format!("{:#}", place.fetch(&unchecked, &server, &LIMITS).unwrap_err());
    assert!(error.contains(&record.display().to_string()), "{error}");
    fs::write(&record, format!("{}  file.bin\n", given.hex())).unwrap();
    assert_eq!(place.fetch(&unchecked, &server, &LIMITS).unwrap().origin, Origin::Recorded);
    fs::write(place.folder().join("file.bin"), "changed").unwrap();
    assert!(place.fetch(&unchecked, &server, &LIMITS).is_err());
}

#[test]
fn one_download_at_a_time() {
    let place = Place::new();
    fs::create_dir(place.folder()).unwrap();
    let _held = download::open(&place.folder().join("file.bin.part")).unwrap();
    let server = Server::start(|_, _, stream| whole(stream, &content()));
    assert!(place.refusal(&set(&content()), &server, &LIMITS).contains("another download is under way"));
}

fn archive(fill: impl FnOnce(&mut ZipWriter<std::io::Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    fill(&mut zip);
    zip.finish().unwrap().into_inner()
}

fn add(zip: &mut ZipWriter<std::io::Cursor<Vec<u8>>>, name: &str, content: &[u8]) {
    zip.start_file(name, SimpleFileOptions::default()).unwrap();
    zip.write_all(content).unwrap();
}

/// Fetches an archive and extracts the one file.
fn unpack(bytes: &[u8]) -> (Place, Result<Fetched>) {
    let served = bytes.to_vec();
    let server = Server::start(move |_, _, stream| whole(stream, &served));
    let place = Place::new();
    let fetched = place.fetch(&Published { entry: Some(ENTRY), ..set(bytes) }, &server, &LIMITS);
    (place, fetched)
}

#[track_caller]
fn not_unpacked(bytes: &[u8], expected: &str) {
    let (place, fetched) = unpack(bytes);
    let error = format!("{:#}", fetched.unwrap_err());
    assert!(error.contains(expected), "{error}");
    assert_eq!(place.names(), ["file.bin"]);
    let outside: Vec<_> = fs::read_dir(place.0.path()).unwrap().collect();
    assert_eq!(outside.len(), 1);
}

#[test]
fn only_the_interactions_are_extracted() {
    let bytes = archive(|zip| {
        add(zip, "set/README", b"read me");
        add(zip, ENTRY.name, b"1\t2\t3\t881250949\n");
    });
    let (place, fetched) = unpack(&bytes);
    let fetched = fetched.unwrap();
    assert_eq!(fetched.path, place.folder().join("u.data"));
    assert_eq!(fs::read(fetched.path).unwrap(), b"1\t2\t3\t881250949\n");
    assert_eq!(place.names(), ["file.bin", "u.data"]);
}

#[test]
fn unsafe_archives_are_refused() {
    for name in
        ["../../evil", "/etc/evil", "set/../../evil", "C:\\evil", "..\\evil", "\\evil", "set\\..\\evil"]
    {
        let stand_in = "x".repeat(name.len());
        let mut bytes = archive(|zip| {
            add(zip, ENTRY.name, b"1\t2\t3\t881250949\n");
            add(zip, &stand_in, b"evil");
        });
        // Whoever writes archives with care would not write this name.
        while let Some(at) = bytes.windows(name.len()).position(|part| part == stand_in.as_bytes()) {
            bytes[at..at + name.len()].copy_from_slice(name.as_bytes());
        }
        not_unpacked(&bytes, "inside of the archive");
    }
    not_unpacked(
        &archive(|zip| zip.add_symlink(ENTRY.name, "/etc/passwd", SimpleFileOptions::default()).unwrap()),
        "inside of the archive",
    );
}

#[test]
fn oversized_lying_and_damaged_archives_are_refused() {
    not_unpacked(b"no archive", "sound zip archive");
    not_unpacked(&archive(|zip| add(zip, "set/other", b"x")), "expected the entry set/u.data");
    let bomb = archive(|zip| add(zip, ENTRY.name, &vec![0; (1 << 20) + 1]));
    assert!(bomb.len() < 4096);
    not_unpacked(&bomb, "expected at most 1048576 bytes in set/u.data, found 1048577");
    // The same, with a small size in its directory: bytes 24 to 27 of the entry (APPNOTE 4.3.12).
    let mut lying = bomb;
    let entry = lying.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    lying[entry + 24..entry + 28].copy_from_slice(&1000_u32.to_le_bytes());
    not_unpacked(&lying, "sound zip archive");
    let mut damaged = archive(|zip| add(zip, ENTRY.name, &content()));
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x55;
    not_unpacked(&damaged, "sound zip archive");
}
