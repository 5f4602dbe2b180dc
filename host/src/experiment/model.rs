//! The recommender as the experiment sees it: whatever its parameters are stored as.
//!
//! What differs by the stored type stands behind [`Model`], so that methods, bases and the run are compiled
//! once; the loops behind it are compiled for each type.

mod memory;
mod thin;

use std::borrow::Cow;
use std::fmt::Debug;

use scall_core::arena::Admission;
use scall_core::element::{Element, NEAREST};
use scall_core::random::Generator;
use scall_core::recommender::{Recommender, RecommenderError, Scored, ValidRecommenderConfig};
use scall_core::segment::{
    Decider, DeciderError, ResizeError, ResizeSettings, Resized, SizeRule, covering_share, resize,
    resize_by_weights,
};
use scall_core::side::{PerSide, Side};
use scall_core::sizes::Bounds;
use scall_core::snapshot::{Reader, Snapshot, SnapshotError, Writer};
use scall_core::tables::{Count, Tables};

use super::base::Lesson;
use super::kernels;
use super::training::Pair;

pub use memory::{Memory, ModelCapacity, ModelMemory, SizeScratch, memory};

/// The core's [`Recommender`] of any stored type. Numbers go in and out as floats.
pub trait Model: Snapshot + Debug + Send + Sync {
    /// The settings.
    fn config(&self) -> &ValidRecommenderConfig;

    /// See [`Recommender::set_config`].
    fn set_config(&mut self, config: ValidRecommenderConfig);

    /// Parameters at the front of an item's row that hold its bias.
    fn bias_parameters(&self) -> u32;

    /// How many entities of a side are known.
    fn count(&self, side: Side) -> u32;

    /// Parameters of a row, an item's bias included; 0 for those who have none.
    fn size(&self, side: Side, id: u32) -> u32;

    /// Parameters of all rows, those for strangers included.
    fn used(&self) -> u32;

    /// The most parameters.
    fn budget(&self) -> u32;

    /// The same without those of the rows for strangers.
    fn row_budget(&self) -> u32;

    /// See [`Recommender::saturated`].
    fn saturated(&self) -> u64;

    /// How often each known entity of a side was seen.
    fn frequencies(&self, side: Side) -> Cow<'_, [f32]>;

    /// Whether the user had the item lately.
    fn has_seen(&self, user: u32, item: u32) -> bool;

    /// The row that answers for an entity: of an item first its bias, where items have one, then the
    /// dimensions.
    fn row(&self, side: Side, id: u32) -> Vec<f32>;

    /// Writes a row of that form to an entity that has one of its own, as far as both go. Before anything is
    /// retrieved rows are to be put [in order](Self::reorder) again.
    fn set_row(&mut self, side: Side, id: u32, row: &[f32]);

    /// See [`Recommender::reorder`].
    fn reorder(&mut self);

    /// See [`Recommender::align`].
    fn align(&mut self, scratch: &mut [f64]) -> usize;

    /// Moves the budget.
    ///
    /// # Errors
    /// A budget below what is used, or above the memory.
    fn set_budget(&mut self, budget: u32) -> Result<(), RecommenderError>;

    /// Adds the next entity of a side, with a row of `size` parameters if there is room.
    ///
    /// # Errors
    /// The table is full.
    fn admit(&mut self, side: Side, size: u32) -> Result<Admission, RecommenderError>;

    /// The sizes that new entities ask for.
    fn admission_sizes(&self) -> PerSide<u32>;

    /// Sets them.
    fn set_admission_sizes(&mut self, sizes: PerSide<u32>);

    /// Multiplies all frequencies by `retention`.
    fn decay(&mut self, retention: f32);

    /// Sets the frequency of a known entity.
    fn set_frequency(&mut self, side: Side, id: u32, frequency: f32);

    /// Counts an event and remembers its pair, without learning.
    fn record(&mut self, user: u32, item: u32);

    /// Remembers a pair, without counting or learning it.
    fn remember(&mut self, user: u32, item: u32);

