//! Streams of interactions, event by event: a synthetic one, made from a seed; one that needs hardly any memory,
//! in which entities come and go ([`TurnoverStream`]); and a recorded one ([`StreamBlob`]).
//!
//! In the first, [`SyntheticStream`]:
//!
//! Users and items arrive over time, popularity follows the Zipf-Mandelbrot law (weight `1 / (rank + q)`)
//! and every arrival pushes others down the ranks, so that what was popular fades. Users choose among a few
//! popular candidates by taste: the dot product of latent vectors, of which the users' drift. The vectors of
//! popular entities are spread over all latent dimensions, those of rare ones over the first few, so that
//! entities differ in how many dimensions describe them.
//!
//! The state is [`rows_len`] numbers and one rank per entity, in the caller's memory; the same seed gives the
//! same events on every target.

mod blob;
mod recent;
mod turnover;

use core::fmt;

pub use blob::StreamBlob;
pub use turnover::{TurnoverConfig, TurnoverStream};

use self::recent::RecentPairs;
use crate::math;
use crate::random::Generator;
use crate::side::{PerSide, Side};

/// Latent dimensions of a taste.
pub const TASTES: usize = 8;

/// A latent vector with the scale of its first dimension and the ratio from each dimension to the next.
const ROW: usize = TASTES + 2;

/// How long the latent rows of a side with this many entities are.
pub const fn rows_len(entities: usize) -> usize {
    entities * ROW
}

/// One interaction. A [`SyntheticStream`] numbers users and items by first appearance, so that a new number is
/// the next one; other streams have ids of any 32 bits.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who acts.
    pub user: u32,
    /// What is acted upon.
    pub item: u32,
}

/// The law of a stream; checked by [`SyntheticStream::new`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SyntheticConfig {
    /// Events in all; the last users and items arrive at the end. Default 100,000.
    pub events: u32,
    /// `q` of the popularity law as a part of each side's entities, in (0, 10]: small values make a steep
    /// head. Default 0.1 for users and 0.02 for items.
    pub flatness: PerSide<f32>,
    /// How many candidates a choice is made from, 1 to 1,000. Default 40.
    pub candidates: u32,
    /// Weight of taste in a choice, 0 (none) to 20. Default 8.
    pub taste: f32,
    /// How much of its taste a user loses with each event, 0 to 1. Default 0.005.
    pub drift: f32,
}

impl Default for SyntheticConfig {
    fn default() -> Self {
        Self { events: 100_000, flatness: PerSide::new(0.1, 0.02), candidates: 40, taste: 8.0, drift: 0.005 }
    }
}

/// Why a stream cannot be made.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyntheticError {
    /// The memory of a side has no room for a single entity.
    NoRoom(Side),
    /// `flatness` is outside (0, 10].
    Flatness,
    /// `candidates` is outside 1 to 1,000.
    Candidates,
    /// `taste` is outside 0 to 20.
    Taste,
    /// `drift` is outside 0 to 1.
    Drift,
}

impl fmt::Display for SyntheticError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRoom(Side::User) => "no room for a user",
            Self::NoRoom(Side::Item) => "no room for an item",
            Self::Flatness => "flatness must lie above 0 and not above 10",
            Self::Candidates => "candidates must lie between 1 and 1000",
            Self::Taste => "taste must lie between 0 and 20",
            Self::Drift => "drift must lie between 0 and 1",
        })
    }
}

impl core::error::Error for SyntheticError {}

/// The memory of one side; its entities are as many as both slices have room for.
#[derive(Debug)]
pub struct CrowdMemory<'a> {
    /// Latent vectors, [`rows_len`] of the entities.
    pub rows: &'a mut [f32],
    /// Entities by rank, one each.
    pub ranks: &'a mut [u32],
}

/// The users or the items that have arrived, by popularity.
#[derive(Debug)]
struct Crowd<'a> {
    rows: &'a mut [[f32; ROW]],
    ranks: &'a mut [u32],
    present: u32,
    /// `q` of the popularity law, in ranks.
    q: f32,
    /// `ln((present + q) / q)`.
    span: f32,
}

