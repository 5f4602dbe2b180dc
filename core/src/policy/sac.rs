//! Soft actor-critic: act, remember, update.

use serde::{Deserialize, Serialize};

use super::actor::{self, HEADS};
use super::adam::Step;
use super::kernels::{Block, Kernels, Portable};
use super::memory::{Networks, SacMemory, Scratch};
use super::mlp;
use super::replay::{MAX_BATCH, Replay, Transition};
use super::update::{add_targets, gather, heads, step_actor, step_critics, write_state};
use super::{
    ACTION, Action, EntropyWeight, InitialPolicy, Part, Policy, SacConfig, SacError, ValidSacConfig,
};
use crate::math::{self, LANES};
use crate::random::Generator;

/// How many transitions end the batches of one.
const WARM: u32 = 13;
/// Bounds of the logarithm of a learned entropy weight: 4.5e-5 and 22,026.
const LOG_WEIGHT_BOUND: f32 = 10.0;
/// The initial heads' weights, if the policy is to begin at one action.
const SMALL_HEAD: f32 = 0.01;

/// A policy in lent memory.
///
/// Equal settings, generators and calls give equal bits on every target.
#[derive(Debug)]
pub struct Sac<'a> {
    config: ValidSacConfig,
    networks: &'a mut [Block],
    scratch: &'a mut [Block],
    replay: Replay<'a>,
    generator: Generator,
    updates: u32,
    log_entropy_weight: f32,
    entropy_moments: [f32; 2],
}

/// What an update found, before it moved anything.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Losses {
    /// Sum over both critics of the mean squared error.
    pub critic: f32,
    /// Mean over the batch of `entropy_weight * log_probability - value`.
    pub actor: f32,
    /// Mean log-probability of the actions that the policy would take, in nats: minus its entropy.
    pub log_probability: f32,
    /// The price of a predictable action that was in force.
    pub entropy_weight: f32,
    /// Norm of the actor's gradient before it was clipped.
    pub actor_gradient_norm: f32,
}

/// Everything of a policy that is not in its slices.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Updates made.
    pub updates: u32,
    /// Transitions stored.
    pub stored: u32,
    /// Slot of the next transition.
    pub next: u32,
    /// Logarithm of a learned entropy weight.
    pub log_entropy_weight: f32,
    /// Its two moments.
    pub entropy_moments: [f32; 2],
    /// State of the generator.
    pub generator: [u8; 16],
}

impl<'a> Sac<'a> {
    /// Greatest magnitude of a reward and of a state's numbers, so that no square overflows.
    pub const MAX_MAGNITUDE: f32 = 1e6;

    /// A new policy, its weights drawn in place. O(weights); the replay's memory is not touched.
    ///
    /// # Errors
    ///
    /// [`SacError::Memory`] if a slice is too short; nothing is written then.
    pub fn new(
        config: &ValidSacConfig,
        memory: SacMemory<'a>,
        generator: Generator,
    ) -> Result<Self, SacError> {
        let shape = config.shape();
        let SacMemory { networks, replay, scratch } = memory;
        let networks = lend(networks, shape.networks_len(), Part::Networks)?;
        let scratch = lend(scratch, shape.scratch_len(), Part::Scratch)?;
        let replay = lend(replay, shape.replay_len(), Part::Replay)?;
        let log_entropy_weight = match config.get().entropy_weight {
            EntropyWeight::Fixed(_) => 0.0,
            EntropyWeight::Learned { initial, .. } => log_weight(initial),
        };
        let mut sac = Self {
            config: *config,
            networks: networks.as_chunks_mut().0,
            scratch: scratch.as_chunks_mut().0,
            replay: Replay::new(replay, shape.state as usize, shape.capacity),
            generator,
            updates: 0,
            log_entropy_weight,
            entropy_moments: [0.0; 2],
        };
        sac.initialise();
        Ok(sac)
    }

    fn initialise(&mut self) {
        let config = *self.config.get();
        let (actor, critic) = (config.shape.actor(), config.shape.critic());
        self.networks.fill([0.0; LANES]);
        let Some(mut networks) = Networks::take(&config.shape, self.networks) else { return };
        actor.initialise(networks.actor.weights, 2, &mut self.generator);
        for critics in &mut networks.critics {
            critic.initialise(critics.weights, 1, &mut self.generator);
        }
        for (target, source) in networks.targets.iter_mut().zip(&networks.critics) {
            if config.synchronised_targets {
                for (target, source) in target.iter_mut().zip(source.weights.iter()) {
                    *target = *source;
                }
            } else {
                critic.initialise(target, 1, &mut self.generator);
            }
        }
        if let InitialPolicy::Action { mean, log_std } = config.initial_policy {
            let means = mean.into_iter().map(actor::inverse);
            for (head, bias) in means.chain([log_std; ACTION]).enumerate() {
                let Some(row) = actor.output_row(networks.actor.weights, head) else { return };
                for weight in row.iter_mut() {
                    *weight *= SMALL_HEAD;
                }
                if let Some(place) = row.get_mut(actor.hidden) {
                    *place = bias;
                }
            }
        }
    }

