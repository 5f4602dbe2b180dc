//! Running the program, and what every answer and failure has in common.

use std::path::{Path, PathBuf};
use std::{fs, io};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// The program, with these arguments.
pub(crate) fn scall<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("scall"));
    command.args(arguments);
    command
}

/// The program, with the words of this line.
pub(crate) fn scall_line(line: &str) -> Command {
    scall(line.split_whitespace())
}

/// The document that the program prints.
#[track_caller]
pub(crate) fn document(mut command: Command) -> Value {
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{command:?}: {errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{command:?}: {error}\n{text}"))
}

/// What the program prints for people.
#[track_caller]
pub(crate) fn text(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The line of a failure with this exit status; nothing else may be printed.
#[track_caller]
pub(crate) fn failure(mut command: Command, status: i32) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{command:?}: {errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{command:?}");
    let line = errors.strip_suffix('\n').unwrap_or_else(|| panic!("{command:?}: no line in {errors:?}"));
    assert!(line.starts_with("error: "), "{command:?}: {line}");
    assert!(!line.contains(char::is_control), "{command:?}: more than one plain line in {line:?}");
    line.to_owned()
}

/// As [`failure`], and the line names all of `expected`.
#[track_caller]
pub(crate) fn failure_names(command: Command, status: i32, expected: &[&str]) {
    let line = failure(command, status);
    for part in expected {
        assert!(line.contains(part), "{part:?} is not in {line:?}");
    }
}

/// A directory that goes away with the test.
pub(crate) struct Directory(TempDir);

impl Directory {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file into it.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

/// Says that a check is not made here, and why.
pub(crate) fn skip(why: impl std::fmt::Display) {
    use io::Write;
    // Straight to the terminal: the test harness hides what passing tests print.
    let _ = writeln!(io::stderr().lock(), "skipped: {why}");
}
