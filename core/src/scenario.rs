//! One small run, end to end, that every machine computes with the same bits.
//!
//! A synthetic stream is answered and learned event by event; at the end of each segment a small policy,
//! trained as it goes, chooses the sizes, and the rows are repacked. Firmware and host run it from the same
//! seed and compare their [`Report`]s. All memory of a [`Scenario`] together stays below 64 KiB.

use core::fmt;

use crate::Side;
use crate::arena::{ArenaMemory, boundaries_len};
use crate::digest::Digest;
use crate::policy::{Sac, SacConfig, SacMemory, SacShape};
use crate::random::Generator;
use crate::recommender::{
    Recommender, RecommenderConfig, RecommenderMemory, Scored, class_ends_len, seen_len,
};
use crate::segment::{ActionSpace, Decider, LoopSettings, ResizeSettings, SegmentLoop};
use crate::side::PerSide;
use crate::sizes::{Bounds, Distribution, SizeSettings, counts_len};
use crate::state::StateConfig;
use crate::stream::{CrowdMemory, SyntheticConfig, SyntheticStream, rows_len};

/// The seed of the run that machines compare.
pub const SEED: u64 = 42;

const USERS: usize = 48;
const ITEMS: usize = 256;
const EVENTS: u32 = 8_000;
const SEGMENT: u32 = 400;
/// How many recommendations an event is looked for in before it is learned.
const ANSWERS: usize = 20;
/// Parameters of all rows, eight for each entity in the end.
const PARAMETERS: usize = 8 * (USERS + ITEMS);
/// Rows of both cold starts and of newcomers.
const FIRST_SIZES: PerSide<u32> = PerSide::new(4, 5);
/// What a segment's sizes leave for newcomers, in parts of the budget.
const RESERVE: u32 = 16;
const LARGEST: u32 = 32;
const REMEMBERED_PAIRS: usize = 1_024;
const STATE: StateConfig = StateConfig { groups: 8, width: 0, min_size: 1, max_size: LARGEST };
const BOUNDS: Bounds = Bounds { min: 1, max: LARGEST };
const SETTINGS: LoopSettings = LoopSettings {
    resize: ResizeSettings {
        sizes: SizeSettings { distribution: Distribution::PowerLaw, bounds: PerSide::new(BOUNDS, BOUNDS) },
        draw: false,
        hysteresis: true,
    },
    half_life: 1.0,
    reserve: RESERVE,
};
const POLICY: SacConfig = SacConfig {
    shape: SacShape { state: STATE.len() as u32, hidden: 7, batch: 4, capacity: 16 },
    updates_per_step: 8,
    ..SacConfig::compact(STATE.len() as u32)
};

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Interactions learned.
    pub interactions: u32,
    /// Segments closed.
    pub segments: u32,
    /// Users and items known at the end.
    pub entities: u32,
    /// Parameters in use at the end.
    pub parameters_used: u32,
    /// Parameters allowed.
    pub budget_parameters: u32,
    /// How many size changes left the model over its budget.
    pub budget_violations: u32,
    /// Interactions whose item was among the twenty recommended just before.
    pub hits: u32,
    /// Interactions that could have been such hits: their item was known, and new to the user.
    pub tests: u32,
    /// The [`Digest`] of all rows and of the policy's networks at the end.
    pub digest: u64,
}

/// A part refused; the run's own constants are at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScenarioError {
    /// The stream of events.
    Stream,
    /// The recommender.
    Recommender,
    /// The policy.
    Policy,
    /// The decision of a segment.
    Segment,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stream => "the stream refused the scenario",
            Self::Recommender => "the recommender refused the scenario",
            Self::Policy => "the policy refused the scenario",
            Self::Segment => "the loop over segments refused the scenario",
        })
    }
}

impl core::error::Error for ScenarioError {}

/// The memory of a run; all zero, so a `static` of it takes no room in flash.
#[derive(Clone, Debug)]
pub struct Scenario {
    stream: StreamMemory,
    model: ModelMemory,
    policy: PolicyMemory,
    decision: DecisionMemory,
}

#[derive(Clone, Debug)]
struct StreamMemory {
    user_rows: [f32; rows_len(USERS)],
    item_rows: [f32; rows_len(ITEMS)],
    user_ranks: [u32; USERS],
    item_ranks: [u32; ITEMS],
    recent: [u32; REMEMBERED_PAIRS],
}

