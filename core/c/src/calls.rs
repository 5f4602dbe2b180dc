//! The functions that C calls.

use core::ffi::c_void;
use core::mem::offset_of;
use core::slice;

use scall_core::Side;
use scall_core::policy::Sac;
use scall_core::recommender::Scored;
use scall_core::segment::LoopError;
use scall_core::snapshot::{self, SnapshotError};

use crate::config::{Plan, ScallConfig};
use crate::handle::{self, Scall};
use crate::status::ScallStatus;

/// What scall_observe adds to its answer for a user that was new.
pub const SCALL_NEW_USER: i32 = 1;
/// What scall_observe adds to its answer for an item that was new.
pub const SCALL_NEW_ITEM: i32 = 2;

/// An item with its score.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScallScored {
    /// The item's id.
    pub item: u32,
    /// Its score; only differences mean something.
    pub score: f32,
}

const _: () = assert!(size_of::<ScallScored>() == size_of::<Scored>());
const _: () = assert!(align_of::<ScallScored>() == align_of::<Scored>());
const _: () = assert!(offset_of!(ScallScored, item) == offset_of!(Scored, item));
const _: () = assert!(offset_of!(ScallScored, score) == offset_of!(Scored, score));

/// Where a device stands.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScallCounts {
    /// Users known.
    pub users: u32,
    /// Items known.
    pub items: u32,
    /// Users that made way for others so far.
    pub evicted_users: u32,
    /// Items that made way for others so far.
    pub evicted_items: u32,
    /// Parameters in use.
    pub parameters_used: u32,
    /// Parameters allowed; there are never more in use.
    pub parameters_allowed: u32,
    /// Segments closed.
    pub segments: u32,
    /// 1 while a decision is under way, 0 otherwise.
    pub busy: u32,
}

/// The number of a call, or why it was refused.
pub(crate) fn number(result: Result<usize, ScallStatus>) -> i32 {
    match result {
        Ok(number) => i32::try_from(number).unwrap_or(i32::MAX),
        Err(status) => status as i32,
    }
}

pub(crate) fn expect<T>(pointer: *const T) -> Result<(), ScallStatus> {
    if pointer.is_null() {
        Err(ScallStatus::NullPointer)
    } else if !pointer.is_aligned() {
        Err(ScallStatus::Misaligned)
    } else {
        Ok(())
    }
}

/// Bytes of memory that scall_init needs for a configuration; 0 for one that cannot be read: null, or with a policy
/// that is none. SCALL_MEMORY_BYTES is the same as a constant.
///
/// # Safety
/// `config` is null or points to a configuration, whose policy is null or as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scall_memory_bytes(config: *const ScallConfig) -> usize {
    // SAFETY: what is promised here.
    unsafe { Plan::read(config) }.map_or(0, |plan| handle::memory_bytes(&plan.shape))
}

/// Makes a device that knows nobody in the caller's memory, whatever was in it, and points `scall` to it. The policy
/// must stay where it is; the configuration need not. O(memory).
///
/// # Safety
/// `memory` has that many bytes, which nothing else uses for as long as the device is used; the pointers in and of the
/// configuration are null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scall_init(
    scall: *mut *mut Scall,
    memory: *mut c_void,
    memory_bytes: usize,
    config: *const ScallConfig,
) -> i32 {
    let start = || {
        expect(scall)?;
        // SAFETY: what is promised here.
        let plan = unsafe { Plan::read(config) }?;
        // SAFETY: what is promised here.
        let made = unsafe { handle::start(memory.cast(), memory_bytes, &plan) }?;
        // SAFETY: neither null nor misaligned, and the caller's.
        unsafe { scall.write(made) };
        Ok(0)
    };
    number(start())
}

/// Learns from one event. Ids are any 32 bits. Where there is no room for a newcomer, the rarest makes way. Returns 0,
/// or the sum of SCALL_NEW_USER and SCALL_NEW_ITEM as they apply. O(dimensions), and for a newcomer to a full table
/// O(users + items).
///
/// # Safety
/// `scall` is from scall_init, and in use by no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scall_observe(scall: *mut Scall, user: u32, item: u32) -> i32 {
    // SAFETY: what is promised here.
    let scall = match unsafe { handle::device(scall) } {
        Ok(scall) => scall,
        Err(status) => return status as i32,
    };
    match scall.device.observe(user, item) {
        Ok(observed) => {
            i32::from(observed.new_user) * SCALL_NEW_USER + i32::from(observed.new_item) * SCALL_NEW_ITEM
        }
        Err(_) => ScallStatus::Config as i32,
    }
}

