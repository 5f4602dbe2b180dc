//! The recommender: rows, optimiser, frequencies and memory of pairs as one thing that learns.

use core::fmt;

use super::bpr::{self, Measured, PerRow, Rows};
use super::config::ValidRecommenderConfig;
use super::negative;
use super::order::{Order, Sorting};
use super::seen::SeenFilter;
use crate::Side;
use crate::allowance::Allowance;
use crate::arena::{Admission, Arena, ArenaError, ArenaMemory, Repacked, Serving};
use crate::element::{Element, NEAREST};
use crate::frequency::Frequencies;
use crate::random::Generator;
use crate::side::PerSide;
use crate::tables::{Full, LogCount, LogSum, RowLength, SquareSum, Tables, Thin, Word};

/// The memory a [`Recommender`] works on. What it contains before does not matter.
///
/// Beyond its row an entity takes four words, 16 bytes: its boundary in the arena and one element of each
/// of the three slices here, all as long as the most entities of their side. [`ThinMemory`] has 4.25 bytes.
#[derive(Debug)]
pub struct RecommenderMemory<'a, E = f32> {
    /// The rows.
    pub arena: ArenaMemory<'a, E>,
    /// AdaGrad's sum of squared gradients.
    pub accumulators: PerSide<&'a mut [f32]>,
    /// How often each entity was seen.
    pub frequencies: PerSide<&'a mut [f32]>,
    /// Scratch of a size decision; between decisions the items' words hold the retrieval order.
    pub words: PerSide<&'a mut [u32]>,
    /// Where the items of each length end in that order: [`class_ends_len`](super::class_ends_len) of the
    /// most items and the longest row.
    pub class_ends: &'a mut [u32],
    /// The mean row of each side, as long as the longest row; what is beyond their length starts at zero.
    pub means: PerSide<&'a mut [f32]>,
    /// Recent pairs, [`seen_len`](super::seen_len) of as many as shall be remembered.
    pub seen: &'a mut [u32],
}

/// The memory of a [`Recommender`] with [`Thin`] tables: beyond its row an entity takes 4.25 bytes. What it contains
/// before does not matter.
#[derive(Debug)]
pub struct ThinMemory<'a, E = f32> {
    /// The elements of all rows, and as boundaries where blocks of rows begin:
    /// [`starts_len`](crate::tables::starts_len) of the most entities of each side.
    pub arena: ArenaMemory<'a, E>,
    /// The lengths of the rows, as many as the most entities of their side.
    pub lengths: PerSide<&'a mut [u8]>,
    /// AdaGrad's sum of squared gradients.
    pub accumulators: PerSide<&'a mut [LogSum]>,
    /// How often each entity was seen.
    pub frequencies: PerSide<&'a mut [LogCount]>,
    /// Scratch of a size decision.
    pub words: PerSide<&'a mut [u8]>,
    /// Scratch of the means: as many as the longest row has elements, and 2; more slowly with fewer.
    pub row_counts: &'a mut [u32],
    /// The mean row of each side, as long as the longest row; what is beyond the length of the rows starts at zero.
    pub means: PerSide<&'a mut [f32]>,
    /// Recent pairs, [`seen_len`](super::seen_len) of as many as shall be remembered.
    pub seen: &'a mut [u32],
}

/// What an event was, and taught.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observed {
    /// Whether the user is new.
    pub new_user: bool,
    /// Whether the item is new.
    pub new_item: bool,
    /// By how much the item was ahead of the first negative before the update, if there was one: the
    /// event's loss was [`math::softplus`](crate::math::softplus) of its negative.
    pub margin: Option<f32>,
}

/// Why the recommender refused; it is then as it was before.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecommenderError {
    /// What the arena refused.
    Arena(ArenaError),
    /// A slice for each entity is shorter than the arena's table of its side.
    TooShort {
        /// The side.
        side: Side,
        /// Entities that the arena can hold.
        needed: u32,
        /// Length of the shortest slice.
        available: usize,
    },
    /// An id beyond the next new one: ids are given in order of arrival.
    SkippedId {
        /// The side.
        side: Side,
        /// The id.
        id: u32,
        /// The next new id.
        next: u32,
    },
    /// Too short a scratch for a batch.
    ShortScratch {
        /// Elements needed; see [`batch_scratch_len`](super::batch_scratch_len).
        needed: usize,
        /// Elements lent.
        available: usize,
    },
    /// Too few places for the results of a batch.
    ShortOutput {
        /// Places needed.
        needed: usize,
        /// Places lent.
        available: usize,
    },
}

