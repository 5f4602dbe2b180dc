//! Matrix factorisation in which a user is what they took last.

use anyhow::{Context, Result};
use scall_core::random::Generator;
use scall_core::recommender::{Recommender, recent_scratch_len};
use scall_core::side::{PerSide, Side};

use super::{BaseRecommender, Occasion, Part, meet_unlearned};
use crate::experiment::model::{Model, ModelCapacity, ModelMemory};
use crate::experiment::protocol::Counts;
use crate::experiment::training;

/// Items that are kept of each user.
pub const RECENT: usize = 4;

/// A user who takes an item.
#[derive(Clone, Copy, Debug)]
pub struct Lesson {
    /// The user.
    pub user: u32,
    /// The item.
    pub item: u32,
    recent: [u32; RECENT],
    known: usize,
}

impl Lesson {
    /// The items that the user took before, newest first.
    pub fn recent(&self) -> impl Iterator<Item = u32> + Clone {
        let Self { recent, known, .. } = *self;
        recent.into_iter().take(known)
    }
}

/// The core's recommender with queries made of recent items in the place of the users' rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecentItems {
    /// Passes over a train part, its replay included.
    pub(super) train_passes: u32,
    /// Passes over a test part.
    pub(super) test_passes: u32,
    /// The users of whom items are kept: the first so many.
    pub(super) users: u32,
}

impl RecentItems {
    /// What `user` is known by before `position`.
    fn lesson(&self, part: &Part<'_>, user: u32, item: u32, position: usize) -> Lesson {
        let mut lesson = Lesson { user, item, recent: [0; RECENT], known: 0 };
        if user < self.users {
            let before = part.history.of(user, 0..position).iter().rev();
            for (to, &position) in lesson.recent.iter_mut().zip(before) {
                *to = part.stream.items[position as usize];
                lesson.known += 1;
            }
        }
        lesson
    }

    /// The part in order of time, then what is replayed with it, each as it was then.
    fn lessons(&self, part: &Part<'_>) -> Vec<Lesson> {
        let stream = part.stream;
        let new =
            part.range.clone().map(|position| (stream.users[position], stream.items[position], position));
        let replayed = part.replayed.iter().map(|&(user, item)| {
            let earlier = part.history.of(user, 0..part.range.start);
            let then = earlier.iter().find(|&&position| stream.items[position as usize] == item);
            (user, item, then.map_or(part.range.start, |&position| position as usize))
        });
        new.chain(replayed).map(|(user, item, position)| self.lesson(part, user, item, position)).collect()
    }
}

impl BaseRecommender for RecentItems {
    fn meet(&self, recommender: &mut dyn Model, user: u32, item: u32) -> Result<()> {
        meet_unlearned(recommender, user, item)
    }

    fn learn(
        &self,
        part: &Part<'_>,
        occasion: Occasion,
        recommender: &mut dyn Model,
        generator: &mut Generator,
    ) -> Result<u64> {
        let mut lessons = self.lessons(part);
        let mut scratch = vec![0.0; recent_scratch_len(longest(recommender))];
        let passes = match occasion {
            Occasion::Train | Occasion::Rest => self.train_passes,
            Occasion::Stretch { .. } => 0,
            Occasion::Test => self.test_passes.saturating_sub(1),
            Occasion::Trial(settings) => {
                for lesson in &lessons {
                    recommender.remember(lesson.user, lesson.item);
                }
                settings.passes
            }
        };
        if matches!(occasion, Occasion::Test | Occasion::Stretch { .. }) {
            recommender.learn_recent(&lessons, &mut scratch);
        }
        for _ in 0..passes {
            training::shuffle(&mut lessons, generator);
            recommender.learn_recent(&lessons, &mut scratch);
        }
        Ok((size_of_val(&*lessons) + size_of_val(&*scratch)) as u64)
    }

    /// Strangers are answered as the mean of the users who are known, in as many dimensions as their row has.
    fn serve(
        &self,
        part: &Part<'_>,
        recommender: &dyn Model,
        then: &mut dyn FnMut(&dyn Model),
    ) -> Result<u64> {
        let entities = Counts { users: recommender.count(Side::User), items: recommender.count(Side::Item) };
        let width = longest(recommender);
        // Of those who are not known there is the row for strangers.
        let strangers = PerSide::new(entities.users, entities.items);
        let cold_rows = Side::BOTH.map(|side| recommender.row(side, *strangers.get(side)));
        let [cold_user, cold_item] = [cold_rows[0].len(), cold_rows[1].len()];
        let rows: Vec<Vec<f32>> = (0..entities.items)
            .map(|item| {
                let has_row = recommender.size(Side::Item, item) > 0;
                if has_row { recommender.row(Side::Item, item) } else { Vec::new() }
            })
            .collect();
        let of_items: usize = rows.iter().map(Vec::len).sum();
        let parameters = (entities.users as usize + 1) * width + cold_item + of_items;
        let parameters =
            u32::try_from(parameters).context("the users have more numbers than can be served")?;
        let longest = width as u32 + 1;
        let mut memory = ModelMemory::<f32>::new(&ModelCapacity { entities, parameters, longest, seen: 0 });
        let bytes = memory.bytes() + of_items as u64 * size_of::<f32>() as u64;
        let cold = PerSide::new(cold_user.min(width) as u32, cold_item as u32);
        let mut served = Recommender::new(memory.lend(), *recommender.config(), cold, parameters, 0)?;
        let (mut query, mut mean) = (vec![0.0; width], vec![0.0_f64; width]);
        let mut known = 0_u32;
        for user in 0..entities.users {
            let lesson = self.lesson(part, user, u32::MAX, part.range.end);
            let dimensions = recommender.compose(&lesson, &mut query);
            served.arena_mut().admit(Side::User, dimensions as u32, |_, _, _, row| {
                row.copy_from_slice(&query[..dimensions]);
            })?;
            mean.iter_mut().zip(&query).for_each(|(sum, &number)| *sum += f64::from(number));
            known += u32::from(dimensions > 0);
        }
        for item in &rows {
            served
                .arena_mut()
                .admit(Side::Item, item.len() as u32, |_, _, _, row| row.copy_from_slice(item))?;
        }
        served.arena_mut().cold_row_mut(Side::Item).copy_from_slice(&cold_rows[1]);
        for (to, sum) in served.arena_mut().cold_row_mut(Side::User).iter_mut().zip(mean) {
            *to = (sum / f64::from(known.max(1))) as f32;
        }
        served.reorder();
        then(&served);
        Ok(bytes)
    }
}

/// The most dimensions of a row.
fn longest(recommender: &dyn Model) -> usize {
    let of = |side, bias: u32| {
        (0..recommender.count(side)).map(move |id| recommender.size(side, id).saturating_sub(bias)).max()
    };
    of(Side::User, 0).max(of(Side::Item, recommender.bias_parameters())).unwrap_or(0) as usize
}

#[cfg(test)]
mod tests;