/// The best items that a user has not had lately, best first, in `best`, which has `places` of them; returns how many.
/// Strangers are answered as the mean of all users. O(parameters of the items).
///
/// # Safety
/// `scall` is from scall_init, and no call changes it meanwhile; `best` has as many places, outside its memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scall_recommend(
    scall: *const Scall,
    user: u32,
    best: *mut ScallScored,
    places: usize,
) -> i32 {
    let recommend = || {
        // SAFETY: what is promised here.
        let scall = unsafe { handle::shared(scall) }?;
        expect(best)?;
        let places = places.min(scall.shape.items as usize);
        for place in 0..places {
            // SAFETY: one of the caller's places.
            let place = unsafe { best.add(place) };
            // SAFETY: the same.
            unsafe { place.write(ScallScored { item: Scored::NONE.item, score: Scored::NONE.score }) };
        }
        // SAFETY: as many places of the caller's, just written; both types lie in memory alike, as checked above.
        let best = unsafe { slice::from_raw_parts_mut(best.cast::<Scored>(), places) };
        Ok(scall.device.recommend(user, best))
    };
    number(recommend())
}

/// 1 if a user is known, 0 if not.
///
/// # Safety
/// `scall` is from scall_init, and no call changes it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scall_knows_user(scall: *const Scall, user: u32) -> i32 {
    // SAFETY: what is promised here.
    let scall = unsafe { handle::shared(scall) };
    number(scall.map(|scall| usize::from(scall.device.ids(Side::User).slot(user).is_some())))
}

/// 1 if an item is known, 0 if not.
///
/// # Safety
/// `scall` is from scall_init, and no call changes it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scall_knows_item(scall: *const Scall, item: u32) -> i32 {
    // SAFETY: what is promised here.
    let scall = unsafe { handle::shared(scall) };
    number(scall.map(|scall| usize::from(scall.device.ids(Side::Item).slot(item).is_some())))
}

/// 1 if it is remembered that a user had an item, 0 if not.
///
/// # Safety
/// `scall` is from scall_init, and no call changes it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scall_has_seen(scall: *const Scall, user: u32, item: u32) -> i32 {
    // SAFETY: what is promised here.
    let scall = unsafe { handle::shared(scall) };
    number(scall.map(|scall| usize::from(scall.device.has_seen(user, item))))
}

/// Ends a segment of the stream, says how good its recommendations were (`reward`: against what is usual, about -1 to
/// 1), and begins the decision about the sizes of the next, which scall_poll brings to its end. O(1).
///
/// # Safety
/// `scall` is from scall_init, and in use by no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scall_close_segment(scall: *mut Scall, reward: f32) -> i32 {
    let close = || {
        // SAFETY: what is promised here.
        let segments = unsafe { handle::device(scall) }?.device.segments_mut();
        if segments.is_busy() {
            return Err(ScallStatus::Busy);
        }
        // Nothing below can fail with a reward inside; so nothing has changed when this does.
        if !reward.is_finite() || reward.abs() > Sac::MAX_MAGNITUDE {
            return Err(ScallStatus::Reward);
        }
        segments.begin_next_segment(reward, true).map_err(|_: LoopError| ScallStatus::Busy)?;
        Ok(0)
    };
    number(close())
}

/// Goes on with the end of a segment and the decision after it, by as much work as moving about `parameters` of them
/// is. Returns 0 when all is done, 1 after a step of the decision, and 2 within one. In between events can be learned
/// and questions answered; where they are to find the ranks of a single time, only after a step.
///
/// # Safety
/// `scall` is from scall_init, and in use by no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scall_poll(scall: *mut Scall, parameters: u32) -> i32 {
    // SAFETY: what is promised here.
    let scall = unsafe { handle::device(scall) };
    let poll = |scall: &mut Scall| scall.device.segments_mut().poll(parameters);
    number(scall.and_then(|scall| match poll(scall) {
        Ok(true) => Ok(0),
        Ok(false) => Ok(1 + usize::from(scall.device.segments().is_within_step())),
        Err(_) => Err(ScallStatus::Sizes),
    }))
}

