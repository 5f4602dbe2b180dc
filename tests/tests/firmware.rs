//! The firmware in QEMU: does what the host does, inside its memory, on every kind of Cortex-M.

use std::{collections::BTreeMap, fs, sync::Mutex};

use object::{Object, ObjectSection};
use scall_core::device::DeviceShape;
use scall_core::scenario::{self, PACKED_SHAPE, Packed, PolicyMemory, Scenario, Stored, Training};
use scall_core::stream::{Event, StreamBlob};
use scall_tests::{
    cargo, finish, is_installed, is_target_installed, matches_record, program, report, repository, skip,
    succeed, within_record,
};
use serde_json::{Value, json};

/// Cortex-M4 with a floating-point unit: what the figures are for.
const TARGET: &str = "thumbv7em-none-eabihf";
/// The others, Cortex-M0 (whose code a Cortex-M3 runs here), M3 and M33.
const OTHER_TARGETS: [&str; 3] = ["thumbv6m-none-eabi", "thumbv7m-none-eabi", "thumbv8m.main-none-eabihf"];
/// What `memory.x` tells the linker.
const FLASH_BYTES: u64 = 256 * 1024;
const RAM_BYTES: u64 = 64 * 1024;
/// Programs, and the most bytes of code and constants that they may have, weights aside.
const PROGRAMS: [(&str, u64); 4] = [
    ("firmware-example", 48 * 1024),
    ("packed", 52 * 1024),
    ("training", 80 * 1024),
    ("persistence", 80 * 1024),
];

/// The last line of a program, parsed; each is run once for all tests. `None` where it cannot run.
fn document(program: &'static str, target: &'static str) -> Option<Value> {
    static LINES: Mutex<BTreeMap<(&str, &str), Option<String>>> = Mutex::new(BTreeMap::new());
    let mut lines = LINES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let line = lines.entry((program, target)).or_insert_with(|| {
        if !is_target_installed(target) || !is_installed("qemu-system-arm") {
            skip(&format!("the firmware on {target}: the target or qemu-system-arm is not installed"));
            return None;
        }
        let arguments = ["run", "--locked", "--release", "--quiet", "--bin", program, "--target", target];
        let output = succeed(cargo("firmware-example").args(arguments).env_remove("SCALL_STREAM"));
        let text = String::from_utf8(output.stdout).expect("the firmware prints text");
        assert!(text.ends_with('\n'), "the last line of {text:?} is whole");
        let line = text.lines().last().expect("the firmware prints a line").to_owned();
        report(&format!("{program} on {target}: {line}"));
        Some(line)
    });
    line.as_deref().map(|line| serde_json::from_str(line).expect("the last line is JSON"))
}

fn number(document: &Value, name: &str) -> u64 {
    document[name].as_u64().unwrap_or_else(|| panic!("{name} is a whole number in {document}"))
}

fn hexadecimal(digest: u64) -> String {
    format!("{digest:016x}")
}

/// Too large for the stack of a test.
fn memory<M: PolicyMemory>() -> Box<Scenario<M>> {
    Box::new(Scenario::new())
}

fn host_run() -> scenario::Report {
    memory::<Stored>().run(scenario::SEED).expect("the scenario fits its memory")
}

#[test]
fn the_firmware_ends_with_every_promised_field() {
    let Some(document) = document("firmware-example", TARGET) else { return };
    assert_eq!(number(&document, "schema"), 1);
    for name in
        ["interactions", "segments", "entities", "parameters_used", "budget_parameters", "stack_bytes"]
    {
        number(&document, name);
    }
    assert_eq!(number(&document, "budget_violations"), 0);
    assert!(number(&document, "parameters_used") <= number(&document, "budget_parameters"));
    assert!(number(&document, "interactions") >= 20_000);
    assert!(number(&document, "entities") >= 550 && number(&document, "evicted") > 0);
    let recall = document["recall@20"].as_f64().expect("recall@20 is a number");
    assert!((0.0..=1.0).contains(&recall));
    let digest = document["model_digest"].as_str().expect("the digest is text");
    assert!(digest.len() == 16 && digest.bytes().all(|digit| digit.is_ascii_hexdigit()), "{digest}");
}

