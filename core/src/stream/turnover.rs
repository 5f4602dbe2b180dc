//! A stream in which users and items come and go, in next to no memory.
//!
//! Everything about an entity follows from its number and the seed: its id, its taste. Popularity is a wave
//! that travels over the numbers as newcomers arrive: most popular is whoever it has reached, less popular,
//! by the Zipf-Mandelbrot law (weight `1 / (distance + q)`), who is ahead of it or behind. So newcomers rise
//! and fade, and of all that ever came only a part is about at any time.

use super::recent::RecentPairs;
use super::{Event, TASTES};
use crate::ids::mix;
use crate::math;
use crate::random::Generator;
use crate::side::{PerSide, Side};

/// The law of a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TurnoverConfig {
    /// Events in all.
    pub events: u32,
    /// Entities of each side that arrive in the course of it, at least 1; the last at the end.
    pub entities: PerSide<u32>,
    /// `q` of the popularity law, in entities; above 0. Small values make a steep head.
    pub flatness: PerSide<f32>,
    /// How many candidates a choice is made from, at least 1.
    pub candidates: u32,
    /// Weight of taste in a choice; 0 is none.
    pub taste: f32,
}

/// The stream's events, as an iterator; users and items have ids of any 32 bits.
#[derive(Debug)]
pub struct TurnoverStream<'a> {
    config: TurnoverConfig,
    seed: u64,
    present: PerSide<u32>,
    recent: RecentPairs<'a>,
    generator: Generator,
    position: u32,
}

/// Streams of the seed.
const EVENTS: u64 = 0x7475_726e;
const USERS: u64 = 0x0001_0000_0000;
const ITEMS: u64 = 0x0002_0000_0000;

/// Where the wave is, as a part of those who have come.
const CREST: f32 = 0.7;

impl<'a> TurnoverStream<'a> {
    /// The stream of `seed`. Pairs that are still in `recent` do not occur again unless no other candidate is
    /// found; it may have any length.
    pub fn new(seed: u64, config: TurnoverConfig, recent: &'a mut [u32]) -> Self {
        Self {
            config,
            seed,
            present: PerSide::new(0, 0),
            recent: RecentPairs::new(recent),
            generator: Generator::stream(seed, EVENTS),
            position: 0,
        }
    }

    /// How many entities of a side have arrived so far.
    pub fn present(&self, side: Side) -> u32 {
        *self.present.get(side)
    }

    /// The id of an entity; different numbers have different ids.
    fn id(&self, side: Side, number: u32) -> u32 {
        let key = mix(self.seed as u32 ^ (self.seed >> 32) as u32);
        mix(number ^ key).wrapping_add(if side == Side::User { 0 } else { key })
    }

    /// A latent vector of about unit length; some entities are described by few dimensions, some by all.
    fn taste(&self, side: Side, number: u32) -> [f32; TASTES] {
        let stream = if side == Side::User { USERS } else { ITEMS };
        let mut generator = Generator::stream(self.seed, stream + u64::from(number));
        let ratio = 0.45 + 0.5 * generator.uniform();
        let mut scale = 1.7 * math::sqrt(1.0 - ratio * ratio);
        let mut taste = [0.0; TASTES];
        for value in &mut taste {
            *value = scale * generator.symmetric();
            scale *= ratio;
        }
        taste
    }

    /// Whether an entity arrives when `part` of the stream is over: their number grows as its square root.
    fn is_due(&self, side: Side, part: f32) -> bool {
        let all = (*self.config.entities.get(side)).max(1);
        *self.present.get(side) < ((all as f32 * math::sqrt(part)) as u32).clamp(1, all)
    }

    fn arrive(&mut self, side: Side) -> u32 {
        let present = self.present.get_mut(side);
        *present += 1;
        *present - 1
    }

    /// One of those who have come, by popularity.
    fn draw(&mut self, side: Side) -> u32 {
        let (present, q) = (*self.present.get(side), *self.config.flatness.get(side));
        let crest = (CREST * present as f32) as u32;
        // Through the inverse distribution function, up to the farther end.
        let span = math::ln((present.max(1) as f32 + q) / q);
        let distance = (q * (math::exp(self.generator.uniform() * span) - 1.0)) as u32;
        let ahead = self.generator.next_u32() >> 31 == 1;
        let number = if ahead { crest.checked_add(distance) } else { crest.checked_sub(distance) };
        number.filter(|&number| number < present).unwrap_or_else(|| self.generator.below(present))
    }

    /// Chooses among candidates with odds `exp(taste * affinity)`, leaving out recent pairs.
    fn choose(&mut self, user: Option<u32>, item: Option<u32>) -> (u32, u32) {
        let mut chosen = (user.unwrap_or(0), item.unwrap_or(0));
        let mut total = 0.0;
        let fixed = user.map(|user| self.taste(Side::User, user));
        for candidate in 0..self.config.candidates.max(1) {
            let pair = (
                user.unwrap_or_else(|| self.draw(Side::User)),
                item.unwrap_or_else(|| self.draw(Side::Item)),
            );
            let of_user = fixed.unwrap_or_else(|| self.taste(Side::User, pair.0));
            let affinity = math::dot(&of_user, &self.taste(Side::Item, pair.1));
            let weight = math::exp(self.config.taste * affinity);
            total += weight;
            let wins = self.generator.uniform() * total < weight;
            if wins && (candidate == 0 || !self.recent.contains(self.event(pair))) {
                chosen = pair;
            }
        }
        chosen
    }

