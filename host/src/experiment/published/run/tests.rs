use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::experiment::model::Model;
use anyhow::bail;
use rayon::ThreadPoolBuilder;
use scall_core::segment::SizeRule;

use super::*;
use crate::experiment::checkpoint;
use crate::experiment::methods::published::Environment;
use crate::experiment::methods::{Decided, PolicyMemory, Setup};
use crate::experiment::testing::stream as stream_of;
use crate::experiment::{Base, Method, Protocol, PublishedOptions, Search, Selection};
use crate::report::RunDocument;
use crate::snapshot;
use scall_core::random::Generator;

/// Some users and items that come often, and others that arrive over time.
fn stream() -> Stream {
    let mut generator = Generator::new(11);
    let (mut users, mut items) = (0_u32, 0_u32);
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    while pairs.len() < 900 {
        let now = pairs.len() as u32;
        let mut draw = |known: &mut u32, every: u32| {
            let id = generator.below(5 + now / every).min(generator.below(5 + now / every)).min(*known);
            *known = (*known).max(id + 1);
            id
        };
        let pair = (draw(&mut users, 20), draw(&mut items, 8));
        if !pairs.contains(&pair) || now > 850 {
            pairs.push(pair);
        }
    }
    stream_of(&pairs)
}

fn request(base: Base, method: Method, budget: &str) -> RunRequest {
    RunRequest {
        method,
        base,
        search: Search::Published,
        budget: budget.parse().unwrap(),
        protocol: Protocol::Published,
        published: PublishedOptions {
            new_entities: 40,
            policy_steps: Some(1),
            ..PublishedOptions::default()
        },
        seed: 4,
        ..RunRequest::default()
    }
}

/// Batches and blocks that are small enough for a test.
fn settings(request: &RunRequest) -> Settings {
    let mut settings = Settings::of(request);
    settings.lightgcn.settings.batch = 60;
    settings.lightgcn.settings.block = 4;
    settings
}

/// Runs as the program does, with the method that is asked for.
fn run_request(request: &RunRequest) -> RunDocument {
    let settings = settings(request);
    let work = || {
        let mut policy = PolicyMemory::default();
        let setup = Setup { request, settings: &settings, policy: &mut policy };
        let mut method = (request.method.card().make)(setup)?;
        run(request, &settings, &stream(), &mut *method, Instant::now(), &Progress::silent())
    };
    with_threads(1, work).unwrap()
}

fn run_method(request: &RunRequest, method: &mut Drawn) -> Result<RunDocument> {
    checkpoint::prepare(request)?;
    with_threads(1, || {
        run(request, &settings(request), &stream(), method, Instant::now(), &Progress::silent())
    })
}

/// The document without times and memory. More threads than one wait longer for each other than such small
/// models take.
fn with_threads(threads: usize, work: impl FnOnce() -> Result<RunResult> + Send) -> Result<RunDocument> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
    let mut document = pool.install(work)?.document;
    (document.peak_memory_bytes, document.wall_seconds) = (0, 0.0);
    for segment in &mut document.segments {
        (segment.search_seconds, segment.train_seconds, segment.test_seconds) = (0.0, 0.0, 0.0);
    }
    Ok(document)
}

/// Where the plug is pulled.
#[derive(Clone, Copy, PartialEq)]
enum Stop {
    Nowhere,
    /// Before a step of the search, counted over the whole run.
    Step(u32),
    /// Before the sizes of a segment are decided.
    Decision(usize),
}

/// A method that searches without sense: its choices depend on all that came of its steps.
struct Drawn {
    generator: Generator,
    /// In this search, and before it.
    steps: (u32, u32),
    stop: Stop,
}

const STEPS: u32 = 2;

impl Drawn {
    fn new(stop: Stop) -> Self {
        Self { generator: Generator::new(9), steps: (0, 0), stop }
    }
}

impl SizingMethod for Drawn {
    fn rehearse(&mut self, environment: &mut dyn Environment) -> Result<()> {
        assert!(environment.baseline()? >= 0.0);
        assert!(environment.state().is_some());
        while self.steps.0 < STEPS {
            if self.stop == Stop::Step(self.steps.0 + self.steps.1) {
                bail!("pulled the plug");
            }
            let outcome = environment.step(&SizeRule::Frequency { power: self.generator.uniform() })?;
            for _ in 0..(outcome.quality * 1000.0) as u32 % 7 {
                self.generator.next_u32();
            }
            self.steps.0 += 1;
            environment.pause(self)?;
        }
        Ok(())
    }

    fn decide(
        &mut self,
        experiment: &Experiment<'_>,
        segment: &Segment,
        _recommender: &mut dyn Model,
        _violations: &mut u64,
    ) -> Result<Decided> {
        if self.stop == Stop::Decision(segment.index) {
            bail!("pulled the plug");
        }
        self.steps = (0, self.steps.0 + self.steps.1);
        let sizing = SizeRule::Frequency { power: self.generator.uniform() }.into();
        Ok(Decided { sizing, resize: experiment.settings.resize, action: None })
    }

    fn save(&self) -> Result<Vec<u8>> {
        let steps = [self.steps.0.to_le_bytes(), self.steps.1.to_le_bytes()].concat();
        Ok([&self.generator.state()[..], &steps].concat())
    }

