//! The command line: exit statuses, usage errors, help, and readers that leave.

use std::io::Read;
use std::process::{Command, Stdio};

use crate::support::{failure, failure_names, scall, scall_line, text};

const SIZES: &str =
    "sizes --users 3 --items 4 --budget mean:4 --user-share 0.5 --user-shape 3 --item-shape 3";

#[test]
fn a_wrong_command_line_is_one_line_with_status_2_and_says_what_was_expected() {
    let cases: &[(&str, &[&str])] = &[
        (
            "",
            &[
                "expected a command: run, compare, report, sizes, data, bench, methods, plan, train-policy, export",
                "`scall --help`",
            ],
        ),
        ("data", &["expected a command: stats", "`scall data --help`"]),
        ("walk", &["unrecognized subcommand 'walk'", "`scall --help`"]),
        ("run extra", &["unexpected argument 'extra'", "`scall run --help`"]),
        ("run --methd scall", &["'--methd'", "'--method'", "`scall run --help`"]),
        ("run --method", &["a value is required for '--method <NAME>'", "scall, uniform, random, frequency"]),
        ("run --method nobody", &["'nobody'", "scall, uniform, random, frequency", "`scall run --help`"]),
        ("run --method scall --method uniform", &["--method <NAME>", "cannot be used multiple times"]),
        ("run --base gru", &["'gru'", "possible values: mf, lightgcn"]),
        ("run --storage f64", &["'f64'", "possible values: f32, f16, i8"]),
        ("run --protocol random", &["'random'", "possible values: equal"]),
        ("run --segments 1", &["'1'", "'--segments <N>'", "2.."]),
        ("run --segments ten", &["'ten'", "'--segments <N>'"]),
        ("run --segments -3", &["'-3'", "'--segments <N>'"]),
        ("run --k-core 0", &["'0'", "'--k-core <N>'", "1.."]),
        ("run --seed -1", &["'-1'", "'--seed <N>'"]),
        ("run --seed 18446744073709551616", &["'--seed <N>'"]),
        ("run --seed NaN", &["'NaN'", "'--seed <N>'"]),
        ("run --threads 0", &["'0'", "'--threads <N>'", "expected a number from 1"]),
        ("run --resume", &["--out <DIR>"]),
        ("run --user-column 0 --data x", &["'0'", "columns are numbered from 1"]),
        ("run --user-column who", &["--data <PATH>"]),
        ("run --data x --delimiter ab", &["'ab'", "`tab`, `,`, `;`, `|`, `::`"]),
        ("run --json=yes", &["'yes'", "'--json'"]),
        ("compare --methods scall,nobody", &["'nobody'", "scall, uniform, random, frequency"]),
        ("compare --methods scall,scall", &["`scall`", "--methods", "expected it once"]),
        ("compare --budgets mean:2,mean:2", &["`mean:2`", "--budgets", "expected it once"]),
        ("compare --budgets mean:2,lots", &["`lots`", "mean:N"]),
        ("compare --seeds 0", &["'0'", "'--seeds <N>'"]),
        ("compare --seed 18446744073709551615 --seeds 2", &["--seeds 2", "at most 18446744073709551615"]),
        ("data stats", &["--data <PATH>", "`scall data stats --help`"]),
        ("bench --fast", &["'--fast'", "`scall bench --help`"]),
    ];
    for (line, expected) in cases {
        failure_names(scall_line(line), 2, expected);
    }
}

#[test]
fn a_budget_for_everything_is_refused_where_it_cannot_be_kept() {
    let cases: [(&str, &[&str]); 4] = [
        ("run --budget total:1MiB --base lightgcn", &["--budget total:1MiB", "expected --base mf"]),
        (
            "run --budget total:1MiB --protocol published",
            &["--budget total:1MiB", "expected --protocol equal"],
        ),
        ("run --budget total:1MiB --method autoemb", &["autoemb", "--budget total:1MiB"]),
        ("compare --budgets mean:8,total:1MiB --methods esapn-uncapped", &["esapn-uncapped"]),
    ];
    for (line, expected) in cases {
        failure_names(scall_line(line), 2, expected);
    }
}