    fn event(&self, (user, item): (u32, u32)) -> Event {
        Event { user: self.id(Side::User, user), item: self.id(Side::Item, item) }
    }
}

impl Iterator for TurnoverStream<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.position >= self.config.events {
            return None;
        }
        self.position += 1;
        let part = self.position as f32 / self.config.events as f32;
        let user = self.is_due(Side::User, part).then(|| self.arrive(Side::User));
        let item = self.is_due(Side::Item, part).then(|| self.arrive(Side::Item));
        let pair = match (user, item) {
            (Some(user), Some(item)) => (user, item),
            // A new item finds a user whose taste it meets.
            (None, Some(item)) => self.choose(None, Some(item)),
            (user, None) => {
                let user = user.unwrap_or_else(|| self.draw(Side::User));
                self.choose(Some(user), None)
            }
        };
        let event = self.event(pair);
        self.recent.insert(event);
        Some(event)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.config.events.saturating_sub(self.position) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for TurnoverStream<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{HashMap, HashSet};
    use std::vec;
    use std::vec::Vec;

    const CONFIG: TurnoverConfig = TurnoverConfig {
        events: 6_000,
        entities: PerSide::new(60, 300),
        flatness: PerSide::new(4.0, 6.0),
        candidates: 12,
        taste: 8.0,
    };

    fn events(seed: u64, config: TurnoverConfig, recent: usize) -> Vec<Event> {
        TurnoverStream::new(seed, config, &mut vec![7; recent]).collect()
    }

    /// Fails on any change of bits, on any target.
    #[test]
    fn the_events_of_a_seed_never_change() {
        let digest = |seed| {
            let words = events(seed, CONFIG, 1_000).into_iter().flat_map(|event| [event.user, event.item]);
            words.fold(0x811c_9dc5_u32, |hash, word| (hash ^ word).wrapping_mul(0x0100_0193))
        };
        assert_eq!([digest(42), digest(43)], [2_057_137_065, 3_145_251_816]);
    }

    #[test]
    fn all_arrive_and_ids_are_spread_over_all_numbers() {
        let events = events(1, CONFIG, 1_000);
        assert_eq!(events.len(), 6_000);
        let users: HashSet<u32> = events.iter().map(|event| event.user).collect();
        let items: HashSet<u32> = events.iter().map(|event| event.item).collect();
        assert_eq!((users.len(), items.len()), (60, 300));
        for half in [users.iter().filter(|&&id| id > u32::MAX / 2).count(), items.len() / 2] {
            assert!(half > 15, "{half}");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "much of the same")]
    fn a_few_are_popular_and_popularity_fades() {
        let events = events(2, CONFIG, 1_000);
        let head = |events: &[Event]| -> (HashSet<u32>, f64) {
            let mut counts: HashMap<u32, u32> = HashMap::new();
            for event in events {
                *counts.entry(event.item).or_default() += 1;
            }
            let mut counts: Vec<(u32, u32)> = counts.into_iter().map(|(item, n)| (n, item)).collect();
            counts.sort_unstable_by(|a, b| b.cmp(a));
            let share: u32 = counts.iter().take(15).map(|&(n, _)| n).sum();
            (counts.iter().take(15).map(|&(_, item)| item).collect(), f64::from(share) / events.len() as f64)
        };
        let (early, early_share) = head(&events[1_000..2_000]);
        let (late, late_share) = head(&events[5_000..]);
        // Were all alike, fifteen would have a tenth and a twentieth.
        assert!(early_share > 0.2 && late_share > 0.15, "{early_share} {late_share}");
        assert!(early.intersection(&late).count() <= 5, "{early:?} {late:?}");
    }

    #[test]
    #[cfg_attr(miri, ignore = "much of the same")]
    fn taste_and_memory_of_pairs_count() {
        let distinct = |recent| {
            let pairs: HashSet<(u32, u32)> =
                events(3, CONFIG, recent).iter().map(|event| (event.user, event.item)).collect();
            pairs.len()
        };
        assert!(distinct(8_000) > distinct(0) + 500, "{} {}", distinct(8_000), distinct(0));
        // Who prefers by taste has fewer different items.
        let of_one = |taste| {
            let events = events(4, TurnoverConfig { taste, ..CONFIG }, 0);
            let pairs: HashSet<(u32, u32)> = events.iter().map(|event| (event.user, event.item)).collect();
            pairs.len()
        };
        assert!(of_one(8.0) * 10 < of_one(0.0) * 9, "{} {}", of_one(8.0), of_one(0.0));
    }
}
