//! scall on a Cortex-M with 256 KiB of flash and 64 KiB of RAM.
//!
//! Replays a stream of interactions that it makes from a seed, or reads from flash: learns from each,
//! recommends, lets the rarest make way for newcomers, closes segments, lets the actor choose the embedding
//! sizes, repacks, and goes on. Ends with one line of JSON on the semihosting console and exits 0 if its own
//! checks passed. The digest in it is the one that the host computes for the same stream and seed.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use firmware_example::run_to_the_end;
use scall_core::scenario::{Scenario, Stored};

#[entry]
fn main() -> ! {
    // All zero, so it takes room in RAM alone and none in flash. The attribute makes it a reference to this.
    static mut SCENARIO: Scenario<Stored> = Scenario::new();
    run_to_the_end(SCENARIO)
}
