//! The rows of a model by themselves: what is kept of the best block, and what the next segment begins with.

use scall_core::frequency::rank;
use scall_core::random::Generator;
use scall_core::side::{PerSide, Side};
use scall_core::snapshot::{Reader, Snapshot, SnapshotError, Writer};
use serde::{Deserialize, Serialize};

use crate::experiment::methods::published::Observed;
use crate::experiment::model::Model;

/// Standard deviation of the elements of a new row (published: 0.01).
const INITIAL_SCALE: f32 = 0.01;

/// All rows of both sides, by id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rows(PerSide<SideRows>);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct SideRows {
    sizes: Vec<u32>,
    values: Vec<f32>,
}

impl SideRows {
    /// Every row, in the order of ids.
    fn all(&self) -> impl Iterator<Item = &[f32]> {
        let mut rest = &self.values[..];
        self.sizes.iter().map(move |&size| {
            let (row, others) = rest.split_at_checked(size as usize).unwrap_or_default();
            rest = others;
            row
        })
    }
}

impl Rows {
    /// Those of a recommender.
    pub fn of(recommender: &dyn Model) -> Self {
        let of = |side| {
            let ids = || 0..recommender.count(side);
            SideRows {
                sizes: ids().map(|id| recommender.size(side, id)).collect(),
                values: ids().flat_map(|id| recommender.row(side, id)).collect(),
            }
        };
        Self(PerSide::new(of(Side::User), of(Side::Item)))
    }

    /// The sizes of a side, by id.
    pub fn sizes(&self, side: Side) -> &[u32] {
        &self.0.get(side).sizes
    }

    /// Writes the rows to a recommender, whatever its sizes: a row loses its tail or ends in zeros, and rows
    /// that are not here are drawn.
    pub fn begin(&self, recommender: &mut dyn Model, generator: &mut Generator) {
        for side in Side::BOTH {
            let mut known = self.0.get(side).all();
            for id in 0..recommender.count(side) {
                // Who has no row of their own is not here either.
                let size = recommender.size(side, id) as usize;
                let saved = known.next();
                let row: Vec<f32> = match saved {
                    Some(saved) => saved.iter().copied().chain(std::iter::repeat(0.0)).take(size).collect(),
                    None => (0..size).map(|_| INITIAL_SCALE * generator.normal()).collect(),
                };
                recommender.set_row(side, id, &row);
            }
        }
        recommender.reorder();
    }

    /// What a policy reads of a model with these rows: its mean rows are over all entities, zeros where a row
    /// ends; an item's bias, if `item_bias`, is no part of its embedding.
    pub fn observed(&self, frequencies: &PerSide<Vec<f32>>, item_bias: bool) -> Observed {
        let order = |counts: &[f32]| {
            let mut order = vec![0; counts.len()];
            rank(counts, &mut order);
            order
        };
        let mean = |side: Side| {
            let rows = self.0.get(side);
            let first = usize::from(item_bias && side == Side::Item);
            let longest = rows.sizes.iter().max().copied().unwrap_or(0) as usize;
            let mut sums = vec![0.0_f64; longest.saturating_sub(first)];
            for row in rows.all() {
                let embedding = row.get(first..).unwrap_or_default();
                sums.iter_mut().zip(embedding).for_each(|(sum, &value)| *sum += f64::from(value));
            }
            sums.iter().map(|sum| (sum / rows.sizes.len().max(1) as f64) as f32).collect()
        };
        let extremes = |side: Side| {
            let sizes = || self.sizes(side).iter().copied();
            [sizes().max().unwrap_or(0) as f32, sizes().min().unwrap_or(0) as f32]
        };
        Observed {
            order: PerSide::new(order(&frequencies.user), order(&frequencies.item)),
            frequencies: frequencies.clone(),
            means: PerSide::new(mean(Side::User), mean(Side::Item)),
            extremes: PerSide::new(extremes(Side::User), extremes(Side::Item)),
        }
    }
}

