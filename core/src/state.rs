//! What the policy reads: a vector of fixed length, however many users and items there are.
//!
//! In this order: the users' and the items' frequencies in rank order, pooled into groups; the last reward;
//! the users' part of all entities; the users' and the items' mean embedding; the users' and the items' size
//! spread (SCALL, Qu et al., CIKM 2024). [`StateConfig::PUBLISHED`] has 1028 numbers.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::side::{PerSide, Side};

/// The shape of a state.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateConfig {
    /// Groups that a side's frequencies are pooled into, 0 or more (published: 256).
    pub groups: u32,
    /// Numbers of a side's mean embedding, 0 or more (published: 256).
    pub width: u32,
    /// Least size of a row (published: 1).
    pub min_size: u32,
    /// Greatest size of a row, above the least (published: 256).
    pub max_size: u32,
}

/// What a state tells of one side.
#[derive(Clone, Copy, Debug)]
pub struct SideState<'a> {
    /// Ids by descending frequency: one for every entity of the side.
    pub order: &'a [u32],
    /// Frequencies by id.
    pub frequencies: &'a [f32],
    /// Mean over the entities of their rows, filled up with zeros; what is beyond the width is left out.
    pub mean_embedding: &'a [f32],
    /// Largest size that the last action gave, in numbers; before rounding where that is at hand.
    pub largest: f32,
    /// Smallest size that the last action gave.
    pub smallest: f32,
}

impl<'a> SideState<'a> {
    fn figures(&self) -> SideFigures<'a> {
        SideFigures {
            entities: self.order.len(),
            least: self.order.last().map_or(0.0, |id| self.frequency(*id)),
            greatest: self.order.first().map_or(0.0, |id| self.frequency(*id)),
            mean_embedding: self.mean_embedding,
            largest: self.largest,
            smallest: self.smallest,
        }
    }

    fn frequency(&self, id: u32) -> f32 {
        self.frequencies.get(id as usize).copied().unwrap_or(0.0)
    }
}

/// The same for a side whose frequencies come by rank.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SideFigures<'a> {
    pub(crate) entities: usize,
    pub(crate) least: f32,
    pub(crate) greatest: f32,
    pub(crate) mean_embedding: &'a [f32],
    pub(crate) largest: f32,
    pub(crate) smallest: f32,
}

impl StateConfig {
    /// SCALL's state of 1028 numbers.
    pub const PUBLISHED: Self = Self { groups: 256, width: 256, min_size: 1, max_size: 256 };
    /// A state of 36 numbers, without embeddings.
    pub const COMPACT: Self = Self { groups: 16, width: 0, min_size: 1, max_size: 256 };
    /// The last reward of a state before any action.
    pub const FIRST_REWARD: f32 = 0.5;

    /// Numbers of a state; saturates.
    pub const fn len(&self) -> usize {
        (self.groups as usize).saturating_add(self.width as usize).saturating_mul(2).saturating_add(4)
    }

    /// Never: a state holds four numbers at least.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// Writes the state to the front of `out`. O(users + items), no sort.
    ///
    /// # Errors
    ///
    /// [`StateError::Length`] if `out` is shorter than [`StateConfig::len`]; nothing is written then.
    pub fn write(
        &self,
        sides: &PerSide<SideState<'_>>,
        last_reward: f32,
        out: &mut [f32],
    ) -> Result<(), StateError> {
        let figures = PerSide::new(sides.user.figures(), sides.item.figures());
        self.write_ranked(&figures, last_reward, out, |side, pool| {
            let side = sides.get(side);
            side.order.iter().for_each(|id| pool.push(side.frequency(*id)));
        })
    }

