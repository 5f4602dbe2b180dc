//! The `scall` program: reads a stream of interactions, runs experiments on it, and shows what they found.

pub mod bench;
pub mod budget;
pub mod cli;
pub mod device;
pub mod experiment;
pub mod fetch;
pub mod input;
pub mod lightgcn;
pub mod memory;
pub mod output;
pub mod progress;
pub mod report;
pub mod stream;

#[cfg(test)]
mod snapshot;

/// What the page about methods shows must compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/methods.md")]
struct MethodsPage;
