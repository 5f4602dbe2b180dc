//! The stream of the run that machines compare, so that a port can be held to the same bits.

use core::ffi::c_void;
use core::slice;

use scall_core::scenario::{self, STREAM_PAIRS};
use scall_core::stream::TurnoverStream;

use crate::calls::{expect, number};
use crate::handle::SCALL_ALIGNMENT;
use crate::status::ScallStatus;

/// Bytes of memory for scall_reference_start.
pub const SCALL_REFERENCE_BYTES: usize = 2176;

/// Bytes before the words that the stream works on.
const OWN_BYTES: usize = size_of::<ScallReference>().next_multiple_of(SCALL_ALIGNMENT);

const _: () = assert!(OWN_BYTES + STREAM_PAIRS * size_of::<u32>() <= SCALL_REFERENCE_BYTES);
const _: () = assert!(align_of::<ScallReference>() <= SCALL_ALIGNMENT);

/// A stream of 20,000 events in which users and items come and go, at the front of the memory that was given to
/// scall_reference_start.
#[derive(Debug)]
pub struct ScallReference(TurnoverStream<'static>);

/// Begins the stream of a seed in the caller's memory, and points `stream` to it. The run that machines compare has the
/// seed 42, and room for 64 users, 512 items, 4,608 parameters and 1,024 pairs.
///
/// # Safety
/// `stream` is the caller's; `memory` has that many bytes, which nothing else uses for as long as the stream is used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scall_reference_start(
    stream: *mut *mut ScallReference,
    memory: *mut c_void,
    memory_bytes: usize,
    seed: u64,
) -> i32 {
    let start = || {
        expect(stream)?;
        let memory = memory.cast::<u8>();
        expect(memory)?;
        if !memory.addr().is_multiple_of(SCALL_ALIGNMENT) {
            return Err(ScallStatus::Misaligned);
        }
        if memory_bytes < SCALL_REFERENCE_BYTES {
            return Err(ScallStatus::TooSmall);
        }
        // SAFETY: as long as this at least, and the caller's.
        unsafe { memory.write_bytes(0, SCALL_REFERENCE_BYTES) };
        // SAFETY: inside that.
        let words = unsafe { memory.add(OWN_BYTES) }.cast::<u32>();
        // SAFETY: the memory is aligned to eight and long enough, as checked here and when this was compiled; the words
        // lie behind the stream, are zero, and nothing else uses them.
        let words = unsafe { slice::from_raw_parts_mut(words, STREAM_PAIRS) };
        let own = memory.cast::<ScallReference>();
        // SAFETY: aligned, and in front of the words.
        unsafe { own.write(ScallReference(scenario::stream(seed, words))) };
        // SAFETY: neither null nor misaligned, and the caller's.
        unsafe { stream.write(own) };
        Ok(0)
    };
    number(start())
}

/// The next event, in `user` and `item`: 1, or 0 at the end of the stream.
///
/// # Safety
/// `stream` is from scall_reference_start, and in use by no other call; `user` and `item` are the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scall_reference_next(
    stream: *mut ScallReference,
    user: *mut u32,
    item: *mut u32,
) -> i32 {
    let next = || {
        expect(stream)?;
        expect(user)?;
        expect(item)?;
        // SAFETY: a stream that only this call uses, as the caller promises.
        let Some(event) = unsafe { &mut *stream }.0.next() else { return Ok(0) };
        // SAFETY: neither null nor misaligned, and the caller's.
        unsafe { user.write(event.user) };
        // SAFETY: the same.
        unsafe { item.write(event.item) };
        Ok(1)
    };
    number(next())
}
