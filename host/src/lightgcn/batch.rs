//! What one training step learns from.

use scall_core::side::{PerSide, Side};

/// Users, each with an item that it had and one that it had not, by place in the graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    triples: Vec<Triple>,
}

/// A user and two items, by place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triple {
    /// The user.
    pub user: u32,
    /// An item that the user had.
    pub positive: u32,
    /// An item that the user had not.
    pub negative: u32,
}

impl Batch {
    /// A batch of these.
    pub const fn new(triples: Vec<Triple>) -> Self {
        Self { triples }
    }

    /// The triples.
    pub fn triples(&self) -> &[Triple] {
        &self.triples
    }

    /// The triples, to change.
    pub(super) const fn triples_mut(&mut self) -> &mut Vec<Triple> {
        &mut self.triples
    }

    /// How often each node comes up.
    pub(super) fn count(&self, counts: &mut PerSide<Vec<u32>>) {
        for side in Side::BOTH {
            counts.get_mut(side).fill(0);
        }
        for triple in &self.triples {
            counts.user[triple.user as usize] += 1;
            counts.item[triple.positive as usize] += 1;
            counts.item[triple.negative as usize] += 1;
        }
    }
}
