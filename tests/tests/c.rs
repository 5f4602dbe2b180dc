//! The interface for C: its header, its example on several machines, and that it cannot panic.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
    sync::{Mutex, MutexGuard, PoisonError},
};

use object::{Object, ObjectSymbol};
use scall_core::device::DeviceShape;
use scall_core::scenario::{SEED, Scenario, Stored};
use scall_tests::{
    cargo, finish, is_installed, is_target_installed, matches_file, report, repository, said, skip, succeed,
};
use serde_json::Value;

const TARGET: &str = "thumbv7em-none-eabihf";
const HEADER: &str = "core/c/include/scall.h";

/// The parts of the interface, in the order of the header.
const SOURCES: [&str; 5] = ["status.rs", "config.rs", "handle.rs", "calls.rs", "reference.rs"];

#[test]
fn the_header_is_what_the_generator_makes_of_the_sources() {
    let folder = repository().join("core/c");
    let config =
        cbindgen::Config::from_file(folder.join("cbindgen.toml")).expect("the configuration is sound");
    let builder = SOURCES.iter().fold(cbindgen::Builder::new().with_config(config), |builder, name| {
        builder.with_src(folder.join("src").join(name))
    });
    let mut text = Vec::new();
    builder.generate().expect("the sources have a header").write(&mut text);
    matches_file(HEADER, &String::from_utf8(text).expect("the header is text"));
}

/// One at a time, who share a build folder.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the example on a machine and compares it with the core's own run.
fn example_on(machine: &str) {
    let _turn = turn();
    let output = succeed(Command::new(repository().join("core/c/example/run")).arg(machine));
    let text = String::from_utf8(output.stdout).expect("the example prints text");
    report(&format!("the example in C, {machine}: {}", text.trim_end()));
    let found: Value = serde_json::from_str(text.trim_end()).expect("one line of JSON");
    // Too large for the stack of a test.
    let mut scenario: Box<Scenario<Stored>> = Box::new(Scenario::new());
    let expected = scenario.run(SEED).expect("the scenario fits its memory");
    assert_eq!(found["model_digest"], format!("{:016x}", expected.digest));
    for (name, number) in [
        ("interactions", expected.interactions),
        ("segments", expected.segments),
        ("entities", expected.entities),
        ("evicted", expected.evicted),
        ("parameters_used", expected.parameters_used),
        ("budget_parameters", expected.budget_parameters),
        ("budget_violations", 0),
    ] {
        assert_eq!(found[name], number, "{name}");
    }
    let recall = f64::from(expected.hits) / f64::from(expected.tests.max(1));
    assert!((found["recall@20"].as_f64().unwrap_or(2.0) - recall).abs() <= 0.000_05 + 1e-12);
}

#[test]
fn the_example_comes_to_the_same_bits_here_with_either_library_and_under_sanitizers() {
    if !is_installed("cc") {
        return skip("the example in C on this machine: cc is not installed");
    }
    for machine in ["native", "shared", "sanitized"] {
        example_on(machine);
    }
}

#[test]
fn the_example_comes_to_the_same_bits_on_a_cortex_m4() {
    if !is_target_installed(TARGET) || !is_installed("arm-none-eabi-gcc") || !is_installed("qemu-system-arm")
    {
        return skip("the example in C on a Cortex-M4: the target, its compiler or QEMU is not installed");
    }
    example_on("mps2-an386");
}

#[test]
fn the_program_of_the_guide_works() {
    if !is_installed("cc") {
        return skip("the program of the guide: cc is not installed");
    }
    let _turn = turn();
    succeed(cargo("core/c").args(["build", "--locked", "--release", "--quiet"]));
    let guide = fs::read_to_string(repository().join("core/c/README.md")).expect("the guide is there");
    let program =
        guide.split_once("```c\n").and_then(|(_, rest)| rest.split_once("```")).expect("a program").0;
    let folder = repository().join("core/c/target");
    let (source, image) = (folder.join("guide.c"), folder.join("guide"));
    fs::write(&source, program).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
    succeed(
        Command::new("cc")
            .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-I"])
            .arg(repository().join("core/c/include"))
            .arg(&source)
            .arg(folder.join("release/libscall.a"))
            .arg("-o")
            .arg(&image),
    );
    succeed(&mut Command::new(&image));
}

/// The functions of the header.
fn functions() -> Vec<String> {
    let header = fs::read_to_string(repository().join(HEADER)).expect("the header is there");
    header.lines().filter_map(declared).map(str::to_owned).collect()
}