impl fmt::Display for RecommenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arena(error) => error.fmt(f),
            Self::TooShort { side: Side::User, .. } => f.write_str("a slice for the users is too short"),
            Self::TooShort { side: Side::Item, .. } => f.write_str("a slice for the items is too short"),
            Self::SkippedId { side: Side::User, .. } => f.write_str("a user id beyond the next new one"),
            Self::SkippedId { side: Side::Item, .. } => f.write_str("an item id beyond the next new one"),
            Self::ShortScratch { .. } => f.write_str("the scratch is too short for the batch"),
            Self::ShortOutput { .. } => f.write_str("too few places for the results of the batch"),
        }
    }
}

impl core::error::Error for RecommenderError {}

impl From<ArenaError> for RecommenderError {
    fn from(error: ArenaError) -> Self {
        Self::Arena(error)
    }
}

/// What a size decision reads and writes.
#[derive(Debug)]
pub struct Decision<'r, 'a, E = f32, T: Tables = Full> {
    /// The rows as they are.
    pub arena: &'r Arena<'a, E, T::Length>,
    /// One count per entity.
    pub frequencies: PerSide<&'r [T::Count]>,
    /// The mean row of each side, as of the last repack; an item's begins with the bias.
    pub means: PerSide<&'r [f32]>,
    /// One word per entity, to end as the wanted size of each.
    pub words: PerSide<&'r mut [T::Word]>,
}

/// Matrix factorisation that learns event by event inside a fixed memory.
///
/// The score of a user and an item is the dot product of the common leading dimensions of their rows,
/// plus the item's bias. Ids are dense, in order of arrival on each side. Unknown ids are served by the
/// cold-start rows.
#[derive(Debug)]
pub struct Recommender<'a, E = f32, T: Tables = Full> {
    pub(super) arena: Arena<'a, E, T::Length>,
    pub(super) accumulators: PerSide<&'a mut [T::Sum]>,
    pub(super) cold_accumulators: PerSide<T::Sum>,
    pub(super) frequencies: Frequencies<'a, T::Count>,
    user_words: &'a mut [T::Word],
    /// The items' words.
    pub(super) order: Order<'a, T::Word>,
    pub(super) means: PerSide<&'a mut [f32]>,
    pub(super) seen: SeenFilter<'a>,
    pub(super) config: ValidRecommenderConfig,
    pub(super) admission: PerSide<u32>,
    pub(super) negatives: Generator,
    pub(super) initial: Generator,
    pub(super) rounding: Generator,
    pub(super) saturated: u64,
}

/// A user, an item that it took and one that it did not, and where their rows lie.
#[derive(Clone, Copy)]
struct Triple {
    ids: [u32; 3],
    places: [Serving; 3],
}

/// Streams of the seed.
const NEGATIVES: u64 = 0x6e65_6761;
const INITIAL: u64 = 0x696e_6974;
const ROUNDING: u64 = 0x726f_756e;

impl<'a, E: Element> Recommender<'a, E> {
    /// A recommender that knows nobody.
    ///
    /// `cold_sizes` are the sizes of the two cold-start rows; a row of an item counts its bias. New
    /// entities get rows of the same sizes until [`set_admission_sizes`](Self::set_admission_sizes).
    /// O(entities that fit).
    ///
    /// # Errors
    /// Memory that does not suffice or does not fit together, or a `budget` (of elements, cold-start rows
    /// included) out of its range.
    pub fn new(
        memory: RecommenderMemory<'a, E>,
        config: ValidRecommenderConfig,
        cold_sizes: PerSide<u32>,
        budget: u32,
        seed: u64,
    ) -> Result<Self, RecommenderError> {
        let RecommenderMemory { arena, accumulators, frequencies, words, class_ends, means, seen } = memory;
        let arena = Arena::new(arena, cold_sizes, budget)?;
        Self::over(arena, accumulators, frequencies, words, class_ends, means, seen, config, cold_sizes, seed)
    }
}

