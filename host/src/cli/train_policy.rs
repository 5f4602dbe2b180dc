//! `scall train-policy`: a device's policy, trained on the host.

use std::path::PathBuf;

use clap::Args;
use scall_core::digest::Digest;
use scall_core::scenario::Report;
use serde::Serialize;

use super::arguments::{FilterArguments, FormatArguments, OutputArguments};
use super::console::{self, Console};
use super::failure::Failure;
use super::shape::ShapeArguments;
use crate::device::train;
use crate::experiment;
use crate::input::shown_path;
use crate::output;
use crate::report::SCHEMA;
use crate::report::table::{grouped, quality};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file of interactions, plain or compressed; several are learned from one after the other
    #[arg(long, value_name = "PATH", required = true)]
    data: Vec<PathBuf>,
    /// The file of the policy to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How often all streams are gone through
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    passes: u32,
    #[command(flatten)]
    shape: ShapeArguments,
    #[command(flatten)]
    format: FormatArguments,
    #[command(flatten)]
    filter: FilterArguments,
    /// The one source of all randomness
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Serialize)]
struct Document {
    schema: u32,
    path: String,
    bytes: usize,
    policy_digest: String,
    seed: u64,
    passes: u32,
    /// Segments learned from.
    segments: u64,
    runs: Vec<Run>,
}

/// A device's run over a stream, before and after the training.
#[derive(Debug, Serialize)]
struct Run {
    dataset: String,
    interactions: u32,
    untrained: Quality,
    trained: Quality,
}

#[derive(Debug, Serialize)]
struct Quality {
    #[serde(rename = "recall@10")]
    recall_at_10: f64,
    #[serde(rename = "recall@20")]
    recall: f64,
}

impl Quality {
    fn of(report: &Report) -> Self {
        let part = |hits: u32| f64::from(hits) / f64::from(report.tests.max(1));
        Self { recall_at_10: part(report.short_list_hits), recall: part(report.hits) }
    }
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console) -> Result<(), Failure> {
    let progress = console::progress(arguments.output);
    let shape = arguments.shape.shape()?;
    let load = |path: &PathBuf| {
        experiment::load_file(&arguments.format.file(path), &arguments.filter.into(), &progress)
    };
    let streams = arguments.data.iter().map(load).collect::<anyhow::Result<Vec<_>>>()?;
    let trained = train::train(shape, &streams, arguments.passes, arguments.seed, &progress)?;
    output::replace(&arguments.out, |out| out.write_all(&trained.policy))?;
    let mut digest = Digest::new();
    trained.policy.iter().for_each(|&byte| digest.byte(byte));
    let run = |(stream, (before, after)): (&crate::stream::Stream, &(Report, Report))| Run {
        dataset: stream.name.clone(),
        interactions: after.interactions,
        untrained: Quality::of(before),
        trained: Quality::of(after),
    };
    let document = Document {
        schema: SCHEMA,
        path: shown_path(&arguments.out),
        bytes: trained.policy.len(),
        policy_digest: format!("{:016x}", digest.value()),
        seed: arguments.seed,
        passes: arguments.passes,
        segments: trained.segments,
        runs: streams.iter().zip(&trained.runs).map(run).collect(),
    };
    console.show(&document, arguments.output, text)
}

fn text(document: &Document) -> String {
    let mut text = format!(
        "{}: a policy of {} bytes, trained over {} segments\n",
        document.path,
        grouped(document.bytes as u64),
        grouped(document.segments)
    );
    for Run { dataset, untrained, trained, .. } in &document.runs {
        text.push_str(&format!(
            "{dataset}: recall@20 of the device {} before, {} after\n",
            quality(untrained.recall),
            quality(trained.recall)
        ));
    }
    text
}
