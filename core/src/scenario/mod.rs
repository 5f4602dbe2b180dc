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

#[cfg(test)]
mod adversaries;
mod figures;
mod keeper;
mod memory;
mod packed;
mod policy;
#[cfg(test)]
mod tests;

use core::fmt;

pub use figures::{Figures, Spent};
pub use keeper::{Keeper, RUN_SHAPE, max_snapshot_len};
pub use packed::{PACKED_SHAPE, Packed, packed_settings, packed_stream};
pub use policy::{PolicyMemory, STORED_POLICY, Stored, Training};

use self::memory::Memory;
use crate::Side;
use crate::device::{Device, DeviceShape};
use crate::digest::Digest;
use crate::element::Element;
use crate::policy::Policy;
use crate::recommender::Scored;
use crate::side::PerSide;
use crate::snapshot::Snapshot;
use crate::state::StateConfig;
use crate::stream::{Event, TurnoverConfig, TurnoverStream};
use crate::tables::{Full, Tables};

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

/// What decides how much memory the run takes.
pub const SHAPE: DeviceShape = DeviceShape {
    users: USERS as u32,
    items: ITEMS as u32,
    parameters: PARAMETERS as u32,
    largest: 32,
    seen_pairs: 1_024,
    groups: 8,
    // With the bias, one block of eight.
    hidden: 7,
};

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
/// Words that the [`stream`] of a run remembers its latest pairs in.
pub const STREAM_PAIRS: usize = 512;
const STATE: StateConfig = SHAPE.state();

/// The events of a run; `recent` has [`STREAM_PAIRS`] words.
pub fn stream(seed: u64, recent: &mut [u32]) -> TurnoverStream<'_> {
    TurnoverStream::new(seed, STREAM, recent)
}

/// What a run came to.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
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

/// A part refused; in a [`Scenario`] its own constants are at fault.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScenarioError {
    /// The recommender.
    Recommender,
    /// The policy.
    Policy,
    /// The decision of a segment.
    Segment,
    /// The keeper of a run's state.
    Keeper,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recommender => "the recommender refused the scenario",
            Self::Policy => "the policy refused the scenario",
            Self::Segment => "the loop over segments refused the scenario",
            Self::Keeper => "the state of the scenario could not be kept or restored",
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
    memory: Memory,
    states: [f32; SHAPE.states_len()],
    policy: M,
}

impl<M: PolicyMemory> Scenario<M> {
    /// Memory for one run.
    pub const fn new() -> Self {
        Self { stream: [0; _], parts: Parts { memory: Memory::new(), states: [0.0; _], policy: M::ZERO } }
    }

    /// Runs over the stream of `seed` from the start, whatever was in the memory.
    ///
    /// # Errors
    /// None with the constants as they are; a part that refused otherwise.
    pub fn run(&mut self, seed: u64) -> Result<Report, ScenarioError> {
        let Self { stream, parts } = self;
        Ok(parts.run(seed, self::stream(seed, stream), || 0, &mut ())?.finish(M::digest))
    }

    /// The same, kept after every decision. Goes on with what was kept before, if anything was, and comes to the
    /// same report as a run from the start.
    ///
    /// # Errors
    /// As [`run`](Self::run), and [`ScenarioError::Keeper`].
    pub fn run_kept(&mut self, seed: u64, keeper: &mut impl Keeper) -> Result<Report, ScenarioError> {
        let Self { stream, parts } = self;
        Ok(parts.run(seed, self::stream(seed, stream), || 0, keeper)?.finish(M::digest))
    }

    /// The same, timed by `clock`, which counts ticks upwards and may wrap around.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn measure(&mut self, seed: u64, clock: impl FnMut() -> u32) -> Result<Figures, ScenarioError> {
        let Self { stream, parts } = self;
        let mut run = parts.run(seed, self::stream(seed, stream), clock, &mut ())?;
        run.ask_for_all();
        Ok(run.figures)
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
        Ok(self.parts.run(seed, events, || 0, &mut ())?.finish(M::digest))
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
        let run = parts.run(seed, self::stream(seed, stream), || 0, &mut ())?;
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
        keeper: &mut impl Keeper,
    ) -> Result<Run<'_, M::Policy<'_>, C>, ScenarioError> {
        let Self { memory, states, policy } = self;
        let decider = policy.start(seed, states)?;
        let mut run = Run::new(memory.start(decider, seed)?, clock);
        run.take_kept(events, keeper)?;
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

/// A device at work on a stream: asked before it learns each event, and decided upon after every [`SEGMENT`]
/// events, with the progressive reward.
#[derive(Debug)]
pub struct Run<'a, P, C, E = f32, T: Tables = Full> {
    device: Device<'a, E, P, T>,
    segment: Answers,
    all: Answers,
    usual_recall: f32,
    clock: C,
    figures: Figures,
    report: Report,
}

