//! What a run leaves besides its document, for its charts: candidates of the search, and sizes of rows.

use scall_core::side::Side;
use scall_core::sizes::Action;
use serde::{Deserialize, Serialize};

/// Everything that only charts need.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// The candidates of all searches, in order.
    pub steps: Vec<Step>,
    /// How rows of a few entities grew and shrank: by entity, then by segment.
    pub growth: Vec<Growth>,
    /// Row sizes at the end, by rank of frequency, in ascending ranks of each side.
    pub ranks: Vec<RankedSize>,
}

/// A candidate of a search: one line of `search.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The segment that sizes were searched for.
    pub segment: usize,
    /// Where the candidate came from.
    pub candidate: Candidate,
    /// The users' share of the budget, 0 to 1.
    pub user_share: f32,
    /// The shape of the users' sizes.
    pub user_shape: f32,
    /// The shape of the items' sizes.
    pub item_shape: f32,
    /// What the policy was told that it earned; none if it was not tried.
    pub reward: Option<f32>,
    /// Whether the segment got its sizes by it.
    pub chosen: bool,
}

/// Where a candidate came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Candidate {
    /// The action of the segment before; all others are measured by their gain over it.
    InForce,
    /// The best of earlier candidates.
    Challenger,
    /// The mean of the policy.
    Mean,
    /// Drawn from the policy.
    Draw,
}

/// One entity's row after one segment: one line of `growth.csv`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    /// User or item.
    pub side: SideName,
    /// Its name in the stream.
    pub entity: String,
    /// Its interactions in the whole stream.
    pub interactions: u64,
    /// The segment.
    pub segment: usize,
    /// Parameters of its row at the end of the segment.
    pub size: u32,
}

/// The row at one rank: one line of `ranks.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankedSize {
    /// User or item.
    pub side: SideName,
    /// The rank by frequency, from 1.
    pub rank: u64,
    /// Parameters of its row.
    pub size: u32,
}

/// A side, as files name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SideName {
    /// A user.
    User,
    /// An item.
    Item,
}

impl SideName {
    /// Both, in the order of files and charts.
    pub const BOTH: [Self; 2] = [Self::User, Self::Item];

    /// Of several.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Item => "items",
        }
    }
}

impl From<Side> for SideName {
    fn from(side: Side) -> Self {
        match side {
            Side::User => Self::User,
            Side::Item => Self::Item,
        }
    }
}

impl Step {
    /// A candidate that was not chosen, so far.
    pub const fn new(segment: usize, candidate: Candidate, action: Action, reward: Option<f32>) -> Self {
        let Action { user_share, user_shape, item_shape } = action;
        Self { segment, candidate, user_share, user_shape, item_shape, reward, chosen: false }
    }
}

impl Candidate {
    /// As charts name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InForce => "in force",
            Self::Challenger => "challenger",
            Self::Mean => "policy's mean",
            Self::Draw => "draw",
        }
    }
}
