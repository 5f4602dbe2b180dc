//! The dimensions in the order of what they are worth, before rows shrink.
//!
//! Scores stay what they are when all rows are turned by one rotation. So before rows lose their last dimensions the
//! space is turned to its principal axes: the dimensions in which rows are large come first, users and items counting
//! alike, and what is cut off afterwards is what scores are made of least. Left alone, training spreads that evenly.

use super::Recommender;
use super::axes::{Square, principal_axes};
use crate::Side;
use crate::element::Element;
use crate::tables::Tables;

/// Numbers of scratch to turn that many dimensions.
pub const fn align_scratch_len(dimensions: usize) -> usize {
    dimensions.saturating_mul(dimensions).saturating_mul(2).saturating_add(dimensions)
}

impl<E: Element, T: Tables> Recommender<'_, E, T> {
    /// Turns the dimensions that all rows have to their principal axes, the strongest first, and returns how many
    /// they are. Biases, AdaGrad's sums and dimensions that some lack stay as they are; cold-start rows become
    /// the mean rows that they are after a [`repack`](Self::repack).
    ///
    /// Scores change by rounding alone, which is not little for rows of bytes. `scratch` has [`align_scratch_len`] of
    /// the dimensions; where it is shorter, or while a repack is under way, nothing happens and 0 is returned.
    /// O(entities * dimensions^2 + dimensions^3).
    pub fn align(&mut self, scratch: &mut [f64]) -> usize {
        let shared = self.shared_dimensions();
        let needed = align_scratch_len(shared);
        if shared < 2 || scratch.len() < needed || self.arena.is_repacking() {
            return 0;
        }
        let (moments, rest) = scratch.split_at_mut_checked(shared * shared).unwrap_or_default();
        let (axes, rest) = rest.split_at_mut_checked(shared * shared).unwrap_or_default();
        let vector = rest.get_mut(..shared).unwrap_or_default();
        let (mut moments, mut axes) = (Square::new(moments, shared), Square::new(axes, shared));
        moments.fill(0.0);
        for side in Side::BOTH {
            // The axes are not there yet, and lend their place.
            axes.fill(0.0);
            for id in 0..self.arena.count(side) {
                if let Some(row) = self.shared(side, id, shared) {
                    read(row, vector);
                    axes.add_square_of(vector);
                }
            }
            moments.add(1.0 / axes.trace().max(f64::MIN_POSITIVE), &axes);
        }
        principal_axes(&mut moments, &mut axes);
        for side in Side::BOTH {
            for id in 0..self.arena.count(side) {
                if let Some(row) = self.shared(side, id, shared) {
                    read(row, vector);
                    for (axis, element) in row.iter_mut().enumerate() {
                        *element = E::from_f32(axes.along(axis, vector) as f32);
                    }
                }
            }
        }
        self.average();
        self.reorder();
        shared
    }

    /// Dimensions of the shortest row; those without one do not count.
    fn shared_dimensions(&self) -> usize {
        let mut shared = u32::MAX;
        for side in Side::BOTH {
            let bias = self.bias_of(side);
            for id in 0..self.arena.count(side) {
                let size = self.arena.size(side, id);
                if size > 0 {
                    shared = shared.min(size.saturating_sub(bias));
                }
            }
        }
        if shared == u32::MAX { 0 } else { shared as usize }
    }

    /// The first dimensions of an entity's own row.
    fn shared(&mut self, side: Side, id: u32, dimensions: usize) -> Option<&mut [E]> {
        let bias = self.bias_of(side) as usize;
        if self.arena.is_cold(side, id) {
            return None;
        }
        self.arena.row_mut(side, id).get_mut(bias..)?.get_mut(..dimensions)
    }

    const fn bias_of(&self, side: Side) -> u32 {
        match side {
            Side::User => 0,
            Side::Item => self.bias_elements(),
        }
    }
}

