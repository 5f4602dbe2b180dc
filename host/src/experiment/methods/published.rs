//! SCALL's search as published (Qu et al., CIKM 2024), with two differences: validation data of its own
//! instead of the test part, and an end.

use anyhow::Result;
use scall_core::recommender::Recommender;
use scall_core::segment::{ActionSpace, Decider, ResizeSettings, SizeRule};

use super::policy::{PolicyKind, PolicyMemory};
use super::trial::{Task, TrialSettings};
use super::{Decided, SizingMethod};
use crate::experiment::checkpoint;
use crate::experiment::protocol::Segment;
use crate::experiment::runner::Experiment;
use crate::report::trace::{Candidate, Step};

/// How the published search goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublishedSettings {
    /// The fewest steps in a segment (published: 11).
    pub fewest_steps: usize,
    /// The most steps in a segment (published: no bound).
    pub most_steps: usize,
    /// The search ends when the mean share moved by no more than this in each of the last four steps
    /// (published: 0.01).
    pub still: f32,
    /// The ratios to equal rows that earn rewards of 0 and 10 (published: 0.7 and 1.2 for Yelp).
    pub ratios: (f64, f64),
    /// How candidates are judged.
    pub trial: TrialSettings,
    /// How a policy's action becomes rows.
    pub resize: ResizeSettings,
}

/// The published search.
#[derive(Debug)]
pub struct Published<'a> {
    settings: PublishedSettings,
    decider: Decider<'a>,
    steps: Vec<Step>,
    trial_bytes: u64,
}

impl<'a> Published<'a> {
    /// A search whose policy has learned nothing.
    ///
    /// # Errors
    /// If the policy's settings are wrong.
    pub fn new(settings: PublishedSettings, memory: &'a mut PolicyMemory, seed: u64) -> Result<Self> {
        let decider = memory.decider(PolicyKind::Published, ActionSpace::Published, seed)?;
        Ok(Self { settings, decider, steps: Vec::new(), trial_bytes: 0 })
    }
}

/// How many steps the share must stand still.
const STILL_STEPS: usize = 4;

impl SizingMethod for Published<'_> {
    fn decide(
        &mut self,
        experiment: &Experiment<'_>,
        segment: &Segment,
        recommender: &mut Recommender<'_>,
        violations: &mut u64,
    ) -> Result<Decided> {
        let resize = self.settings.resize;
        if segment.index == 0 {
            return Ok(Decided { sizing: SizeRule::Uniform.into(), resize, action: None });
        }
        self.decider.read(recommender)?;
        let task = Task::new(experiment, segment, recommender, self.settings.trial, resize)?;
        self.trial_bytes = self.trial_bytes.max(task.bytes());
        let mut measure = |rule: &SizeRule| -> Result<f64> {
            let trial = task.trial(&(*rule).into())?;
            *violations += trial.violations;
            Ok(trial.qualities.iter().sum::<f64>() / trial.qualities.len() as f64)
        };
        let baseline = measure(&SizeRule::Uniform)?.max(1e-9);
        let (low, high) = self.settings.ratios;
        let mut shares = Vec::new();
        while shares.len() < self.settings.most_steps {
            let positions = self.decider.propose(true)?;
            let action = self.decider.action(positions);
            let quality = measure(&SizeRule::Action(action))?;
            let reward = (10.0 * (quality / baseline - low) / (high - low)) as f32;
            self.decider.reward(positions, reward, false)?;
            self.steps.push(Step::new(segment.index, Candidate::Draw, action, Some(reward)));
            shares.push(self.decider.propose(false)?[0]);
            let last = shares.len().saturating_sub(STILL_STEPS + 1);
            let still =
                shares[last..].windows(2).all(|pair| (pair[1] - pair[0]).abs() <= self.settings.still);
            if shares.len() >= self.settings.fewest_steps && still {
                break;
            }
        }
        let mean = self.decider.propose(false)?;
        let action = self.decider.action(mean);
        self.steps.push(Step { chosen: true, ..Step::new(segment.index, Candidate::Mean, action, None) });
        Ok(Decided { sizing: SizeRule::Action(action).into(), resize, action: Some(action) })
    }

    fn bytes(&self) -> u64 {
        PolicyKind::Published.bytes()
    }

    fn take_steps(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    fn trial_bytes(&self) -> u64 {
        self.trial_bytes
    }

    fn save(&self) -> Result<Vec<u8>> {
        checkpoint::to_bytes(&self.decider)
    }

    fn restore(&mut self, saved: &[u8]) -> Result<()> {
        checkpoint::from_bytes(&mut self.decider, saved).map(|_| ())
    }
}
