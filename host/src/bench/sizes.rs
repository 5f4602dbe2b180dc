//! Sizes of a million rows, fitted to a budget.

use anyhow::Result;
use scall_core::random::Generator;
use scall_core::sizes::{Bounds, Distribution, counts_len, draw_weights, expected_weights, fit};

use super::row;
use super::timing::Effort;
use crate::report::BenchRow;

const ENTITIES: usize = 1_000_000;
const MEAN: u64 = 8;
const BOUNDS: Bounds = Bounds { min: 1, max: 256 };

/// The most skewed power law that was published.
const SHAPE: f32 = 0.1;

pub(super) fn rows(effort: Effort) -> Result<Vec<BenchRow>> {
    let budget = MEAN * ENTITIES as u64;
    let mut counts = vec![0; counts_len(BOUNDS.max)];
    let mut words = vec![0_u32; ENTITIES];
    let mut number = 0;
    let filled = effort.time(|| {
        number += 1;
        words.fill(std::hint::black_box(number));
        Ok(())
    })?;
    let expected = effort.time(|| {
        expected_weights(Distribution::PowerLaw, SHAPE, &mut words)?;
        fit(&words, BOUNDS, budget, &mut counts)?;
        Ok(())
    })?;
    let mut generator = Generator::new(1);
    let drawn = effort.time(|| {
        draw_weights(Distribution::PowerLaw, SHAPE, &mut generator, &mut words)?;
        fit(&words, BOUNDS, budget, &mut counts)?;
        Ok(())
    })?;
    let cases = [("sizes/expected/1e6", expected), ("sizes/draw/1e6", drawn)];
    Ok(cases
        .map(|(name, timing)| {
            let note = format!(
                "power law, mean {MEAN} within {} to {}, fit included; {}; writing the numbers alone takes \
                 {:.2} ms",
                BOUNDS.min,
                BOUNDS.max,
                timing.note(&format!("{:.2} ms", timing.median * 1e3)),
                filled.best * 1e3,
            );
            row(name, timing.best, "s", note)
        })
        .into())
}
