//! The recommenders that can stand under the sizes.
//!
//! All keep their parameters as rows of the core's [`Recommender`](scall_core::recommender::Recommender), so that budgets, sizes and methods are
//! the same for all. They differ in how the rows are learned, and in what answers.

mod lightgcn;
mod mf;
mod recent;

use std::fmt::Debug;
use std::ops::Range;

use anyhow::Result;
use scall_core::random::Generator;
use scall_core::side::Side;

use super::Base;
use super::history::History;
use super::methods::TrialSettings;
use super::model::Model;
use super::protocol::Counts;
use super::settings::Settings;
use super::training::Pair;
use crate::stream::Stream;

/// A part of the stream that is learned at once, after everything before it.
#[derive(Clone, Debug)]
pub struct Part<'p> {
    /// The whole stream.
    pub stream: &'p Stream,
    /// The same by user.
    pub history: &'p History,
    /// The part, by position.
    pub range: Range<usize>,
    /// Earlier interactions for those to learn again that learn from the part alone.
    pub replayed: Vec<Pair>,
}

/// What a part is learned for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Occasion {
    /// It is the train part of a segment.
    Train,
    /// It is one of so many stretches of the train part, learned for the first time, in order of time.
    Stretch {
        /// How many there are.
        of: usize,
    },
    /// It is the train part, whose stretches were learned once: what is left of its learning.
    Rest,
    /// It is the test part, whose events were [met](BaseRecommender::meet) one by one.
    Test,
    /// It judges a candidate's sizes.
    Trial(TrialSettings),
}

/// How rows are learned, and what answers.
pub trait BaseRecommender: Debug + Sync {
    /// Takes one event of a test part: admits and counts, and learns from it if learning goes by event.
    ///
    /// # Errors
    /// An id that skips one.
    fn meet(&self, recommender: &mut dyn Model, user: u32, item: u32) -> Result<()>;

    /// Learns a part, all of whose users and items are known, and returns the bytes of memory that it took
    /// beside the recommender.
    ///
    /// # Errors
    /// None in practice.
    fn learn(
        &self,
        part: &Part<'_>,
        occasion: Occasion,
        recommender: &mut dyn Model,
        generator: &mut Generator,
    ) -> Result<u64>;

    /// Hands `then` what answers after `part`: a recommender with the same users and items, whose scores are
    /// those of this base. Returns the bytes of memory that it took beside `recommender`.
    ///
    /// # Errors
    /// If there is no room for it.
    fn serve(
        &self,
        part: &Part<'_>,
        recommender: &dyn Model,
        then: &mut dyn FnMut(&dyn Model),
    ) -> Result<u64>;
}

/// Takes one event without learning from it: admits and counts.
pub(super) fn meet_unlearned(recommender: &mut dyn Model, user: u32, item: u32) -> Result<()> {
    for (side, id) in [(Side::User, user), (Side::Item, item)] {
        if id == recommender.count(side) {
            recommender.admit(side, *recommender.admission_sizes().get(side))?;
        }
    }
    recommender.record(user, item);
    Ok(())
}

/// Admits the new one of an event whose other one is a stranger for whom there is no place.
pub(super) fn admit_known(recommender: &mut dyn Model, user: u32, item: u32, most: Counts) -> Result<()> {
    for (side, id, most) in [(Side::User, user, most.users), (Side::Item, item, most.items)] {
        if id == recommender.count(side) && id < most {
            recommender.admit(side, *recommender.admission_sizes().get(side))?;
        }
    }
    Ok(())
}

/// How users are kept, and of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Users {
    /// As rows.
    Rows,
    /// As ids of the items that they took last: the first so many users.
    Recent(u32),
}

/// The base that was asked for. Users whose items are kept are learned by matrix factorisation.
pub fn of(base: Base, users: Users, settings: &Settings) -> Box<dyn BaseRecommender> {
    let Settings { train_passes, test_passes, .. } = *settings;
    if let Users::Recent(users) = users {
        return Box::new(recent::RecentItems { train_passes, test_passes, users });
    }
    match base {
        Base::Mf => Box::new(mf::MatrixFactorisation { train_passes, test_passes }),
        Base::Lightgcn => Box::new(lightgcn::LightGcn(settings.lightgcn)),
    }
}

pub use lightgcn::LightGcnSteps;
pub use recent::{Lesson, RECENT};
