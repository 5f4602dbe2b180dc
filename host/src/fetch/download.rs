//! One file over HTTP, in as many attempts as allowed, each going on where the last one stopped.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow};
use serde::{Deserialize, Serialize};
use ureq::http::{HeaderMap, StatusCode, Uri};
use ureq::{Agent, ResponseExt};

use super::with_ending;
use crate::output;
use crate::progress::Progress;

/// How patient a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For a connection.
    pub connect: Duration,
    /// For the head of an answer.
    pub answer: Duration,
    /// For more of a body.
    pub read: Duration,
    /// Over which the speed is measured.
    pub window: Duration,
    /// The fewest bytes in a window.
    pub window_bytes: u64,
    /// How many redirects are followed.
    pub redirects: u32,
    /// How often it is tried in all.
    pub attempts: u32,
    /// Before it is tried again.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            answer: Duration::from_secs(60),
            read: Duration::from_secs(30),
            window: Duration::from_secs(60),
            window_bytes: 60 << 10,
            redirects: 5,
            attempts: 5,
            pause: Duration::from_secs(2),
        }
    }
}

/// What is known about a file of which a part is there.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Begun {
    url: String,
    /// What the server calls this version of the file: a strong entity tag, or a date.
    version: String,
    /// Its whole length, if the server said so.
    length: Option<u64>,
}

/// Why an attempt did not succeed.
enum Failed {
    /// The next one may.
    Now(Error),
    /// No other will.
    ForGood(Error),
}

impl<E: Into<Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::ForGood(error.into())
    }
}

/// Opens `part` with what is there of it; until the result is dropped, nobody else downloads to it.
pub(super) fn open(part: &Path) -> Result<File> {
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(part);
    let file = opened.with_context(|| unwritable(part))?;
    file.try_lock().map_err(|_| anyhow!("{}: another download is under way", part.display()))?;
    Ok(file)
}

fn unwritable(path: &Path) -> String {
    format!("{}: cannot write the file", path.display())
}

