//! `--tables thin`: 4.25 bytes beside a row.

use crate::run::{integer, run, timeless};
use crate::support::{Directory, document, failure_names, scall};

/// Methods that rank, weigh and deal in all the ways there are.
const METHODS: [&str; 6] = ["scall", "uniform", "random", "frequency", "mde", "esapn"];

#[test]
fn every_method_keeps_its_budget_and_learns_with_thin_tables() {
    let directory = Directory::new();
    for method in METHODS {
        let document = run(&directory, &format!("--method {method} --budget mean:6 --tables thin"));
        assert_eq!(document["tables"], "thin");
        assert_eq!(integer(&document["budget_violations"]), 0);
        let full = run(&directory, &format!("--method {method} --budget mean:6"));
        assert!(full["tables"].is_null());
        let used = |document: &serde_json::Value| integer(&document["segments"][3]["parameters_used"]);
        assert!(used(&document) * 10 >= used(&full) * 9, "{method}");
        assert!(document["mean"]["recall@20"].as_f64().unwrap() > 0.0, "{method}");
    }
}

/// Over four seeds thin tables came to 99.6% to 101.3% of full ones here; single seeds to 93.5% and more.
#[test]
fn thin_tables_recommend_as_well_as_full_ones() {
    let recalls = |tables: &str| -> Vec<f64> {
        let line =
            "compare --json --quiet --methods uniform,frequency,mde --budgets mean:6 --segments 4 --seeds 3";
        let mut command = scall(line.split_whitespace());
        command.args(["--tables", tables]);
        let document = document(command);
        let summary = document["summary"].as_array().unwrap();
        summary.iter().map(|row| row["recall@20"]["mean"].as_f64().unwrap()).collect()
    };
    let (full, thin) = (recalls("full"), recalls("thin"));
    assert_eq!(full.len(), 3);
    for (full, thin) in full.iter().zip(&thin) {
        assert!(thin / full > 0.95, "{thin} {full}");
    }
}

#[test]
fn chance_in_thin_tables_follows_the_seed_and_not_the_threads() {
    let directory = Directory::new();
    for storage in ["f32", "i8"] {
        let result = |options: &str| {
            timeless(run(&directory, &format!("--budget mean:6 --tables thin --storage {storage} {options}")))
        };
        let document = result("--threads 1");
        assert_eq!(result("--threads 3"), document);
        assert_ne!(result("--seed 43")["mean"], document["mean"]);
    }
}

#[test]
fn what_thin_tables_are_not_for_is_refused() {
    for options in [["--max-size", "253"], ["--protocol", "published"], ["--storage", "f16"]] {
        let mut command = scall(["run", "--tables", "thin"]);
        command.args(options);
        failure_names(command, 2, &["--tables thin"]);
    }
}
