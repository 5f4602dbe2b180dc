//! A budget for everything that a recommender holds between events.
//!
//! | part | what it is | how much |
//! | --- | --- | --- |
//! | tables | what is known of entities beside their rows, mean rows, classes, and what points to all of it | for the entities of the segment and newcomers |
//! | ids | 32-bit ids of the outside and the index over them, as in the core's tables of ids | for as many |
//! | seen | pairs that are remembered | a sixteenth of the budget |
//! | method | what the method keeps: a policy with its optimiser and replay | as it says |
//! | scratch | counts of a size decision | one for each size and side |
//! | rows | the parameters, and items that are kept in their place | all that is left |
//!
//! So the share of the rows shrinks from segment to segment as the tables grow. What the harness alone needs is not
//! counted: the stream and its replay, the test, and the models that a search trains.

use anyhow::{Context, Result};
use scall_core::ids::{MAX_ENTITIES, index_len};
use scall_core::random::Generator;
use scall_core::side::{PerSide, Side};
use scall_core::sizes::counts_len;
use thiserror::Error;

use super::methods::{Sizing, SizingMethod};
use super::model::{self, Model, ModelCapacity, SizeScratch};
use super::protocol::{Counts, Segment};
use super::runner::Experiment;
use super::settings::Settings;
use crate::budget::MOST_PARAMETERS;
use crate::report::HeldParts;

/// One byte of so many remembers pairs.
const SEEN_PART: u64 = 16;

/// How many times as many interactions a train part has as the test part behind it.
const TRAIN_PER_TEST: u32 = 4;

/// What the recommender may hold in one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The budget, in bytes.
    pub limit: u64,
    /// The memory of the model: the most parameters and entities.
    pub capacity: ModelCapacity,
    /// What is held then.
    pub parts: HeldParts,
}

/// A total that leaves no room for rows.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "budget `{spec}` is too small: beside rows there are {} bytes in segment {segment} (tables {}, ids {}, seen {}, \
     method {}, scratch {}); total:{needed}B is enough",
    .parts.sum(), .parts.tables, .parts.ids, .parts.seen, .parts.method, .parts.scratch
)]
pub struct TotalError {
    spec: String,
    segment: usize,
    parts: HeldParts,
    needed: u64,
}

impl Share {
    /// What is held when the method keeps so many bytes.
    #[must_use]
    pub fn held(&self, method: u64) -> HeldParts {
        HeldParts { method: self.parts.method.max(method), ..self.parts }
    }

    /// The same share, where `bytes` of memory were taken for the model and what points to it: what was planned for
    /// tables becomes what they are.
    #[must_use]
    pub fn with_model_of(mut self, bytes: u64) -> Self {
        self.parts.tables = bytes.saturating_sub(self.parts.rows + self.parts.seen);
        self
    }

    /// Whether there is a place in the tables for both.
    pub const fn admits(&self, user: u32, item: u32) -> bool {
        user < self.capacity.entities.users && item < self.capacity.entities.items
    }
}

/// The shares of all segments; none for a budget of parameters.
///
/// # Errors
/// A budget that leaves no room for rows in one of them.
pub fn shares(experiment: &Experiment<'_>, method: &dyn SizingMethod) -> Result<Vec<Share>> {
    let Some(limit) = experiment.request.budget.total() else { return Ok(Vec::new()) };
    let storage = experiment.request.storage;
    // Both rows for strangers.
    let fewest = experiment.settings.cold_dimensions + storage.bias_parameters();
    let smallest = u64::from(fewest) * u64::from(storage.bytes());
    let mut entities = Counts::default();
    let (mut shares, mut short) = (Vec::new(), None::<TotalError>);
    for segment in experiment.segments {
        entities = admitted(segment, entities);
        let beside = beside_rows(experiment, method, entities, limit);
        let left = limit.saturating_sub(beside.sum());
        if left < smallest {
            // What remembers pairs grows with the budget.
            let needed = beside.sum() - beside.seen + smallest;
            let needed = (needed * SEEN_PART).div_ceil(SEEN_PART - 1);
            if short.as_ref().is_none_or(|worst| worst.needed < needed) {
                let spec = experiment.request.budget.to_string();
                short = Some(TotalError { spec, segment: segment.index, parts: beside, needed });
            }
        }
        let useful = experiment.useful_parameters(entities, PerSide::new(fewest, fewest));
        let parameters = (left / u64::from(storage.bytes())).min(useful).min(MOST_PARAMETERS.into()) as u32;
        let rows = u64::from(parameters) * u64::from(storage.bytes());
        let capacity = ModelCapacity { parameters, ..tables_for(experiment, entities, limit) };
        shares.push(Share { limit, capacity, parts: HeldParts { rows, ..beside } });
    }
    short.map_or(Ok(shares), |error| Err(error.into()))
}

