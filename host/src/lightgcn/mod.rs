//! LightGCN over ragged rows (He et al., SIGIR 2020; as the base recommender of SCALL, Qu et al., CIKM 2024).
//!
//! Users and items are the nodes of a graph whose edges are the interactions. A node's row, filled up with
//! zeros, is its layer 0; layer `k + 1` is `A` times layer `k`, where `A = D^-1/2 B D^-1/2` is the adjacency
//! matrix normalised by the degrees on both sides. What scores are made of is the mean of the layers 0 to 3:
//!
//! ```text
//! final = P rows,   P = (I + A + A^2 + A^3) / 4
//! ```
//!
//! `P` is symmetric, so that the gradient of the rows is `P` times the gradient of the final vectors.
//!
//! The dimensions are cut into panels of up to [`PANEL`] columns, which never meet but in the scores: each is
//! propagated by one thread, in memory that its caches hold, and every sum has one order whatever the number
//! of threads. Nodes are placed longest row first. The nodes whose rows reach into a panel are then the first
//! of their side, and since neighbours are in ascending order of place, the first hop of a panel reads no
//! further than these: a short row costs nothing in the panels that it does not reach.

mod batch;
mod graph;
mod loss;
mod panel;
mod propagate;
mod sampler;
mod served;
mod trainer;

pub use batch::Batch;
pub use graph::{Adjacency, Graph};
pub use panel::PANEL;
pub use sampler::{Candidates, Sampler};
pub use served::served;
pub use trainer::{LightGcnSettings, Trainer};
