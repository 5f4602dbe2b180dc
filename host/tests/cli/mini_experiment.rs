//! A small experiment whose table is kept to the last bit: any change of results is a change of this file.

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

use serde_json::Value;

use crate::run::small_stream;
use crate::support::{Directory, document, scall};

/// Compares the table with the one that is kept.
#[track_caller]
fn check(name: &str, table: &str) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "snapshots", name].iter().collect();
    if env::var_os("SCALL_UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, table).expect("the table can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == table, "{} differs; SCALL_UPDATE_SNAPSHOTS=1 accepts:\n{table}", path.display());
}

#[test]
fn a_mini_experiment_comes_to_the_kept_table() {
    let directory = Directory::new();
    let stream = small_stream(&directory);
    let mut table = String::from("budget method seed | recall@20 ndcg@20 | parameters of each segment\n");
    for (methods, budgets, seeds) in [
        ("scall,uniform,frequency,random", "mean:2,mean:5", "2"),
        ("mde,bet,dess,esapn,esapn-uncapped,autoemb", "mean:3", "1"),
    ] {
        let mut command = scall(["compare", "--json", "--segments", "4", "--k-core", "2", "--data"]);
        command.arg(&stream).args(["--methods", methods, "--budgets", budgets, "--seeds", seeds]);
        write_runs(&document(command), &mut table);
    }
    check("mini-experiment.txt", &table);
}

#[test]
fn a_mini_experiment_in_fewer_bits_comes_to_the_kept_table() {
    let directory = Directory::new();
    let stream = small_stream(&directory);
    let mut table = String::new();
    for storage in ["f16", "i8"] {
        writeln!(table, "{storage}: budget method seed | recall@20 ndcg@20 | parameters of each segment")
            .expect("a string takes everything");
        let mut command = scall(["compare", "--json", "--segments", "4", "--k-core", "2", "--data"]);
        command.arg(&stream).args(["--storage", storage, "--budgets", "mean:5", "--methods"]);
        command.arg("scall,uniform,frequency,random,mde,bet,dess,esapn");
        write_runs(&document(command), &mut table);
    }
    check("mini-storage.txt", &table);
}

/// One line a run.
fn write_runs(compared: &Value, table: &mut String) {
    for run in compared["runs"].as_array().expect("runs") {
        let (recall, ndcg) = (&run["mean"]["recall@20"], &run["mean"]["ndcg@20"]);
        let segments = run["segments"].as_array().expect("segments");
        let used: Vec<String> = segments.iter().map(|s| s["parameters_used"].to_string()).collect();
        assert_eq!(run["budget_violations"], 0);
        writeln!(
            table,
            "{} {} {} | {recall} {ndcg} | {}",
            run["budget"]["spec"].as_str().unwrap_or_default(),
            run["method"].as_str().unwrap_or_default(),
            run["seed"],
            used.join(" ")
        )
        .expect("a string takes everything");
    }
}
