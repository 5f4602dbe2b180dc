//! The run: segment by segment, decide sizes, learn, predict, learn what was predicted.

use std::ops::Range;
use std::time::Instant;

use anyhow::{Context, Result};
use scall_core::frequency;
use scall_core::random::Generator;
use scall_core::recommender::align_scratch_len;
use scall_core::segment::Resized;
use scall_core::side::{PerSide, Side};

use super::base::{self, BaseRecommender, Occasion, Part, RECENT, Users};
use super::evaluate::{Evaluation, evaluate};
use super::history::History;
use super::methods::{Decided, Pause, SizingMethod, UserForm};
use super::model::{Model, ModelCapacity, SizeScratch};
use super::protocol::{Counts, Segment};
use super::settings::Settings;
use super::total::Share;
use super::training;
use super::{Protocol, RunRequest};
use crate::progress::Stage;
use crate::report;
use crate::stream::Stream;

/// Streams of the seed, one a purpose; the segment's index is added.
pub mod purpose {
    /// Orders of learning.
    pub const ORDER: u64 = 1 << 32;
    /// What is replayed.
    pub const REPLAY: u64 = 2 << 32;
    /// Drawn sizes.
    pub const SIZES: u64 = 3 << 32;
    /// The policy.
    pub const POLICY: u64 = 5 << 32;
    /// What models are selected on.
    pub const VALIDATION: u64 = 6 << 32;
    /// The search for sizes.
    pub const SEARCH: u64 = 4 << 32;
    /// What a method draws besides.
    pub const ACTIONS: u64 = 6 << 32;
}

/// What all segments of a run share.
#[derive(Clone, Copy, Debug)]
pub struct Experiment<'e> {
    /// What was asked.
    pub request: &'e RunRequest,
    /// How it is learned.
    pub settings: &'e Settings,
    /// What is learned.
    pub stream: &'e Stream,
    /// The same by user.
    pub history: &'e History,
    /// How it is cut.
    pub segments: &'e [Segment],
    /// What a budget for everything leaves in the segment that is run.
    pub share: Option<Share>,
}

/// A train part that is learned with pauses.
#[derive(Clone, Copy)]
struct Pauses<'p> {
    base: &'p dyn BaseRecommender,
    part: &'p Part<'p>,
    /// Interactions between two pauses.
    every: usize,
    segment: &'p Segment,
}

