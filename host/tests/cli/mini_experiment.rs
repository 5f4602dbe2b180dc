//! A small experiment whose table is kept to the last bit: any change of results is a change of this file.

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

use crate::run::small_stream;
use crate::support::{Directory, document, scall};

#[test]
fn a_mini_experiment_comes_to_the_kept_table() {
    let directory = Directory::new();
    let mut command = scall(["compare", "--json", "--segments", "4", "--k-core", "2", "--seeds", "2"]);
    command.args(["--methods", "scall,uniform,frequency,random,mde", "--budgets", "mean:2,mean:5", "--data"]);
    command.arg(small_stream(&directory));
    let compared = document(command);
    let mut table = String::from("budget method seed | recall@20 ndcg@20 | parameters of each segment\n");
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
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "snapshots", "mini-experiment.txt"].iter().collect();
    if env::var_os("SCALL_UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, &table).expect("the table can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == table, "{} differs; SCALL_UPDATE_SNAPSHOTS=1 accepts:\n{table}", path.display());
}
