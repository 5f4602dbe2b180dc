//! Every choice about the policy: first written down, then checked.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::actor::{MAX_LOG_STD, MIN_LOG_STD};
use super::{Action, MAX_BATCH, MAX_CAPACITY, SacShape, Sampling, WeightDecay};

/// The price of a predictable action: the `alpha` of soft actor-critic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum EntropyWeight {
    /// Always the same, 0 to 100 (published: 0.2).
    Fixed(f32),
    /// Learned, so that the policy's entropy stays near a target.
    Learned {
        /// The first weight, above 0 and at most 100.
        initial: f32,
        /// The entropy to hold in nats, -100 to 100; the usual choice is minus the numbers of an action, -3.
        target: f32,
        /// Adam's step size for the logarithm of the weight, above 0 and at most 1.
        learning_rate: f32,
    },
}

/// Where the policy begins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum InitialPolicy {
    /// Xavier-uniform heads without bias: about the middle, different in every state (published).
    Xavier,
    /// Around one action in every state: the heads' weights begin a hundred times smaller.
    Action {
        /// The action at the mean, each number in 0.001 to 0.999.
        mean: Action,
        /// Logarithm of the standard deviation before squashing, [`MIN_LOG_STD`] to [`MAX_LOG_STD`].
        log_std: f32,
    },
}

/// The settings of a policy, unchecked.
///
/// [`SacConfig::new`] is SCALL's published policy without its two slips, [`SacConfig::published`] with
/// them, and [`SacConfig::compact`] one for small states and few transitions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SacConfig {
    /// What decides the memory.
    pub shape: SacShape,
    /// Worth of the next step's return beside this step's reward, the `gamma`: 0 up to but not including 1
    /// (published: 0.99). At 0 the policy learns rewards alone and next states are never looked at.
    pub discount: f32,
    /// How far the targets move to the critics at an update, the `tau`: above 0, at most 1 (published:
    /// 0.005).
    pub target_rate: f32,
    /// Adam's step size for the actor: above 0, at most 1 (published: 2e-4).
    pub actor_learning_rate: f32,
    /// Adam's step size for the critics: above 0, at most 1 (published: 3e-4).
    pub critic_learning_rate: f32,
    /// The pull of all weights and biases to zero: factor 0 to 1 (published: L2 of 1e-4).
    pub weight_decay: WeightDecay,
    /// Greatest Euclidean norm of the actor's gradient, above 0; `None` leaves it as it is (published: 1).
    pub actor_gradient_norm: Option<f32>,
    /// Greatest Euclidean norm of each critic's gradient, above 0; `None` leaves it as it is (published).
    pub critic_gradient_norm: Option<f32>,
    /// The price of a predictable action (published: fixed at 0.2).
    pub entropy_weight: EntropyWeight,
    /// Whether the targets begin as copies of the critics; the published ones are drawn apart.
    pub synchronised_targets: bool,
    /// Whether a batch is a single transition until 13 are stored (published); otherwise a batch is what
    /// is stored, up to its size.
    pub first_batches_of_one: bool,
    /// How batches are chosen (published: by recency).
    pub sampling: Sampling,
    /// How many updates the caller is to make for each step of the environment, 1 to 10,000 (published: 3).
    pub updates_per_step: u32,
    /// Where the policy begins (published: Xavier).
    pub initial_policy: InitialPolicy,
}

impl SacConfig {
    /// Numbers of the published state.
    pub const PUBLISHED_STATE: u32 = 1028;

    /// The published policy over states of `state` numbers, with its targets synchronised at the start and
    /// full batches from the beginning.
    pub const fn new(state: u32) -> Self {
        Self {
            shape: SacShape { state, hidden: 512, batch: 8, capacity: 10_000 },
            discount: 0.99,
            target_rate: 0.005,
            actor_learning_rate: 2e-4,
            critic_learning_rate: 3e-4,
            weight_decay: WeightDecay::L2(1e-4),
            actor_gradient_norm: Some(1.0),
            critic_gradient_norm: None,
            entropy_weight: EntropyWeight::Fixed(0.2),
            synchronised_targets: true,
            first_batches_of_one: false,
            sampling: Sampling::Recency,
            updates_per_step: 3,
            initial_policy: InitialPolicy::Xavier,
        }
    }

    /// The published policy as it is, over states of 1028 numbers.
    pub const fn published() -> Self {
        let mut config = Self::new(Self::PUBLISHED_STATE);
        config.synchronised_targets = false;
        config.first_batches_of_one = true;
        config
    }

