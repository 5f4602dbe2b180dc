//! What a call came to, where it is no number from 0 on.

use core::ffi::{CStr, c_char};

/// Why a call was refused. Every function that returns an `int32_t` returns one of these when it is below 0.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScallStatus {
    /// All went well.
    Ok = 0,
    /// A pointer is null.
    NullPointer = -1,
    /// A pointer is not aligned: memory needs SCALL_ALIGNMENT, anything else what its type needs.
    Misaligned = -2,
    /// The memory or the output is too small.
    TooSmall = -3,
    /// The memory was never given to scall_init, or by another version.
    NotInitialised = -4,
    /// The bytes of the policy are none, are damaged, or are of another version or kind.
    Policy = -5,
    /// More than 65,535 users or items, or fewer parameters than two first rows take.
    Config = -6,
    /// A decision is under way; scall_poll brings it to its end.
    Busy = -7,
    /// A reward that is not a number, or beyond a million.
    Reward = -8,
    /// The sizes that the policy asks for cannot be had within the budget; the rows are as before.
    Sizes = -9,
    /// The bytes are no snapshot, or one of another configuration.
    ForeignSnapshot = -10,
    /// A snapshot of another version.
    SnapshotVersion = -11,
    /// A snapshot that is damaged or cut short.
    DamagedSnapshot = -12,
}

impl ScallStatus {
    const ALL: [Self; 13] = [
        Self::Ok,
        Self::NullPointer,
        Self::Misaligned,
        Self::TooSmall,
        Self::NotInitialised,
        Self::Policy,
        Self::Config,
        Self::Busy,
        Self::Reward,
        Self::Sizes,
        Self::ForeignSnapshot,
        Self::SnapshotVersion,
        Self::DamagedSnapshot,
    ];

    const fn text(self) -> &'static CStr {
        match self {
            Self::Ok => c"all went well",
            Self::NullPointer => c"a pointer is null",
            Self::Misaligned => c"a pointer is not aligned",
            Self::TooSmall => c"the memory or the output is too small",
            Self::NotInitialised => c"the memory was never initialised",
            Self::Policy => c"the policy cannot be read",
            Self::Config => c"the configuration is out of its range",
            Self::Busy => c"a decision is under way",
            Self::Reward => c"the reward is out of its range",
            Self::Sizes => c"the sizes cannot be had within the budget",
            Self::ForeignSnapshot => c"the snapshot belongs to another configuration, or is none",
            Self::SnapshotVersion => c"the snapshot has a version that cannot be read",
            Self::DamagedSnapshot => c"the snapshot is damaged",
        }
    }
}

/// A status in words, ended by a zero; numbers from 0 on went well, and unknown ones are called so. Never null.
#[unsafe(no_mangle)]
pub extern "C" fn scall_status_text(status: i32) -> *const c_char {
    #[cfg(feature = "a-panic")]
    core::hint::black_box([1, 2, 3][core::hint::black_box(1_usize)]);
    let known = ScallStatus::ALL.into_iter().find(|&known| known as i32 == status.min(0));
    known.map_or(c"an unknown status", ScallStatus::text).as_ptr()
}
