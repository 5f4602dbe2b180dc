//! Matrix factorisation with BPR over ragged rows.

pub mod bpr;
mod config;
mod model;
mod negative;
mod retrieval;
mod seen;
mod top_k;

#[cfg(test)]
mod tests;

pub use config::{ConfigError, RecommenderConfig, ValidRecommenderConfig};
pub use model::{Decision, Observed, Recommender, RecommenderError, RecommenderMemory, score};
pub use seen::{SeenFilter, seen_len};
pub use top_k::{Scored, TopK};
