//! One training step of LightGCN, on all threads.

use std::hint::black_box;

use anyhow::Result;
use scall_core::random::Generator;
use scall_core::recommender::RecommenderConfig;
use scall_core::side::{PerSide, Side};

use super::timing::{Effort, Timing};
use super::update::zipf;
use super::{model, row, yardstick};
use crate::lightgcn::{Batch, Candidates, Graph, LightGcnSettings, PANEL, Sampler, Trainer};
use crate::report::BenchRow;

const USERS: u32 = 6_000;
const ITEMS: u32 = 4_000;

/// Interactions, of which about half are different ones.
const INTERACTIONS: usize = 1_000_000;
const WIDTH: u32 = 256;

/// Hops of a step, forth and back.
const HOPS: f64 = 6.0;

pub(super) fn rows(effort: Effort) -> Result<Vec<BenchRow>> {
    let mut generator = Generator::new(1);
    let pairs: Vec<(u32, u32)> = zipf(USERS, 0.8, INTERACTIONS, &mut generator)
        .into_iter()
        .zip(zipf(ITEMS, 1.0, INTERACTIONS, &mut generator))
        .collect();
    let threads = rayon::current_num_threads();
    // One panel of the larger side.
    let panel = vec![1; USERS as usize * PANEL];
    let near = yardstick::read_rate(effort, &panel)? * threads as f64;
    let cases = [("lightgcn/10k-1M-256", WIDTH), ("lightgcn/10k-1M-256/power-law16", 16)];
    cases.into_iter().map(|(name, mean)| step(effort, (name, mean), &pairs, near)).collect()
}

/// Times a step with rows of this mean size up to the width.
fn step(effort: Effort, (name, mean): (&str, u32), pairs: &[(u32, u32)], near: f64) -> Result<BenchRow> {
    let mut generator = Generator::new(2);
    let sizes = PerSide::new(
        model::sizes(USERS, mean, WIDTH, &mut generator)?,
        model::sizes(ITEMS, mean, WIDTH, &mut generator)?,
    );
    let config = RecommenderConfig { item_bias: false, ..RecommenderConfig::default() };
    let mut memory = model::memory::<f32>(&sizes, 0);
    let recommender = model::recommender(&mut memory, &sizes, config)?;
    let settings = LightGcnSettings::PUBLISHED;
    let graph = Graph::new(&sizes, || pairs.iter().copied());
    let sampler = Sampler::new(&graph, pairs.iter().copied(), |_, _| false, Candidates::Known);
    let entries = (graph.side(Side::User).entries() + graph.side(Side::Item).entries()) as f64;
    let trainer = std::cell::RefCell::new(Trainer::new(graph, &recommender, settings));

    let mut batch = Batch::default();
    let mut draws = generator.clone();
    let [whole, sampling, forward] = effort.time_threads_in_turn([
        &mut || {
            black_box(trainer.borrow_mut().train(&sampler, &mut generator));
            Ok(())
        },
        &mut || {
            sampler.draw(trainer.borrow().graph(), settings.batch, &mut draws, &mut batch);
            black_box(&batch);
            Ok(())
        },
        &mut || {
            trainer.borrow_mut().propagate();
            Ok(())
        },
    ])?;
    let ms = |timing: &Timing| timing.best * 1e3;
    let bytes = HOPS * entries * f64::from(WIDTH) * 4.0;
    let threads = rayon::current_num_threads();
    let shape = if mean == WIDTH {
        format!("equal rows of {WIDTH}")
    } else {
        format!("power-law rows of mean {mean}")
    };
    Ok(row(
        name,
        whole.best,
        "s",
        format!(
            "{shape}, {entries:.0} entries, batch {}, {threads} threads; {}; sampling {:.1}, forward {:.1}, loss, \
             backward and Adam {:.1} ms; six dense hops read {:.1} GB: {:.0} ms at the {:.0} GB/s of the nearest \
             caches; torch 325 ms",
            settings.batch,
            whole.note(&format!("{:.1} ms", whole.median * 1e3)),
            ms(&sampling),
            ms(&forward),
            ms(&whole) - ms(&sampling) - ms(&forward),
            bytes / 1e9,
            bytes / near * 1e3,
            near / 1e9,
        ),
    ))
}
