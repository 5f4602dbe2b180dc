//! `scall plan`, `train-policy`, `export`, `inspect` and `device`: between host and device.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Directory, document, failure, failure_names, scall, scall_line, text};
use assert_cmd::Command;
use serde_json::Value;

/// 3,000 interactions of 70 users with 200 items, whose ids are theirs from 1,000 on.
fn events() -> String {
    let mut text = String::from("user,item,timestamp\n");
    let mut state = 7_u32;
    let mut draw = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    for time in 0..3_000 {
        let (user, item) = (draw(70), draw(200).min(draw(200)));
        text.push_str(&format!("{},{},{time}\n", 1_000 + user, 1_000 + item));
    }
    text
}

/// A command with all of these events, which writes `name` into the directory.
fn over_events(command: &[&str], directory: &Directory, name: &str) -> (Command, PathBuf) {
    let (data, out) = (directory.file("events.csv", events()), directory.path().join(name));
    let mut typed = scall(command);
    typed.args(["--k-core", "1", "--keep-repeats", "--json", "--data"]).arg(data).arg("--out").arg(&out);
    (typed, out)
}

fn inspect(path: &Path) -> Value {
    let mut command = scall(["inspect", "--json"]);
    command.arg(path);
    document(command)
}

/// The file is refused; the line names it and all of `expected`.
#[track_caller]
fn refused(path: &Path, expected: &[&str]) {
    let mut command = scall(["inspect", "--json"]);
    command.arg(path);
    let line = failure(command, 1);
    assert!(line.starts_with(&format!("error: {}: ", path.display())), "{line}");
    for part in expected {
        assert!(line.contains(part), "{part:?} is not in {line:?}");
    }
}

fn number(document: &Value, field: &str) -> u64 {
    document[field].as_u64().unwrap_or_else(|| panic!("{field} in {document}"))
}

