//! Whole runs: load, cut, go through the segments, sum up.

use std::time::Instant;

use anyhow::{Context, Result};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use scall_core::recommender::Recommender;
use scall_core::side::Side;

use super::checkpoint::{self, Checkpoint, Finished};
use super::history::History;
use super::methods::{PolicyMemory, Setup, SizingMethod};
use super::model::ModelMemory;
use super::protocol::{self, Counts};
use super::runner::Experiment;
use super::settings::Settings;
use super::{DataSource, RunRequest, load_file};
use crate::memory::peak_memory;
use crate::progress::Progress;
use crate::report::{Budget, Dataset, Quality, RunDocument, RunResult, SCHEMA, SizeCounts};
use crate::stream::{self, Stream, builtin::builtin};

/// Runs one method on one stream.
///
/// # Errors
/// If the stream cannot be read, the budget cannot be kept, or a result file cannot be written.
pub fn run(request: &RunRequest, progress: &Progress) -> Result<RunResult> {
    let started = Instant::now();
    in_pool(request, || {
        let stream = load(request, progress)?;
        checkpoint::prepare(request)?;
        let mut result = run_stream(request, &stream, progress)?;
        result.document.wall_seconds = started.elapsed().as_secs_f64();
        Ok(result)
    })
}

/// Runs a method that is not registered, such as one of another crate; `request.method` names it in the
/// document, and says whether it is held to the budget.
///
/// # Errors
/// As [`run`], and those of the method.
pub fn run_with(
    request: &RunRequest,
    method: &mut (dyn SizingMethod + Send),
    progress: &Progress,
) -> Result<RunResult> {
    in_pool(request, || {
        let stream = load(request, progress)?;
        checkpoint::prepare(request)?;
        let settings = Settings::default().limited(request.sizes);
        run_method(request, &settings, &stream, method, progress)
    })
}

/// Runs every request; the results stand in the same order. Requests for the same stream share it.
///
/// # Errors
/// As [`run`], for the first request that fails.
pub fn run_all(requests: &[RunRequest], progress: &Progress) -> Result<Vec<RunResult>> {
    let Some(first) = requests.first() else { return Ok(Vec::new()) };
    in_pool(first, || {
        let stage = progress.stage("runs", requests.len() as u64);
        // The built-in stream is made from the seed; a file is the same for all.
        let mut streams: Vec<(&RunRequest, Stream)> = Vec::new();
        for request in requests {
            if !streams.iter().any(|(loaded, _)| same_stream(loaded, request)) {
                streams.push((request, load(request, progress)?));
            }
        }
        requests.iter().try_for_each(checkpoint::prepare)?;
        requests
            .par_iter()
            .map(|request| {
                let started = Instant::now();
                let (_, stream) = streams
                    .iter()
                    .find(|(loaded, _)| same_stream(loaded, request))
                    .context("a stream was not loaded")?;
                let mut result = run_stream(request, stream, &Progress::silent())?;
                result.document.wall_seconds = started.elapsed().as_secs_f64();
                stage.advance(1);
                Ok(result)
            })
            .collect()
    })
}

fn in_pool<T: Send>(request: &RunRequest, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let threads = request.threads.map_or(0, usize::from);
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.context("the worker threads could not be started")?.install(work)
}

fn same_stream(a: &RunRequest, b: &RunRequest) -> bool {
    a.source == b.source && a.filter == b.filter && (a.source != DataSource::BuiltIn || a.seed == b.seed)
}

fn load(request: &RunRequest, progress: &Progress) -> Result<Stream> {
    match &request.source {
        DataSource::BuiltIn => Ok(stream::prepare(builtin(request.seed)?, &request.filter)?),
        DataSource::File(file) => load_file(file, &request.filter, progress),
    }
}

fn run_stream(request: &RunRequest, stream: &Stream, progress: &Progress) -> Result<RunResult> {
    let settings = Settings::of(request.base).limited(request.sizes);
    let mut policy = PolicyMemory::default();
    let setup = Setup { request, settings: &settings, policy: &mut policy };
    let mut method = (request.method.card().make)(setup)?;
    run_method(request, &settings, stream, &mut *method, progress)
}

/// Runs a method, from the last finished segment if that is asked for.
pub(super) fn run_method(
    request: &RunRequest,
    settings: &Settings,
    stream: &Stream,
    method: &mut dyn SizingMethod,
    progress: &Progress,
) -> Result<RunResult> {
    let segments = protocol::equal_segments(stream, request.segments).with_context(|| stream.name.clone())?;
    let history = History::new(stream);
    let experiment = Experiment { request, settings, stream, history: &history, segments: &segments };
    for segment in &segments {
        experiment.budget(segment.known)?;
    }
    let capacity = experiment.capacity()?;
    let mut memory = ModelMemory::new(&capacity);
    let first_budget = experiment.budget(segments.first().map_or(Counts::default(), |first| first.known))?;
    let cold = experiment.cold_sizes(first_budget);
    let mut recommender = Recommender::new(
        memory.lend(),
        settings.recommender.validate()?,
        cold,
        first_budget.min(capacity.parameters),
        request.seed,
    )?;
    let checkpoint = Checkpoint::of(&experiment);
    let mut finished = Finished::default();
    if request.resume
        && let Some(checkpoint) = &checkpoint
    {
        finished = checkpoint.load(&mut recommender, method)?.unwrap_or_default();
    }
    let stage =
        progress.stage(format!("{} {}", request.method, request.budget.as_str()), segments.len() as u64);
    stage.advance(finished.segments.len() as u64);
    for segment in segments.iter().skip(finished.segments.len()) {
        let violations = &mut finished.violations;
        let report = experiment.segment(segment, &mut recommender, method, violations, &stage)?;
        finished.segments.push(report);
        if let Some(checkpoint) = &checkpoint {
            checkpoint.save(&finished, &recommender, method)?;
        }
        stage.advance(1);
    }
    drop(stage);

    let arena = recommender.arena();
    let sizes = |side| (0..arena.count(side)).map(move |id| arena.size(side, id));
    let entities = stream.entities();
    let parameters = experiment.budget(capacity.entities)?;
    let document = RunDocument {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        method: request.method,
        base: request.base,
        protocol: request.protocol,
        seed: request.seed,
        storage: request.storage,
        dataset: Dataset {
            name: stream.name.clone(),
            interactions: stream.len() as u64,
            users: entities.user as u64,
            items: entities.item as u64,
            first_timestamp: stream.first_timestamp().unwrap_or_default(),
            last_timestamp: stream.last_timestamp().unwrap_or_default(),
        },
        budget: Budget {
            spec: request.budget.clone(),
            parameters: parameters.into(),
            bytes: u64::from(parameters) * u64::from(request.storage.bytes()),
        },
        mean: Quality::mean_of(&finished.segments),
        segments: finished.segments,
        capped: request.method.card().capped,
        method_bytes: method.bytes(),
        budget_violations: finished.violations,
        peak_memory_bytes: peak_memory(),
        wall_seconds: 0.0,
    };
    Ok(RunResult { document, sizes: SizeCounts::of(sizes(Side::User), sizes(Side::Item)) })
}
