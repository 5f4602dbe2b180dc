//! A trained policy as bytes: what a device reads from its flash.
//!
//! An [envelope](crate::envelope) with the magic `scpo`, whose body holds, in little-endian words of 32 bits:
//!
//! | word | content |
//! | --- | --- |
//! | 0..4 | the state: groups, width, least and greatest size ([`StateConfig`]) |
//! | 4 | units of each hidden layer |
//! | 5 | the distribution of sizes, as its place in [`Distribution::ALL`] |
//! | 6..9 | the action space, as floats: odds, lowest and highest shape; three zeros for the published one |
//! | 9.. | the weights, as floats, in the order of [`Actor`] |

use super::decider::{Decider, DeciderError};
use super::space::ActionSpace;
use crate::envelope::{EnvelopeError, HEADER_LEN, Kind, Words, WordsMut};
use crate::policy::{Actor, Sac};
use crate::sizes::Distribution;
use crate::state::StateConfig;

const KIND: Kind = Kind { magic: *b"scpo", version: PolicyFile::VERSION };

/// Words before the weights.
const WORDS: usize = 9;

/// A policy and what its numbers mean, in the bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolicyFile<'b> {
    /// What a state is.
    pub state: StateConfig,
    /// What an action is.
    pub space: ActionSpace,
    /// What sizes an action gives.
    pub distribution: Distribution,
    /// Units of each hidden layer.
    pub hidden: u32,
    /// The weights, as [`Actor`] takes them.
    pub weights: &'b [u8],
}

impl<'b> PolicyFile<'b> {
    /// The version that is written, and the only one read.
    pub const VERSION: u32 = 1;

    /// Bytes of a file.
    pub const fn len(state: &StateConfig, hidden: u32) -> usize {
        Actor::weights_len(state.len() as u32, hidden).saturating_add(HEADER_LEN + 4 * WORDS)
    }

    /// Reads a file at the front of `bytes`, which may be followed by others. O(bytes).
    ///
    /// # Errors
    /// Bytes of another kind or version, or not those that were written.
    pub fn open(bytes: &'b [u8]) -> Result<Self, EnvelopeError> {
        let mut words = Words(KIND.open(bytes)?);
        let state = StateConfig {
            groups: words.take()?,
            width: words.take()?,
            min_size: words.take()?,
            max_size: words.take()?,
        };
        let hidden = words.take()?;
        let distribution = Distribution::ALL.get(words.take()? as usize).copied();
        let [odds, lowest_shape, highest_shape] =
            [words.take()?, words.take()?, words.take()?].map(f32::from_bits);
        let space = if odds == 0.0 {
            ActionSpace::Published
        } else {
            ActionSpace::Balanced { odds, lowest_shape, highest_shape }
        };
        let state_len = u32::try_from(state.len()).map_err(|_| EnvelopeError::Damaged)?;
        let weights = words.bytes(Actor::weights_len(state_len, hidden))?;
        words.end()?;
        let numbers = weights.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let finite = [odds, lowest_shape, highest_shape].into_iter().chain(numbers).all(f32::is_finite);
        match distribution {
            Some(distribution) if finite => Ok(Self { state, space, distribution, hidden, weights }),
            _ => Err(EnvelopeError::Damaged),
        }
    }

    /// The policy at work, over lent memory: [`Actor::scratch_len`] and [`Decider::states_len`].
    ///
    /// # Errors
    /// Memory that is too short.
    pub fn decider<'a>(
        &self,
        scratch: &'a mut [f32],
        states: &'a mut [f32],
    ) -> Result<Decider<'a, Actor<'a>>, DeciderError>
    where
        'b: 'a,
    {
        let actor = Actor::new(self.state.len() as u32, self.hidden, self.weights, scratch)?;
        Decider::new(actor, self.state, self.space, self.distribution, states)
    }
}

