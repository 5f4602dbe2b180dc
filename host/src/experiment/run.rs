//! Whole runs: load, cut, go through the segments, sum up.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use rayon::{ThreadPool, ThreadPoolBuilder};
use scall_core::side::Side;

use super::checkpoint::{self, Checkpoint, Finished};
use super::history::History;
use super::methods::{PolicyMemory, Setup, SizingMethod};
use super::model::{self, Memory, Model, ModelCapacity};
use super::protocol::{self, Counts};
use super::runner::Experiment;
use super::settings::Settings;
use super::total::TotalError;
use super::trace::{Followed, ranked_sizes};
use super::{DataSource, Protocol, RunRequest, load_file, published, total};
use crate::memory::peak_memory;
use crate::progress::Progress;
use crate::report::trace::Trace;
use crate::report::{
    Budget, Dataset, HeldBytes, LeftOut, PublishedProtocol, Quality, RunDocument, RunResult, SCHEMA,
    SizeCounts, Total,
};
use crate::stream::{self, Stream, builtin::builtin};

/// Runs one method on one stream.
///
/// # Errors
/// If the stream cannot be read, the budget cannot be kept, or a result file cannot be written.
pub fn run(request: &RunRequest, progress: &Progress) -> Result<RunResult> {
    let started = Instant::now();
    pool(threads(request))?.install(|| {
        let stream = load(request, progress)?;
        checkpoint::prepare(request)?;
        run_stream(request, &stream, started, progress)
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
    let started = Instant::now();
    pool(threads(request))?.install(|| {
        let stream = load(request, progress)?;
        checkpoint::prepare(request)?;
        let settings = Settings::of(request);
        run_protocol(request, &settings, &stream, method, started, progress)
    })
}

/// Runs every request; the results stand in the same order. Requests for the same stream share it.
///
/// Each thread takes the next run that nobody has begun and has a pool of its own for it, so that the times of
/// a run hold nothing of another's. `finished` is told of each run as soon as it has ended.
///
/// # Errors
/// As [`run`], for the first request that fails; what has not begun by then is left. A request whose budget for
/// everything is too small for it alone is [left out](Runs::left_out), unless all are.
pub fn run_all(
    requests: &[RunRequest],
    progress: &Progress,
    finished: impl Fn(&RunRequest, &RunResult) -> Result<()> + Sync,
) -> Result<Runs> {
    let mut runs = Runs::default();
    let Some(first) = requests.first() else { return Ok(runs) };
    let threads = threads(first);
    let stage = progress.stage("runs", requests.len() as u64);
    // The built-in stream is made from the seed; a file is the same for all.
    let mut streams: Vec<(&RunRequest, Stream)> = Vec::new();
    for request in requests {
        if !streams.iter().any(|(loaded, _)| same_stream(loaded, request)) {
            streams.push((request, load(request, progress)?));
        }
    }
    requests.iter().try_for_each(checkpoint::prepare)?;

    let one = |request: &RunRequest| {
        let started = Instant::now();
        let stream = streams.iter().find(|(loaded, _)| same_stream(loaded, request));
        let (_, stream) = stream.context("a stream was not loaded")?;
        let result = run_stream(request, stream, started, &Progress::silent())?;
        finished(request, &result)?;
        stage.advance(1);
        Ok(result)
    };
    let workers = threads.min(requests.len());
    let pools = (0..workers).map(|_| pool(threads.div_ceil(workers))).collect::<Result<Vec<_>>>()?;
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(requests.len()));
    let work = |pool: &ThreadPool| {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = requests.get(place) else { return };
            let result = pool.install(|| one(request));
            if result.as_ref().is_err_and(|error: &anyhow::Error| !error.is::<TotalError>()) {
                next.store(requests.len(), Ordering::Relaxed);
            }
            // A thread that panics takes the program with it.
            if let Ok(mut results) = results.lock() {
                results.push((place, result));
            }
        }
    };
    std::thread::scope(|scope| {
        for pool in &pools {
            scope.spawn(|| work(pool));
        }
    });
    let mut results = results.into_inner().unwrap_or_default();
    results.sort_by_key(|(place, _)| *place);
    for (place, result) in results {
        match result {
            Err(error) if error.is::<TotalError>() => {
                let Some(request) = requests.get(place) else { continue };
                let left_out = LeftOut {
                    method: request.method,
                    storage: request.storage,
                    budget: request.budget.clone(),
                    seed: request.seed,
                    reason: error.to_string(),
                };
                runs.left_out.push(left_out);
            }
            result => runs.results.push(result?),
        }
    }
    match runs.left_out.first() {
        Some(left_out) if runs.results.is_empty() => Err(anyhow!("{}", left_out.reason)),
        _ => Ok(runs),
    }
}

