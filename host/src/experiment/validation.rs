//! A cheap measure of a model on interactions that it has not learned.

use scall_core::random::Generator;
use scall_core::side::Side;

use super::model::Model;
use super::training::Pair;

/// Items that each interaction is ranked among.
const OTHERS: u32 = 200;

/// Mean reciprocal rank of the interactions' items among 200 items that the user has not had, drawn anew for
/// each; equal scores count half. Only known users and items are measured; 0 without any. `had` gives the items
/// that a user has had. O(items + interactions x (200 + those of the user)).
pub fn reciprocal_rank<H: Iterator<Item = u32>>(
    recommender: &dyn Model,
    pairs: &[Pair],
    had: impl Fn(u32) -> H,
    generator: &mut Generator,
) -> f64 {
    let (users, items) = (recommender.count(Side::User), recommender.count(Side::Item));
    // By item, the number of the interaction whose user had it; of the last one that marked it.
    let mut marks = vec![0_u32; items as usize];
    let (mut sum, mut count) = (0.0, 0_u32);
    let (mut others, mut scores) = (Vec::new(), [0.0; OTHERS as usize]);
    for &(user, item) in pairs.iter().filter(|&&(user, item)| user < users && item < items) {
        count += 1;
        for had in had(user) {
            if let Some(mark) = marks.get_mut(had as usize) {
                *mark = count;
            }
        }
        let own = recommender.score(user, item);
        others.clear();
        let draws = (0..OTHERS).map(|_| generator.below(items));
        others.extend(draws.filter(|&other| other != item && marks[other as usize] != count));
        recommender.scores(user, &others, &mut scores);
        let mut ahead = 0.0;
        for &score in scores.iter().take(others.len()) {
            ahead += if score > own {
                1.0
            } else if score == own {
                0.5
            } else {
                0.0
            };
        }
        sum += 1.0 / (1.0 + ahead);
    }
    sum / f64::from(count.max(1))
}

#[cfg(test)]
mod tests {
    use scall_core::recommender::RecommenderConfig;
    use scall_core::side::PerSide;

    use super::*;
    use crate::experiment::model::{Memory, ModelCapacity, ModelMemory};
    use crate::experiment::protocol::Counts;

    /// The measure with two users and as many items as `biases`, which are all that scores are made of.
    fn measure(biases: &[f32], pairs: &[Pair], had: &[u32]) -> f64 {
        let items = biases.len() as u32;
        let capacity = ModelCapacity {
            entities: Counts { users: 2, items },
            parameters: 2 * items + 8,
            longest: 2,
            seen: 16,
        };
        let mut memory = ModelMemory::<f32>::new(&capacity);
        let config = RecommenderConfig { initial_scale: 0.0, ..RecommenderConfig::default() };
        let mut model = memory.model(config.validate().unwrap(), PerSide::new(1, 1), capacity.parameters, 1);
        let model = model.as_mut().unwrap();
        for _ in 0..2 {
            model.admit(Side::User, 1).unwrap();
        }
        for &bias in biases {
            let id = model.admit(Side::Item, 1).unwrap().id;
            model.set_row(Side::Item, id, &[bias]);
        }
        let had = |user| had.iter().copied().filter(move |_| user == 0);
        reciprocal_rank(&**model, pairs, had, &mut Generator::new(3))
    }

    #[test]
    fn what_is_had_is_no_rival_and_equals_count_half() {
        // One of two rivals is behind, the other, of which there are about 100, was had by user 0.
        assert_eq!(measure(&[0.5, 0.1, 0.9], &[(0, 0)], &[2]), 1.0);
        // 200 items are drawn from three; who is the item itself is left out.
        let worse = measure(&[0.5, 0.1, 0.9], &[(1, 0)], &[2]);
        assert!((1.0 / 90.0..1.0 / 45.0).contains(&worse), "{worse}");
        let equal = measure(&[0.5, 0.5, 0.1], &[(1, 0)], &[]);
        assert!((1.0 / 45.0..1.0 / 22.0).contains(&equal), "{equal}");
        // The mean over both, though they share a user's mark with none.
        let both = measure(&[0.5, 0.1, 0.9], &[(0, 0), (1, 0)], &[2]);
        assert!((0.5..0.55).contains(&both), "{both}");
    }

    #[test]
    fn the_unknown_are_not_measured() {
        assert_eq!(measure(&[0.5, 0.1], &[(0, 9), (7, 0)], &[]), 0.0);
    }
}
