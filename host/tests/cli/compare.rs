//! `scall compare`: several methods and budgets on one stream.

use std::fs;

use serde_json::Value;

use crate::run::{small_stream, timeless};
use crate::support::{Directory, document, failure_names, scall, text};

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
    let kept: Value = serde_json::from_slice(&fs::read(out.join("comparison.json")).unwrap()).unwrap();
    assert_eq!(kept, document);
    for name in ["budgets.svg", "memory.svg", "quality-mean-2.svg", "quality-params-900.svg"] {
        assert!(out.join(name).is_file(), "{name}");
    }
    let runs = out.join("runs/small.csv");
    assert!(runs.join("frequency-params-900-seed6/run.json").is_file());
    assert_eq!(fs::read_dir(runs).unwrap().count(), 12);
    let command = fs::read_to_string(out.join("command.txt")).unwrap();
    assert!(command.starts_with("scall compare --methods 'uniform,random,frequency' --budgets"), "{command}");
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

/// Every number of a table, as it is in the document.
#[test]
fn tables_in_three_formats_say_what_the_document_says() {
    let directory = Directory::new();
    let out = directory.path().join("results");
    let document = compare(&directory, &format!("--out {}", out.display()));
    let rows = document["summary"].as_array().unwrap();
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();

    let csv = read("comparison.csv");
    let header: Vec<_> = csv.lines().next().unwrap().split(',').collect();
    assert_eq!(csv.lines().count(), 1 + rows.len());
    for (line, row) in csv.lines().skip(1).zip(rows) {
        let cell = |name: &str| {
            line.split(',').nth(header.iter().position(|column| *column == name).unwrap()).unwrap()
        };
        assert_eq!(cell("dataset"), "small.csv");
        for name in ["method", "budget", "best_other"] {
            assert_eq!(cell(name), row[name].as_str().unwrap());
        }
        for name in ["p_value_holm", "p_value_wilcoxon_holm", "held_bytes", "first_or_tied"] {
            assert_eq!(cell(name), row[name].to_string());
        }
        assert_eq!(cell("recall@20_mean"), row["recall@20"]["mean"].to_string());
        assert_eq!(cell("search_seconds_mean"), row["search_seconds"]["mean"].to_string());
    }

    let (markdown, latex) = (read("comparison.md"), read("comparison.tex"));
    let lines = |text: &str, end: &str| -> Vec<String> {
        text.lines().filter(|line| line.ends_with(end)).skip(1).map(str::to_owned).collect()
    };
    let (mut markdown, latex) = (lines(&markdown, "|"), lines(&latex, "\\\\"));
    assert_eq!(latex.len(), rows.len());
    // The stream's overview stands before the table.
    let markdown = markdown.split_off(markdown.len() - rows.len());
    for ((markdown, latex), row) in markdown.iter().zip(&latex).zip(rows) {
        let recall = format!("{:.4}", row["recall@20"]["mean"].as_f64().unwrap());
        for part in [row["method"].as_str().unwrap(), row["budget"].as_str().unwrap(), &recall] {
            assert!(markdown.contains(part) && latex.contains(part), "{part} in\n{markdown}\n{latex}");
        }
    }
}

#[test]
fn several_streams_are_compared_each_for_itself() {
    let directory = Directory::new();
    let stream = small_stream(&directory);
    let rows = fs::read_to_string(&stream).unwrap();
    let half: Vec<_> = rows.lines().take(1200).collect();
    let other = directory.file("half.csv", half.join("\n"));
    let line = "compare --json --methods uniform,random --seeds 2 --segments 4 --k-core 1";
    let mut command = scall(line.split_whitespace());
    command.arg("--data").arg(&stream).arg("--data").arg(&other);
    let both = timeless(document(command));
    let alone: Vec<Value> = [&stream, &other]
        .map(|data| {
            let mut command = scall(line.split_whitespace());
            command.arg("--data").arg(data);
            timeless(document(command))
        })
        .into();
    let runs = |document: &Value| document["runs"].as_array().unwrap().clone();
    assert_eq!(runs(&both), [runs(&alone[0]), runs(&alone[1])].concat());
    // All the same but for Holm's correction, which is for all rows of the table.
    for (row, expected) in both["summary"]
        .as_array()
        .unwrap()
        .iter()
        .zip(alone.iter().flat_map(|document| document["summary"].as_array().unwrap()))
    {
        for name in ["dataset", "method", "recall@20", "p_value_vs_best_other", "held_bytes", "best_other"] {
            assert_eq!(row[name], expected[name], "{name}");
        }
        assert!(row["p_value_holm"].as_f64() >= expected["p_value_holm"].as_f64());
    }
}

#[test]
fn two_files_of_the_same_name_are_refused() {
    let directory = Directory::new();
    let stream = small_stream(&directory);
    let mut command = scall(["compare", "--data"]);
    command.arg(&stream).arg("--data").arg(&stream);
    failure_names(command, 2, &["small.csv", "named twice in --data"]);
}
