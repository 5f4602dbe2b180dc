use super::testing::{crc32, document};
use super::*;
use crate::Side;
use crate::arena::{Arena, ArenaStore, boundaries_len};
use crate::frequency::Frequencies;
use crate::random::Generator;
use crate::side::PerSide;
use std::vec;
use std::vec::Vec;

type Store = ArenaStore<20, { boundaries_len(3) }, { boundaries_len(3) }>;

/// Everything of this module's that a facade would save.
pub(super) struct State<'a> {
    pub(super) arena: Arena<'a>,
    frequencies: Frequencies<'a>,
    generator: Generator,
}

impl Snapshot for State<'_> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        self.arena.save(writer)?;
        self.frequencies.save(writer)?;
        self.generator.save(writer)
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.arena.load(reader)?;
        self.frequencies.load(reader)?;
        self.generator.load(reader)
    }
}

/// Runs `test` with a state that something has happened to, or with a new one.
pub(super) fn with_state<R>(lived: bool, test: impl FnOnce(&mut State<'_>) -> R) -> R {
    let mut store = Store::new();
    let (mut users, mut items) = ([0.0; 3], [0.0; 3]);
    let mut state = State {
        arena: Arena::new(store.lend(), PerSide::new(1, 2), 18).unwrap(),
        frequencies: Frequencies::new(&mut users, &mut items),
        generator: Generator::from_state(*b"0123456789abcdef"),
    };
    if lived {
        let arena = &mut state.arena;
        arena.cold_row_mut(Side::User).fill(-1.0);
        arena.admit(Side::User, 2, |_, _, _, row| row.copy_from_slice(&[1.0, f32::NAN])).unwrap();
        arena.admit(Side::Item, 3, |_, _, _, row| row.copy_from_slice(&[2.0, -0.0, 1e-45])).unwrap();
        arena.admit(Side::Item, 1, |_, _, _, row| row.fill(3.0)).unwrap();
        arena.admit(Side::User, 100, |_, _, _, _| ()).unwrap();
        state.frequencies.record(Side::Item, 1);
        state.frequencies.decay(0.5);
        state.frequencies.record(Side::Item, 0);
    }
    test(&mut state)
}

/// The body of the state that has lived, of shape 3, 300.
fn body() -> Vec<u8> {
    let float = |value: f32| value.to_bits().to_le_bytes();
    let mut body = vec![2, 3, 0xac, 0x02];
    // Users: cold-start row, count, cold starts, sizes; then the items.
    body.extend([1, 2, 1, 2, 2, 0]);
    body.extend([2, 2, 0, 2, 3, 1]);
    // Budget and high water.
    body.extend([18, 9]);
    body.push(3);
    body.extend([-1.0, 1.0, f32::NAN].into_iter().flat_map(float));
    body.push(6);
    body.extend([3.0, 2.0, -0.0, 1e-45, 0.0, 0.0].into_iter().flat_map(float));
    // No user has a frequency, and two items have.
    body.extend([0, 0, 2, 2]);
    body.extend([1.0, 0.5].into_iter().flat_map(float));
    body.extend(b"0123456789abcdef");
    body
}

pub(super) const SHAPE: [u32; 2] = [3, 300];

/// An interpreter tries few of many lengths.
pub(super) const STEP: usize = if cfg!(miri) { 23 } else { 1 };

pub(super) fn saved(state: &State<'_>) -> Vec<u8> {
    let mut bytes = vec![0; size(&SHAPE, state).unwrap()];
    assert_eq!(save(&SHAPE, state, &mut bytes), Ok(bytes.len()));
    bytes
}

#[test]
fn the_checksum_is_the_usual_one() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}

