//! Power fails during every operation of the flash in turn.

mod device;
mod firmware_run;
mod grouped;
mod nor;

use device::{LONGEST, Run, SEGMENTS, SHAPE, with_device};
use nor::{Cut, Fault, Nor, Tear, mix};
use scall_core::snapshot::SnapshotError;
use scall_flash::{FlashStore, Loaded, Saved, StoreError, buffer_len, keys_len, region_len};

/// A flash, and a run that was saved to it after every decision, without a cut.
struct Uncut<const WORD: usize, const PAGE: usize> {
    /// The flash before each save, and after the last.
    flash: Vec<Nor<WORD, PAGE>>,
    /// What was saved, by generation; the first is empty.
    states: Vec<Vec<u8>>,
    digest: u64,
}

type Store<'f, const WORD: usize, const PAGE: usize> = FlashStore<&'f mut Nor<WORD, PAGE>, 24>;

fn pages<const WORD: usize, const PAGE: usize>() -> usize {
    region_len::<Nor<WORD, PAGE>>(LONGEST) / PAGE
}

fn store<const WORD: usize, const PAGE: usize>(flash: &mut Nor<WORD, PAGE>) -> Store<'_, WORD, PAGE> {
    let end = flash.bytes.len() as u32;
    FlashStore::new(flash, 0..end).expect("the region is the whole flash")
}

fn buffer<const WORD: usize, const PAGE: usize>() -> Vec<u8> {
    vec![0; buffer_len::<Nor<WORD, PAGE>>()]
}

fn save<const WORD: usize, const PAGE: usize>(
    store: &mut Store<'_, WORD, PAGE>,
    run: &Run<'_>,
) -> Result<Saved, StoreError<Fault>> {
    store.save(&SHAPE, run, &mut buffer::<WORD, PAGE>())
}

fn load<const WORD: usize, const PAGE: usize>(
    store: &mut Store<'_, WORD, PAGE>,
    run: &mut Run<'_>,
) -> Result<Option<Loaded>, StoreError<Fault>> {
    store.load(&SHAPE, run, &mut buffer::<WORD, PAGE>())
}

/// Goes on to the end of the run, and saves after every decision.
fn go_on<const WORD: usize, const PAGE: usize>(flash: &mut Nor<WORD, PAGE>, run: &mut Run<'_>) -> u64 {
    let mut store = store(flash);
    while run.go_on() {
        let saved = save(&mut store, run).expect("nothing stops it");
        assert_eq!(saved.length, run.bytes().len());
    }
    run.digest()
}

fn uncut<const WORD: usize, const PAGE: usize>() -> Uncut<WORD, PAGE> {
    let mut flash = Nor::new(pages::<WORD, PAGE>());
    with_device(|run| {
        let (mut before, mut states) = (Vec::new(), vec![Vec::new()]);
        while run.go_on() {
            before.push(flash.clone());
            // Without what an earlier store remembers, so that each save can be repeated alone.
            let saved = save(&mut store(&mut flash), run).expect("nothing stops it");
            states.push(run.bytes());
            assert_eq!(saved.generation as usize, states.len() - 1);
        }
        before.push(flash.clone());
        assert_eq!(flash.overwritten, 0, "a word was programmed twice");
        Uncut { flash: before, states, digest: run.digest() }
    })
}

/// Every save is cut off during each of its operations in turn, or each `stride`-th, with each of `tears`. Returns
/// the number of cuts.
fn cut_everywhere<const WORD: usize, const PAGE: usize>(tears: &[Tear], stride: u64) -> u64 {
    let uncut = uncut::<WORD, PAGE>();
    let mut cuts = 0;
    for generation in 1..=SEGMENTS as usize {
        let (before, after) = (&uncut.flash[generation - 1], &uncut.flash[generation]);
        let operations = after.operations - before.operations;
        let first = mix(generation as u64) % stride;
        for after in (first..operations).step_by(stride as usize) {
            for &tear in tears {
                let seed = mix((generation as u64) << 32 | after);
                let name = format!("generation {generation}, operation {after}, {tear:?}, seed {seed:#x}");
                let mut flash = before.clone();
                flash.cut_power(Cut { after, tear, seed });
                with_device(|run| {
                    (0..generation).for_each(|_| assert!(run.go_on()));
                    let cut = save(&mut store(&mut flash), run);
                    assert_eq!(cut, Err(StoreError::Flash(Fault::PowerLost)), "{name}");
                });
                flash.power_on();
                boot_and_go_on(&mut flash, generation, &uncut, &name);
                cuts += 1;
            }
        }
    }
    cuts
}

