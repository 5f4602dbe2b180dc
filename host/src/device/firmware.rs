//! Builds the firmware, runs it in QEMU, and runs the same on this machine.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use scall_core::scenario::{self, PolicyMemory, Report, Scenario, Stored, Training};
use serde::Deserialize;

use super::recording;
use crate::input::shown_path;

/// What emulates the boards.
const EMULATOR: &str = "qemu-system-arm";

/// Who chooses the sizes on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// An actor whose weights are in flash.
    Stored,
    /// A policy that learns on the device.
    Training,
}

impl Program {
    /// The name of the firmware's program.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stored => "firmware-example",
            Self::Training => "training",
        }
    }
}

/// What is built and run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where the firmware's sources are.
    pub folder: PathBuf,
    /// What it is built for.
    pub target: String,
    /// Which of its programs.
    pub program: Program,
    /// A recorded stream instead of the one that the firmware makes.
    pub stream: Option<PathBuf>,
}

/// The line that the firmware ends with.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Line {
    /// Interactions learned.
    pub interactions: u32,
    /// Segments closed.
    pub segments: u32,
    /// Users and items known at the end.
    pub entities: u32,
    /// Users and items that made way for others.
    pub evicted: u32,
    /// Parameters in use at the end.
    pub parameters_used: u32,
    /// Parameters allowed.
    pub budget_parameters: u32,
    /// How often there were more.
    pub budget_violations: u32,
    /// Part of the interactions whose item was among the twenty recommended before.
    #[serde(rename = "recall@20")]
    pub recall: f64,
    /// Bytes of memory, stack included.
    pub ram_bytes: u64,
    /// Bytes of the deepest stack.
    pub stack_bytes: u64,
    /// Fingerprint of the model at the end, hexadecimal.
    pub model_digest: String,
}

impl Line {
    /// Whether a run here came to the same.
    pub fn agrees_with(&self, report: &Report) -> bool {
        self.model_digest == format!("{:016x}", report.digest)
            && [self.interactions, self.segments, self.entities, self.evicted, self.parameters_used]
                == [
                    report.interactions,
                    report.segments,
                    report.entities,
                    report.evicted,
                    report.parameters_used,
                ]
    }
}

/// Runs a program of the firmware to its end.
///
/// # Errors
/// No firmware in the folder; a target or the emulator that is not installed; a build that fails; a firmware whose
/// own checks fail.
pub fn run_in_emulator(request: &Request) -> Result<Line> {
    let Request { folder, target, program, stream } = request;
    let manifest = folder.join("Cargo.toml");
    if !manifest.is_file() {
        bail!("{}: no firmware here; expected its folder, which has a Cargo.toml", shown_path(folder));
    }
    if !starts(EMULATOR) {
        bail!("{EMULATOR}: not installed; expected QEMU's emulator of ARM boards in the PATH");
    }
    if !is_target_installed(target)? {
        bail!(
            "{target}: the target is not installed; expected `rustup target add {target}` to have been run"
        );
    }
    let mut command = Command::new("cargo");
    command.current_dir(folder).stdin(Stdio::null());
    command.args(["run", "--locked", "--release", "--quiet", "--bin", program.name(), "--target", target]);
    // What a cargo that runs this program has set for it would reach the inner one.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO_TARGET_DIR"
        {
            command.env_remove(&name);
        }
    }
    match stream {
        // A build of its own, so that the other one is not undone.
        Some(stream) => {
            recording::read(stream)?;
            let path = stream.canonicalize().with_context(|| shown_path(stream))?;
            command.env("SCALL_STREAM", path).args(["--target-dir", "target/recorded"])
        }
        None => command.env_remove("SCALL_STREAM"),
    };
    let output = command.output().context("cargo: cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    if !output.status.success() {
        bail!("{}: the firmware failed: {}", shown_path(folder), reason(line, &output));
    }
    serde_json::from_str(line)
        .with_context(|| format!("{}: expected a line of JSON from the firmware", shown_path(folder)))
}

/// The same run on this machine.
///
/// # Errors
/// A stream that cannot be read.
pub fn run_here(program: Program, stream: Option<&Path>) -> Result<Report> {
    match program {
        Program::Stored => run_scenario::<Stored>(stream),
        Program::Training => run_scenario::<Training>(stream),
    }
}

fn run_scenario<M: PolicyMemory>(stream: Option<&Path>) -> Result<Report> {
    let mut scenario = Box::new(Scenario::<M>::new());
    let report = match stream {
        Some(path) => scenario.replay(scenario::SEED, recording::read(path)?.into_iter()),
        None => scenario.run(scenario::SEED),
    };
    report.context("the device's configuration does not run")
}

/// What a failed program said last, on either output.
fn reason(line: &str, output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    let error = errors.lines().find(|line| line.starts_with("error"));
    let said = error.or_else(|| errors.lines().last()).filter(|said| !said.is_empty());
    match (line.strip_prefix("error: "), said) {
        (Some(of_firmware), _) => of_firmware.to_owned(),
        (None, Some(of_build)) => of_build.to_owned(),
        (None, None) => format!("it ended with {}", output.status),
    }
}

fn starts(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}

/// Whether the compiler has the core library of a target.
fn is_target_installed(target: &str) -> Result<bool> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target"])
        .arg(OsStr::new(target))
        .stdin(Stdio::null())
        .output()
        .context("rustc: cannot be started")?;
    let path = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(path.trim()).is_dir())
}