#[test]
fn exact_bytes() {
    let bytes = with_state(true, |state| saved(state));
    assert_eq!(bytes, document(1, &body()));
    let mut output = [0xff; 200];
    let length = with_state(true, |state| save(&SHAPE, state, &mut output)).unwrap();
    assert_eq!(output[..length], bytes);
    assert!(output[length..].iter().all(|&byte| byte == 0xff));
    let bound = Arena::<f32>::max_snapshot_len(18, 3, 3)
        + Frequencies::<f32>::max_snapshot_len(3, 3)
        + Generator::SNAPSHOT_LEN;
    assert!(length <= max_size(SHAPE.len(), bound));
}

#[test]
fn a_restored_state_is_the_same_and_goes_on_the_same() {
    let bytes = with_state(true, |state| saved(state));
    with_state(false, |state| {
        let mut longer = bytes.clone();
        longer.extend([0xff; 10]);
        assert_eq!(load(&SHAPE, state, &longer), Ok(bytes.len()));
        assert_eq!(saved(state), bytes);
        assert_eq!(state.arena.row(Side::Item, 1), [3.0]);
        assert_eq!(state.arena.cold_starts(Side::User), 1);
        assert_eq!(state.frequencies.get(Side::Item, 1), 0.5);
        let go_on = |state: &mut State<'_>| {
            let value = state.generator.uniform();
            state.arena.repack(&[4, 1], &[1, 2, 3], |_, _, _, row| row.fill(value)).unwrap();
            saved(state)
        };
        let expected = with_state(true, go_on);
        assert_eq!(go_on(state), expected);
    });
}

#[test]
fn the_shape_can_be_read_alone() {
    let mut bytes = with_state(true, |state| saved(state));
    assert_eq!(shape(&bytes, &mut [9; 5]), Ok(&SHAPE[..]));
    assert_eq!(shape(&bytes, &mut [9; 1]), Err(SnapshotError::BufferTooSmall { needed: 2, available: 1 }));
    bytes[40] ^= 1;
    assert_eq!(shape(&bytes, &mut [9; 5]), Err(SnapshotError::Damaged));
}

#[test]
fn counts_of_before_do_not_shine_through() {
    let bytes = with_state(false, |state| saved(state));
    with_state(true, |state| {
        load(&SHAPE, state, &bytes).unwrap();
        assert_eq!(saved(state), bytes);
        assert_eq!(state.frequencies.of(Side::Item, 3), [0.0; 3]);
        assert_eq!(state.arena.count(Side::User), 0);
    });
}

/// Loads `bytes` into either state, and sees that the refusal changed nothing.
fn refusal(shape: &[u32], bytes: &[u8]) -> SnapshotError {
    let refused = [true, false].map(|lived| {
        with_state(lived, |state| {
            let before = saved(state);
            let error = load(shape, state, bytes).unwrap_err();
            assert_eq!(saved(state), before);
            error
        })
    });
    assert_eq!(refused[0], refused[1]);
    refused[0]
}

#[test]
fn just_fits() {
    with_state(true, |state| {
        let needed = size(&SHAPE, state).unwrap();
        for available in (0..needed).rev().step_by(STEP) {
            let mut output = vec![0x55; available];
            let error = SnapshotError::BufferTooSmall { needed, available };
            assert_eq!(save(&SHAPE, state, &mut output), Err(error));
            assert!(output.iter().all(|&byte| byte == 0x55));
        }
    });
}

#[test]
fn every_truncation_is_told() {
    let bytes = with_state(true, |state| saved(state));
    for available in (0..bytes.len()).rev().step_by(STEP) {
        let needed = if available < HEADER_LEN { HEADER_LEN } else { bytes.len() };
        assert_eq!(refusal(&SHAPE, &bytes[..available]), SnapshotError::Truncated { needed, available });
    }
}

#[test]
fn every_flipped_bit_is_told() {
    let bytes = with_state(true, |state| saved(state));
    for bit in (0..bytes.len() * 8).step_by(7 * STEP - 6) {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            0..4 => SnapshotError::WrongMagic,
            4..8 => SnapshotError::ForeignVersion { found: 1 ^ 1 << (bit - 32), expected: 1 },
            _ => SnapshotError::Damaged,
        };
        assert_eq!(refusal(&SHAPE, &bytes), expected, "bit {bit}");
    }
}

