//! `--budget total:BYTES`: everything that is held between events.

use serde_json::Value;

use crate::run::{integer, run, small_stream, timeless};
use crate::support::{Directory, document, failure, failure_names, scall};

const PARTS: [&str; 6] = ["rows", "tables", "ids", "seen", "method", "scratch"];

fn sum(parts: &Value) -> u64 {
    PARTS.iter().map(|part| integer(&parts[part])).sum()
}

#[test]
fn no_event_holds_more_than_the_total_whatever_is_stored_and_decides() {
    let directory = Directory::new();
    let mut options: Vec<(String, u64)> = Vec::new();
    for (storage, tables) in
        [("f32", "full"), ("f16", "full"), ("i8", "full"), ("f32", "thin"), ("i8", "thin")]
    {
        options.push((
            format!("--method uniform --storage {storage} --tables {tables} --budget total:16KiB"),
            16 << 10,
        ));
    }
    for (method, kibibytes) in
        [("scall", 24), ("scall", 700), ("frequency", 20), ("bet", 1024), ("dess", 100), ("esapn", 1024)]
    {
        options.push((format!("--method {method} --budget total:{kibibytes}KiB"), kibibytes << 10));
    }
    options.push(("--search history --budget total:20KiB".into(), 20 << 10));
    for (options, bytes) in options {
        let document = run(&directory, &options);
        assert_eq!(integer(&document["budget_violations"]), 0, "{options}");
        let total = &document["total"];
        assert_eq!((integer(&total["bytes"]), integer(&total["held_bytes"])), (bytes, sum(&total["parts"])));
        let (mut rows, mut tables) = (u64::MAX, 0);
        for segment in document["segments"].as_array().unwrap() {
            let held = &segment["held"];
            assert!(sum(held) <= bytes, "{options}: {held}");
            assert!(integer(&segment["parameters_used"]) <= integer(&segment["budget_parameters"]));
            assert!(integer(&segment["bytes_used"]) <= integer(&held["rows"]));
            // What the tables take is taken from the rows, unless these can use no more.
            assert!(integer(&held["tables"]) > tables, "{options}");
            tables = integer(&held["tables"]);
            if sum(held) + 4 > bytes {
                assert!(integer(&held["rows"]) < rows, "{options}");
                rows = integer(&held["rows"]);
            }
        }
        assert!(document["mean"]["recall@20"].as_f64().unwrap() > 0.0, "{options}");
    }
}

#[test]
fn a_smaller_total_leaves_less_and_ends_in_a_line_that_says_what_is_needed() {
    let directory = Directory::new();
    let refused = |budget: &str, options: &str| {
        let mut command =
            scall(["run", "--segments", "4", "--k-core", "1", "--method", "uniform", "--budget", budget]);
        command.arg("--data").arg(small_stream(&directory)).args(options.split_whitespace());
        failure(command, 1)
    };
    for options in ["", "--storage i8 --tables thin"] {
        let message = refused("total:1KiB", options);
        let least = message.rsplit_once("; ").unwrap().1.trim().strip_suffix(" is enough").unwrap();
        let document = run(&directory, &format!("--method uniform --budget {least} {options}"));
        assert_eq!(integer(&document["budget_violations"]), 0);
        // A twentieth less is refused again.
        let bytes: u64 = least.strip_prefix("total:").unwrap().strip_suffix('B').unwrap().parse().unwrap();
        refused(&format!("total:{}B", bytes - bytes / 20), options);
    }
    for command in [["plan", "--budget", "total:64KiB"], ["sizes", "--budget", "total:64KiB"]] {
        let mut command = scall(command);
        command.args(["--users", "10", "--items", "10"]);
        if command.get_args().next().is_some_and(|name| name == "sizes") {
            command.args(["--user-share", "0.5", "--user-shape", "5", "--item-shape", "5"]);
        }
        failure_names(command, 1, &["total:64KiB"]);
    }
}

#[test]
fn a_run_goes_on_from_any_segment_with_the_memory_of_the_next() {
    let directory = Directory::new();
    let options = "--method frequency --storage i8 --tables thin --budget total:12KiB --seed 3";
    let whole = run(&directory, options);
    let out = directory.path().join("run");
    let with = |more: &str| format!("{options} --out {} {more}", out.display());
    assert_eq!(timeless(run(&directory, &with(""))), timeless(whole.clone()));
    assert_eq!(timeless(run(&directory, &with("--resume"))), timeless(whole));
}

#[test]
fn a_comparison_names_those_that_the_total_does_not_hold() {
    let directory = Directory::new();
    let compare = |methods: &str| {
        let mut command =
            scall(["compare", "--json", "--segments", "4", "--k-core", "1", "--methods", methods]);
        command.args(["--budgets", "total:12KiB", "--data"]).arg(small_stream(&directory));
        command
    };
    let document = document(compare("scall,uniform"));
    let names: Vec<_> = document["summary"].as_array().unwrap().iter().map(|row| &row["method"]).collect();
    assert_eq!(names, ["uniform"]);
    assert_eq!(document["left_out"][0]["method"], "scall");
    assert!(document["left_out"][0]["reason"].as_str().unwrap().contains("B is enough"));
    assert!(failure(compare("scall"), 1).contains("`total:12KiB` is too small"));
}
