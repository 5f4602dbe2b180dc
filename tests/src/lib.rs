//! Checks that span the crates of scall: what they share.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

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
    let path = repository().join("tests/records").join(name);
    if env::var_os("SCALL_RECORD").is_some_and(|value| value == "1") {
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let recorded = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(recorded, text, "differs from tests/records/{name}; SCALL_RECORD=1 records the new one");
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
