//! SCALL's search as published (Qu et al., CIKM 2024), with an end.
//!
//! Under the published protocol it goes through the segment that is over, and is judged by that one's test
//! part. Under the equal one it goes through the train part of the segment to come, and is judged by the end
//! of that.

use anyhow::Result;
use scall_core::frequency::rank;
use scall_core::segment::{ActionSpace, Decider, ResizeSettings, SizeRule};
use scall_core::side::{PerSide, Side};
use scall_core::snapshot::{Reader, Snapshot, SnapshotError, Writer};
use scall_core::state::SideState;
use serde::{Deserialize, Serialize};

use super::policy::{PolicyKind, PolicyMemory};
use super::trial::{Task, TrialSettings};
use super::{Decided, SizingMethod};
use crate::experiment::model::Model;
use crate::experiment::protocol::Segment;
use crate::experiment::runner::Experiment;
use crate::experiment::{Protocol, TargetNetworks, checkpoint};
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
    /// The ratios to the baseline that earn rewards of 0 and 10 (published: 0.7 and 1.2 for Yelp, 0.9 and 1.1
    /// for Amazon-Book).
    pub ratios: (f64, f64),
    /// How the targets of the critics begin.
    pub target_networks: TargetNetworks,
    /// How candidates are judged.
    pub trial: TrialSettings,
    /// How a policy's action becomes rows.
    pub resize: ResizeSettings,
}

/// Where the search tries its actions.
pub trait Environment {
    /// The quality that rewards are relative to.
    ///
    /// # Errors
    /// If it cannot be measured.
    fn baseline(&mut self) -> Result<f64>;

    /// The segment that sizes are searched for.
    fn segment(&self) -> usize;

    /// What the policy reads before the first step; `None` if it has read it.
    fn state(&mut self) -> Option<Observed>;

    /// Trains and measures a fresh model with the sizes of `rule`.
    ///
    /// # Errors
    /// If it cannot be trained.
    fn step(&mut self, rule: &SizeRule) -> Result<Outcome>;

    /// Is told after every step, to save what `method` has learned.
    ///
    /// # Errors
    /// If it cannot be saved.
    fn pause(&mut self, _method: &dyn SizingMethod) -> Result<()> {
        Ok(())
    }
}

/// What came of an action.
#[derive(Debug)]
pub struct Outcome {
    /// The quality of the model.
    pub quality: f64,
    /// What the policy reads after it; `None` if that stays the same.
    pub state: Option<Observed>,
    /// Bytes that the model took.
    pub bytes: u64,
}

/// What a policy reads of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Ids by descending frequency.
    pub order: PerSide<Vec<u32>>,
    /// Frequencies by id.
    pub frequencies: PerSide<Vec<f32>>,
    /// Mean over the entities of their rows, filled up with zeros.
    pub means: PerSide<Vec<f32>>,
    /// Largest and smallest size.
    pub extremes: PerSide<[f32; 2]>,
}

impl Observed {
    fn sides(&self) -> PerSide<SideState<'_>> {
        let side = |side: Side| {
            let [largest, smallest] = *self.extremes.get(side);
            SideState {
                order: self.order.get(side),
                frequencies: self.frequencies.get(side),
                mean_embedding: self.means.get(side),
                largest,
                smallest,
            }
        };
        PerSide::new(side(Side::User), side(Side::Item))
    }
}

/// The part of the last state that belongs to the model and not to the segment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct LastModel {
    means: PerSide<Vec<f32>>,
    extremes: PerSide<[f32; 2]>,
}

/// The published search.
#[derive(Debug)]
pub struct Published<'a> {
    settings: PublishedSettings,
    decider: Decider<'a>,
    /// The policy's mean share before each step of the search under way.
    shares: Vec<f32>,
    last_model: LastModel,
    /// Candidates of the search under way, and the bytes of the largest model among all.
    steps: Vec<Step>,
    trial_bytes: u64,
}

/// How many steps the share must stand still.
const STILL_STEPS: usize = 4;

impl<'a> Published<'a> {
    /// A search whose policy has learned nothing.
    ///
    /// # Errors
    /// If the policy's settings are wrong.
    pub fn new(settings: PublishedSettings, memory: &'a mut PolicyMemory, seed: u64) -> Result<Self> {
        let kind = PolicyKind::Published(settings.target_networks);
        let decider = memory.decider(kind, ActionSpace::Published, seed)?;
        Ok(Self {
            settings,
            decider,
            shares: Vec::new(),
            last_model: LastModel::default(),
            steps: Vec::new(),
            trial_bytes: 0,
        })
    }

