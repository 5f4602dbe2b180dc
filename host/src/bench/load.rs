//! The same interactions from text and from a prepared stream.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};
use scall_core::random::Generator;

use super::row;
use super::timing::Effort;
use crate::experiment::{DataFile, load_file, select_file};
use crate::input::ReadOptions;
use crate::progress::Progress;
use crate::report::BenchRow;
use crate::stream::{PrepareOptions, prepared};

const ROWS: u32 = 3_000_000;
const QUICK_ROWS: u32 = 30_000;

/// Users and items a row; draws are squeezed to the front, so that some are frequent and many are rare.
const USERS: f64 = 0.02;
const ITEMS: f64 = 0.007;

pub(super) fn rows(effort: Effort) -> Result<Vec<BenchRow>> {
    let rows = if effort == Effort::Full { ROWS } else { QUICK_ROWS };
    let directory = std::env::temp_dir().join(format!("scall-bench-{}", std::process::id()));
    fs::create_dir_all(&directory).with_context(|| format!("{}: cannot be made", directory.display()))?;
    let timed = time(effort, rows, &directory);
    // What is left behind is only in the way.
    let _ = fs::remove_dir_all(&directory);
    timed
}

fn time(effort: Effort, rows: u32, directory: &std::path::Path) -> Result<Vec<BenchRow>> {
    let file = |name: &str| DataFile { path: directory.join(name), options: ReadOptions::default() };
    let (plain, parquet) = (file("stream.tsv"), file("stream.parquet"));
    fs::write(&plain.path, generate(rows)).context("writing the text")?;
    let (filters, progress) = (PrepareOptions::default(), Progress::silent());
    prepared::write(&parquet.path, &select_file(&plain, &filters, &progress)?, filters)?;
    let load = |file: &DataFile| {
        let stream = load_file(file, &filters, &progress)?;
        std::hint::black_box(stream.len());
        Ok(())
    };
    let [text, prepared] = effort.time_in_turn([&mut || load(&plain), &mut || load(&parquet)])?;
    let length = |file: &DataFile| fs::metadata(&file.path).map_or(0.0, |data| data.len() as f64 / 1e6);
    let interactions = load_file(&parquet, &filters, &progress)?.len();
    let note = |timing: &super::timing::Timing, file: &DataFile| {
        let median = timing.note(&format!("{:.3} s", timing.median));
        format!("{interactions} interactions after the filters, {:.0} MB; {median}", length(file))
    };
    let text_note = format!("{rows} rows; {}", note(&text, &plain));
    let ratio = text.best / prepared.best;
    let prepared_note = format!("{}; {ratio:.1} times as fast as the text", note(&prepared, &parquet));
    Ok(vec![
        row("load/text", text.best, "s", text_note),
        row("load/prepared", prepared.best, "s", prepared_note),
    ])
}

/// User, item, rating and time, as MovieLens has them.
fn generate(rows: u32) -> String {
    let mut generator = Generator::new(1);
    let mut draw = |count: f64| {
        let uniform = f64::from(generator.uniform());
        (uniform * uniform * count) as u32
    };
    let (users, items) = (USERS * f64::from(rows), ITEMS * f64::from(rows));
    let mut text = String::with_capacity(rows as usize * 26);
    for row in 0..rows {
        let (user, item, rating, pause) = (draw(users), draw(items), draw(5.0) + 1, draw(1000.0));
        // Nearly in order, as logs are. Writing to a string cannot fail.
        let _ = writeln!(text, "{user}\t{item}\t{rating}\t{}", 881_250_949 + row / 4 + pause);
    }
    text
}
