//! `scall run`: one method on one stream.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Directory, document, failure, failure_names, scall, scall_line, text};

const METHODS: [&str; 8] = ["scall", "uniform", "random", "frequency", "mde", "bet", "dess", "esapn"];

/// Those that keep no budget.
const UNCAPPED: [&str; 2] = ["esapn-uncapped", "autoemb"];

/// A small stream: popular items, users and items that arrive over time, 2,000 rows.
pub(crate) fn small_stream(directory: &Directory) -> PathBuf {
    let mut rows = String::from("user,item,timestamp\n");
    let mut state = 1_u32;
    let mut below = |bound: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % bound
    };
    for row in 0..2000 {
        let user = below(20 + row / 50);
        let popular = below(40 + row / 20);
        let item = below(1 + popular) + user % 5;
        rows.push_str(&format!("u{user},i{item},{}\n", 1_000_000 + row));
    }
    directory.file("small.csv", rows)
}

pub(crate) fn run(directory: &Directory, options: &str) -> Value {
    let mut command = scall(["run", "--json", "--segments", "4", "--k-core", "1", "--data"]);
    command.arg(small_stream(directory)).args(options.split_whitespace());
    document(command)
}

/// The document without what may differ from run to run.
pub(crate) fn timeless(mut document: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for name in
                    ["search_seconds", "train_seconds", "test_seconds", "wall_seconds", "peak_memory_bytes"]
                {
                    fields.remove(name);
                }
                fields.values_mut().for_each(strip);
            }
            Value::Array(values) => values.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut document);
    document
}

pub(crate) fn integer(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no whole number"))
}

#[test]
fn the_document_has_every_promised_field() {
    let directory = Directory::new();
    for method in METHODS {
        let document = run(&directory, &format!("--method {method} --budget mean:4 --seed 7"));
        assert_eq!(document["schema"], 1);
        for (field, value) in [("method", method), ("base", "mf"), ("protocol", "equal"), ("storage", "f32")]
        {
            assert_eq!(document[field], value);
        }
        assert_eq!(document["seed"], 7);
        let dataset = &document["dataset"];
        assert_eq!(dataset["name"], "small.csv");
        assert_eq!(
            (&dataset["first_timestamp"], &dataset["last_timestamp"]),
            (&1_000_000.into(), &1_001_999.into())
        );
        let entities = integer(&dataset["users"]) + integer(&dataset["items"]);
        let budget = &document["budget"];
        assert_eq!(budget["spec"], "mean:4");
        assert_eq!(integer(&budget["parameters"]), 4 * entities);
        assert_eq!(integer(&budget["bytes"]), 16 * entities);
        assert_eq!(integer(&document["budget_violations"]), 0);
        assert!(integer(&document["peak_memory_bytes"]) > 1 << 20);
        assert!(document["wall_seconds"].as_f64().unwrap() > 0.0);

        let segments = document["segments"].as_array().unwrap();
        assert_eq!(segments.len(), 4);
        for (index, segment) in segments.iter().enumerate() {
            assert_eq!(integer(&segment["index"]), index as u64);
            for field in ["search_seconds", "train_seconds", "test_seconds"] {
                assert!(segment[field].as_f64().unwrap() >= 0.0);
            }
            for field in ["recall@20", "ndcg@20"] {
                assert!((0.0..=1.0).contains(&segment[field].as_f64().unwrap()));
            }
            let action = segment.get("action").unwrap();
            if method != "scall" {
                assert!(action.is_null(), "{method}: {action}");
            } else if index > 0 {
                for field in ["user_share", "user_shape", "item_shape"] {
                    assert!(action[field].is_f64(), "{action}");
                }
            }
        }
    }
}

#[test]
fn segments_split_the_stream_and_count_its_users_and_items() {
    let directory = Directory::new();
    let document = run(&directory, "--method uniform");
    let segments = document["segments"].as_array().unwrap();
    let sum = |fields: &[&str]| -> u64 {
        segments.iter().flat_map(|segment| fields.iter().map(|field| integer(&segment[*field]))).sum()
    };
    assert_eq!(sum(&["train", "test"]), integer(&document["dataset"]["interactions"]));
    assert_eq!(sum(&["new_users"]), integer(&document["dataset"]["users"]));
    assert_eq!(sum(&["new_items"]), integer(&document["dataset"]["items"]));
    for segment in segments {
        let (train, test) = (integer(&segment["train"]), integer(&segment["test"]));
        assert!(train.abs_diff(4 * test) <= 4, "{train} to learn, {test} to test");
        assert!(integer(&segment["tested_users"]) <= test);
    }
}

#[test]
fn the_mean_leaves_segment_0_out() {
    let directory = Directory::new();
    let document = run(&directory, "--method uniform");
    for field in ["recall@20", "ndcg@20"] {
        let values: Vec<f64> = document["segments"]
            .as_array()
            .unwrap()
            .iter()
            .skip(1)
            .map(|s| s[field].as_f64().unwrap())
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        assert!((document["mean"][field].as_f64().unwrap() - mean).abs() < 1e-12, "{field}");
    }
}

