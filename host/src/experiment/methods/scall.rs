//! SCALL: a policy proposes sizes, short trainings of fresh models judge them.
//!
//! In every segment candidates are trained on most of the segment's train part and measured on the rest.
//! Each candidate and the action in force are trained with the same seeds, so that gains are paired. The
//! policy learns from the gains; the action in force changes only past a margin.

use anyhow::Result;
use rayon::prelude::*;
use scall_core::policy::{Sac, SacConfig, SacMemory};
use scall_core::random::Generator;
use scall_core::recommender::Recommender;
use scall_core::segment::{ActionSpace, Decider, Incumbent, Margin, ResizeSettings, SizeRule};
use scall_core::side::Side;
use scall_core::sizes::{Action, Distribution};
use scall_core::snapshot::{Reader, Snapshot, SnapshotError, Writer};
use scall_core::state::StateConfig;

use super::{Decided, SizingMethod};
use crate::experiment::checkpoint;
use crate::experiment::model::{ModelCapacity, ModelMemory, SizeScratch};
use crate::experiment::protocol::Segment;
use crate::experiment::runner::{Experiment, purpose};
use crate::experiment::training::{self, Pair};
use crate::experiment::validation;

/// How SCALL searches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchSettings {
    /// Actions drawn from the policy in each segment, besides its mean and the challenger.
    pub proposals: u32,
    /// Paired seeds of each candidate.
    pub seeds: u32,
    /// Part of the train part that candidates are measured on: its end.
    pub validation: f64,
    /// Passes over a candidate's interactions.
    pub passes: u32,
    /// Earlier interactions that candidates replay, as a share of what they learn of the segment.
    pub replay: f64,
    /// When another action takes the place of the one in force.
    pub margin: Margin,
    /// Reward of a relative gain of one.
    pub reward_scale: f32,
    /// How a policy's action becomes rows.
    pub resize: ResizeSettings,
}

/// What the policy reads.
const STATE: StateConfig = StateConfig::COMPACT;

/// Memory of a policy on the host.
#[derive(Debug)]
pub struct PolicyMemory {
    networks: Vec<f32>,
    replay: Vec<f32>,
    scratch: Vec<f32>,
    states: Vec<f32>,
}

impl PolicyMemory {
    /// Zeroed memory, of which the system provides only what is used.
    pub fn new() -> Self {
        let shape = Self::config().shape;
        Self {
            networks: vec![0.0; shape.networks_len()],
            replay: vec![0.0; shape.replay_len()],
            scratch: vec![0.0; shape.scratch_len()],
            states: vec![0.0; Decider::states_len(&STATE)],
        }
    }

    fn config() -> SacConfig {
        SacConfig::compact(STATE.len() as u32)
    }
}

impl Default for PolicyMemory {
    fn default() -> Self {
        Self::new()
    }
}

/// SCALL's search.
#[derive(Debug)]
pub struct Scall<'a> {
    settings: SearchSettings,
    decider: Decider<'a>,
    incumbent: Incumbent,
}

/// A candidate's measure for each seed, and how often it was over its budget.
struct Trial {
    qualities: Vec<f64>,
    violations: u64,
}

impl<'a> Scall<'a> {
    /// A search that begins at equal rows.
    ///
    /// # Errors
    /// If the policy's settings are wrong.
    pub fn new(settings: SearchSettings, memory: &'a mut PolicyMemory, seed: u64) -> Result<Self> {
        let config = PolicyMemory::config().validate()?;
        let PolicyMemory { networks, replay, scratch, states } = memory;
        let generator = Generator::stream(seed, purpose::POLICY);
        let policy = Sac::new(&config, SacMemory { networks, replay, scratch }, generator)?;
        let decider = Decider::new(policy, STATE, ActionSpace::BALANCED, Distribution::PowerLaw, states)?;
        let incumbent = Incumbent::new(decider.equal_rows());
        Ok(Self { settings, decider, incumbent })
    }

    /// The actions to try: the one in force first, then its challenger, the policy's mean, and draws.
    fn candidates(&mut self) -> Result<Vec<[f32; 3]>> {
        let mut candidates = vec![self.incumbent.present()];
        candidates.extend(self.incumbent.challenger());
        candidates.push(self.decider.propose(false)?);
        for _ in 0..self.settings.proposals {
            candidates.push(self.decider.propose(true)?);
        }
        Ok(candidates)
    }
}

