//! The heart of scall: a recommender that learns from a stream inside a hard memory cap.
//!
//! No standard library, no allocator, no unsafe code, and no panicking path in a release build: every
//! part works on slices that the caller lends, sized by a `const fn` beside it. The same seed gives the
//! same bits on every target, since all floating-point functions come from [`math`] and all sums run
//! in a fixed order.
//!
//! With the feature `small` retrieval has fewer loops of their own, and sizes follow the power law or Pareto's
//! alone; that spares a microcontroller a quarter of the code. No bit of what is left changes. With the feature
//! `defmt` errors, figures and small values can be logged by it.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::unreachable
    )
)]

#[cfg(test)]
extern crate std;

mod allowance;
pub mod arena;
pub mod device;
pub mod digest;
pub mod element;
pub mod envelope;
pub mod frequency;
pub mod ids;
pub mod math;
pub mod policy;
pub mod random;
pub mod recommender;
pub mod scenario;
pub mod segment;
pub mod side;
pub mod sizes;
pub mod snapshot;
pub mod state;
pub mod stream;
pub mod tables;
#[cfg(test)]
mod testing;

pub use side::Side;

/// What the README shows must compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