/// Boots after a cut while that generation was saved, and goes on.
fn boot_and_go_on<const WORD: usize, const PAGE: usize>(
    flash: &mut Nor<WORD, PAGE>,
    generation: usize,
    uncut: &Uncut<WORD, PAGE>,
    name: &str,
) {
    with_device(|run| {
        let found = load(&mut store(flash), run).unwrap_or_else(|error| panic!("{name}: {error}"));
        // The generation that was to be saved, or the one before: nothing, for the first.
        let found = found.map_or(0, |loaded| loaded.generation as usize);
        assert!(found == generation || found + 1 == generation, "{name}: found {found}");
        if found > 0 {
            assert!(run.bytes() == uncut.states[found], "{name}: {found} is another state");
        }
        assert_eq!(run.segments() as usize, found, "{name}");
        assert_eq!(go_on(flash, run), uncut.digest, "{name}");
    });
    // And what was saved after the cut is there.
    with_device(|run| {
        let found = load(&mut store(flash), run).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found.map(|loaded| loaded.generation), Some(SEGMENTS), "{name}");
        assert_eq!(run.digest(), uncut.digest, "{name}");
    });
}

fn is_long() -> bool {
    std::env::var("SCALL_LONG").is_ok_and(|value| value == "1")
}

#[test]
fn a_power_cut_during_any_operation_leaves_the_last_state_or_the_one_before() {
    let cuts = if is_long() {
        let tears = [Tear::Nothing, Tear::Part, Tear::All];
        cut_everywhere::<4, 512>(&tears, 1)
            + cut_everywhere::<4, 1024>(&tears, 1)
            + cut_everywhere::<8, 512>(&tears, 1)
            + cut_everywhere::<16, 1024>(&tears, 1)
    } else {
        cut_everywhere::<4, 512>(&[Tear::Part], 1) + cut_everywhere::<8, 1024>(&[Tear::Nothing, Tear::All], 7)
    };
    println!("{cuts} power cuts");
    assert!(cuts > 1_000, "{cuts}");
}

/// Cuts come one after another, at operations by chance, while the device tries to get through its run.
#[test]
fn a_run_gets_through_any_number_of_power_cuts() {
    let expected = uncut::<4, 512>().digest;
    let runs = if is_long() { 2_000 } else { 20 };
    let (mut boots, mut fewest) = (0_u32, u32::MAX);
    for seed in 0..runs {
        let mut flash = Nor::<4, 512>::new(pages::<4, 512>());
        let mut known = 0;
        for boot in 1_u64.. {
            assert!(boot < 10_000, "seed {seed}: no progress");
            flash.power_on();
            let chance = mix(seed << 32 | boot);
            let tear = [Tear::Nothing, Tear::Part, Tear::Part, Tear::All][chance as usize % 4];
            let ended = with_device(|run| {
                let found = load(&mut store(&mut flash), run).expect("what was saved is there");
                let found = found.map_or(0, |loaded| loaded.generation);
                assert!(found == known || found == known + 1, "seed {seed}: {found} instead of {known}");
                assert_eq!(run.segments(), found);
                known = found;
                // From within the first save to somewhere in the third.
                flash.cut_power(Cut { after: chance >> 8 & 0x1ff, tear, seed: mix(chance) });
                let mut store = store(&mut flash);
                while run.go_on() {
                    match save(&mut store, run) {
                        Ok(saved) => known = saved.generation,
                        Err(error) => {
                            assert_eq!(error, StoreError::Flash(Fault::PowerLost));
                            return false;
                        }
                    }
                }
                assert_eq!(run.digest(), expected, "seed {seed}");
                true
            });
            boots += 1;
            if ended {
                fewest = fewest.min(boot as u32);
                break;
            }
        }
    }
    println!("{runs} runs, {boots} boots");
    assert!(fewest > 1 && u64::from(boots) > 3 * runs, "{boots} boots, at least {fewest} a run");
}