impl SizingMethod for Scall<'_> {
    fn decide(
        &mut self,
        experiment: &Experiment<'_>,
        segment: &Segment,
        recommender: &mut Recommender<'_>,
        violations: &mut u64,
    ) -> Result<Decided> {
        self.decider.read(recommender)?;
        if segment.index > 0 {
            let candidates = self.candidates()?;
            let task = Task::new(experiment, segment, recommender, &self.settings)?;
            let actions: Vec<Action> =
                candidates.iter().map(|&positions| self.decider.action(positions)).collect();
            let trials: Vec<Trial> =
                actions.par_iter().map(|action| task.trial(action)).collect::<Result<_>>()?;
            *violations += trials.iter().map(|trial| trial.violations).sum::<u64>();
            let present = &trials[0].qualities;
            for (&positions, trial) in candidates[1..].iter().zip(&trials[1..]) {
                let gains: Vec<f32> = trial
                    .qualities
                    .iter()
                    .zip(present)
                    .map(|(own, present)| ((own - present) / present.max(1e-9)) as f32)
                    .collect();
                let mean = gains.iter().sum::<f32>() / gains.len() as f32;
                self.decider.reward(positions, self.settings.reward_scale * mean, false)?;
                self.incumbent.observe(positions, &gains);
            }
            self.incumbent.conclude(&self.settings.margin);
        }
        let action = self.decider.action(self.incumbent.present());
        Ok(Decided { rule: SizeRule::Action(action), resize: self.settings.resize, action: Some(action) })
    }

    fn save(&self) -> Result<Vec<u8>> {
        checkpoint::to_bytes(self)
    }

    fn restore(&mut self, saved: &[u8]) -> Result<()> {
        checkpoint::from_bytes(self, saved).map(|_| ())
    }
}

/// All but the settings.
impl Snapshot for Scall<'_> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        self.decider.save(writer)?;
        self.incumbent.save(writer)
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.decider.load(reader)?;
        self.incumbent.load(reader)
    }
}

/// What all candidates of a segment are trained and measured on.
struct Task<'t> {
    experiment: &'t Experiment<'t>,
    settings: &'t SearchSettings,
    budget: u32,
    capacity: ModelCapacity,
    /// Counts of both sides without the validation part, by id.
    frequencies: [Vec<f32>; 2],
    learned: Vec<Pair>,
    validation: Vec<Pair>,
    /// Where the validation part begins in the stream.
    cut: usize,
    seeds: Vec<u64>,
}

impl<'t> Task<'t> {
    fn new(
        experiment: &'t Experiment<'t>,
        segment: &'t Segment,
        recommender: &Recommender<'_>,
        settings: &'t SearchSettings,
    ) -> Result<Self> {
        let train = segment.train.clone();
        let cut = train.end - (train.len() as f64 * settings.validation) as usize;
        let known = segment.known_at(experiment.stream, cut);
        let mut learned = training::pairs(experiment.stream, train.start..cut);
        let mut generator = experiment.generator(purpose::SEARCH, segment);
        let replayed = (settings.replay * learned.len() as f64) as usize;
        learned.extend(training::replay(experiment.stream, train.start, replayed, &mut generator));
        let validation = training::pairs(experiment.stream, cut..train.end);
        let mut frequencies = [(Side::User, known.users), (Side::Item, known.items)]
            .map(|(side, count)| recommender.frequencies().of(side, count).to_vec());
        for &(user, item) in &validation {
            for (counts, id) in frequencies.iter_mut().zip([user, item]) {
                if let Some(count) = counts.get_mut(id as usize) {
                    *count = (*count - 1.0).max(0.0);
                }
            }
        }
        let budget = experiment.budget(known)?;
        let capacity = experiment.capacity()?;
        let seeds = (0..settings.seeds)
            .map(|_| u64::from(generator.next_u32()) << 32 | u64::from(generator.next_u32()))
            .collect();
        Ok(Self {
            experiment,
            settings,
            budget: budget.min(capacity.parameters),
            capacity: ModelCapacity { entities: known, seen: learned.len() * 2, ..capacity },
            frequencies,
            learned,
            validation,
            cut,
            seeds,
        })
    }

    fn trial(&self, action: &Action) -> Result<Trial> {
        let results: Vec<(f64, bool)> =
            self.seeds.par_iter().map(|&seed| self.once(action, seed)).collect::<Result<_>>()?;
        Ok(Trial {
            qualities: results.iter().map(|&(quality, _)| quality).collect(),
            violations: results.iter().filter(|&&(_, over)| over).count() as u64,
        })
    }

    /// Trains a fresh model and measures it; also says whether it was over its budget.
    fn once(&self, action: &Action, seed: u64) -> Result<(f64, bool)> {
        let experiment = self.experiment;
        let mut memory = ModelMemory::new(&self.capacity);
        let config = experiment.settings.recommender.validate()?;
        let cold = experiment.cold_sizes(self.budget);
        let mut model = Recommender::new(memory.lend(), config, cold, self.budget, seed)?;
        for (side, counts) in Side::BOTH.into_iter().zip(&self.frequencies) {
            for (id, &count) in (0..).zip(counts) {
                model.admit(side, 0)?;
                model.frequencies_mut().set(side, id, count);
            }
        }
        let mut generator = Generator::stream(seed, purpose::SIZES);
        let mut scratch = SizeScratch::new(experiment.largest());
        let rule = SizeRule::Action(*action);
        let resize = &self.settings.resize;
        scall_core::segment::resize(&mut model, &rule, resize, 0, scratch.lend(), &mut generator)?;
        let over = model.arena().used() > self.budget;
        for &(user, item) in &self.learned {
            model.remember(user, item);
        }
        let mut learned = self.learned.clone();
        training::learn(&mut model, &mut learned, self.settings.passes, &mut generator);
        let known = |user, item| experiment.history.has(experiment.stream, user, item, self.cut);
        Ok((validation::reciprocal_rank(&model, &self.validation, known, &mut generator), over))
    }
}