#[test]
fn the_firmware_computes_the_same_bits_as_this_machine() {
    let Some(document) = document("firmware-example", TARGET) else { return };
    let expected = host_run();
    assert_eq!(document["model_digest"], hexadecimal(expected.digest));
    assert_eq!(number(&document, "interactions"), u64::from(expected.interactions));
    assert_eq!(number(&document, "segments"), u64::from(expected.segments));
    assert_eq!(number(&document, "entities"), u64::from(expected.entities));
    assert_eq!(number(&document, "evicted"), u64::from(expected.evicted));
    assert_eq!(number(&document, "parameters_used"), u64::from(expected.parameters_used));
    assert_eq!(number(&document, "budget_parameters"), u64::from(expected.budget_parameters));
    assert_eq!(number(&document, "budget_violations"), u64::from(expected.budget_violations));
    for (name, hits) in [("recall@20", expected.hits), ("recall@10", expected.short_list_hits)] {
        let recall = f64::from(hits) / f64::from(expected.tests.max(1));
        assert!((document[name].as_f64().unwrap_or(2.0) - recall).abs() <= 0.000_05 + 1e-12);
    }
}

/// Rows of bytes and thin tables: five times the entities, and ten bytes for each beside its row.
#[test]
fn packed_memory_serves_more_entities_with_the_same_bits_as_on_this_machine() {
    let Some(document) = document("packed", TARGET) else { return };
    let mut packed = Box::new(Packed::new());
    let expected = packed.run(scenario::SEED).expect("it fits its memory");
    assert_eq!(document["model_digest"], hexadecimal(expected.digest));
    assert_eq!(number(&document, "entities"), PACKED_SHAPE.entities() as u64);
    assert!(number(&document, "evicted") > 0);
    assert_eq!(number(&document, "budget_violations"), 0);
    assert!(number(&document, "ram_bytes") <= RAM_BYTES);
    // What an entity more takes, in a hundred of them so that blocks and places of the index are whole.
    let more = DeviceShape { items: PACKED_SHAPE.items + 112, ..PACKED_SHAPE };
    let bytes = more.thin_tables_bytes() - PACKED_SHAPE.thin_tables_bytes();
    assert!(bytes <= 10 * 112, "{bytes} bytes for 112 entities");
}

#[test]
fn a_policy_that_learns_on_the_device_has_the_same_bits_as_on_this_machine() {
    let Some(document) = document("training", TARGET) else { return };
    let expected = memory::<Training>().run(scenario::SEED).expect("it fits its memory");
    assert_eq!(document["model_digest"], hexadecimal(expected.digest));
    assert!(number(&document, "ram_bytes") <= RAM_BYTES);
}

#[test]
fn a_chip_that_loses_its_power_again_and_again_comes_to_the_same_bits() {
    let Some(document) = document("persistence", TARGET) else { return };
    let expected = host_run();
    assert_eq!(document["model_digest"], hexadecimal(expected.digest));
    assert_eq!(number(&document, "interactions"), u64::from(expected.interactions));
    assert_eq!(number(&document, "evicted"), u64::from(expected.evicted));
    assert!(number(&document, "ram_bytes") <= RAM_BYTES);
    // All decisions but the last, which the end of the stream interrupts, are saved once and in order.
    assert_eq!(number(&document, "generation"), u64::from(expected.segments) - 1);
    assert!(number(&document, "boots") >= 5);
    assert!(number(&document, "state_bytes") <= scenario::max_snapshot_len::<Stored>() as u64);
    let (fewest, most) = (number(&document, "erases_fewest"), number(&document, "erases_most"));
    assert!(fewest > 0 && most <= fewest + 2, "the pages wear unevenly");
}