fn read<E: Element>(row: &[E], vector: &mut [f64]) {
    for (value, element) in vector.iter_mut().zip(row) {
        *value = f64::from(element.to_f32());
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::digest::Digest;
    use crate::element::F16;
    use crate::random::Generator;
    use crate::recommender::{Memory, ROOM};
    use crate::side::PerSide;

    const USERS: u32 = 6;
    const ITEMS: u32 = 8;
    const SIZES: PerSide<u32> = PerSide::new(5, 6);

    /// Rows of 5 dimensions but for an item of 4 and one without any, learned for a while.
    fn learned<E: Element>(recommender: &mut Recommender<'_, E>, bias: u32) {
        for id in 0..USERS {
            recommender.admit(Side::User, SIZES.user + id % 2).unwrap();
        }
        for id in 0..ITEMS {
            let size = [SIZES.item, SIZES.item - 1, 0][(id as usize).saturating_sub(5)];
            recommender.admit(Side::Item, if size == 0 { 0 } else { size - 1 + bias }).unwrap();
        }
        let mut generator = Generator::new(5);
        for _ in 0..400 {
            let user = generator.below(USERS);
            recommender.observe(user, (user + generator.below(3)) % ITEMS).unwrap();
        }
    }

    fn digest<E: Element>(recommender: &Recommender<'_, E>) -> u64 {
        let mut digest = Digest::new();
        for side in Side::BOTH {
            for id in 0..recommender.arena().count(side) {
                recommender
                    .arena()
                    .row(side, id)
                    .iter()
                    .for_each(|element| digest.floats(&[element.to_f32()]));
            }
        }
        digest.value()
    }

    fn scores<E: Element>(recommender: &Recommender<'_, E>) -> Vec<f32> {
        let own = |item: &u32| !recommender.arena().is_cold(Side::Item, *item);
        let of = |user| (0..ITEMS).filter(own).map(move |item| recommender.score(user, item));
        (0..USERS).flat_map(of).collect()
    }

    /// Squares of the first four dimensions, summed up over each side's rows and made one together.
    fn energies<E: Element>(recommender: &Recommender<'_, E>, bias: usize) -> Vec<f64> {
        let mut energies = vec![0.0; 4];
        for (side, first) in [(Side::User, 0), (Side::Item, bias)] {
            let arena = recommender.arena();
            let rows = || {
                (0..arena.count(side)).filter(|&id| !arena.is_cold(side, id)).map(|id| arena.row(side, id))
            };
            let square = |element: &E| f64::from(element.to_f32()) * f64::from(element.to_f32());
            let total: f64 = rows().flat_map(|row| &row[first..first + 4]).map(square).sum();
            for (dimension, energy) in energies.iter_mut().enumerate() {
                *energy += rows().map(|row| square(&row[first + dimension])).sum::<f64>() / total;
            }
        }
        energies
    }

    fn keeps_scores<E: Element>(item_bias: bool, tolerance: f32) {
        let mut memory = Memory::<E>::new(ROOM);
        let mut recommender = memory.recommender(PerSide::new(2, 3), item_bias, 3);
        let bias = u32::from(item_bias);
        learned(&mut recommender, bias);
        let before = scores(&recommender);
        let spread = energies(&recommender, bias as usize);
        let mut scratch = vec![f64::NAN; align_scratch_len(4)];
        assert_eq!(recommender.align(&mut scratch), 4);
        for (before, after) in before.iter().zip(scores(&recommender)) {
            assert!((before - after).abs() <= tolerance, "{before} {after}");
        }
        let aligned = energies(&recommender, bias as usize);
        assert!(aligned.windows(2).all(|pair| pair[0] >= pair[1] - 1e-3), "{aligned:?}");
        assert!(aligned[0] > spread.iter().copied().fold(0.0, f64::max), "{spread:?} {aligned:?}");
    }

    #[test]
    fn scores_stay_and_the_strongest_dimensions_come_first() {
        keeps_scores::<f32>(true, 1e-5);
        keeps_scores::<f32>(false, 1e-5);
        keeps_scores::<F16>(true, 4e-3);
    }

    #[test]
    fn without_scratch_or_rows_nothing_happens() {
        let mut memory = Memory::<f32>::new(ROOM);
        let mut recommender = memory.recommender(PerSide::new(2, 3), true, 3);
        let mut scratch = vec![0.0; align_scratch_len(4)];
        assert_eq!(recommender.align(&mut scratch), 0);
        learned(&mut recommender, 1);
        let before = digest(&recommender);
        assert_eq!(recommender.align(&mut scratch[1..]), 0);
        assert_eq!(digest(&recommender), before);
        assert_eq!(recommender.align(&mut scratch), 4);
        assert_ne!(digest(&recommender), before);
    }
}
