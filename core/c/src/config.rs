//! What a device is to be.

use core::slice;

use scall_core::device::DeviceShape;
use scall_core::scenario::{self, STORED_POLICY};
use scall_core::segment::PolicyFile;

use crate::status::ScallStatus;

/// The largest row that the policy which is built in may give.
pub const SCALL_BUILT_IN_LARGEST: u32 = 32;
/// The groups of its state.
pub const SCALL_BUILT_IN_GROUPS: u32 = 8;
/// The units of its hidden layers.
pub const SCALL_BUILT_IN_HIDDEN: u32 = 7;

const _: () = assert!(scenario::SHAPE.largest == SCALL_BUILT_IN_LARGEST);
const _: () = assert!(scenario::SHAPE.groups == SCALL_BUILT_IN_GROUPS);
const _: () = assert!(scenario::SHAPE.hidden == SCALL_BUILT_IN_HIDDEN);

/// What a device is to be. All of it decides over the bytes of memory, but for the seed.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ScallConfig {
    /// Users that there is room for, at most 65,535; the rarest make way for more.
    pub users: u32,
    /// Items that there is room for, the same.
    pub items: u32,
    /// The budget: parameters, of 4 bytes, of all rows together. Eight for each user and item are a good start.
    pub parameters: u32,
    /// Pairs of a user and an item that are remembered, so as not to be recommended again; about two for each user
    /// and item.
    pub seen_pairs: u32,
    /// The one source of chance: the same seed and events give the same bits on every machine.
    pub seed: u64,
    /// A policy file, which is read where it lies and must stay there; null for the policy that is built in. Needs no
    /// alignment.
    pub policy: *const u8,
    /// Its bytes; it may be followed by others.
    pub policy_bytes: usize,
}

/// A configuration that was understood.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) shape: DeviceShape,
    pub(crate) policy: PolicyFile<'static>,
    pub(crate) seed: u64,
}

impl Plan {
    /// Reads a configuration.
    ///
    /// # Safety
    /// `config` is null or points to a configuration, and its policy is null or points to as many bytes as it says,
    /// which stay as they are for as long as what is made of the plan.
    pub(crate) unsafe fn read(config: *const ScallConfig) -> Result<Self, ScallStatus> {
        if config.is_null() {
            return Err(ScallStatus::NullPointer);
        }
        if !config.is_aligned() {
            return Err(ScallStatus::Misaligned);
        }
        // SAFETY: neither null nor misaligned, and a configuration, as the caller promises.
        let config = unsafe { config.read() };
        let bytes: &'static [u8] = if config.policy.is_null() {
            STORED_POLICY
        } else if config.policy_bytes > isize::MAX as usize {
            return Err(ScallStatus::Policy);
        } else {
            // SAFETY: not null, of a length that can be, and unchanged, as the caller promises.
            unsafe { slice::from_raw_parts(config.policy, config.policy_bytes) }
        };
        let policy = PolicyFile::open(bytes).map_err(|_| ScallStatus::Policy)?;
        let shape = DeviceShape {
            users: config.users,
            items: config.items,
            parameters: config.parameters,
            largest: policy.state.max_size,
            seen_pairs: config.seen_pairs,
            groups: policy.state.groups,
            hidden: policy.hidden,
        };
        // A state of another kind than those of devices.
        if shape.state() != policy.state {
            return Err(ScallStatus::Policy);
        }
        Ok(Self { shape, policy, seed: config.seed })
    }
}
