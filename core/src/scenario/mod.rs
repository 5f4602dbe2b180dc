//! One small run, end to end, that every machine computes with the same bits.
//!
//! A stream in which users and items come and go, more of them than there is room for, is answered and
//! learned event by event; the rarest make way for newcomers. At the end of each segment a policy chooses the
//! sizes, and the rows are repacked. Firmware and host run it from the same seed and compare their
//! [`Report`]s. All memory of a [`Scenario`] together, with a stack, stays below 64 KiB.
//!
//! The policy is one that a host has trained ([`Stored`]), or one that learns as it goes ([`Training`]). Its
//! reward is progressive: how good the recommendations of a segment were, each made before its event was
//! learned, against how good they usually are.

mod figures;
mod memory;
mod policy;
#[cfg(test)]
mod tests;

use core::fmt;

pub use figures::{Figures, Spent};
pub use policy::{PolicyMemory, STORED_POLICY, Stored, Training};

use self::memory::{DecisionMemory, IdMemory, ModelMemory};
use crate::Side;
use crate::device::Device;
use crate::digest::Digest;
use crate::policy::Policy;
use crate::recommender::Scored;
use crate::segment::{LoopSettings, ResizeSettings};
use crate::side::PerSide;
use crate::sizes::{Bounds, Distribution, SizeSettings};
use crate::state::StateConfig;
use crate::stream::{Event, TurnoverConfig, TurnoverStream};

/// The seed of the run that machines compare.
pub const SEED: u64 = 42;
/// Users that there is room for.
pub const USERS: usize = 64;
/// Items that there is room for.
pub const ITEMS: usize = 512;
/// Parameters of all rows: eight for each entity.
pub const PARAMETERS: usize = 8 * (USERS + ITEMS);
/// Events between two decisions.
pub const SEGMENT: u32 = 500;

/// Elements that a slice of a repack moves or sets.
pub const SLICE: u32 = 256;

/// A third more users, and half as many items again, as there is room for.
const STREAM: TurnoverConfig = TurnoverConfig {
    events: 20_000,
    entities: PerSide::new(USERS as u32 * 4 / 3, ITEMS as u32 * 3 / 2),
    flatness: PerSide::new(6.0, 10.0),
    candidates: 10,
    taste: 8.0,
};
/// How many recommendations an event is looked for in before it is learned.
const ANSWERS: usize = 20;
/// And how many of them are a short list.
const SHORT_LIST: usize = 10;
/// Rows of both cold starts and of newcomers.
const FIRST_SIZES: PerSide<u32> = PerSide::new(4, 5);
/// What a segment's sizes leave for newcomers, in parts of the budget.
const RESERVE: u32 = 16;
const LARGEST: u32 = 32;
const SEEN_PAIRS: usize = 1_024;
const STREAM_PAIRS: usize = 512;
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

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Interactions learned.
    pub interactions: u32,
    /// Segments closed.
    pub segments: u32,
    /// Users and items known at the end.
    pub entities: u32,
    /// Users and items that made way for others.
    pub evicted: u32,
    /// Parameters in use at the end.
    pub parameters_used: u32,
    /// Parameters allowed.
    pub budget_parameters: u32,
    /// How many steps of size changes left the model over its budget.
    pub budget_violations: u32,
    /// Interactions whose item was among the twenty recommended just before.
    pub hits: u32,
    /// Interactions whose item was among the first ten of them.
    pub short_list_hits: u32,
    /// Interactions that could have been such hits: their item was known, and new to the user.
    pub tests: u32,
    /// The [`Digest`] of all ids and rows, and of the policy, at the end.
    pub digest: u64,
}

/// A part refused; the run's own constants are at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScenarioError {
    /// The recommender.
    Recommender,
    /// The policy.
    Policy,
    /// The decision of a segment.
    Segment,
    /// The tables of ids.
    Ids,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recommender => "the recommender refused the scenario",
            Self::Policy => "the policy refused the scenario",
            Self::Segment => "the loop over segments refused the scenario",
            Self::Ids => "the tables of ids refused the scenario",
        })
    }
}

impl core::error::Error for ScenarioError {}