impl<'a, E: Element> Recommender<'a, E, Thin> {
    /// The same with [`Thin`] tables.
    ///
    /// # Errors
    /// As [`new`](Recommender::new).
    pub fn thin(
        memory: ThinMemory<'a, E>,
        config: ValidRecommenderConfig,
        cold_sizes: PerSide<u32>,
        budget: u32,
        seed: u64,
    ) -> Result<Self, RecommenderError> {
        let ThinMemory { arena, lengths, accumulators, frequencies, words, row_counts, means, seen } = memory;
        let arena = Arena::with_lengths(arena, lengths, cold_sizes, budget)?;
        Self::over(arena, accumulators, frequencies, words, row_counts, means, seen, config, cold_sizes, seed)
    }
}

impl<'a, E: Element, T: Tables> Recommender<'a, E, T> {
    #[expect(clippy::too_many_arguments, reason = "the parts of two kinds of memory")]
    fn over(
        arena: Arena<'a, E, T::Length>,
        accumulators: PerSide<&'a mut [T::Sum]>,
        PerSide { user: user_counts, item: item_counts }: PerSide<&'a mut [T::Count]>,
        PerSide { user: user_words, item: item_words }: PerSide<&'a mut [T::Word]>,
        class_ends: &'a mut [u32],
        means: PerSide<&'a mut [f32]>,
        seen: &'a mut [u32],
        config: ValidRecommenderConfig,
        cold_sizes: PerSide<u32>,
        seed: u64,
    ) -> Result<Self, RecommenderError> {
        for side in Side::BOTH {
            let needed = arena.capacity(side);
            let shortest = PerSide::new(
                user_counts.len().min(user_words.len()),
                item_counts.len().min(item_words.len()),
            );
            let available = accumulators.get(side).len().min(*shortest.get(side));
            if available < needed as usize {
                return Err(RecommenderError::TooShort { side, needed, available });
            }
        }
        let mut recommender = Self {
            arena,
            accumulators,
            cold_accumulators: PerSide::new(T::Sum::ZERO, T::Sum::ZERO),
            frequencies: Frequencies::new(user_counts, item_counts),
            user_words,
            order: Order::new(item_words, class_ends),
            means,
            seen: SeenFilter::new(seen),
            config,
            admission: at_most::<T>(cold_sizes),
            negatives: Generator::stream(seed, NEGATIVES),
            initial: Generator::stream(seed, INITIAL),
            rounding: Generator::stream(seed, ROUNDING),
            saturated: 0,
        };
        for side in Side::BOTH {
            recommender.accumulators.get_mut(side).fill(T::Sum::ZERO);
            recommender.means.get_mut(side).fill(0.0);
            let row = recommender.arena.cold_row_mut(side);
            initialise(&mut recommender.initial, &recommender.config, side, 0, &[], row);
        }
        Ok(recommender)
    }

    /// The settings.
    pub const fn config(&self) -> &ValidRecommenderConfig {
        &self.config
    }

    /// Other settings from now on. What was learned stays; `item_bias` keeps its first value, since it
    /// says what the rows mean.
    pub fn set_config(&mut self, config: ValidRecommenderConfig) {
        self.config = config.with_item_bias(self.config.get().item_bias);
    }