    /// Goes on with the search until the share stands still.
    fn search(&mut self, environment: &mut dyn Environment) -> Result<()> {
        let baseline = environment.baseline()?;
        let (low, high) = self.settings.ratios;
        if self.shares.is_empty()
            && let Some(state) = environment.state()
        {
            self.decider.read_sides(&state.sides())?;
        }
        while !self.is_settled() {
            self.shares.push(self.decider.propose(false)?[0]);
            let positions = self.decider.propose(true)?;
            let action = self.decider.action(positions);
            let outcome = environment.step(&SizeRule::Action(action))?;
            self.trial_bytes = self.trial_bytes.max(outcome.bytes);
            // Where nobody was right before, nothing can be compared.
            let ratio = if baseline > 0.0 { outcome.quality / baseline } else { 1.0 };
            let reward = (10.0 * (ratio - low) / (high - low)) as f32;
            if let Some(state) = outcome.state {
                // The state has the ratio itself.
                self.decider.set_last_reward(ratio as f32);
                self.decider.read_sides(&state.sides())?;
                self.decider.reward(positions, reward, true)?;
                self.decider.set_last_reward(ratio as f32);
                self.last_model = LastModel { means: state.means, extremes: state.extremes };
            } else {
                self.decider.reward(positions, reward, false)?;
            }
            self.steps.push(Step::new(environment.segment(), Candidate::Draw, action, Some(reward)));
            environment.pause(self)?;
        }
        Ok(())
    }

    fn is_settled(&self) -> bool {
        let steps = self.shares.len();
        let last = steps.saturating_sub(STILL_STEPS + 1);
        let still = || {
            let pairs = self.shares.get(last..).unwrap_or_default().windows(2);
            pairs.into_iter().all(|pair| (pair[1] - pair[0]).abs() <= self.settings.still)
        };
        steps >= self.settings.most_steps || (steps >= self.settings.fewest_steps && still())
    }

    /// Reads the segment to come: its frequencies, beside what the last candidate was.
    fn read_ahead(&mut self, recommender: &dyn Model) -> Result<()> {
        let LastModel { means, extremes } = self.last_model.clone();
        let frequencies = |side| recommender.frequencies(side).into_owned();
        let frequencies = PerSide::new(frequencies(Side::User), frequencies(Side::Item));
        let order = PerSide::new(ranking(&frequencies.user), ranking(&frequencies.item));
        let state = Observed { order, frequencies, means, extremes };
        Ok(self.decider.read_sides(&state.sides())?)
    }
}

fn ranking(counts: &[f32]) -> Vec<u32> {
    let mut order = vec![0; counts.len()];
    rank(counts, &mut order);
    order
}

/// The trials of a segment's train part.
struct Trials<'t> {
    task: Task<'t>,
    segment: usize,
    violations: &'t mut u64,
}

impl Environment for Trials<'_> {
    fn baseline(&mut self) -> Result<f64> {
        Ok(self.step(&SizeRule::Uniform)?.quality.max(1e-9))
    }

    fn segment(&self) -> usize {
        self.segment
    }

    fn state(&mut self) -> Option<Observed> {
        None
    }

    fn step(&mut self, rule: &SizeRule) -> Result<Outcome> {
        let trial = self.task.trial(&(*rule).into())?;
        *self.violations += trial.violations;
        let quality = trial.qualities.iter().sum::<f64>() / trial.qualities.len() as f64;
        Ok(Outcome { quality, state: None, bytes: self.task.bytes() })
    }
}

