//! What a method sees when learning pauses.

use std::borrow::Cow;
use std::fmt;

use scall_core::random::Generator;
use scall_core::side::Side;

use super::draw_negative;
use crate::experiment::model::Model;
use crate::experiment::training::Pair;

/// A moment between two stretches of a train part.
#[derive(Clone, Copy)]
pub struct Pause<'p> {
    /// The model.
    pub recommender: &'p dyn Model,
    /// What was learned since the last pause; nothing at the first.
    pub previous: &'p [Pair],
    /// What is learned next: the segment's model has not learned it yet. Nothing at the last.
    pub next: &'p [Pair],
    /// The model's score of a user and an item.
    pub score: &'p dyn Fn(u32, u32) -> f32,
}

impl Pause<'_> {
    /// An item that the user did not have, not even in the train part; none if 16 draws find none.
    pub fn negative(&self, user: u32, positive: u32, generator: &mut Generator) -> Option<u32> {
        draw_negative(self.recommender, user, positive, generator)
    }

    /// The frequencies of all known entities of a side.
    pub fn frequencies(&self, side: Side) -> Cow<'_, [f32]> {
        self.recommender.frequencies(side)
    }
}

impl fmt::Debug for Pause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { previous, next, .. } = self;
        f.debug_struct("Pause").field("previous", previous).field("next", next).finish_non_exhaustive()
    }
}
