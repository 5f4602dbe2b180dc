//! A cheap measure of a model on interactions that it has not learned.

use scall_core::random::Generator;
use scall_core::side::Side;

use super::model::Model;
use super::training::Pair;

/// Items that each interaction is ranked among.
const OTHERS: u32 = 200;

/// Mean reciprocal rank of the interactions' items among 200 items that the user has not had, drawn anew for
/// each; equal scores count half. Only known users and items are measured; 0 without any.
pub fn reciprocal_rank(
    recommender: &dyn Model,
    pairs: &[Pair],
    had: impl Fn(u32, u32) -> bool,
    generator: &mut Generator,
) -> f64 {
    let (users, items) = (recommender.count(Side::User), recommender.count(Side::Item));
    let (mut sum, mut count) = (0.0, 0_u32);
    let (mut others, mut scores) = (Vec::new(), [0.0; OTHERS as usize]);
    for &(user, item) in pairs.iter().filter(|&&(user, item)| user < users && item < items) {
        let own = recommender.score(user, item);
        others.clear();
        let draws = (0..OTHERS).map(|_| generator.below(items));
        others.extend(draws.filter(|&other| other != item && !had(user, other)));
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
        count += 1;
    }
    sum / f64::from(count.max(1))
}