impl SizingMethod for Published<'_> {
    fn rehearse(&mut self, environment: &mut dyn Environment) -> Result<()> {
        self.search(environment)
    }

    fn decide(
        &mut self,
        experiment: &Experiment<'_>,
        segment: &Segment,
        recommender: &mut dyn Model,
        violations: &mut u64,
    ) -> Result<Decided> {
        let resize = self.settings.resize;
        if segment.index == 0 {
            return Ok(Decided { sizing: SizeRule::Uniform.into(), resize, action: None });
        }
        match experiment.request.protocol {
            Protocol::Published => self.read_ahead(recommender)?,
            Protocol::Equal => {
                recommender.show(&mut self.decider)?;
                let task = Task::new(experiment, segment, recommender, self.settings.trial, resize)?;
                self.search(&mut Trials { task, segment: segment.index, violations })?;
            }
        }
        self.shares.clear();
        let mean = self.decider.propose(false)?;
        let action = self.decider.action(mean);
        self.steps.push(Step { chosen: true, ..Step::new(segment.index, Candidate::Mean, action, None) });
        Ok(Decided { sizing: SizeRule::Action(action).into(), resize, action: Some(action) })
    }

    fn bytes(&self) -> u64 {
        PolicyKind::Published(self.settings.target_networks).bytes()
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

/// The policy at work, and how far its search has come with what it has found.
impl Snapshot for Published<'_> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        self.decider.save(writer)?;
        writer.put(&self.shares)?;
        writer.put(&self.last_model)?;
        writer.put(&self.steps)?;
        writer.put(&self.trial_bytes)
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.decider.load(reader)?;
        let (shares, last_model) = (reader.take()?, reader.take()?);
        let (steps, trial_bytes) = (reader.take()?, reader.take()?);
        if !reader.is_dry() {
            (self.shares, self.last_model) = (shares, last_model);
            (self.steps, self.trial_bytes) = (steps, trial_bytes);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::settings::Settings;

    /// Gives the same quality to everyone.
    struct Indifferent {
        baseline: f64,
        quality: f64,
        state: Option<Observed>,
        steps: usize,
        stops_after: usize,
    }

    impl Environment for Indifferent {
        fn baseline(&mut self) -> Result<f64> {
            Ok(self.baseline)
        }

        fn segment(&self) -> usize {
            1
        }

        fn state(&mut self) -> Option<Observed> {
            self.state.clone()
        }

        fn step(&mut self, _rule: &SizeRule) -> Result<Outcome> {
            self.steps += 1;
            Ok(Outcome { quality: self.quality, state: self.state.clone(), bytes: 7 })
        }

        fn pause(&mut self, _method: &dyn SizingMethod) -> Result<()> {
            anyhow::ensure!(self.steps < self.stops_after, "stopped");
            Ok(())
        }
    }

    fn environment(baseline: f64, state: Option<Observed>) -> Indifferent {
        Indifferent { baseline, quality: 0.25, state, steps: 0, stops_after: usize::MAX }
    }

    fn state() -> Observed {
        Observed {
            order: PerSide::new(vec![1, 0], vec![0, 2, 1]),
            frequencies: PerSide::new(vec![1.0, 3.0], vec![2.0, 0.0, 1.0]),
            means: PerSide::new(vec![0.1; 4], vec![0.2; 3]),
            extremes: PerSide::new([4.0, 1.0], [9.0, 2.0]),
        }
    }

    fn settings(still: f32, fewest_steps: usize, most_steps: usize) -> PublishedSettings {
        let published = Settings::default().published;
        PublishedSettings { still, fewest_steps, most_steps, ratios: (0.9, 1.1), ..published }
    }

    fn search(settings: PublishedSettings, environment: &mut Indifferent) -> (f32, Vec<f32>) {
        let mut memory = PolicyMemory::default();
        let mut method = Published::new(settings, &mut memory, 3).unwrap();
        method.rehearse(environment).unwrap();
        (method.decider.last_reward(), method.shares)
    }

    #[test]
    fn a_search_ends_when_the_share_stands_still_and_not_before_its_fewest_steps() {
        // Every share is still, and none is.
        let (_, shares) = search(settings(1.0, 6, 9), &mut environment(0.2, None));
        assert_eq!(shares.len(), 6);
        let (_, shares) = search(settings(-1.0, 3, 7), &mut environment(0.2, None));
        assert_eq!(shares.len(), 7);
    }

    #[test]
    fn rewards_are_rescaled_and_the_state_has_the_ratio() {
        // 0.25 to 0.2 is 1.25: 10 * 0.35 / 0.2.
        let (last, _) = search(settings(1.0, 1, 1), &mut environment(0.2, None));
        assert!((last - 17.5).abs() < 1e-4, "{last}");
        let (last, _) = search(settings(1.0, 1, 1), &mut environment(0.2, Some(state())));
        assert_eq!(last, 1.25);
        // Without a baseline everyone is as good as it.
        let (last, _) = search(settings(1.0, 1, 1), &mut environment(0.0, Some(state())));
        assert_eq!(last, 1.0);
    }

    #[test]
    fn a_search_that_was_stopped_goes_on_where_it_was() {
        let settings = settings(-1.0, 2, 5);
        let (mut memory, mut other_memory) = (PolicyMemory::default(), PolicyMemory::default());
        let mut stopped = Published::new(settings, &mut memory, 3).unwrap();
        let mut first = Indifferent { stops_after: 3, ..environment(0.2, Some(state())) };
        assert!(stopped.rehearse(&mut first).is_err());
        let saved = SizingMethod::save(&stopped).unwrap();
        let mut resumed = Published::new(settings, &mut other_memory, 8).unwrap();
        resumed.restore(&saved).unwrap();
        let mut rest = environment(0.2, Some(state()));
        resumed.rehearse(&mut rest).unwrap();
        assert_eq!((first.steps, rest.steps), (3, 2));
        let whole = search(settings, &mut environment(0.2, Some(state()))).1;
        assert_eq!(resumed.shares, whole);
        assert_eq!((resumed.take_steps().len(), resumed.trial_bytes()), (5, 7));
    }
}