/// The memory of a run; all zero, so a `static` of it takes no room in flash.
#[derive(Clone, Debug)]
pub struct Scenario<M = Stored> {
    stream: [u32; STREAM_PAIRS],
    parts: Parts<M>,
}

#[derive(Clone, Debug)]
struct Parts<M> {
    model: ModelMemory,
    ids: IdMemory,
    decision: DecisionMemory,
    policy: M,
}

impl<M: PolicyMemory> Scenario<M> {
    /// Memory for one run.
    pub const fn new() -> Self {
        Self {
            stream: [0; _],
            parts: Parts {
                model: ModelMemory::new(),
                ids: IdMemory::new(),
                decision: DecisionMemory::new(),
                policy: M::ZERO,
            },
        }
    }

    /// Runs over the stream of `seed` from the start, whatever was in the memory.
    ///
    /// # Errors
    /// None with the constants as they are; a part that refused otherwise.
    pub fn run(&mut self, seed: u64) -> Result<Report, ScenarioError> {
        let Self { stream, parts } = self;
        Ok(parts.run(seed, TurnoverStream::new(seed, STREAM, stream), || 0)?.finish(M::digest))
    }

    /// The same, timed by `clock`, which counts ticks upwards and may wrap around.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn measure(&mut self, seed: u64, clock: impl FnMut() -> u32) -> Result<Figures, ScenarioError> {
        let Self { stream, parts } = self;
        Ok(parts.run(seed, TurnoverStream::new(seed, STREAM, stream), clock)?.figures)
    }

    /// The same over events from elsewhere, with ids of any 32 bits.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn replay(
        &mut self,
        seed: u64,
        events: impl Iterator<Item = Event>,
    ) -> Result<Report, ScenarioError> {
        Ok(self.parts.run(seed, events, || 0)?.finish(M::digest))
    }
}

impl Scenario<Training> {
    /// Runs over the stream of `seed`, and writes the policy that came of it to the front of `output`, for a
    /// [`PolicyFile`](crate::segment::PolicyFile) to read. Returns its length.
    ///
    /// # Errors
    /// As [`run`](Self::run), and for an output that does not hold it.
    pub fn train(&mut self, seed: u64, output: &mut [u8]) -> Result<usize, ScenarioError> {
        let Self { stream, parts } = self;
        let run = parts.run(seed, TurnoverStream::new(seed, STREAM, stream), || 0)?;
        run.device.segments().decider().export(output).map_err(|_| ScenarioError::Policy)
    }
}

impl<M: PolicyMemory> Default for Scenario<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: PolicyMemory> Parts<M> {
    /// Takes all events.
    fn run<C: FnMut() -> u32>(
        &mut self,
        seed: u64,
        events: impl Iterator<Item = Event>,
        clock: C,
    ) -> Result<Run<'_, M::Policy<'_>, C>, ScenarioError> {
        let Self { model, ids, decision, policy } = self;
        let DecisionMemory { counts, states } = decision;
        let decider = policy.start(seed, states)?;
        let segments = counts.start(model.start(seed)?, decider, seed);
        let device = Device::new(segments, ids.start()?).map_err(|_| ScenarioError::Ids)?;
        let mut run = Run {
            device,
            segment: Answers::default(),
            all: Answers::default(),
            usual_recall: 0.0,
            clock,
            figures: Figures::default(),
            report: Report { budget_parameters: PARAMETERS as u32, ..Report::default() },
        };
        for event in events {
            run.answer(event);
            run.go_on()?;
            run.learn(event)?;
            if run.report.interactions.is_multiple_of(SEGMENT) {
                run.close_segment()?;
            }
        }
        while run.device.segments().is_busy() {
            run.go_on()?;
        }
        Ok(run)
    }
}

/// How recommendations fared.
#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    hits: u32,
    short_list_hits: u32,
    tests: u32,
}

/// A run on its way.
struct Run<'a, P, C> {
    device: Device<'a, f32, P>,
    segment: Answers,
    all: Answers,
    usual_recall: f32,
    clock: C,
    figures: Figures,
    report: Report,
}