    /// Takes one event: admits who is new, counts, remembers and learns.
    ///
    /// # Errors
    /// An id that skips one, or a new one where the table is full.
    fn observe(&mut self, user: u32, item: u32) -> Result<(), RecommenderError>;

    /// Learns from each pair in turn.
    fn learn(&mut self, pairs: &[Pair]);

    /// Learns from each lesson in turn; see [`Recommender::learn_recent`], also for the scratch.
    fn learn_recent(&mut self, lessons: &[Lesson], scratch: &mut [f32]);

    /// What stands for the user of a lesson before it; see [`Recommender::compose`].
    fn compose(&self, lesson: &Lesson, query: &mut [f32]) -> usize;

    /// Learns from each pair in turn; returns the sum of the losses before each.
    fn learn_with_loss(&mut self, pairs: &[Pair]) -> f64;

    /// The score of an item for a user.
    fn score(&self, user: u32, item: u32) -> f32;

    /// The scores of several items for a user, as far as there are places for them.
    fn scores(&self, user: u32, items: &[u32], scores: &mut [f32]);

    /// The best items for each of `users`, in lists of equal length, without those that are `excluded` for the
    /// `n`-th of them.
    ///
    /// # Errors
    /// None for lists of equal length.
    fn retrieve(
        &self,
        users: &[u32],
        lists: &mut [Scored],
        excluded: &dyn Fn(usize, u32) -> bool,
    ) -> Result<(), RecommenderError>;

    /// Shows itself to a policy; see [`Decider::read`].
    ///
    /// # Errors
    /// A state that has no place in the policy.
    fn show(&mut self, decider: &mut Decider<'_>) -> Result<(), DeciderError>;

    /// See [`covering_share`].
    fn covering_share(&mut self, bounds: PerSide<Bounds>, budget: u64) -> Option<f32>;

    /// See [`resize`].
    ///
    /// # Errors
    /// Sizes that are impossible.
    fn resize(
        &mut self,
        rule: &SizeRule,
        settings: &ResizeSettings,
        head_room: u32,
        scratch: PerSide<&mut [u32]>,
        generator: &mut Generator,
    ) -> Result<Resized, ResizeError>;

    /// See [`resize_by_weights`].
    ///
    /// # Errors
    /// Sizes that are impossible, or too few or many weights.
    fn resize_by_weights(
        &mut self,
        weights: PerSide<&[f32]>,
        settings: &ResizeSettings,
        head_room: u32,
        scratch: PerSide<&mut [u32]>,
    ) -> Result<Resized, ResizeError>;
}

impl<E: Element, T: Tables> Model for Recommender<'_, E, T> {
    fn config(&self) -> &ValidRecommenderConfig {
        self.config()
    }

    fn set_config(&mut self, config: ValidRecommenderConfig) {
        self.set_config(config);
    }

    fn bias_parameters(&self) -> u32 {
        self.bias_elements()
    }

    fn count(&self, side: Side) -> u32 {
        self.arena().count(side)
    }

    fn size(&self, side: Side, id: u32) -> u32 {
        self.arena().size(side, id)
    }

    fn used(&self) -> u32 {
        self.arena().used()
    }

    fn budget(&self) -> u32 {
        self.arena().budget()
    }

    fn row_budget(&self) -> u32 {
        self.arena().row_budget()
    }

    fn saturated(&self) -> u64 {
        self.saturated()
    }

