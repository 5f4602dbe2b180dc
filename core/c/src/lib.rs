//! The core of scall for programs in C.
//!
//! A [`Scall`] is a device: ids of any 32 bits, learning event by event, recommendations, and sizes that a trained
//! policy decides, in one buffer of the caller. There is no allocator, no global and no thread; nothing panics. A
//! function returns a number from 0 on, or a [`ScallStatus`] below 0, and has then changed nothing; but a refused
//! `scall_init` may have cleared the memory, and a refused `scall_poll` gives the decision up. The header is
//! `include/scall.h`.
//!
//! This is the only crate of the library with unsafe code: all of it turns pointers of C into references,
//! after checks of what can be checked.
#![cfg_attr(not(test), no_std)]
#![cfg_attr(
    not(any(test, feature = "a-panic")),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::unreachable
    )
)]

mod calls;
mod config;
mod handle;
mod reference;
mod status;
#[cfg(test)]
#[expect(
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "one reason serves a test"
)]
mod tests;

pub use calls::{
    SCALL_NEW_ITEM, SCALL_NEW_USER, ScallCounts, ScallScored, scall_close_segment, scall_counts,
    scall_digest, scall_has_seen, scall_init, scall_knows_item, scall_knows_user, scall_load,
    scall_memory_bytes, scall_observe, scall_poll, scall_recommend, scall_save, scall_save_bytes,
};
pub use config::{SCALL_BUILT_IN_GROUPS, SCALL_BUILT_IN_HIDDEN, SCALL_BUILT_IN_LARGEST, ScallConfig};
pub use handle::{SCALL_ALIGNMENT, SCALL_HANDLE_WORDS, Scall};
pub use reference::{SCALL_REFERENCE_BYTES, ScallReference, scall_reference_next, scall_reference_start};
pub use status::{ScallStatus, scall_status_text};

#[cfg(all(not(test), not(feature = "no-panic")))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Never reached: with the feature `no-panic` this would not link otherwise.
    loop {
        core::hint::spin_loop();
    }
}

#[cfg(all(not(test), feature = "no-panic"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn scall_can_panic() -> !;
    }
    // SAFETY: never linked, so never called.
    unsafe { scall_can_panic() }
}
