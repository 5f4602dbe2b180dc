//! The result files of `--out`.
//!
//! | of a run | |
//! | --- | --- |
//! | `run.json` | the document |
//! | `segments.csv`, `quality.svg`, `memory.svg` | quality and memory per segment |
//! | `sizes.csv`, `sizes.svg` | the sizes that the last segment ended with |
//!
//! | of a comparison | |
//! | --- | --- |
//! | `compare.json` | the document |
//! | `summary.csv`, `budgets.svg` | quality by method and budget |
//! | `quality-BUDGET.svg` | quality per segment, one file a budget |
//! | `runs/METHOD-BUDGET-seedN/` | the files of each run |

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::document::{CompareDocument, RunDocument, RunResult, SizeCounts};
use super::plot::{self, Axis, Chart, Kind, Point, Series};
use super::statistics::spread;
use super::{csv, json};
use crate::budget::BudgetSpec;
use crate::experiment::Method;
use crate::output;

/// Writes the files of a run into `directory`.
///
/// # Errors
/// If a file cannot be written; every other one is then complete, old or new.
pub fn write_run(directory: &Path, result: &RunResult) -> Result<()> {
    output::make_directory(directory)?;
    let document = &result.document;
    let write_svg = |name: &str, chart: &Chart| replace_text(&directory.join(name), &plot::svg(chart));
    output::replace(&directory.join("segments.csv"), |out| csv::segments(document, out))?;
    output::replace(&directory.join("sizes.csv"), |out| csv::sizes(&result.sizes, out))?;
    write_svg("quality.svg", &quality_of_run(document))?;
    write_svg("memory.svg", &memory_of_run(document))?;
    write_svg("sizes.svg", &sizes_by_rank(document, &result.sizes))?;
    // The document comes last: where it is, the others are.
    output::replace(&directory.join("run.json"), |out| json::write(document, out))
}

/// Writes the files of a comparison into `directory`; those of its runs are written with [`write_run`].
///
/// # Errors
/// As [`write_run`].
pub fn write_compare(directory: &Path, document: &CompareDocument) -> Result<()> {
    output::make_directory(directory)?;
    output::replace(&directory.join("summary.csv"), |out| csv::summary(&document.summary, out))?;
    replace_text(&directory.join("budgets.svg"), &plot::svg(&quality_by_budget(document)))?;
    for budget in distinct(document.runs.iter().map(|run| &run.budget.spec)) {
        let name = format!("quality-{}.svg", file_name(budget));
        replace_text(&directory.join(name), &plot::svg(&quality_at_budget(document, budget)))?;
    }
    output::replace(&directory.join("compare.json"), |out| json::write(document, out))
}

