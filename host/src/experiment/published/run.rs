//! The published protocol from the first segment to the last.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::lesson::Lesson;
use super::model;
use super::rehearsal::Rehearsal;
use super::rows::Rows;
use super::segments::{GrowthSegment, growth_segments};
use super::training::Training;
use crate::experiment::RunRequest;
use crate::experiment::checkpoint::{Checkpoint, Finished, Pending};
use crate::experiment::history::History;
use crate::experiment::methods::SizingMethod;
use crate::experiment::protocol::{Counts, Segment};
use crate::experiment::run::{Held, conclude};
use crate::experiment::runner::{Experiment, purpose};
use crate::experiment::settings::Settings;
use crate::experiment::trace::Followed;
use crate::progress::{Progress, Stage};
use crate::report::{self, RunResult};
use crate::stream::Stream;

/// A search that is under way is saved when this much time has passed.
const SAVED_EVERY: Duration = if cfg!(test) { Duration::ZERO } else { Duration::from_secs(20) };

/// Runs a method that was `started`, from where it was stopped if that is asked for.
///
/// # Errors
/// If the stream cannot be cut, the budget cannot be kept, or the state cannot be saved or restored.
pub fn run(
    request: &RunRequest,
    settings: &Settings,
    stream: &Stream,
    method: &mut dyn SizingMethod,
    started: Instant,
    progress: &Progress,
) -> Result<RunResult> {
    let growth = growth_segments(stream, request.published.new_entities, request.seed)
        .with_context(|| stream.name.clone())?;
    let history = History::new(stream);
    let segments: Vec<Segment> = growth.iter().map(|growth| growth.segment.clone()).collect();
    let experiment =
        Experiment { request, settings, stream, history: &history, segments: &segments, share: None };
    for segment in &segments {
        experiment.budget(segment.known)?;
    }
    let checkpoint = Checkpoint::of(&experiment);
    let (mut finished, mut rows) = (Finished::default(), Rows::default());
    if request.resume
        && let Some(checkpoint) = &checkpoint
    {
        finished = checkpoint.load(&mut rows, method)?.unwrap_or_default();
    }
    let lesson = |growth| Lesson::new(stream, growth, request.published.selection, request.seed);
    let mut last = finished.segments.last().and_then(|last| growth.get(last.index)).map(lesson);
    let followed = Followed::of(stream);
    let earlier_seconds = finished.wall_seconds;
    let stage =
        progress.stage(format!("{} {}", request.method, request.budget.as_str()), segments.len() as u64);
    stage.advance(finished.segments.len() as u64);
    for growth in growth.iter().skip(finished.segments.len()) {
        let mut one = Progression {
            experiment: &experiment,
            checkpoint: checkpoint.as_ref(),
            followed: &followed,
            finished: &mut finished,
        };
        if let Some(last) = &last {
            stage.say("searching");
            one.rehearse(last, &rows, method)?;
        }
        let lesson = lesson(growth);
        rows = one.segment(&lesson, &rows, method, &stage)?;
        finished.steps.extend(method.take_steps());
        finished.trial_bytes = finished.trial_bytes.max(method.trial_bytes());
        finished.wall_seconds = earlier_seconds + started.elapsed().as_secs_f64();
        if let Some(checkpoint) = &checkpoint {
            checkpoint.save(&finished, &rows, method)?;
        }
        last = Some(lesson);
        stage.advance(1);
    }
    drop(stage);
    let last = last.context("a stream has segments")?;
    let mut memory = model::memory(&experiment, &last)?;
    let held = Held {
        parameters: experiment.allowance(last.known())?,
        bytes: memory.bytes(),
        own_bytes: memory.own_bytes(),
    };
    let ended = model::model(&experiment, &last, &rows, &mut *memory, request.seed)?;
    conclude(&experiment, finished, &*ended, held, method.bytes())
}

/// A run between two segments.
struct Progression<'p> {
    experiment: &'p Experiment<'p>,
    checkpoint: Option<&'p Checkpoint>,
    followed: &'p Followed,
    finished: &'p mut Finished,
}

