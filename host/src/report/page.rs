//! Results as one page that needs nothing beside it: no script, no network, light and dark as the reader likes.

use anyhow::{Context, Result};
use askama::Template;

use super::comparison::{self, BEST_IN, Grid};
use super::document::{CompareDocument, HeldBytes, RunDocument, Segment};
use super::figures;
use super::plot::{self, Chart};
use super::saved::{Saved, SavedComparison, SavedRun};
use super::statistics::spread;
use super::table::{grouped, held, quality};
use super::trace::SideName;
use crate::experiment::name_of;

/// A page, and how many charts are on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The page in HTML.
    pub html: String,
    /// Its charts.
    pub charts: usize,
}

/// All texts are escaped by the template; charts are by the library that draws them.
#[derive(Debug, Template)]
#[template(path = "report.html")]
struct Content {
    title: String,
    facts: Vec<(&'static str, String)>,
    command: Option<String>,
    sections: Vec<Section>,
}

#[derive(Debug, Default)]
struct Section {
    title: String,
    notes: Vec<String>,
    table: Option<TableView>,
    charts: Vec<String>,
}

#[derive(Debug)]
struct TableView {
    columns: Vec<ColumnView>,
    rows: Vec<RowView>,
}

#[derive(Debug)]
struct ColumnView {
    name: String,
    numbers: bool,
}

#[derive(Debug)]
struct RowView {
    opens: bool,
    cells: Vec<CellView>,
}

#[derive(Debug)]
struct CellView {
    text: String,
    number: bool,
    best: bool,
}

/// Makes the page of what was saved.
///
/// # Errors
/// None in practice: there is room in memory.
pub fn page(saved: &Saved) -> Result<Page> {
    let mut content = match saved {
        Saved::Run(run) => of_run(run),
        Saved::Comparison(comparison) => of_comparison(comparison),
    };
    let mut charts = 0;
    for chart in content.sections.iter_mut().flat_map(|section| &mut section.charts) {
        *chart = plot::as_part_of_page(chart, charts);
        charts += 1;
    }
    Ok(Page { html: content.render().context("the page cannot be made")?, charts })
}

fn of_run(run: &SavedRun) -> Content {
    let SavedRun { document, command, .. } = run;
    let mut sections = vec![
        Section {
            title: "Quality and memory per segment".into(),
            notes: vec!["The first segment only warms the model up and is left out of the means.".into()],
            charts: draw([figures::quality_of_run(document), figures::memory_of_run(document)]),
            ..Section::default()
        },
        Section { title: "Row sizes".into(), ..rows_of(run) },
        Section { title: "Search".into(), ..search_of(run) },
    ];
    sections.push(Section {
        title: "Time".into(),
        table: Some(TableView::new(
            &[("phase", false), ("seconds", true)],
            PHASES.map(|(name, phase)| vec![name.to_owned(), seconds(document.seconds(phase))]),
        )),
        charts: draw([figures::times_of_run(document)]),
        ..Section::default()
    });
    Content {
        title: format!("{} on {}", document.method, document.dataset.name),
        facts: facts_of_run(document),
        command: command.clone(),
        sections,
    }
}

fn facts_of_run(document: &RunDocument) -> Vec<(&'static str, String)> {
    let data = &document.dataset;
    let HeldBytes { parameters, tables, trial, working, peak, .. } = document.held_bytes;
    let mut facts = vec![
        (
            "data",
            format!(
                "{}: {} interactions of {} users and {} items",
                data.name,
                grouped(data.interactions),
                grouped(data.users),
                grouped(data.items)
            ),
        ),
        ("method", format!("{} on {}", document.contender(), name_of(&document.base))),
        ("protocol", name_of(&document.protocol)),
        (
            "budget",
            format!(
                "{} ({} parameters, {} bytes as {})",
                document.budget.spec,
                grouped(document.budget.parameters),
                grouped(document.budget.bytes),
                name_of(&document.storage)
            ),
        ),
        ("seed", document.seed.to_string()),
        ("version", format!("scall {}", document.version)),
        ("recall@20", quality(document.mean.recall)),
        ("ndcg@20", quality(document.mean.ndcg)),
        ("budget violations", document.budget_violations.to_string()),
        (
            "held at the peak",
            format!(
                "{} bytes: rows {}, tables {}, method {}, a trial's model {}, what the recommender works in {}",
                grouped(peak),
                grouped(parameters),
                grouped(tables),
                grouped(document.method_bytes),
                grouped(trial),
                grouped(working)
            ),
        ),
        ("process at the peak", format!("{} bytes", grouped(document.peak_memory_bytes))),
        ("time", format!("{} s", seconds(document.wall_seconds))),
    ];
    if let Some(total) = &document.total {
        facts.push(("held at any event", held(total)));
    }
    facts
}

/// Sizes by rank, and single rows over the segments.
fn rows_of(run: &SavedRun) -> Section {
    let SavedRun { document, trace, .. } = run;
    if trace.ranks.is_empty() && trace.growth.is_empty() {
        return Section {
            notes: vec!["The files with row sizes are not there.".into()],
            ..Section::default()
        };
    }
    let growth = SideName::BOTH.map(|side| figures::growth_of_run(document, &trace.growth, side));
    let charts = draw([figures::sizes_by_frequency(document, &trace.ranks)].into_iter().chain(growth));
    Section {
        notes: vec![
            "Single rows are those of the entities at ranks 1, 3, 10, 30 and so on by interactions in the whole \
             stream; a line begins where its entity appears."
                .into(),
        ],
        charts,
        ..Section::default()
    }
}

/// What the policy put out and earned.
fn search_of(run: &SavedRun) -> Section {
    let SavedRun { document, trace, .. } = run;
    if trace.steps.is_empty() {
        return Section { notes: vec!["This method tries no candidates.".into()], ..Section::default() };
    }
    Section {
        notes: vec![
            "Candidates of all segments one after the other, in the order in which they were tried.".into(),
        ],
        charts: draw(figures::search_of_run(document, &trace.steps)),
        ..Section::default()
    }
}

fn of_comparison(saved: &SavedComparison) -> Content {
    let SavedComparison { document, examples, command } = saved;
    let grid = comparison::grid(document);
    let mut sections = vec![Section {
        title: "Summary".into(),
        notes: grid.notes.clone(),
        table: Some(TableView::of_grid(&grid)),
        ..Section::default()
    }];
    for dataset in figures::datasets(document) {
        sections.push(Section {
            title: format!("Quality against memory: {dataset}"),
            notes: vec!["Bars are the standard deviation over seeds.".into()],
            charts: draw([
                figures::quality_by_memory(document, dataset),
                figures::quality_by_budget(document, dataset),
            ]),
            ..Section::default()
        });
        let by_segment = figures::budgets(document).into_iter().flat_map(|budget| {
            [
                figures::quality_at_budget(document, dataset, budget),
                figures::memory_at_budget(document, dataset, budget),
            ]
        });
        sections.push(Section {
            title: format!("Quality and memory per segment: {dataset}"),
            charts: draw(by_segment),
            ..Section::default()
        });
    }
    sections.push(Section {
        title: "Time".into(),
        notes: vec!["Seconds of a run in each phase, mean over seeds.".into()],
        table: Some(times_of(document)),
        ..Section::default()
    });
    for run in examples {
        let RunDocument { dataset, budget, seed, .. } = &run.document;
        let of =
            format!("{} on {}, budget {}, seed {seed}", run.document.contender(), dataset.name, budget.spec);
        sections.push(Section { title: format!("Row sizes: {of}"), ..rows_of(run) });
        if !run.trace.steps.is_empty() {
            sections.push(Section { title: format!("Search: {of}"), ..search_of(run) });
        }
    }
    let first = document.runs.first();
    let seeds = || document.runs.iter().map(|run| run.seed);
    let mut facts = Vec::new();
    if let (Some(run), Some(least), Some(most)) = (first, seeds().min(), seeds().max()) {
        facts.push(("protocol", name_of(&run.protocol)));
        facts.push(("seeds", if least == most { least.to_string() } else { format!("{least} to {most}") }));
        facts.push(("version", format!("scall {}", run.version)));
    }
    facts.push(("runs", document.runs.len().to_string()));
    Content { title: "Comparison".into(), facts, command: command.clone(), sections }
}

/// Seconds that a segment spent.
type Phase = fn(&Segment) -> f64;

/// The phases of a run.
const PHASES: [(&str, Phase); 3] = [
    ("search", |segment| segment.search_seconds),
    ("train", |segment| segment.train_seconds),
    ("test", |segment| segment.test_seconds),
];

fn times_of(document: &CompareDocument) -> TableView {
    let rows = document.summary.iter().map(|row| {
        let runs = || {
            document.runs.iter().filter(|run| {
                (&run.dataset.name, run.base, &run.budget.spec, run.contender())
                    == (&row.dataset, row.base, &row.budget, row.contender())
            })
        };
        let mean = |phase| seconds(spread(&runs().map(|run| run.seconds(phase)).collect::<Vec<_>>()).mean);
        let mut cells = vec![row.dataset.clone(), row.budget.to_string(), row.contender().to_string()];
        cells.extend(PHASES.map(|(_, phase)| mean(phase)));
        cells
    });
    let columns = [
        ("data", false),
        ("budget", false),
        ("method", false),
        ("search", true),
        ("train", true),
        ("test", true),
    ];
    TableView::new(&columns, rows)
}

impl TableView {
    fn new(columns: &[(&str, bool)], rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        let rows = rows.into_iter().map(|cells| RowView {
            opens: false,
            cells: cells
                .into_iter()
                .zip(columns)
                .map(|(text, &(_, number))| CellView { text, number, best: false })
                .collect(),
        });
        let columns =
            columns.iter().map(|&(name, numbers)| ColumnView { name: name.to_owned(), numbers }).collect();
        Self { columns, rows: rows.collect() }
    }

