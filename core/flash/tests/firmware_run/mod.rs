//! The run of the firmware, with pages and words as microcontrollers have them.

use scall_core::scenario::{
    Keeper, PolicyMemory, RUN_SHAPE, SEED, Scenario, ScenarioError, Stored, Training, max_snapshot_len,
};
use scall_core::snapshot::Snapshot;
use scall_flash::{FlashStore, StoreError, buffer_len, keys_len, region_len};

use crate::is_long;
use crate::nor::{Cut, Fault, Nor, Tear, mix};

type Flash = Nor<4, 4096>;

/// Places for the longer of both states.
const KEYS: usize = 64;

/// Keeps a run in a flash that may lose its power.
struct InFlash<'f> {
    store: FlashStore<&'f mut Flash, KEYS>,
    generation: u32,
    error: Option<StoreError<Fault>>,
}

impl Keeper for InFlash<'_> {
    type Error = ();

    fn restore(&mut self, run: &mut impl Snapshot) -> Result<(), ()> {
        let loaded = self.store.load(&RUN_SHAPE, run, &mut [0; buffer_len::<Flash>()]);
        let loaded = loaded.map_err(|error| self.error = Some(error))?;
        let found = loaded.map_or(0, |loaded| loaded.generation);
        assert!(found == self.generation || found == self.generation + 1, "{found} of {}", self.generation);
        self.generation = found;
        Ok(())
    }

    fn keep(&mut self, run: &impl Snapshot) -> Result<(), ()> {
        let saved = self.store.save(&RUN_SHAPE, run, &mut [0; buffer_len::<Flash>()]);
        self.generation = saved.map_err(|error| self.error = Some(error))?.generation;
        Ok(())
    }
}

/// Cuts off a run after a chance number of operations, as often as it takes to come to its end.
fn gets_through<M: PolicyMemory>(seed: u64) {
    let mut scenario = Box::new(Scenario::<M>::new());
    let expected = scenario.run(SEED).expect("the scenario fits its memory");
    let longest = max_snapshot_len::<M>();
    assert!(keys_len::<Flash>(longest) <= KEYS);
    let mut flash = Flash::new(region_len::<Flash>(longest) / 4096);
    let region = 0..flash.bytes.len() as u32;
    let mut known = 0;
    for boot in 1_u64.. {
        let chance = mix(seed << 32 | boot);
        let tear = [Tear::Nothing, Tear::Part, Tear::Part, Tear::All][chance as usize % 4];
        flash.power_on();
        flash.cut_power(Cut { after: chance >> 8 & 0x1_ffff, tear, seed: mix(chance) });
        let store = FlashStore::new(&mut flash, region.clone()).expect("the region is the whole flash");
        let mut kept = InFlash { store, generation: known, error: None };
        *scenario = Scenario::new();
        let ended = scenario.run_kept(SEED, &mut kept);
        known = kept.generation;
        if let Ok(report) = ended {
            assert_eq!(report, expected, "seed {seed}");
            let (fewest, most) = (flash.erases.iter().min(), flash.erases.iter().max());
            println!("{boot} boots, {known} saves, pages erased {fewest:?} to {most:?} times");
            return;
        }
        assert_eq!(ended, Err(ScenarioError::Keeper), "seed {seed}");
        assert_eq!(kept.error, Some(StoreError::Flash(Fault::PowerLost)), "seed {seed}");
    }
}

#[test]
fn the_run_of_the_firmware_gets_through_power_cuts() {
    for seed in 0..if is_long() { 20 } else { 1 } {
        gets_through::<Stored>(seed);
        gets_through::<Training>(seed);
    }
}
