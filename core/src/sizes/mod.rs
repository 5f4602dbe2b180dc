//! From an action and a budget to whole row sizes.
//!
//! An [`Action`] says which share of the parameter budget the users get and how skewed each side's sizes
//! are. [`plan`] turns it into sizes in three steps:
//!
//! 1. each side's *weights*, the descending order statistics of a [`Distribution`]: their expected values
//!    ([`expected_weights`]) or one random draw ([`draw_weights`]);
//! 2. the budget divided over the sides inside what their [`Bounds`] can take;
//! 3. an exact fit of whole sizes to the weights ([`fit`]), kept as *counts*: element `s` says how many
//!    ranks have size `s`. Sizes descend with rank, so that is all there is to know.
//!
//! [`deal`] then hands the sizes to entities by rank, and [`settle`] lets rows that fit well enough keep
//! their size. Everything happens in the caller's words, one `u32` per entity: weights as `f32` bits by
//! rank, then ids by rank, then sizes by id.
//!
//! ```
//! use scall_core::side::PerSide;
//! use scall_core::sizes::{Action, Bounds, Distribution, SizeSettings, counts_len, descending_sizes};
//!
//! let settings = SizeSettings {
//!     distribution: Distribution::PowerLaw,
//!     bounds: PerSide::new(Bounds { min: 1, max: 8 }, Bounds { min: 1, max: 8 }),
//! };
//! let action = Action { user_share: 0.5, user_shape: 0.5, item_shape: 30.0 };
//! let (mut users, mut items) = ([0; 4], [0; 3]);
//! let (mut user_counts, mut item_counts) = ([0; counts_len(8)], [0; counts_len(8)]);
//! let plan = descending_sizes(
//!     &action,
//!     &settings,
//!     24,
//!     None,
//!     PerSide::new(&mut users, &mut items),
//!     PerSide::new(&mut user_counts, &mut item_counts),
//! )?;
//! assert_eq!((users, items), ([6, 3, 2, 1], [4, 4, 4]));
//! assert_eq!(plan.total(), 24);
//! # Ok::<(), scall_core::sizes::SizesError>(())
//! ```

mod curve;
mod deal;
mod distribution;
mod error;
mod fit;
mod hysteresis;
mod normal;
mod order_statistics;
mod plan;
#[cfg(test)]
mod testing;

pub(crate) use deal::{Dealing, MARK, sum_up, take_apart};
pub use deal::{deal, write_descending};
pub use distribution::Distribution;
pub use error::SizesError;
pub use fit::{Bounds, Fitted, counts_len, fit};
pub(crate) use hysteresis::Settling;
pub use hysteresis::{Settled, settle};
pub(crate) use order_statistics::Weighing;
pub use order_statistics::{draw_weights, expected_weights};
pub(crate) use plan::SidesFit;
pub use plan::{Action, Plan, SizeSettings, descending_sizes, fit_sides, plan};