#[derive(Clone, Debug)]
struct ModelMemory {
    values: [f32; PARAMETERS],
    user_boundaries: [u32; boundaries_len(USERS)],
    item_boundaries: [u32; boundaries_len(ITEMS)],
    user_accumulators: [f32; USERS],
    item_accumulators: [f32; ITEMS],
    user_frequencies: [f32; USERS],
    item_frequencies: [f32; ITEMS],
    user_words: [u32; USERS],
    item_words: [u32; ITEMS],
    class_ends: [u32; class_ends_len(ITEMS, LARGEST as usize)],
    user_mean: [f32; LARGEST as usize],
    item_mean: [f32; LARGEST as usize],
    seen: [u32; seen_len(REMEMBERED_PAIRS)],
}

#[derive(Clone, Debug)]
struct PolicyMemory {
    networks: [f32; POLICY.shape.networks_len()],
    replay: [f32; POLICY.shape.replay_len()],
    scratch: [f32; POLICY.shape.scratch_len()],
}

#[derive(Clone, Debug)]
struct DecisionMemory {
    user_counts: [u32; counts_len(LARGEST)],
    item_counts: [u32; counts_len(LARGEST)],
    states: [f32; Decider::states_len(&STATE)],
}

impl Scenario {
    /// Memory for one run.
    pub const fn new() -> Self {
        Self {
            stream: StreamMemory {
                user_rows: [0.0; _],
                item_rows: [0.0; _],
                user_ranks: [0; _],
                item_ranks: [0; _],
                recent: [0; _],
            },
            model: ModelMemory {
                values: [0.0; _],
                user_boundaries: [0; _],
                item_boundaries: [0; _],
                user_accumulators: [0.0; _],
                item_accumulators: [0.0; _],
                user_frequencies: [0.0; _],
                item_frequencies: [0.0; _],
                user_words: [0; _],
                item_words: [0; _],
                class_ends: [0; _],
                user_mean: [0.0; _],
                item_mean: [0.0; _],
                seen: [0; _],
            },
            policy: PolicyMemory { networks: [0.0; _], replay: [0.0; _], scratch: [0.0; _] },
            decision: DecisionMemory { user_counts: [0; _], item_counts: [0; _], states: [0.0; _] },
        }
    }

    /// Runs from the start, whatever was in the memory.
    ///
    /// # Errors
    /// None with the constants as they are; a part that refused otherwise.
    pub fn run(&mut self, seed: u64) -> Result<Report, ScenarioError> {
        let Self { stream, model, policy, decision } = self;
        let stream = stream.start(seed)?;
        let mut run = Run {
            segments: decision.start(model.start(seed)?, policy.start(seed)?, seed)?,
            segment: Answers::default(),
            all: Answers::default(),
            usual_recall: 0.0,
            report: Report { budget_parameters: PARAMETERS as u32, ..Report::default() },
        };
        for event in stream {
            run.answer(event.user, event.item);
            run.segments.observe(event.user, event.item).map_err(|_| ScenarioError::Recommender)?;
            run.report.interactions += 1;
            if run.report.interactions.is_multiple_of(SEGMENT) {
                run.close_segment()?;
            }
        }
        Ok(run.finish())
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Self::new()
    }
}

impl StreamMemory {
    fn start(&mut self, seed: u64) -> Result<SyntheticStream<'_>, ScenarioError> {
        let config = SyntheticConfig { events: EVENTS, candidates: 10, ..SyntheticConfig::default() };
        let users = CrowdMemory { rows: &mut self.user_rows, ranks: &mut self.user_ranks };
        let items = CrowdMemory { rows: &mut self.item_rows, ranks: &mut self.item_ranks };
        SyntheticStream::new(seed, config, users, items, &mut self.recent).map_err(|_| ScenarioError::Stream)
    }
}

impl ModelMemory {
    fn start(&mut self, seed: u64) -> Result<Recommender<'_>, ScenarioError> {
        let config = RecommenderConfig::default().validate().map_err(|_| ScenarioError::Recommender)?;
        let memory = RecommenderMemory {
            arena: ArenaMemory {
                values: &mut self.values,
                user_boundaries: &mut self.user_boundaries,
                item_boundaries: &mut self.item_boundaries,
            },
            accumulators: PerSide::new(&mut self.user_accumulators, &mut self.item_accumulators),
            frequencies: PerSide::new(&mut self.user_frequencies, &mut self.item_frequencies),
            words: PerSide::new(&mut self.user_words, &mut self.item_words),
            class_ends: &mut self.class_ends,
            means: PerSide::new(&mut self.user_mean, &mut self.item_mean),
            seen: &mut self.seen,
        };
        Recommender::new(memory, config, FIRST_SIZES, PARAMETERS as u32, seed)
            .map_err(|_| ScenarioError::Recommender)
    }
}

