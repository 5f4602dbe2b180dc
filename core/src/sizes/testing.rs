//! How much a property test tries.

use proptest::test_runner::Config;

/// `all`, or `few` under Miri, which takes milliseconds for one logarithm.
pub(super) const fn scaled<T: Copy>(all: T, few: T) -> T {
    if cfg!(miri) { few } else { all }
}

/// `few` cases, `many` with `SCALL_LONG=1`, hardly any under Miri.
pub(super) fn cases(few: u32, many: u32) -> Config {
    let long = std::env::var("SCALL_LONG").is_ok_and(|value| value == "1");
    let cases = match (cfg!(miri), long) {
        (true, _) => (few / 100).max(2),
        (false, true) => many,
        (false, false) => few,
    };
    // A file of failures would need a file system; a failure prints its smallest case.
    Config { cases, failure_persistence: None, ..Config::default() }
}
