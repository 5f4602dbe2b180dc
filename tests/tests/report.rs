//! The page of `scall report` in a real browser: its charts are there, and it has nothing to complain about.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use scall_tests::{cargo, finish, is_installed, said, skip, succeed};
use serde_json::Value;

/// Names that the program may have.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// What the page says of itself from within a frame of another one: it holds no script of its own.
const LOOK: &str = r#"<!doctype html><meta charset="utf-8"><title>looking</title>
<iframe id="page" src="report.html" width="1200" height="3000"></iframe><pre id="found"></pre>
<script>
document.getElementById("page").addEventListener("load", (event) => {
  const page = event.target.contentDocument, view = event.target.contentWindow;
  const charts = [...page.querySelectorAll("figure svg")];
  const large = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 100 && box.height > 100;
  };
  const drawn = (chart) => [...chart.querySelectorAll("path, circle, line")].some((mark) => {
    const box = mark.getBBox();
    return box.width + box.height > 1;
  });
  document.getElementById("found").textContent = JSON.stringify({
    charts: charts.length,
    large: charts.filter(large).length,
    drawn: charts.filter(drawn).length,
    wide: page.documentElement.scrollWidth > view.innerWidth,
    foreign: page.querySelectorAll("script, img, link, iframe, object, embed, image").length,
    dark: view.matchMedia("(prefers-color-scheme: dark)").matches,
    ground: view.getComputedStyle(page.body).backgroundColor,
    chartGround: view.getComputedStyle(charts[0].querySelector("rect")).fill,
    text: view.getComputedStyle(charts[0].querySelector("text")).fill,
  });
});
</script>
"#;

#[test]
fn a_browser_shows_every_chart_in_light_and_in_dark_and_complains_about_nothing() {
    let Some(browser) = BROWSERS.into_iter().find(|name| is_installed(name)) else {
        return skip("the report in a browser: no Chromium is installed");
    };
    let folder = Folder::new("report-in-a-browser");
    // A stream whose name and whose items' names would run if they were not text.
    let data = folder.0.join("<script>console.error('name')<.csv");
    fs::write(&data, stream()).expect("the stream can be written");
    let line = ["--segments", "4", "--k-core", "1", "--quiet", "--data"];
    let run = |command: &[&str], out: &Path| {
        succeed(program().args(command).args(line).arg(&data).arg("--out").arg(out));
        let made = succeed(program().args(["report", "--json"]).arg(out));
        let made: Value = serde_json::from_slice(&made.stdout).expect("one JSON document");
        made["charts"].as_u64().expect("the number of charts")
    };
    for (name, command) in [
        ("run", &["run", "--method", "scall", "--budget", "mean:3"][..]),
        (
            "compare",
            &["compare", "--methods", "scall,frequency", "--budgets", "mean:2,mean:4", "--seeds", "2"],
        ),
    ] {
        let out = folder.0.join(name);
        let charts = run(command, &out);
        fs::write(out.join("look.html"), LOOK).expect("the page that looks can be written");
        for dark in [false, true] {
            look(browser, &out, dark, charts);
        }
    }
}

/// Opens the page in a browser, and checks what is found there.
fn look(browser: &str, out: &Path, dark: bool, charts: u64) {
    let scheme = if dark { 0 } else { 1 };
    let output = finish(
        Command::new(browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args([
                "--enable-logging=stderr",
                "--allow-file-access-from-files",
                "--virtual-time-budget=20000",
            ])
            .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
            .arg(format!("--user-data-dir={}", out.join("profile").display()))
            .arg("--dump-dom")
            .arg(format!("file://{}", out.join("look.html").display())),
    );
    let dom = String::from_utf8_lossy(&output.stdout);
    let console: Vec<_> = String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter(|l| l.contains(":CONSOLE"))
        .map(str::to_owned)
        .collect();
    assert!(console.is_empty(), "the browser's console: {console:#?}");
    let found = dom.split_once("id=\"found\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let (found, _) = found.unwrap_or_else(|| panic!("nothing was found:\n{}", said(&output)));
    let found: Value =
        serde_json::from_str(found).unwrap_or_else(|error| panic!("{error}: {found}\n{}", said(&output)));
    for kind in ["charts", "large", "drawn"] {
        assert_eq!(found[kind], charts, "{kind}: {found}");
    }
    assert_eq!(found["foreign"], 0, "{found}");
    assert_eq!(found["wide"], false, "{found}");
    assert_eq!(found["dark"], dark, "the browser does not do as it is told: {found}");
    let (ground, text) = if dark {
        ("rgb(22, 24, 29)", "rgb(227, 230, 234)")
    } else {
        ("rgb(253, 253, 253)", "rgb(34, 38, 43)")
    };
    for (name, expected) in [("ground", ground), ("chartGround", ground), ("text", text)] {
        assert_eq!(found[name], expected, "{name}: {found}");
    }
}

fn program() -> Command {
    let mut command = cargo(".");
    command.args(["run", "--quiet", "--locked", "-p", "scall", "--"]);
    command
}

/// Two thousand interactions, with some names of items that are markup.
fn stream() -> String {
    let mut rows = String::from("user,item,timestamp\n");
    let mut state = 1_u32;
    let mut below = |bound: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % bound
    };
    for row in 0..2000 {
        let user = below(20 + row / 50);
        let popular = below(40 + row / 20);
        let item = below(1 + popular);
        let name = if item % 3 == 0 { "<img src=x onerror=console.error('item')>" } else { "item" };
        rows.push_str(&format!("u{user},{name}{item},{}\n", 1_000_000 + row));
    }
    rows
}

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("scall-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("there is a folder for the test");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
