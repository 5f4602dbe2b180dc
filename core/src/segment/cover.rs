//! How to share a budget that does not give everyone a row.
//!
//! A recommendation is answered in full where the user and the item both have rows. Rows go to the most frequent first,
//! so with `n` of all users and the `m` most frequent items served, a user taken at random and the item of an event
//! both have one with the probability `n / users * events of those items / all events`. Users count alike, however
//! often they come, since quality is a mean over users.

use crate::element::Element;
use crate::recommender::{Decision, Recommender};
use crate::side::PerSide;
use crate::sizes::Bounds;
use crate::tables::Tables;

/// The users' share of all dimensions at which that probability is highest, with `budget` parameters and rows as short
/// as the bounds allow; `None` where everyone can have such a row, or may have one of nothing.
///
/// The size words lose what they held, until the next resize. O(entities log entities), the logarithm for ranking.
pub fn covering_share<E: Element, T: Tables>(
    recommender: &mut Recommender<'_, E, T>,
    bounds: PerSide<Bounds>,
    budget: u64,
) -> Option<f32> {
    let bias = recommender.bias_elements();
    let Decision { frequencies, words, .. } = recommender.decide();
    let heads = PerSide::new(frequencies.user.len() as u64, frequencies.item.len() as u64);
    let mut cover = Cover::new(heads, PerSide::new(bounds.user.min, bounds.item.min), bias, budget)?;
    T::by_rank(frequencies.item, words.item, |count| cover.serve(count));
    cover.share()
}

/// What serving one item more, and fewer users for it, comes to.
#[derive(Clone, Copy, Debug)]
struct Cover {
    users: u64,
    /// Dimensions of a row.
    row: PerSide<u64>,
    bias: u64,
    budget: u64,
    /// Items served, and their events.
    served: u64,
    events: f64,
    /// The best so far: what it covers, and dimensions of both sides.
    best: (f64, PerSide<u64>),
}

impl Cover {
    fn new(heads: PerSide<u64>, row: PerSide<u32>, bias: u32, budget: u64) -> Option<Self> {
        let (row, bias) = (PerSide::new(u64::from(row.user), u64::from(row.item)), u64::from(bias));
        let of_users = heads.user.saturating_mul(row.user);
        let of_items = heads.item.saturating_mul(row.item.saturating_add(bias));
        let scarce = row.user > 0 && row.item > 0 && of_users.saturating_add(of_items) > budget;
        let best = (0.0, PerSide::new(0, 0));
        scarce.then_some(Self { users: heads.user, row, bias, budget, served: 0, events: 0.0, best })
    }

    /// Serves the next item, which was seen so often.
    fn serve(&mut self, count: f32) {
        self.served += 1;
        self.events += f64::from(count);
        let taken = self.served.saturating_mul(self.row.item.saturating_add(self.bias));
        let left = self.budget.saturating_sub(taken);
        let users = left.checked_div(self.row.user).unwrap_or(0).min(self.users);
        let covered = users as f64 * self.events;
        if covered > self.best.0 {
            self.best = (covered, PerSide::new(users * self.row.user, self.served * self.row.item));
        }
    }

    fn share(&self) -> Option<f32> {
        let (covered, PerSide { user, item }) = self.best;
        (covered > 0.0).then_some((user as f64 / (user + item) as f64) as f32)
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::Side;
    use crate::recommender::{Memory, ROOM};
    use crate::testing::config;

    fn share(users: u64, counts: &[f32], row: PerSide<u32>, bias: u32, budget: u64) -> Option<f32> {
        let mut cover = Cover::new(PerSide::new(users, counts.len() as u64), row, bias, budget)?;
        counts.iter().for_each(|&count| cover.serve(count));
        cover.share()
    }

    #[test]
    fn known_shares() {
        let row = PerSide::new(3, 3);
        // One item of four parameters leaves 8 for two users: 2 * 6 events; two leave 4 for one: 1 * 10.
        assert_eq!(share(4, &[6.0, 4.0, 1.0], row, 1, 12), Some(6.0 / 9.0));
        // One leaves 11 for three: 3 * 6; two leave 7 for two: 2 * 10; three leave 3 for one: 1 * 11.
        assert_eq!(share(4, &[6.0, 4.0, 1.0], row, 1, 15), Some(6.0 / 12.0));
        assert_eq!(share(4, &[6.0, 4.0, 1.0], row, 1, 24), None, "all have rows");
        assert_eq!(share(4, &[6.0, 4.0, 1.0], PerSide::new(0, 3), 1, 12), None, "rows of nothing");
        assert_eq!(share(4, &[6.0, 4.0, 1.0], row, 1, 6), None, "nothing is covered");
        assert_eq!(share(0, &[6.0], row, 1, 3), None, "nobody asks");
    }

    #[test]
    fn a_recommender_is_asked_by_its_own_counts() {
        let mut memory = Memory::<f32>::new(ROOM);
        let mut recommender = memory.recommender(PerSide::new(0, 0), true, 1);
        for (side, counts) in [(Side::User, &[1.0, 2.0, 3.0, 4.0][..]), (Side::Item, &[1.0, 6.0, 4.0])] {
            for (id, &count) in (0..).zip(counts) {
                recommender.admit(side, 0).unwrap();
                recommender.frequencies_mut().set(side, id, count);
            }
        }
        let bounds = Bounds { min: 3, max: 6 };
        let mut share = |budget| covering_share(&mut recommender, PerSide::new(bounds, bounds), budget);
        assert_eq!((share(12), share(15), share(24)), (Some(6.0 / 9.0), Some(6.0 / 12.0), None));
    }

    proptest! {
        #![proptest_config(config(128))]

        #[test]
        fn no_other_numbers_of_rows_cover_more(
            users in 1_u64..20,
            mut counts in proptest::collection::vec(0_u8..9, 1..20),
            (user_row, item_row) in (1_u32..5, 1_u32..5),
            bias in 0_u32..3,
            part in 0.0..1.0_f64,
        ) {
            counts.sort_unstable_by(|a, b| b.cmp(a));
            let counts: Vec<f32> = counts.into_iter().map(f32::from).collect();
            let items = counts.len() as u64;
            let (user_cost, item_cost) = (u64::from(user_row), u64::from(item_row + bias));
            let budget = (part * (users * user_cost + items * item_cost) as f64) as u64;
            let covered = |n: u64, m: u64| n as f64 * f64::from(counts[..m as usize].iter().sum::<f32>());
            let affordable = |n: u64, m: u64| n * user_cost + m * item_cost <= budget;
            let all = || (0..=users).flat_map(|n| (0..=items).map(move |m| (n, m))).filter(|&(n, m)| affordable(n, m));
            let most = all().map(|(n, m)| covered(n, m)).fold(0.0, f64::max);
            let share = share(users, &counts, PerSide::new(user_row, item_row), bias, budget);
            prop_assert_eq!(share.is_some(), most > 0.0);
            if let Some(share) = share {
                let of = |n: u64, m: u64| {
                    let (n, m) = ((n * u64::from(user_row)) as f64, (m * u64::from(item_row)) as f64);
                    (n / (n + m)) as f32
                };
                prop_assert!(all().any(|(n, m)| covered(n, m) == most && of(n, m) == share));
            }
        }
    }
}