/// Streams of the seed.
const POLICY_STREAM: u64 = 0x706f_6c69;
const SIZE_STREAM: u64 = 0x7369_7a65;

impl PolicyMemory {
    fn start(&mut self, seed: u64) -> Result<Sac<'_>, ScenarioError> {
        let config = POLICY.validate().map_err(|_| ScenarioError::Policy)?;
        let memory =
            SacMemory { networks: &mut self.networks, replay: &mut self.replay, scratch: &mut self.scratch };
        Sac::new(&config, memory, Generator::stream(seed, POLICY_STREAM)).map_err(|_| ScenarioError::Policy)
    }
}

impl DecisionMemory {
    fn start<'a>(
        &'a mut self,
        recommender: Recommender<'a>,
        policy: Sac<'a>,
        seed: u64,
    ) -> Result<SegmentLoop<'a>, ScenarioError> {
        let Self { user_counts, item_counts, states } = self;
        let decider = Decider::new(policy, STATE, ActionSpace::BALANCED, Distribution::PowerLaw, states)
            .map_err(|_| ScenarioError::Segment)?;
        let counts = PerSide::new(&mut user_counts[..], &mut item_counts[..]);
        Ok(SegmentLoop::new(recommender, decider, SETTINGS, counts, Generator::stream(seed, SIZE_STREAM)))
    }
}

/// How recommendations fared.
#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    hits: u32,
    tests: u32,
}

/// A run on its way.
struct Run<'a> {
    segments: SegmentLoop<'a>,
    segment: Answers,
    all: Answers,
    usual_recall: f32,
    report: Report,
}

impl Run<'_> {
    /// Recommends before an event is learned. It counts if its item is known, and new to the user.
    fn answer(&mut self, user: u32, item: u32) {
        let recommender = self.segments.recommender();
        if item >= recommender.arena().count(Side::Item) || recommender.seen().contains(user, item) {
            return;
        }
        let mut best = [Scored { item: 0, score: 0.0 }; ANSWERS];
        let count = self.segments.recommend(user, &mut best);
        self.segment.hits += u32::from(best.iter().take(count).any(|scored| scored.item == item));
        self.segment.tests += 1;
    }

    fn close_segment(&mut self) -> Result<(), ScenarioError> {
        let Answers { hits, tests } = core::mem::take(&mut self.segment);
        self.all = Answers { hits: self.all.hits + hits, tests: self.all.tests + tests };
        let recall = if tests > 0 { hits as f32 / tests as f32 } else { 0.0 };
        let reward = 10.0 * (recall - self.usual_recall);
        self.usual_recall += 0.25 * (recall - self.usual_recall);

        let segments = &mut self.segments;
        segments.close_segment().map_err(|_| ScenarioError::Segment)?;
        segments.reward(reward).map_err(|_| ScenarioError::Segment)?;
        let positions = segments.propose(true).map_err(|_| ScenarioError::Segment)?;
        segments.apply(positions).map_err(|_| ScenarioError::Segment)?;

        let arena = segments.recommender().arena();
        self.report.budget_violations += u32::from(arena.used() > arena.budget());
        Ok(())
    }

    fn finish(self) -> Report {
        let arena = self.segments.recommender().arena();
        let mut digest = Digest::new();
        for side in Side::BOTH {
            digest.word(arena.count(side));
            digest.floats(arena.cold_row(side));
            for id in 0..arena.count(side) {
                digest.word(arena.size(side, id));
                digest.floats(arena.row(side, id));
            }
        }
        digest.floats(self.segments.decider().policy().networks());
        Report {
            segments: self.segments.segments(),
            entities: arena.count(Side::User) + arena.count(Side::Item),
            parameters_used: arena.used(),
            hits: self.all.hits,
            tests: self.all.tests,
            digest: digest.value(),
            ..self.report
        }
    }
}

#[cfg(test)]
mod tests;