    /// The same, where `by_rank` pushes each side's frequencies, falling, into its pool.
    pub(crate) fn write_ranked(
        &self,
        sides: &PerSide<SideFigures<'_>>,
        last_reward: f32,
        out: &mut [f32],
        mut by_rank: impl FnMut(Side, &mut Pool<'_>),
    ) -> Result<(), StateError> {
        let (needed, given) = (self.len(), out.len());
        if given < needed {
            return Err(StateError::Length { needed, given });
        }
        for side in Side::BOTH {
            let groups = self.groups_mut(side, out);
            let mut pool = Pool::new(sides.get(side), groups);
            by_rank(side, &mut pool);
            pool.close();
        }
        self.write_rest(sides, last_reward, out);
        Ok(())
    }

    /// The place of a side's pooled frequencies.
    pub(crate) fn groups_mut<'o>(&self, side: Side, out: &'o mut [f32]) -> &'o mut [f32] {
        let groups = self.groups as usize;
        let begin = if side == Side::User { 0 } else { groups };
        out.get_mut(begin..).and_then(|rest| rest.get_mut(..groups)).unwrap_or_default()
    }

    /// Writes all but the pooled frequencies. O(width).
    pub(crate) fn write_rest(&self, sides: &PerSide<SideFigures<'_>>, last_reward: f32, out: &mut [f32]) {
        let mut rest = out.get_mut(2 * self.groups as usize..).unwrap_or_default();
        let mut cut = |len: u32| rest.split_off_mut(..len as usize).unwrap_or_default();
        let (users, items) = (&sides.user, &sides.item);
        let count = (users.entities as f32, items.entities as f32);
        let ratio = if count.0 + count.1 > 0.0 { count.0 / (count.0 + count.1) } else { 0.5 };
        fill(cut(2), &[last_reward, ratio]);
        fill(cut(self.width), users.mean_embedding);
        fill(cut(self.width), items.mean_embedding);
        fill(cut(2), &[self.spread(users), self.spread(items)]);
    }

    /// How far the sizes are apart, as a part of what the bounds allow.
    fn spread(&self, side: &SideFigures<'_>) -> f32 {
        if self.max_size > self.min_size {
            (side.largest - side.smallest) / (self.max_size - self.min_size) as f32
        } else {
            0.0
        }
    }
}

fn fill(out: &mut [f32], values: &[f32]) {
    for (out, value) in out.iter_mut().zip(values.iter().copied().chain(core::iter::repeat(0.0))) {
        *out = value;
    }
}

/// The means of groups of neighbouring ranks, scaled so that the least frequency is 0 and the greatest 1; all 1 if
/// they are equal; 0 for groups without members.
#[derive(Debug)]
pub(crate) struct Pool<'o> {
    groups: &'o mut [f32],
    pooled: Pooled,
}

/// How far a pool has come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Pooled {
    least: f64,
    range: f64,
    /// Ranks of a group, and of the group that is open.
    size: usize,
    members: usize,
    sum: f64,
    /// Groups written.
    written: usize,
}

impl<'o> Pool<'o> {
    pub(crate) fn new(side: &SideFigures<'_>, groups: &'o mut [f32]) -> Self {
        groups.fill(0.0);
        let least = f64::from(side.least);
        let range = f64::from(side.greatest) - least;
        let size = side.entities.div_ceil(groups.len().max(1)).max(1);
        Self { groups, pooled: Pooled { least, range, size, members: 0, sum: 0.0, written: 0 } }
    }

    /// A pool that goes on.
    pub(crate) const fn again(pooled: Pooled, groups: &'o mut [f32]) -> Self {
        Self { groups, pooled }
    }

    pub(crate) const fn pooled(&self) -> Pooled {
        self.pooled
    }

    /// Takes the frequency of the next rank.
    #[inline]
    pub(crate) fn push(&mut self, frequency: f32) {
        let pooled = &mut self.pooled;
        pooled.sum += f64::from(frequency) - pooled.least;
        pooled.members += 1;
        if pooled.members == pooled.size {
            self.close();
        }
    }

    /// Writes the group that is open.
    pub(crate) fn close(&mut self) {
        let Pooled { range, members, sum, written, .. } = &mut self.pooled;
        if *members > 0
            && let Some(group) = self.groups.get_mut(*written)
        {
            let mean = *sum / (*range * *members as f64);
            *group = if *range > 0.0 { mean as f32 } else { 1.0 };
            *written += 1;
        }
        (*members, *sum) = (0, 0.0);
    }
}

/// Why a state was not written.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateError {
    /// The slice is too short.
    Length {
        /// Numbers of a state.
        needed: usize,
        /// Numbers of the slice.
        given: usize,
    },
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length { .. } => "the slice is too short for a state",
        })
    }
}

