//! Recommenders with rows of given sizes.

use anyhow::{Context, Result};
use scall_core::Side;
use scall_core::element::Element;
use scall_core::random::Generator;
use scall_core::recommender::{Recommender, RecommenderConfig};
use scall_core::side::PerSide;
use scall_core::sizes::{Bounds, Distribution, counts_len, expected_weights, fit, write_descending};

use crate::experiment::model::{ModelCapacity, ModelMemory};
use crate::experiment::protocol::Counts;

/// Sizes of `entities` rows, in random order, that add up to `mean` each: in power-law proportions between 1
/// and `largest`, or as equal as can be if that is the mean.
pub(super) fn sizes(entities: u32, mean: u32, largest: u32, generator: &mut Generator) -> Result<Vec<u32>> {
    let mut words = vec![1.0_f32.to_bits(); entities as usize];
    if largest > mean {
        // The mean of the power law on (0, 1) is a / (a + 1).
        let shape = mean as f32 / (largest - mean) as f32;
        expected_weights(Distribution::PowerLaw, shape, &mut words)?;
    }
    let mut counts = vec![0; counts_len(largest)];
    fit(&words, Bounds { min: 1, max: largest }, u64::from(mean) * u64::from(entities), &mut counts)?;
    write_descending(&counts, &mut words)?;
    for last in (1..entities).rev() {
        words.swap(last as usize, generator.below(last + 1) as usize);
    }
    Ok(words)
}

/// Memory for entities with rows of these sizes.
pub(super) fn memory<E: Element>(sizes: &PerSide<Vec<u32>>, seen: usize) -> ModelMemory<E> {
    let total: u32 = Side::BOTH.iter().flat_map(|&side| sizes.get(side)).sum();
    let longest = Side::BOTH.iter().flat_map(|&side| sizes.get(side)).max().copied().unwrap_or(0);
    ModelMemory::new(&ModelCapacity {
        entities: Counts { users: sizes.user.len() as u32, items: sizes.item.len() as u32 },
        parameters: total,
        longest,
        seen,
    })
}

/// A recommender in that memory, its rows drawn at random and in order for retrieval.
pub(super) fn recommender<'a, E: Element>(
    memory: &'a mut ModelMemory<E>,
    sizes: &PerSide<Vec<u32>>,
    config: RecommenderConfig,
) -> Result<Recommender<'a, E>> {
    let total = Side::BOTH.iter().flat_map(|&side| sizes.get(side)).sum();
    let config = config.validate()?;
    let mut recommender = Recommender::new(memory.lend(), config, PerSide::new(0, 0), total, 1)
        .context("a recommender for all rows")?;
    for side in Side::BOTH {
        for &size in sizes.get(side) {
            recommender.admit(side, size)?;
        }
    }
    recommender.reorder();
    Ok(recommender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_add_up_and_come_near_the_largest() {
        let mut generator = Generator::new(1);
        let equal = sizes(100, 32, 32, &mut generator).expect("possible sizes");
        assert_eq!(equal, [32; 100]);
        let skewed = sizes(1_000, 8, 64, &mut generator).expect("possible sizes");
        assert_eq!(skewed.iter().sum::<u32>(), 8_000);
        let largest = skewed.iter().max().copied().unwrap_or(0);
        assert!((56..=64).contains(&largest), "{largest}");
        assert_eq!(skewed.iter().min(), Some(&1));
        assert!(!skewed.is_sorted_by(|a, b| a >= b));
    }
}
