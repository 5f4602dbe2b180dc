//! The system timer as a counter of instructions, where QEMU lets one take a nanosecond (`-icount shift=0`).

use cortex_m::peripheral::{SYST, syst::SystClkSource};

/// Nanoseconds, and so instructions, of a tick of the boards' 25 MHz.
const TICK: u32 = 40;
/// The timer has 24 bits.
const MASK: u32 = 0x00ff_ffff;

/// Counts upwards, as long as it is asked at least every 600 million instructions.
pub struct Timer {
    last: u32,
    instructions: u32,
}

impl Timer {
    /// Starts the timer.
    pub fn start() -> Self {
        if let Some(cortex_m::Peripherals { SYST: mut timer, .. }) = cortex_m::Peripherals::take() {
            timer.set_clock_source(SystClkSource::Core);
            timer.set_reload(MASK);
            timer.clear_current();
            timer.enable_counter();
        }
        Self { last: SYST::get_current(), instructions: 0 }
    }

    /// Instructions so far, modulo 2^32.
    pub fn instructions(&mut self) -> u32 {
        let now = SYST::get_current();
        let ticks = self.last.wrapping_sub(now) & MASK;
        self.last = now;
        self.instructions = self.instructions.wrapping_add(ticks.wrapping_mul(TICK));
        self.instructions
    }
}