/// Power fails again during one of the first operations after a cut, which may be a repair, or anywhere in the next
/// save.
#[test]
fn a_second_power_cut_right_after_the_first_does_no_harm() {
    let uncut = uncut::<4, 512>();
    let generation = SEGMENTS as usize / 2;
    let operations = uncut.flash[generation].operations - uncut.flash[generation - 1].operations;
    let mut seconds = 0;
    for after in (0..operations).step_by(if is_long() { 1 } else { 3 }) {
        for second in [0, 1, 2, 3, mix(after) % operations] {
            let seed = mix(after << 32 | second);
            let name = format!("operation {after}, then {second}, seed {seed:#x}");
            let mut flash = uncut.flash[generation - 1].clone();
            flash.cut_power(Cut { after, tear: Tear::Part, seed });
            with_device(|run| {
                (0..generation).for_each(|_| assert!(run.go_on()));
                assert!(save(&mut store(&mut flash), run).is_err(), "{name}");
            });
            flash.power_on();
            flash.cut_power(Cut { after: second, tear: Tear::Part, seed: mix(seed) });
            let interrupted = with_device(|run| {
                let mut store = store(&mut flash);
                let Ok(found) = load(&mut store, run) else { return generation };
                let found = found.map_or(0, |loaded| loaded.generation as usize);
                assert!(run.go_on());
                seconds += u32::from(save(&mut store, run).is_err());
                found + 1
            });
            flash.power_on();
            boot_and_go_on(&mut flash, interrupted, &uncut, &name);
        }
    }
    println!("{seconds} second cuts while a state was saved");
    assert!(u64::from(seconds) > operations);
}

#[test]
fn every_flipped_bit_is_noticed() {
    let uncut = uncut::<4, 512>();
    let flash = &uncut.flash[SEGMENTS as usize];
    let last = SEGMENTS as usize;
    let mut found_by_age = [0_u32; 2];
    for at in 0..flash.bytes.len() {
        // Each bit of a byte at times, and all of them.
        let flips = if is_long() { vec![1, 2, 4, 8, 16, 32, 64, 128, 255] } else { vec![1 << (at % 8), 255] };
        for flip in flips {
            let mut flash = flash.clone();
            flash.bytes[at] ^= flip;
            with_device(|run| {
                let found =
                    load(&mut store(&mut flash), run).unwrap_or_else(|error| panic!("byte {at}: {error}"));
                let found = found.map_or(0, |loaded| loaded.generation as usize);
                assert!(found == last || found + 1 == last, "byte {at}: found {found}");
                assert!(run.bytes() == uncut.states[found], "byte {at}: {found} is another state");
                found_by_age[last - found] += 1;
            });
        }
    }
    println!("flipped bits: {} unharmed, {} fell back", found_by_age[0], found_by_age[1]);
    assert!(found_by_age[1] as usize > uncut.states[last].len(), "{found_by_age:?}");
}

#[test]
fn pages_wear_evenly() {
    let rounds = 12;
    let mut flash = Nor::<4, 512>::new(pages::<4, 512>());
    for _ in 0..rounds {
        with_device(|run| go_on(&mut flash, run));
    }
    let (fewest, most) = (flash.erases.iter().min().copied(), flash.erases.iter().max().copied());
    println!("erases of {} pages in {} saves: {:?}", flash.erases.len(), rounds * SEGMENTS, flash.erases);
    assert!(fewest >= Some(10), "{:?}", flash.erases);
    assert!(most <= fewest.map(|fewest| fewest + 2), "{:?}", flash.erases);
}

