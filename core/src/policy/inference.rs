//! The policy's actor alone, from weights that stay where they are: a microcontroller's flash.

use super::actor::{self, HEADS};
use super::replay::Transition;
use super::sac::check_state;
use super::{ACTION, Action, Part, Policy, SacError};

/// Bytes of a number.
const NUMBER: usize = size_of::<f32>();

/// An actor that is done with learning; it takes the action at the mean.
///
/// Its weights are bytes, little-endian `f32`, so that they need no alignment and no copy: layer by layer,
/// neuron by neuron, `[weights | bias]`, for `state - hidden - hidden - 6`. Its actions have the bits of
/// [`Sac::act`](super::Sac::act) without exploring.
#[derive(Debug)]
pub struct Actor<'a> {
    weights: &'a [u8],
    state: u32,
    hidden: u32,
    scratch: &'a mut [f32],
}

impl<'a> Actor<'a> {
    /// Bytes of the weights, for states of `state` numbers and hidden layers of `hidden` units.
    pub const fn weights_len(state: u32, hidden: u32) -> usize {
        let (inputs, hidden) = ((state as usize).saturating_add(1), hidden as usize);
        let first = inputs.saturating_mul(hidden);
        let others = hidden.saturating_add(1).saturating_mul(hidden.saturating_add(HEADS));
        first.saturating_add(others).saturating_mul(NUMBER)
    }

    /// Numbers of the scratch: both hidden layers.
    pub const fn scratch_len(hidden: u32) -> usize {
        (hidden as usize).saturating_mul(2)
    }

    /// An actor over lent memory.
    ///
    /// # Errors
    /// [`SacError::Memory`], if one of them is too short.
    pub fn new(state: u32, hidden: u32, weights: &'a [u8], scratch: &'a mut [f32]) -> Result<Self, SacError> {
        let short = |part, needed, given| SacError::Memory { part, needed, given };
        let (needed, given) = (Self::weights_len(state, hidden), weights.len());
        let weights = weights.get(..needed).ok_or(short(Part::Networks, needed / NUMBER, given / NUMBER))?;
        let (needed, given) = (Self::scratch_len(hidden), scratch.len());
        let scratch = scratch.get_mut(..needed).ok_or(short(Part::Scratch, needed, given))?;
        Ok(Self { weights, state, hidden, scratch })
    }

    /// Its weights, as in [`new`](Self::new).
    pub const fn weights(&self) -> &'a [u8] {
        self.weights
    }

    /// Numbers of a state, and units of each hidden layer.
    pub const fn shape(&self) -> (u32, u32) {
        (self.state, self.hidden)
    }

    /// The action at the mean for `state`. One pass: as many multiplications as weights.
    ///
    /// # Errors
    /// A state of another length, or with a number beyond [`Sac::MAX_MAGNITUDE`](super::Sac::MAX_MAGNITUDE).
    pub fn act(&mut self, state: &[f32]) -> Result<Action, SacError> {
        check_state(self.state as usize, state)?;
        let (first, second) = self.scratch.split_at_mut_checked(self.hidden as usize).unwrap_or_default();
        let mut heads = [0.0; HEADS];
        let rest = layer(self.weights, state, first, true);
        let rest = layer(rest, first, second, true);
        layer(rest, second, &mut heads, false);
        Ok(actor::mean(&heads).map(|number| if number.is_finite() { number } else { 0.5 }))
    }
}

impl Policy for Actor<'_> {
    fn state_len(&self) -> usize {
        self.state as usize
    }

    fn act(&mut self, state: &[f32], _explore: bool) -> Result<Action, SacError> {
        Actor::act(self, state)
    }

    /// Does nothing: what there was to learn is in the weights.
    fn learn(&mut self, _transition: &Transition<'_>) -> Result<(), SacError> {
        Ok(())
    }
}