    fn of_grid(grid: &Grid) -> Self {
        let columns: Vec<_> = grid.columns.iter().map(|column| (column.name, column.numbers)).collect();
        let mut view = Self::new(&columns, grid.rows.iter().map(|row| row.cells.clone()));
        for (shown, row) in view.rows.iter_mut().zip(&grid.rows) {
            shown.opens = row.opens;
            for (cell, (name, _)) in shown.cells.iter_mut().zip(&columns) {
                cell.best = row.best && *name == BEST_IN;
            }
        }
        view
    }
}

/// Charts without a point are left out.
fn draw(charts: impl IntoIterator<Item = Chart>) -> Vec<String> {
    let shown = |chart: &Chart| chart.series.iter().any(|series| !series.points.is_empty());
    charts.into_iter().filter(shown).map(|chart| plot::svg(&chart)).collect()
}

fn seconds(value: f64) -> String {
    format!("{value:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Method;
    use crate::report::examples;

    fn run(method: Method) -> SavedRun {
        let result = examples::result(method, "mean:8", 42);
        let command = Some("scall run --data '<script>alert(1)</script>'".to_owned());
        SavedRun { document: result.document, trace: result.trace, command }
    }

    fn check(page: &Page) {
        assert_eq!(page.html.matches("<svg").count(), page.charts);
        for foreign in ["<script", "http://", "https://", "src=", "href=", "@import", "url("] {
            let html = page.html.replace("http://www.w3.org/2000/svg", "").replace("url(#chart-", "");
            let found = html.contains(foreign);
            assert!(!found, "{foreign} in the page");
        }
    }

    #[test]
    fn a_run_shows_all_that_it_left() {
        let page = page(&Saved::Run(Box::new(run(Method::Scall)))).unwrap();
        // Quality, memory; sizes, users, items; share, shapes, rewards; time.
        assert_eq!(page.charts, 9);
        for text in [
            "mean:8 (18,336 parameters, 73,344 bytes as f32)",
            "scall run --data &#39;&#60;script&#62;alert(1)",
            "&lt;i&gt;7&lt;/i&gt; (57)",
            "<td>42</td>",
        ] {
            assert!(page.html.contains(text), "{text}");
        }
        check(&page);
    }

    #[test]
    fn a_method_without_a_search_says_so() {
        let page = page(&Saved::Run(Box::new(run(Method::Uniform)))).unwrap();
        assert_eq!(page.charts, 6);
        assert!(page.html.contains("This method tries no candidates."));
    }

    #[test]
    fn a_comparison_shows_every_stream_and_an_example_of_each_method() {
        let examples = vec![run(Method::Scall), run(Method::Uniform)];
        let document = examples::two_streams();
        let saved = SavedComparison { document, examples, command: None };
        let page = page(&Saved::Comparison(Box::new(saved))).unwrap();
        // By memory and budget, and two by segment for each budget that a stream has; rows twice; one search.
        assert_eq!(page.charts, (2 + 2 * 2) + (2 + 2) + 2 * 3 + 3);
        assert!(page.html.contains("Quality against memory: &#60;script&#62;_|&#38;%.csv"));
        assert!(page.html.contains("<b>0.1550 ± 0.0015</b>"));
        check(&page);
    }

    #[test]
    fn results_of_nothing_are_a_page_too() {
        let document = crate::report::summary::compare(Vec::new());
        let saved = SavedComparison { document, examples: Vec::new(), command: None };
        assert_eq!(page(&Saved::Comparison(Box::new(saved))).unwrap().charts, 0);
        let mut empty = run(Method::Scall);
        empty.document.segments.clear();
        empty.trace = crate::report::trace::Trace::default();
        let page = page(&Saved::Run(Box::new(empty))).unwrap();
        assert_eq!(page.charts, 0);
        assert!(page.html.contains("The files with row sizes are not there."));
    }
}