impl Progression<'_> {
    /// Lets the method search on the segment that is over.
    fn rehearse(&mut self, lesson: &Lesson<'_>, rows: &Rows, method: &mut dyn SizingMethod) -> Result<()> {
        let Self { experiment, checkpoint, finished, .. } = self;
        let (started, mut saved) = (Instant::now(), Instant::now());
        let details = finished.segments.last().and_then(|last| last.published);
        let (steps, seconds) = (finished.pending.policy_steps, finished.pending.seconds);
        let elapsed = || seconds + started.elapsed().as_secs_f64();
        let mut save = |method: &dyn SizingMethod, policy_steps, violations| -> Result<()> {
            let Some(checkpoint) = checkpoint.filter(|_| saved.elapsed() >= SAVED_EVERY) else {
                return Ok(());
            };
            let pending = Pending { policy_steps, seconds: elapsed() };
            let violations = finished.violations + violations;
            checkpoint.save(&Finished { pending, violations, ..finished.clone() }, rows, method)?;
            saved = Instant::now();
            Ok(())
        };
        let mut rehearsal = Rehearsal {
            experiment,
            lesson,
            rows,
            baseline: details.map_or(0.0, |details| details.first_fitness),
            steps,
            violations: 0,
            pause: &mut save,
        };
        method.rehearse(&mut rehearsal)?;
        let (policy_steps, violations) = (rehearsal.steps, rehearsal.violations);
        finished.violations += violations;
        finished.pending = Pending { policy_steps, seconds: elapsed() };
        match checkpoint.filter(|_| policy_steps > steps) {
            Some(checkpoint) => checkpoint.save(finished, rows, method),
            None => Ok(()),
        }
    }

    /// Decides the sizes of a segment, trains to convergence and reports; returns the rows that it ends with.
    fn segment(
        &mut self,
        lesson: &Lesson<'_>,
        before: &Rows,
        method: &mut dyn SizingMethod,
        stage: &Stage,
    ) -> Result<Rows> {
        let Self { experiment, followed, finished, .. } = self;
        let (request, GrowthSegment { segment, replay }) = (experiment.request, lesson.growth());
        stage.say("sizes");
        let started = Instant::now();
        let mut memory = model::memory(experiment, lesson)?;
        let mut generator = experiment.generator(purpose::ORDER, segment);
        let seed = u64::from(generator.next_u32());
        let mut model = model::model(experiment, lesson, before, &mut *memory, seed)?;
        let decided = method.decide(experiment, segment, &mut *model, &mut finished.violations)?;
        let over = model::begin(experiment, lesson, &decided, before, &mut *model, &mut generator)?;
        finished.violations += u64::from(over);
        let Pending { policy_steps, seconds } = std::mem::take(&mut finished.pending);
        let search_seconds = seconds + started.elapsed().as_secs_f64();

        stage.say("learning");
        let started = Instant::now();
        let budget = experiment.budget(segment.known)?;
        let used = model.used();
        finished.followed.push(followed.sizes(&*model));
        let trained = Training::new(
            request.base,
            experiment.settings.lightgcn.settings,
            lesson,
            &mut *model,
            generator,
        )
        .converge()?;
        let earlier = segment.index.checked_sub(1).and_then(|last| experiment.segments.get(last));
        let earlier = earlier.map_or(Counts::default(), |earlier| earlier.known);
        finished.segments.push(report::Segment {
            index: segment.index,
            users: segment.known.users.into(),
            items: segment.known.items.into(),
            new_users: (segment.known.users - earlier.users).into(),
            new_items: (segment.known.items - earlier.items).into(),
            train: segment.train.len() as u64,
            test: segment.test.len() as u64,
            tested_users: trained.evaluation.tested_users.into(),
            budget_parameters: budget.into(),
            parameters_used: used.into(),
            working_memory_bytes: trained.working_memory_bytes,
            bytes_used: u64::from(used) * u64::from(request.storage.bytes()),
            held: None,
            saturated: None,
            action: decided.action,
            quality: trained.evaluation.quality,
            published: Some(report::PublishedSegment {
                replayed: replay.len() as u64,
                train_steps: trained.steps.into(),
                policy_steps,
                first_fitness: trained.first_fitness,
            }),
            search_seconds,
            train_seconds: started.elapsed().as_secs_f64() - trained.test_seconds,
            test_seconds: trained.test_seconds,
        });
        Ok(trained.rows)
    }
}

#[cfg(test)]
mod tests;