#[test]
fn another_version_is_told_before_its_header_is_read() {
    let foreign = SnapshotError::ForeignVersion { found: 2, expected: 1 };
    assert_eq!(refusal(&SHAPE, &document(2, &body())), foreign);
    assert_eq!(refusal(&SHAPE, b"scal\x02\0\0\0 of some other structure"), foreign);
    assert_eq!(refusal(&SHAPE, b"PK\x03\x04"), SnapshotError::WrongMagic);
    assert_eq!(refusal(&SHAPE, b"x"), SnapshotError::WrongMagic);
}

#[test]
fn another_shape_is_told() {
    let bytes = document(1, &body());
    assert_eq!(refusal(&[3, 301], &bytes), SnapshotError::OtherShape { found: 300, expected: 301 });
    assert_eq!(refusal(&[3], &bytes), SnapshotError::OtherShape { found: 2, expected: 1 });
    // The users' cold-start row, and one user more than there is room for.
    for (at, value, expected) in [(4, 2, 1), (5, 4, 3)] {
        let mut body = body();
        body[at] = value;
        let error = SnapshotError::OtherShape { found: u32::from(value), expected };
        assert_eq!(refusal(&SHAPE, &document(1, &body)), error);
    }
    // A budget above the memory, and one frequency too many.
    for (at, value, expected) in [(16, 21, 20), (58, 4, 3)] {
        let mut body = body();
        body[at] = value;
        let error = SnapshotError::OtherShape { found: u32::from(value), expected };
        assert_eq!(refusal(&SHAPE, &document(1, &body)), error, "byte {at}");
    }
}

#[test]
fn intact_bytes_of_an_impossible_state_are_refused() {
    let changed = |change: fn(&mut Vec<u8>)| {
        let mut body = body();
        change(&mut body);
        refusal(&SHAPE, &document(1, &body))
    };
    let damage: [fn(&mut Vec<u8>); 10] = [
        |body| body[6] = 3,                   // more cold starts than users
        |body| body[7] = 1,                   // fewer sizes than users
        |body| body[8] = 3,                   // a user's row longer than what is stored
        |body| body[14] = 0x80,               // a size that does not end
        |body| body[16] = 8,                  // a budget below what is used
        |body| body[17] = 8,                  // a high water below what is used
        |body| body[18] = 2,                  // fewer elements than the users have
        |body| body[63] = 0xbf,               // a negative frequency
        |body| body.push(0),                  // a byte too many
        |body| body.truncate(body.len() - 1), // a byte too few
    ];
    for (index, change) in damage.into_iter().enumerate() {
        assert_eq!(changed(change), SnapshotError::Damaged, "damage {index}");
    }
    assert_eq!(refusal(&SHAPE, &document(1, &[])), SnapshotError::Damaged);
}

#[test]
fn sizes_that_overflow_are_refused() {
    let mut body = body();
    // 2^32 - 1 twice, in five bytes each.
    body.splice(8..10, [0xff, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert_eq!(refusal(&SHAPE, &document(1, &body)), SnapshotError::Damaged);
}

#[test]
fn every_refusal_says_what_it_is_about() {
    let errors = [
        SnapshotError::Truncated { needed: 1, available: 0 },
        SnapshotError::WrongMagic,
        SnapshotError::ForeignVersion { found: 1, expected: 0 },
        SnapshotError::Damaged,
        SnapshotError::OtherShape { found: 1, expected: 0 },
        SnapshotError::BufferTooSmall { needed: 1, available: 0 },
    ];
    let mut texts: Vec<_> = errors.iter().map(std::string::ToString::to_string).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), errors.len());
}
