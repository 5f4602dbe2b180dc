//! The steps of an update, each on the whole batch.

use super::actor::{self, HEADS};
use super::adam::Step;
use super::kernels::{Block, Kernels, Rows, RowsMut};
use super::memory::{Networks, Scratch};
use super::mlp::{self, Pass, Target, Trace};
use super::replay::Replay;
use super::{ACTION, Losses, SacConfig, critic};
use crate::math;

pub(super) fn heads(output: &[Block]) -> [f32; HEADS] {
    output.first().map_or([0.0; HEADS], |&[a, b, c, d, e, f, ..]| [a, b, c, d, e, f])
}

fn noise(row: &[Block]) -> [f32; ACTION] {
    row.first().map_or([0.0; ACTION], |&[a, b, c, ..]| [a, b, c])
}

/// Writes `[.. | state | 1 | zeros]` from number `start` of an input row.
pub(super) fn write_state(row: &mut [Block], state: &[f32], start: usize) {
    let Some(row) = row.as_flattened_mut().get_mut(start..) else { return };
    let padding = [1.0].into_iter().chain(core::iter::repeat(0.0));
    for (input, number) in row.iter_mut().zip(state.iter().copied().chain(padding)) {
        *input = number;
    }
}

/// Copies a batch from the replay to the inputs, and its rewards to the returns.
pub(super) fn gather(replay: &Replay<'_>, positions: &[u32], scratch: &mut Scratch<'_>) {
    let samples = positions.len();
    let states = scratch.actor_inputs.iter_mut();
    for (row, &position) in states.zip(positions) {
        write_state(row, replay.get(position).map_or(&[], |transition| transition.state), 0);
    }
    for (row, &position) in scratch.actor_inputs.iter_mut().skip(samples).zip(positions) {
        write_state(row, replay.get(position).map_or(&[], |transition| transition.next_state), 0);
    }
    let rows = scratch.inputs.iter_mut().zip(scratch.next_inputs.iter_mut()).zip(scratch.returns.iter_mut());
    for (((row, next_row), expected), &position) in rows.zip(positions) {
        let Some(transition) = replay.get(position) else { continue };
        critic::write_action(row, &transition.action);
        write_state(row, transition.state, ACTION);
        write_state(next_row, transition.next_state, ACTION);
        *expected = transition.reward;
    }
}

/// Writes the actions of `outputs` at `noises`, less the first `skip`, into the critics' inputs; gives the sum
/// of their log-probabilities.
fn write_samples(outputs: Rows<'_>, noises: Rows<'_>, skip: usize, inputs: &mut RowsMut<'_>) -> f32 {
    let mut log_probability = 0.0;
    let sources = outputs.iter().zip(noises.iter()).skip(skip);
    for ((output, noise_row), input) in sources.zip(inputs.iter_mut()) {
        let sample = actor::sample(&heads(output), &noise(noise_row));
        critic::write_action(input, &sample.action);
        log_probability += sample.log_probability;
    }
    log_probability
}

/// Adds the discounted soft value of the next states to the rewards.
pub(super) fn add_targets<K: Kernels>(
    config: &SacConfig,
    networks: &Networks<'_>,
    scratch: &mut Scratch<'_>,
    samples: usize,
    entropy_weight: f32,
) {
    let shape = config.shape.critic();
    let (outputs, noises) = (scratch.actor.outputs.shared(), scratch.noise.shared());
    write_samples(outputs, noises, samples, &mut scratch.next_inputs);
    for (target, trace) in networks.targets.iter().zip(&mut scratch.critics) {
        mlp::forward::<K>(shape, target, scratch.next_inputs.shared(), trace, scratch.shared);
    }
    let [first, second] = &scratch.critics;
    let judged = first.outputs.shared().iter().zip(second.outputs.shared().iter());
    let sources = scratch.actor.outputs.shared().iter().zip(scratch.noise.shared().iter()).skip(samples);
    for ((expected, (a, b)), (output, noise_row)) in scratch.returns.iter_mut().zip(judged).zip(sources) {
        let sample = actor::sample(&heads(output), &noise(noise_row));
        let values = [critic::value(a), critic::value(b)];
        *expected =
            critic::soft_return(*expected, config.discount, values, entropy_weight, sample.log_probability);
    }
}

/// The factor that brings a gradient of squared norm `squared` to at most `greatest`, and the norm.
fn clip(squared: f32, greatest: Option<f32>) -> (f32, f32) {
    let norm = math::sqrt(squared);
    match greatest {
        Some(greatest) if norm > greatest => (greatest / norm, norm),
        _ => (1.0, norm),
    }
}

