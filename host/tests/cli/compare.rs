//! `scall compare`: several methods and budgets on one stream.

use std::fs;

use serde_json::Value;

use crate::run::{small_stream, timeless};
use crate::support::{Directory, document, scall, text};

const LINE: &str = "compare --methods uniform,random,frequency --budgets mean:2,params:900 --seeds 2 --seed 5 \
                    --segments 4 --k-core 1";

fn compare(directory: &Directory, options: &str) -> Value {
    let mut command = scall(LINE.split_whitespace());
    command.args(options.split_whitespace()).arg("--json").arg("--data").arg(small_stream(directory));
    document(command)
}

#[test]
fn there_is_a_run_per_budget_method_and_seed_and_a_row_per_budget_and_method() {
    let directory = Directory::new();
    let document = compare(&directory, "");
    assert_eq!(document["schema"], 1);
    let runs = document["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2 * 3 * 2);
    assert!(runs.iter().all(|run| run["schema"] == 1 && (run["seed"] == 5 || run["seed"] == 6)));
    let summary = document["summary"].as_array().unwrap();
    let rows: Vec<_> = summary
        .iter()
        .map(|row| (row["budget"].as_str().unwrap(), row["method"].as_str().unwrap()))
        .collect();
    assert_eq!(
        rows,
        [
            ("mean:2", "uniform"),
            ("mean:2", "random"),
            ("mean:2", "frequency"),
            ("params:900", "uniform"),
            ("params:900", "random"),
            ("params:900", "frequency"),
        ]
    );
    for row in summary {
        let p = row["p_value_vs_best_other"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&p), "{row}");
        for metric in ["recall@20", "ndcg@20"] {
            let values: Vec<f64> = runs
                .iter()
                .filter(|run| run["method"] == row["method"] && run["budget"]["spec"] == row["budget"])
                .map(|run| run["mean"][metric].as_f64().unwrap())
                .collect();
            let mean = (values[0] + values[1]) / 2.0;
            assert!((row[metric]["mean"].as_f64().unwrap() - mean).abs() < 1e-12, "{row}");
            let std = (values[0] - values[1]).abs() / 2_f64.sqrt();
            assert!((row[metric]["std"].as_f64().unwrap() - std).abs() < 1e-12, "{row}");
        }
    }
}

#[test]
fn a_run_of_a_comparison_is_the_run_alone() {
    let directory = Directory::new();
    let compared = compare(&directory, "");
    let mut command =
        scall(["run", "--method", "random", "--budget", "mean:2", "--seed", "6", "--segments", "4"]);
    command.args(["--k-core", "1", "--json", "--data"]).arg(small_stream(&directory));
    assert_eq!(timeless(compared["runs"][3].clone()), timeless(document(command)));
}

#[test]
fn the_result_does_not_depend_on_the_threads() {
    let directory = Directory::new();
    assert_eq!(timeless(compare(&directory, "--threads 1")), timeless(compare(&directory, "--threads 3")));
}

#[test]
fn result_files_of_the_comparison_and_of_every_run_go_to_out() {
    let directory = Directory::new();
    let out = directory.path().join("results");
    let document = compare(&directory, &format!("--out {}", out.display()));
    let kept: Value = serde_json::from_slice(&fs::read(out.join("compare.json")).unwrap()).unwrap();
    assert_eq!(kept, document);
    for name in ["summary.csv", "budgets.svg", "quality-mean-2.svg", "quality-params-900.svg"] {
        assert!(out.join(name).is_file(), "{name}");
    }
    assert!(out.join("runs/frequency-params-900-seed6/run.json").is_file());
    assert_eq!(fs::read_dir(out.join("runs")).unwrap().count(), 12);
}

#[test]
fn people_see_a_table_that_says_how_it_was_tested() {
    let directory = Directory::new();
    let mut command = scall(LINE.split_whitespace());
    command.arg("--data").arg(small_stream(&directory));
    let text = text(command);
    for part in
        ["recall@20", "best", "standard deviation over 2 seeds", "paired over seeds and segments (6 pairs)"]
    {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}
