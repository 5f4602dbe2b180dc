//! Mixed dimensions: sizes by a power of the popularity, block by block.
//!
//! Each side is cut by popularity into blocks of equal total frequency; a block's popularity is its mean
//! frequency, and all its rows have a size proportional to a power of that. The factor is what meets the
//! budget. Rows of unequal sizes meet in their common leading dimensions, as everywhere here, instead of
//! through the published projection of each block to a common width.

use anyhow::Result;
use scall_core::math;
use scall_core::segment::ResizeSettings;
use scall_core::side::{PerSide, Side};

use super::sizing::ranking;
use super::{Decided, MethodCard, Sizing, SizingMethod};
use crate::experiment::model::Model;
use crate::experiment::protocol::Segment;
use crate::experiment::runner::Experiment;

/// What the method says of itself.
pub const CARD: MethodCard = MethodCard {
    name: "mde",
    label: "mde",
    summary: "Mixed dimensions: blocks of equal popularity, sizes by a power of it",
    decides: "once a segment, before its train part is learned",
    looks_at: "the frequency of every entity",
    stores: "nothing",
    source: "Ginart et al., Mixed Dimension Embeddings, ISIT 2021, arXiv 1909.11810; block projections left out",
    capped: true,
    between_segments: true,
    any_storage: true,
    make: |setup| Ok(Box::new(Mde { resize: setup.settings.resize })),
};

/// Blocks of a side.
const BLOCKS: usize = 8;

/// The power of the popularity.
const POWER: f32 = 0.3;

/// Mixed dimensions.
#[derive(Clone, Copy, Debug)]
pub struct Mde {
    resize: ResizeSettings,
}

impl SizingMethod for Mde {
    fn decide(
        &mut self,
        _experiment: &Experiment<'_>,
        _segment: &Segment,
        recommender: &mut dyn Model,
        _violations: &mut u64,
    ) -> Result<Decided> {
        let of = |side: Side| {
            let counts = recommender.frequencies(side);
            popularity(&counts, BLOCKS).into_iter().map(|mean| math::pow(mean, POWER)).collect()
        };
        let sizing = Sizing::Weights(PerSide::new(of(Side::User), of(Side::Item)));
        Ok(Decided { sizing, resize: self.resize, action: None })
    }
}

/// By id, the mean frequency of the block that each entity is in: `blocks` blocks of equal total frequency,
/// where no entity is cut in two.
fn popularity(counts: &[f32], blocks: usize) -> Vec<f32> {
    let order = ranking(counts);
    let total: f64 = counts.iter().map(|&count| f64::from(count)).sum();
    let mut means = vec![0.0; counts.len()];
    let (mut start, mut before) = (0, 0.0);
    for block in 1..=blocks {
        let goal = total * block as f64 / blocks as f64;
        let (mut end, mut mass) = (start, 0.0);
        // An entity belongs to the block in which its mass begins; rounding leaves nobody behind.
        while end < order.len() && (before + mass < goal || block == blocks) {
            mass += f64::from(counts[order[end] as usize]);
            end += 1;
        }
        let mean = (mass / (end - start).max(1) as f64) as f32;
        order[start..end].iter().for_each(|&id| means[id as usize] = mean);
        (start, before) = (end, before + mass);
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_equal_mass() {
        // 32 in all, two blocks of 16: the most frequent alone, the six others together.
        let counts = [1.0, 16.0, 2.0, 4.0, 3.0, 2.0, 4.0];
        let rest = 16.0 / 6.0;
        assert_eq!(popularity(&counts, 2), [rest, 16.0, rest, rest, rest, rest, rest]);
        assert_eq!(popularity(&counts, 1), [32.0 / 7.0; 7]);
    }

    #[test]
    fn fewer_entities_than_blocks_and_none_at_all_are_no_problem() {
        assert_eq!(popularity(&[3.0, 1.0], 8), [3.0, 1.0]);
        assert_eq!(popularity(&[0.0, 0.0], 8), [0.0, 0.0]);
        assert_eq!(popularity(&[], 8), [0.0; 0]);
    }

    #[test]
    fn the_ratio_of_two_sizes_is_that_of_the_powers() {
        let weights: Vec<f32> =
            popularity(&[64.0, 2.0], 8).into_iter().map(|mean| math::pow(mean, POWER)).collect();
        // 32^0.3
        assert!((weights[0] / weights[1] - 2.828_427).abs() < 1e-5, "{weights:?}");
    }
}