    /// The rows.
    pub const fn arena(&self) -> &Arena<'a, E, T::Length> {
        &self.arena
    }

    /// The rows, to change, or to move the budget.
    ///
    /// Sizes are changed by [`repack`](Self::repack) and entities admitted by
    /// [`observe`](Self::observe) or [`admit`](Self::admit), which keep what belongs to a row. Retrieval is
    /// slower from here to the next [`repack`](Self::repack) or [`reorder`](Self::reorder).
    pub fn arena_mut(&mut self) -> &mut Arena<'a, E, T::Length> {
        self.order.forget();
        &mut self.arena
    }

    pub(super) const fn order(&self) -> &Order<'a, T::Word> {
        &self.order
    }

    /// Puts the retrieval order of all known items in their words, which lose what they held; O(items).
    /// [`repack`](Self::repack) does it too.
    pub fn reorder(&mut self) {
        self.order.sort(&self.arena);
    }

    /// Moves the budget; see [`Arena::set_budget`].
    ///
    /// # Errors
    /// A budget below what is used, or above the memory.
    pub fn set_budget(&mut self, budget: u32) -> Result<(), RecommenderError> {
        Ok(self.arena.set_budget(budget)?)
    }

    /// How often each entity was seen.
    pub const fn frequencies(&self) -> &Frequencies<'a, T::Count> {
        &self.frequencies
    }

    /// The same, to decay.
    pub const fn frequencies_mut(&mut self) -> &mut Frequencies<'a, T::Count> {
        &mut self.frequencies
    }

    /// The pairs that are remembered.
    pub const fn seen(&self) -> &SeenFilter<'a> {
        &self.seen
    }

    /// Elements at the front of an item's row that hold its bias.
    pub const fn bias_elements(&self) -> u32 {
        if self.config.get().item_bias { E::BIAS as u32 } else { 0 }
    }

    /// How many stored values have gone to the end of their type's range so far; no part of a snapshot.
    pub const fn saturated(&self) -> u64 {
        self.saturated
    }

    /// The sizes that new entities ask for.
    pub const fn admission_sizes(&self) -> PerSide<u32> {
        self.admission
    }

    /// Sets the sizes that new entities ask for; one that finds no head-room starts without a row.
    /// No more than a row can have counts.
    pub fn set_admission_sizes(&mut self, sizes: PerSide<u32>) {
        self.admission = at_most::<T>(sizes);
    }

    /// Takes one event: admits who is new, counts, remembers the pair, and learns from it.
    ///
    /// The next call sees all of it. O(dimensions), as long as the user does not know nearly all items.
    ///
    /// # Errors
    /// An id that skips one, or a new one where the table is full.
    #[inline(always)]
    pub fn observe(&mut self, user: u32, item: u32) -> Result<Observed, RecommenderError> {
        let (new_user, new_item) = self.take(user, item)?;
        Ok(Observed { new_user, new_item, margin: self.learn(user, item) })
    }

    /// Takes events one after the other, as [`observe`](Self::observe) does; each sees all of those before.
    ///
    /// The same bits, but sooner where an event makes one update against one random item. An update is a
    /// chain of operations that wait for each other. Beside it a processor finds time for what the next
    /// event needs and the update does not touch: who is new, which pairs are known, the next random item.
    /// So that is asked for between the two halves of the update.
    ///
    /// # Errors
    /// As [`observe`](Self::observe). The events before the refused one were taken.
    #[inline(always)]
    pub fn observe_all(&mut self, events: &[(u32, u32)]) -> Result<(), RecommenderError> {
        let config = self.config.get();
        if config.negatives != 1 || config.hardest_of > 1 {
            for &(user, item) in events {
                self.observe(user, item)?;
            }
            return Ok(());
        }
        let mut ahead: Option<Triple> = None;
        for &(user, item) in events {
            #[expect(clippy::manual_map, reason = "a closure is not compiled for the caller's vectors")]
            let under_way = match ahead {
                Some(triple) => Some((triple, self.measure(&triple))),
                None => None,
            };
            let taken = self.take(user, item);
            let negative = if taken.is_ok() { self.draw(user, item) } else { None };
            ahead = negative.map(|negative| self.locate(user, item, negative));
            if let Some((triple, measured)) = under_way {
                self.finish(&triple, &measured);
            }
            taken?;
        }
        if let Some(triple) = ahead {
            let measured = self.measure(&triple);
            self.finish(&triple, &measured);
        }
        Ok(())
    }

    /// Admits who is new, counts and remembers; whether user and item are new.
    #[inline(always)]
    fn take(&mut self, user: u32, item: u32) -> Result<(bool, bool), RecommenderError> {
        let (users, items) = (self.arena.count(Side::User), self.arena.count(Side::Item));
        let (new_user, new_item) = (user >= users, item >= items);
        if new_user || new_item {
            self.welcome(PerSide::new(user, item))?;
        }
        self.record(user, item);
        Ok((new_user, new_item))
    }

    /// Counts an event and remembers its pair, without learning.
    #[inline(always)]
    pub fn record(&mut self, user: u32, item: u32) {
        let dither = if T::DITHERS { self.rounding.next_u32() } else { 0 };
        self.frequencies.record_by(Side::User, user, dither);
        self.frequencies.record_by(Side::Item, item, dither.rotate_left(16));
        self.seen.insert(user, item);
    }

    /// Remembers a pair, so that it is no negative, without counting or learning it.
    #[inline(always)]
    pub fn remember(&mut self, user: u32, item: u32) {
        self.seen.insert(user, item);
    }

    /// Learns from a pair alone, as in a replay: `config.negatives` updates, each against an item that the
    /// user did not have lately. Unknown ids train the cold-start rows.
    ///
    /// Returns the margin before the first update, `None` if there was no other item to compare with.
    #[inline(always)]
    pub fn learn(&mut self, user: u32, item: u32) -> Option<f32> {
        // One call, since it is inlined.
        let mut margin = None;
        for n in 0..self.config.get().negatives {
            let found = self.update(user, item);
            margin = if n == 0 { found } else { margin };
        }
        margin
    }

    /// The score of an item for a user; unknown ids are answered with the cold-start rows.
    #[inline]
    pub fn score(&self, user: u32, item: u32) -> f32 {
        let (user, item) = (self.arena.row(Side::User, user), self.arena.row(Side::Item, item));
        score(user, item, self.config.get().item_bias)
    }

    /// Adds the next entity of a side, with a row of `size` if the head-room allows.
    ///
    /// # Errors
    /// The table is full.
    pub fn admit(&mut self, side: Side, size: u32) -> Result<Admission, RecommenderError> {
        let Self { arena, initial, config, means, .. } = self;
        let admission = arena.admit(side, size, |side, _, first, row| {
            initialise(initial, config, side, first, means.get(side), row);
        })?;
        if let Some(accumulator) = self.accumulators.get_mut(side).get_mut(admission.id as usize) {
            *accumulator = T::Sum::ZERO;
        }
        // A decision under way gives a newcomer no row.
        let words = if side == Side::User { &mut *self.user_words } else { self.order.places_mut() };
        if let Some(word) = words.get_mut(admission.id as usize) {
            *word = T::Word::ZERO;
        }
        Ok(admission)
    }

    /// Hands the place of an entity to a newcomer: its row keeps its size and starts anew, and nothing else is
    /// left of who had it, neither count nor accumulator nor pairs. O(entities of the other side).
    ///
    /// # Errors
    /// An unknown id.
    pub fn hand_over(&mut self, side: Side, id: u32) -> Result<(), RecommenderError> {
        let next = self.arena.count(side);
        if id >= next {
            return Err(RecommenderError::SkippedId { side, id, next });
        }
        if !self.arena.is_cold(side, id) {
            let row = self.arena.row_mut(side, id);
            initialise(&mut self.initial, &self.config, side, 0, self.means.get(side), row);
        }
        self.set_accumulator(side, id, false, T::Sum::ZERO);
        self.frequencies.set(side, id, 0.0);
        match side {
            Side::User => (0..self.arena.count(Side::Item)).for_each(|item| self.seen.forget(id, item)),
            Side::Item => (0..self.arena.count(Side::User)).for_each(|user| self.seen.forget(user, id)),
        }
        Ok(())
    }

    /// What a size decision works on. The items' words lose the retrieval order: until the next
    /// [`repack`](Self::repack) or [`reorder`](Self::reorder) retrieval is right but slower.
    pub fn decide(&mut self) -> Decision<'_, 'a, E, T> {
        let counts = PerSide::new(self.arena.count(Side::User), self.arena.count(Side::Item));
        let Self { arena, frequencies, means, user_words, order, .. } = self;
        Decision {
            arena,
            frequencies: PerSide::new(
                frequencies.of(Side::User, counts.user),
                frequencies.of(Side::Item, counts.item),
            ),
            means: PerSide::new(&*means.user, &*means.item),
            words: PerSide::new(
                user_words.get_mut(..counts.user as usize).unwrap_or_default(),
                order.take().get_mut(..counts.item as usize).unwrap_or_default(),
            ),
        }
    }

    /// Gives every known entity the size that its word says (see [`decide`](Self::decide)), then puts the
    /// retrieval order in the items' words.
    ///
    /// A row keeps its leading elements and its accumulator; new elements are drawn as in a new row, and a
    /// row that had none starts with an empty accumulator. O(elements + entities).
    ///
    /// # Errors
    /// Sizes above the budget. The words keep them.
    pub fn repack(&mut self) -> Result<Repacked, RecommenderError> {
        self.average();
        let users = self.user_words.get(..self.arena.count(Side::User) as usize).unwrap_or_default();
        let items = self.order.places().get(..self.arena.count(Side::Item) as usize).unwrap_or_default();
        let Self { arena, initial, config, accumulators, means, .. } = self;
        let repacked = arena.repack(users, items, |side, id, first, elements| {
            if first == 0
                && let Some(accumulator) = accumulators.get_mut(side).get_mut(id as usize)
            {
                *accumulator = T::Sum::ZERO;
            }
            initialise(initial, config, side, first, means.get(side), elements);
        })?;
        self.reorder();
        Ok(repacked)
    }

    /// Begins to give every known entity the size that its word says, as [`repack`](Self::repack) does, in slices
    /// of [`continue_repack`](Self::continue_repack), between which events may come and questions be answered.
    /// Until the end nothing else may use the words, and who is admitted gets no row. O(elements + entities).
    ///
    /// # Errors
    /// Sizes above the budget, and while another repack is under way.
    pub fn begin_repack(&mut self) -> Result<(), RecommenderError> {
        self.order.forget();
        let users = self.user_words.get(..self.arena.count(Side::User) as usize).unwrap_or_default();
        let items = self.order.places().get(..self.arena.count(Side::Item) as usize).unwrap_or_default();
        self.arena.begin_repack(users, items)?;
        self.average();
        Ok(())
    }

    /// Goes on with a repack; returns whether it is done. Moves and sets about `elements` elements, as
    /// [`Arena::continue_repack`] says. The last slice takes O(items) beyond that, to put them in order.
    pub fn continue_repack(&mut self, elements: u32) -> bool {
        let is_under_way = self.arena.is_repacking();
        let done = self.move_on(elements);
        if done && is_under_way {
            self.reorder();
        }
        done
    }

    /// The same without the order.
    pub(crate) fn move_on(&mut self, elements: u32) -> bool {
        let Self { arena, initial, config, accumulators, means, user_words, order, .. } = self;
        arena.continue_repack(user_words, order.places(), elements, |side, id, first, elements| {
            if first == 0
                && let Some(accumulator) = accumulators.get_mut(side).get_mut(id as usize)
            {
                *accumulator = T::Sum::ZERO;
            }
            initialise(initial, config, side, first, means.get(side), elements);
        })
    }

    /// Begins a repack to sizes that are in the words and add up to that many elements of rows, as
    /// [`begin_repack`](Self::begin_repack) does but without means. O(1).
    pub(crate) fn begin_repack_to(&mut self, elements: PerSide<u64>) -> Result<(), RecommenderError> {
        self.order.forget();
        Ok(self.arena.begin_repack_to(elements)?)
    }

    /// An order of all known items, to be made by [`reorder_on`](Self::reorder_on).
    pub(crate) fn begin_reorder(&self) -> Sorting {
        Sorting::of(self.arena.count(Side::Item))
    }

    /// [`reorder`](Self::reorder) in slices; whether that was the last.
    pub(crate) fn reorder_on(&mut self, sorting: &mut Sorting, allowance: &mut Allowance) -> bool {
        self.order.sort_on(sorting, &self.arena, allowance)
    }

    /// Sets each side's mean row, and its cold-start row to that: who has no row of their own is answered as
    /// the mean of those who have. Each dimension's mean is over the rows that have it. O(elements).
    fn average(&mut self) {
        for side in Side::BOTH {
            let bias = if side == Side::Item { self.bias_elements() as usize } else { 0 };
            let mean = self.means.get_mut(side);
            mean.fill(0.0);
            let rows = || (0..self.arena.count(side)).map(|id| (id, self.arena.size(side, id)));
            for (id, _) in rows().filter(|&(_, size)| size > 0) {
                let row = self.arena.row(side, id);
                let (of_bias, embedding) = row.split_at_checked(bias).unwrap_or((row, &[]));
                if let Some(sum) = mean.first_mut().filter(|_| bias > 0) {
                    *sum += E::bias(of_bias);
                }
                for (sum, element) in mean.iter_mut().skip(bias).zip(embedding) {
                    *sum += element.to_f32();
                }
            }
            // How many rows have each size, then at least each size; all that are longer count as the longest.
            let having = self.order.scratch();
            having.fill(0);
            let longest = having.len().saturating_sub(1);
            for (_, size) in rows() {
                if let Some(rows) = having.get_mut(longest.min(size as usize)) {
                    *rows += 1;
                }
            }
            let mut longer = 0;
            for rows in having.iter_mut().rev() {
                longer += *rows;
                *rows = longer;
            }
            for (dimension, sum) in (1_usize..).zip(mean.iter_mut()) {
                let having = match having.get(dimension) {
                    Some(&rows) => rows as usize,
                    None => rows().filter(|&(_, size)| size as usize >= dimension).count(),
                };
                if having == 0 {
                    break;
                }
                *sum /= having as f32;
            }
            set_cold_row(self.arena.cold_row_mut(side), mean, bias);
        }
    }

    /// Admits whoever of a pair is next in order.
    #[cold]
    #[inline(never)]
    fn welcome(&mut self, ids: PerSide<u32>) -> Result<(), RecommenderError> {
        // Both are checked before either is admitted.
        for side in Side::BOTH {
            let (id, next) = (*ids.get(side), self.arena.count(side));
            if id > next {
                return Err(RecommenderError::SkippedId { side, id, next });
            }
            let capacity = self.arena.capacity(side);
            if id == next && next >= capacity {
                return Err(ArenaError::TableFull { side, capacity }.into());
            }
        }
        for side in Side::BOTH {
            if *ids.get(side) == self.arena.count(side) {
                self.admit(side, *self.admission.get(side))?;
            }
        }
        Ok(())
    }

    /// One update against one negative.
    #[inline(always)]
    fn update(&mut self, user: u32, item: u32) -> Option<f32> {
        let negative = self.draw_negative(user, item)?;
        let triple = self.locate(user, item, negative);
        let measured = self.measure(&triple);
        Some(self.finish(&triple, &measured))
    }

    /// Where the rows of a user and two items lie.
    #[inline(always)]
    fn locate(&self, user: u32, positive: u32, negative: u32) -> Triple {
        Triple {
            ids: [user, positive, negative],
            places: [
                self.arena.serving(Side::User, user),
                self.arena.serving(Side::Item, positive),
                self.arena.serving(Side::Item, negative),
            ],
        }
    }

    /// The first half of an update, which changes nothing.
    #[inline(always)]
    fn measure(&self, triple: &Triple) -> Measured {
        let [user, positive, negative] = triple.places;
        // A cold-start row stays the mean that it is: who is served by it teaches the items' biases alone.
        let user = if user.is_own { self.arena.served(user) } else { &[] };
        let rows = [user, self.arena.served(positive), self.arena.served(negative)];
        bpr::measure(self.config.get(), rows)
    }

    /// The second half; returns the margin before it.
    #[inline(always)]
    fn finish(&mut self, triple: &Triple, measured: &Measured) -> f32 {
        let &Triple { ids: [user, positive, negative], places } = triple;
        let [user_place, positive_place, negative_place] = places;
        let (cold_user, cold_positive, cold_negative) =
            (!user_place.is_own, !positive_place.is_own, !negative_place.is_own);
        let accumulators = PerRow {
            user: self.accumulator(Side::User, user, cold_user),
            positive: self.accumulator(Side::Item, positive, cold_positive),
            negative: self.accumulator(Side::Item, negative, cold_negative),
        };
        let Some([user_row, positive_row, negative_row]) = self.arena.served_mut(places) else {
            // One cold-start row stands for both items: nothing to tell apart.
            return 0.0;
        };
        let user_row = if cold_user { &mut [] } else { user_row };
        let rows = Rows { user: user_row, positive: positive_row, negative: negative_row };
        let dither = if E::DITHERS || T::DITHERS { self.rounding.next_u32() } else { 0 };
        let step = bpr::finish(self.config.get(), rows, measured, accumulators, dither);
        self.saturated = self.saturated.saturating_add(u64::from(step.saturated));
        self.set_accumulator(Side::User, user, cold_user, step.accumulators.user);
        self.set_accumulator(Side::Item, positive, cold_positive, step.accumulators.positive);
        self.set_accumulator(Side::Item, negative, cold_negative, step.accumulators.negative);
        step.margin
    }

    /// An item that the user did not have lately.
    #[inline(always)]
    pub(super) fn draw(&mut self, user: u32, item: u32) -> Option<u32> {
        negative::draw(&mut self.negatives, self.arena.count(Side::Item), user, item, &self.seen)
    }

    /// The best-scored of a few items that the user did not have lately: the one most worth telling apart
    /// from the positive (dynamic negative sampling, Zhang et al., SIGIR 2013).
    #[inline(always)]
    fn draw_negative(&mut self, user: u32, item: u32) -> Option<u32> {
        let mut hardest = self.draw(user, item)?;
        let draws = self.config.get().hardest_of;
        if draws > 1 {
            let mut highest = self.score(user, hardest);
            for _ in 1..draws {
                let other = self.draw(user, item)?;
                let score = self.score(user, other);
                if score > highest {
                    (hardest, highest) = (other, score);
                }
            }
        }
        Some(hardest)
    }

    #[inline(always)]
    pub(super) fn accumulator(&self, side: Side, id: u32, cold: bool) -> T::Sum {
        let own = self.accumulators.get(side).get(id as usize);
        if cold { *self.cold_accumulators.get(side) } else { own.copied().unwrap_or(T::Sum::ZERO) }
    }

    #[inline(always)]
    pub(super) fn set_accumulator(&mut self, side: Side, id: u32, cold: bool, value: T::Sum) {
        if cold {
            *self.cold_accumulators.get_mut(side) = value;
        } else if let Some(accumulator) = self.accumulators.get_mut(side).get_mut(id as usize) {
            *accumulator = value;
        }
    }
}

