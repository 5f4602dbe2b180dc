//! One method on one stream, from the first segment to the result.

pub mod base;
pub(crate) mod checkpoint;
pub mod evaluate;
pub mod history;
pub mod kernels;
mod load;
pub mod methods;
pub mod metrics;
pub mod model;
pub mod protocol;
pub mod published;
mod request;
pub mod run;
pub mod runner;
pub mod settings;
#[cfg(test)]
mod testing;
pub mod total;
mod trace;
pub mod training;
pub mod validation;

pub use base::BaseRecommender;
pub use evaluate::{Evaluation, evaluate};
pub use history::History;
pub use load::{load_file, select_file};
pub use methods::Method;
pub use metrics::LIST;
pub use protocol::{Counts, ProtocolError, Segment, equal_segments};
pub(crate) use request::name_of;
pub use request::{
    Base, DataFile, DataSource, Protocol, PublishedOptions, RewardRange, RunRequest, Search, Selection,
    SizeLimits, Storage, TableKind, TargetNetworks,
};
pub use run::{Runs, run, run_all, run_with};
pub use runner::Experiment;
