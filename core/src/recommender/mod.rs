//! Matrix factorisation with BPR over ragged rows.

mod align;
mod averaging;
mod axes;
mod batch;
pub mod bpr;
mod config;
mod model;
mod negative;
mod order;
mod plain;
mod recent;
mod retrieval;
mod saved;
mod seen;
#[cfg(test)]
mod thin_tests;
mod top_k;

pub use align::align_scratch_len;
pub(crate) use averaging::Averaging;
pub use batch::batch_scratch_len;
pub use config::{ConfigError, RecommenderConfig, ValidRecommenderConfig};
pub use model::{Decision, Observed, Recommender, RecommenderError, RecommenderMemory, ThinMemory, score};
pub(crate) use order::Sorting;
pub use order::class_ends_len;
pub use recent::{DECAY, recent_scratch_len};
pub use seen::{SeenFilter, seen_len};
pub use top_k::{Scored, TopK};

#[cfg(test)]
pub(crate) use saved::tests::{Memory, ROOM};
#[cfg(test)]
pub(crate) use thin_tests::Memory as ThinRoom;
