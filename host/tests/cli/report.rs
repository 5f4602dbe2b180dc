//! `scall report`: what `--out` left, as one page.

use std::fs;
use std::path::Path;

use crate::run::small_stream;
use crate::support::{Directory, document, failure, failure_names, scall, text};

fn run(directory: &Directory, line: &str, data: &Path) {
    let mut command = scall(line.split_whitespace());
    command.args(["--segments", "4", "--k-core", "1", "--quiet", "--data"]).arg(data);
    text({
        command.arg("--out").arg(directory.path().join("out"));
        command
    });
}

fn report(directory: &Directory) -> (serde_json::Value, String) {
    let out = directory.path().join("out");
    let mut command = scall(["report", "--json"]);
    command.arg(&out);
    let document = document(command);
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert_eq!(document["page"], out.join("report.html").display().to_string());
    assert_eq!(document["bytes"], page.len());
    assert_eq!(document["charts"], page.matches("<svg").count());
    (document, page)
}

#[test]
fn the_page_of_a_run_shows_every_kind_of_chart() {
    let directory = Directory::new();
    run(&directory, "run --method scall --budget mean:2 --seed 7", &small_stream(&directory));
    let (document, page) = report(&directory);
    assert_eq!(document["charts"], 9);
    for title in [
        "Quality per segment",
        "Memory against budget",
        "Row sizes by frequency",
        "Rows of single users",
        "Rows of single items",
        "Policy: the users' share",
        "Policy: the shapes",
        "Rewards of the search",
        "Time per phase",
    ] {
        assert!(page.contains(&format!("<title>{title}")), "{title}");
    }
    assert!(page.contains("scall run --method scall --budget mean:2 --seed 7 --segments 4"));
    assert!(page.contains(concat!("scall ", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn the_page_of_a_comparison_shows_methods_budgets_and_an_example_of_each_method() {
    let directory = Directory::new();
    let line = "compare --methods scall,uniform --budgets mean:2,mean:4 --seeds 2";
    run(&directory, line, &small_stream(&directory));
    let (document, page) = report(&directory);
    // By memory and budget; two a budget; rows of two methods; one search.
    assert_eq!(document["charts"], 2 + 2 * 2 + 2 * 3 + 3);
    assert!(page.contains("scall compare --methods &#39;scall,uniform&#39; --budgets"));
    assert!(page.contains("Search: scall on small.csv, budget mean:2, seed 42"));
}

#[test]
fn a_page_goes_where_it_is_told_to() {
    let directory = Directory::new();
    run(&directory, "run --method uniform", &small_stream(&directory));
    let page = directory.path().join("page.html");
    let mut command = scall(["report"]);
    command.arg(directory.path().join("out")).arg("--out").arg(&page);
    assert!(text(command).starts_with(&format!("{}: 6 charts", page.display())));
    assert!(fs::read_to_string(&page).unwrap().starts_with("<!doctype html>"));
    assert!(!directory.path().join("out/report.html").exists());
}

/// The name of a file is the only text that nobody but its owner has looked at.
#[test]
fn names_that_are_markup_are_text_on_the_page() {
    let directory = Directory::new();
    let rows = fs::read_to_string(small_stream(&directory)).unwrap();
    let rows = rows.replace("i0,", "<img src=x onerror=alert(1)>,");
    let data = directory.file("<script>alert(1)<.csv", rows);
    run(&directory, "compare --methods uniform", &data);
    let (_, page) = report(&directory);
    assert!(page.contains("&#60;script&#62;alert(1)&#60;.csv"));
    for markup in ["<script", "<img"] {
        assert!(!page.contains(markup), "{markup}");
    }
}

#[test]
fn what_is_no_result_is_refused_with_its_name() {
    let directory = Directory::new();
    let refused = |expected: &[&str]| {
        let mut command = scall(["report"]);
        command.arg(directory.path().join("out"));
        failure_names(command, 1, expected);
        assert!(!directory.path().join("out/report.html").exists());
    };
    refused(&["out: cannot read the directory"]);
    fs::create_dir(directory.path().join("out")).unwrap();
    refused(&["out: expected run.json or comparison.json there"]);

    run(&directory, "run --method scall", &small_stream(&directory));
    let path = directory.path().join("out/run.json");
    let sound = fs::read(&path).unwrap();
    fs::write(&path, &sound[..sound.len() / 2]).unwrap();
    refused(&["run.json: not a document of this program", "line 1"]);
    fs::write(&path, &sound).unwrap();
    let search = directory.path().join("out/search.csv");
    fs::write(&search, "segment,candidate\n1,guess\n").unwrap();
    refused(&["search.csv: ", "line: 2"]);
    assert!(failure(scall(["report"]), 2).contains("<DIR>"));
}