    fn frequencies(&self, side: Side) -> Cow<'_, [f32]> {
        let counts = self.frequencies().of(side, self.arena().count(side));
        let floats = T::Count::floats(counts);
        floats.map_or_else(|| counts.iter().map(|count| count.value()).collect(), Cow::Borrowed)
    }

    fn has_seen(&self, user: u32, item: u32) -> bool {
        self.seen().contains(user, item)
    }

    fn row(&self, side: Side, id: u32) -> Vec<f32> {
        let row = self.arena().row(side, id);
        let bias = if side == Side::Item { self.bias_elements() as usize } else { 0 };
        match row.split_at_checked(bias) {
            Some((of_bias, dimensions)) if bias > 0 => {
                let dimensions = dimensions.iter().map(|element| element.to_f32());
                std::iter::once(E::bias(of_bias)).chain(dimensions).collect()
            }
            Some((_, dimensions)) => dimensions.iter().map(|element| element.to_f32()).collect(),
            None => Vec::new(),
        }
    }

    fn set_row(&mut self, side: Side, id: u32, row: &[f32]) {
        if self.arena().is_cold(side, id) {
            return;
        }
        let bias = if side == Side::Item { self.bias_elements() as usize } else { 0 };
        let (own, dimensions) = (self.arena_mut().row_mut(side, id), row);
        let dimensions = match dimensions.split_first() {
            Some((&value, dimensions)) if bias > 0 => {
                E::set_bias(own, value, NEAREST);
                dimensions
            }
            _ => dimensions,
        };
        let elements = own.iter_mut().skip(bias);
        elements.zip(dimensions).for_each(|(element, &value)| *element = E::from_f32(value));
    }

    fn reorder(&mut self) {
        self.reorder();
    }

    fn align(&mut self, scratch: &mut [f64]) -> usize {
        self.align(scratch)
    }

    fn set_budget(&mut self, budget: u32) -> Result<(), RecommenderError> {
        self.set_budget(budget)
    }

    fn admit(&mut self, side: Side, size: u32) -> Result<Admission, RecommenderError> {
        self.admit(side, size)
    }

    fn admission_sizes(&self) -> PerSide<u32> {
        self.admission_sizes()
    }

    fn set_admission_sizes(&mut self, sizes: PerSide<u32>) {
        self.set_admission_sizes(sizes);
    }

    fn decay(&mut self, retention: f32) {
        self.frequencies_mut().decay(retention);
    }

    fn set_frequency(&mut self, side: Side, id: u32, frequency: f32) {
        self.frequencies_mut().set(side, id, frequency);
    }

    fn record(&mut self, user: u32, item: u32) {
        self.record(user, item);
    }

    fn remember(&mut self, user: u32, item: u32) {
        self.remember(user, item);
    }

    fn observe(&mut self, user: u32, item: u32) -> Result<(), RecommenderError> {
        kernels::observe(self, &[(user, item)])
    }

    fn learn(&mut self, pairs: &[Pair]) {
        kernels::learn(self, pairs);
    }

    fn learn_recent(&mut self, lessons: &[Lesson], scratch: &mut [f32]) {
        kernels::learn_recent(self, lessons, scratch);
    }

    fn compose(&self, lesson: &Lesson, query: &mut [f32]) -> usize {
        self.compose(lesson.user, lesson.recent(), query)
    }

    fn learn_with_loss(&mut self, pairs: &[Pair]) -> f64 {
        kernels::learn_batch(self, pairs)
    }

    fn score(&self, user: u32, item: u32) -> f32 {
        self.score(user, item)
    }

    fn scores(&self, user: u32, items: &[u32], scores: &mut [f32]) {
        kernels::scores(self, user, items, scores);
    }

    fn retrieve(
        &self,
        users: &[u32],
        lists: &mut [Scored],
        excluded: &dyn Fn(usize, u32) -> bool,
    ) -> Result<(), RecommenderError> {
        kernels::retrieve(self, users, lists, excluded)
    }

    fn show(&mut self, decider: &mut Decider<'_>) -> Result<(), DeciderError> {
        decider.read(self)
    }

    fn covering_share(&mut self, bounds: PerSide<Bounds>, budget: u64) -> Option<f32> {
        covering_share(self, bounds, budget)
    }

    fn resize(
        &mut self,
        rule: &SizeRule,
        settings: &ResizeSettings,
        head_room: u32,
        scratch: PerSide<&mut [u32]>,
        generator: &mut Generator,
    ) -> Result<Resized, ResizeError> {
        resize(self, rule, settings, head_room, scratch, generator)
    }

    fn resize_by_weights(
        &mut self,
        weights: PerSide<&[f32]>,
        settings: &ResizeSettings,
        head_room: u32,
        scratch: PerSide<&mut [u32]>,
    ) -> Result<Resized, ResizeError> {
        let largest = weights.user.iter().chain(weights.item).copied().fold(f32::MIN_POSITIVE, f32::max);
        // Only their proportions matter: on the scale of thin counts, the largest below its end.
        let of = |side: Side| -> Cow<'_, [T::Count]> {
            let weights: &[f32] = weights.get(side);
            let scaled = || weights.iter().map(|weight| T::Count::of(weight / largest * 1024.0)).collect();
            T::Count::of_floats(weights).map_or_else(scaled, Cow::Borrowed)
        };
        let (user, item) = (of(Side::User), of(Side::Item));
        resize_by_weights(self, PerSide::new(&user[..], &item[..]), settings, head_room, scratch)
    }
}

