//! `--storage`: rows in fewer bits.

use crate::run::{integer, run, small_stream, timeless};
use crate::support::{Directory, document, scall};

const STORAGES: [(&str, u64); 3] = [("f32", 4), ("f16", 2), ("i8", 1)];

/// Those that keep a budget and take every type.
const METHODS: [&str; 8] = ["scall", "uniform", "random", "frequency", "mde", "bet", "dess", "esapn"];

#[test]
fn a_budget_in_bytes_holds_as_many_parameters_as_it_stores() {
    let directory = Directory::new();
    for (storage, bytes) in STORAGES {
        for method in METHODS {
            let document = run(&directory, &format!("--method {method} --budget 2KiB --storage {storage}"));
            assert_eq!(document["storage"], storage);
            let budget = &document["budget"];
            assert_eq!((integer(&budget["parameters"]), integer(&budget["bytes"])), (2048 / bytes, 2048));
            assert_eq!(integer(&document["budget_violations"]), 0);
            let segments = document["segments"].as_array().unwrap();
            for segment in segments {
                assert_eq!(integer(&segment["budget_parameters"]), 2048 / bytes);
                let used = integer(&segment["bytes_used"]);
                assert_eq!(used, bytes * integer(&segment["parameters_used"]));
                assert!(used <= 2048, "{method} {storage}: {segment}");
                assert_eq!(segment["saturated"].is_u64(), storage == "i8");
            }
            // Nothing is left over but what rounding to whole rows costs; esapn takes its time to grow.
            let last = integer(&segments.last().unwrap()["bytes_used"]);
            assert!(last > 1900 || method == "esapn", "{method} {storage}: {last} bytes");
            assert!(document["mean"]["recall@20"].as_f64().unwrap() > 0.3, "{method} {storage}");
        }
    }
}

#[test]
fn parameters_count_alike_and_rows_take_the_bytes_of_their_type() {
    let directory = Directory::new();
    let held = |storage| {
        let document = run(&directory, &format!("--method uniform --budget params:800 --storage {storage}"));
        assert_eq!(integer(&document["budget"]["parameters"]), 800);
        integer(&document["held_bytes"]["parameters"])
    };
    assert_eq!(STORAGES.map(|(storage, _)| held(storage)), [3200, 1600, 800]);
}

#[test]
fn chance_in_rounding_follows_the_seed_and_not_the_threads() {
    let directory = Directory::new();
    for storage in ["f16", "i8"] {
        let result = |options: &str| {
            timeless(run(&directory, &format!("--budget mean:6 --storage {storage} {options}")))
        };
        let document = result("--threads 1");
        assert_eq!(result("--threads 3"), document);
        assert_ne!(result("--seed 43")["mean"], document["mean"]);
        assert!(document["segments"][1]["action"]["user_share"].is_f64(), "scall searches in {storage}, too");
    }
}

#[test]
fn storages_are_compared_at_equal_bytes() {
    let directory = Directory::new();
    let mut command = scall(["compare", "--json", "--segments", "4", "--k-core", "1", "--seeds", "2"]);
    command.args(["--methods", "uniform", "--storages", "f32,i8", "--budgets", "mean:8B,2KiB", "--data"]);
    command.arg(small_stream(&directory)).arg("--out").arg(directory.path().join("out"));
    let compared = document(command);
    let runs = compared["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 8);
    for run in runs {
        let bytes = if run["storage"] == "i8" { 1 } else { 4 };
        let budget = &run["budget"];
        assert_eq!(integer(&budget["parameters"]) * bytes, integer(&budget["bytes"]));
        let entities = integer(&run["dataset"]["users"]) + integer(&run["dataset"]["items"]);
        let of_budget = if budget["spec"] == "2KiB" { 2048 } else { 8 * entities };
        assert_eq!(integer(&budget["bytes"]), of_budget);
    }
    let summary = compared["summary"].as_array().unwrap();
    let opponents: Vec<_> = summary.iter().map(|row| (&row["storage"], &row["best_other_storage"])).collect();
    assert_eq!(opponents.len(), 4);
    assert!(opponents.iter().all(|(own, other)| own != other), "{opponents:?}");
    let place = "out/runs/small.csv/uniform-2KiB-i8-seed43/run.json";
    assert!(directory.path().join(place).exists());
}