    fn restore(&mut self, saved: &[u8]) -> Result<()> {
        let word = |at: usize| -> Result<u32> { Ok(u32::from_le_bytes(saved[at..at + 4].try_into()?)) };
        self.generator = Generator::from_state(saved[..16].try_into()?);
        self.steps = (word(16)?, word(20)?);
        Ok(())
    }
}

#[test]
fn a_mini_run_comes_to_the_kept_table() {
    let mut table =
        String::from("base method budget select | recall@20 ndcg@20 | of each segment: used steps\n");
    for base in [Base::Mf, Base::Lightgcn] {
        for (method, budget, selection) in [
            (Method::Uniform, "mean:4", Selection::Test),
            (Method::Frequency, "mean:2", Selection::Validation),
            (Method::Random, "2kB", Selection::Validation),
            (Method::Scall, "mean:6", Selection::Validation),
        ] {
            let mut request = request(base, method, budget);
            request.published.selection = selection;
            let document = run_request(&request);
            assert_eq!(document.budget_violations, 0);
            assert!(document.segments.len() > 3);
            let mut counts = String::new();
            for segment in &document.segments {
                assert!(segment.parameters_used <= segment.budget_parameters, "{segment:?}");
                let details = segment.published.unwrap();
                assert_eq!(
                    details.policy_steps,
                    if method == Method::Scall && segment.index > 0 { 1 } else { 0 }
                );
                write!(counts, " {} {},", segment.parameters_used, details.train_steps).unwrap();
            }
            let mean = document.mean;
            writeln!(
                table,
                "{base:?} {method} {budget} {selection:?} | {} {} |{counts}",
                mean.recall, mean.ndcg
            )
            .unwrap();
        }
    }
    snapshot::check("mini-published.txt", &table);
}

#[test]
fn the_whole_budget_is_used_where_rows_can_take_it() {
    for budget in ["mean:1", "mean:7", "mean:2.5", "4kB"] {
        for method in [Method::Uniform, Method::Frequency] {
            let document = run_request(&request(Base::Lightgcn, method, budget));
            for segment in &document.segments {
                assert_eq!(
                    segment.parameters_used, segment.budget_parameters,
                    "{budget} {method}: {segment:?}"
                );
            }
        }
    }
    // Half a parameter each: half of them have none.
    let document = run_request(&request(Base::Lightgcn, Method::Frequency, "mean:0.5"));
    assert_eq!(document.budget_violations, 0);
}

#[test]
fn the_result_does_not_depend_on_the_threads() {
    for base in [Base::Mf, Base::Lightgcn] {
        let request = request(base, Method::Scall, "mean:20");
        let settings = settings(&request);
        let with = |threads| {
            let mut method = Drawn::new(Stop::Nowhere);
            let work =
                || run(&request, &settings, &stream(), &mut method, Instant::now(), &Progress::silent());
            with_threads(threads, work).unwrap()
        };
        assert_eq!(with(1), with(3));
    }
}

#[test]
fn a_run_that_is_stopped_anywhere_goes_on_to_the_identical_result() {
    for base in [Base::Mf, Base::Lightgcn] {
        let place = |out: &Path, resume| {
            let out: Option<PathBuf> = Some(out.to_owned());
            RunRequest { out, resume, ..request(base, Method::Scall, "mean:3") }
        };
        let here = request(base, Method::Scall, "mean:3");
        let whole = run_method(&here, &mut Drawn::new(Stop::Nowhere)).unwrap();
        let searched = whole.segments.iter().map(|segment| segment.published.unwrap().policy_steps);
        assert!(searched.eq((0..whole.segments.len()).map(|index| if index > 0 { STEPS.into() } else { 0 })));
        for stop in [Stop::Decision(1), Stop::Step(1), Stop::Step(2), Stop::Decision(2), Stop::Step(5)] {
            let directory = tempfile::tempdir().unwrap();
            let stopped = run_method(&place(directory.path(), false), &mut Drawn::new(stop));
            assert_eq!(stopped.unwrap_err().to_string(), "pulled the plug");
            // A search is not begun anew: it would come to the place where it was stopped again.
            let again = Drawn::new(match stop {
                Stop::Step(step) => Stop::Step(step - 1),
                _ => Stop::Nowhere,
            });
            let resumed = run_method(&place(directory.path(), true), &mut { again }).unwrap();
            assert_eq!(resumed, whole);
            let nothing_left = run_method(&place(directory.path(), true), &mut Drawn::new(Stop::Decision(3)));
            assert_eq!(nothing_left.unwrap(), whole);
        }
        let directory = tempfile::tempdir().unwrap();
        run_method(&place(directory.path(), false), &mut Drawn::new(Stop::Nowhere)).unwrap();
        let mut other = place(directory.path(), true);
        other.published.new_entities = 45;
        let refused = format!("{:#}", run_method(&other, &mut Drawn::new(Stop::Nowhere)).unwrap_err());
        assert!(refused.contains("expected --new-entities 45, found 40"), "{refused}");
    }
}

#[test]
fn the_document_says_what_was_asked() {
    let mut request = request(Base::Mf, Method::Uniform, "mean:3");
    request.published.selection = Selection::Test;
    let document = run_request(&request);
    let published = document.published.unwrap();
    assert_eq!((published.new_entities, published.select), (40, Selection::Test));
    assert_eq!(published.reward_range, (0.9, 1.1));
    assert!(document.segments.iter().all(|segment| segment.action.is_none()));
}