impl<'a> Crowd<'a> {
    fn new(memory: CrowdMemory<'a>, flatness: f32) -> Self {
        let CrowdMemory { rows, ranks } = memory;
        let (rows, _) = rows.as_chunks_mut::<ROW>();
        let room = rows.len().min(ranks.len()).min(u32::MAX as usize);
        let rows = rows.get_mut(..room).unwrap_or_default();
        let ranks = ranks.get_mut(..room).unwrap_or_default();
        Self { rows, ranks, present: 0, q: flatness * room as f32, span: 0.0 }
    }

    fn room(&self) -> u32 {
        self.ranks.len() as u32
    }

    /// Whether an entity arrives when `part` of the stream is over: their number grows as its square root.
    fn is_due(&self, part: f32) -> bool {
        let due = (self.room() as f32 * math::sqrt(part)) as u32;
        self.present < due.max(1).min(self.room())
    }

    /// A rank of those present by the popularity law, through its inverse distribution function.
    fn rank(&self, generator: &mut Generator) -> u32 {
        let grown = math::exp(generator.uniform() * self.span);
        ((self.q * (grown - 1.0)) as u32).min(self.present.saturating_sub(1))
    }

    /// One of those present, by popularity.
    fn draw(&self, generator: &mut Generator) -> u32 {
        let rank = self.rank(generator);
        self.ranks.get(rank as usize).copied().unwrap_or(0)
    }

    /// Admits the next entity at a random rank; whoever had it falls to twice that rank, and so on.
    fn arrive(&mut self, generator: &mut Generator) -> u32 {
        let id = self.present;
        self.present += 1;
        self.span = math::ln((self.present as f32 + self.q) / self.q);
        // The larger of two, so that the head holds out for a while.
        let rank = self.rank(generator).max(self.rank(generator));
        let mut carried = id;
        let mut at = rank as usize;
        while let Some(holder) = self.ranks.get_mut(at).filter(|_| at < id as usize) {
            core::mem::swap(holder, &mut carried);
            at = at * 2 + 1;
        }
        if let Some(last) = self.ranks.get_mut(id as usize) {
            *last = carried;
        }
        // From 0.45 for the rarest to 0.95 for the most popular.
        let height = 1.0 - rank as f32 / self.room() as f32;
        let ratio = 0.45 + 0.5 * height * height;
        let squares =
            (0..TASTES).fold((0.0, 1.0), |(sum, square), _| (sum + square, square * ratio * ratio)).0;
        let mut scale = 1.0 / math::sqrt(squares);
        if let Some([first, next, taste @ ..]) = self.rows.get_mut(id as usize) {
            (*first, *next) = (scale, ratio);
            for value in taste {
                *value = scale * UNIT * generator.symmetric();
                scale *= ratio;
            }
        }
        id
    }

    fn taste(&self, id: u32) -> &[f32] {
        self.rows.get(id as usize).and_then(|row| row.get(2..)).unwrap_or_default()
    }

    /// Replaces a part of a taste by chance, in its own proportions.
    fn drift(&mut self, id: u32, lost: f32, generator: &mut Generator) {
        let kept = 1.0 - lost;
        if let Some([first, ratio, taste @ ..]) = self.rows.get_mut(id as usize) {
            let mut scale = *first * UNIT * math::sqrt(1.0 - kept * kept);
            for value in taste {
                *value = kept * *value + scale * generator.symmetric();
                scale *= *ratio;
            }
        }
    }
}

/// The square root of 3: the factor from a uniform number in (-1, 1) to unit variance.
const UNIT: f32 = 1.732_050_8;

/// The stream's events, as an iterator.
#[derive(Debug)]
pub struct SyntheticStream<'a> {
    config: SyntheticConfig,
    users: Crowd<'a>,
    items: Crowd<'a>,
    recent: RecentPairs<'a>,
    generator: Generator,
    position: u32,
}

