//! A recommender in a snapshot.
//!
//! Saved is all that was learned and drawn: rows, accumulators, frequencies, means, remembered pairs, the
//! sizes of newcomers and the generators. The settings are the caller's, who restores into a recommender
//! of the same cold-start rows, the same number of means and remembered pairs, and the same choice about
//! item biases and the stored type; it may have room for more entities and parameters. The retrieval order follows from the
//! rows, so only how far it reaches is saved. A size decision that is under way is not: nothing of it is
//! left after [`Recommender::decide`] without [`Recommender::repack`].

use super::model::Recommender;
use super::seen::SeenFilter;
use crate::Side;
use crate::arena::Arena;
use crate::element::Element;
use crate::frequency::Frequencies;
use crate::random::Generator;
use crate::snapshot::{NUMBER_LEN, Reader, Snapshot, SnapshotError, Writer};
use crate::tables::Tables;

impl SeenFilter<'_> {
    /// The most bytes in a snapshot, for memory of that many words.
    pub const fn max_snapshot_len(words: usize) -> usize {
        // A word of 32 bits takes up to 5 bytes.
        2 * NUMBER_LEN + 5 * words
    }
}

impl Snapshot for SeenFilter<'_> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        writer.put(&length(self.words()))?;
        writer.put_all(self.words().iter())
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        reader.expect(length(self.words()))?;
        reader.fill(self.words_mut())
    }
}

impl<E: Element, T: Tables> Recommender<'_, E, T> {
    /// The most bytes in a snapshot, for a budget of that many elements, that many users and items, means
    /// of both sides together, and words of the memory of pairs.
    pub const fn max_snapshot_len(
        parameters: usize,
        users: usize,
        items: usize,
        means: usize,
        seen: usize,
    ) -> usize {
        let numbers = 12 * NUMBER_LEN + size_of::<T::Sum>() * (2 + users + items) + size_of::<f32>() * means;
        Arena::<E, T::Length>::max_snapshot_len(parameters, users, items)
            + Frequencies::<T::Count>::max_snapshot_len(users, items)
            + SeenFilter::max_snapshot_len(seen)
            + if E::DITHERS || T::DITHERS { 3 } else { 2 } * Generator::SNAPSHOT_LEN
            + numbers
    }

    /// What its rows and tables mean: whether items have biases, the stored type, and how tables are kept.
    fn meaning(&self) -> u32 {
        u32::from(self.config.get().item_bias) | (E::KIND << 1) | (T::KIND << 4)
    }
}

impl<E: Element, T: Tables> Snapshot for Recommender<'_, E, T> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        writer.put(&self.meaning())?;
        self.arena.save(writer)?;
        writer.put(&self.order.len())?;
        for side in Side::BOTH {
            let known = self.arena.count(side) as usize;
            writer.put_all(self.accumulators.get(side).iter().take(known))?;
            writer.put(self.cold_accumulators.get(side))?;
            writer.put(self.admission.get(side))?;
            writer.put(&length(self.means.get(side)))?;
            writer.put_all(self.means.get(side).iter())?;
        }
        self.frequencies.save(writer)?;
        self.seen.save(writer)?;
        self.negatives.save(writer)?;
        self.initial.save(writer)?;
        if E::DITHERS || T::DITHERS { self.rounding.save(writer) } else { Ok(()) }
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        reader.expect(self.meaning())?;
        let counts = self.arena.restore(reader)?;
        let ordered: u32 = reader.take()?;
        if ordered > counts.item {
            return Err(SnapshotError::Damaged);
        }
        for side in Side::BOTH {
            let accumulators = self.accumulators.get_mut(side).get_mut(..*counts.get(side) as usize);
            reader.fill(accumulators.ok_or(SnapshotError::Damaged)?)?;
            let (cold_accumulator, admission) = (reader.take()?, reader.take()?);
            if !reader.is_dry() {
                *self.cold_accumulators.get_mut(side) = cold_accumulator;
                *self.admission.get_mut(side) = admission;
            }
            reader.expect(length(self.means.get(side)))?;
            reader.fill(self.means.get_mut(side))?;
        }
        self.frequencies.load(reader)?;
        self.seen.load(reader)?;
        self.negatives.load(reader)?;
        self.initial.load(reader)?;
        if E::DITHERS || T::DITHERS {
            self.rounding.load(reader)?;
        }
        if !reader.is_dry() {
            self.order.sort_first(ordered, &self.arena);
        }
        Ok(())
    }
}

/// Longer slices than that would be told apart by their sequences.
fn length<T>(slice: &[T]) -> u32 {
    u32::try_from(slice.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