impl<P: Policy, C: FnMut() -> u32> Run<'_, P, C> {
    /// Recommends before an event is learned. It counts if its item is known, and new to the user.
    fn answer(&mut self, Event { user, item }: Event) {
        if self.device.ids(Side::Item).slot(item).is_none() || self.device.has_seen(user, item) {
            return;
        }
        let mut best = [Scored::NONE; ANSWERS];
        let before = (self.clock)();
        let count = self.device.recommend(user, &mut best);
        let ticks = (self.clock)().wrapping_sub(before);
        let busy = self.device.segments().is_busy();
        let Figures { recommend, recommend_meanwhile, .. } = &mut self.figures;
        if busy { recommend_meanwhile } else { recommend }.add(ticks);
        let place = best.iter().take(count).position(|scored| scored.item == item);
        self.segment.hits += u32::from(place.is_some());
        self.segment.short_list_hits += u32::from(place.is_some_and(|place| place < SHORT_LIST));
        self.segment.tests += 1;
    }

    fn close_segment(&mut self) -> Result<(), ScenarioError> {
        let Answers { hits, short_list_hits, tests } = core::mem::take(&mut self.segment);
        self.all.hits += hits;
        self.all.short_list_hits += short_list_hits;
        self.all.tests += tests;
        let recall = if tests > 0 { hits as f32 / tests as f32 } else { 0.0 };
        let reward = 10.0 * (recall - self.usual_recall);
        self.usual_recall += 0.25 * (recall - self.usual_recall);

        let segments = self.device.segments_mut();
        let mut ticks = [0; 4];
        ticks[0] = (self.clock)();
        segments.close_segment().map_err(|_| ScenarioError::Segment)?;
        ticks[1] = (self.clock)();
        segments.reward(reward).map_err(|_| ScenarioError::Segment)?;
        ticks[2] = (self.clock)();
        let positions = segments.propose(true).map_err(|_| ScenarioError::Segment)?;
        ticks[3] = (self.clock)();
        segments.begin_apply(positions).map_err(|_| ScenarioError::Segment)?;
        let Figures { close, reward, propose, .. } = &mut self.figures;
        let [start, closed, rewarded, proposed] = ticks;
        close.add(closed.wrapping_sub(start));
        reward.add(rewarded.wrapping_sub(closed));
        propose.add(proposed.wrapping_sub(rewarded));
        Ok(())
    }

    fn learn(&mut self, Event { user, item }: Event) -> Result<(), ScenarioError> {
        let before = (self.clock)();
        let observed = self.device.observe(user, item).map_err(|_| ScenarioError::Recommender)?;
        let ticks = (self.clock)().wrapping_sub(before);
        let Figures { learn, welcome, .. } = &mut self.figures;
        if observed.new_user || observed.new_item { welcome } else { learn }.add(ticks);
        self.report.interactions += 1;
        Ok(())
    }

    /// Goes on with a decision, between one event and the next.
    fn go_on(&mut self) -> Result<(), ScenarioError> {
        if self.device.segments().is_busy() {
            let before = (self.clock)();
            self.device.segments_mut().poll(SLICE).map_err(|_| ScenarioError::Segment)?;
            self.figures.decide.add((self.clock)().wrapping_sub(before));
            let arena = self.device.recommender().arena();
            self.report.budget_violations += u32::from(arena.used() > arena.budget());
        }
        Ok(())
    }

    /// What it came to; `of_policy` takes the policy's numbers in.
    fn finish(self, of_policy: impl FnOnce(&P, &mut Digest)) -> Report {
        let arena = self.device.recommender().arena();
        let mut digest = Digest::new();
        for side in Side::BOTH {
            digest.word(arena.count(side));
            digest.floats(arena.cold_row(side));
            for slot in 0..arena.count(side) {
                digest.word(self.device.ids(side).id(slot).unwrap_or(0));
                digest.word(arena.size(side, slot));
                digest.floats(arena.row(side, slot));
            }
        }
        of_policy(self.device.segments().decider().policy(), &mut digest);
        Report {
            segments: self.device.segments().segments(),
            entities: arena.count(Side::User) + arena.count(Side::Item),
            evicted: self.device.evicted(Side::User) + self.device.evicted(Side::Item),
            parameters_used: arena.used(),
            hits: self.all.hits,
            short_list_hits: self.all.short_list_hits,
            tests: self.all.tests,
            digest: digest.value(),
            ..self.report
        }
    }
}
