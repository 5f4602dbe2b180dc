//! Sizes of single rows, followed through a run: those of a few entities in every segment, and those of all
//! ranks at the end.

use std::cmp::Ordering;

use scall_core::side::Side;

use super::model::Model;
use crate::report::trace::{Growth, RankedSize};
use crate::stream::Stream;

/// The entities that are followed: on each side those at the ranks 1, 3, 10, 30, 100 and so on by their
/// interactions in the whole stream. No method knows who they are.
#[derive(Debug)]
pub(super) struct Followed(Vec<Entity>);

#[derive(Debug)]
struct Entity {
    side: Side,
    id: u32,
    interactions: u64,
}

/// The row sizes of those followed after one segment, in their order; none for who is not known yet.
pub(super) type Sizes = Vec<Option<u32>>;

impl Followed {
    /// Those of a stream.
    pub(super) fn of(stream: &Stream) -> Self {
        let mut all = Vec::new();
        for (side, ids) in [(Side::User, &stream.users), (Side::Item, &stream.items)] {
            let mut interactions = vec![0_u64; *stream.entities().get(side)];
            for &id in ids {
                interactions[id as usize] += 1;
            }
            let order = by_rank(&interactions, u64::cmp);
            all.extend(following_ranks(order.len()).map(|rank| {
                let id = order[rank - 1];
                Entity { side, id, interactions: interactions[id as usize] }
            }));
        }
        Self(all)
    }

    /// Their sizes now.
    pub(super) fn sizes(&self, model: &dyn Model) -> Sizes {
        let known = |entity: &Entity| entity.id < model.count(entity.side);
        self.0.iter().map(|entity| known(entity).then(|| model.size(entity.side, entity.id))).collect()
    }

    /// By entity and segment, from the sizes after each segment.
    pub(super) fn growth(&self, stream: &Stream, sizes: &[Sizes]) -> Vec<Growth> {
        let mut growth = Vec::new();
        for (place, &Entity { side, id, interactions }) in self.0.iter().enumerate() {
            let names = if side == Side::User { &stream.user_names } else { &stream.item_names };
            for (segment, sizes) in sizes.iter().enumerate() {
                growth.extend(sizes.get(place).copied().flatten().map(|size| Growth {
                    side: side.into(),
                    entity: names.get(id).unwrap_or_default().to_owned(),
                    interactions,
                    segment,
                    size,
                }));
            }
        }
        growth
    }
}

/// The sizes of one side by rank: at every rank up to 24, and then at ranks 4% apart.
pub(super) fn ranked_sizes(model: &dyn Model, side: Side) -> impl Iterator<Item = RankedSize> {
    let order = by_rank(&model.frequencies(side), f32::total_cmp);
    let mut next = 1;
    std::iter::from_fn(move || {
        let rank = next;
        let &id = order.get(rank - 1)?;
        // The last rank is always there.
        next = if rank < order.len() { (rank + (rank / 24).max(1)).min(order.len()) } else { rank + 1 };
        Some(RankedSize { side: side.into(), rank: rank as u64, size: model.size(side, id) })
    })
}

/// Ids by descending value; of equal ones the first to arrive.
fn by_rank<T>(values: &[T], compare: impl Fn(&T, &T) -> Ordering) -> Vec<u32> {
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    order.sort_by(|&a, &b| compare(&values[b as usize], &values[a as usize]));
    order
}

/// 1, 3, 10, 30, 100 and so on, up to `count`.
fn following_ranks(count: usize) -> impl Iterator<Item = usize> {
    let tens = std::iter::successors(Some(1_usize), |ten| ten.checked_mul(10));
    tens.flat_map(|ten| [ten, ten.saturating_mul(3)]).take_while(move |&rank| rank <= count)
}

#[cfg(test)]
mod tests {
    use scall_core::recommender::{Recommender, RecommenderConfig};
    use scall_core::side::PerSide;

    use super::*;
    use crate::experiment::model::{ModelCapacity, ModelMemory};
    use crate::experiment::protocol::Counts;
    use crate::input::{Format, Names};

    #[test]
    fn those_at_few_ranks_are_followed_from_their_arrival() {
        // Item 0 comes once, 1 twice, 2 three times; user 0 has them all.
        let stream = Stream {
            name: "small".into(),
            format: Format::BuiltIn,
            rows: 6,
            skipped_rows: 0,
            users: vec![0; 6],
            items: vec![0, 1, 1, 2, 2, 2],
            times: vec![0; 6],
            user_names: Names::from_iter(["ann"]),
            item_names: Names::from_iter(["a", "b", "c"]),
        };
        let followed = Followed::of(&stream);
        let entities = Counts { users: 1, items: 3 };
        let capacity = ModelCapacity { entities, parameters: 20, longest: 5, seen: 4 };
        let mut memory = ModelMemory::<f32>::new(&capacity);
        let config = RecommenderConfig::default().validate().unwrap();
        let mut model = Recommender::new(memory.lend(), config, PerSide::new(0, 0), 20, 1).unwrap();
        model.admit(Side::User, 4).unwrap();
        model.admit(Side::Item, 2).unwrap();
        let first = followed.sizes(&model);
        model.admit(Side::Item, 3).unwrap();
        model.admit(Side::Item, 5).unwrap();
        let growth = followed.growth(&stream, &[first, followed.sizes(&model)]);
        let lines: Vec<_> =
            growth.iter().map(|row| (row.entity.as_str(), row.interactions, row.segment, row.size)).collect();
        // Ranks 1 and 3 of the items; the most frequent is not there yet after the first segment.
        assert_eq!(
            lines,
            [("ann", 6, 0, 4), ("ann", 6, 1, 4), ("c", 3, 1, 5), ("a", 1, 0, 2), ("a", 1, 1, 2)]
        );
        for (id, frequency) in [(0, 1.0), (1, 2.0), (2, 3.0)] {
            model.set_frequency(Side::Item, id, frequency);
        }
        let ranked: Vec<_> = ranked_sizes(&model, Side::Item).map(|row| (row.rank, row.size)).collect();
        assert_eq!(ranked, [(1, 5), (2, 3), (3, 2)]);
    }

    #[test]
    fn ranks_are_dense_at_first_and_end_at_the_last() {
        let ranks: Vec<_> = following_ranks(1_882).collect();
        assert_eq!(ranks, [1, 3, 10, 30, 100, 300, 1_000]);
        assert_eq!(following_ranks(0).count(), 0);
    }
}