#[test]
fn no_method_ever_holds_more_than_the_budget() {
    let directory = Directory::new();
    for method in METHODS {
        for budget in
            ["mean:1", "mean:2", "mean:8", "params:500", "2KiB", "3kB", "mean:0.5", "params:1", "1MiB"]
        {
            let document = run(&directory, &format!("--method {method} --budget {budget}"));
            assert_eq!(integer(&document["budget_violations"]), 0, "{method} {budget}");
            for segment in document["segments"].as_array().unwrap() {
                let (used, allowed) =
                    (integer(&segment["parameters_used"]), integer(&segment["budget_parameters"]));
                assert!(used <= allowed, "{method} {budget}: {segment}");
                assert_eq!(integer(&segment["bytes_used"]), 4 * used);
            }
        }
    }
}

#[test]
fn a_method_without_a_budget_says_so_and_reports_what_it_holds() {
    let directory = Directory::new();
    for method in UNCAPPED {
        let document = run(&directory, &format!("--method {method} --budget mean:2"));
        assert_eq!((&document["capped"], integer(&document["budget_violations"])), (&false.into(), 0));
        assert!(integer(&document["method_bytes"]) > 0);
        let last = document["segments"].as_array().unwrap().last().unwrap();
        assert!(integer(&last["parameters_used"]) > integer(&last["budget_parameters"]), "{method}: {last}");
        let mut command = scall(["run", "--quiet", "--segments", "4", "--method", method, "--data"]);
        command.arg(small_stream(&directory));
        assert!(text(command).contains("keeps no budget"), "{method}");
    }
    let other = run(&directory, "--method esapn --budget mean:2");
    assert_eq!(other["capped"], true);
    // Of everything that autoemb has, nothing depends on the budget.
    let held = |budget: &str| {
        let document = run(&directory, &format!("--method autoemb --budget {budget}"));
        document["segments"].as_array().unwrap().iter().map(|s| integer(&s["parameters_used"])).sum::<u64>()
    };
    assert_eq!(held("mean:2"), held("mean:16"));
}

#[test]
fn methods_that_pause_the_learning_do_so_over_lightgcn_too() {
    let directory = Directory::new();
    for method in ["dess", "esapn"] {
        let options = format!("--base lightgcn --method {method} --budget mean:4");
        let document = run(&directory, &options);
        assert_eq!(integer(&document["budget_violations"]), 0);
        assert!(document["mean"]["recall@20"].as_f64().unwrap() > 0.0);
    }
    let mut command = scall(["run", "--base", "lightgcn", "--method", "autoemb", "--data"]);
    command.arg(small_stream(&directory));
    failure_names(command, 1, &["--method autoemb", "expected --base mf"]);
}

#[test]
fn every_method_says_what_it_is() {
    let cards = document(scall_line("methods --json"));
    let cards = cards["methods"].as_array().unwrap();
    let names: Vec<&str> = cards.iter().map(|card| card["name"].as_str().unwrap()).collect();
    assert!(METHODS.iter().chain(&UNCAPPED).all(|method| names.contains(method)), "{names:?}");
    let shown = text(scall_line("methods"));
    for card in cards {
        for field in ["label", "summary", "decides", "looks_at", "stores", "source"] {
            assert!(shown.contains(card[field].as_str().unwrap()), "{field} of {card}");
        }
    }
    assert!(shown.contains("DESS-like"));
}

#[test]
fn the_same_command_line_gives_the_same_bytes_for_every_number_of_threads() {
    let directory = Directory::new();
    for method in METHODS.into_iter().chain(UNCAPPED) {
        let mut threads = vec!["--threads 1", "--threads 5"];
        if method == "scall" || method == "uniform" {
            threads.extend(["--threads 1", "--threads 2", ""]);
        }
        let document =
            |threads| timeless(run(&directory, &format!("--method {method} {threads}"))).to_string();
        let documents: Vec<String> = threads.into_iter().map(document).collect();
        assert_eq!(BTreeSet::from_iter(&documents).len(), 1, "{method}: {documents:#?}");
    }
}

#[test]
fn the_published_search_decides_alike_on_every_number_of_threads() {
    let directory = Directory::new();
    let stream = small_stream(&directory);
    let searched = |search: &str, threads: &str| {
        let options = ["run", "--json", "--segments", "3", "--k-core", "1", "--budget", "mean:4"];
        let mut command = scall(options);
        command.args(["--search", search, "--threads", threads, "--data"]).arg(&stream);
        timeless(document(command))
    };
    let document = searched("published", "1");
    assert_eq!(searched("published", "2"), document);
    assert_eq!(document["budget_violations"], 0);
    let [first, rest @ ..] = document["segments"].as_array().unwrap().as_slice() else {
        panic!("no segment");
    };
    assert!(first["action"].is_null(), "the first segment has nothing to search on");
    assert_eq!(rest.len(), 2);
    for segment in rest {
        let share = segment["action"]["user_share"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&share), "{segment}");
        for shape in ["user_shape", "item_shape"] {
            assert!(segment["action"][shape].as_f64().unwrap() > 0.0, "{segment}");
        }
        assert!(integer(&segment["parameters_used"]) <= integer(&segment["budget_parameters"]), "{segment}");
    }
    assert_ne!(searched("paired", "1")["segments"], document["segments"], "the search that was asked for");
}

