//! The same for five times as many entities in the same 64 KiB: rows of bytes, thin tables.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use firmware_example::{describe, fail, finish};
use scall_core::scenario::{Packed, SEED};

#[entry]
fn main() -> ! {
    static mut PACKED: Packed = Packed::new();
    let Ok(report) = PACKED.run(SEED) else { fail(b"error: the scenario does not fit its memory\n") };
    let (mut line, sound) = describe(&report);
    finish(&mut line, sound)
}
