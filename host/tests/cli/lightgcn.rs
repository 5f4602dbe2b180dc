//! `--base lightgcn`: the same promises on another recommender.

use serde_json::Value;

use crate::run::{small_stream, timeless};
use crate::support::{Directory, document, scall};

fn run(directory: &Directory, options: &str) -> Value {
    let mut command = scall("run --json --base lightgcn --segments 4 --k-core 1".split_whitespace());
    command.args(options.split_whitespace()).arg("--data").arg(small_stream(directory));
    document(command)
}

#[test]
fn every_method_keeps_its_budget_and_says_what_it_works_with() {
    let directory = Directory::new();
    for method in ["scall", "uniform", "random", "frequency", "mde"] {
        let document = run(&directory, &format!("--method {method} --budget mean:3"));
        assert_eq!((&document["base"], &document["budget_violations"]), (&"lightgcn".into(), &0.into()));
        assert!(document["mean"]["recall@20"].as_f64().unwrap() > 0.0, "{method}");
        for segment in document["segments"].as_array().unwrap() {
            let (used, most) = (&segment["parameters_used"], &segment["budget_parameters"]);
            assert!(used.as_u64().unwrap() > 0 && used.as_u64() <= most.as_u64(), "{method}: {segment}");
            // Graph, moments and propagated vectors are more than the rows, and apart from them.
            let [bytes, working] = ["bytes_used", "working_memory_bytes"].map(|name| segment[name].as_u64());
            assert!(working > bytes, "{method}: {segment}");
        }
    }
}

#[test]
fn the_result_does_not_depend_on_the_threads() {
    let directory = Directory::new();
    let one = timeless(run(&directory, "--method scall --budget mean:3 --threads 1"));
    assert_eq!(timeless(run(&directory, "--method scall --budget mean:3 --threads 3")), one);
}

#[test]
fn a_run_that_is_stopped_goes_on_to_the_identical_result() {
    let directory = Directory::new();
    let options = |out: &str, more: &str| {
        let out = directory.path().join(out);
        format!("--method scall --budget mean:3 --out {} {more}", out.display())
    };
    let whole = timeless(run(&directory, &options("whole", "")));
    // What stands after the first segments of a run: the checkpoint of a shorter look at the same stream
    // would be another run, so the file is taken while the run is under way.
    let watched = directory.path().join("watched");
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("scall"));
    command.args("run --quiet --base lightgcn --segments 4 --k-core 1".split_whitespace());
    command.args(options("watched", "").split_whitespace()).arg("--data").arg(small_stream(&directory));
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    let checkpoint = watched.join("checkpoint.bin");
    while !checkpoint.exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(timeless(run(&directory, &options("watched", "--resume"))), whole);
}

#[test]
fn a_checkpoint_of_another_base_is_refused() {
    let directory = Directory::new();
    let out = directory.path().join("out");
    run(&directory, &format!("--method uniform --out {}", out.display()));
    let mut command =
        scall("run --base mf --method uniform --segments 4 --k-core 1 --resume".split_whitespace());
    command.arg("--out").arg(&out).arg("--data").arg(small_stream(&directory));
    crate::support::failure_names(command, 1, &["--base mf", "lightgcn"]);
}

#[test]
fn comparisons_run_on_it() {
    let directory = Directory::new();
    let line =
        "compare --json --base lightgcn --methods scall,uniform --budgets mean:2 --seeds 2 --segments 3";
    let mut command = scall(line.split_whitespace());
    command.arg("--data").arg(small_stream(&directory));
    let document = document(command);
    let runs = document["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 4);
    assert!(runs.iter().all(|run| run["base"] == "lightgcn" && run["budget_violations"] == 0));
}
