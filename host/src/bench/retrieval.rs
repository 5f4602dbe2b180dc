//! The best 20 of 100,000 items.

use anyhow::Result;
use scall_core::element::Element;
use scall_core::random::Generator;
use scall_core::recommender::{RecommenderConfig, Scored};
use scall_core::side::PerSide;

use super::timing::Effort;
use super::{model, row, yardstick};
use crate::experiment::{LIST, kernels};
use crate::report::BenchRow;

const ITEMS: u32 = 100_000;
const DIMENSIONS: u32 = 64;
const BATCH: u32 = 256;
const SEEN: usize = 1 << 17;

/// Rows of standard normal numbers.
fn config() -> RecommenderConfig {
    RecommenderConfig { initial_scale: 1.0, ..RecommenderConfig::default() }
}

pub(super) fn rows(effort: Effort) -> Result<Vec<BenchRow>> {
    let name = "topk/100k/mean8/single";
    Ok(vec![single::<f32>(effort, name)?, single::<i8>(effort, &format!("{name}/i8"))?, batch(effort)?])
}

/// One user at a time, items of power-law sizes.
fn single<E: Element>(effort: Effort, name: &str) -> Result<BenchRow> {
    let mut generator = Generator::new(1);
    let mut sizes = PerSide::new(vec![DIMENSIONS; 64], model::sizes(ITEMS, 8, DIMENSIONS, &mut generator)?);
    sizes.item.iter_mut().for_each(|size| *size += E::BIAS as u32);
    let mut memory = model::memory::<E>(&sizes, SEEN);
    let recommender = model::recommender(&mut memory, &sizes, config())?;
    let bytes = sizes.item.iter().sum::<u32>() as usize * size_of::<E>();
    let read = yardstick::read_rate(effort, &vec![1; bytes.div_ceil(size_of::<u32>())])?;

    let mut list = [Scored::NONE; LIST];
    let users = sizes.user.len() as u32;
    let timing = effort.time(|| {
        for user in 0..users {
            kernels::recommend(&recommender, user, &mut list);
            std::hint::black_box(&list);
        }
        Ok(())
    })?;
    let (best, median) = (timing.best / f64::from(users), timing.median / f64::from(users));
    let rate = bytes as f64 / best;
    Ok(row(
        name,
        1.0 / best,
        "queries/s",
        format!(
            "{:.0} us a query; {}; reads {:.1} MB a query at {:.0} of {:.0} GB/s",
            best * 1e6,
            timing.note(&format!("{:.0} us", median * 1e6)),
            bytes as f64 * 1e-6,
            rate / 1e9,
            read / 1e9,
        ),
    ))
}

/// Many users at once, items of equal sizes.
fn batch(effort: Effort) -> Result<BenchRow> {
    let sizes = PerSide::new(vec![DIMENSIONS; BATCH as usize], vec![DIMENSIONS + 1; ITEMS as usize]);
    let mut memory = model::memory::<f32>(&sizes, SEEN);
    let recommender = model::recommender(&mut memory, &sizes, config())?;
    let peak = yardstick::arithmetic_rate(effort)?;

    let users: Vec<u32> = (0..BATCH).collect();
    let mut lists = vec![Scored::NONE; users.len() * LIST];
    let excluded = |n: usize, item| recommender.seen().contains(users[n], item);
    let timing = effort.time(|| {
        kernels::retrieve(&recommender, &users, &mut lists, &excluded)?;
        std::hint::black_box(&lists);
        Ok(())
    })?;
    let operations = f64::from(BATCH) * f64::from(ITEMS) * f64::from(2 * DIMENSIONS);
    Ok(row(
        "topk/100k/dim64/batch256",
        f64::from(BATCH) / timing.best,
        "queries/s",
        format!(
            "{}; {:.0} of {:.0} GFLOP/s",
            timing.note(&format!("{:.0}", f64::from(BATCH) / timing.median)),
            operations / timing.best / 1e9,
            peak / 1e9,
        ),
    ))
}
