//! Links only if the release core has no panicking path.
//!
//! The panic handler calls a function that exists nowhere, so one reachable panic is a linker error that
//! names it. Every public operation of the core is called here once, on values the compiler cannot see
//! through; nothing is ever run.
#![no_std]
#![no_main]

mod arena;
mod device;
mod frequency;
mod policy;
mod random;
mod recommender;
mod resize;
mod segment;
mod sizes;
mod snapshot;
mod state;
mod stream;
mod thin;

unsafe extern "C" {
    fn the_core_can_panic() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: never linked, so never called.
    unsafe { the_core_can_panic() }
}

// SAFETY: the only symbol of this name in the image.
#[unsafe(no_mangle)]
extern "C" fn start() -> ! {
    arena::exercise();
    device::exercise();
    frequency::exercise();
    policy::exercise();
    random::exercise();
    recommender::exercise();
    resize::exercise();
    segment::exercise();
    sizes::exercise();
    snapshot::exercise();
    state::exercise();
    stream::exercise();
    thin::exercise();
    #[cfg(feature = "a-panic")]
    core::hint::black_box([1, 2, 3][core::hint::black_box(1_usize)]);
    loop {
        core::hint::spin_loop();
    }
}
