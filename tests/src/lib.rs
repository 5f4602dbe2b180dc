//! Checks that span the crates of scall: what they share.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// The top of the repository.
pub fn repository() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    folder.canonicalize().expect("the repository has a path")
}

/// `cargo` in a folder of the repository, with the configuration of that folder alone.
pub fn cargo(folder: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(repository().join(folder)).stdin(Stdio::null());
    // What the cargo that runs the tests has set for them would reach the inner one.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_TARGET_DIR"
        {
            command.env_remove(&*name);
        }
    }
    command
}

/// The program of this repository, to be given its arguments.
pub fn program() -> Command {
    let mut command = cargo(".");
    command.args(["run", "--quiet", "--locked", "-p", "scall", "--"]);
    command
}

/// Runs to the end and demands success; otherwise fails with everything that was said.
pub fn succeed(command: &mut Command) -> Output {
    let output = finish(command);
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, said(&output));
    output
}

/// Runs to the end, whatever it comes to.
pub fn finish(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Both outputs as text.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Whether a program can be started.
pub fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Whether the toolchain has the standard or core library of a target.
pub fn is_target_installed(target: &str) -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = finish(Command::new(rustc).args(["--print", "target-libdir", "--target", target]));
    Path::new(String::from_utf8_lossy(&output.stdout).trim()).exists()
}

/// Says why a check did not run, past the capture of the test harness.
pub fn skip(why: &str) {
    report(&format!("skipped: {why}"));
}

/// Shows a line to whoever runs the tests, past the capture of the test harness.
pub fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Compares a text with the recorded one; with `SCALL_RECORD=1` records it instead.
pub fn matches_record(name: &str, text: &str) {
    matches_file(&format!("tests/records/{name}"), text);
}

/// Compares a text with a file of the repository; with `SCALL_RECORD=1` writes it instead.
pub fn matches_file(name: &str, text: &str) {
    let path = repository().join(name);
    if env::var_os("SCALL_RECORD").is_some_and(|value| value == "1") {
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let recorded = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(recorded, text, "differs from {name}; SCALL_RECORD=1 records the new one");
}

/// The bytes kept under a name, which must be the given ones; with `SCALL_RECORD=1` keeps these instead.
pub fn golden(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path = repository().join("tests/golden").join(name);
    if env::var_os("SCALL_RECORD").is_some_and(|value| value == "1") {
        fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let kept = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let differs = kept.iter().zip(bytes).position(|(kept, written)| kept != written);
    assert!(
        kept == bytes,
        "{}: {} bytes are kept and {} written, different from {differs:?} on; a change of format needs another \
         version",
        path.display(),
        kept.len(),
        bytes.len()
    );
    kept
}

/// Compares numbers with the recorded ones, which they may miss by that part of them either way; with
/// `SCALL_RECORD=1` records them instead.
pub fn within_record(name: &str, found: &Value, part: f64) {
    let path = repository().join("tests/records").join(name);
    if env::var_os("SCALL_RECORD").is_some_and(|value| value == "1") {
        let text = serde_json::to_string_pretty(found).expect("JSON of JSON");
        fs::write(&path, format!("{text}\n")).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let recorded: Value = serde_json::from_str(&text).expect("a record is JSON");
    compare(name, found, &recorded, part);
}

/// Compares two documents number by number.
fn compare(name: &str, found: &Value, recorded: &Value, part: f64) {
    if let (Some(found), Some(recorded)) = (found.as_object(), recorded.as_object()) {
        assert!(found.keys().eq(recorded.keys()), "{name} has other fields");
        for (key, value) in found {
            compare(&format!("{name}: {key}"), value, &recorded[key], part);
        }
        return;
    }
    let numbers = found.as_f64().zip(recorded.as_f64());
    let (found, recorded) = numbers.unwrap_or_else(|| panic!("{name} is a number in both"));
    let missed = (found - recorded).abs();
    assert!(
        missed <= part * recorded.abs(),
        "{name}: {found} instead of {recorded}; SCALL_RECORD=1 records it"
    );
}

/// The files under version control, from the top of the repository.
pub fn tracked_files() -> Vec<PathBuf> {
    let output = succeed(Command::new("git").current_dir(repository()).args(["ls-files", "-z"]));
    output
        .stdout
        .split(|&byte| byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| PathBuf::from(String::from_utf8_lossy(name).into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_may_miss_the_record_by_a_part_of_it_either_way() {
        let fails = |found: f64| {
            let (found, recorded) = (json!({"a": {"b": found}}), json!({"a": {"b": 100.0}}));
            std::panic::catch_unwind(|| compare("x", &found, &recorded, 0.03)).is_err()
        };
        assert_eq!([96.9, 97.1, 102.9, 103.1].map(fails), [true, false, false, true]);
        let other = std::panic::catch_unwind(|| compare("x", &json!({"a": 1}), &json!({"b": 1}), 0.5));
        assert!(other.is_err());
    }
}