#[test]
fn rows_in_fewer_bits_are_refused_where_they_have_no_place() {
    let cases: [(&str, &[&str]); 4] = [
        ("run --storage i8 --base lightgcn", &["--storage i8", "--base lightgcn", "expected --storage f32"]),
        ("run --storage f16 --protocol published", &["--storage f16", "--protocol published"]),
        ("run --storage i8 --method autoemb", &["autoemb", "--storage i8", "expected --storage f32"]),
        ("compare --storage f16 --methods scall,autoemb", &["autoemb", "--storage f16"]),
    ];
    for (line, expected) in cases {
        failure_names(scall_line(line), 2, expected);
    }
}

#[test]
fn a_text_that_is_no_budget_is_a_wrong_command_line() {
    for budget in
        ["", "8", "mean:x", "mean:-1", "mean:NaN", "mean:inf", "params:1.5", "params:-4", "10XB", "-1MiB"]
    {
        failure_names(
            scall(["run", "--budget", budget]),
            2,
            &[
                "'--budget <SPEC>'",
                "expected mean:N (parameters per entity), mean:NB (bytes per entity), params:N, bytes of parameters such as 64KiB, 1MiB or 10MB, or total:64KiB (bytes of everything)",
            ],
        );
    }
}

#[cfg(unix)]
#[test]
fn arguments_that_are_no_text_are_refused_in_one_line() {
    use std::os::unix::ffi::OsStrExt;
    let broken = std::ffi::OsStr::from_bytes(b"sc\xffll\n");
    failure(scall([std::ffi::OsStr::new("run"), std::ffi::OsStr::new("--method"), broken]), 2);
    failure(scall([broken]), 2);
}

#[test]
fn line_ends_in_arguments_do_not_break_the_line() {
    failure(scall(["run", "--method", "a\nb\r\n\u{1b}[31m"]), 2);
    failure(scall(["data", "stats", "--data", "no\nsuch\u{1b}[31m\nfile"]), 1);
}

#[test]
fn help_and_version_go_to_standard_output_with_status_0() {
    assert!(text(scall_line("--version")).starts_with("scall "));
    for command in [
        "run",
        "compare",
        "sizes",
        "data stats",
        "bench",
        "plan",
        "train-policy",
        "export stream",
        "export snapshot",
        "inspect",
        "device",
    ] {
        let help = text(scall_line(&format!("{command} --help")));
        assert!(help.contains(&format!("Usage: scall {command}")), "{help}");
        assert!(help.contains("--json") && help.contains("--quiet"), "{help}");
    }
}

#[test]
fn the_help_of_run_names_every_option_and_its_default() {
    let help = text(scall_line("run --help"));
    for option in [
        "--data",
        "--method",
        "--base",
        "--budget",
        "--storage",
        "--protocol",
        "--segments",
        "--keep-repeats",
        "--k-core",
        "--seed",
        "--threads",
        "--out",
        "--resume",
        "--json",
        "--quiet",
        "--user-column",
        "--item-column",
        "--time-column",
        "--delimiter",
    ] {
        assert!(help.contains(option), "{option}");
    }
    for default in ["scall", "mf", "mean:8", "f32", "equal", "10", "5", "42"] {
        assert!(help.contains(&format!("[default: {default}]")), "{default}");
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("scall"))
        .args(SIZES.replace("--users 3", "--users 2000000").split_whitespace())
        .arg("--json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One byte of megabytes, then the pipe is closed.
    child.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_full_disk_behind_standard_output_is_a_failure() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        return crate::support::skip("there is no /dev/full here");
    };
    for line in [SIZES.to_owned(), format!("{SIZES} --json"), "--help".to_owned()] {
        let output = Command::new(assert_cmd::cargo::cargo_bin!("scall"))
            .args(line.split_whitespace())
            .stdout(full.try_clone().unwrap())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}: {errors}");
        assert!(errors.starts_with("error: standard output: cannot write"), "{line}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{line}: {errors}");
    }
}

#[test]
fn text_for_people_has_no_colours_where_nobody_sees_them() {
    let text = text(scall_line(SIZES));
    assert!(!text.contains('\u{1b}'), "{text}");
}