/// A model in a box is saved and loaded as it is without.
impl Snapshot for Box<dyn Model + '_> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        (**self).save(writer)
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        (**self).load(reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Counts, Storage, TableKind};
    use scall_core::recommender::RecommenderConfig;

    /// A model of one user and one item with rows of six parameters.
    fn with(storage: Storage, tables: TableKind, check: impl FnOnce(&mut dyn Model)) {
        let entities = Counts { users: 1, items: 1 };
        let capacity = ModelCapacity { entities, parameters: 12, longest: 6, seen: 4 };
        let mut memory = memory(storage, tables, &capacity);
        let config = RecommenderConfig::default().validate().unwrap();
        let mut model = memory.model(config, PerSide::new(0, 0), 12, 1).unwrap();
        for side in Side::BOTH {
            model.admit(side, 6).unwrap();
        }
        check(&mut *model);
    }

    #[test]
    fn a_row_goes_in_and_out_as_its_bias_and_dimensions() {
        for (storage, tables, bias) in [
            (Storage::F32, TableKind::Full, 1),
            (Storage::F16, TableKind::Full, 1),
            (Storage::I8, TableKind::Full, 2),
            (Storage::F32, TableKind::Thin, 1),
            (Storage::I8, TableKind::Thin, 2),
        ] {
            with(storage, tables, |model| {
                assert_eq!((model.bias_parameters(), storage.bias_parameters()), (bias, bias));
                let dimensions = 7 - bias as usize;
                assert_eq!((model.row(Side::User, 0).len(), model.row(Side::Item, 0).len()), (6, dimensions));
                // Numbers that all three types hold; those beyond the row are left out.
                let numbers = [0.5, -0.25, 0.125, -0.0625, 0.75, -0.375, 0.1875];
                for side in Side::BOTH {
                    model.set_row(side, 0, &numbers);
                    let row = model.row(side, 0);
                    assert_eq!(row, numbers[..row.len()]);
                }
                // The bias, and the products of the dimensions that both have.
                let (user, item) = (numbers, &numbers[1..dimensions]);
                let expected = 0.5 + user.iter().zip(item).map(|(p, q)| p * q).sum::<f32>();
                assert!((model.score(0, 0) - expected).abs() < 1e-6, "{storage:?}");
                // A bias alone leaves the dimensions.
                model.set_row(Side::Item, 0, &[2.0]);
                assert_eq!((model.row(Side::Item, 0)[0], model.row(Side::Item, 0)[1]), (2.0, -0.25));
            });
        }
    }

    #[test]
    fn a_stranger_has_no_row_to_write_to() {
        with(Storage::I8, TableKind::Full, |model| {
            model.set_row(Side::User, 1, &[1.0]);
            assert!(model.row(Side::User, 1).is_empty());
        });
    }

    #[test]
    fn memory_is_smaller_by_the_bytes_of_the_rows_alone() {
        let entities = Counts { users: 3, items: 4 };
        let capacity = ModelCapacity { entities, parameters: 1000, longest: 8, seen: 4 };
        let of = |storage, tables| memory(storage, tables, &capacity).bytes();
        let bytes = |storage| of(storage, TableKind::Full);
        assert_eq!(bytes(Storage::F32) - bytes(Storage::F16), 2000);
        assert_eq!(bytes(Storage::F16) - bytes(Storage::I8), 1000);
    }
}