#[test]
fn what_has_not_changed_is_not_written_again() {
    let mut flash = Nor::<4, 512>::new(pages::<4, 512>());
    with_device(|run| {
        let mut store = store(&mut flash);
        assert!(run.go_on());
        let first = save(&mut store, run).expect("nothing stops it");
        let chunks = keys_len::<Nor<4, 512>>(first.length) as u32 - 1;
        assert_eq!(first, Saved { generation: 1, length: run.bytes().len(), written: chunks });
        // The other half has nothing yet, and then both have all.
        assert_eq!(save(&mut store, run).map(|saved| saved.written), Ok(chunks));
        assert_eq!(save(&mut store, run).map(|saved| (saved.generation, saved.written)), Ok((3, 0)));
        assert!(run.go_on());
        let changed = save(&mut store, run).expect("nothing stops it").written;
        assert!(changed > 0, "{changed}");
    });
}

/// As many pages as are asked for are enough for any number of saves, and with two fewer nothing is written.
#[test]
fn just_fits() {
    let length = with_device(|run| {
        while run.go_on() {}
        run.bytes().len()
    });
    let needed = region_len::<Nor<4, 512>>(length);
    let mut flash = Nor::<4, 512>::new(needed / 512 - 2);
    with_device(|run| {
        while run.go_on() {}
        let error = StoreError::RegionTooSmall { needed, available: needed - 1024 };
        assert_eq!(save(&mut store(&mut flash), run), Err(error));
        let error = StoreError::BufferTooSmall { needed: buffer_len::<Nor<4, 512>>(), available: 9 };
        assert_eq!(store(&mut Nor::<4, 512>::new(needed / 512)).save(&SHAPE, run, &mut [0; 9]), Err(error));
    });
    assert_eq!(flash.operations, 0);

    let mut flash = Nor::<4, 512>::new(needed / 512);
    for _ in 0..5 {
        with_device(|run| {
            while run.go_on() {}
            for _ in 0..4 {
                save(&mut store(&mut flash), run).expect("nothing stops it");
                // Rows that differ from what either half has.
                run.disturb();
            }
        });
    }
}

#[test]
fn whatever_is_in_the_flash_it_can_be_saved_to() {
    for seed in 0..if is_long() { 1_000 } else { 30 } {
        let mut flash = Nor::<4, 512>::new(pages::<4, 512>());
        for (index, byte) in flash.bytes.iter_mut().enumerate() {
            *byte = match seed {
                0 => 0,
                1 => 0x55,
                _ => mix(seed << 32 | index as u64) as u8,
            };
        }
        with_device(|run| {
            let mut store = store(&mut flash);
            assert_eq!(load(&mut store, run), Ok(None), "seed {seed}");
            assert!(run.go_on());
            save(&mut store, run).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert_eq!(
                load(&mut store, run).map(|loaded| loaded.map(|loaded| loaded.generation)),
                Ok(Some(1))
            );
        });
    }
}

#[test]
fn another_state_is_refused_and_unharmed() {
    let mut flash = Nor::<4, 512>::new(pages::<4, 512>());
    with_device(|run| {
        assert!(run.go_on());
        save(&mut store(&mut flash), run).expect("nothing stops it");
    });
    with_device(|run| {
        let before = run.bytes();
        let mut store = store(&mut flash);
        let mut other = SHAPE;
        other[1] += 1;
        let refused = store.load(&other, run, &mut buffer::<4, 512>());
        let error = SnapshotError::OtherShape { found: SHAPE[1], expected: other[1] };
        assert_eq!(refused, Err(StoreError::Snapshot(error)));
        assert!(run.bytes() == before);
        store.clear().expect("nothing stops it");
        assert_eq!(load(&mut store, run), Ok(None));
    });
}

#[test]
fn a_region_is_two_halves_of_whole_pages() {
    let mut flash = Nor::<4, 512>::new(12);
    for region in [1..6144, 0..6143, 0..5632, 0..2048, 512..6656, 512..512] {
        let refused = FlashStore::<_, 4>::new(&mut flash, region.clone()).map(|_| ());
        assert_eq!(refused, Err(StoreError::Region), "{region:?}");
    }
    assert!(FlashStore::<_, 4>::new(&mut flash, 1024..6144).is_ok());
}
