//! What an arena refuses.

use core::fmt;

use crate::Side;

/// Why an [`Arena`](super::Arena) refused; it is then as it was before.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArenaError {
    /// More elements than a 32-bit boundary can address.
    TooLarge {
        /// Elements lent.
        available: usize,
        /// The most that can be used.
        limit: u32,
    },
    /// The boundary slice of a side is empty; see [`boundaries_len`](super::boundaries_len).
    NoTable {
        /// The side without a table.
        side: Side,
    },
    /// The budget is larger than the memory.
    BudgetAboveMemory {
        /// The budget asked for, in elements.
        asked: u32,
        /// Elements lent.
        available: u32,
    },
    /// The rows need more than the budget.
    OverBudget {
        /// Elements that the rows need, the two cold-start rows included.
        needed: u64,
        /// The budget, in elements.
        budget: u32,
    },
    /// A side has no table entry left for one more entity.
    TableFull {
        /// The side.
        side: Side,
        /// Its capacity in entities.
        capacity: u32,
    },
    /// Sizes for fewer entities than the side has, or for more than it can hold.
    WrongCount {
        /// The side.
        side: Side,
        /// How many sizes were given.
        asked: usize,
        /// How many entities there are.
        count: u32,
        /// How many there can be.
        capacity: u32,
    },
    /// A row longer than the side's table can hold.
    RowTooLong {
        /// The side.
        side: Side,
        /// Elements asked for.
        asked: u32,
        /// The most a row can have.
        limit: u32,
    },
    /// A repack in slices is under way.
    Repacking,
}

impl fmt::Display for ArenaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge { .. } => "the arena has more elements than 32 bits can address",
            Self::NoTable { side: Side::User } => "no boundaries were lent for the users",
            Self::NoTable { side: Side::Item } => "no boundaries were lent for the items",
            Self::BudgetAboveMemory { .. } => "the budget is larger than the memory lent",
            Self::OverBudget { .. } => "the rows need more elements than the budget",
            Self::TableFull { side: Side::User, .. } => "the table of users is full",
            Self::TableFull { side: Side::Item, .. } => "the table of items is full",
            Self::WrongCount { side: Side::User, .. } => "the sizes do not match the number of users",
            Self::WrongCount { side: Side::Item, .. } => "the sizes do not match the number of items",
            Self::RowTooLong { side: Side::User, .. } => "a user's row is longer than the table can hold",
            Self::RowTooLong { side: Side::Item, .. } => "an item's row is longer than the table can hold",
            Self::Repacking => "a repack is under way",
        })
    }
}

impl core::error::Error for ArenaError {}
