//! Options that say what a device looks like, shared by the commands about devices.

use clap::{Args, ValueEnum};
use scall_core::device::DeviceShape;

use crate::budget::BudgetSpec;
use crate::experiment::Storage;

/// The largest number of a table that a device may have: what 16 bits can number.
const MOST_ENTITIES: i64 = scall_core::ids::MAX_ENTITIES as i64;

/// Who chooses the sizes on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PolicyName {
    /// An actor in flash that a host has trained
    Stored,
    /// A policy that learns on the device
    Training,
}

/// What decides how much memory a device takes. The defaults are those of the firmware.
#[derive(Clone, Debug, Args)]
pub(super) struct ShapeArguments {
    /// Users that the device has room for; beyond, the rarest make way
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=MOST_ENTITIES))]
    users: u32,
    /// Items that it has room for
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=MOST_ENTITIES))]
    items: u32,
    /// The most parameters of all rows: mean:N per user and item, params:N, or bytes (16KiB)
    #[arg(long, value_name = "SPEC", default_value = "mean:8", allow_hyphen_values = true)]
    budget: BudgetSpec,
    /// The most parameters of a row
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(5..=4096))]
    max_size: u32,
    /// Pairs of a user and an item that are remembered, so as not to be recommended again
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(0..=1 << 24))]
    seen_pairs: u32,
    /// Groups of a side's frequencies that the policy reads
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(0..=4096))]
    groups: u32,
    /// Units of each hidden layer of the policy; one less than a multiple of 8 wastes no memory
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1023))]
    hidden: u32,
}

impl ShapeArguments {
    /// The shape.
    ///
    /// # Errors
    /// An impossible budget.
    pub(super) fn shape(&self) -> anyhow::Result<DeviceShape> {
        let Self { users, items, max_size: largest, seen_pairs, groups, hidden, .. } = *self;
        let entities = u64::from(users) + u64::from(items);
        let parameters = self.budget.parameters(entities, Storage::F32)?;
        Ok(DeviceShape { users, items, parameters, largest, seen_pairs, groups, hidden })
    }
}
