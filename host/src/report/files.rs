//! The result files of `--out`.
//!
//! | of a run | |
//! | --- | --- |
//! | `run.json` | the document |
//! | `segments.csv`, `quality.svg`, `memory.svg` | quality and memory per segment |
//! | `sizes.csv`, `sizes.svg` | the sizes that the last segment ended with |
//! | `ranks.csv` | the same by rank of frequency |
//! | `growth.csv` | the sizes of a few rows after each segment |
//! | `search.csv` | the candidates of the search |
//! | `command.txt` | the command line |
//!
//! | of a comparison | |
//! | --- | --- |
//! | `comparison.json` | the document |
//! | `comparison.csv`, `.md`, `.tex` | its summary as a table |
//! | `budgets.svg`, `memory.svg` | quality by budget and by memory, one file a stream |
//! | `quality-BUDGET.svg` | quality per segment, one file a stream and budget |
//! | `command.txt` | the command line |
//! | `runs/DATA/METHOD-BUDGET-seedN/` | the files of each run |

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::contender::Contender;
use super::document::{CompareDocument, RunResult};
use super::plot::{self, Chart};
use super::{csv, figures, json, latex, markdown};
use crate::budget::BudgetSpec;
use crate::experiment::{Storage, name_of};
use crate::output;

/// The document of a run.
pub const RUN: &str = "run.json";
/// The document of a comparison.
pub const COMPARISON: &str = "comparison.json";
/// The command line that led to the files beside it.
pub const COMMAND: &str = "command.txt";
/// Candidates of a run's search.
pub const SEARCH: &str = "search.csv";
/// Sizes of a few rows after each segment.
pub const GROWTH: &str = "growth.csv";
/// Sizes by rank of frequency.
pub const RANKS: &str = "ranks.csv";

/// Writes the files of a run into `directory`.
///
/// # Errors
/// If a file cannot be written; every other one is then complete, old or new.
pub fn write_run(directory: &Path, result: &RunResult) -> Result<()> {
    output::make_directory(directory)?;
    let RunResult { document, sizes, trace } = result;
    let write_svg = |name: &str, chart: &Chart| replace_text(&directory.join(name), &plot::svg(chart));
    output::replace(&directory.join("segments.csv"), |out| csv::segments(document, out))?;
    output::replace(&directory.join("sizes.csv"), |out| csv::sizes(sizes, out))?;
    output::replace(&directory.join(SEARCH), |out| csv::steps(&trace.steps, out))?;
    output::replace(&directory.join(GROWTH), |out| csv::growth(&trace.growth, out))?;
    output::replace(&directory.join(RANKS), |out| csv::ranks(&trace.ranks, out))?;
    write_svg("quality.svg", &figures::quality_of_run(document))?;
    write_svg("memory.svg", &figures::memory_of_run(document))?;
    write_svg("sizes.svg", &figures::sizes_of_run(document, sizes))?;
    // The document comes last: where it is, the others are.
    output::replace(&directory.join(RUN), |out| json::write(document, out))
}

/// Writes the files of a comparison into `directory`; those of its runs are written with [`write_run`].
///
/// # Errors
/// As [`write_run`].
pub fn write_compare(directory: &Path, document: &CompareDocument) -> Result<()> {
    output::make_directory(directory)?;
    let write = |name: &str, text: &str| replace_text(&directory.join(name), text);
    output::replace(&directory.join("comparison.csv"), |out| csv::summary(&document.summary, out))?;
    write("comparison.md", markdown::comparison(document).trim_end())?;
    write("comparison.tex", latex::comparison(document).trim_end())?;
    let datasets = figures::datasets(document);
    for &dataset in &datasets {
        // A stream of several has its name in those of its files.
        let of = if datasets.len() > 1 { format!("-{dataset}") } else { String::new() };
        write(&format!("budgets{of}.svg"), &plot::svg(&figures::quality_by_budget(document, dataset)))?;
        write(&format!("memory{of}.svg"), &plot::svg(&figures::quality_by_memory(document, dataset)))?;
        for budget in figures::budgets(document) {
            let chart = figures::quality_at_budget(document, dataset, budget);
            write(&format!("quality{of}-{}.svg", file_name(budget)), &plot::svg(&chart))?;
        }
    }
    output::replace(&directory.join(COMPARISON), |out| json::write(document, out))
}