/// Where a device stands, in `counts`.
///
/// # Safety
/// `scall` is from scall_init, and no call changes it meanwhile; `counts` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scall_counts(scall: *const Scall, counts: *mut ScallCounts) -> i32 {
    let read = || {
        // SAFETY: what is promised here.
        let device = unsafe { &handle::shared(scall)?.device };
        expect(counts)?;
        let arena = device.recommender().arena();
        let found = ScallCounts {
            users: arena.count(Side::User),
            items: arena.count(Side::Item),
            evicted_users: device.evicted(Side::User),
            evicted_items: device.evicted(Side::Item),
            parameters_used: arena.used(),
            parameters_allowed: arena.budget(),
            segments: device.segments().segments(),
            busy: u32::from(device.segments().is_busy()),
        };
        // SAFETY: neither null nor misaligned, and the caller's.
        unsafe { counts.write(found) };
        Ok(0)
    };
    number(read())
}

/// A fingerprint of all that was learned, and of the policy, in `digest`: the same on two machines exactly when the bits
/// are. O(parameters).
///
/// # Safety
/// `scall` is from scall_init, and no call changes it meanwhile; `digest` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scall_digest(scall: *const Scall, digest: *mut u64) -> i32 {
    let read = || {
        // SAFETY: what is promised here.
        let device = unsafe { &handle::shared(scall)?.device };
        expect(digest)?;
        let mut found = device.digest();
        for &byte in device.segments().decider().policy().weights() {
            found.byte(byte);
        }
        // SAFETY: neither null nor misaligned, and the caller's.
        unsafe { digest.write(found.value()) };
        Ok(0)
    };
    number(read())
}

/// Bytes that scall_save writes now; SCALL_STATUS_BUSY while a decision is under way.
///
/// # Safety
/// `scall` is from scall_init, and no call changes it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scall_save_bytes(scall: *const Scall) -> i32 {
    // SAFETY: what is promised here.
    let scall = unsafe { handle::shared(scall) };
    number(scall.and_then(size))
}

/// Writes all of a device's state, its configuration and policy aside, to the front of `output`; returns the length. The
/// bytes are the same on every machine. O(bytes).
///
/// # Safety
/// `scall` is from scall_init, and no call changes it meanwhile; `output` has `capacity` bytes, outside its memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scall_save(scall: *const Scall, output: *mut u8, capacity: usize) -> i32 {
    let save = || {
        // SAFETY: what is promised here.
        let scall = unsafe { handle::shared(scall) }?;
        expect(output)?;
        let needed = size(scall)?;
        if capacity < needed {
            return Err(ScallStatus::TooSmall);
        }
        // SAFETY: so many bytes are the caller's.
        unsafe { output.write_bytes(0, needed) };
        // SAFETY: the same, just written.
        let output = unsafe { slice::from_raw_parts_mut(output, needed) };
        snapshot::save(&scall.shape.snapshot_shape(), &scall.device, output).map_err(status)
    };
    number(save())
}

/// Goes on from what scall_save wrote for a device of the same configuration, to the same bits as one that was never
/// stopped; a decision that is under way is given up. The snapshot may be followed by other bytes; returns its length.
/// O(bytes).
///
/// # Safety
/// `scall` is from scall_init, and in use by no other call; `input` has `length` bytes, outside its memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scall_load(scall: *mut Scall, input: *const u8, length: usize) -> i32 {
    let load = || {
        // SAFETY: what is promised here.
        let scall = unsafe { handle::device(scall) }?;
        expect(input)?;
        // SAFETY: so many bytes are the caller's, and no object is longer than that.
        let input = unsafe { slice::from_raw_parts(input, length.min(isize::MAX as usize)) };
        snapshot::load(&scall.shape.snapshot_shape(), &mut scall.device, input).map_err(status)
    };
    number(load())
}

fn size(scall: &Scall) -> Result<usize, ScallStatus> {
    snapshot::size(&scall.shape.snapshot_shape(), &scall.device).map_err(status)
}

const fn status(error: SnapshotError) -> ScallStatus {
    match error {
        SnapshotError::WrongMagic | SnapshotError::OtherShape { .. } => ScallStatus::ForeignSnapshot,
        SnapshotError::ForeignVersion { .. } => ScallStatus::SnapshotVersion,
        SnapshotError::Unfinished => ScallStatus::Busy,
        SnapshotError::BufferTooSmall { .. } => ScallStatus::TooSmall,
        _ => ScallStatus::DamagedSnapshot,
    }
}