/// The users and items that there is a place for in a segment: all of its train part, and as many newcomers in its
/// test part as there are if they go on to come at the same rate; no fewer than before.
fn admitted(segment: &Segment, before: Counts) -> Counts {
    let of = |known: u32, earlier: u32, before: u32| {
        before.max(known.saturating_add((known - earlier).div_ceil(TRAIN_PER_TEST)))
    };
    let Segment { known, before: earlier, .. } = segment;
    Counts {
        users: of(known.users, earlier.users, before.users),
        items: of(known.items, earlier.items, before.items),
    }
}

/// The memory of a model without rows.
fn tables_for(experiment: &Experiment<'_>, entities: Counts, limit: u64) -> ModelCapacity {
    let pairs = limit / SEEN_PART / size_of::<u32>() as u64;
    ModelCapacity {
        entities,
        parameters: 0,
        longest: experiment.longest(),
        // Whole sets alone; as many as never forget are enough.
        seen: (pairs as usize / SET * SET).min(experiment.stream.len() * 2),
    }
}

/// Pairs of a set of the seen filter.
const SET: usize = scall_core::recommender::seen_len(1);

fn beside_rows(
    experiment: &Experiment<'_>,
    method: &dyn SizingMethod,
    entities: Counts,
    limit: u64,
) -> HeldParts {
    let capacity = tables_for(experiment, entities, limit);
    let memory = model::memory(experiment.request.storage, experiment.request.tables, &capacity);
    let seen = (scall_core::recommender::seen_len(capacity.seen) * size_of::<u32>()) as u64;
    HeldParts {
        rows: 0,
        tables: memory.bytes() - seen + memory.own_bytes(),
        ids: ids_bytes(entities.users) + ids_bytes(entities.items),
        seen,
        method: method.bytes_for(entities),
        scratch: 2 * (counts_len(experiment.largest()) * size_of::<u32>()) as u64,
    }
}

/// An id for each entity, and the index, in which slots that the core does not number take twice 16 bits.
const fn ids_bytes(entities: u32) -> u64 {
    let entities = entities as usize;
    let slots = if entities <= MAX_ENTITIES { 1 } else { 2 };
    (entities * size_of::<u32>() + index_len(entities) * slots) as u64
}

/// Makes the rows fit into the share of the next segment, each in proportion to what it has, before its tables take
/// their place.
///
/// # Errors
/// None in practice.
pub fn shrink(recommender: &mut dyn Model, share: &Share, settings: &Settings) -> Result<()> {
    let budget = share.capacity.parameters;
    if recommender.used() > budget {
        let bias = recommender.bias_parameters();
        let of = |side: Side, bias: u32| {
            (0..recommender.count(side)).map(|id| recommender.size(side, id).saturating_sub(bias)).collect()
        };
        let sizes = Sizing::Dimensions(PerSide::new(of(Side::User, 0), of(Side::Item, bias)));
        let reserve = recommender.budget() - budget;
        let bounds = settings.resize.sizes.bounds;
        let mut scratch = SizeScratch::new(bounds.user.max.max(bounds.item.max));
        // Nothing is drawn.
        let mut generator = Generator::new(0);
        sizes
            .apply(recommender, &settings.resize, reserve, &mut scratch, &mut generator)
            .context("the rows could not be cut")?;
    }
    recommender.set_budget(budget.min(recommender.budget()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_beyond_what_was_planned_is_over_the_budget() {
        let parts = HeldParts { rows: 400, tables: 300, ids: 70, seen: 64, method: 10, scratch: 20 };
        let capacity =
            ModelCapacity { entities: Counts { users: 5, items: 5 }, parameters: 100, longest: 9, seen: 16 };
        let share = Share { limit: parts.sum(), capacity, parts };
        assert_eq!(share.with_model_of(764), share);
        assert_eq!(share.with_model_of(765).held(10).sum(), share.limit + 1);
        assert_eq!(share.held(12).sum(), share.limit + 2);
        assert!(share.admits(4, 4) && !share.admits(5, 4) && !share.admits(4, 5));
    }
}