impl<'a> SyntheticStream<'a> {
    /// The stream of `seed` over the caller's memory, whose content does not matter.
    ///
    /// Pairs that are still in `recent` do not occur again, unless no other candidate is found; it may have
    /// any length. With none every pair may repeat; with three words an event hardly any does.
    ///
    /// # Errors
    /// A side has no room, or a setting is out of its range.
    pub fn new(
        seed: u64,
        config: SyntheticConfig,
        users: CrowdMemory<'a>,
        items: CrowdMemory<'a>,
        recent: &'a mut [u32],
    ) -> Result<Self, SyntheticError> {
        let is_flatness = |q: f32| q > 0.0 && q <= 10.0;
        if !is_flatness(config.flatness.user) || !is_flatness(config.flatness.item) {
            return Err(SyntheticError::Flatness);
        }
        if !(1..=1000).contains(&config.candidates) {
            return Err(SyntheticError::Candidates);
        }
        if !(0.0..=20.0).contains(&config.taste) {
            return Err(SyntheticError::Taste);
        }
        if !(0.0..=1.0).contains(&config.drift) {
            return Err(SyntheticError::Drift);
        }
        let users = Crowd::new(users, config.flatness.user);
        let items = Crowd::new(items, config.flatness.item);
        for (crowd, side) in [(&users, Side::User), (&items, Side::Item)] {
            if crowd.room() == 0 {
                return Err(SyntheticError::NoRoom(side));
            }
        }
        let recent = RecentPairs::new(recent);
        Ok(Self { config, users, items, recent, generator: Generator::stream(seed, STREAM), position: 0 })
    }

    /// How many entities of a side have appeared so far.
    pub fn present(&self, side: Side) -> u32 {
        match side {
            Side::User => self.users.present,
            Side::Item => self.items.present,
        }
    }

    /// A user's and an item's affinity: the dot product of their tastes, about -2 to 2; 0 if one is unknown.
    pub fn affinity(&self, user: u32, item: u32) -> f32 {
        math::dot(self.users.taste(user), self.items.taste(item))
    }

    /// Chooses among candidates with odds `exp(taste * affinity)`, leaving out recent pairs.
    fn choose(&mut self, mut candidate: impl FnMut(&mut Self) -> Event) -> Event {
        let mut chosen = candidate(self);
        let mut total = 0.0;
        for _ in 0..self.config.candidates {
            let event = candidate(self);
            let weight = math::exp(self.config.taste * self.affinity(event.user, event.item));
            if self.generator.uniform() * (total + weight) < weight {
                // The table is looked at for the few that would win, since it seldom fits a cache.
                if self.recent.contains(event) {
                    continue;
                }
                chosen = event;
            }
            total += weight;
        }
        chosen
    }
}

/// The generator's stream, apart from those of models that learn from the same seed.
const STREAM: u64 = 0x5354_5245_414d;

impl Iterator for SyntheticStream<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.position >= self.config.events {
            return None;
        }
        self.position += 1;
        let part = self.position as f32 / self.config.events as f32;
        let new_user = self.users.is_due(part).then(|| self.users.arrive(&mut self.generator));
        let new_item = self.items.is_due(part).then(|| self.items.arrive(&mut self.generator));
        let event = match (new_user, new_item) {
            (Some(user), Some(item)) => Event { user, item },
            // A new item finds a user whose taste it meets.
            (None, Some(item)) => {
                self.choose(|stream| Event { user: stream.users.draw(&mut stream.generator), item })
            }
            (new_user, None) => {
                let user = new_user.unwrap_or_else(|| self.users.draw(&mut self.generator));
                self.choose(|stream| Event { user, item: stream.items.draw(&mut stream.generator) })
            }
        };
        self.users.drift(event.user, self.config.drift, &mut self.generator);
        self.recent.insert(event);
        Some(event)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.config.events.saturating_sub(self.position) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for SyntheticStream<'_> {}

#[cfg(test)]
mod tests;