    /// The settings.
    pub fn config(&self) -> &SacConfig {
        self.config.get()
    }

    /// The stored transitions.
    pub fn replay(&self) -> &Replay<'a> {
        &self.replay
    }

    /// Updates made.
    pub fn updates(&self) -> u32 {
        self.updates
    }

    /// The price of a predictable action that is in force.
    pub fn entropy_weight(&self) -> f32 {
        match self.config.get().entropy_weight {
            EntropyWeight::Fixed(weight) => weight,
            EntropyWeight::Learned { .. } => math::exp(self.log_entropy_weight),
        }
    }

    /// The action for `state`: drawn from the policy to explore, at its mean otherwise. One pass through the
    /// actor, and three normal numbers to explore.
    ///
    /// # Errors
    ///
    /// [`SacError::StateLength`] or [`SacError::State`] for a state of another length or with a number
    /// beyond [`Sac::MAX_MAGNITUDE`]; no random number is drawn then.
    pub fn act(&mut self, state: &[f32], explore: bool) -> Result<Action, SacError> {
        self.check_state(state)?;
        let shape = *self.config.shape();
        let middle = [0.5; ACTION];
        let Some(mut scratch) = Scratch::take(&shape, 1, self.scratch) else { return Ok(middle) };
        let Some(networks) = Networks::take(&shape, self.networks) else { return Ok(middle) };
        let mut inputs = scratch.actor_inputs.leading(1);
        for row in inputs.iter_mut() {
            write_state(row, state, 0);
        }
        let mut trace = scratch.actor.leading(1);
        mlp::forward::<Portable>(
            shape.actor(),
            networks.actor.weights,
            inputs.shared(),
            &mut trace,
            scratch.shared,
        );
        let heads = trace.outputs.shared().iter().next().map_or([0.0; HEADS], heads);
        let action = if explore {
            let noise = [self.generator.normal(), self.generator.normal(), self.generator.normal()];
            actor::sample(&heads, &noise).action
        } else {
            actor::mean(&heads)
        };
        Ok(action.map(|number| if number.is_finite() { number } else { 0.5 }))
    }

    /// Stores what came of an action. O(state); the oldest transition gives way if the ring is full.
    ///
    /// # Errors
    ///
    /// A state as in [`Sac::act`], [`SacError::Action`] for an action outside 0 to 1, [`SacError::Reward`]
    /// for a reward beyond [`Sac::MAX_MAGNITUDE`]; nothing is stored then.
    pub fn remember(&mut self, transition: &Transition<'_>) -> Result<(), SacError> {
        self.check_state(transition.state)?;
        self.check_state(transition.next_state)?;
        for number in transition.action {
            if !(0.0..=1.0).contains(&number) {
                return Err(SacError::Action(number));
            }
        }
        if !within_magnitude(transition.reward) {
            return Err(SacError::Reward(transition.reward));
        }
        self.replay.push(transition);
        Ok(())
    }

    fn check_state(&self, state: &[f32]) -> Result<(), SacError> {
        check_state(self.config.shape().state as usize, state)
    }

    /// Takes one step of the critics, the actor, the targets and a learned entropy weight on one batch;
    /// `None` if nothing is stored. O(weights * batch).
    pub fn update(&mut self) -> Option<Losses> {
        self.update_with::<Portable>()
    }

    /// [`Sac::update`], bit for bit, with loops compiled by the caller.
    pub fn update_with<K: Kernels>(&mut self) -> Option<Losses> {
        let config = *self.config.get();
        let shape = config.shape;
        let entropy_weight = self.entropy_weight();
        let mut positions = [0_u32; MAX_BATCH];
        let size = if config.first_batches_of_one && self.replay.len() < WARM { 1 } else { shape.batch };
        let wanted = positions.get_mut(..size as usize)?;
        let samples = self.replay.sample(config.sampling, &mut self.generator, wanted);
        let positions = wanted.get(..samples)?;
        if positions.is_empty() {
            return None;
        }
        let mut scratch = Scratch::take(&shape, samples, self.scratch)?;
        let mut networks = Networks::take(&shape, self.networks)?;
        gather(&self.replay, positions, &mut scratch);
        for noise in scratch.noise.iter_mut() {
            for number in noise.as_flattened_mut().iter_mut().take(ACTION) {
                *number = self.generator.normal();
            }
        }
        self.updates = self.updates.saturating_add(1);

        // The actor is not moved before the end, so one sweep over its weights serves both kinds of states.
        let weights = &*networks.actor.weights;
        if config.discount > 0.0 {
            let inputs = scratch.actor_inputs.shared();
            mlp::forward::<K>(shape.actor(), weights, inputs, &mut scratch.actor, scratch.shared);
            add_targets::<K>(&config, &networks, &mut scratch, samples, entropy_weight);
        } else {
            let inputs = scratch.actor_inputs.leading(samples);
            let mut trace = scratch.actor.leading(samples);
            mlp::forward::<K>(shape.actor(), weights, inputs.shared(), &mut trace, scratch.shared);
        }
        let critic = step_critics::<K>(&config, &mut networks, &mut scratch, samples, self.updates);
        let mut losses =
            step_actor::<K>(&config, &mut networks, &mut scratch, samples, self.updates, entropy_weight);
        losses.critic = critic;
        self.step_entropy_weight(losses.log_probability);
        Some(losses)
    }

    /// Minimises `-log(weight) * (log_probability + target)`.
    fn step_entropy_weight(&mut self, log_probability: f32) {
        if let EntropyWeight::Learned { target, learning_rate, .. } = self.config.get().entropy_weight {
            let step = Step::new(learning_rate, super::WeightDecay::L2(0.0), self.updates);
            let gradient = -(log_probability + target);
            step.scalar(&mut self.log_entropy_weight, &mut self.entropy_moments, gradient);
            self.log_entropy_weight = self.log_entropy_weight.clamp(-LOG_WEIGHT_BOUND, LOG_WEIGHT_BOUND);
        }
    }

    /// The actor's weights, in the order that [`Actor`](super::Actor) reads.
    pub fn actor_weights(&self) -> impl Iterator<Item = f32> {
        self.config.shape().actor().numbers(self.networks)
    }

    /// All weights, moments and targets.
    pub fn networks(&self) -> &[f32] {
        self.networks.as_flattened()
    }

    pub(super) fn networks_mut(&mut self) -> &mut [f32] {
        self.networks.as_flattened_mut()
    }

    /// The memory of the stored transitions, in the order of their slots.
    pub fn transitions(&self) -> &[f32] {
        self.replay.values(self.replay.len()).unwrap_or_default()
    }

    pub(super) fn transitions_mut(&mut self, stored: u32) -> Option<&mut [f32]> {
        self.replay.values_mut(stored)
    }

    /// Everything that is not in the slices.
    pub fn progress(&self) -> Progress {
        Progress {
            updates: self.updates,
            stored: self.replay.len(),
            next: self.replay.next(),
            log_entropy_weight: self.log_entropy_weight,
            entropy_moments: self.entropy_moments,
            generator: self.generator.state(),
        }
    }

    /// Whether this policy could have made that progress.
    pub(super) fn accepts(&self, progress: &Progress) -> bool {
        let [first, second] = progress.entropy_moments;
        progress.log_entropy_weight.abs() <= LOG_WEIGHT_BOUND
            && first.is_finite()
            && (0.0..f32::INFINITY).contains(&second)
            && self.replay.accepts(progress.stored, progress.next)
    }

    /// Takes on progress that [`Sac::accepts`].
    pub(super) fn set_progress(&mut self, progress: &Progress) {
        self.replay.set_counters(progress.stored, progress.next);
        self.updates = progress.updates;
        self.log_entropy_weight = progress.log_entropy_weight;
        self.entropy_moments = progress.entropy_moments;
        self.generator = Generator::from_state(progress.generator);
    }
}