/// Where the files of one run of a comparison go.
pub fn run_directory(compare: &Path, method: Method, budget: &BudgetSpec, seed: u64) -> PathBuf {
    compare.join("runs").join(format!("{}-{}-seed{seed}", method.name(), file_name(budget)))
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

fn heading(what: &str, document: &RunDocument) -> String {
    format!("{what}: {} on {}, budget {}", document.method, document.dataset.name, document.budget.spec)
}

fn line(name: impl Into<String>, points: Vec<Point>) -> Series {
    Series { name: name.into(), points, kind: Kind::Line }
}

fn quality_of_run(document: &RunDocument) -> Chart {
    let points = |value: fn(&super::Quality) -> f64| {
        document.segments.iter().map(|s| Point::new(s.index as f64, value(&s.quality))).collect()
    };
    Chart {
        title: heading("Quality per segment", document),
        x_label: "segment".into(),
        y_label: "mean over tested users".into(),
        x: Axis::Whole,
        series: vec![line("recall@20", points(|q| q.recall)), line("ndcg@20", points(|q| q.ndcg))],
    }
}

fn memory_of_run(document: &RunDocument) -> Chart {
    let points = |value: fn(&super::Segment) -> u64| {
        document.segments.iter().map(|s| Point::new(s.index as f64, value(s) as f64)).collect()
    };
    Chart {
        title: heading("Memory against budget", document),
        x_label: "segment".into(),
        y_label: "parameters".into(),
        x: Axis::Whole,
        series: vec![
            Series { kind: Kind::Limit, ..line("budget", points(|s| s.budget_parameters)) },
            line("used", points(|s| s.parameters_used)),
        ],
    }
}

fn sizes_by_rank(document: &RunDocument, sizes: &SizeCounts) -> Chart {
    let series = |name: &str, counts: &[u64]| Series { kind: Kind::Steps, ..line(name, steps(counts)) };
    Chart {
        title: heading("Sizes by rank", document),
        x_label: "rank, most frequent first".into(),
        y_label: "parameters of a row".into(),
        x: Axis::Logarithmic,
        series: vec![series("users", &sizes.user), series("items", &sizes.item)],
    }
}

/// The first and the last rank of every size that occurs, largest size first.
fn steps(counts: &[u64]) -> Vec<Point> {
    let mut points = Vec::new();
    let mut ranks = 0;
    for (size, count) in counts.iter().enumerate().rev().filter(|(_, count)| **count > 0) {
        points.push(Point::new((ranks + 1) as f64, size as f64));
        ranks += count;
        points.push(Point::new(ranks as f64, size as f64));
    }
    points
}

fn quality_by_budget(document: &CompareDocument) -> Chart {
    let parameters = |budget: &BudgetSpec| {
        document.runs.iter().find(|run| run.budget.spec == *budget).map_or(0, |run| run.budget.parameters)
    };
    let series = distinct(document.summary.iter().map(|row| &row.method)).map(|method| {
        let rows = document.summary.iter().filter(|row| row.method == *method);
        let mut points: Vec<_> = rows
            .map(|row| Point { x: parameters(&row.budget) as f64, y: row.recall.mean, error: row.recall.std })
            .collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        line(method.to_string(), points)
    });
    Chart {
        title: "Quality by budget".into(),
        x_label: "budget in parameters".into(),
        y_label: "recall@20, mean over seeds".into(),
        x: Axis::Logarithmic,
        series: series.collect(),
    }
}

fn quality_at_budget(document: &CompareDocument, budget: &BudgetSpec) -> Chart {
    let runs: Vec<_> = document.runs.iter().filter(|run| run.budget.spec == *budget).collect();
    let series = distinct(runs.iter().map(|run| &run.method)).map(|method| {
        let of_method: Vec<_> = runs.iter().filter(|run| run.method == *method).collect();
        let segments = of_method.iter().map(|run| run.segments.len()).min().unwrap_or(0);
        let at = |index: usize| {
            let values: Vec<_> = of_method
                .iter()
                .filter_map(|run| run.segments.get(index))
                .map(|s| s.quality.recall)
                .collect();
            let spread = spread(&values);
            Point { x: index as f64, y: spread.mean, error: spread.std }
        };
        line(method.to_string(), (0..segments).map(at).collect())
    });
    Chart {
        title: format!("Quality per segment, budget {budget}"),
        x_label: "segment".into(),
        y_label: "recall@20, mean over seeds".into(),
        x: Axis::Whole,
        series: series.collect(),
    }
}

fn distinct<'a, T: PartialEq + 'a>(values: impl Iterator<Item = &'a T>) -> impl Iterator<Item = &'a T> {
    let mut seen: Vec<&T> = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen.into_iter()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::report::{examples, summary};

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
            ["memory.svg", "quality.svg", "run.json", "segments.csv", "sizes.csv", "sizes.svg"]
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
            ["budgets.svg", "compare.json", "quality-mean-2.svg", "quality-mean-8.svg", "summary.csv"]
        );
    }

    #[test]
    fn steps_show_each_size_from_its_first_to_its_last_rank() {
        let points: Vec<_> = steps(&[1, 2, 0, 1]).iter().map(|point| (point.x, point.y)).collect();
        assert_eq!(points, [(1.0, 3.0), (1.0, 3.0), (2.0, 1.0), (3.0, 1.0), (4.0, 0.0), (4.0, 0.0)]);
    }

    #[test]
    fn every_run_of_a_comparison_has_a_directory_of_its_own() {
        let path = run_directory(Path::new("out"), Method::Scall, &"mean:8".parse().unwrap(), 42);
        assert_eq!(path, Path::new("out/runs/scall-mean-8-seed42"));
    }
}