impl<'a, E: Element, P: Policy + Snapshot, C: FnMut() -> u32, T: Tables> Run<'a, P, C, E, T> {
    /// A run at its beginning, timed by `clock`, which counts ticks upwards and may wrap around.
    pub fn new(device: Device<'a, E, P, T>, clock: C) -> Self {
        let budget_parameters = device.recommender().arena().budget();
        Self {
            device,
            segment: Answers::default(),
            all: Answers::default(),
            usual_recall: 0.0,
            clock,
            figures: Figures::default(),
            report: Report { budget_parameters, ..Report::default() },
        }
    }

    /// Takes all events, and ends the decision that is then under way.
    ///
    /// # Errors
    /// A part that refused, such as rows for which the budget has no room.
    pub fn take(&mut self, events: impl Iterator<Item = Event>) -> Result<(), ScenarioError> {
        self.take_kept(events, &mut ())
    }

    /// The same, kept after every decision. What was kept before, if anything was, is restored first, and its events
    /// are skipped.
    ///
    /// # Errors
    /// As [`take`](Self::take), and [`ScenarioError::Keeper`].
    pub fn take_kept(
        &mut self,
        events: impl Iterator<Item = Event>,
        keeper: &mut impl Keeper,
    ) -> Result<(), ScenarioError> {
        keeper.restore(self).map_err(|_| ScenarioError::Keeper)?;
        for event in events.skip(self.report.interactions as usize) {
            self.answer(event);
            let decided = self.go_on()?;
            self.learn(event)?;
            if self.report.interactions.is_multiple_of(SEGMENT) {
                self.close_segment()?;
            } else if decided {
                keeper.keep(self).map_err(|_| ScenarioError::Keeper)?;
            }
        }
        while self.device.segments().is_busy() {
            self.go_on()?;
        }
        Ok(())
    }

    /// The device.
    pub const fn device(&self) -> &Device<'a, E, P, T> {
        &self.device
    }

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

    /// Asks for a short list for every user.
    fn ask_for_all(&mut self) {
        for slot in 0..self.device.ids(Side::User).count() {
            let user = self.device.ids(Side::User).id(slot).unwrap_or(0);
            let mut best = [Scored::NONE; SHORT_LIST];
            let before = (self.clock)();
            self.device.recommend(user, &mut best);
            self.figures.short_list.add((self.clock)().wrapping_sub(before));
        }
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
        segments.begin_close().map_err(|_| ScenarioError::Segment)?;
        while segments.is_busy() {
            let before = (self.clock)();
            segments.poll(SLICE).map_err(|_| ScenarioError::Segment)?;
            self.figures.close.add((self.clock)().wrapping_sub(before));
        }
        let mut ticks = [0; 3];
        ticks[0] = (self.clock)();
        segments.reward(reward).map_err(|_| ScenarioError::Segment)?;
        ticks[1] = (self.clock)();
        let positions = segments.propose(true).map_err(|_| ScenarioError::Segment)?;
        ticks[2] = (self.clock)();
        segments.begin_apply(positions).map_err(|_| ScenarioError::Segment)?;
        let Figures { reward, propose, .. } = &mut self.figures;
        let [start, rewarded, proposed] = ticks;
        reward.add(rewarded.wrapping_sub(start));
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

    /// Takes a step of a decision, in as many slices as that takes, between one event and the next; whether that was
    /// the end of it.
    fn go_on(&mut self) -> Result<bool, ScenarioError> {
        let mut decided = false;
        let segments = self.device.segments_mut();
        while segments.is_busy() {
            let before = (self.clock)();
            decided = segments.poll(SLICE).map_err(|_| ScenarioError::Segment)?;
            self.figures.decide.add((self.clock)().wrapping_sub(before));
            let arena = segments.recommender().arena();
            self.report.budget_violations += u32::from(arena.used() > arena.budget());
            if !segments.is_within_step() {
                break;
            }
        }
        Ok(decided)
    }

    /// What it came to; `of_policy` takes the policy's numbers in.
    pub fn finish(self, of_policy: impl FnOnce(&P, &mut Digest)) -> Report {
        let arena = self.device.recommender().arena();
        let mut digest = self.device.digest();
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
