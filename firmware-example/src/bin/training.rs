//! The same with a policy that starts from nothing and learns on the device, inside the same memory.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use firmware_example::run_to_the_end;
use scall_core::scenario::{Scenario, Training};

#[entry]
fn main() -> ! {
    static mut SCENARIO: Scenario<Training> = Scenario::new();
    run_to_the_end(SCENARIO)
}
