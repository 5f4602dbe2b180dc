//! `--resume`: a run that was stopped goes on to the identical result, or says why it cannot.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::output_files::SmallDisk;
use crate::run::{small_stream, timeless};
use crate::support::{Directory, document, failure, failure_names, scall, skip};

const RUN: &str = "run --json --method scall --segments 6 --k-core 1 --budget mean:3 --seed 8";
const COMPARE: &str = "compare --json --methods scall,frequency --budgets mean:2,mean:4 --seeds 2 --segments 4 \
                       --k-core 1";

fn arguments(line: &str, stream: &Path, out: &Path, resume: bool) -> Vec<String> {
    let mut arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    arguments.extend(["--data".into(), stream.display().to_string()]);
    arguments.extend(["--out".into(), out.display().to_string()]);
    arguments.extend(resume.then(|| "--resume".into()));
    arguments
}

fn result(line: &str, stream: &Path, out: &Path, resume: bool) -> Value {
    timeless(document(scall(arguments(line, stream, out, resume))))
}

fn start(line: &str, stream: &Path, out: &Path) -> Child {
    Command::new(assert_cmd::cargo::cargo_bin!("scall"))
        .args(arguments(line, stream, out, false))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn checkpoints(out: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(out).into_iter().flatten().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(checkpoints(&entry.path()));
        } else if entry.file_name() == "checkpoint.bin" {
            found.push(entry.path());
        }
    }
    found
}

/// Kills a run as soon as `reached` holds; false if it ended first.
fn kill_when(mut child: Child, reached: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !reached() && start.elapsed() < Duration::from_secs(60) {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

/// Files of a run that hold neither times nor memory.
fn files(out: &Path) -> Vec<Vec<u8>> {
    ["sizes.csv", "sizes.svg", "quality.svg", "memory.svg", "search.csv", "growth.csv", "ranks.csv"]
        .map(|name| fs::read(out.join(name)).unwrap())
        .into()
}

#[test]
fn a_run_killed_after_any_segment_goes_on_to_the_identical_result() {
    let directory = Directory::new();
    let stream = small_stream(&directory);
    let whole = directory.path().join("whole");
    let expected = result(RUN, &stream, &whole, false);
    assert_eq!(result(RUN, &stream, &whole, true), expected, "nothing was left to do");

    // Every checkpoint is seen that stands for a moment; each is where a kill could have left it.
    let out = directory.path().join("watched");
    let mut child = start(RUN, &stream, &out);
    let mut seen: Vec<Vec<u8>> = Vec::new();
    while child.try_wait().unwrap().is_none() {
        if let Ok(bytes) = fs::read(out.join("checkpoint.bin"))
            && seen.last() != Some(&bytes)
        {
            seen.push(bytes);
        }
        thread::sleep(Duration::from_millis(1));
    }
    assert!(!seen.is_empty());
    for (index, bytes) in seen.iter().enumerate() {
        let out = directory.path().join(format!("after{index}"));
        fs::create_dir(&out).unwrap();
        fs::write(out.join("checkpoint.bin"), bytes).unwrap();
        assert_eq!(result(RUN, &stream, &out, true), expected, "checkpoint {index} of {}", seen.len());
        assert_eq!(files(&out), files(&whole));
    }
}

#[test]
fn every_method_with_a_memory_resumes_to_the_identical_result() {
    let directory = Directory::new();
    let stream = small_stream(&directory);
    for method in ["bet", "dess", "esapn", "esapn-uncapped", "autoemb"] {
        let line = &RUN.replace("scall", method).replace("--segments 6", "--segments 3");
        let expected = result(line, &stream, &directory.path().join(format!("{method}-whole")), false);
        let out = directory.path().join(method);
        kill_when(start(line, &stream, &out), || {
            let kept = fs::read(out.join("checkpoint.bin"));
            kept.is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("\"index\":1"))
        });
        assert_eq!(result(line, &stream, &out, true), expected, "{method}");
    }
}

#[test]
fn rows_in_fewer_bits_resume_to_the_identical_result() {
    let directory = Directory::new();
    let stream = small_stream(&directory);
    for storage in ["f16", "i8"] {
        let line = &format!("{RUN} --storage {storage}");
        let expected = result(line, &stream, &directory.path().join(format!("{storage}-whole")), false);
        let out = directory.path().join(storage);
        kill_when(start(line, &stream, &out), || {
            let kept = fs::read(out.join("checkpoint.bin"));
            kept.is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("\"index\":1"))
        });
        // What another type left is refused.
        if out.join("checkpoint.bin").exists() {
            let other = arguments(RUN, &stream, &out, true);
            failure_names(scall(other), 1, &["--storage f32", &format!("found {storage}")]);
        }
        assert_eq!(result(line, &stream, &out, true), expected, "{storage}");
    }
}

