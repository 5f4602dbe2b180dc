//! A plain model of the policy's networks and losses in double precision.

use std::vec;
use std::vec::Vec;

use super::super::actor::HEADS;
use super::super::{ACTION, Sac, SacConfig, SacShape};
use crate::random::Generator;

/// The networks' memory seen through the documented layout, independently of the code under test.
#[derive(Clone)]
pub(super) struct Model {
    pub(super) weights: Vec<f64>,
    pub(super) inputs: usize,
    pub(super) hidden: usize,
    pub(super) outputs: usize,
}

pub(super) fn padded(width: usize) -> usize {
    (width + 1).div_ceil(8) * 8
}

impl Model {
    fn len(inputs: usize, hidden: usize, outputs: usize) -> usize {
        hidden * padded(inputs) + (hidden + outputs) * padded(hidden)
    }

    fn layer(&self, start: usize, rows: usize, input: &[f64], rectify: bool) -> Vec<f64> {
        let stride = padded(input.len());
        (0..rows)
            .map(|row| {
                let weights = &self.weights[start + row * stride..][..input.len() + 1];
                let sum: f64 = weights.iter().zip(input).map(|(w, x)| w * x).sum();
                let sum = sum + weights[input.len()];
                if rectify { sum.max(0.0) } else { sum }
            })
            .collect()
    }

    fn outputs(&self, input: &[f64]) -> Vec<f64> {
        assert_eq!(input.len(), self.inputs);
        let second = self.hidden * padded(self.inputs);
        let third = second + self.hidden * padded(self.hidden);
        let first_layer = self.layer(0, self.hidden, input, true);
        let second_layer = self.layer(second, self.hidden, &first_layer, true);
        self.layer(third, self.outputs, &second_layer, false)
    }

    /// The column of the number at `index`, and the column of its row's bias.
    pub(super) fn column(&self, index: usize) -> (usize, usize) {
        let first = self.hidden * padded(self.inputs);
        if index < first {
            (index % padded(self.inputs), self.inputs)
        } else {
            ((index - first) % padded(self.hidden), self.hidden)
        }
    }

    /// Whether the number at `index` is a weight or a bias, and not filling.
    pub(super) fn is_parameter(&self, index: usize) -> bool {
        let (column, bias) = self.column(index);
        column <= bias
    }
}

pub(super) struct Networks {
    pub(super) actor: Model,
    pub(super) critics: [Model; 2],
    pub(super) targets: [Model; 2],
    /// The first moments: after one step from zero, a tenth of the gradient.
    pub(super) actor_gradient: Vec<f64>,
    pub(super) critic_gradients: [Vec<f64>; 2],
}

pub(super) fn networks(shape: &SacShape, numbers: &[f32]) -> Networks {
    let (state, hidden) = (shape.state as usize, shape.hidden as usize);
    let (a, c) = (Model::len(state, hidden, HEADS), Model::len(state + ACTION, hidden, 1));
    assert_eq!(numbers.len(), 3 * a + 8 * c);
    let cut = |start: usize, len: usize| -> Vec<f64> {
        numbers[start..start + len].iter().map(|&x| f64::from(x)).collect()
    };
    let critic = |start| Model { weights: cut(start, c), inputs: state + ACTION, hidden, outputs: 1 };
    let moments = a + 2 * c;
    let gradient = |start, len| cut(start, len).into_iter().map(|m| m * 10.0).collect();
    Networks {
        actor: Model { weights: cut(0, a), inputs: state, hidden, outputs: HEADS },
        critics: [critic(a), critic(a + c)],
        targets: [critic(3 * moments), critic(3 * moments + c)],
        actor_gradient: gradient(moments, a),
        critic_gradients: [gradient(moments + a, c), gradient(moments + a + c, c)],
    }
}

fn widen(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|&x| f64::from(x)).collect()
}

/// Action and log-probability by the definition, through the standard library.
#[expect(clippy::disallowed_methods, reason = "an independent source")]
pub(in super::super) fn squash(heads: &[f64], noise: &[f64]) -> (Vec<f64>, f64) {
    let mut log_probability = 0.0;
    let action = (0..ACTION)
        .map(|i| {
            let log_std = heads[ACTION + i].clamp(-20.0, 2.0);
            let y = (heads[i] + log_std.exp() * noise[i]).tanh();
            let density = -0.5 * noise[i].powi(2) - log_std - 0.5 * (2.0 * std::f64::consts::PI).ln();
            log_probability += density - (0.5 * (1.0 - y * y) + 1e-6).ln();
            0.5 * y + 0.5
        })
        .collect();
    (action, log_probability)
}

/// One update's batch and noise, from a copy of the generator that the update is going to use.
pub(super) struct Batch {
    pub(super) states: Vec<Vec<f64>>,
    pub(super) next_states: Vec<Vec<f64>>,
    pub(super) actions: Vec<Vec<f64>>,
    pub(super) rewards: Vec<f64>,
    pub(super) noise: Vec<Vec<f64>>,
    pub(super) next_noise: Vec<Vec<f64>>,
}

pub(super) fn batch(sac: &Sac<'_>) -> Batch {
    let mut generator = Generator::from_state(sac.progress().generator);
    let config = sac.config();
    let mut positions = vec![0; config.shape.batch as usize];
    let count = sac.replay().sample(config.sampling, &mut generator, &mut positions);
    let mut noise = |_| -> Vec<f64> { (0..ACTION).map(|_| f64::from(generator.normal())).collect() };
    let transitions: Vec<_> = positions[..count].iter().map(|&p| sac.replay().get(p).unwrap()).collect();
    Batch {
        noise: (0..count).map(&mut noise).collect(),
        next_noise: (0..count).map(&mut noise).collect(),
        states: transitions.iter().map(|t| widen(t.state)).collect(),
        next_states: transitions.iter().map(|t| widen(t.next_state)).collect(),
        actions: transitions.iter().map(|t| widen(&t.action)).collect(),
        rewards: transitions.iter().map(|t| f64::from(t.reward)).collect(),
    }
}

pub(super) fn judge(critic: &Model, action: &[f64], state: &[f64]) -> f64 {
    critic.outputs(&[action, state].concat())[0]
}

pub(super) fn returns(config: &SacConfig, before: &Networks, batch: &Batch, entropy_weight: f64) -> Vec<f64> {
    (0..batch.rewards.len())
        .map(|i| {
            let heads = before.actor.outputs(&batch.next_states[i]);
            let (action, log_probability) = squash(&heads, &batch.next_noise[i]);
            let [a, b] = [0, 1].map(|k| judge(&before.targets[k], &action, &batch.next_states[i]));
            batch.rewards[i] + f64::from(config.discount) * (a.min(b) - entropy_weight * log_probability)
        })
        .collect()
}

pub(super) fn critic_loss(critic: &Model, batch: &Batch, returns: &[f64]) -> f64 {
    let errors = (0..returns.len()).map(|i| judge(critic, &batch.actions[i], &batch.states[i]) - returns[i]);
    errors.map(|error| error * error).sum::<f64>() / returns.len() as f64
}

pub(super) fn actor_loss(actor: &Model, critics: &[Model; 2], batch: &Batch, entropy_weight: f64) -> f64 {
    let losses = (0..batch.rewards.len()).map(|i| {
        let (action, log_probability) = squash(&actor.outputs(&batch.states[i]), &batch.noise[i]);
        let [a, b] = [0, 1].map(|k| judge(&critics[k], &action, &batch.states[i]));
        entropy_weight * log_probability - a.min(b)
    });
    losses.sum::<f64>() / batch.rewards.len() as f64
}
