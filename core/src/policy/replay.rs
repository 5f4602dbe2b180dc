//! What the policy learns from: the latest transitions, in a ring.

use serde::{Deserialize, Serialize};

use super::{ACTION, Action};
use crate::random::Generator;

/// Greatest number of transitions in one batch.
pub const MAX_BATCH: usize = 64;
/// Greatest capacity of a ring.
pub const MAX_CAPACITY: u32 = 65_536;

/// How a batch is chosen from the stored transitions, without replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sampling {
    /// Each draw takes a transition in proportion to its position, the oldest at 1 (published).
    Recency,
    /// All transitions alike.
    Uniform,
}

/// One step of the environment: in `state`, `action` earned `reward` and led to `next_state`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transition<'a> {
    /// The state before.
    pub state: &'a [f32],
    /// What was done.
    pub action: Action,
    /// What it earned.
    pub reward: f32,
    /// The state after.
    pub next_state: &'a [f32],
}

/// A ring of transitions in lent memory.
///
/// A transition is `[state | next state | action | reward]`. Memory is written when a transition arrives
/// and not before, so zeroed pages of an operating system cost nothing until they are used.
#[derive(Debug)]
pub struct Replay<'a> {
    values: &'a mut [f32],
    state: usize,
    capacity: u32,
    stored: u32,
    next: u32,
}

/// Numbers that a transition between states of `state` numbers takes.
pub(super) const fn transition_len(state: usize) -> usize {
    state.saturating_mul(2).saturating_add(ACTION + 1)
}

impl<'a> Replay<'a> {
    /// An empty ring over the front of `values`, which holds at least `capacity` transitions.
    pub(super) fn new(values: &'a mut [f32], state: usize, capacity: u32) -> Self {
        Self { values, state, capacity, stored: 0, next: 0 }
    }

    /// How many transitions are stored.
    pub fn len(&self) -> u32 {
        self.stored
    }

    /// Whether none is stored.
    pub fn is_empty(&self) -> bool {
        self.stored == 0
    }

    /// How many can be stored before the oldest gives way.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// The slot that the next transition takes.
    pub(super) fn next(&self) -> u32 {
        self.next
    }

    /// Whether a ring of this capacity could have these counters.
    pub(super) fn accepts(&self, stored: u32, next: u32) -> bool {
        next < self.capacity && (stored == self.capacity || (stored < self.capacity && stored == next))
    }

    /// Takes on counters that the ring [`accepts`](Replay::accepts).
    pub(super) fn set_counters(&mut self, stored: u32, next: u32) {
        (self.stored, self.next) = (stored, next);
    }

    /// The memory of the first `stored` slots.
    pub(super) fn values(&self, stored: u32) -> Option<&[f32]> {
        self.values.get(..(stored as usize).checked_mul(transition_len(self.state))?)
    }

    /// The memory of the first `stored` slots, to change.
    pub(super) fn values_mut(&mut self, stored: u32) -> Option<&mut [f32]> {
        self.values.get_mut(..(stored as usize).checked_mul(transition_len(self.state))?)
    }

    fn slot(&mut self, slot: u32) -> Option<&mut [f32]> {
        let len = transition_len(self.state);
        self.values.get_mut((slot as usize).checked_mul(len)?..)?.get_mut(..len)
    }

    /// Stores a transition, in place of the oldest if the ring is full.
    pub(super) fn push(&mut self, transition: &Transition<'_>) {
        let state = self.state;
        let Some(slot) = self.slot(self.next) else { return };
        let (from, rest) = slot.split_at_mut_checked(state).unwrap_or_default();
        let (to, rest) = rest.split_at_mut_checked(state).unwrap_or_default();
        for (stored, &value) in from.iter_mut().zip(transition.state) {
            *stored = value;
        }
        for (stored, &value) in to.iter_mut().zip(transition.next_state) {
            *stored = value;
        }
        for (stored, value) in rest.iter_mut().zip(transition.action.into_iter().chain([transition.reward])) {
            *stored = value;
        }
        self.next = if self.next + 1 < self.capacity { self.next + 1 } else { 0 };
        self.stored = if self.stored < self.capacity { self.stored + 1 } else { self.capacity };
    }

