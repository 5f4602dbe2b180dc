//! What the tests of all modules share.

use proptest::prelude::ProptestConfig;

/// How many cases a property test runs: `short`, a thousand times as many with `SCALL_LONG=1`, and few in an
/// interpreter.
pub(crate) fn cases(short: u32) -> u32 {
    if cfg!(miri) {
        short.min(2)
    } else if std::env::var("SCALL_LONG").is_ok_and(|value| value == "1") {
        short.saturating_mul(1_000)
    } else {
        short
    }
}

/// The configuration of a property test of that many [`cases`].
pub(crate) fn config(short: u32) -> ProptestConfig {
    // A file of failures would be out of reach in an interpreter.
    ProptestConfig { cases: cases(short), failure_persistence: None, ..ProptestConfig::default() }
}
