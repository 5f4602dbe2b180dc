//! A device on the host: what it takes, what it reads from its flash, and whether it comes to the same bits.

pub mod firmware;
pub mod inspect;
pub mod plan;
pub mod recording;
pub mod room;
pub mod train;