/// What came of several requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Runs {
    /// Of those that ran.
    pub results: Vec<RunResult>,
    /// Those whose budget for everything does not hold what they keep beside rows.
    pub left_out: Vec<LeftOut>,
}

/// How many threads a request may have.
fn threads(request: &RunRequest) -> usize {
    let all = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    request.threads.unwrap_or_else(all).get()
}

fn pool(threads: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new().num_threads(threads).build().context("the worker threads could not be started")
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

fn run_stream(
    request: &RunRequest,
    stream: &Stream,
    started: Instant,
    progress: &Progress,
) -> Result<RunResult> {
    let settings = Settings::of(request);
    let mut policy = PolicyMemory::default();
    let setup = Setup { request, settings: &settings, policy: &mut policy };
    let mut method = (request.method.card().make)(setup)?;
    run_protocol(request, &settings, stream, &mut *method, started, progress)
}

/// Runs a method that was `started` under the protocol that is asked for.
fn run_protocol(
    request: &RunRequest,
    settings: &Settings,
    stream: &Stream,
    method: &mut dyn SizingMethod,
    started: Instant,
    progress: &Progress,
) -> Result<RunResult> {
    match request.protocol {
        Protocol::Equal => run_method(request, settings, stream, method, started, progress),
        Protocol::Published => published::run::run(request, settings, stream, method, started, progress),
    }
}

/// Runs a method that was `started` under the equal protocol, from the last finished segment if that is asked for.
pub(super) fn run_method(
    request: &RunRequest,
    settings: &Settings,
    stream: &Stream,
    method: &mut dyn SizingMethod,
    started: Instant,
    progress: &Progress,
) -> Result<RunResult> {
    let segments = protocol::equal_segments(stream, request.segments).with_context(|| stream.name.clone())?;
    let history = History::new(stream);
    let experiment =
        Experiment { request, settings, stream, history: &history, segments: &segments, share: None };
    let shares = total::shares(&experiment, method)?;
    let within = |index: usize| Experiment { share: shares.get(index).copied(), ..experiment };
    for segment in &segments {
        within(segment.index).budget(segment.known)?;
    }
    let mut capacity = within(0).capacity()?;
    if request.resume {
        // The checkpoint may be of any segment.
        for share in &shares {
            capacity.entities = share.capacity.entities;
            capacity.parameters = capacity.parameters.max(share.capacity.parameters);
        }
    }
    let mut memory = model::memory(request.storage, request.tables, &capacity);
    let mut held = Held::of(&capacity, &*memory);
    let known = segments.first().map_or(Counts::default(), |first| first.known);
    let first_budget = within(0).budget(known)?;
    let cold = experiment.cold_sizes(first_budget);
    let config = settings.recommender.validate()?;
    let mut recommender = memory.model(config, cold, first_budget.min(capacity.parameters), request.seed)?;
    let checkpoint = Checkpoint::of(&experiment);
    let mut finished = Finished::default();
    if request.resume
        && let Some(checkpoint) = &checkpoint
    {
        finished = checkpoint.load(&mut recommender, method)?.unwrap_or_default();
    }
    let followed = Followed::of(stream);
    let earlier_seconds = finished.wall_seconds;
    let stage =
        progress.stage(format!("{} {}", request.method, request.budget.as_str()), segments.len() as u64);
    stage.advance(finished.segments.len() as u64);
    for segment in segments.iter().skip(finished.segments.len()) {
        let mut experiment = within(segment.index);
        if let Some(share) = experiment.share.as_ref().filter(|share| share.capacity != capacity) {
            // Rows make room first, then all moves to the segment's own memory by way of a snapshot.
            total::shrink(&mut *recommender, share, settings)?;
            let saved = checkpoint::to_bytes(&recommender)?;
            drop(recommender);
            drop(memory);
            capacity = share.capacity;
            memory = model::memory(request.storage, request.tables, &capacity);
            held = Held::of(&capacity, &*memory);
            recommender = memory.model(config, cold, capacity.parameters, request.seed)?;
            checkpoint::from_bytes(&mut recommender, &saved)?;
        }
        experiment.share = experiment.share.map(|share| share.with_model_of(held.bytes + held.own_bytes));
        let violations = &mut finished.violations;
        let report = experiment.segment(segment, &mut *recommender, method, violations, &stage)?;
        finished.segments.push(report);
        finished.steps.extend(method.take_steps());
        finished.followed.push(followed.sizes(&*recommender));
        finished.trial_bytes = finished.trial_bytes.max(method.trial_bytes());
        finished.wall_seconds = earlier_seconds + started.elapsed().as_secs_f64();
        if let Some(checkpoint) = &checkpoint {
            checkpoint.save(&finished, &recommender, method)?;
        }
        stage.advance(1);
    }
    drop(stage);
    let last = within(segments.len().saturating_sub(1));
    conclude(&last, finished, &*recommender, held, method.bytes())
}

/// What was held for a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    /// Parameters that there was room for.
    pub(super) parameters: u32,
    /// All bytes, those of the parameters included.
    pub(super) bytes: u64,
    /// Bytes that point to them.
    pub(super) own_bytes: u64,
}