impl Policy for Sac<'_> {
    fn state_len(&self) -> usize {
        self.config.shape().state as usize
    }

    fn act(&mut self, state: &[f32], explore: bool) -> Result<Action, SacError> {
        Sac::act(self, state, explore)
    }

    /// Remembers the transition and makes [`SacConfig::updates_per_step`] updates.
    fn learn(&mut self, transition: &Transition<'_>) -> Result<(), SacError> {
        self.remember(transition)?;
        for _ in 0..self.config.get().updates_per_step {
            self.update();
        }
        Ok(())
    }
}

/// Refuses a state that is not `needed` numbers of a magnitude that can be computed with.
pub(super) fn check_state(needed: usize, state: &[f32]) -> Result<(), SacError> {
    if state.len() != needed {
        return Err(SacError::StateLength { needed, given: state.len() });
    }
    match state.iter().find(|&&number| !within_magnitude(number)) {
        Some(&number) => Err(SacError::State(number)),
        None => Ok(()),
    }
}

fn log_weight(weight: f32) -> f32 {
    math::ln(weight).clamp(-LOG_WEIGHT_BOUND, LOG_WEIGHT_BOUND)
}

fn within_magnitude(number: f32) -> bool {
    number.abs() <= Sac::MAX_MAGNITUDE
}

fn lend(memory: &mut [f32], needed: usize, part: Part) -> Result<&mut [f32], SacError> {
    let given = memory.len();
    memory.get_mut(..needed).ok_or(SacError::Memory { part, needed, given })
}
