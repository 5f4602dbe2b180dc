//! Where the parts of a scenario live.

use super::{FIRST_SIZES, ITEMS, LARGEST, PARAMETERS, SEEN_PAIRS, SETTINGS, STATE, ScenarioError, USERS};
use crate::arena::{ArenaMemory, boundaries_len};
use crate::ids::{IdTable, index_len};
use crate::policy::Policy;
use crate::random::Generator;
use crate::recommender::{Recommender, RecommenderConfig, RecommenderMemory, class_ends_len, seen_len};
use crate::segment::{Decider, SegmentLoop};
use crate::side::PerSide;
use crate::sizes::counts_len;

/// The recommender.
#[derive(Clone, Debug)]
pub(super) struct ModelMemory {
    values: [f32; PARAMETERS],
    user_boundaries: [u32; boundaries_len(USERS)],
    item_boundaries: [u32; boundaries_len(ITEMS)],
    user_accumulators: [f32; USERS],
    item_accumulators: [f32; ITEMS],
    user_frequencies: [f32; USERS],
    item_frequencies: [f32; ITEMS],
    user_words: [u32; USERS],
    item_words: [u32; ITEMS],
    class_ends: [u32; class_ends_len(ITEMS, LARGEST as usize)],
    user_mean: [f32; LARGEST as usize],
    item_mean: [f32; LARGEST as usize],
    seen: [u32; seen_len(SEEN_PAIRS)],
}

impl ModelMemory {
    pub(super) const fn new() -> Self {
        Self {
            values: [0.0; _],
            user_boundaries: [0; _],
            item_boundaries: [0; _],
            user_accumulators: [0.0; _],
            item_accumulators: [0.0; _],
            user_frequencies: [0.0; _],
            item_frequencies: [0.0; _],
            user_words: [0; _],
            item_words: [0; _],
            class_ends: [0; _],
            user_mean: [0.0; _],
            item_mean: [0.0; _],
            seen: [0; _],
        }
    }

    pub(super) fn start(&mut self, seed: u64) -> Result<Recommender<'_>, ScenarioError> {
        let config = RecommenderConfig::default().validate().map_err(|_| ScenarioError::Recommender)?;
        let memory = RecommenderMemory {
            arena: ArenaMemory {
                values: &mut self.values,
                user_boundaries: &mut self.user_boundaries,
                item_boundaries: &mut self.item_boundaries,
            },
            accumulators: PerSide::new(&mut self.user_accumulators, &mut self.item_accumulators),
            frequencies: PerSide::new(&mut self.user_frequencies, &mut self.item_frequencies),
            words: PerSide::new(&mut self.user_words, &mut self.item_words),
            class_ends: &mut self.class_ends,
            means: PerSide::new(&mut self.user_mean, &mut self.item_mean),
            seen: &mut self.seen,
        };
        Recommender::new(memory, config, FIRST_SIZES, PARAMETERS as u32, seed)
            .map_err(|_| ScenarioError::Recommender)
    }
}

/// Who is in which slot.
#[derive(Clone, Debug)]
pub(super) struct IdMemory {
    users: [u32; USERS],
    items: [u32; ITEMS],
    user_index: [u16; index_len(USERS)],
    item_index: [u16; index_len(ITEMS)],
}

impl IdMemory {
    pub(super) const fn new() -> Self {
        Self { users: [0; _], items: [0; _], user_index: [0; _], item_index: [0; _] }
    }

    pub(super) fn start(&mut self) -> Result<PerSide<IdTable<'_>>, ScenarioError> {
        Ok(PerSide::new(
            IdTable::new(&mut self.users, &mut self.user_index).map_err(|_| ScenarioError::Ids)?,
            IdTable::new(&mut self.items, &mut self.item_index).map_err(|_| ScenarioError::Ids)?,
        ))
    }
}

/// What a decision needs beside the policy.
#[derive(Clone, Debug)]
pub(super) struct DecisionMemory {
    pub(super) counts: Counts,
    pub(super) states: [f32; Decider::states_len(&STATE)],
}

impl DecisionMemory {
    pub(super) const fn new() -> Self {
        Self { counts: Counts { user: [0; _], item: [0; _] }, states: [0.0; _] }
    }
}

/// Ranks of each size.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    user: [u32; counts_len(LARGEST)],
    item: [u32; counts_len(LARGEST)],
}

/// The stream of the seed for drawn sizes.
const SIZES: u64 = 0x7369_7a65;

impl Counts {
    pub(super) fn start<'a, P: Policy>(
        &'a mut self,
        recommender: Recommender<'a>,
        decider: Decider<'a, P>,
        seed: u64,
    ) -> SegmentLoop<'a, f32, P> {
        let counts = PerSide::new(&mut self.user[..], &mut self.item[..]);
        SegmentLoop::new(recommender, decider, SETTINGS, counts, Generator::stream(seed, SIZES))
    }
}