impl Snapshot for Rows {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        writer.put(self)
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let saved: Self = reader.take()?;
        for side in Side::BOTH {
            let SideRows { sizes, values } = saved.0.get(side);
            let needed: u64 = sizes.iter().map(|&size| u64::from(size)).sum();
            if needed != values.len() as u64 || !values.iter().all(|value| value.is_finite()) {
                return Err(SnapshotError::Damaged);
            }
        }
        if !reader.is_dry() {
            *self = saved;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::model::{ModelCapacity, ModelMemory};
    use crate::experiment::protocol::Counts;
    use scall_core::recommender::{Recommender, RecommenderConfig};
    use scall_core::snapshot;

    /// A recommender of these sizes without biases.
    fn with<T>(users: &[u32], items: &[u32], then: impl FnOnce(&mut Recommender<'_>) -> T) -> T {
        let entities = Counts { users: users.len() as u32, items: items.len() as u32 };
        let mut memory = ModelMemory::new(&ModelCapacity { entities, parameters: 100, longest: 16, seen: 4 });
        let config = RecommenderConfig { item_bias: false, ..RecommenderConfig::default() };
        let config = config.validate().unwrap();
        let mut recommender = Recommender::new(memory.lend(), config, PerSide::new(0, 0), 100, 1).unwrap();
        for (side, sizes) in [(Side::User, users), (Side::Item, items)] {
            for &size in sizes {
                recommender.admit(side, size).unwrap();
            }
        }
        then(&mut recommender)
    }

    fn rows() -> Rows {
        Rows(PerSide::new(
            SideRows { sizes: vec![2, 0, 3], values: vec![1.0, 2.0, 3.0, 4.0, 5.0] },
            SideRows { sizes: vec![1, 2], values: vec![6.0, 7.0, 8.0] },
        ))
    }

    #[test]
    fn a_grown_row_ends_in_zeros_a_shrunk_one_loses_its_tail_and_a_new_one_is_drawn() {
        with(&[4, 2, 1, 3], &[1, 2], |recommender| {
            rows().begin(recommender, &mut Generator::new(5));
            let row = |side, id| recommender.arena().row(side, id).to_vec();
            assert_eq!(row(Side::User, 0), [1.0, 2.0, 0.0, 0.0]);
            assert_eq!(row(Side::User, 1), [0.0, 0.0]);
            assert_eq!(row(Side::User, 2), [3.0]);
            let new = row(Side::User, 3);
            assert!(new.iter().all(|value| *value != 0.0 && value.abs() < 0.06), "{new:?}");
            assert_eq!((row(Side::Item, 0), row(Side::Item, 1)), (vec![6.0], vec![7.0, 8.0]));
        });
    }

    #[test]
    fn new_elements_have_the_published_spread() {
        with(&[30], &[60], |recommender| {
            Rows::default().begin(recommender, &mut Generator::new(5));
            let all = Rows::of(recommender);
            let values = all.0.user.values.iter().chain(&all.0.item.values);
            let squares: f32 = values.map(|value| value * value).sum();
            let deviation = scall_core::math::sqrt(squares / 90.0);
            // Five standard errors.
            assert!((deviation - 0.01).abs() < 5.0 * 0.01 / 13.4, "{deviation}");
        });
    }

    #[test]
    fn rows_come_back_from_a_recommender_and_from_a_snapshot() {
        with(&[2, 0, 3], &[1, 2], |recommender| {
            rows().begin(recommender, &mut Generator::new(5));
            assert_eq!(Rows::of(recommender), rows());
        });
        let mut bytes = vec![0; snapshot::size(&[], &rows()).unwrap()];
        snapshot::save(&[], &rows(), &mut bytes).unwrap();
        let mut loaded = Rows::default();
        snapshot::load(&[], &mut loaded, &bytes).unwrap();
        assert_eq!(loaded, rows());
        let mut short = rows();
        short.0.item.values.pop();
        snapshot::save(&[], &short, &mut bytes).unwrap();
        assert_eq!(snapshot::load(&[], &mut loaded, &bytes), Err(SnapshotError::Damaged));
    }

    #[test]
    fn the_policy_reads_means_over_all_entities() {
        let counts = PerSide::new(vec![1.0, 5.0, 3.0], vec![0.0, 2.0]);
        let observed = rows().observed(&counts, true);
        assert_eq!(observed.order.user, [1, 2, 0]);
        assert_eq!(observed.means, PerSide::new(vec![4.0 / 3.0, 2.0, 5.0 / 3.0], vec![4.0]));
        assert_eq!(observed.extremes, PerSide::new([3.0, 0.0], [2.0, 1.0]));
        assert_eq!(rows().observed(&counts, false).means.item, [6.5, 4.0]);
    }
}
