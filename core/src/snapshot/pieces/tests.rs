use std::vec;
use std::vec::Vec;

use super::super::load;
use super::super::testing::document;
use super::super::tests::{SHAPE, STEP, State, saved, with_state};
use super::*;

/// What stops giving or taking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Broken;

fn pieces(state: &State<'_>, length: usize) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let total = save_in_pieces(&SHAPE, state, &mut vec![0; length], |piece: &[u8]| {
        pieces.push(piece.to_vec());
        Ok::<(), Broken>(())
    });
    assert_eq!(total, Ok(pieces.iter().map(Vec::len).sum()));
    pieces
}

/// Loads pieces out of the front of a buffer of that length.
fn load_pieces(
    state: &mut State<'_>,
    pieces: &[Vec<u8>],
    buffer: usize,
) -> Result<usize, PieceError<Broken>> {
    load_in_pieces(&SHAPE, state, &mut vec![0; buffer], |index, place| {
        let Some(piece) = pieces.get(index) else { return Ok(0) };
        place[..piece.len()].copy_from_slice(piece);
        Ok(piece.len())
    })
}

#[test]
fn pieces_are_the_bytes_of_the_whole() {
    let whole = with_state(true, |state| saved(state));
    for length in (1..whole.len() + 2).step_by(STEP) {
        let pieces = with_state(true, |state| pieces(state, length));
        assert_eq!(pieces.concat(), whole);
        assert!(pieces[..pieces.len() - 1].iter().all(|piece| piece.len() == length));
    }
}

#[test]
fn a_state_out_of_pieces_is_the_same() {
    let whole = with_state(true, |state| saved(state));
    for length in (1..whole.len() + 2).step_by(STEP) {
        let pieces = with_state(true, |state| pieces(state, length));
        with_state(false, |state| {
            assert_eq!(load_pieces(state, &pieces, length), Ok(whole.len()));
            assert_eq!(saved(state), whole);
        });
    }
    // Pieces of any lengths, and bytes of something else behind.
    let mut longer = whole.clone();
    longer.extend([0xff; 10]);
    let (mut uneven, mut rest) = (Vec::new(), &longer[..]);
    while !rest.is_empty() {
        let (front, back) = rest.split_at(rest.len().min(uneven.len() % 7 + 1));
        uneven.push(front.to_vec());
        rest = back;
    }
    with_state(false, |state| {
        assert_eq!(load_pieces(state, &uneven, 9), Ok(whole.len()));
        assert_eq!(saved(state), whole);
    });
}

#[test]
fn damage_is_told_as_in_the_whole_and_changes_nothing() {
    let whole = with_state(true, |state| saved(state));
    let refused = |bytes: &[u8]| {
        let pieces: Vec<Vec<u8>> = bytes.chunks(10).map(<[u8]>::to_vec).collect();
        with_state(false, |state| {
            let before = saved(state);
            let error = load_pieces(state, &pieces, 10).unwrap_err();
            assert_eq!(saved(state), before);
            error
        })
    };
    for bit in (0..whole.len() * 8).step_by(7 * STEP - 6) {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let expected = with_state(false, |state| load(&SHAPE, state, &bytes)).unwrap_err();
        assert_eq!(refused(&bytes), PieceError::Snapshot(expected), "bit {bit}");
    }
    for available in (0..whole.len()).step_by(STEP) {
        let needed = if available < HEADER_LEN { HEADER_LEN } else { whole.len() };
        let error = SnapshotError::Truncated { needed, available };
        assert_eq!(refused(&whole[..available]), PieceError::Snapshot(error));
    }
    // Intact, but of another shape, or with a byte too many in the body.
    let mut body = whole[HEADER_LEN..].to_vec();
    body[1] = 4;
    let error = SnapshotError::OtherShape { found: 4, expected: 3 };
    assert_eq!(refused(&document(1, &body)), PieceError::Snapshot(error));
    body[1] = 3;
    body.push(0);
    assert_eq!(refused(&document(1, &body)), PieceError::Snapshot(SnapshotError::Damaged));
}

#[test]
fn the_first_piece_that_is_not_taken_is_the_last() {
    with_state(true, |state| {
        let count = pieces(state, 16).len();
        for broken in 0..count {
            let mut taken = 0;
            let saved = save_in_pieces(&SHAPE, state, &mut [0; 16], |_: &[u8]| {
                taken += 1;
                if taken > broken { Err(Broken) } else { Ok(()) }
            });
            assert_eq!((saved, taken), (Err(PieceError::Piece(Broken)), broken + 1));
        }
        let error = SnapshotError::BufferTooSmall { needed: 1, available: 0 };
        let saved = save_in_pieces(&SHAPE, state, &mut [], |_: &[u8]| Ok::<(), Broken>(()));
        assert_eq!(saved, Err(PieceError::Snapshot(error)));
    });
}

#[test]
fn a_piece_that_does_not_come_changes_nothing_before_all_is_checked() {
    let pieces = with_state(true, |state| pieces(state, 16));
    for broken in 0..3 * pieces.len() {
        with_state(false, |state| {
            let before = saved(state);
            let mut fetched = 0;
            let loaded = load_in_pieces(&SHAPE, state, &mut [0; 16], |index, place| {
                fetched += 1;
                let piece = pieces.get(index).filter(|_| fetched <= broken).ok_or(Broken)?;
                place[..piece.len()].copy_from_slice(piece);
                Ok(piece.len())
            });
            assert_eq!(loaded, Err(PieceError::Piece(Broken)));
            assert!(saved(state) == before || broken > 2 * pieces.len());
        });
    }
}
