//! The published protocol (Qu et al., CIKM 2024): segments by the growth of the stream, replay, models that
//! are trained to convergence, and a policy that searches on the segment that is over.
//!
//! [`segments`] cuts and replays, [`lesson`] says what a segment teaches, [`examination`] ranks under the
//! published candidate rules, [`training`] trains and selects models, `rehearsal` is the search's environment,
//! and [`run`] goes through the segments. `docs/published.md` says what is faithful.

pub mod examination;
pub mod lesson;
mod model;
mod rehearsal;
pub mod rows;
pub mod run;
pub mod segments;
pub mod training;

pub use examination::Examination;
pub use lesson::Lesson;
pub use rows::Rows;
pub use segments::{GrowthSegment, growth_segments};
pub use training::{Trained, Training};
