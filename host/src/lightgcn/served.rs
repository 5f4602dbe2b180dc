//! What answers: the propagated vectors as rows of a recommender of their own.

use anyhow::{Context, Result};
use scall_core::recommender::{Recommender, RecommenderConfig};
use scall_core::side::{PerSide, Side};

use super::trainer::Trainer;
use crate::experiment::Counts;
use crate::experiment::model::{Model, ModelCapacity, ModelMemory};

/// Propagates the rows of `trainer` and hands `then` a recommender whose rows are the final vectors, all of
/// the length of the longest row: scores, lists and their speed are those of matrix factorisation. A user
/// that is not in the graph is answered as the mean of those who are. Returns what `then` does, and the bytes that were held for it.
///
/// # Errors
/// More numbers than an arena can hold.
pub fn served<T>(trainer: &mut Trainer, then: impl FnOnce(&dyn Model) -> T) -> Result<(T, u64)> {
    trainer.propagate();
    let graph = trainer.graph();
    let width = graph.longest();
    let entities =
        Counts { users: graph.side(Side::User).len() as u32, items: graph.side(Side::Item).len() as u32 };
    let parameters = u32::try_from((entities.entities() + 1) * u64::from(width))
        .context("the propagated vectors have more numbers than can be served")?;
    let mut memory =
        ModelMemory::<f32>::new(&ModelCapacity { entities, parameters, longest: width, seen: 0 });
    let bytes = memory.bytes();
    let config = RecommenderConfig { item_bias: false, ..RecommenderConfig::default() }.validate()?;
    let mut recommender = Recommender::new(memory.lend(), config, PerSide::new(width, 0), parameters, 0)?;
    for side in Side::BOTH {
        for &place in graph.side(side).places() {
            recommender.arena_mut().admit(side, width, |_, _, _, row| {
                trainer.vector(side, place as usize, row);
            })?;
        }
    }
    let mut mean = vec![0.0; width as usize];
    for user in 0..entities.users {
        let row = recommender.arena().row(Side::User, user);
        mean.iter_mut().zip(row).for_each(|(sum, number)| *sum += number / entities.users as f32);
    }
    recommender.arena_mut().cold_row_mut(Side::User).copy_from_slice(&mean);
    recommender.reorder();
    Ok((then(&recommender), bytes))
}
