//! Reading interaction streams and preparing them for the recommender of `scall_core`.

pub mod input;
pub mod stream;