#[test]
fn other_processors_come_to_the_same_bits() {
    for target in OTHER_TARGETS {
        let Some(document) = document("firmware-example", target) else { continue };
        assert_eq!(document["model_digest"], hexadecimal(host_run().digest), "{target}");
        assert!(number(&document, "ram_bytes") <= RAM_BYTES, "{target}");
    }
}

#[test]
fn the_firmware_comes_to_the_recorded_result() {
    let Some(document) = document("firmware-example", TARGET) else { return };
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

/// Bytes of a program in the chip's memory: code, constants, initial values, zeroed memory.
fn sections(program: &str) -> [u64; 4] {
    let image = repository().join("firmware-example/target").join(TARGET).join("release").join(program);
    let [mut code, mut constants, mut initialised, mut zeroed] = [0; 4];
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
    [code, constants, initialised, zeroed]
}

#[test]
fn the_firmware_fits_the_chip_with_its_stack_and_has_the_recorded_size() {
    let mut sizes = BTreeMap::new();
    for (program, most) in PROGRAMS {
        let Some(document) = document(program, TARGET) else { return };
        let [code, constants, initialised, zeroed] = sections(program);
        let stack = number(&document, "stack_bytes");
        report(&format!(
            "{program}: code {code} + constants {constants} + initial values {initialised} of {FLASH_BYTES} \
             bytes of flash; statics {} + deepest stack {stack} of {RAM_BYTES} bytes of RAM",
            initialised + zeroed
        ));
        assert!(code + constants + initialised <= FLASH_BYTES);
        let weights = if program != "training" { scenario::STORED_POLICY.len() as u64 } else { 0 };
        assert!(code + constants - weights <= most, "{program}: more than {most} bytes without the weights");
        assert_eq!(number(&document, "ram_bytes"), initialised + zeroed + stack);
        assert!(number(&document, "ram_bytes") <= RAM_BYTES);
        assert!(stack > 0);
        assert_eq!(initialised, 0, "all memory starts as zero, so it takes no room in flash");
        let parts =
            json!({"code": code, "constants": constants, "data": initialised, "bss": zeroed, "stack": stack});
        sizes.insert(program, parts);
    }
    within_record("firmware-sizes.json", &json!(sizes), 0.03);
}

/// What the program says before anything is built, and what the linker and the painted stack say afterwards.
#[test]
fn a_plan_agrees_with_the_linked_firmware() {
    // The firmware makes its own stream, which takes memory beside the device.
    const STREAM: &str = "2KiB";
    for (name, policy) in [("firmware-example", "stored"), ("training", "training")] {
        let Some(document) = document(name, TARGET) else { return };
        let arguments = ["plan", "--policy", policy, "--application-ram", STREAM, "--json"];
        let output = succeed(program().args(arguments));
        let plan: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
        let [code, constants, initialised, zeroed] = sections(name);
        let part = |memory: &str, part: &str| number(&plan[memory]["parts"], part);
        let stack = number(&document, "stack_bytes");
        for (what, planned, linked) in [
            ("RAM", number(&plan["ram"], "needed"), number(&document, "ram_bytes")),
            ("statics", number(&plan["ram"], "needed") - part("ram", "stack"), initialised + zeroed),
            ("stack", part("ram", "stack"), stack),
            ("flash", number(&plan["flash"], "needed"), code + constants + initialised),
            ("code", part("flash", "code"), code),
            ("constants", part("flash", "constants") + part("flash", "weights"), constants),
        ] {
            let missed = planned.abs_diff(linked) as f64;
            assert!(missed <= 0.03 * linked as f64, "{name}: {what}: {planned} planned, {linked} linked");
        }
        assert_eq!(plan["fits"], true);
        let board = fs::read_to_string(repository().join("firmware-example/boards/mps2-an386/memory.x"));
        let memory = plan["memory_x"].as_str().expect("the linker's text");
        assert!(board.expect("the board has its memory").contains(memory.trim_end()), "{memory}");
    }
}

/// Instructions of what is done without a pause, and of a repack by the elements that it moves.
#[test]
fn the_firmware_takes_the_recorded_numbers_of_instructions() {
    let Some(document) = document("figures", TARGET) else { return };
    within_record("firmware-figures.json", &document, 0.03);
    let Some(document) = self::document("training-figures", TARGET) else { return };
    within_record("firmware-training-figures.json", &document, 0.03);
}

/// Rows of one length: at eight elements what an event and ten recommendations out of 500 items may take, and
/// what bytes save a processor without a floating-point unit.
#[test]
fn rows_of_one_length_take_no_more_instructions_than_they_may() {
    let Some(figures) = document("rows", TARGET) else { return };
    within_record("firmware-rows.json", &figures, 0.03);
    assert!(number(&figures, "learn") <= 1_500);
    assert!(number(&figures, "recommend") <= 25_000);
    let Some(figures) = document("rows", OTHER_TARGETS[0]) else { return };
    assert!(2 * number(&figures, "learn_32_i8") <= number(&figures, "learn_32"));
}

#[test]
fn the_firmware_replays_a_stream_from_its_flash() {
    if document("firmware-example", TARGET).is_none() {
        return;
    }
    // More than the tables hold, with ids at both ends of their range.
    let users: Vec<u32> = (0..90).map(|n: u32| n.wrapping_mul(0x0301_4b97).wrapping_sub(1)).collect();
    let items: Vec<u32> = (0..700).map(|n: u32| n.wrapping_mul(0x9e37_79b1)).collect();
    let place = |n: u32, period: u32, count: usize| ((n * n / 7 + n) % period % count as u32) as u16;
    let events: Vec<(u16, u16)> =
        (0..3_000).map(|n| (place(n, 97, users.len()), place(n, 811, items.len()))).collect();
    let mut blob = vec![0; StreamBlob::len(users.len(), items.len(), events.len())];
    StreamBlob::write(&users, &items, events.iter().copied(), &mut blob).expect("the blob has room");
    let folder = repository().join("firmware-example/target");
    let path = folder.join("stream.scall");
    fs::write(&path, &blob).unwrap_or_else(|error| panic!("{}: {error}", path.display()));

    let events = events
        .iter()
        .map(|&(user, item)| Event { user: users[usize::from(user)], item: items[usize::from(item)] });
    let expected = memory::<Stored>().replay(scenario::SEED, events).expect("it fits");
    let output = succeed(
        cargo("firmware-example")
            .args(["run", "--locked", "--release", "--quiet", "--target-dir"])
            .arg(folder.join("recorded"))
            .env("SCALL_STREAM", &path),
    );
    let line = String::from_utf8(output.stdout).expect("the firmware prints text");
    let document: Value = serde_json::from_str(line.trim_end()).expect("one line of JSON");
    assert_eq!(document["model_digest"], hexadecimal(expected.digest));
    assert_eq!(number(&document, "interactions"), 3_000);
    assert!(number(&document, "evicted") > 0);

    // The same by the program's own command.
    let output = succeed(program().args(["device", "--json", "--stream"]).arg(&path));
    let told: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert_eq!(told["device_digest"], hexadecimal(expected.digest));
}

#[test]
fn the_program_builds_runs_and_compares_the_firmware() {
    for (name, policy) in [("firmware-example", "stored"), ("training", "training")] {
        let Some(document) = document(name, TARGET) else { return };
        let output = succeed(program().args(["device", "--policy", policy, "--json"]));
        let told: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
        assert_eq!((&told["same"], &told["target"]), (&json!(true), &json!(TARGET)));
        assert_eq!((&told["device_digest"], &told["host_digest"]), {
            (&document["model_digest"], &document["model_digest"])
        });
        assert_eq!(told["ram_bytes"], document["ram_bytes"]);
    }
    let output = finish(program().args(["device", "--target", "thumbv9-none-eabi"]));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr).lines().last(),
        Some(
            "error: thumbv9-none-eabi: the target is not installed; expected `rustup target add \
             thumbv9-none-eabi` to have been run"
        )
    );
}