impl Experiment<'_> {
    /// The generator of one purpose in one segment.
    pub(super) fn generator(&self, purpose: u64, segment: &Segment) -> Generator {
        Generator::stream(self.request.seed, purpose + segment.index as u64)
    }

    /// The recommender under the sizes.
    pub(super) fn base(&self, users: Users) -> Box<dyn BaseRecommender> {
        base::of(self.request.base, users, self.settings)
    }

    /// Users of a form, all of them.
    pub(super) fn users(&self, form: UserForm, known: u32) -> Users {
        match form {
            UserForm::Rows => Users::Rows,
            UserForm::Recent => Users::Recent(known),
        }
    }

    /// What the recent items of so many users take, in parameters: as many bytes an id as the items need.
    pub fn recent_parameters(&self, users: u32) -> u32 {
        let items = self.stream.entities().item as u64;
        let id_bytes = (1..8).find(|&bytes| items <= 1 << (8 * bytes)).unwrap_or(8);
        let bytes = u64::from(users) * RECENT as u64 * id_bytes;
        bytes.div_ceil(u64::from(self.request.storage.bytes())).min(u32::MAX.into()) as u32
    }

    /// What is kept of users beside rows, in parameters.
    pub(super) fn user_parameters(&self, users: Users) -> u32 {
        match users {
            Users::Rows => 0,
            Users::Recent(users) => self.recent_parameters(users),
        }
    }

    /// A part to learn, with earlier interactions drawn for replay, as a share of it.
    pub(super) fn part(&self, range: Range<usize>, replay: f64, generator: &mut Generator) -> Part<'_> {
        let Self { stream, history, .. } = *self;
        let count = (replay * range.len() as f64) as usize;
        let replayed = training::replay(stream, range.start, count, generator);
        Part { stream, history, range, replayed }
    }

    /// The budget once `entities` have been seen, whether the method keeps it or not.
    ///
    /// # Errors
    /// If it is none or too large.
    pub fn budget(&self, entities: Counts) -> Result<u32> {
        if let Some(share) = &self.share {
            return Ok(share.capacity.parameters);
        }
        Ok(self.request.budget.parameters(entities.entities(), self.request.storage)?)
    }

    /// Whether the method keeps the budget.
    pub const fn capped(&self) -> bool {
        self.request.method.card().capped
    }

    /// What the model may hold once `entities` have been seen: the budget, or all that rows can use for a
    /// method that knows none.
    ///
    /// # Errors
    /// As [`budget`](Self::budget).
    pub(super) fn allowance(&self, entities: Counts) -> Result<u32> {
        let capacity = self.capacity()?.parameters;
        Ok(if self.capped() { self.budget(entities)?.min(capacity) } else { capacity })
    }

    /// The memory that a model needs for the whole stream.
    ///
    /// # Errors
    /// If the budget cannot be kept.
    pub fn capacity(&self) -> Result<ModelCapacity> {
        if let Some(share) = &self.share {
            return Ok(share.capacity);
        }
        let entities = self.stream.entities();
        let entities = Counts { users: entities.user as u32, items: entities.item as u32 };
        let budget = u64::from(self.budget(entities)?);
        let useful = self.useful_parameters(entities, self.cold_sizes(budget as u32));
        Ok(ModelCapacity {
            entities,
            parameters: if self.capped() { budget.min(useful) } else { useful } as u32,
            longest: self.longest(),
            // Sets fill unevenly: with twice the room hardly a pair is lost.
            seen: self.stream.len() * 2,
        })
    }

    /// The parameters that rows of so many can use: more need not be there.
    pub(super) fn useful_parameters(&self, entities: Counts, cold: PerSide<u32>) -> u64 {
        let bounds = self.settings.resize.sizes.bounds;
        let bias = u64::from(self.bias_parameters());
        u64::from(entities.users) * u64::from(bounds.user.max)
            + u64::from(entities.items) * (u64::from(bounds.item.max) + bias)
            + u64::from(cold.user)
            + u64::from(cold.item)
    }

    /// Parameters of the longest row.
    pub(super) fn longest(&self) -> u32 {
        self.largest() + self.request.storage.bias_parameters()
    }

    /// Sizes of the cold-start rows within `budget`: none where that would be more than a hundredth of it.
    pub fn cold_sizes(&self, budget: u32) -> PerSide<u32> {
        let bias = self.bias_parameters();
        let bias = if budget / 200 < bias { 0 } else { bias };
        PerSide::new(self.settings.cold_dimensions.min(budget / 200), bias)
    }

    /// Parameters of an item's row that hold its bias.
    fn bias_parameters(&self) -> u32 {
        u32::from(self.settings.recommender.item_bias) * self.request.storage.bias_parameters()
    }

    /// Runs one segment and reports on it.
    ///
    /// # Errors
    /// If the budget cannot be kept.
    pub fn segment(
        &self,
        segment: &Segment,
        recommender: &mut dyn Model,
        method: &mut dyn SizingMethod,
        violations: &mut u64,
        stage: &Stage,
    ) -> Result<report::Segment> {
        stage.say("sizes");
        let (started, saturated) = (Instant::now(), recommender.saturated());
        self.welcome(segment, recommender)?;
        let decided = method.decide(self, segment, recommender, violations)?;
        let mut scratch = SizeScratch::new(self.largest());
        let users = self.users(method.user_form(), segment.known.users);
        let aligning = if method.representation().is_none() { self.align(recommender) } else { 0 };
        self.apply(&decided, users, segment, recommender, &mut scratch, violations)?;
        *violations += self.over_total(method);
        let search_seconds = started.elapsed().as_secs_f64();

        stage.say("learning");
        let started = Instant::now();
        let base = self.base(users);
        let mut order = self.generator(purpose::ORDER, segment);
        let mut draws = self.generator(purpose::REPLAY, segment);
        let part = self.part(segment.train.clone(), self.settings.replay, &mut draws);
        let learning = if let Some(own) = method.representation() {
            let mut pairs = training::pairs(self.stream, part.range.clone());
            pairs.extend_from_slice(&part.replayed);
            own.learn(recommender, &mut pairs, self.settings.train_passes, &mut order);
            0
        } else if let Some(every) = method.pause_every() {
            let pauses = Pauses { base: &*base, part: &part, every, segment };
            self.learn_with_pauses(&pauses, recommender, method, violations, &mut order)?
        } else {
            base.learn(&part, Occasion::Train, recommender, &mut order)?
        };
        let mut train_seconds = started.elapsed().as_secs_f64();
        *violations += self.over_total(method);

        stage.say("testing");
        let started = Instant::now();
        let mut evaluation = Evaluation::default();
        let serving =
            base.serve(&part, recommender, &mut |served| evaluation = self.evaluate(segment, served))?;
        let test_seconds = started.elapsed().as_secs_f64();

        let started = Instant::now();
        let (relearning, users) =
            self.learn_test_part(segment, users, recommender, method, violations, &mut order)?;
        train_seconds += started.elapsed().as_secs_f64();
        let budget = u64::from(self.budget(segment.seen)?);
        let of_rows = u64::from(recommender.used()) + u64::from(self.user_parameters(users));
        let used = method.representation().map_or(of_rows, |own| own.parameters());
        *violations += u64::from(self.capped() && used > budget);

        Ok(report::Segment {
            index: segment.index,
            users: segment.seen.users.into(),
            items: segment.seen.items.into(),
            new_users: (segment.seen.users - segment.before.users).into(),
            new_items: (segment.seen.items - segment.before.items).into(),
            train: segment.train.len() as u64,
            test: segment.test.len() as u64,
            tested_users: evaluation.tested_users.into(),
            budget_parameters: budget,
            parameters_used: used,
            working_memory_bytes: aligning.max(learning).max(serving).max(relearning),
            bytes_used: used * u64::from(self.request.storage.bytes()),
            held: self.share.map(|share| share.held(method.bytes())),
            saturated: self.request.storage.saturates().then(|| recommender.saturated() - saturated),
            action: decided.action,
            quality: evaluation.quality,
            published: None,
            search_seconds,
            train_seconds,
            test_seconds,
        })
    }

    /// 1 if more is held than a budget for everything allows.
    fn over_total(&self, method: &dyn SizingMethod) -> u64 {
        self.share.is_some_and(|share| share.held(method.bytes()).sum() > share.limit).into()
    }

    /// The largest size that a decision can give.
    pub(super) fn largest(&self) -> u32 {
        let bounds = self.settings.resize.sizes.bounds;
        bounds.user.max.max(bounds.item.max)
    }

    /// Makes the entities of a train part known, without rows yet, and counts its interactions: sizes are
    /// decided on both.
    fn welcome(&self, segment: &Segment, recommender: &mut dyn Model) -> Result<()> {
        recommender.set_budget(self.allowance(segment.known)?)?;
        for (side, count) in [(Side::User, segment.known.users), (Side::Item, segment.known.items)] {
            while recommender.count(side) < count {
                recommender.admit(side, 0)?;
            }
        }
        let retention = frequency::retention_of_half_life(self.settings.half_life);
        recommender.decay(retention);
        for position in segment.train.clone() {
            recommender.record(self.stream.users[position], self.stream.items[position]);
        }
        Ok(())
    }

    /// Puts the dimensions in the order of what they are worth, where the budget stays while entities come, so
    /// that rows will lose their last ones. Rows of bytes have no room for the strongest. Returns the bytes that this
    /// took.
    fn align(&self, recommender: &mut dyn Model) -> u64 {
        let RunRequest { budget, protocol, storage, .. } = self.request;
        let shrinking = !budget.grows() && budget.total().is_none();
        if !shrinking || storage.saturates() || *protocol != Protocol::Equal {
            return 0;
        }
        let mut scratch = vec![0.0; align_scratch_len(self.largest() as usize)];
        recommender.align(&mut scratch);
        size_of_val(&scratch[..]) as u64
    }

    /// Gives `recommender` the sizes that were decided, and counts it if that breaks the budget.
    ///
    /// # Errors
    /// If the sizes are impossible.
    pub(super) fn apply(
        &self,
        decided: &Decided,
        users: Users,
        segment: &Segment,
        recommender: &mut dyn Model,
        scratch: &mut SizeScratch,
        violations: &mut u64,
    ) -> Result<Resized> {
        let mut generator = self.generator(purpose::SIZES, segment);
        let reserve = self.user_parameters(users);
        let resized = decided
            .sizing
            .apply(recommender, &decided.resize, reserve, scratch, &mut generator)
            .context("the sizes could not be applied")?;
        let budget = recommender.budget().saturating_sub(reserve);
        recommender.set_budget(budget.max(recommender.used()))?;
        let over = self.capped() && recommender.used() + reserve > self.budget(segment.known)?;
        *violations += u64::from(over);
        Ok(resized)
    }

    /// Learns a train part in stretches, in order of time, with a pause before each and after the last; then the
    /// rest of its learning. Returns the bytes that this took.
    fn learn_with_pauses(
        &self,
        pauses: &Pauses<'_>,
        recommender: &mut dyn Model,
        method: &mut dyn SizingMethod,
        violations: &mut u64,
        order: &mut Generator,
    ) -> Result<u64> {
        let Pauses { base, part, every, segment } = *pauses;
        let mut scratch = SizeScratch::new(self.largest());
        let (start, end) = (part.range.start, part.range.end);
        let stretches = part.range.len().div_ceil(every.max(1));
        let (mut previous, mut bytes) = (start..start, 0);
        for number in 0..=stretches {
            let from = start + number * every;
            let next = from.min(end)..(from + every).min(end);
            let pairs = |range: &Range<usize>| training::pairs(self.stream, range.clone());
            let (learned, coming) = (pairs(&previous), pairs(&next));
            let so_far = Part { range: start..next.start, replayed: Vec::new(), ..part.clone() };
            let mut decided = Ok(None);
            let serving = base.serve(&so_far, recommender, &mut |served| {
                let score = |user, item| served.score(user, item);
                let pause = Pause { recommender, previous: &learned, next: &coming, score: &score };
                decided = method.pause(&pause);
            })?;
            bytes = bytes.max(serving);
            if let Some(decided) = decided? {
                self.apply(&decided, Users::Rows, segment, recommender, &mut scratch, violations)?;
                *violations += self.over_total(method);
            }
            if !next.is_empty() {
                let stretch = Part { range: next.clone(), replayed: Vec::new(), ..part.clone() };
                let occasion = Occasion::Stretch { of: stretches };
                bytes = bytes.max(base.learn(&stretch, occasion, recommender, order)?);
            }
            previous = next;
        }
        Ok(bytes.max(base.learn(part, Occasion::Rest, recommender, order)?))
    }

    fn evaluate(&self, segment: &Segment, recommender: &dyn Model) -> Evaluation {
        evaluate(self.stream, self.history, segment, |users, lists, excluded| {
            // Lists and scratch have the lengths that were asked for.
            let _ = recommender.retrieve(users, lists, excluded);
        })
    }

    /// Learns what was predicted: first event by event, where who is new gets a row if the budget allows,
    /// then as a part. Returns the bytes that this took, and the users of whom items are kept then: of newcomers
    /// too, as far as the budget allows. Newcomers for whom there is no place in the tables stay strangers.
    fn learn_test_part(
        &self,
        segment: &Segment,
        mut users: Users,
        recommender: &mut dyn Model,
        method: &mut dyn SizingMethod,
        violations: &mut u64,
        order: &mut Generator,
    ) -> Result<(u64, Users)> {
        let base = self.base(users);
        let mut seen = segment.known;
        for (user, item) in training::pairs(self.stream, segment.test.clone()) {
            let now = Counts { users: seen.users.max(user + 1), items: seen.items.max(item + 1) };
            if now != seen {
                let before = recommender.budget();
                let allowance = self.allowance(now)?;
                if let Users::Recent(kept) = users {
                    let more = Users::Recent(now.users);
                    let fits = recommender.used() + self.user_parameters(more) <= allowance;
                    // Those of whom items are kept are the first users.
                    users = if fits && kept == seen.users { more } else { users };
                }
                let of_rows = allowance.saturating_sub(self.user_parameters(users));
                recommender.set_budget(of_rows.max(before))?;
                let newcomers = (now.entities() - seen.entities()) as u32;
                let room = (recommender.budget() - before) / newcomers;
                let of_user = if users == Users::Rows { room } else { 0 };
                recommender.set_admission_sizes(PerSide::new(of_user, room));
                seen = now;
            }
            if let Some(share) = self.share.filter(|share| !share.admits(user, item)) {
                base::admit_known(recommender, user, item, share.capacity.entities)?;
            } else if method.representation().is_some() {
                base::meet_unlearned(recommender, user, item)?;
            } else {
                base.meet(recommender, user, item)?;
            }
            *violations += self.over_total(method);
        }
        let part = self.part(segment.test.clone(), 0.0, order);
        if let Some(own) = method.representation() {
            let mut pairs = training::pairs(self.stream, part.range);
            own.learn(recommender, &mut pairs, self.settings.test_passes, order);
            return Ok((0, users));
        }
        let bytes = self.base(users).learn(&part, Occasion::Test, recommender, order)?;
        Ok((bytes, users))
    }
}