/// Makes a cold-start row of a mean row.
pub(super) fn set_cold_row<E: Element>(cold: &mut [E], mean: &[f32], bias: usize) {
    if let Some(mean) = mean.first().filter(|_| bias > 0) {
        E::set_bias(cold, *mean, NEAREST);
    }
    for (element, mean) in cold.iter_mut().zip(mean).skip(bias) {
        *element = E::from_f32(*mean);
    }
}

/// Sizes that rows can have.
fn at_most<T: Tables>(sizes: PerSide<u32>) -> PerSide<u32> {
    let longest = <T::Length as RowLength>::LONGEST;
    PerSide::new(sizes.user.min(longest), sizes.item.min(longest))
}

/// Dot product of the common leading dimensions, plus the item's bias.
#[inline(always)]
pub fn score<E: Element>(user: &[E], item: &[E], item_bias: bool) -> f32 {
    if item_bias {
        E::bias(item) + E::dot(user, item.get(E::BIAS..).unwrap_or_default())
    } else {
        E::dot(user, item)
    }
}

/// Sets new elements of a row, of which `first` is the first: a small random number around the side's mean.
fn initialise<E: Element>(
    generator: &mut Generator,
    config: &ValidRecommenderConfig,
    side: Side,
    first: usize,
    mean: &[f32],
    elements: &mut [E],
) {
    let config = config.get();
    let bias = if side == Side::Item && config.item_bias { E::BIAS.saturating_sub(first) } else { 0 };
    let means = mean.get(first..).unwrap_or_default().iter().copied().chain(core::iter::repeat(0.0));
    for ((n, element), mean) in elements.iter_mut().enumerate().zip(means) {
        let noise = config.initial_scale * generator.normal();
        *element = if n < bias { E::ZERO } else { E::from_f32(mean + noise) };
    }
}

#[cfg(test)]
mod tests;