/// Writes down the command line that leads to the files of `directory`.
///
/// # Errors
/// As [`write_run`].
pub fn write_command(directory: &Path, command: &str) -> Result<()> {
    output::make_directory(directory)?;
    replace_text(&directory.join(COMMAND), command)
}

/// Where the files of one run of a comparison go.
pub fn run_directory(
    compare: &Path,
    dataset: &OsStr,
    contender: Contender,
    budget: &BudgetSpec,
    seed: u64,
) -> PathBuf {
    let Contender { method, storage } = contender;
    let storage = if storage == Storage::F32 { String::new() } else { format!("-{}", name_of(&storage)) };
    let name = format!("{}-{}{storage}-seed{seed}", method.name(), file_name(budget));
    compare.join("runs").join(dataset).join(name)
}

fn file_name(budget: &BudgetSpec) -> String {
    budget.as_str().replace(':', "-")
}

fn replace_text(path: &Path, text: &str) -> Result<()> {
    let write = |out: &mut (dyn Write + Send)| -> io::Result<()> {
        out.write_all(text.as_bytes())?;
        out.write_all(b"\n")
    };
    output::replace(path, write)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::experiment::Method;
    use crate::report::{RunDocument, examples, summary};

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_run_leaves_exactly_these_files() {
        let directory = tempfile::tempdir().unwrap();
        let result = examples::result(Method::Scall, "mean:8", 42);
        let directory = directory.path().join("made/on/the/way");
        write_run(&directory, &result).unwrap();
        assert_eq!(
            names(&directory),
            [
                "growth.csv",
                "memory.svg",
                "quality.svg",
                "ranks.csv",
                "run.json",
                "search.csv",
                "segments.csv",
                "sizes.csv",
                "sizes.svg"
            ]
        );
        let text = fs::read(directory.join("run.json")).unwrap();
        assert_eq!(serde_json::from_slice::<RunDocument>(&text).unwrap(), result.document);
    }

    #[test]
    fn a_comparison_leaves_exactly_these_files() {
        let directory = tempfile::tempdir().unwrap();
        let runs = ["mean:2", "mean:8"]
            .into_iter()
            .flat_map(|budget| [Method::Uniform, Method::Scall].map(|method| (budget, method)))
            .flat_map(|(budget, method)| (1..=3).map(move |seed| examples::run(method, budget, seed)))
            .collect();
        write_compare(directory.path(), &summary::compare(runs)).unwrap();
        assert_eq!(
            names(directory.path()),
            [
                "budgets.svg",
                "comparison.csv",
                "comparison.json",
                "comparison.md",
                "comparison.tex",
                "memory.svg",
                "quality-mean-2.svg",
                "quality-mean-8.svg"
            ]
        );
    }

    #[test]
    fn streams_of_a_comparison_have_charts_of_their_own() {
        let directory = tempfile::tempdir().unwrap();
        write_compare(directory.path(), &examples::two_streams()).unwrap();
        for name in ["budgets-u.data.svg", "memory-<script>_|&%.csv.svg", "quality-u.data-64KiB.svg"] {
            assert!(names(directory.path()).iter().any(|found| found == name), "{name}");
        }
    }

    #[test]
    fn every_run_of_a_comparison_has_a_directory_of_its_own() {
        let budget = "mean:8".parse().unwrap();
        let path = run_directory(
            Path::new("out"),
            OsStr::new("u.data"),
            Contender { method: Method::Scall, storage: Storage::F32 },
            &budget,
            42,
        );
        assert_eq!(path, Path::new("out/runs/u.data/scall-mean-8-seed42"));
    }
}