/// Computes a layer from the weights in front of `weights`, and returns those behind them.
fn layer<'w>(weights: &'w [u8], inputs: &[f32], outputs: &mut [f32], rectify: bool) -> &'w [u8] {
    let mut rest = weights;
    for output in outputs {
        let Some((row, behind)) = rest.split_at_checked((inputs.len() + 1) * NUMBER) else { return rest };
        rest = behind;
        let sum = product(row, inputs);
        // As the kernels do: zero for what is no number, too.
        *output = if !rectify || sum > 0.0 { sum } else { 0.0 };
    }
    rest
}

/// A neuron's sum, over the inputs in ascending order; the bias meets a one.
fn product(row: &[u8], inputs: &[f32]) -> f32 {
    let inputs = inputs.iter().copied().chain(core::iter::once(1.0));
    let weights = row.as_chunks::<NUMBER>().0.iter().map(|&weight| f32::from_le_bytes(weight));
    weights.zip(inputs).fold(0.0, |sum, (weight, input)| sum + weight * input)
}

const _: () = assert!(HEADS == 2 * ACTION);

#[cfg(test)]
mod tests {
    use super::super::{Sac, SacConfig, SacMemory, SacShape};
    use super::*;
    use crate::random::Generator;
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn the_bits_of_the_whole_policy() {
        // Widths on both sides of whole blocks of eight.
        for (state, hidden) in [(1, 1), (6, 7), (7, 8), (8, 9), (20, 15), (36, 23)] {
            let shape = SacShape { state, hidden, batch: 3, capacity: 4 };
            let config = SacConfig { shape, ..SacConfig::compact(state) }.validate().unwrap();
            let mut networks = vec![0.0; shape.networks_len()];
            let mut replay = vec![0.0; shape.replay_len()];
            let mut scratch = vec![0.0; shape.scratch_len()];
            let memory = SacMemory { networks: &mut networks, replay: &mut replay, scratch: &mut scratch };
            let mut sac = Sac::new(&config, memory, Generator::new(u64::from(state))).unwrap();
            let mut generator = Generator::new(5);
            let states: Vec<Vec<f32>> =
                (0..6).map(|_| (0..state).map(|_| 3.0 * generator.symmetric()).collect()).collect();
            for pair in states.windows(2) {
                let (state, next_state) = (&pair[0], &pair[1]);
                let action = sac.act(state, true).unwrap();
                sac.learn(&Transition { state, action, reward: action[0], next_state }).unwrap();
            }
            let weights: Vec<u8> = sac.actor_weights().flat_map(f32::to_le_bytes).collect();
            assert_eq!(weights.len(), Actor::weights_len(state, hidden));
            let mut scratch = vec![f32::NAN; Actor::scratch_len(hidden)];
            let mut actor = Actor::new(state, hidden, &weights, &mut scratch).unwrap();
            for state in &states {
                let expected = sac.act(state, false).unwrap().map(f32::to_bits);
                assert_eq!(actor.act(state).unwrap().map(f32::to_bits), expected);
            }
        }
    }

    #[test]
    fn memory_too_short_and_states_out_of_range_are_refused() {
        let weights = vec![0; Actor::weights_len(2, 3)];
        assert_eq!(weights.len(), 4 * (3 * 3 + 4 * 3 + 4 * 6));
        let error = Actor::new(2, 3, &weights[1..], &mut [0.0; 6]).unwrap_err();
        assert_eq!(error, SacError::Memory { part: Part::Networks, needed: 45, given: 44 });
        let error = Actor::new(2, 3, &weights, &mut [0.0; 5]).unwrap_err();
        assert_eq!(error, SacError::Memory { part: Part::Scratch, needed: 6, given: 5 });
        let mut scratch = [0.0; 6];
        let mut actor = Actor::new(2, 3, &weights, &mut scratch).unwrap();
        assert_eq!(actor.act(&[0.1]), Err(SacError::StateLength { needed: 2, given: 1 }));
        assert_eq!(actor.act(&[0.1, 2e6]), Err(SacError::State(2e6)));
        assert_eq!(actor.act(&[0.1, 0.2]), Ok([0.5; 3]));
    }
}
