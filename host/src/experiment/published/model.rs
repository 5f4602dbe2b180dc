//! Models of a segment: their memory, their sizes, and what they begin with.

use anyhow::Result;
use scall_core::random::Generator;
use scall_core::side::{PerSide, Side};

use super::lesson::Lesson;
use super::rows::Rows;
use crate::experiment::base::Users;
use crate::experiment::methods::Decided;
use crate::experiment::model::{self, Memory, Model, ModelCapacity, SizeScratch};
use crate::experiment::runner::Experiment;

/// Memory for one model of a lesson.
///
/// # Errors
/// If the budget cannot be kept.
pub(super) fn memory(experiment: &Experiment<'_>, lesson: &Lesson<'_>) -> Result<Box<dyn Memory>> {
    let known = lesson.known();
    let whole = experiment.capacity()?;
    let capacity = ModelCapacity {
        entities: known,
        parameters: experiment.allowance(known)?,
        // Sets fill unevenly: with twice the room hardly a pair is lost.
        seen: lesson.growth().segment.train.end * 2,
        ..whole
    };
    Ok(model::memory(experiment.request.storage, experiment.request.tables, &capacity))
}

/// A model that knows the users and items of a lesson, with the sizes that they had in `before`.
///
/// # Errors
/// If the budget cannot be kept.
pub(super) fn model<'m>(
    experiment: &Experiment<'_>,
    lesson: &Lesson<'_>,
    before: &Rows,
    memory: &'m mut dyn Memory,
    seed: u64,
) -> Result<Box<dyn Model + 'm>> {
    let known = lesson.known();
    let budget = experiment.allowance(known)?;
    let config = experiment.settings.recommender.validate()?;
    let mut model = memory.model(config, PerSide::new(0, 0), budget, seed)?;
    for (side, count) in [(Side::User, known.users), (Side::Item, known.items)] {
        let sizes = before.sizes(side).iter().copied().chain(std::iter::repeat(0));
        for (id, size) in (0..count).zip(sizes) {
            model.admit(side, size)?;
            model.set_frequency(side, id, lesson.frequencies().get(side)[id as usize]);
        }
    }
    Ok(model)
}

/// Gives `model` the sizes that were decided and the rows of `before`; whether it is then above its budget.
///
/// # Errors
/// If the sizes are impossible.
pub(super) fn begin(
    experiment: &Experiment<'_>,
    lesson: &Lesson<'_>,
    decided: &Decided,
    before: &Rows,
    model: &mut dyn Model,
    generator: &mut Generator,
) -> Result<bool> {
    let mut scratch = SizeScratch::new(experiment.largest());
    let mut violations = 0;
    experiment.apply(decided, Users::Rows, &lesson.growth().segment, model, &mut scratch, &mut violations)?;
    before.begin(model, generator);
    Ok(violations > 0)
}
