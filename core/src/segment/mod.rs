//! Segment by segment: size decisions, and the loop that ties the parts together.

mod resize;

pub use resize::{ResizeError, ResizeSettings, Resized, SizeRule, resize};