/// Forgets what was downloaded to `part`.
pub(super) fn discard(part: &Path) -> Result<()> {
    for path in [part.to_owned(), head_of(part)] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{}: cannot remove the file", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

fn head_of(part: &Path) -> PathBuf {
    with_ending(part, "json")
}

/// Downloads `url` to `file`, which is at `part`, at most `most` bytes.
pub(super) fn download(
    url: &str,
    file: &mut File,
    part: &Path,
    most: u64,
    limits: &Limits,
    progress: &Progress,
) -> Result<()> {
    let agent = agent(url, limits);
    let mut tried = 0;
    loop {
        tried += 1;
        match attempt(&agent, url, file, part, most, limits, progress) {
            Ok(()) => return Ok(()),
            Err(Failed::ForGood(error)) => return Err(error),
            Err(Failed::Now(error)) if tried >= limits.attempts => {
                return Err(error.context(format!("{url}: given up after {tried} attempts")));
            }
            Err(Failed::Now(error)) => {
                progress.note(&format!("{error:#}; trying again"));
                std::thread::sleep(limits.pause);
            }
        }
    }
}

fn agent(url: &str, limits: &Limits) -> Agent {
    let mut config = Agent::config_builder();
    if is_local(url) {
        config = config.proxy(None);
    }
    config
        .https_only(url.starts_with("https://"))
        .http_status_as_error(false)
        .max_redirects(limits.redirects)
        .save_redirect_history(true)
        .timeout_resolve(Some(limits.connect))
        .timeout_connect(Some(limits.connect))
        .timeout_send_request(Some(limits.answer))
        .timeout_recv_response(Some(limits.answer))
        .timeout_per_read(Some(limits.read))
        .accept_encoding("identity")
        .user_agent(concat!("scall/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

/// Whether this computer itself serves the address, which no proxy needs to.
fn is_local(url: &str) -> bool {
    let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
    host.is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str()))
}

fn attempt(
    agent: &Agent,
    url: &str,
    file: &mut File,
    part: &Path,
    most: u64,
    limits: &Limits,
    progress: &Progress,
) -> Result<(), Failed> {
    let unwritable = || unwritable(part);
    let held = file.metadata().with_context(unwritable)?.len();
    let begun = begun(part, url).filter(|_| held > 0);
    let start = if begun.is_some() { held } else { 0 };
    if begun.as_ref().is_some_and(|begun| begun.length == Some(held)) {
        return Ok(());
    }
    let mut request = agent.get(url);
    if let Some(begun) = &begun {
        request = request.header("range", format!("bytes={start}-")).header("if-range", &begun.version);
    }
    let response = request.call().map_err(|error| refused(url, error))?;
    let history = response.get_redirect_history().unwrap_or_default();
    if falls_back(history) {
        let error = anyhow!("{url}: expected redirects that keep to https, found one to http");
        return Err(Failed::ForGood(error));
    }
    let headers = response.headers();
    let start = match (response.status(), &begun) {
        (StatusCode::OK, _) => 0,
        (StatusCode::PARTIAL_CONTENT, Some(begun)) if continues(headers, begun, start) => start,
        (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => {
            forget(file, part)?;
            return Err(Failed::Now(anyhow!("{url}: expected the rest of the file, found another part")));
        }
        (status, _) => {
            let error = anyhow!("{url}: expected the file, found status {}", status.as_u16());
            let passing = status.is_server_error()
                || status == StatusCode::TOO_MANY_REQUESTS
                || status == StatusCode::REQUEST_TIMEOUT;
            return Err(if passing { Failed::Now(error) } else { Failed::ForGood(error) });
        }
    };
    let length = number(headers, "content-length").map(|rest| start.saturating_add(rest));
    if length.is_some_and(|length| length > most) {
        forget(file, part)?;
        return Err(Failed::ForGood(too_large(url, most)));
    }
    if start == 0 {
        forget(file, part)?;
        if let Some(version) = version(headers) {
            let begun = Begun { url: url.to_owned(), version, length };
            let json = serde_json::to_vec(&begun)?;
            output::replace(&head_of(part), |out| out.write_all(&json))?;
        }
    }
    file.set_len(start).with_context(unwritable)?;
    file.seek(SeekFrom::Start(start)).with_context(unwritable)?;
    let stage = match length {
        Some(length) => progress.bytes("fetching", length),
        None => progress.open_ended("fetching"),
    };
    let mut body = response.into_body().into_reader();
    let (mut done, mut block) = (start, vec![0; 1 << 16]);
    let mut window = (Instant::now(), done);
    loop {
        let read = match body.read(&mut block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let error = Error::new(error).context(format!("{url}: cut off after {done} bytes"));
                return Err(Failed::Now(error));
            }
        };
        done += read as u64;
        if done > most {
            forget(file, part)?;
            return Err(Failed::ForGood(too_large(url, most)));
        }
        file.write_all(&block[..read]).with_context(unwritable)?;
        stage.set(done);
        if window.0.elapsed() >= limits.window {
            if done - window.1 < limits.window_bytes {
                let seconds = limits.window.as_secs_f64();
                let error = anyhow!("{url}: too slow: {} bytes in {seconds} s", done - window.1);
                return Err(Failed::Now(error));
            }
            window = (Instant::now(), done);
        }
    }
    if length.is_some_and(|length| done < length) {
        return Err(Failed::Now(anyhow!("{url}: cut off after {done} bytes")));
    }
    Ok(())
}

/// Whether the answer is the rest of the version that was begun.
fn continues(headers: &HeaderMap, begun: &Begun, start: u64) -> bool {
    let range = headers.get("content-range").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some((first, whole)) = range.strip_prefix("bytes ").and_then(|range| {
        let (span, whole) = range.split_once('/')?;
        Some((span.split_once('-')?.0.trim().parse::<u64>().ok()?, whole.trim()))
    }) else {
        return false;
    };
    let same_length = begun.length.is_none_or(|length| whole == "*" || whole == length.to_string());
    let same_version = version(headers).is_none_or(|version| version == begun.version);
    first == start && same_length && same_version
}

/// What tells this version of the file from others; a weak entity tag does not.
fn version(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let tag = text("etag").filter(|tag| !tag.starts_with("W/"));
    tag.or_else(|| text("last-modified")).map(str::to_owned)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

fn begun(part: &Path, url: &str) -> Option<Begun> {
    let begun: Begun = serde_json::from_slice(&fs::read(head_of(part)).ok()?).ok()?;
    (begun.url == url).then_some(begun)
}

/// Empties the part, so that the next attempt begins anew.
fn forget(file: &File, part: &Path) -> Result<()> {
    file.set_len(0).with_context(|| unwritable(part))?;
    // Without the head an empty part is begun anew, so one that stays does no harm.
    let _ = fs::remove_file(head_of(part));
    Ok(())
}

fn too_large(url: &str, most: u64) -> Error {
    anyhow!("{url}: expected at most {most} bytes, found more")
}

fn refused(url: &str, error: ureq::Error) -> Failed {
    let passing = matches!(
        error,
        ureq::Error::Io(_)
            | ureq::Error::Timeout(_)
            | ureq::Error::ConnectionFailed
            | ureq::Error::HostNotFound
            | ureq::Error::Protocol(_)
    );
    let error = Error::new(error).context(format!("{url}: cannot be fetched"));
    if passing { Failed::Now(error) } else { Failed::ForGood(error) }
}

/// Whether an address without encryption follows one with it.
fn falls_back(history: &[Uri]) -> bool {
    history.windows(2).any(|pair| match pair {
        [before, after] => before.scheme_str() == Some("https") && after.scheme_str() != Some("https"),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_began_with_https_stays_there() {
        let limits = Limits::default();
        assert!(agent("https://x.example/a", &limits).config().https_only());
        assert!(!agent("http://x.example/a", &limits).config().https_only());
        let history = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Uri>>();
        assert!(falls_back(&history(&["http://a/", "https://b/", "http://c/"])));
        assert!(!falls_back(&history(&["http://a/", "http://b/", "https://c/", "https://d/"])));
    }

    #[test]
    fn only_the_rest_of_the_same_version_continues() {
        let begun = Begun { url: String::new(), version: "\"v1\"".to_owned(), length: Some(100) };
        let answer = |range: &str, tag: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("content-range", range.parse().unwrap());
            headers.insert("etag", tag.parse().unwrap());
            continues(&headers, &begun, 40)
        };
        assert!(answer("bytes 40-99/100", "\"v1\""));
        assert!(answer("bytes 40-99/*", "\"v1\""));
        assert!(!answer("bytes 0-99/100", "\"v1\""));
        assert!(!answer("bytes 40-99/101", "\"v1\""));
        assert!(!answer("bytes 40-99/100", "\"v2\""));
        assert!(!answer("bytes */100", "\"v1\""));
        assert!(!answer("items 40-99/100", "\"v1\""));
        assert!(!continues(&HeaderMap::new(), &begun, 40));
    }
}