    /// A policy for states of some tens of numbers and some tens of transitions, a few thousand weights.
    ///
    /// It judges each action by its reward alone, begins around the middle and stays wider than usual, since
    /// what it has not tried in few steps it cannot learn. Rewards should differ by about 1 to 3. On a reward
    /// with one peak in the cube and noise of a tenth to a third of its range, 30 steps of 10 updates bring
    /// the mean action to 0.95 to 0.98 of the peak (uniform actions: 0.26), and 3 updates are not much worse.
    pub const fn compact(state: u32) -> Self {
        Self {
            shape: SacShape { state, hidden: 63, batch: 16, capacity: 1_024 },
            discount: 0.0,
            target_rate: 0.02,
            actor_learning_rate: 1e-3,
            critic_learning_rate: 3e-3,
            weight_decay: WeightDecay::L2(1e-4),
            actor_gradient_norm: Some(1.0),
            critic_gradient_norm: Some(10.0),
            entropy_weight: EntropyWeight::Learned { initial: 0.5, target: -1.5, learning_rate: 3e-3 },
            synchronised_targets: true,
            first_batches_of_one: false,
            sampling: Sampling::Recency,
            updates_per_step: 10,
            initial_policy: InitialPolicy::Action { mean: [0.5; 3], log_std: -0.5 },
        }
    }

    /// Checks every field against its range.
    ///
    /// # Errors
    ///
    /// The first field, in the order of the struct, that is outside its range.
    pub fn validate(&self) -> Result<ValidSacConfig, SacConfigError> {
        use SacConfigError as Error;
        let shape = self.shape;
        check(shape.state >= 1 && shape.state <= SacShape::MAX_STATE, Error::State(shape.state))?;
        check(shape.hidden >= 1 && shape.hidden <= SacShape::MAX_HIDDEN, Error::Hidden(shape.hidden))?;
        check(shape.batch >= 1 && shape.batch as usize <= MAX_BATCH, Error::Batch(shape.batch))?;
        check(shape.capacity >= 1 && shape.capacity <= MAX_CAPACITY, Error::Capacity(shape.capacity))?;
        check((0.0..1.0).contains(&self.discount), Error::Discount(self.discount))?;
        check(above_zero_to(self.target_rate, 1.0), Error::TargetRate(self.target_rate))?;
        let rate = self.actor_learning_rate;
        check(above_zero_to(rate, 1.0), Error::ActorLearningRate(rate))?;
        let rate = self.critic_learning_rate;
        check(above_zero_to(rate, 1.0), Error::CriticLearningRate(rate))?;
        let (WeightDecay::L2(decay) | WeightDecay::Decoupled(decay)) = self.weight_decay;
        check((0.0..=1.0).contains(&decay), Error::WeightDecay(decay))?;
        let norm = self.actor_gradient_norm.unwrap_or(1.0);
        check(above_zero_to(norm, f32::MAX), Error::ActorGradientNorm(norm))?;
        let norm = self.critic_gradient_norm.unwrap_or(1.0);
        check(above_zero_to(norm, f32::MAX), Error::CriticGradientNorm(norm))?;
        match self.entropy_weight {
            EntropyWeight::Fixed(weight) => {
                check((0.0..=100.0).contains(&weight), Error::EntropyWeight(weight))?;
            }
            EntropyWeight::Learned { initial, target, learning_rate } => {
                check(above_zero_to(initial, 100.0), Error::EntropyWeight(initial))?;
                check((-100.0..=100.0).contains(&target), Error::EntropyTarget(target))?;
                check(above_zero_to(learning_rate, 1.0), Error::EntropyLearningRate(learning_rate))?;
            }
        }
        let updates = self.updates_per_step;
        check((1..=10_000).contains(&updates), Error::UpdatesPerStep(updates))?;
        if let InitialPolicy::Action { mean, log_std } = self.initial_policy {
            for number in mean {
                check((0.001..=0.999).contains(&number), Error::InitialAction(number))?;
            }
            check((MIN_LOG_STD..=MAX_LOG_STD).contains(&log_std), Error::InitialLogStd(log_std))?;
        }
        Ok(ValidSacConfig(*self))
    }
}

fn check(holds: bool, error: SacConfigError) -> Result<(), SacConfigError> {
    if holds { Ok(()) } else { Err(error) }
}

fn above_zero_to(value: f32, greatest: f32) -> bool {
    value > 0.0 && value <= greatest
}

/// The settings of a policy, every field inside its range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ValidSacConfig(SacConfig);

