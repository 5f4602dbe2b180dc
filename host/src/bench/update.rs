//! Learning event by event.

use anyhow::Result;
use scall_core::element::{Element, F16};
use scall_core::math;
use scall_core::random::Generator;
use scall_core::recommender::RecommenderConfig;
use scall_core::side::PerSide;

use super::timing::{Effort, Timing};
use super::{model, row, yardstick};
use crate::experiment::kernels;
use crate::experiment::settings::Settings;
use crate::report::BenchRow;

const USERS: u32 = 6_000;
const ITEMS: u32 = 4_000;

/// Events of one repetition.
const EVENTS: usize = 100_000;

/// Pairs that negative sampling remembers.
const SEEN: usize = 1 << 16;

/// Operations on one dimension of an update: six sums of products and a difference, then three rows moved.
const OPERATIONS: f64 = 6.0 * 2.0 + 1.0 + 4.0 + 3.0 + 3.0;

pub(super) fn rows(effort: Effort) -> Result<Vec<BenchRow>> {
    let mut generator = Generator::new(1);
    let events: Vec<(u32, u32)> = zipf(USERS, 0.8, EVENTS, &mut generator)
        .into_iter()
        .zip(zipf(ITEMS, 1.0, EVENTS, &mut generator))
        .collect();
    let peak = yardstick::arithmetic_rate(effort)?;

    let default = RecommenderConfig::default();
    let experiment = Settings::default().recommender;
    let even = RecommenderConfig { negatives: 1, hardest_of: 1, ..default };
    let hardest = RecommenderConfig { negatives: 1, hardest_of: 3, ..experiment };
    let cases: [Case; 6] = [
        ("update/mean8", 8, 8, even, time::<f32>),
        ("update/mean32", 32, 32, even, time::<f32>),
        ("update/mean32/f16", 32, 32, even, time::<F16>),
        ("update/mean32/i8", 32, 32, even, time::<i8>),
        ("update/mean32/power-law", 32, 128, even, time::<f32>),
        ("update/mean32/hardest3", 32, 32, hardest, time::<f32>),
    ];
    let mut rows = Vec::new();
    for (name, mean, largest, config, time) in cases {
        let sizes = PerSide::new(
            model::sizes(USERS, mean, largest, &mut generator)?,
            model::sizes(ITEMS, mean, largest, &mut generator)?,
        );
        let timing = time(effort, sizes, config, &events)?;
        let rate = EVENTS as f64 / timing.best;
        let share = 100.0 * OPERATIONS * f64::from(mean) * rate / peak;
        let shape =
            if largest > mean { format!("power-law rows up to {largest}") } else { "equal rows".into() };
        rows.push(row(
            name,
            rate,
            "updates/s",
            format!(
                "event by event, {shape}, {} item{} drawn for the negative; {}; {share:.0}% of {:.0} GFLOP/s",
                config.hardest_of,
                if config.hardest_of == 1 { "" } else { "s" },
                timing.note(&format!("{:.1} M", EVENTS as f64 / timing.median / 1e6)),
                peak / 1e9,
            ),
        ));
    }
    Ok(rows)
}

/// A name, the mean and the largest number of dimensions, and how they are learned and stored.
type Case = (&'static str, u32, u32, RecommenderConfig, Time);

type Time = fn(Effort, PerSide<Vec<u32>>, RecommenderConfig, &[(u32, u32)]) -> Result<Timing>;

/// Learning from the events with rows of so many dimensions, stored as `E`.
fn time<E: Element>(
    effort: Effort,
    mut sizes: PerSide<Vec<u32>>,
    config: RecommenderConfig,
    events: &[(u32, u32)],
) -> Result<Timing> {
    if config.item_bias {
        sizes.item.iter_mut().for_each(|size| *size += E::BIAS as u32);
    }
    let mut memory = model::memory::<E>(&sizes, SEEN);
    let mut recommender = model::recommender(&mut memory, &sizes, config)?;
    effort.time(|| Ok(kernels::observe(&mut recommender, events)?))
}

/// `count` numbers below `entities` of which the one at rank `r` comes up in proportion to `r^-exponent`;
/// ranks are dealt at random.
pub(super) fn zipf(entities: u32, exponent: f64, count: usize, generator: &mut Generator) -> Vec<u32> {
    let mut mass = 0.0;
    let cumulated: Vec<f64> = (1..=entities)
        .map(|rank| {
            mass += math::pow_f64(f64::from(rank), -exponent);
            mass
        })
        .collect();
    let mut ids: Vec<u32> = (0..entities).collect();
    for last in (1..entities).rev() {
        ids.swap(last as usize, generator.below(last + 1) as usize);
    }
    (0..count)
        .map(|_| {
            let at = f64::from(generator.uniform()) * mass;
            ids[cumulated.partition_point(|&until| until < at).min(ids.len() - 1)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zipf_stream_has_the_stated_proportions() {
        let mut counts = [0_u32; 50];
        for id in zipf(50, 1.0, 200_000, &mut Generator::new(3)) {
            counts[id as usize] += 1;
        }
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let harmonic: f64 = (1..=50).map(|rank| 1.0 / f64::from(rank)).sum();
        for (rank, count) in (1..=5).zip(counts) {
            let expected = 200_000.0 / (harmonic * f64::from(rank));
            assert!((f64::from(count) / expected - 1.0).abs() < 0.05, "rank {rank}: {count} {expected}");
        }
    }
}