/// One step of both critics and their targets; gives their loss.
pub(super) fn step_critics<K: Kernels>(
    config: &SacConfig,
    networks: &mut Networks<'_>,
    scratch: &mut Scratch<'_>,
    samples: usize,
    updates: u32,
) -> f32 {
    let shape = config.shape.critic();
    let adam = Step::new(config.critic_learning_rate, config.weight_decay, updates);
    let mut loss = 0.0;
    let pairs = networks.critics.iter_mut().zip(&mut networks.targets);
    for ((network, target), trace) in pairs.zip(&mut scratch.critics) {
        let inputs = scratch.inputs.shared();
        mlp::forward::<K>(shape, network.weights, inputs, trace, scratch.shared);
        let Some(mut deltas) = Trace::take(shape, samples, &mut &mut *scratch.shared) else { return loss };
        let returns = scratch.returns.get(..samples).unwrap_or_default();
        loss += critic::error_deltas(trace.outputs.shared(), returns, &mut deltas.outputs);
        mlp::backpropagate::<K>(shape, network.weights, trace, &mut deltas);
        let scale = match config.critic_gradient_norm {
            Some(_) => {
                clip(mlp::squared_gradient_norm(inputs, trace, &deltas), config.critic_gradient_norm).0
            }
            None => 1.0,
        };
        let target = Target { weights: target, rate: config.target_rate };
        let pass = Pass { inputs, trace, deltas: &deltas };
        mlp::step::<K>(shape, network, Some(target), &pass, &adam, scale, scratch.gradient);
    }
    loss
}

/// One step of the actor.
pub(super) fn step_actor<K: Kernels>(
    config: &SacConfig,
    networks: &mut Networks<'_>,
    scratch: &mut Scratch<'_>,
    samples: usize,
    updates: u32,
    entropy_weight: f32,
) -> Losses {
    let (shape, critic_shape) = (config.shape.actor(), config.shape.critic());
    let weight = 1.0 / samples.max(1) as f32;
    let trace = scratch.actor.leading(samples);
    let noises = scratch.noise.leading(samples);
    let log_probability =
        weight * write_samples(trace.outputs.shared(), noises.shared(), 0, &mut scratch.inputs);

    // The smaller judgement alone passes a derivative on.
    for (network, trace) in networks.critics.iter().zip(&mut scratch.critics) {
        mlp::forward::<K>(critic_shape, network.weights, scratch.inputs.shared(), trace, scratch.shared);
    }
    let mut value = 0.0;
    let [first, second] = &scratch.critics;
    for (a, b) in first.outputs.shared().iter().zip(second.outputs.shared().iter()) {
        let (a, b) = (critic::value(a), critic::value(b));
        value += weight * if b < a { b } else { a };
    }
    for (index, (network, by_action)) in networks.critics.iter().zip(&mut scratch.by_action).enumerate() {
        let memory = &mut &mut *scratch.shared;
        let Some(mut deltas) = Trace::take(critic_shape, samples, memory) else { break };
        let [first, second] = &scratch.critics;
        let judged = first.outputs.shared().iter().zip(second.outputs.shared().iter());
        for ((a, b), delta) in judged.zip(deltas.outputs.iter_mut()) {
            let lesser = usize::from(critic::value(b) < critic::value(a));
            critic::fill_first(delta, if lesser == index { -weight } else { 0.0 });
        }
        let trace = if index == 0 { first } else { second };
        mlp::backpropagate::<K>(critic_shape, network.weights, trace, &mut deltas);
        mlp::input_gradient::<K>(critic_shape, network.weights, &deltas, by_action);
    }

    let actor = entropy_weight * log_probability - value;
    let losses = Losses { critic: 0.0, actor, log_probability, entropy_weight, actor_gradient_norm: 0.0 };
    let Some(mut deltas) = Trace::take(shape, samples, &mut &mut *scratch.shared) else { return losses };
    let [first, second] = &scratch.by_action;
    let by_action = first.shared().iter().zip(second.shared().iter());
    let rows = trace.outputs.shared().iter().zip(noises.shared().iter()).zip(by_action);
    for (((output, noise_row), (a, b)), delta) in rows.zip(deltas.outputs.iter_mut()) {
        let mut by_action = noise(a);
        for (sum, other) in by_action.iter_mut().zip(noise(b)) {
            *sum += other;
        }
        let price = weight * entropy_weight;
        let [m0, m1, m2, s0, s1, s2] = actor::gradient(&heads(output), &noise(noise_row), price, &by_action);
        delta.fill([m0, m1, m2, s0, s1, s2, 0.0, 0.0]);
    }
    let inputs = scratch.actor_inputs.leading(samples);
    mlp::backpropagate::<K>(shape, networks.actor.weights, &trace, &mut deltas);
    let squared = mlp::squared_gradient_norm(inputs.shared(), &trace, &deltas);
    let (scale, actor_gradient_norm) = clip(squared, config.actor_gradient_norm);
    let adam = Step::new(config.actor_learning_rate, config.weight_decay, updates);
    let pass = Pass { inputs: inputs.shared(), trace: &trace, deltas: &deltas };
    mlp::step::<K>(shape, &mut networks.actor, None, &pass, &adam, scale, scratch.gradient);
    Losses { actor_gradient_norm, ..losses }
}