#[test]
fn a_search_for_the_form_of_users_resumes_to_the_identical_result_within_the_budget() {
    let directory = Directory::new();
    let stream = small_stream(&directory);
    for budget in ["mean:3", "params:900"] {
        let line = &RUN.replace("mean:3", budget).replace("--method scall", "--search history");
        let out = directory.path().join(budget);
        kill_when(start(line, &stream, &out), || {
            let kept = fs::read(out.join("checkpoint.bin"));
            kept.is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("\"index\":2"))
        });
        let resumed = result(line, &stream, &out, true);
        assert_eq!(resumed, result(line, &stream, &directory.path().join(format!("{budget}-whole")), false));
        assert_eq!(resumed["budget_violations"], 0);
        for segment in resumed["segments"].as_array().unwrap() {
            assert!(
                segment["parameters_used"].as_u64() <= segment["budget_parameters"].as_u64(),
                "{segment}"
            );
        }
    }
}

#[test]
fn a_run_killed_right_after_its_first_checkpoint_goes_on() {
    let directory = Directory::new();
    let stream = small_stream(&directory);
    let out = directory.path().join("out");
    let killed = kill_when(start(RUN, &stream, &out), || out.join("checkpoint.bin").exists());
    assert!(!killed || !out.join("run.json").exists());
    let resumed = result(RUN, &stream, &out, true);
    assert_eq!(resumed, result(RUN, &stream, &directory.path().join("whole"), false));
}

#[test]
fn resuming_where_nothing_is_begins() {
    let directory = Directory::new();
    let stream = small_stream(&directory);
    let begun = result(RUN, &stream, &directory.path().join("new"), true);
    assert_eq!(begun, result(RUN, &stream, &directory.path().join("whole"), false));
}

/// The lines of a table without their last columns, the times.
fn timeless_lines(table: &str) -> Vec<String> {
    let without_time = |line: &str| match line.rsplit_once(['&', '|']) {
        Some((line, _)) if line.len() > 40 => {
            line.rsplit_once(['&', '|']).map_or(line, |(line, _)| line).to_owned()
        }
        _ => line.split(',').take(18).collect::<Vec<_>>().join(","),
    };
    table.lines().map(without_time).collect()
}

#[test]
fn a_comparison_resumes_every_run_in_its_own_directory() {
    let directory = Directory::new();
    let stream = small_stream(&directory);
    let whole = directory.path().join("whole");
    let expected = result(COMPARE, &stream, &whole, false);
    assert_eq!(checkpoints(&whole).len(), 8);
    assert_eq!(result(COMPARE, &stream, &whole, true), expected, "nothing was left to do");

    for runs in [1, 4] {
        let out = directory.path().join(format!("killed{runs}"));
        kill_when(start(COMPARE, &stream, &out), || checkpoints(&out).len() >= runs);
        // Whoever has ended has all its files, whatever has become of the others, and is not run again.
        let ended: Vec<_> =
            checkpoints(&out).into_iter().filter(|path| path.with_file_name("run.json").exists()).collect();
        let times = |path: &PathBuf| fs::metadata(path).unwrap().modified().unwrap();
        let before: Vec<_> = ended.iter().map(times).collect();
        assert_eq!(result(COMPARE, &stream, &out, true), expected, "killed after {runs} runs had begun");
        assert!(out.join("comparison.json").is_file());
        assert_eq!(ended.iter().map(times).collect::<Vec<_>>(), before);
        for name in ["comparison.csv", "comparison.md", "comparison.tex"] {
            let table = |out: &Path| timeless_lines(&fs::read_to_string(out.join(name)).unwrap());
            assert_eq!(table(&out), table(&whole), "{name}");
        }
    }
}

