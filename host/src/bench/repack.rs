//! Rows of 64 MiB to new sizes.

use anyhow::{Context, Result};
use scall_core::arena::{Arena, ArenaMemory, Repacked, boundaries_len};
use scall_core::random::Generator;
use scall_core::side::PerSide;

use super::timing::{Effort, Timing};
use super::{model, row};
use crate::report::BenchRow;

const BYTES: usize = 64 << 20;
const PARAMETERS: u32 = (BYTES / size_of::<f32>()) as u32;

/// The mean size of the rows.
const MEAN: u32 = 32;
const LARGEST: u32 = 256;

/// Of so many rows one changes its size in a repack; hysteresis leaves about that.
const ONE_IN: u32 = 16;

type Sizes = PerSide<Vec<u32>>;

pub(super) fn rows(effort: Effort) -> Result<Vec<BenchRow>> {
    let entities = PARAMETERS / MEAN;
    let counts = PerSide::new(entities * 6 / 10, entities - entities * 6 / 10);
    let mut generator = Generator::new(1);
    let mut drawn = || -> Result<Sizes> {
        Ok(PerSide::new(
            model::sizes(counts.user, MEAN, LARGEST, &mut generator)?,
            model::sizes(counts.item, MEAN, LARGEST, &mut generator)?,
        ))
    };
    let (first, others) = (drawn()?, drawn()?);
    let mut similar = first.clone();
    exchange(&mut similar.user, &mut generator);
    exchange(&mut similar.item, &mut generator);

    let mut other = vec![1.0_f32; PARAMETERS as usize];
    let mut copy = || {
        std::hint::black_box(&mut other).copy_within(MEAN as usize.., 0);
        Ok(())
    };
    let rate = |seconds: f64| BYTES as f64 / seconds;
    let note = |timing: &Timing| timing.note(&format!("{:.1} GB/s", rate(timing.median) / 1e9));
    let mut rows = Vec::new();
    let mut copied: Option<Timing> = None;
    for (name, second) in [("repack", &similar), ("repack/all-rows", &others)] {
        let (repacked, moved, report) = time(effort, [&first, second], &mut copy)?;
        let resized = 100.0 * f64::from(report.resized) / f64::from(entities);
        rows.push(row(
            name,
            rate(repacked.best),
            "bytes/s",
            format!(
                "64 MiB in {entities} rows, {resized:.0}% to another size; {}; {:.0}% of memmove beside it",
                note(&repacked),
                100.0 * moved.best / repacked.best,
            ),
        ));
        copied = Some(
            copied.map_or(moved.clone(), |before| if before.best < moved.best { before } else { moved }),
        );
    }
    let copied = copied.context("there are cases")?;
    rows.push(row("memmove", rate(copied.best), "bytes/s", format!("64 MiB by one row; {}", note(&copied))));
    Ok(rows)
}

/// Times repacks from one table of sizes to the other and back, in turn with `copy`.
fn time(
    effort: Effort,
    tables: [&Sizes; 2],
    copy: &mut dyn FnMut() -> Result<()>,
) -> Result<(Timing, Timing, Repacked)> {
    let mut values = vec![0.0_f32; PARAMETERS as usize];
    let boundaries = |sizes: &[u32]| vec![0; boundaries_len(sizes.len())];
    let mut boundaries = PerSide::new(boundaries(&tables[0].user), boundaries(&tables[0].item));
    let memory = ArenaMemory {
        values: &mut values,
        user_boundaries: &mut boundaries.user,
        item_boundaries: &mut boundaries.item,
    };
    let mut arena = Arena::new(memory, PerSide::new(0, 0), PARAMETERS)?;
    let mut report = Repacked::default();
    let mut tables = tables.into_iter().cycle();
    let mut repack = || {
        let sizes = tables.next().context("a cycle has no end")?;
        report = arena.repack(&sizes.user, &sizes.item, |_, _, _, elements| elements.fill(0.5))?;
        Ok(())
    };
    repack()?;
    let [repacked, moved] = effort.time_in_turn([&mut repack, copy])?;
    Ok((repacked, moved, report))
}

/// Exchanges the sizes of pairs of rows, until one row in [`ONE_IN`] may have another.
fn exchange(sizes: &mut [u32], generator: &mut Generator) {
    let count = sizes.len() as u32;
    for _ in 0..count / ONE_IN / 2 {
        sizes.swap(generator.below(count) as usize, generator.below(count) as usize);
    }
}