impl Decider<'_, Sac<'_>> {
    /// Writes the actor to the front of `output`, for a [`PolicyFile`] to read; returns its length.
    ///
    /// # Errors
    /// [`EnvelopeError::BufferTooSmall`]; see [`PolicyFile::len`].
    pub fn export(&self, output: &mut [u8]) -> Result<usize, EnvelopeError> {
        let (state, hidden) = (*self.state(), self.policy().config().shape.hidden);
        let length = PolicyFile::len(&state, hidden).saturating_sub(HEADER_LEN);
        let mut body = WordsMut(Kind::body_mut(output, length)?);
        let distribution = Distribution::ALL.iter().position(|&other| other == self.distribution());
        for word in [state.groups, state.width, state.min_size, state.max_size, hidden] {
            body.put(word);
        }
        body.put(distribution.unwrap_or(0) as u32);
        let space = match self.space() {
            ActionSpace::Published => [0.0; 3],
            ActionSpace::Balanced { odds, lowest_shape, highest_shape } => {
                [odds, lowest_shape, highest_shape]
            }
        };
        for number in space.into_iter().chain(self.policy().actor_weights()) {
            body.put(number.to_bits());
        }
        KIND.seal(output, length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{SacConfig, SacMemory, SacShape};
    use crate::random::Generator;
    use crate::snapshot::testing::crc32;
    use std::vec;
    use std::vec::Vec;

    const STATE: StateConfig = StateConfig { groups: 1, width: 0, min_size: 1, max_size: 9 };
    const SHAPE: SacShape = SacShape { state: STATE.len() as u32, hidden: 2, batch: 1, capacity: 1 };

    fn with_decider<R>(space: ActionSpace, test: impl FnOnce(&mut Decider<'_>) -> R) -> R {
        let config = SacConfig { shape: SHAPE, ..SacConfig::compact(SHAPE.state) }.validate().unwrap();
        let mut networks = vec![0.0; SHAPE.networks_len()];
        let mut replay = vec![0.0; SHAPE.replay_len()];
        let mut scratch = vec![0.0; SHAPE.scratch_len()];
        let memory = SacMemory { networks: &mut networks, replay: &mut replay, scratch: &mut scratch };
        let policy = Sac::new(&config, memory, Generator::new(3)).unwrap();
        let mut states = vec![0.0; Decider::states_len(&STATE)];
        test(&mut Decider::new(policy, STATE, space, Distribution::Pareto, &mut states).unwrap())
    }

    fn file(space: ActionSpace) -> Vec<u8> {
        let mut bytes = vec![7; 500];
        let length = with_decider(space, |decider| decider.export(&mut bytes).unwrap());
        assert_eq!(length, PolicyFile::len(&STATE, 2));
        bytes.truncate(length);
        bytes
    }

    #[test]
    fn the_policy_of_a_file_decides_the_same() {
        for space in [ActionSpace::BALANCED, ActionSpace::Published] {
            let bytes = file(space);
            let read = PolicyFile::open(&bytes).unwrap();
            assert_eq!((read.state, read.space, read.distribution), (STATE, space, Distribution::Pareto));
            let (mut scratch, mut states) = ([0.0; 4], [0.0; 12]);
            let mut decider = read.decider(&mut scratch, &mut states).unwrap();
            let expected = with_decider(space, |decider| decider.propose(false).unwrap());
            assert_eq!(decider.propose(true).unwrap(), expected);
            assert_eq!(decider.action(expected), with_decider(space, |decider| decider.action(expected)));
        }
    }

    /// Written out by hand from the table above, but for the weights.
    #[test]
    fn the_bytes_of_a_file() {
        let bytes = file(ActionSpace::Balanced { odds: 2.0, lowest_shape: 0.5, highest_shape: 500.0 });
        let words = [1, 0, 1, 9, 2, 1, 0x4000_0000, 0x3f00_0000, 0x43fa_0000_u32];
        let mut body: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        let weights = with_decider(ActionSpace::Published, |decider| {
            decider.policy().actor_weights().map(f32::to_bits).collect::<Vec<_>>()
        });
        assert_eq!(weights.len(), 7 * 2 + 3 * 2 + 3 * 6);
        body.extend(weights.into_iter().flat_map(u32::to_le_bytes));
        let mut whole = b"scpo\x01\0\0\0".to_vec();
        whole.extend((body.len() as u64).to_le_bytes());
        whole.extend(crc32(&body).to_le_bytes());
        whole.extend(crc32(&whole).to_le_bytes());
        whole.extend(&body);
        assert_eq!(bytes, whole);
    }

    #[test]
    fn damage_and_strangers_are_refused() {
        let bytes = file(ActionSpace::BALANCED);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            PolicyFile::open(&damaged).unwrap_err();
        }
        for length in 0..bytes.len() {
            assert!(matches!(PolicyFile::open(&bytes[..length]), Err(EnvelopeError::Truncated { .. })));
        }
        // With checksums that fit.
        let sealed = |change: &dyn Fn(&mut [u8])| {
            let mut bytes = bytes.clone();
            change(&mut bytes[HEADER_LEN..]);
            let length = bytes.len() - HEADER_LEN;
            KIND.seal(&mut bytes, length).unwrap();
            PolicyFile::open(&bytes).map(|file| file.hidden)
        };
        assert_eq!(sealed(&|_| ()), Ok(2));
        assert_eq!(sealed(&|body| body[16] = 3), Err(EnvelopeError::Damaged));
        assert_eq!(sealed(&|body| body[20] = 5), Err(EnvelopeError::Damaged));
        assert_eq!(sealed(&|body| body[..8].fill(0xff)), Err(EnvelopeError::Damaged));
        assert_eq!(
            sealed(&|body| body[36..40].copy_from_slice(&f32::NAN.to_le_bytes())),
            Err(EnvelopeError::Damaged)
        );
        let mut foreign = bytes.clone();
        foreign[4] = 2;
        assert_eq!(PolicyFile::open(&foreign), Err(EnvelopeError::ForeignVersion { found: 2, expected: 1 }));
        assert_eq!(PolicyFile::open(b"scal"), Err(EnvelopeError::WrongMagic));
    }
}