impl Held {
    /// The memory of a model of this capacity.
    pub(super) fn of(capacity: &ModelCapacity, memory: &dyn Memory) -> Self {
        Self { parameters: capacity.parameters, bytes: memory.bytes(), own_bytes: memory.own_bytes() }
    }
}

/// The result of the `finished` segments, the last of which ended with the rows of `recommender`.
pub(super) fn conclude(
    experiment: &Experiment<'_>,
    finished: Finished,
    recommender: &dyn Model,
    held: Held,
    method_bytes: u64,
) -> Result<RunResult> {
    let Experiment { request, stream, settings, .. } = *experiment;
    let sizes = |side| (0..recommender.count(side)).map(move |id| recommender.size(side, id));
    let entities = stream.entities();
    let all = Counts { users: entities.user as u32, items: entities.item as u32 };
    let parameters = experiment.budget(all)?;
    let working = finished.segments.iter().map(|segment| segment.working_memory_bytes);
    let working_bytes = working.max().unwrap_or_default();
    let total = Total::of(&request.budget, &finished.segments);
    let held_bytes = total.map_or_else(
        || {
            let row_bytes = u64::from(held.parameters) * u64::from(request.storage.bytes());
            let table_bytes = held.bytes.saturating_sub(row_bytes);
            HeldBytes::new(row_bytes, table_bytes, finished.trial_bytes, working_bytes, method_bytes)
        },
        |total| HeldBytes::of_total(&total.parts, finished.trial_bytes),
    );
    let document = RunDocument {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        method: request.method,
        base: request.base,
        protocol: request.protocol,
        published: PublishedProtocol::of(request, &settings.published),
        seed: request.seed,
        storage: request.storage,
        tables: request.tables,
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
        method_bytes,
        budget_violations: finished.violations,
        held_bytes,
        total,
        peak_memory_bytes: peak_memory(),
        wall_seconds: finished.wall_seconds,
    };
    let ranks = Side::BOTH.into_iter().flat_map(|side| ranked_sizes(recommender, side));
    let trace = Trace {
        ranks: ranks.collect(),
        growth: Followed::of(stream).growth(stream, &finished.followed),
        steps: finished.steps,
    };
    Ok(RunResult { document, sizes: SizeCounts::of(sizes(Side::User), sizes(Side::Item)), trace })
}