impl ValidSacConfig {
    /// The settings.
    pub const fn get(&self) -> &SacConfig {
        &self.0
    }

    /// What decides the memory.
    pub const fn shape(&self) -> &SacShape {
        &self.0.shape
    }
}

/// Which setting of a policy is outside its range, and what it was.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum SacConfigError {
    /// [`SacShape::state`].
    State(u32),
    /// [`SacShape::hidden`].
    Hidden(u32),
    /// [`SacShape::batch`].
    Batch(u32),
    /// [`SacShape::capacity`].
    Capacity(u32),
    /// [`SacConfig::discount`].
    Discount(f32),
    /// [`SacConfig::target_rate`].
    TargetRate(f32),
    /// [`SacConfig::actor_learning_rate`].
    ActorLearningRate(f32),
    /// [`SacConfig::critic_learning_rate`].
    CriticLearningRate(f32),
    /// [`SacConfig::weight_decay`].
    WeightDecay(f32),
    /// [`SacConfig::actor_gradient_norm`].
    ActorGradientNorm(f32),
    /// [`SacConfig::critic_gradient_norm`].
    CriticGradientNorm(f32),
    /// The fixed or first weight of [`SacConfig::entropy_weight`].
    EntropyWeight(f32),
    /// The target of [`EntropyWeight::Learned`].
    EntropyTarget(f32),
    /// The step size of [`EntropyWeight::Learned`].
    EntropyLearningRate(f32),
    /// [`SacConfig::updates_per_step`].
    UpdatesPerStep(u32),
    /// A number of the mean of [`InitialPolicy::Action`].
    InitialAction(f32),
    /// The spread of [`InitialPolicy::Action`].
    InitialLogStd(f32),
}

impl fmt::Display for SacConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::State(_) => "a state needs 1 to 1,048,576 numbers",
            Self::Hidden(_) => "a hidden layer needs 1 to 16,384 units",
            Self::Batch(_) => "a batch needs 1 to 64 transitions",
            Self::Capacity(_) => "the replay needs room for 1 to 65,536 transitions",
            Self::Discount(_) => "the discount must be at least 0 and below 1",
            Self::TargetRate(_) => "the target rate must be above 0 and at most 1",
            Self::ActorLearningRate(_) => "the actor's learning rate must be above 0 and at most 1",
            Self::CriticLearningRate(_) => "the critics' learning rate must be above 0 and at most 1",
            Self::WeightDecay(_) => "the weight decay must be 0 to 1",
            Self::ActorGradientNorm(_) => "the actor's gradient norm must be above 0 and finite",
            Self::CriticGradientNorm(_) => "the critics' gradient norm must be above 0 and finite",
            Self::EntropyWeight(_) => "the entropy weight must be 0 to 100, and above 0 to be learned",
            Self::EntropyTarget(_) => "the target entropy must be -100 to 100",
            Self::EntropyLearningRate(_) => {
                "the entropy weight's learning rate must be above 0 and at most 1"
            }
            Self::UpdatesPerStep(_) => "the updates per step must be 1 to 10,000",
            Self::InitialAction(_) => "the initial action's numbers must be 0.001 to 0.999",
            Self::InitialLogStd(_) => "the initial logarithm of the standard deviation must be -20 to 2",
        })
    }
}

