//! One update of the policy, as large as published.

use anyhow::{Context, Result};
use scall_core::policy::{Sac, SacConfig, SacMemory, Transition};
use scall_core::random::Generator;

use super::row;
use super::timing::Effort;
use crate::experiment::kernels;
use crate::memory::Numbers;
use crate::report::BenchRow;

const TRANSITIONS: usize = 64;

pub(super) fn rows(effort: Effort) -> Result<Vec<BenchRow>> {
    let config = SacConfig::new(SacConfig::PUBLISHED_STATE);
    let shape = config.shape;
    let mut networks = Numbers::zeros(shape.networks_len())?;
    let networks = networks.as_mut_slice();
    let mut replay = vec![0.0; shape.replay_len()];
    let mut scratch = vec![0.0; shape.scratch_len()];
    let bytes = size_of_val(networks);
    let memory = SacMemory { networks, replay: &mut replay, scratch: &mut scratch };
    let mut sac = Sac::new(&config.validate()?, memory, Generator::new(1))?;
    let mut generator = Generator::new(2);
    let mut state = || -> Vec<f32> { (0..shape.state).map(|_| generator.uniform()).collect() };
    for n in 0..TRANSITIONS {
        let (before, after) = (state(), state());
        let share = n as f32 / TRANSITIONS as f32;
        sac.remember(&Transition {
            state: &before,
            action: [share, 0.5, 1.0 - share],
            reward: share,
            next_state: &after,
        })?;
    }

    let mut other = Numbers::zeros(shape.networks_len())?;
    let other = other.as_mut_slice();
    other.fill(1.0);
    let updated = effort.time(|| {
        kernels::update_policy(&mut sac).context("transitions are stored")?;
        Ok(())
    })?;
    let moved = effort.time(|| {
        std::hint::black_box(&mut *other).copy_within(8.., 0);
        Ok(())
    })?;
    Ok(vec![row(
        "sac/published/batch8",
        updated.best,
        "s",
        format!(
            "{}-{}-{}; {}; moving its {:.0} MB of weights, moments and targets once takes {:.2} ms",
            shape.state,
            shape.hidden,
            shape.hidden,
            updated.note(&format!("{:.2} ms", updated.median * 1e3)),
            bytes as f64 / 1e6,
            moved.best * 1e3,
        ),
    )])
}