impl core::error::Error for StateError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn side<'a>(order: &'a [u32], frequencies: &'a [f32], mean_embedding: &'a [f32]) -> SideState<'a> {
        SideState { order, frequencies, mean_embedding, largest: 1.0, smallest: 1.0 }
    }

    #[test]
    fn published_length_and_order() {
        assert_eq!(StateConfig::PUBLISHED.len(), 1028);
        assert_eq!(StateConfig::COMPACT.len(), 36);
        // 512 users with frequencies 511 ... 0: two in a group, means 1021/1022, 1017/1022, ...
        let frequencies: Vec<f32> = (0..512).map(|id| id as f32).collect();
        let order: Vec<u32> = (0..512).rev().collect();
        let users = SideState { largest: 52.0, ..side(&order, &frequencies, &[0.25; 256]) };
        // 128 items alike: one in a group, half of the groups without members.
        let items = SideState { largest: 256.0, ..side(&order[384..], &[3.0; 512], &[-0.5; 100]) };
        let mut out = [9.0; 1030];
        StateConfig::PUBLISHED.write(&PerSide::new(users, items), 0.75, &mut out).unwrap();
        for (group, &value) in out[..256].iter().enumerate() {
            let expected = (1021 - 4 * group as i32) as f32 / 1022.0;
            assert!((value - expected).abs() < 1e-6, "{group}: {value} {expected}");
        }
        assert_eq!(out[256..384], [1.0; 128]);
        assert_eq!(out[384..512], [0.0; 128]);
        assert_eq!(out[512..514], [0.75, 0.8]);
        assert_eq!(out[514..770], [0.25; 256]);
        assert_eq!(out[770..870], [-0.5; 100]);
        assert_eq!(out[870..1026], [0.0; 156]);
        assert_eq!(out[1026..1028], [0.2, 1.0]);
        assert_eq!(out[1028..], [9.0; 2], "nothing beyond the state is written");
    }

    #[test]
    fn a_last_group_counts_its_own_members() {
        // Ranks 9 5 5 | 4 1: scaled 1, 1/2, 1/2 | 3/8, 0.
        let config = StateConfig { groups: 2, width: 1, min_size: 1, max_size: 9 };
        let users = side(&[4, 1, 0, 2, 3], &[5.0, 5.0, 4.0, 1.0, 9.0], &[2.0, 3.0]);
        let items = SideState { largest: 8.0, smallest: 2.0, ..side(&[0], &[7.0], &[]) };
        let mut out = [0.0; 10];
        config.write(&PerSide::new(users, items), 0.5, &mut out).unwrap();
        let expected = [2.0 / 3.0, 3.0 / 16.0, 1.0, 0.0, 0.5, 5.0 / 6.0, 2.0, 0.0, 0.0, 0.75];
        for (value, expected) in out.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-7, "{out:?}");
        }
    }

    #[test]
    fn nobody_and_nothing() {
        let config = StateConfig { groups: 2, width: 1, min_size: 4, max_size: 4 };
        let empty = SideState { largest: 0.0, smallest: 0.0, ..side(&[], &[], &[]) };
        let mut out = [9.0; 10];
        config.write(&PerSide::new(empty, empty), 0.5, &mut out).unwrap();
        assert_eq!(out, [0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0]);
        let none = StateConfig { groups: 0, width: 0, ..config };
        none.write(&PerSide::new(side(&[0], &[1.0], &[]), empty), 0.5, &mut out).unwrap();
        assert_eq!(out[..4], [0.5, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn too_short_a_slice_stays_untouched() {
        let empty = side(&[], &[], &[]);
        let mut out = [9.0; 35];
        let error = StateConfig::COMPACT.write(&PerSide::new(empty, empty), 0.5, &mut out).unwrap_err();
        assert_eq!(error, StateError::Length { needed: 36, given: 35 });
        assert_eq!(out, [9.0; 35]);
    }

    proptest! {
        #![proptest_config(config(64))]

        #[test]
        fn pooled_frequencies_fall_from_one_to_zero(
            mut frequencies in proptest::collection::vec(0_u16..50, 1..80),
            groups in 1_u32..20,
        ) {
            frequencies.sort_unstable_by(|a, b| b.cmp(a));
            let frequencies: Vec<f32> = frequencies.into_iter().map(f32::from).collect();
            let order: Vec<u32> = (0..frequencies.len() as u32).collect();
            let shape = StateConfig { groups, width: 0, min_size: 1, max_size: 8 };
            let users = side(&order, &frequencies, &[]);
            let mut out = std::vec![0.0; shape.len()];
            shape.write(&PerSide::new(users, users), 0.5, &mut out).unwrap();
            let pooled = &out[..groups as usize];
            prop_assert!(pooled.iter().all(|value| (0.0..=1.0).contains(value)));
            prop_assert!(pooled.windows(2).all(|pair| pair[0] >= pair[1]));
            // Means of groups, weighted by their members, give the mean of all.
            let (n, size) = (frequencies.len(), frequencies.len().div_ceil(groups as usize));
            let (first, last) = (frequencies[0], frequencies[n - 1]);
            let mean: f32 = pooled
                .iter()
                .enumerate()
                .map(|(group, value)| value * size.min(n.saturating_sub(group * size)) as f32)
                .sum::<f32>() / n as f32;
            let expected = if first > last {
                frequencies.iter().map(|f| (f - last) / (first - last)).sum::<f32>() / n as f32
            } else {
                1.0
            };
            prop_assert!((mean - expected).abs() < 1e-4);
        }
    }
}
