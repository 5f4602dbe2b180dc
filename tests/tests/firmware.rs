//! The firmware in QEMU: does what the host does, inside its memory.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::OnceLock};

use object::{Object, ObjectSection};
use scall_core::scenario::{self, Scenario};
use scall_tests::{
    cargo, is_installed, is_target_installed, matches_record, report, repository, skip, succeed,
};
use serde_json::Value;

const TARGET: &str = "thumbv7em-none-eabihf";
/// What `memory.x` tells the linker.
const FLASH_BYTES: u64 = 256 * 1024;
const RAM_BYTES: u64 = 64 * 1024;

/// The last line that the firmware prints, from one run for all tests; `None` where it cannot run.
fn last_line() -> Option<&'static str> {
    static LINE: OnceLock<Option<String>> = OnceLock::new();
    let run = || {
        if !is_target_installed(TARGET) || !is_installed("qemu-system-arm") {
            skip("the firmware: its target or qemu-system-arm is not installed");
            return None;
        }
        let output = succeed(cargo("firmware-example").args(["run", "--locked", "--release", "--quiet"]));
        let text = String::from_utf8(output.stdout).expect("the firmware prints text");
        assert!(text.ends_with('\n'), "the last line of {text:?} is whole");
        let line = text.lines().last().expect("the firmware prints a line").to_owned();
        report(&line);
        Some(line)
    };
    LINE.get_or_init(run).as_deref()
}

fn document() -> Option<Value> {
    last_line().map(|line| serde_json::from_str(line).expect("the last line is JSON"))
}

fn number(document: &Value, name: &str) -> u64 {
    document[name].as_u64().unwrap_or_else(|| panic!("{name} is a whole number in {document}"))
}

#[test]
fn the_firmware_ends_with_every_promised_field() {
    let Some(document) = document() else { return };
    assert_eq!(number(&document, "schema"), 1);
    for name in
        ["interactions", "segments", "entities", "parameters_used", "budget_parameters", "stack_bytes"]
    {
        number(&document, name);
    }
    assert_eq!(number(&document, "budget_violations"), 0);
    assert!(number(&document, "parameters_used") <= number(&document, "budget_parameters"));
    let recall = document["recall@20"].as_f64().expect("recall@20 is a number");
    assert!((0.0..=1.0).contains(&recall));
    let digest = document["model_digest"].as_str().expect("the digest is text");
    assert!(digest.len() == 16 && digest.bytes().all(|digit| digit.is_ascii_hexdigit()), "{digest}");
}

#[test]
fn the_firmware_computes_the_same_bits_as_this_machine() {
    let Some(document) = document() else { return };
    let mut scenario = Box::new(Scenario::new());
    let expected = scenario.run(scenario::SEED).expect("the scenario fits its memory");
    assert_eq!(document["model_digest"], format!("{:016x}", expected.digest));
    assert_eq!(number(&document, "interactions"), u64::from(expected.interactions));
    assert_eq!(number(&document, "segments"), u64::from(expected.segments));
    assert_eq!(number(&document, "entities"), u64::from(expected.entities));
    assert_eq!(number(&document, "parameters_used"), u64::from(expected.parameters_used));
    assert_eq!(number(&document, "budget_parameters"), u64::from(expected.budget_parameters));
    assert_eq!(number(&document, "budget_violations"), u64::from(expected.budget_violations));
    let recall = f64::from(expected.hits) / f64::from(expected.tests.max(1));
    assert!((document["recall@20"].as_f64().unwrap_or(2.0) - recall).abs() <= 0.000_05 + 1e-12);
}

#[test]
fn the_firmware_comes_to_the_recorded_result() {
    let Some(document) = document() else { return };
    let mut fields: BTreeMap<&str, &Value> = BTreeMap::new();
    for (name, value) in document.as_object().expect("an object") {
        // The compiler decides about memory; the next test holds it to the chip.
        if !["ram_bytes", "stack_bytes"].contains(&name.as_str()) {
            fields.insert(name, value);
        }
    }
    let text = serde_json::to_string_pretty(&fields).expect("JSON of JSON");
    matches_record("firmware.json", &format!("{text}\n"));
}

#[test]
fn the_firmware_fits_the_chip_with_its_stack() {
    let Some(document) = document() else { return };
    let image = firmware_image();
    let (mut code, mut constants, mut initialised, mut zeroed) = (0, 0, 0, 0);
    let bytes = fs::read(&image).unwrap_or_else(|error| panic!("{}: {error}", image.display()));
    let file = object::File::parse(&*bytes).expect("the image is an ELF file");
    for section in file.sections() {
        let name = section.name().unwrap_or_default();
        // Debugging information and symbols are in the file alone.
        match name {
            ".text" | ".vector_table" => code += section.size(),
            ".rodata" => constants += section.size(),
            ".data" => initialised += section.size(),
            ".bss" | ".uninit" => zeroed += section.size(),
            _ => assert!(section.size() == 0 || section.address() == 0, "{name} is part of the program, too"),
        }
    }
    let stack = number(&document, "stack_bytes");
    report(&format!(
        "firmware: code {code} + constants {constants} + initial values {initialised} of {FLASH_BYTES} bytes of flash; \
         statics {} + deepest stack {stack} of {RAM_BYTES} bytes of RAM",
        initialised + zeroed
    ));
    assert!(code + constants + initialised <= FLASH_BYTES);
    assert_eq!(number(&document, "ram_bytes"), initialised + zeroed + stack);
    assert!(number(&document, "ram_bytes") <= RAM_BYTES);
    assert!(stack > 0);
    assert_eq!(initialised, 0, "all memory starts as zero, so it takes no room in flash");
}

fn firmware_image() -> PathBuf {
    repository().join("firmware-example/target").join(TARGET).join("release/firmware-example")
}
