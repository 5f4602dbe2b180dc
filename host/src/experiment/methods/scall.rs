//! SCALL: a policy proposes sizes, short trainings of fresh models judge them.
//!
//! In every segment candidates are trained on most of the segment's train part and measured on the rest.
//! Each candidate and the action in force are trained with the same seeds, so that gains are paired; a new one
//! that is behind with the first seed is not trained with the second. The policy learns from the gains; the
//! action in force changes only past a margin.

use anyhow::Result;
use scall_core::segment::{ActionSpace, Decider, Incumbent, Margin, ResizeSettings, SizeRule};
use scall_core::sizes::Action;
use scall_core::snapshot::{Reader, Snapshot, SnapshotError, Writer};

use super::policy::{PolicyKind, PolicyMemory, Scale};
use super::trial::{Task, TrialSettings};
use super::{Decided, Fixed, HistorySearch, MethodCard, Published, Sizing, SizingMethod};
use crate::experiment::model::Model;
use crate::experiment::protocol::Segment;
use crate::experiment::runner::Experiment;
use crate::experiment::{Search, checkpoint};
use crate::report::trace::{Candidate, Step};

/// What the method says of itself.
pub const CARD: MethodCard = MethodCard {
    name: "scall",
    label: "scall",
    summary: "A soft actor-critic policy searches in every segment",
    decides: "once a segment, before its train part is learned, after short trainings of candidates",
    looks_at: "frequencies, sizes, mean rows and the train part, of which candidates are judged on the end",
    stores: "the policy: two critics, their targets, an actor, Adam's moments, replay; and the action in force",
    source: "Qu et al., Scalable Dynamic Embedding Size Search, CIKM 2024, arXiv 2407.15411",
    capped: true,
    between_segments: true,
    any_storage: true,
    make: |setup| {
        let (settings, seed) = (setup.settings, setup.request.seed);
        Ok(match setup.request.search {
            Search::Paired => {
                let scale = setup.request.budget.total().map_or(Scale::FULL, Scale::within);
                Box::new(Scall::new(settings.search, setup.policy, scale, seed)?)
            }
            Search::Published => Box::new(Published::new(settings.published, setup.policy, seed)?),
            Search::History => Box::new(HistorySearch::new(settings.search)),
            Search::Fixed(action) => {
                Box::new(Fixed { rule: SizeRule::Action(action), resize: settings.search.resize })
            }
        })
    },
};

/// How SCALL searches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchSettings {
    /// Actions drawn from the policy in each segment, besides its mean and the challenger.
    pub proposals: u32,
    /// How candidates are judged.
    pub trial: TrialSettings,
    /// When another action takes the place of the one in force.
    pub margin: Margin,
    /// Reward of a relative gain of one.
    pub reward_scale: f32,
    /// How a policy's action becomes rows.
    pub resize: ResizeSettings,
}

/// SCALL's search.
#[derive(Debug)]
pub struct Scall<'a> {
    settings: SearchSettings,
    kind: PolicyKind,
    decider: Decider<'a>,
    incumbent: Incumbent,
    steps: Vec<Step>,
    trial_bytes: u64,
}

impl<'a> Scall<'a> {
    /// A search that begins at equal rows.
    ///
    /// # Errors
    /// If the policy's settings are wrong.
    pub fn new(
        settings: SearchSettings,
        memory: &'a mut PolicyMemory,
        scale: Scale,
        seed: u64,
    ) -> Result<Self> {
        let kind = PolicyKind::Compact(scale);
        let decider = memory.decider(kind, ActionSpace::BALANCED, seed)?;
        let incumbent = Incumbent::new(decider.equal_rows());
        Ok(Self { settings, kind, decider, incumbent, steps: Vec::new(), trial_bytes: 0 })
    }

    /// The actions to try: the one in force first, then its challenger, the policy's mean, and draws.
    fn candidates(&mut self) -> Result<Vec<(Candidate, [f32; 3])>> {
        let mut candidates = vec![(Candidate::InForce, self.incumbent.present())];
        candidates.extend(self.incumbent.challenger().map(|positions| (Candidate::Challenger, positions)));
        candidates.push((Candidate::Mean, self.decider.propose(false)?));
        for _ in 0..self.settings.proposals {
            candidates.push((Candidate::Draw, self.decider.propose(true)?));
        }
        Ok(candidates)
    }
}

impl SizingMethod for Scall<'_> {
    fn decide(
        &mut self,
        experiment: &Experiment<'_>,
        segment: &Segment,
        recommender: &mut dyn Model,
        violations: &mut u64,
    ) -> Result<Decided> {
        recommender.show(&mut self.decider)?;
        let budget = u64::from(experiment.budget(segment.known)?);
        if let Some(share) = recommender.covering_share(self.settings.resize.sizes.bounds, budget) {
            self.decider.set_centre(share);
        }
        if segment.index > 0 {
            let candidates = self.candidates()?;
            let task =
                Task::new(experiment, segment, recommender, self.settings.trial, self.settings.resize)?;
            let actions: Vec<Action> =
                candidates.iter().map(|&(_, positions)| self.decider.action(positions)).collect();
            self.trial_bytes = self.trial_bytes.max(task.bytes());
            let sizings: Vec<Sizing> =
                actions.iter().map(|&action| SizeRule::Action(action).into()).collect();
            // What is decided between has all of its evidence, lest it be the favourable part.
            let whole = 1 + usize::from(self.incumbent.challenger().is_some());
            let trials = task.race(&sizings, whole)?;
            *violations += trials.iter().map(|trial| trial.violations).sum::<u64>();
            let mut rewards = vec![0.0];
            for (&(_, positions), trial) in candidates[1..].iter().zip(&trials[1..]) {
                let gains = trial.gains_over(&trials[0]);
                let mean = gains.iter().sum::<f32>() / gains.len() as f32;
                let reward = self.settings.reward_scale * mean;
                self.decider.reward(positions, reward, false)?;
                self.incumbent.observe(positions, &gains);
                rewards.push(reward);
            }
            self.incumbent.conclude(&self.settings.margin);
            self.steps = candidates
                .iter()
                .zip(&actions)
                .zip(&rewards)
                .map(|((&(candidate, _), &action), &reward)| {
                    Step::new(segment.index, candidate, action, Some(reward))
                })
                .collect();
            let chosen = candidates.iter().position(|&(_, positions)| positions == self.incumbent.present());
            if let Some(step) = chosen.and_then(|place| self.steps.get_mut(place)) {
                step.chosen = true;
            }
        }
        let action = self.decider.action(self.incumbent.present());
        Ok(Decided {
            sizing: SizeRule::Action(action).into(),
            resize: self.settings.resize,
            action: Some(action),
        })
    }

    fn bytes(&self) -> u64 {
        self.kind.bytes() + size_of::<Incumbent>() as u64
    }

    fn take_steps(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    fn trial_bytes(&self) -> u64 {
        self.trial_bytes
    }

    fn save(&self) -> Result<Vec<u8>> {
        checkpoint::to_bytes(self)
    }

    fn restore(&mut self, saved: &[u8]) -> Result<()> {
        checkpoint::from_bytes(self, saved).map(|_| ())
    }
}

/// The policy at work, and the action in force with its challenger.
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
