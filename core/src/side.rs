//! The two sides of an interaction.

use serde::{Deserialize, Serialize};

/// Which side of an interaction an entity stands on.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    /// The one who acts.
    User,
    /// What is acted upon, and recommended.
    Item,
}

impl Side {
    /// Both sides, users first.
    pub const BOTH: [Self; 2] = [Self::User, Self::Item];
}

/// One value per side.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerSide<T> {
    /// The users' value.
    pub user: T,
    /// The items' value.
    pub item: T,
}

impl<T> PerSide<T> {
    /// Pairs the users' value with the items'.
    pub const fn new(user: T, item: T) -> Self {
        Self { user, item }
    }

    /// The value of `side`.
    pub const fn get(&self, side: Side) -> &T {
        match side {
            Side::User => &self.user,
            Side::Item => &self.item,
        }
    }

    /// The value of `side`, to change.
    pub const fn get_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::User => &mut self.user,
            Side::Item => &mut self.item,
        }
    }
}

impl<T: ?Sized> PerSide<&mut T> {
    /// The same references, borrowed for a while.
    pub const fn as_mut(&mut self) -> PerSide<&mut T> {
        PerSide::new(&mut *self.user, &mut *self.item)
    }
}
