//! The recommender's memory on the host, lent to the core.

use std::fmt::Debug;

use anyhow::Result;
use scall_core::arena::{ArenaMemory, boundaries_len};
use scall_core::element::{Element, F16};
use scall_core::recommender::{
    Recommender, RecommenderMemory, ValidRecommenderConfig, class_ends_len, seen_len,
};
use scall_core::side::PerSide;
use scall_core::sizes::counts_len;

use super::Model;
use super::thin::ThinModelMemory;
use crate::experiment::{Counts, Storage, TableKind};

/// Memory for one model, whatever its parameters are stored as.
pub trait Memory: Debug {
    /// How many bytes it has.
    fn bytes(&self) -> u64;

    /// The bytes that point to them: of this owner, and of the model over it.
    fn own_bytes(&self) -> u64;

    /// A model in this memory that knows nobody; see [`Recommender::new`].
    ///
    /// # Errors
    /// A budget above the capacity.
    fn model(
        &mut self,
        config: ValidRecommenderConfig,
        cold_sizes: PerSide<u32>,
        budget: u32,
        seed: u64,
    ) -> Result<Box<dyn Model + '_>>;
}

/// Memory for models whose parameters are stored as `storage` says, and all else as `tables` does.
pub fn memory(storage: Storage, tables: TableKind, capacity: &ModelCapacity) -> Box<dyn Memory> {
    match (storage, tables) {
        (Storage::F32, TableKind::Full) => Box::new(ModelMemory::<f32>::new(capacity)),
        // Thin tables beside half floats are refused before; the code for them would not be worth its while.
        (Storage::F16, _) => Box::new(ModelMemory::<F16>::new(capacity)),
        (Storage::I8, TableKind::Full) => Box::new(ModelMemory::<i8>::new(capacity)),
        (Storage::F32, TableKind::Thin) => Box::new(ThinModelMemory::<f32>::new(capacity)),
        (Storage::I8, TableKind::Thin) => Box::new(ThinModelMemory::<i8>::new(capacity)),
    }
}

/// Memory for one recommender: as large as the stream will ever need.
#[derive(Debug)]
pub struct ModelMemory<E = f32> {
    values: Vec<E>,
    boundaries: PerSide<Vec<u32>>,
    accumulators: PerSide<Vec<f32>>,
    frequencies: PerSide<Vec<f32>>,
    words: PerSide<Vec<u32>>,
    class_ends: Vec<u32>,
    means: PerSide<Vec<f32>>,
    seen: Vec<u32>,
}

/// How much memory a model needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelCapacity {
    /// The most users and items.
    pub entities: Counts,
    /// The largest budget, in parameters.
    pub parameters: u32,
    /// Elements of the longest row.
    pub longest: u32,
    /// Interactions that negative sampling remembers.
    pub seen: usize,
}

impl<E: Element> ModelMemory<E> {
    /// Zeroed memory, of which the system provides only what is used.
    pub fn new(capacity: &ModelCapacity) -> Self {
        let ModelCapacity { entities: Counts { users, items }, parameters, longest, seen } = *capacity;
        let (users, items) = (users as usize, items as usize);
        Self {
            values: vec![E::ZERO; parameters as usize],
            boundaries: PerSide::new(vec![0; boundaries_len(users)], vec![0; boundaries_len(items)]),
            accumulators: PerSide::new(vec![0.0; users], vec![0.0; items]),
            frequencies: PerSide::new(vec![0.0; users], vec![0.0; items]),
            words: PerSide::new(vec![0; users], vec![0; items]),
            class_ends: vec![0; class_ends_len(items, longest as usize)],
            means: PerSide::new(vec![0.0; longest as usize], vec![0.0; longest as usize]),
            seen: vec![0; seen_len(seen)],
        }
    }

    /// How many bytes it has.
    pub const fn bytes(&self) -> u64 {
        const fn both<T>(vectors: &PerSide<Vec<T>>) -> usize {
            vectors.user.len() + vectors.item.len()
        }
        let numbers = both(&self.accumulators) + both(&self.frequencies) + both(&self.means);
        let words = both(&self.boundaries) + both(&self.words) + self.class_ends.len() + self.seen.len();
        let rows = self.values.len() * size_of::<E>();
        (rows + numbers * size_of::<f32>() + words * size_of::<u32>()) as u64
    }

    /// The memory as the core takes it.
    pub fn lend(&mut self) -> RecommenderMemory<'_, E> {
        fn both<T>(vectors: &mut PerSide<Vec<T>>) -> PerSide<&mut [T]> {
            PerSide::new(&mut vectors.user, &mut vectors.item)
        }
        RecommenderMemory {
            arena: ArenaMemory {
                values: &mut self.values,
                user_boundaries: &mut self.boundaries.user,
                item_boundaries: &mut self.boundaries.item,
            },
            accumulators: both(&mut self.accumulators),
            frequencies: both(&mut self.frequencies),
            words: both(&mut self.words),
            class_ends: &mut self.class_ends,
            means: both(&mut self.means),
            seen: &mut self.seen,
        }
    }
}

impl<E: Element> Memory for ModelMemory<E> {
    fn bytes(&self) -> u64 {
        Self::bytes(self)
    }

    fn own_bytes(&self) -> u64 {
        (size_of::<Self>() + size_of::<Recommender<'_, E>>()) as u64
    }

    fn model(
        &mut self,
        config: ValidRecommenderConfig,
        cold_sizes: PerSide<u32>,
        budget: u32,
        seed: u64,
    ) -> Result<Box<dyn Model + '_>> {
        Ok(Box::new(Recommender::new(self.lend(), config, cold_sizes, budget, seed)?))
    }
}

/// Scratch of size decisions: one count per size and side.
#[derive(Debug)]
pub struct SizeScratch(PerSide<Vec<u32>>);

impl SizeScratch {
    /// For sizes up to `largest`.
    pub fn new(largest: u32) -> Self {
        let counts = vec![0; counts_len(largest.max(1))];
        Self(PerSide::new(counts.clone(), counts))
    }

    /// The scratch as the core takes it.
    pub fn lend(&mut self) -> PerSide<&mut [u32]> {
        PerSide::new(&mut self.0.user, &mut self.0.item)
    }
}