impl core::error::Error for SacConfigError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn presets_are_valid_and_as_published() {
        let published = SacConfig::published().validate().unwrap();
        let config = published.get();
        assert_eq!(*published.shape(), SacShape { state: 1028, hidden: 512, batch: 8, capacity: 10_000 });
        assert!(config.first_batches_of_one && !config.synchronised_targets);
        assert_eq!(config.entropy_weight, EntropyWeight::Fixed(0.2));
        assert_eq!((config.discount, config.target_rate), (0.99, 0.005));
        assert_eq!((config.actor_learning_rate, config.critic_learning_rate), (2e-4, 3e-4));
        assert!(SacConfig::new(1).validate().is_ok());
        assert!(SacConfig::compact(36).validate().is_ok());
    }

    #[test]
    fn every_field_is_checked() {
        type Change = fn(&mut SacConfig);
        let learned =
            |initial, target, learning_rate| EntropyWeight::Learned { initial, target, learning_rate };
        let _ = learned;
        let cases: &[(Change, SacConfigError)] = &[
            (|c| c.shape.state = 0, SacConfigError::State(0)),
            (|c| c.shape.state = 1_048_577, SacConfigError::State(1_048_577)),
            (|c| c.shape.hidden = 0, SacConfigError::Hidden(0)),
            (|c| c.shape.hidden = 16_385, SacConfigError::Hidden(16_385)),
            (|c| c.shape.batch = 0, SacConfigError::Batch(0)),
            (|c| c.shape.batch = 65, SacConfigError::Batch(65)),
            (|c| c.shape.capacity = 0, SacConfigError::Capacity(0)),
            (|c| c.shape.capacity = 65_537, SacConfigError::Capacity(65_537)),
            (|c| c.discount = -0.1, SacConfigError::Discount(-0.1)),
            (|c| c.discount = 1.0, SacConfigError::Discount(1.0)),
            (|c| c.target_rate = 0.0, SacConfigError::TargetRate(0.0)),
            (|c| c.target_rate = 1.5, SacConfigError::TargetRate(1.5)),
            (|c| c.actor_learning_rate = 0.0, SacConfigError::ActorLearningRate(0.0)),
            (|c| c.actor_learning_rate = 2.0, SacConfigError::ActorLearningRate(2.0)),
            (|c| c.critic_learning_rate = -1.0, SacConfigError::CriticLearningRate(-1.0)),
            (|c| c.critic_learning_rate = f32::INFINITY, SacConfigError::CriticLearningRate(f32::INFINITY)),
            (|c| c.weight_decay = WeightDecay::L2(-1e-4), SacConfigError::WeightDecay(-1e-4)),
            (|c| c.weight_decay = WeightDecay::Decoupled(1.1), SacConfigError::WeightDecay(1.1)),
            (|c| c.actor_gradient_norm = Some(0.0), SacConfigError::ActorGradientNorm(0.0)),
            (|c| c.critic_gradient_norm = Some(-1.0), SacConfigError::CriticGradientNorm(-1.0)),
            (|c| c.entropy_weight = EntropyWeight::Fixed(-0.1), SacConfigError::EntropyWeight(-0.1)),
            (|c| c.entropy_weight = EntropyWeight::Fixed(101.0), SacConfigError::EntropyWeight(101.0)),
            (
                |c| {
                    c.entropy_weight =
                        EntropyWeight::Learned { initial: 0.0, target: -3.0, learning_rate: 0.1 };
                },
                SacConfigError::EntropyWeight(0.0),
            ),
            (
                |c| {
                    c.entropy_weight =
                        EntropyWeight::Learned { initial: 0.2, target: 101.0, learning_rate: 0.1 };
                },
                SacConfigError::EntropyTarget(101.0),
            ),
            (
                |c| {
                    c.entropy_weight =
                        EntropyWeight::Learned { initial: 0.2, target: -3.0, learning_rate: 0.0 };
                },
                SacConfigError::EntropyLearningRate(0.0),
            ),
            (|c| c.updates_per_step = 0, SacConfigError::UpdatesPerStep(0)),
            (|c| c.updates_per_step = 10_001, SacConfigError::UpdatesPerStep(10_001)),
            (
                |c| c.initial_policy = InitialPolicy::Action { mean: [0.5, 0.0, 0.5], log_std: 0.0 },
                SacConfigError::InitialAction(0.0),
            ),
            (
                |c| c.initial_policy = InitialPolicy::Action { mean: [0.5; 3], log_std: 2.5 },
                SacConfigError::InitialLogStd(2.5),
            ),
        ];
        let mut messages = std::collections::BTreeSet::new();
        for (change, expected) in cases {
            let mut config = SacConfig::new(4);
            change(&mut config);
            assert_eq!(config.validate(), Err(*expected));
            messages.insert(expected.to_string());
        }
        assert_eq!(messages.len(), 17, "every variant has a message of its own");
    }

    #[test]
    fn no_number_is_refused_everywhere() {
        let nan: [fn(&mut SacConfig); 8] = [
            |c| c.discount = f32::NAN,
            |c| c.target_rate = f32::NAN,
            |c| c.actor_learning_rate = f32::NAN,
            |c| c.critic_learning_rate = f32::NAN,
            |c| c.weight_decay = WeightDecay::L2(f32::NAN),
            |c| c.actor_gradient_norm = Some(f32::NAN),
            |c| c.critic_gradient_norm = Some(f32::NAN),
            |c| c.entropy_weight = EntropyWeight::Fixed(f32::NAN),
        ];
        for change in nan {
            let mut config = SacConfig::new(4);
            change(&mut config);
            assert!(config.validate().is_err());
        }
    }
}
