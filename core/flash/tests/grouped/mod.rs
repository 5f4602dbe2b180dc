//! Power cuts between the bytes of a word.

use scall_flash::{FlashStore, Grouped, StoreError, buffer_len, region_len};

use crate::device::{LONGEST, SEGMENTS, SHAPE, with_device};
use crate::is_long;
use crate::nor::{Cut, Fault, Nor, Tear, mix};

/// Bytes that are programmed one by one, in words of four.
type Bytes = Nor<1, 512>;
type Flash<'f> = Grouped<&'f mut Bytes, 4>;

fn store(flash: &mut Bytes) -> FlashStore<Flash<'_>, 24> {
    let end = flash.bytes.len() as u32;
    FlashStore::new(Grouped(flash), 0..end).expect("the region is the whole flash")
}

#[test]
fn words_of_single_bytes_can_be_torn_between_them() {
    let mut buffer = [0; buffer_len::<Flash<'static>>()];
    let mut flash = Bytes::new(region_len::<Flash<'static>>(LONGEST) / 512);
    let mut cuts = 0;
    for generation in 1..=SEGMENTS {
        let before = flash.clone();
        let mut save = |flash: &mut Bytes| {
            with_device(|run| {
                (0..generation).for_each(|_| assert!(run.go_on()));
                store(flash).save(&SHAPE, run, &mut buffer).map(|saved| saved.generation)
            })
        };
        assert_eq!(save(&mut flash), Ok(generation));
        let operations = flash.operations - before.operations;
        // The step is odd, so that every byte of a word has its turn.
        for after in (0..operations).step_by(if is_long() { 1 } else { 5 }) {
            let seed = mix(u64::from(generation) << 32 | after);
            let mut torn = before.clone();
            torn.cut_power(Cut { after, tear: Tear::Part, seed });
            assert_eq!(save(&mut torn), Err(StoreError::Flash(Fault::PowerLost)), "{generation}, {after}");
            torn.power_on();
            let found = with_device(|run| {
                let loaded = store(&mut torn).load(&SHAPE, run, &mut [0; buffer_len::<Flash<'static>>()]);
                let found = loaded.expect("what was saved is there").map_or(0, |loaded| loaded.generation);
                assert_eq!(run.segments(), found, "{generation}, {after}");
                found
            });
            assert!(found == generation || found + 1 == generation, "{generation}, {after}: {found}");
            // Once more, and it is there after the next boot.
            if found < generation {
                assert_eq!(save(&mut torn), Ok(generation), "{generation}, {after}");
            }
            with_device(|run| {
                let loaded = store(&mut torn).load(&SHAPE, run, &mut [0; buffer_len::<Flash<'static>>()]);
                assert_eq!(loaded.map(|loaded| loaded.map(|loaded| loaded.generation)), Ok(Some(generation)));
            });
            cuts += 1;
        }
    }
    println!("{cuts} power cuts between or within bytes");
    assert!(cuts > 1_000, "{cuts}");
}