    /// The transition at `position`: 0 is the oldest.
    pub fn get(&self, position: u32) -> Option<Transition<'_>> {
        if position >= self.stored {
            return None;
        }
        let oldest = if self.stored < self.capacity { 0 } else { self.next };
        let slot = oldest + position;
        let slot = if slot < self.capacity { slot } else { slot - self.capacity };
        let len = transition_len(self.state);
        let slot = self.values.get((slot as usize).checked_mul(len)?..)?.get(..len)?;
        let (state, rest) = slot.split_at_checked(self.state)?;
        let (next_state, rest) = rest.split_at_checked(self.state)?;
        let &[a, b, c, reward] = rest else { return None };
        Some(Transition { state, action: [a, b, c], reward, next_state })
    }

    /// Draws different positions into `batch`, at most as many as are stored; gives how many.
    ///
    /// O(batch^2), one random number each: a draw among what is left is mapped past the positions drawn
    /// before, so none is ever rejected.
    pub(super) fn sample(&self, sampling: Sampling, generator: &mut Generator, batch: &mut [u32]) -> usize {
        let count = self.stored.min(self.capacity).min(MAX_CAPACITY);
        let weight = |position: u32| match sampling {
            Sampling::Recency => position + 1,
            Sampling::Uniform => 1,
        };
        let before = |position: u32| match sampling {
            Sampling::Recency => (u64::from(position) * (u64::from(position) + 1) / 2) as u32,
            Sampling::Uniform => position,
        };
        let mut drawn = [0_u32; MAX_BATCH];
        let mut left = before(count);
        let mut len = 0;
        for out in batch.iter_mut().take(MAX_BATCH).take(count as usize) {
            let mut draw = generator.below(left);
            let Some(sorted) = drawn.get(..len) else { break };
            let mut place = len;
            for (index, &earlier) in sorted.iter().enumerate() {
                if draw < before(earlier) {
                    place = index;
                    break;
                }
                draw += weight(earlier);
            }
            let position = match sampling {
                // The greatest p with p (p + 1) / 2 <= draw.
                Sampling::Recency => ((8 * u64::from(draw) + 1).isqrt() as u32 - 1) / 2,
                Sampling::Uniform => draw,
            };
            left -= weight(position);
            *out = position;
            // Keeps `drawn` in ascending order.
            let mut carried = position;
            for slot in drawn.iter_mut().take(len + 1).skip(place) {
                core::mem::swap(slot, &mut carried);
            }
            len += 1;
        }
        len
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::vec;
    use std::vec::Vec;

    fn ring(values: &mut [f32], capacity: u32, pushed: u32) -> Replay<'_> {
        let mut replay = Replay::new(values, 2, capacity);
        for i in 0..pushed {
            let x = i as f32;
            replay.push(&Transition {
                state: &[x, -x],
                action: [x + 0.25; 3],
                reward: 10.0 * x,
                next_state: &[x + 1.0, 0.0],
            });
        }
        replay
    }

    #[test]
    fn the_oldest_gives_way() {
        let mut values = vec![0.0; 4 * transition_len(2)];
        for pushed in 0..11_u32 {
            let replay = ring(&mut values, 4, pushed);
            assert_eq!(replay.len(), pushed.min(4));
            for position in 0..replay.len() {
                let x = (pushed - replay.len() + position) as f32;
                let expected = Transition {
                    state: &[x, -x],
                    action: [x + 0.25; 3],
                    reward: 10.0 * x,
                    next_state: &[x + 1.0, 0.0],
                };
                assert_eq!(replay.get(position), Some(expected));
            }
            assert_eq!(replay.get(replay.len()), None);
        }
    }

    /// Probability of drawing `positions` in this order, each in proportion to its weight among the rest.
    fn probability(weights: &[f64], positions: &[u32]) -> f64 {
        let (mut left, mut result) = (weights.iter().sum::<f64>(), 1.0);
        for &position in positions {
            result *= weights[position as usize] / left;
            left -= weights[position as usize];
        }
        result
    }

    #[test]
    fn batches_have_their_exact_probabilities() {
        let mut values = vec![0.0; 5 * transition_len(2)];
        let replay = ring(&mut values, 5, 8);
        let draws = if cfg!(miri) { 30 } else { 200_000 };
        for (sampling, weights) in
            [(Sampling::Recency, [1.0, 2.0, 3.0, 4.0, 5.0]), (Sampling::Uniform, [1.0; 5])]
        {
            let mut generator = Generator::new(4);
            let mut counts: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
            for _ in 0..draws {
                let mut batch = [0; 3];
                assert_eq!(replay.sample(sampling, &mut generator, &mut batch), 3);
                *counts.entry(batch.to_vec()).or_default() += 1;
            }
            if cfg!(miri) {
                continue;
            }
            assert_eq!(counts.len(), 5 * 4 * 3, "every order of three different positions");
            for (batch, count) in counts {
                let expected = probability(&weights, &batch) * f64::from(draws);
                let deviation = (f64::from(count) - expected).abs();
                assert!(deviation < 5.0 * expected.sqrt(), "{batch:?}: {count} instead of {expected}");
            }
        }
    }

    #[test]
    fn a_batch_of_everything_holds_each_once() {
        let mut values = vec![0.0; 64 * transition_len(2)];
        for stored in [0, 1, 2, 7, 63, 64] {
            let replay = ring(&mut values, 64, stored);
            for sampling in [Sampling::Recency, Sampling::Uniform] {
                let mut batch = [u32::MAX; MAX_BATCH];
                let drawn = replay.sample(sampling, &mut Generator::new(u64::from(stored)), &mut batch);
                assert_eq!(drawn, stored as usize);
                let mut sorted = batch[..drawn].to_vec();
                sorted.sort_unstable();
                assert!(sorted.into_iter().eq(0..stored));
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore)]
    fn the_greatest_ring_is_sampled_without_overflow() {
        let mut values = vec![0.0; transition_len(0) * MAX_CAPACITY as usize];
        let mut replay = Replay::new(&mut values, 0, MAX_CAPACITY);
        assert!(replay.accepts(MAX_CAPACITY, 5));
        replay.set_counters(MAX_CAPACITY, 5);
        let mut generator = Generator::new(1);
        let mut mean = 0.0;
        for _ in 0..500 {
            let mut batch = [0; MAX_BATCH];
            assert_eq!(replay.sample(Sampling::Recency, &mut generator, &mut batch), MAX_BATCH);
            assert!(batch.iter().all(|&position| position < MAX_CAPACITY));
            mean += batch.iter().map(|&p| f64::from(p)).sum::<f64>() / 500.0 / MAX_BATCH as f64;
        }
        // Two thirds of the capacity.
        assert!((mean / f64::from(MAX_CAPACITY) - 2.0 / 3.0).abs() < 0.01, "{mean}");
    }
}
