//! A device inside the buffer of its caller: first the device itself, then the slices that it works on.
//!
//! ```text
//! | Scall, in SCALL_HANDLE_WORDS words | rows | floats | states | scratch | words | index |
//! ```

use core::slice;

use scall_core::device::{Device, DeviceMemory, DeviceSettings, DeviceShape};
use scall_core::policy::Actor;

use crate::config::Plan;
use crate::status::ScallStatus;

/// The alignment of the memory of scall_init, in bytes.
pub const SCALL_ALIGNMENT: usize = 8;
/// Words, as wide as a pointer, that a device takes in front of its slices.
pub const SCALL_HANDLE_WORDS: usize = 280;

const HANDLE_BYTES: usize = SCALL_HANDLE_WORDS * size_of::<usize>();
const _: () = assert!(size_of::<Scall>() <= HANDLE_BYTES, "SCALL_HANDLE_WORDS is too small");
const _: () = assert!(align_of::<Scall>() <= SCALL_ALIGNMENT && HANDLE_BYTES.is_multiple_of(SCALL_ALIGNMENT));

/// What a device says of itself, so that other memory is not taken for one: "scal", and the version of this.
const MARK: u32 = u32::from_be_bytes(*b"sca\x01");

/// A device, at the front of the memory that was given to scall_init. One call at a time may use it.
#[derive(Debug)]
pub struct Scall {
    mark: u32,
    pub(crate) shape: DeviceShape,
    /// Its slices are the rest of the caller's memory, and live as long as it does.
    pub(crate) device: Device<'static, f32, Actor<'static>>,
}

/// Bytes that a device takes in all; saturates.
pub(crate) const fn memory_bytes(shape: &DeviceShape) -> usize {
    let words = shape
        .values_len()
        .saturating_add(shape.floats_len())
        .saturating_add(shape.words_len())
        .saturating_add(shape.states_len())
        .saturating_add(shape.actor_scratch_len());
    words.saturating_mul(size_of::<u32>()).saturating_add(shape.index_len()).saturating_add(HANDLE_BYTES)
}

/// What is left of a buffer that is being dealt out.
struct Rest(*mut u8);

impl Rest {
    /// The next `length` numbers.
    ///
    /// # Safety
    /// As many are left of the buffer, aligned, zero, and used by nobody else for as long as the slice is.
    unsafe fn numbers<T: Number>(&mut self, length: usize) -> &'static mut [T] {
        let first = self.0.cast::<T>();
        // SAFETY: so many are left, as the caller promises, so the end is inside or just behind the buffer.
        self.0 = unsafe { first.add(length) }.cast();
        // SAFETY: memory of its own, aligned and initialised, as the caller promises; all bits are numbers.
        unsafe { slice::from_raw_parts_mut(first, length) }
    }
}

/// A type of which all bits are values.
trait Number {}

impl Number for f32 {}
impl Number for u32 {}
impl Number for u8 {}

/// Makes a device in a buffer, whatever the buffer held.
///
/// # Safety
/// `memory` is null or points to `bytes` bytes that nothing else uses for as long as the device is used.
pub(crate) unsafe fn start(memory: *mut u8, bytes: usize, plan: &Plan) -> Result<*mut Scall, ScallStatus> {
    if memory.is_null() {
        return Err(ScallStatus::NullPointer);
    }
    if !memory.addr().is_multiple_of(SCALL_ALIGNMENT) {
        return Err(ScallStatus::Misaligned);
    }
    let Plan { shape, policy, seed } = plan;
    let needed = memory_bytes(shape);
    if bytes < needed || needed > isize::MAX as usize {
        return Err(ScallStatus::TooSmall);
    }
    // SAFETY: the buffer is that long, as the caller promises.
    unsafe { memory.write_bytes(0, needed) };
    // SAFETY: the buffer is longer than that.
    let mut rest = Rest(unsafe { memory.add(HANDLE_BYTES) });
    // SAFETY: `needed` is the sum of the lengths of all six and what was taken before; words of four bytes follow
    // an address aligned to eight, and single bytes come last. They do not overlap, and nothing else uses them.
    let values = unsafe { rest.numbers(shape.values_len()) };
    // SAFETY: as above.
    let floats = unsafe { rest.numbers(shape.floats_len()) };
    // SAFETY: as above.
    let states = unsafe { rest.numbers(shape.states_len()) };
    // SAFETY: as above.
    let scratch = unsafe { rest.numbers(shape.actor_scratch_len()) };
    // SAFETY: as above.
    let words = unsafe { rest.numbers(shape.words_len()) };
    // SAFETY: as above.
    let index = unsafe { rest.numbers(shape.index_len()) };
    let decider = policy.decider(scratch, states).map_err(|_| ScallStatus::Policy)?;
    let mut settings = DeviceSettings::new(shape.largest);
    settings.segments.resize.sizes.distribution = decider.distribution();
    let device = shape
        .start(DeviceMemory { values, floats, words, index }, decider, &settings, *seed)
        .map_err(|_| ScallStatus::Config)?;
    let scall = memory.cast::<Scall>();
    // SAFETY: aligned, and a device is no longer than its place, as checked when this was compiled.
    unsafe { scall.write(Scall { mark: MARK, shape: *shape, device }) };
    Ok(scall)
}

/// The device behind a pointer, if it is one.
///
/// # Safety
/// `scall` is null, or points to memory that is as [`start`] or its caller left it, as large as a device, and in use by
/// no other call.
pub(crate) unsafe fn device<'s>(scall: *mut Scall) -> Result<&'s mut Scall, ScallStatus> {
    // SAFETY: what is promised here.
    unsafe { check(scall) }?;
    // SAFETY: not null, aligned, a device, and nobody else's during the call, as the caller promises.
    Ok(unsafe { &mut *scall })
}

/// The same to look at.
///
/// # Safety
/// As [`device`]; other calls may look at it, too.
pub(crate) unsafe fn shared<'s>(scall: *const Scall) -> Result<&'s Scall, ScallStatus> {
    // SAFETY: what is promised here.
    unsafe { check(scall) }?;
    // SAFETY: not null, aligned, a device, and changed by nobody during the call, as the caller promises.
    Ok(unsafe { &*scall })
}

/// # Safety
/// As [`shared`].
unsafe fn check(scall: *const Scall) -> Result<(), ScallStatus> {
    if scall.is_null() {
        return Err(ScallStatus::NullPointer);
    }
    if !scall.is_aligned() {
        return Err(ScallStatus::Misaligned);
    }
    // SAFETY: inside memory as large as a device, as the caller promises.
    let mark = unsafe { &raw const (*scall).mark };
    // SAFETY: the same; any bits are a number.
    if unsafe { mark.read() } == MARK { Ok(()) } else { Err(ScallStatus::NotInitialised) }
}
