//! The core builds for the machines that it is meant for, beside the one that runs the tests.

use scall_tests::{cargo, is_target_installed, skip, succeed};

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
fn the_core_builds_for_a_cortex_m33() {
    builds_for("thumbv8m.main-none-eabihf");
}

#[test]
fn the_core_builds_for_64_bit_arm_linux() {
    builds_for("aarch64-unknown-linux-gnu");
}

#[test]
fn the_core_builds_for_32_bit_arm_linux() {
    builds_for("armv7-unknown-linux-gnueabihf");
}
