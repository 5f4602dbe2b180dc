//! Mean rows in slices.

use super::Recommender;
use super::model::set_cold_row;
use crate::Side;
use crate::allowance::Allowance;
use crate::element::Element;
use crate::tables::Tables;

/// Dimensions of a mean row that are summed up at once in slices.
const LANES: usize = 8;

/// How far the means have come that are taken in slices: side after side, a few dimensions over all rows at a time, so
/// that a mean is either the one before or the new one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Averaging {
    /// `None` at the end.
    side: Option<Side>,
    /// The first of the elements of a row that are summed up.
    first: usize,
    /// The next row.
    id: u32,
    sums: [f32; LANES],
    /// How many rows have each element.
    having: [u32; LANES],
}

impl Averaging {
    pub(crate) const START: Self =
        Self { side: Some(Side::User), first: 0, id: 0, sums: [0.0; LANES], having: [0; LANES] };

    /// Takes in a row, whose first `bias` elements are a bias.
    #[inline]
    fn add<E: Element>(&mut self, row: &[E], bias: usize) {
        let elements = row.iter().enumerate().skip(self.first);
        for ((sum, having), (at, element)) in self.sums.iter_mut().zip(&mut self.having).zip(elements) {
            *having += 1;
            if at >= bias {
                *sum += element.to_f32();
            } else if at == 0 {
                *sum += E::bias(row);
            }
        }
    }

    /// Writes these dimensions of the mean, and goes on to the next; whether a row may have any.
    fn write(&mut self, mean: &mut [f32]) -> bool {
        let mut rest = mean.iter_mut().skip(self.first);
        for (mean, (sum, &having)) in rest.by_ref().zip(self.sums.iter().zip(&self.having)) {
            *mean = if having > 0 { *sum / having as f32 } else { 0.0 };
        }
        let first = self.first + LANES;
        let longer = first < mean.len() && self.having.last().is_some_and(|&having| having > 0);
        if longer {
            *self = Self { side: self.side, first, ..Self::START };
        } else {
            mean.iter_mut().skip(first).for_each(|mean| *mean = 0.0);
        }
        longer
    }
}

impl<E: Element, T: Tables> Recommender<'_, E, T> {
    /// The means of a repack in slices; whether that was the last. The same as in one go: each dimension is summed up
    /// in the order of the ids.
    pub(crate) fn average_on(&mut self, averaging: &mut Averaging, allowance: &mut Allowance) -> bool {
        while let Some(side) = averaging.side {
            let bias = if side == Side::Item { self.bias_elements() as usize } else { 0 };
            while averaging.id < self.arena.count(side) {
                if !allowance.take(1) {
                    return false;
                }
                let size = self.arena.size(side, averaging.id) as usize;
                if size > averaging.first {
                    averaging.add(self.arena.row(side, averaging.id), bias);
                }
                averaging.id += 1;
            }
            let mean = self.means.get_mut(side);
            let longer = averaging.write(mean);
            if longer {
                continue;
            }
            set_cold_row(self.arena.cold_row_mut(side), mean, bias);
            let next = if side == Side::User { Some(Side::Item) } else { None };
            *averaging = Averaging { side: next, ..Averaging::START };
        }
        true
    }
}
