//! `scall run --device-parity`: the firmware's configuration and stream, on this machine.

use anyhow::Context;
use scall_core::scenario::{Report, Scenario, Stored};

use super::console::Console;
use super::failure::Failure;
use crate::cli::arguments::OutputArguments;
use crate::report::{ParityDocument, SCHEMA};

pub(super) fn execute(seed: u64, output: OutputArguments, console: &mut Console) -> Result<(), Failure> {
    let mut scenario = Box::new(Scenario::<Stored>::new());
    let report = scenario.run(seed).context("the device's configuration does not run")?;
    let document = document(&report, size_of::<Scenario<Stored>>());
    console.show(&document, output, |document| format!("the device's run: {}", text(document)))
}

/// What a device's run came to.
pub(super) fn document(report: &Report, ram_bytes: usize) -> ParityDocument {
    ParityDocument {
        schema: SCHEMA,
        interactions: report.interactions,
        segments: report.segments,
        entities: report.entities,
        parameters_used: report.parameters_used,
        budget_parameters: report.budget_parameters,
        budget_violations: report.budget_violations,
        evicted: report.evicted,
        recall_at_10: f64::from(report.short_list_hits) / f64::from(report.tests.max(1)),
        recall: f64::from(report.hits) / f64::from(report.tests.max(1)),
        ram_bytes,
        model_digest: format!("{:016x}", report.digest),
    }
}

pub(super) fn text(document: &ParityDocument) -> String {
    format!(
        "{} interactions in {} segments, {} entities, {} made way\n{} of {} parameters, {} budget \
         violations, recall@20 {:.4}\nmodel digest {}\n",
        document.interactions,
        document.segments,
        document.entities,
        document.evicted,
        document.parameters_used,
        document.budget_parameters,
        document.budget_violations,
        document.recall,
        document.model_digest,
    )
}
