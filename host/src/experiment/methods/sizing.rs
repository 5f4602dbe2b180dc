//! The ways to say which sizes are wanted, and their exact fit to the budget.

use scall_core::frequency::rank;
use scall_core::random::Generator;
use scall_core::segment::{ResizeError, ResizeSettings, Resized, SizeRule};
use scall_core::side::{PerSide, Side};

use crate::experiment::model::{Model, SizeScratch};

/// How sizes are made.
#[derive(Clone, Debug, PartialEq)]
pub enum Sizing {
    /// By a rule of the core.
    Rule(SizeRule),
    /// Proportional to a weight for every entity, by id, both sides in one pool: uses the whole budget.
    Weights(PerSide<Vec<f32>>),
    /// These dimensions for every entity, by id; where they exceed the budget, proportional to them.
    Dimensions(PerSide<Vec<u32>>),
    /// Proportional to a weight for every rank, most frequent first, both sides in one pool: uses the whole
    /// budget. Entities beyond the last rank get the last weight.
    Ranks(PerSide<Vec<f32>>),
}

impl From<SizeRule> for Sizing {
    fn from(rule: SizeRule) -> Self {
        Self::Rule(rule)
    }
}

impl Sizing {
    /// Gives `recommender` these sizes within its budget, of which at least `reserve` stay free.
    ///
    /// # Errors
    /// If the sizes are impossible, or not there for every entity.
    pub fn apply(
        &self,
        recommender: &mut dyn Model,
        settings: &ResizeSettings,
        reserve: u32,
        scratch: &mut SizeScratch,
        generator: &mut Generator,
    ) -> Result<Resized, ResizeError> {
        fn by_weights(
            recommender: &mut dyn Model,
            weights: &PerSide<Vec<f32>>,
            settings: &ResizeSettings,
            head_room: u32,
            scratch: &mut SizeScratch,
        ) -> Result<Resized, ResizeError> {
            let weights = PerSide::new(&*weights.user, &*weights.item);
            recommender.resize_by_weights(weights, settings, head_room, scratch.lend())
        }
        match self {
            Self::Rule(rule) => recommender.resize(rule, settings, reserve, scratch.lend(), generator),
            Self::Weights(weights) => by_weights(recommender, weights, settings, reserve, scratch),
            Self::Dimensions(wanted) => {
                let bias = u64::from(recommender.bias_parameters());
                let with_bias = |&size: &u32| u64::from(size) + if size > 0 { bias } else { 0 };
                let asked = wanted.user.iter().map(|&size| u64::from(size)).sum::<u64>()
                    + wanted.item.iter().map(with_bias).sum::<u64>();
                let budget = recommender.row_budget();
                let head_room = u64::from(budget).saturating_sub(asked) as u32;
                let head_room = head_room.max(reserve);
                let floats = |sizes: &[u32]| sizes.iter().map(|&size| size as f32).collect();
                let weights = PerSide::new(floats(&wanted.user), floats(&wanted.item));
                by_weights(recommender, &weights, settings, head_room, scratch)
            }
            Self::Ranks(ranks) => {
                let of = |side: Side| deal_ranks(&recommender.frequencies(side), ranks.get(side));
                let weights = PerSide::new(of(Side::User), of(Side::Item));
                by_weights(recommender, &weights, settings, reserve, scratch)
            }
        }
    }
}

/// The entities of a side from the most to the least frequent.
pub(super) fn ranking(counts: &[f32]) -> Vec<u32> {
    let mut order = vec![0; counts.len()];
    rank(counts, &mut order);
    order
}

/// By id, the weight of each entity's rank.
fn deal_ranks(counts: &[f32], ranks: &[f32]) -> Vec<f32> {
    let mut weights = vec![0.0; counts.len()];
    let last = ranks.last().copied().unwrap_or_default();
    let ranks = ranks.iter().copied().chain(std::iter::repeat(last));
    for (id, weight) in ranking(counts).into_iter().zip(ranks) {
        weights[id as usize] = weight;
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::model::{ModelCapacity, ModelMemory};
    use crate::experiment::protocol::Counts;
    use crate::experiment::settings::Settings;
    use scall_core::recommender::Recommender;

    /// The sizes, biases of items included, that come of `sizing` with 3 users and 2 items.
    fn sizes(sizing: &Sizing, budget: u32, hysteresis: bool) -> (Vec<u32>, Vec<u32>) {
        let capacity = ModelCapacity {
            entities: Counts { users: 3, items: 2 },
            parameters: budget,
            longest: 65,
            seen: 8,
        };
        let mut memory = ModelMemory::<f32>::new(&capacity);
        let settings = Settings::default();
        let config = settings.recommender.validate().unwrap();
        let mut model = Recommender::new(memory.lend(), config, PerSide::new(0, 0), budget, 1).unwrap();
        for (side, counts) in [(Side::User, &[1.0, 9.0, 4.0][..]), (Side::Item, &[2.0, 3.0])] {
            for (id, &count) in (0..).zip(counts) {
                model.admit(side, 0).unwrap();
                model.frequencies_mut().set(side, id, count);
            }
        }
        let resize = ResizeSettings { hysteresis, ..settings.resize };
        let (mut scratch, mut generator) = (SizeScratch::new(64), Generator::new(1));
        sizing.apply(&mut model, &resize, 0, &mut scratch, &mut generator).unwrap();
        assert!(model.arena().used() <= budget);
        let of = |side| (0..model.arena().count(side)).map(|id| model.arena().size(side, id)).collect();
        (of(Side::User), of(Side::Item))
    }

    #[test]
    fn weights_share_the_whole_budget() {
        let weights = PerSide::new(vec![1.0, 3.0, 2.0], vec![4.0, 2.0]);
        // 26 less two biases are 24 dimensions for weights of 12.
        assert_eq!(sizes(&Sizing::Weights(weights), 26, true), (vec![2, 6, 4], vec![9, 5]));
    }

    #[test]
    fn dimensions_are_taken_as_they_are_while_they_fit() {
        let wanted = PerSide::new(vec![2, 16, 4], vec![2, 8]);
        let sizing = Sizing::Dimensions(wanted);
        assert_eq!(sizes(&sizing, 400, false), (vec![2, 16, 4], vec![3, 9]));
        assert_eq!(sizes(&sizing, 34, false), (vec![2, 16, 4], vec![3, 9]));
        // Half of the 32 dimensions, and the biases.
        assert_eq!(sizes(&sizing, 18, false), (vec![1, 8, 2], vec![2, 5]));
    }

    #[test]
    fn ranks_are_dealt_by_frequency_and_the_last_repeats() {
        let ranks = PerSide::new(vec![4.0, 1.0], vec![3.0, 3.0]);
        assert_eq!(sizes(&Sizing::Ranks(ranks), 26, true), (vec![2, 8, 2], vec![7, 7]));
    }
}
