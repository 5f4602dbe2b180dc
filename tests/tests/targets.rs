//! The core builds for the machines that it is meant for, beside the one that runs the tests, and under Linux it
//! comes to the same bits there.

use scall_core::scenario::{Packed, PolicyMemory, SEED, Scenario, Stored, Training};
use scall_tests::{cargo, is_installed, is_target_installed, report, skip, succeed};

fn builds_for(target: &str) {
    if !is_target_installed(target) {
        return skip(&format!("the core on {target}: its library is not installed"));
    }
    succeed(cargo(".").args(["build", "--locked", "-p", "scall-core", "--target", target]));
}

#[test]
fn the_core_builds_for_a_cortex_m0_without_floating_point_unit_or_atomics() {
    builds_for("thumbv6m-none-eabi");
}

#[test]
fn the_core_builds_for_a_cortex_m3_without_floating_point_unit() {
    builds_for("thumbv7m-none-eabi");
}

#[test]
fn the_core_builds_with_logging_by_defmt() {
    let target = "thumbv7em-none-eabihf";
    if !is_target_installed(target) {
        return skip(&format!("the core with defmt on {target}: its library is not installed"));
    }
    succeed(cargo(".").args([
        "build",
        "--locked",
        "-p",
        "scall-core",
        "--features",
        "defmt",
        "--target",
        target,
    ]));
}

#[test]
fn the_core_builds_for_a_cortex_m33() {
    builds_for("thumbv8m.main-none-eabihf");
}

/// The digest of the core's own scenario on this machine.
fn digest<M: PolicyMemory>() -> u64 {
    // Too large for the stack of a test.
    let mut scenario: Box<Scenario<M>> = Box::new(Scenario::new());
    scenario.run(SEED).expect("it fits its memory").digest
}

/// Runs that scenario, built for a target that its C compiler links and an emulator runs.
fn computes_the_same_bits_on(target: &str, linker: &str, emulator: &str) {
    if !is_target_installed(target) || !is_installed(linker) || !is_installed(emulator) {
        return skip(&format!("the core on {target}: the target, {linker} or {emulator} is not installed"));
    }
    let variable = |name: &str| format!("CARGO_TARGET_{}_{name}", target.to_uppercase().replace('-', "_"));
    let arguments = ["run", "--locked", "--release", "--quiet", "-p", "scall-core", "--example", "scenario"];
    let output = succeed(
        cargo(".")
            .args(arguments)
            .args(["--target", target])
            .env(variable("LINKER"), linker)
            .env(variable("RUNNER"), emulator)
            // The emulator then needs none of the target's libraries.
            .env(variable("RUSTFLAGS"), "-Ctarget-feature=+crt-static"),
    );
    let (stored, training) = (digest::<Stored>(), digest::<Training>());
    let found = String::from_utf8(output.stdout).expect("the scenario prints text");
    report(&format!("the core on {target}: {}", found.trim_end().replace('\n', ", ")));
    let mut packed = Box::new(Packed::new());
    let packed = packed.run(SEED).expect("it fits its memory").digest;
    let expected = format!("stored {stored:016x}\ntraining {training:016x}\npacked {packed:016x}\n");
    assert_eq!(found, expected, "{target}");
}

#[test]
fn the_core_computes_the_same_bits_on_64_bit_arm_linux() {
    computes_the_same_bits_on("aarch64-unknown-linux-gnu", "aarch64-linux-gnu-gcc", "qemu-aarch64-static");
}

#[test]
fn the_core_computes_the_same_bits_on_32_bit_arm_linux() {
    computes_the_same_bits_on("armv7-unknown-linux-gnueabihf", "arm-linux-gnueabihf-gcc", "qemu-arm-static");
}
