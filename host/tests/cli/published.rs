//! `--protocol published`: its options, its fields, and what it refuses.

use serde_json::{Value, json};

use crate::run::small_stream;
use crate::support::{Directory, document, failure_names, scall, text};

const RUN: &str = "run --protocol published --new-entities 110 --k-core 1 --budget mean:3 --seed 3";

fn run(directory: &Directory, options: &str) -> assert_cmd::Command {
    let mut command = scall(RUN.split_whitespace());
    command.args(options.split_whitespace()).arg("--data").arg(small_stream(directory));
    command
}

#[test]
fn the_document_names_both_switches_and_has_every_metric() {
    let directory = Directory::new();
    let options = "--json --base lightgcn --policy-steps 1 --select test --target-networks independent";
    let document = document(run(&directory, options));
    assert_eq!((&document["protocol"], &document["base"]), (&json!("published"), &json!("lightgcn")));
    let published = json!({"new_entities": 110, "select": "test", "target_networks": "independent",
        "policy_steps": 1, "reward_range": [0.9, 1.1]});
    assert_eq!(document["published"], published);
    assert_eq!(document["budget_violations"], 0);
    let segments = document["segments"].as_array().unwrap();
    assert!(segments.len() >= 2);
    for (index, segment) in segments.iter().enumerate() {
        for field in ["recall@5", "ndcg@5", "recall@10", "ndcg@10", "recall@20", "ndcg@20"] {
            assert!((0.0..=1.0).contains(&segment[field].as_f64().unwrap()), "{field}: {segment}");
        }
        let details = &segment["published"];
        assert_eq!(details["policy_steps"], u64::from(index > 0));
        assert!(details["train_steps"].as_u64().unwrap() >= 800, "four blocks of 200: {segment}");
        assert_eq!(details["replayed"].as_u64().unwrap() > 0, index > 0);
        assert_eq!(segment["parameters_used"], segment["budget_parameters"]);
        assert_eq!(segment["action"] == Value::Null, index == 0);
    }
}

#[test]
fn people_see_the_switches_too() {
    let directory = Directory::new();
    let shown = text(run(&directory, "--method uniform --base lightgcn"));
    for part in ["uniform on lightgcn", "models selected by validation", "target networks synchronised"] {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
}

#[test]
fn options_without_a_use_are_a_wrong_command_line() {
    let directory = Directory::new();
    for (options, expected) in [
        ("--segments 5", "--new-entities"),
        ("--method autoemb", "takes part in the learning"),
        ("--search paired", "--search paired"),
        ("--new-entities 1", "--new-entities"),
        ("--select neither", "validation"),
        ("--reward-range 1.1:0.9", "--reward-range"),
        ("--policy-steps 0", "--policy-steps"),
    ] {
        let mut command = scall(["run", "--protocol", "published", "--data"]);
        command.arg(small_stream(&directory)).args(options.split_whitespace());
        failure_names(command, 2, &[expected]);
    }
    for command in ["run", "compare"] {
        for options in
            ["--new-entities 5", "--select test", "--policy-steps 5", "--target-networks independent"]
        {
            let mut command = scall([command]);
            failure_names(
                {
                    command.args(options.split_whitespace());
                    command
                },
                2,
                &["--protocol published"],
            );
        }
    }
}

#[test]
fn a_stream_that_does_not_grow_enough_is_refused() {
    let directory = Directory::new();
    let mut command = scall(["run", "--protocol", "published", "--k-core", "1", "--data"]);
    command.arg(small_stream(&directory));
    failure_names(command, 1, &["small.csv", "--new-entities 15000"]);
}