#[test]
fn what_does_not_belong_to_the_run_is_refused_and_stays() {
    let directory = Directory::new();
    let stream = small_stream(&directory);
    let out = directory.path().join("out");
    let expected = result(RUN, &stream, &out, false);
    let path = out.join("checkpoint.bin");
    let sound = fs::read(&path).unwrap();
    let other_stream = directory.file("other.csv", fs::read_to_string(&stream).unwrap());
    let rows = fs::read_to_string(&stream).unwrap();
    fs::create_dir(directory.path().join("changed")).unwrap();
    let changed_stream = directory.file("changed/small.csv", rows.trim_end().rsplit_once('\n').unwrap().0);

    let refused = |line: &str, stream: &Path, expected: &str| {
        let before = fs::read(&path).unwrap();
        let line = failure(scall(arguments(line, stream, &out, true)), 1);
        assert!(line.starts_with(&format!("error: {}: ", path.display())), "{line}");
        assert!(line.contains(expected), "{expected:?} is not in {line:?}");
        assert_eq!(fs::read(&path).unwrap(), before);
    };
    refused(&RUN.replace("--seed 8", "--seed 9"), &stream, "expected --seed 9, found 8");
    refused(&RUN.replace("scall", "uniform"), &stream, "expected --method uniform, found scall");
    refused(&RUN.replace("mean:3", "mean:4"), &stream, "expected --budget mean:4, found mean:3");
    refused(&RUN.replace("--segments 6", "--segments 7"), &stream, "expected --segments 7, found 6");
    refused(RUN, &other_stream, "expected the data set other.csv, found small.csv");
    refused(RUN, &changed_stream, "interactions");

    for (damage, expected) in [
        (sound[..sound.len() / 2].to_vec(), "truncated"),
        (sound[..10].to_vec(), "truncated"),
        (Vec::new(), "truncated"),
        ([&sound[..100], &[sound[100] ^ 1], &sound[101..]].concat(), "damaged"),
        ([&sound[..4], &[7, 0, 0, 0], &sound[8..]].concat(), "version 7: expected 1"),
        (b"{\"schema\":1}".to_vec(), "not a checkpoint"),
    ] {
        fs::write(&path, damage).unwrap();
        refused(RUN, &stream, expected);
    }
    fs::write(&path, &sound).unwrap();
    assert_eq!(result(RUN, &stream, &out, true), expected);
}

#[test]
fn the_number_of_threads_may_change_and_the_file_may_move() {
    let directory = Directory::new();
    let stream = small_stream(&directory);
    let out = directory.path().join("out");
    let expected = result(RUN, &stream, &out, false);
    fs::create_dir(directory.path().join("moved")).unwrap();
    let moved = directory.file("moved/small.csv", fs::read(&stream).unwrap());
    assert_eq!(result(&format!("{RUN} --threads 3"), &moved, &out, true), expected);
}

#[test]
fn a_run_that_met_a_full_disk_goes_on_once_there_is_room() {
    let (directory, disk) = (Directory::new(), Directory::new());
    let Some(_disk) = SmallDisk::mount(disk.path()) else {
        return skip("a full disk: no right to mount a small one");
    };
    let stream = small_stream(&directory);
    let line = &RUN.replace("scall", "uniform");
    let expected = result(line, &stream, &directory.path().join("whole"), false);
    let size = fs::metadata(directory.path().join("whole/checkpoint.bin")).unwrap().len() as usize;
    // Room for one checkpoint at a time, but a new one is complete before the old one goes.
    let filler = disk.file("filler", vec![0; (256 << 10) - size * 3 / 2]);
    let out = disk.path().join("out");
    let error = failure(scall(arguments(line, &stream, &out, false)), 1);
    let path = out.join("checkpoint.bin").display().to_string();
    assert!(error.starts_with(&format!("error: {path}: cannot write the file: No space left")), "{error}");
    fs::remove_file(filler).unwrap();
    assert_eq!(result(line, &stream, &out, true), expected);
}
