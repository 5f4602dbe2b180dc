//! One method on one stream, from the first segment to the result.

mod evaluate;
mod history;
mod kernels;
mod load;
mod methods;
mod metrics;
mod model;
mod protocol;
mod request;
mod run;
mod runner;
mod settings;
mod training;

pub use evaluate::{Evaluation, LIST, evaluate};
pub use history::History;
pub use load::load_file;
pub use protocol::{Counts, ProtocolError, Segment, equal_segments};
pub(crate) use request::name_of;
pub use request::{Base, DataFile, DataSource, Method, Protocol, RunRequest, Storage};
pub use run::{run, run_all};
