//! The twin critics: what an action in a state is worth.
//!
//! Two networks judge the same inputs, and the smaller judgement counts (Fujimoto et al., ICML 2018). Each
//! learns from the targets, which follow both slowly.

use super::kernels::{Block, Rows, RowsMut};
use crate::math::LANES;

/// Writes `[action | state | 1 | zeros]` into an input row.
pub(super) fn write_action(row: &mut [Block], action: &[f32]) {
    for (input, &number) in row.as_flattened_mut().iter_mut().zip(action) {
        *input = number;
    }
}

/// The single output of a critic for one sample.
pub(super) fn value(output: &[Block]) -> f32 {
    output.first().map_or(0.0, |&[value, ..]| value)
}

/// What the critics are to say: `reward + discount * (the smaller target - entropy_weight * log_probability)`.
pub(super) fn soft_return(
    reward: f32,
    discount: f32,
    targets: [f32; 2],
    entropy_weight: f32,
    log_probability: f32,
) -> f32 {
    let [a, b] = targets;
    let lesser = if b < a { b } else { a };
    reward + discount * (lesser - entropy_weight * log_probability)
}

/// Writes the derivative of the mean squared error by each output; gives the error.
pub(super) fn error_deltas(outputs: Rows<'_>, returns: &[f32], deltas: &mut RowsMut<'_>) -> f32 {
    let weight = 1.0 / returns.len().max(1) as f32;
    let mut loss = 0.0;
    for ((output, &expected), delta) in outputs.iter().zip(returns).zip(deltas.iter_mut()) {
        let error = value(output) - expected;
        loss += weight * error * error;
        fill_first(delta, 2.0 * weight * error);
    }
    loss
}

/// Makes the deltas of a single output.
pub(super) fn fill_first(delta: &mut [Block], value: f32) {
    let mut block = [0.0; LANES];
    let [first, ..] = &mut block;
    *first = value;
    delta.fill(block);
}
