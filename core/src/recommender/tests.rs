//! What the tests of this module share.

/// How many cases a property test runs; `SCALL_LONG` makes it thorough.
pub(crate) fn cases(short: u32) -> u32 {
    if std::env::var_os("SCALL_LONG").is_some() { short.saturating_mul(1_000) } else { short }
}