#[test]
fn another_seed_gives_another_result() {
    let directory = Directory::new();
    let with = |seed| timeless(run(&directory, &format!("--method uniform --seed {seed}")))["mean"].clone();
    assert_ne!(with(1), with(2));
}

#[test]
fn without_data_the_built_in_stream_of_100_000_interactions_is_run() {
    let document = document(scall_line("run --method uniform --k-core 1 --keep-repeats --segments 3 --json"));
    assert_eq!(integer(&document["dataset"]["interactions"]), 100_000);
}

#[test]
fn people_see_a_table_and_a_chart() {
    let directory = Directory::new();
    let mut command = scall(["run", "--method", "uniform", "--segments", "4", "--k-core", "1", "--data"]);
    command.arg(small_stream(&directory));
    let text = text(command);
    for part in ["small.csv", "uniform on mf, budget mean:8", "recall@20", "budget violations: 0", "█"] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn progress_stays_out_of_sight_where_there_is_no_terminal() {
    let directory = Directory::new();
    for options in [&[][..], &["--quiet"], &["--json"]] {
        let mut command = scall(["run", "--method", "uniform", "--segments", "4", "--k-core", "1", "--data"]);
        let output = command.arg(small_stream(&directory)).args(options).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn result_files_go_to_out_and_the_document_is_the_one_printed() {
    let directory = Directory::new();
    let out = directory.path().join("results/first");
    let document = run(&directory, &format!("--method uniform --out {}", out.display()));
    let kept: Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    assert_eq!(kept, document);
    for name in ["segments.csv", "sizes.csv", "quality.svg", "memory.svg", "sizes.svg"] {
        assert!(!fs::read_to_string(out.join(name)).unwrap().is_empty(), "{name}");
    }
    let rows = fs::read_to_string(out.join("segments.csv")).unwrap();
    assert_eq!(rows.lines().count(), 5);
}

#[test]
fn a_place_where_no_result_can_go_is_named() {
    let directory = Directory::new();
    let file = directory.file("taken", "");
    let mut command = scall(["run", "--method", "uniform", "--segments", "4", "--k-core", "1", "--data"]);
    command.arg(small_stream(&directory)).arg("--out").arg(&file);
    failure_names(command, 1, &[&file.display().to_string()]);
}

#[test]
fn a_run_that_is_killed_and_resumed_gives_the_identical_result() {
    let directory = Directory::new();
    let stream = small_stream(&directory);
    let arguments = |out: &str| -> Vec<String> {
        let line = format!("run --json --method scall --segments 6 --k-core 1 --out {out} --data");
        line.split_whitespace().map(str::to_owned).chain([stream.display().to_string()]).collect()
    };
    let path = |name: &str| directory.path().join(name).display().to_string();
    let start = Instant::now();
    let whole = timeless(document(scall(arguments(&path("whole")))));
    let time = start.elapsed();

    let resume = |out: &str| timeless(document(scall(arguments(out).into_iter().chain(["--resume".into()]))));
    assert_eq!(resume(&path("whole")), whole, "nothing was left to do");
    for part in 1..=3 {
        let out = path(&format!("killed{part}"));
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("scall"))
            .args(arguments(&out))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(time * part / 4 + Duration::from_millis(5));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(resume(&out), whole, "killed after {part} of 4 parts");
    }
}

#[test]
fn streams_too_small_to_cut_are_refused() {
    let directory = Directory::new();
    let path = directory.file("three.csv", "user,item,timestamp\nu,a,1\nu,b,2\nv,a,3\n");
    let mut command = scall(["run", "--method", "uniform", "--k-core", "1", "--data"]);
    command.arg(&path);
    failure_names(command, 1, &["segments"]);
}

#[test]
fn one_user_only_and_one_item_only_have_an_outcome() {
    let directory = Directory::new();
    let rows = |row: fn(u32) -> String| -> String {
        std::iter::once("user,item,timestamp\n".to_owned()).chain((0..100).map(row)).collect()
    };
    for content in [rows(|row| format!("u,i{row},{row}\n")), rows(|row| format!("u{row},i,{row}\n"))] {
        for method in METHODS {
            let mut command =
                scall(["run", "--json", "--segments", "4", "--k-core", "1", "--method", method, "--data"]);
            command.arg(directory.file("lonely.csv", &content));
            assert_eq!(integer(&document(command)["budget_violations"]), 0);
        }
    }
}

#[test]
fn budgets_of_nothing_and_of_far_too_much_are_impossible() {
    let directory = Directory::new();
    let stream = small_stream(&directory);
    for budget in ["mean:0", "params:0", "0KiB", "params:1000000000000000000", "mean:1000000000000000000"] {
        let mut command =
            scall(["run", "--method", "uniform", "--k-core", "1", "--budget", budget, "--data"]);
        command.arg(&stream);
        assert!(failure(command, 1).contains(budget));
    }
}
