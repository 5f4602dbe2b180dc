//! The boards: what is compiled for each lies in its memory, and the short program of the guide runs.

use std::{fs, path::Path};

use object::{Object, ObjectSection};
use scall_tests::{cargo, is_installed, is_target_installed, report, repository, skip, succeed};

const TARGET: &str = "thumbv7em-none-eabihf";
const GUIDE: &str = "firmware-example/README.md";
const PROGRAM: &str = "firmware-example/src/bin/minimal.rs";

fn read(name: &str) -> String {
    fs::read_to_string(repository().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Start and length of a region that a `memory.x` names.
fn region(memory: &str, name: &str) -> (u64, u64) {
    let line = memory.lines().find(|line| line.trim_start().starts_with(name)).expect("the region is there");
    let value = |key: &str| {
        let value = line.split_once(key).expect("the region has it").1.trim_start_matches([' ', '=']);
        value.split([',', ' ']).next().expect("a value").trim()
    };
    let hexadecimal = value("ORIGIN").trim_start_matches("0x");
    let kibibytes: u64 = value("LENGTH").trim_end_matches('K').parse().expect("KiB");
    (u64::from_str_radix(hexadecimal, 16).expect("an address"), 1024 * kibibytes)
}

/// What of an image goes to the chip lies in the regions of the board's `memory.x`, and starts where the chip does.
fn lies_in_its_memory(image: &Path, memory: &str) {
    let bytes = fs::read(image).unwrap_or_else(|error| panic!("{}: {error}", image.display()));
    let file = object::File::parse(&*bytes).expect("the image is an ELF file");
    let (flash, ram) = (region(memory, "FLASH"), region(memory, "RAM"));
    let inside = |(start, length): (u64, u64), at: u64, size: u64| at >= start && at + size <= start + length;
    let mut vectors = None;
    for section in file.sections() {
        let (name, at, size) = (section.name().unwrap_or_default(), section.address(), section.size());
        match name {
            ".vector_table" => vectors = Some(at),
            ".text" | ".rodata" => assert!(inside(flash, at, size), "{}: {name}", image.display()),
            ".data" | ".bss" | ".uninit" => assert!(inside(ram, at, size), "{}: {name}", image.display()),
            _ => {}
        }
    }
    assert_eq!(vectors, Some(flash.0), "{}", image.display());
}

fn builds_for(board: &str) {
    if !is_target_installed(TARGET) {
        return skip(&format!("the board {board}: the target {TARGET} is not installed"));
    }
    let folder = format!("firmware-example/boards/{board}");
    let programs = ["firmware-example", "minimal"];
    let mut command = cargo(&folder);
    command.args(["build", "--locked", "--release", "--quiet"]).env_remove("SCALL_STREAM");
    for program in programs {
        command.args(["--bin", program]);
    }
    succeed(&mut command);
    for program in programs {
        let image = format!("firmware-example/target/{board}/{TARGET}/release/{program}");
        lies_in_its_memory(&repository().join(image), &read(&format!("{folder}/memory.x")));
        report(&format!("{program} for {board}: built, and inside its memory"));
    }
}

#[test]
fn it_builds_for_the_nrf52840() {
    builds_for("nrf52840");
}

#[test]
fn it_builds_for_the_stm32f411() {
    builds_for("stm32f411");
}

#[test]
fn the_short_program_runs() {
    if !is_target_installed(TARGET) || !is_installed("qemu-system-arm") {
        return skip(&format!("the short program: {TARGET} or qemu-system-arm is not installed"));
    }
    succeed(cargo("firmware-example").args(["run", "--locked", "--release", "--quiet", "--bin", "minimal"]));
}

#[test]
fn the_guide_shows_the_short_program_as_it_is() {
    let program = read(PROGRAM);
    let (heading, code) = program.split_once("#![no_std]").expect("a program without the standard library");
    assert!(heading.lines().all(|line| line.starts_with("//!")), "{heading}");
    let shown = format!("```rust,ignore\n#![no_std]{code}```\n");
    assert!(read(GUIDE).contains(&shown), "{GUIDE} does not show {PROGRAM} as it is:\n{shown}");
    let lines = code.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//")).count();
    assert!(lines < 40, "{PROGRAM}: {} lines of code", lines + 1);
}

/// The chips of the runners are among those that the guide names.
#[test]
fn every_board_has_a_runner_and_a_line_in_the_guide() {
    let guide = read(GUIDE);
    for entry in fs::read_dir(repository().join("firmware-example/boards")).expect("there are boards") {
        let board = entry.expect("an entry").file_name().into_string().expect("a name");
        assert!(guide.contains(&format!("`{board}`")), "{GUIDE} does not name {board}");
        if !board.starts_with("mps2") {
            let config = read(&format!("firmware-example/boards/{board}/.cargo/config.toml"));
            assert!(config.contains("runner = \"probe-rs run --chip "), "{board} has no runner");
            assert!(config.contains(&format!("SCALL_BOARD = \"{board}\"")), "{board} names another board");
        }
    }
}
