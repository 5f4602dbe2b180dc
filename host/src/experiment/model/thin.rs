//! The memory of a recommender with thin tables.

use anyhow::Result;
use scall_core::arena::ArenaMemory;
use scall_core::element::Element;
use scall_core::recommender::{Recommender, ThinMemory, ValidRecommenderConfig, seen_len};
use scall_core::side::PerSide;
use scall_core::tables::{LogCount, LogSum, Thin, starts_len};

use super::{Memory, Model, ModelCapacity};
use crate::experiment::Counts;

/// Memory for one recommender with thin tables: as large as the stream will ever need.
#[derive(Debug)]
pub(super) struct ThinModelMemory<E> {
    values: Vec<E>,
    starts: PerSide<Vec<u32>>,
    lengths: PerSide<Vec<u8>>,
    sums: PerSide<Vec<LogSum>>,
    counts: PerSide<Vec<LogCount>>,
    words: PerSide<Vec<u8>>,
    row_counts: Vec<u32>,
    means: PerSide<Vec<f32>>,
    seen: Vec<u32>,
}

fn lend<T>(vectors: &mut PerSide<Vec<T>>) -> PerSide<&mut [T]> {
    PerSide::new(&mut vectors.user, &mut vectors.item)
}

impl<E: Element> ThinModelMemory<E> {
    /// Zeroed memory.
    pub(super) fn new(capacity: &ModelCapacity) -> Self {
        let ModelCapacity { entities: Counts { users, items }, parameters, longest, seen } = *capacity;
        let (users, items, longest) = (users as usize, items as usize, longest as usize);
        Self {
            values: vec![E::ZERO; parameters as usize],
            starts: PerSide::new(vec![0; starts_len(users)], vec![0; starts_len(items)]),
            lengths: PerSide::new(vec![0; users], vec![0; items]),
            sums: PerSide::new(vec![LogSum::default(); users], vec![LogSum::default(); items]),
            counts: PerSide::new(vec![LogCount::default(); users], vec![LogCount::default(); items]),
            words: PerSide::new(vec![0; users], vec![0; items]),
            row_counts: vec![0; longest + 2],
            means: PerSide::new(vec![0.0; longest], vec![0.0; longest]),
            seen: vec![0; seen_len(seen)],
        }
    }
}

impl<E: Element> Memory for ThinModelMemory<E> {
    fn bytes(&self) -> u64 {
        fn both<T>(vectors: &PerSide<Vec<T>>) -> usize {
            size_of_val(&vectors.user[..]) + size_of_val(&vectors.item[..])
        }
        let tables = both(&self.starts) + both(&self.lengths) + both(&self.sums) + both(&self.counts);
        let rest = both(&self.words) + both(&self.means) + size_of_val(&self.row_counts[..]);
        (size_of_val(&self.values[..]) + tables + rest + size_of_val(&self.seen[..])) as u64
    }

    fn own_bytes(&self) -> u64 {
        (size_of::<Self>() + size_of::<Recommender<'_, E, Thin>>()) as u64
    }

    fn model(
        &mut self,
        config: ValidRecommenderConfig,
        cold_sizes: PerSide<u32>,
        budget: u32,
        seed: u64,
    ) -> Result<Box<dyn Model + '_>> {
        let memory = ThinMemory {
            arena: ArenaMemory {
                values: &mut self.values,
                user_boundaries: &mut self.starts.user,
                item_boundaries: &mut self.starts.item,
            },
            lengths: lend(&mut self.lengths),
            accumulators: lend(&mut self.sums),
            frequencies: lend(&mut self.counts),
            words: lend(&mut self.words),
            row_counts: &mut self.row_counts,
            means: lend(&mut self.means),
            seen: &mut self.seen,
        };
        Ok(Box::new(Recommender::thin(memory, config, cold_sizes, budget, seed)?))
    }
}
