//! The run of the other programs, on a chip that loses power again and again.
//!
//! After every decision the state goes to the upper half of the flash. There is power for so many operations of
//! the flash; then the board is reset in the middle of one. At each start the chip knows what its flash holds, and
//! goes on from there. The last start prints one line of JSON, with the digest of a run that was never interrupted.
#![no_std]
#![no_main]

use cortex_m::peripheral::SCB;
use cortex_m_rt::entry;
use firmware_example::flash::{Fault, LEN, StateFlash};
use firmware_example::tick::Timer;
use firmware_example::{describe, fail, finish};
use scall_core::scenario::{self, Keeper, RUN_SHAPE, Scenario, ScenarioError, Stored};
use scall_core::snapshot::Snapshot;
use scall_flash::{FlashStore, StoreError, buffer_len, keys_len, region_len};

/// Words programmed and pages erased before the power fails: those of four or five times that the state is saved.
const POWER: u32 = 43_210;

const LONGEST: usize = scenario::max_snapshot_len::<Stored>();
const KEYS: usize = keys_len::<StateFlash>(LONGEST);
const _: () = assert!(region_len::<StateFlash>(LONGEST) <= LEN, "the state's pages are too few");

/// Keeps the run in flash, and writes down how long it takes.
struct InFlash<'b> {
    store: FlashStore<StateFlash, KEYS>,
    buffer: &'b mut [u8],
    timer: Timer,
    generation: u32,
    bytes: usize,
    load: u32,
    longest_save: u32,
    error: Option<StoreError<Fault>>,
}

impl Keeper for InFlash<'_> {
    type Error = ();

    fn restore(&mut self, run: &mut impl Snapshot) -> Result<(), ()> {
        let before = self.timer.instructions();
        let loaded =
            self.store.load(&RUN_SHAPE, run, self.buffer).map_err(|error| self.error = Some(error))?;
        self.load = self.timer.instructions().wrapping_sub(before);
        self.generation = loaded.map_or(0, |loaded| loaded.generation);
        Ok(())
    }

    fn keep(&mut self, run: &impl Snapshot) -> Result<(), ()> {
        let before = self.timer.instructions();
        let saved =
            self.store.save(&RUN_SHAPE, run, self.buffer).map_err(|error| self.error = Some(error))?;
        self.longest_save = self.longest_save.max(self.timer.instructions().wrapping_sub(before));
        self.generation = saved.generation;
        self.bytes = self.bytes.max(saved.length);
        Ok(())
    }
}

#[entry]
fn main() -> ! {
    static mut SCENARIO: Scenario<Stored> = Scenario::new();
    static mut BUFFER: [u8; buffer_len::<StateFlash>()] = [0; buffer_len::<StateFlash>()];
    // SAFETY: the program starts here, and comes here once.
    let flash = unsafe { StateFlash::switch_on(POWER) };
    let Ok(store) = FlashStore::new(flash, StateFlash::REGION) else {
        fail(b"error: the pages do not fit\n")
    };
    let mut keeper = InFlash {
        store,
        buffer: BUFFER,
        timer: Timer::start(),
        generation: 0,
        bytes: 0,
        load: 0,
        longest_save: 0,
        error: None,
    };
    match SCENARIO.run_kept(scenario::SEED, &mut keeper) {
        Ok(report) => {
            let (mut line, sound) = describe(&report);
            let outside = keeper.store.flash_mut().outside();
            line.number("boots", outside.boots);
            line.number("erases_fewest", outside.erases.iter().copied().min().unwrap_or(0));
            line.number("erases_most", outside.erases.iter().copied().max().unwrap_or(0));
            line.number("generation", keeper.generation);
            line.number("state_bytes", keeper.bytes as u32);
            line.number("load_instructions", keeper.load);
            line.number("save_instructions_longest", keeper.longest_save);
            finish(&mut line, sound)
        }
        Err(ScenarioError::Keeper) if keeper.error == Some(StoreError::Flash(Fault::NoPower)) => {
            SCB::sys_reset()
        }
        Err(_) => fail(b"error: the state cannot be kept\n"),
    }
}