/// Links all functions of the header, and nothing that they do not need, into an image.
fn link(feature: &str) -> (PathBuf, Output) {
    let folder = repository().join("core/c/target/linked");
    succeed(
        cargo("core/c")
            .args(["rustc", "--locked", "--release", "--crate-type", "staticlib", "--target", TARGET])
            .args(["--features", feature, "--target-dir"])
            .arg(&folder),
    );
    let image = folder.join(feature);
    let mut linker = Command::new(rust_lld());
    linker.args(["-flavor", "gnu", "--gc-sections", "--entry", "scall_init"]);
    for function in functions() {
        linker.args(["--undefined", &function]);
    }
    linker.arg(folder.join(TARGET).join("release/libscall.a")).arg("-o").arg(&image);
    (image, finish(&mut linker))
}

/// The function that a line of the header declares, if it does.
fn declared(line: &str) -> Option<&str> {
    let before = line.split_once('(')?.0;
    let name = before.rsplit([' ', '*']).next()?;
    (name.starts_with("scall_") && !line.starts_with(['/', '#', ' '])).then_some(name)
}

fn rust_lld() -> PathBuf {
    let output = succeed(Command::new("rustc").args(["--print", "target-libdir"]));
    let libraries = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    libraries.with_file_name("bin").join("rust-lld")
}

#[test]
fn the_library_links_without_a_panic_and_one_would_be_noticed() {
    if !is_target_installed(TARGET) {
        return skip("the library for C without a panic: the target is not installed");
    }
    let (image, output) = link("no-panic");
    assert!(output.status.success(), "{}", said(&output));
    let bytes = fs::read(&image).unwrap_or_else(|error| panic!("{}: {error}", image.display()));
    let file = object::File::parse(&*bytes).expect("the image is an ELF file");
    let functions = functions();
    assert!(functions.len() > 10);
    for function in functions {
        assert!(file.symbol_by_name(&function).is_some_and(|symbol| symbol.is_definition()), "{function}");
    }
    let (_, output) = link("a-panic");
    assert!(!output.status.success(), "a library with a panic in it passed the check");
    assert!(said(&output).contains("scall_can_panic"), "failed for another reason:\n{}", said(&output));
}

#[test]
fn the_memory_macros_are_the_sums_of_the_cores_own_lengths() {
    if !is_installed("cc") {
        return skip("the macros of the header: cc is not installed");
    }
    let shapes = [
        [64, 512, 4_608, 1_024, 32, 8, 7],
        [1, 1, 9, 0, 2, 0, 1],
        [1_001, 20_003, 100_000, 2_049, 256, 16, 63],
        [65_535, 65_535, 1 << 20, 7, 17, 3, 15],
    ];
    let mut program = String::from("#include \"scall.h\"\n#include <stdio.h>\nint main(void) {\n");
    for [users, items, parameters, pairs, largest, groups, hidden] in shapes {
        program += &format!(
            "    printf(\"%zu\\n\", (size_t)SCALL_MEMORY_BYTES_WITH({users}, {items}, {parameters}, {pairs}, \
             {largest}, {groups}, {hidden}));\n"
        );
    }
    program += "    printf(\"%zu\\n\", (size_t)SCALL_MEMORY_BYTES(64, 512, 4608, 1024));\n";
    program += "    printf(\"%zu\\n\", SCALL_HANDLE_WORDS * sizeof(void *));\n    return 0;\n}\n";
    let folder = repository().join("target");
    let (source, image) = (folder.join("macros.c"), folder.join("macros"));
    fs::write(&source, program).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
    let include = repository().join("core/c/include");
    succeed(
        Command::new("cc")
            .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
            .arg(include)
            .arg(&source)
            .arg("-o")
            .arg(&image),
    );
    let output = String::from_utf8(succeed(&mut Command::new(&image)).stdout).expect("text");
    let numbers: Vec<usize> = output.lines().map(|line| line.parse().expect("a number")).collect();
    let (handle, numbers) = numbers.split_last().expect("several lines");
    let expected = |[users, items, parameters, seen_pairs, largest, groups, hidden]: [u32; 7]| {
        let shape = DeviceShape { users, items, parameters, largest, seen_pairs, groups, hidden };
        let words = shape.values_len()
            + shape.floats_len()
            + shape.words_len()
            + shape.states_len()
            + shape.actor_scratch_len();
        handle + 4 * words + shape.index_len()
    };
    let mut all: Vec<usize> = shapes.into_iter().map(expected).collect();
    all.push(expected(shapes[0]));
    assert_eq!(numbers, all);
}
