//! Segment by segment: size decisions, and the loop that ties the parts together.
//!
//! [`resize`] turns a rule into rows. A [`Decider`] is the policy with what it reads; a [`PolicyFile`] brings one that is
//! trained to a device; an [`Incumbent`] keeps
//! the action in force until another has proven itself.

mod cover;
mod decider;
mod incumbent;
mod policy_file;
mod resize;
mod saved;
mod segment_loop;
mod slices;
mod space;

pub use cover::covering_share;
pub use decider::{Decider, DeciderError};
pub use incumbent::{Evidence, Incumbent, Margin};
pub use policy_file::PolicyFile;
pub use resize::{ResizeError, ResizeSettings, Resized, SizeRule, resize, resize_by_weights};
pub use segment_loop::{LoopError, LoopSettings, SegmentLoop};
pub use space::ActionSpace;