#[test]
fn a_plan_adds_up_and_says_whether_it_fits() {
    let plan = document(scall_line("plan --ram 64KiB --flash 256KiB --users 64 --items 512 --json"));
    assert_eq!((&plan["schema"], &plan["fits"]), (&1.into(), &true.into()));
    for (memory, available) in [("ram", 65_536), ("flash", 262_144)] {
        let used = &plan[memory];
        let parts: u64 = used["parts"].as_object().unwrap().values().map(|part| part.as_u64().unwrap()).sum();
        assert_eq!((number(used, "needed"), number(used, "available")), (parts, available), "{memory}");
    }
    for (memory, parts) in [
        ("ram", &["arena", "tables", "policy", "replay", "stack", "application"][..]),
        ("flash", &["code", "constants", "weights", "application"]),
    ] {
        let found: Vec<_> = plan[memory]["parts"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = parts.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
    let pause = &plan["longest_pause"];
    let instructions = number(pause, "instructions");
    assert!((pause["milliseconds"].as_f64().unwrap() * 64_000.0 - instructions as f64).abs() < 1.0);
    assert!(plan["constants"].as_str().unwrap().contains("items: 512,"), "{plan}");
    assert!(plan["memory_x"].as_str().unwrap().contains("RAM   : ORIGIN = 0x20000000, LENGTH = 64K"));

    let most = number(&plan, "most_parameters");
    let fits = |parameters: u64| {
        let plan = document(scall_line(&format!("plan --budget params:{parameters} --json")));
        plan["fits"].as_bool().unwrap()
    };
    assert!(fits(most) && !fits(most + 1), "{most}");
    assert_eq!(document(scall_line("plan --flash 20KiB --json"))["fits"], false);
    let other = document(scall_line("plan --application-ram 1KiB --clock 32 --json"));
    assert_eq!(number(&other["ram"], "needed"), number(&plan["ram"], "needed") + 1_024);
    assert_eq!(
        other["longest_pause"]["milliseconds"].as_f64().unwrap(),
        2.0 * pause["milliseconds"].as_f64().unwrap()
    );
}

#[test]
fn a_policy_that_learns_takes_more_than_one_that_is_stored() {
    let plan = |options: &str| document(scall_line(&format!("plan {options} --json")));
    let (stored, training) = (plan(""), plan("--policy training"));
    for (memory, part) in [("ram", "policy"), ("ram", "replay"), ("flash", "code")] {
        let of = |plan: &Value| number(&plan[memory]["parts"], part);
        assert!(of(&training) > of(&stored), "{part}");
    }
    assert_eq!(number(&training["flash"]["parts"], "weights"), 0);
    assert_eq!(number(&plan("--policy training --replay 32")["ram"]["parts"], "replay"), {
        2 * number(&training["ram"]["parts"], "replay")
    });
    assert!(training["constants"].as_str().unwrap().contains("SacShape"));
}

#[test]
fn people_see_the_plan_with_what_is_to_be_pasted() {
    let text = text(scall_line("plan --ram 32KiB"));
    for part in
        ["it does NOT fit", "RAM: ", "flash: ", "arena", "longest pause: ", "pub const SHAPE", "MEMORY\n{"]
    {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

#[test]
fn a_wrong_command_line_about_devices_is_refused() {
    for (line, expected) in [
        ("plan --ram 64", &["'--ram <BYTES>'", "expected bytes with a unit"][..]),
        ("plan --ram mean:8", &["'--ram <BYTES>'"]),
        ("plan --users 0", &["'--users <N>'"]),
        ("plan --items 65536", &["'--items <N>'", "65535"]),
        ("plan --clock 0", &["'--clock <MHZ>'", "expected a clock in MHz"]),
        ("plan --ram-origin 20000000", &["'--ram-origin <ADDRESS>'", "0x20000000"]),
        ("plan --policy none", &["possible values: stored, training"]),
        ("train-policy --out x", &["--data <PATH>"]),
        ("train-policy --data x", &["--out <FILE>"]),
        ("export", &["expected a command: stream, snapshot"]),
        ("export stream --data x", &["--out <FILE>"]),
        ("inspect", &["<FILE>"]),
        ("device --policy none", &["possible values: stored, training"]),
    ] {
        failure_names(scall_line(line), 2, expected);
    }
    failure_names(scall_line("plan --budget params:0"), 1, &["params:0", "too small"]);
    failure_names(scall_line("train-policy --data nowhere.csv --out x"), 1, &["nowhere.csv"]);
}

#[test]
fn a_trained_policy_is_the_seeds_and_serves_a_device_of_its_shape() {
    let directory = Directory::new();
    let train = |name: &str, options: &[&str]| {
        let (mut command, out) = over_events(&["train-policy", "--passes", "2"], &directory, name);
        command.arg("--data").arg(directory.file("again.csv", events())).args(options);
        let document = document(command);
        let bytes = fs::read(&out).unwrap();
        assert_eq!(number(&document, "bytes"), bytes.len() as u64);
        (document, bytes)
    };
    let (told, bytes) = train("a.scall", &[]);
    assert_eq!(train("b.scall", &[]).1, bytes);
    assert_ne!(train("c.scall", &["--seed", "1"]).1, bytes);
    // Six segments of 500 interactions in each of two streams, twice.
    assert_eq!(number(&told, "segments"), 24);
    let runs = told["runs"].as_array().unwrap();
    assert_eq!(
        (runs.len(), &runs[0]["dataset"], &runs[1]["dataset"]),
        (2, &"events.csv".into(), &"again.csv".into())
    );
    for run in runs {
        assert_eq!(number(run, "interactions"), 3_000);
        for policy in ["untrained", "trained"] {
            assert!((0.0..=1.0).contains(&run[policy]["recall@20"].as_f64().unwrap()), "{run}");
        }
    }

    let told = inspect(&directory.path().join("a.scall"));
    assert_eq!((&told["kind"], &told["crc_ok"]), (&"policy".into(), &true.into()));
    assert_eq!((number(&told["content"], "state_numbers"), number(&told["content"], "hidden")), (20, 7));

    train("wide.scall", &["--hidden", "15", "--groups", "4"]);
    for (policy, refusal) in [("a.scall", None), ("wide.scall", Some("--groups 4 --max-size 32 --hidden 15"))]
    {
        let (mut command, _) = over_events(&["export", "snapshot"], &directory, "state.scall");
        let policy = directory.path().join(policy);
        command.arg("--policy").arg(&policy);
        match refusal {
            None => assert_eq!(number(&document(command), "interactions"), 3_000),
            Some(expected) => failure_names(command, 1, &[&policy.display().to_string(), expected]),
        }
    }
}

#[test]
fn a_stream_is_written_with_the_ids_of_the_data_set_where_they_are_numbers() {
    let directory = Directory::new();
    let (command, out) = over_events(&["export", "stream"], &directory, "all.scall");
    let told = document(command);
    let text = events();
    let distinct = |column: usize| {
        let ids = text.lines().skip(1).map(|line| line.split(',').nth(column).unwrap());
        ids.collect::<HashSet<_>>().len() as u64
    };
    let (users, items) = (distinct(0), distinct(1));
    assert_eq!(
        (number(&told, "users"), number(&told, "items"), number(&told, "events")),
        (users, items, 3_000)
    );
    assert_eq!(
        (&told["ids"], number(&told, "bytes")),
        (&"names".into(), 24 + 12 + 4 * (users + items + 3_000))
    );
    let bytes = fs::read(&out).unwrap();
    assert_eq!(bytes.len() as u64, number(&told, "bytes"));
    // Behind the header and three counts the users' ids begin, in order of arrival.
    let first: u32 = events().lines().nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    assert_eq!(bytes[36..40], first.to_le_bytes());
    assert_eq!(
        inspect(&out)["content"],
        serde_json::json!({"users": users, "items": items, "events": 3_000})
    );

    let (mut command, out) = over_events(&["export", "stream"], &directory, "part.scall");
    command.args(["--events", "10"]);
    assert_eq!(number(&document(command), "events"), 10);
    assert_eq!(number(&inspect(&out)["content"], "events"), 10);

    let named = directory.file("named.csv", "user,item,timestamp\na,x,1\nb,x,2\n");
    let mut command = scall(["export", "stream", "--k-core", "1", "--json", "--data"]);
    command.arg(named).arg("--out").arg(&out);
    assert_eq!(document(command)["ids"], "arrival");
}

#[test]
fn a_snapshot_tells_what_the_device_knew() {
    let directory = Directory::new();
    let (mut command, out) = over_events(&["export", "snapshot"], &directory, "state.scall");
    command.args(["--users", "40", "--items", "100", "--budget", "params:900"]);
    let told = document(command);
    assert_eq!((number(&told, "segments"), number(&told, "entities")), (6, 140));
    assert_eq!(number(&told, "budget_violations"), 0);
    let seen = inspect(&out);
    let content = &seen["content"];
    assert_eq!((&seen["kind"], number(&seen, "trailing_bytes")), (&"snapshot".into(), 0));
    assert_eq!(content["shape"], serde_json::json!([40, 100, 900, 32, 1024, 8, 7]));
    assert_eq!(
        (&content["users"], &content["items"]),
        (&serde_json::json!([40, 40]), &serde_json::json!([100, 100]))
    );
    for field in ["evicted", "segments", "parameters_used", "budget_parameters"] {
        assert_eq!(content[field], told[field], "{field}");
    }
    assert!(number(content, "evicted") > 0);
}

#[test]
fn damaged_cut_and_foreign_files_are_refused_by_name() {
    let directory = Directory::new();
    let (command, policy) = over_events(&["train-policy", "--passes", "1"], &directory, "policy.scall");
    document(command);
    let (command, stream) = over_events(&["export", "stream"], &directory, "stream.scall");
    document(command);
    let (command, state) = over_events(&["export", "snapshot"], &directory, "state.scall");
    document(command);
    for (kind, path) in [("policy", policy), ("stream", stream), ("snapshot", state)] {
        let bytes = fs::read(&path).unwrap();
        for byte in [8, 17, 21, 24, 700, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[byte] ^= 0x10;
            refused(&directory.file("x.scall", damaged), &[&format!("the {kind} is damaged")]);
        }
        for length in [10, 24, bytes.len() - 1] {
            refused(
                &directory.file("x.scall", &bytes[..length]),
                &[&format!("the {kind} is cut short: {length} of")],
            );
        }
        let mut other = bytes.clone();
        other[4] = 200;
        refused(&directory.file("x.scall", other), &[&format!("the {kind} has version 200: expected 1")]);
        let mut longer = bytes.clone();
        longer.extend([0xff; 9]);
        assert_eq!(number(&inspect(&directory.file("x.scall", longer)), "trailing_bytes"), 9);
    }
    refused(&directory.file("x.csv", events()), &["not a file that scall knows", "scal", "scpo", "scst"]);
    refused(&directory.file("empty", ""), &["not a file that scall knows"]);
    refused(&directory.path().join("nowhere"), &["cannot read the file"]);
}

#[test]
fn a_checkpoint_tells_of_its_run() {
    let directory = Directory::new();
    let (mut command, out) =
        over_events(&["run", "--method", "uniform", "--segments", "3"], &directory, "run");
    command.arg("--quiet");
    document(command);
    let path = out.join("checkpoint.bin");
    let told = inspect(&path);
    assert_eq!((&told["kind"], number(&told["content"], "segments")), (&"checkpoint".into(), 3));
    let parts = told["content"]["parts"].as_array().unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(parts.iter().map(|part| part.as_u64().unwrap()).sum::<u64>(), bytes.len() as u64);
    let named = |name: &str| told["content"]["run"].as_array().unwrap().iter().any(|pair| pair[0] == name);
    assert!(named("--method") && named("--seed"), "{told}");
    for length in [bytes.len() - 1, bytes.len() / 2] {
        let cut = directory.file("x.bin", &bytes[..length]);
        let mut command = scall(["inspect"]);
        command.arg(&cut);
        failure_names(command, 1, &[&cut.display().to_string()]);
    }
}

/// A run of the firmware itself is part of the checks across the crates.
#[test]
fn what_a_device_needs_and_is_not_there_is_named() {
    let firmware = concat!(env!("CARGO_MANIFEST_DIR"), "/../firmware-example");
    let directory = Directory::new();
    let mut command = scall(["device", "--firmware"]);
    command.arg(directory.path());
    failure_names(command, 1, &[&directory.path().display().to_string(), "no firmware here"]);
    let mut command = scall(["device", "--firmware", firmware]);
    command.env("PATH", "");
    failure_names(command, 1, &["qemu-system-arm: not installed"]);
}
