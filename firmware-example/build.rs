//! Lets the linker find the `memory.x` of the board that `SCALL_BOARD` names, or else of QEMU's, and the program the
//! recorded stream that `SCALL_STREAM` names, if it does.

use std::{env, fs, path::PathBuf};

fn main() -> std::io::Result<()> {
    let variable = |name| env::var_os(name).ok_or(std::io::ErrorKind::NotFound);
    let out = PathBuf::from(variable("OUT_DIR")?);
    let default = if variable("TARGET")?.to_string_lossy().starts_with("thumbv8m") { "505" } else { "386" };
    let board = env::var("SCALL_BOARD").unwrap_or_else(|_| format!("mps2-an{default}"));
    let memory = format!("boards/{board}/memory.x");
    println!("cargo::rerun-if-env-changed=SCALL_BOARD");
    fs::copy(&memory, out.join("memory.x"))?;
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rerun-if-changed={memory}");

    println!("cargo::rustc-check-cfg=cfg(recorded_stream)");
    println!("cargo::rerun-if-env-changed=SCALL_STREAM");
    if let Some(stream) = env::var_os("SCALL_STREAM") {
        println!("cargo::rustc-cfg=recorded_stream");
        println!("cargo::rerun-if-changed={}", PathBuf::from(&stream).display());
        fs::copy(stream, out.join("stream.scall"))?;
    }
    Ok(())
}
