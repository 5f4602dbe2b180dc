//! The hot paths, timed in this process, each beside what the same machine can do at most.
//!
//! Everything but the training step of LightGCN runs on one thread, through the same calls as an experiment.

mod lightgcn;
mod load;
mod model;
mod policy;
mod repack;
mod retrieval;
mod sizes;
mod timing;
mod update;
mod yardstick;

use anyhow::{Context, Result};

pub use timing::Effort;

use crate::progress::Progress;
use crate::report::{BenchDocument, BenchRow, SCHEMA};

/// Times every hot path.
///
/// # Errors
/// If one of them refuses its input, which is a defect of the program.
pub fn run(effort: Effort, progress: &Progress) -> Result<BenchDocument> {
    type Group = fn(Effort) -> Result<Vec<BenchRow>>;
    let groups: [(&str, Group); 7] = [
        ("update", update::rows),
        ("topk", retrieval::rows),
        ("sizes", sizes::rows),
        ("repack", repack::rows),
        ("sac", policy::rows),
        ("lightgcn", lightgcn::rows),
        ("load", load::rows),
    ];
    let stage = progress.stage("timing", groups.len() as u64);
    let mut rows = Vec::new();
    for (name, group) in groups {
        stage.say(name);
        rows.extend(group(effort).with_context(|| format!("timing {name}"))?);
        stage.advance(1);
    }
    Ok(BenchDocument { schema: SCHEMA, rows })
}

fn row(name: &str, value: f64, unit: &str, note: String) -> BenchRow {
    BenchRow { name: name.to_owned(), value, unit: unit.to_owned(), note }
}
