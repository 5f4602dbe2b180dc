//! The released core has no panicking path: the check links, and can tell.

use scall_tests::{cargo, finish, said, succeed};

#[test]
fn the_core_links_without_a_panic_when_built_for_speed() {
    succeed(cargo("core/panic-check").args(["build", "--locked", "--release"]));
}

#[test]
fn the_core_links_without_a_panic_when_built_for_size() {
    succeed(cargo("core/panic-check").args(["build", "--locked", "--profile", "small"]));
}

#[test]
fn the_core_links_without_a_panic_when_stripped_for_size() {
    succeed(cargo("core/panic-check").args([
        "build",
        "--locked",
        "--profile",
        "small",
        "--features",
        "small",
    ]));
}

#[test]
fn a_panic_would_be_noticed() {
    let output = finish(cargo("core/panic-check").args([
        "build",
        "--locked",
        "--profile",
        "small",
        "--features",
        "a-panic",
    ]));
    assert!(!output.status.success(), "a program with a panic in it passed the check");
    assert!(said(&output).contains("the_core_can_panic"), "failed for another reason:\n{}", said(&output));
}
