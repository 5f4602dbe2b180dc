//! A comparison as rows of text, for every kind of table.

use super::contender::Contender;
use super::document::{CompareDocument, Spread, SummaryRow};
use super::table::{grouped, quality};
use crate::experiment::{Base, name_of};

/// A comparison as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    /// The columns, from left to right.
    pub(super) columns: Vec<Column>,
    /// One row per stream, budget, method and storage.
    pub(super) rows: Vec<Row>,
    /// What a reader must know, one sentence or two each.
    pub(super) notes: Vec<String>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// What stands over it.
    pub(super) name: &'static str,
    /// Whether it holds numbers, which stand to the right.
    pub(super) numbers: bool,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// One text per column.
    pub(super) cells: Vec<String>,
    /// Whether it is the best of its stream and budget, in [`BEST_IN`].
    pub(super) best: bool,
    /// Whether it is the first of its stream and budget.
    pub(super) opens: bool,
}

/// The column that methods are ranked by.
pub(super) const BEST_IN: &str = "recall@20";

/// How a column's text comes from a row.
type Cell = fn(&SummaryRow) -> String;

/// All columns: what is shown of a stream, a recommender or a storage is left out where there is only one.
const COLUMNS: [(&str, bool, Cell); 14] = [
    ("data", false, |row| row.dataset.clone()),
    ("base", false, |row| name_of(&row.base)),
    ("budget", false, |row| row.budget.to_string()),
    ("method", false, |row| row.method.to_string()),
    ("storage", false, |row| name_of(&row.storage)),
    (BEST_IN, true, |row| with_spread(row.recall, row.seeds)),
    ("ndcg@20", true, |row| with_spread(row.ndcg, row.seeds)),
    ("against", false, |row| row.opponent().map(|other| other.to_string()).unwrap_or_default()),
    ("p (t)", true, |row| probability(row.p_value_vs_best_other)),
    ("Holm", true, |row| probability(row.p_value_holm)),
    ("p (W)", true, |row| probability(row.p_value_wilcoxon)),
    ("Holm", true, |row| probability(row.p_value_wilcoxon_holm)),
    ("KiB", true, |row| grouped(row.held_bytes.div_ceil(1024))),
    ("search s", true, |row| format!("{:.2}", row.search_seconds.mean)),
];

/// The texts of a comparison.
pub(super) fn grid(document: &CompareDocument) -> Grid {
    let summary = &document.summary;
    let several = |cell: Cell| summary.windows(2).any(|pair| cell(&pair[0]) != cell(&pair[1]));
    let shown: Vec<_> = COLUMNS
        .into_iter()
        .filter(|(name, _, cell)| !["data", "base", "storage"].contains(name) || several(*cell))
        .collect();
    let columns = shown.iter().map(|&(name, numbers, _)| Column { name, numbers }).collect();
    let rows = summary.iter().enumerate().map(|(place, row)| Row {
        cells: shown.iter().map(|(_, _, cell)| cell(row)).collect(),
        best: is_best(row, summary),
        opens: place == 0 || !competes(row, &summary[place - 1]),
    });
    Grid { columns, rows: rows.collect(), notes: notes(document) }
}

/// One stream's methods side by side at every budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Overview {
    /// The stream, and the recommender where there are several.
    pub(super) title: String,
    /// As written.
    pub(super) budgets: Vec<String>,
    /// A method with its storage, and what it reaches at each budget: empty where it was not run.
    pub(super) methods: Vec<(String, Vec<Reached>)>,
}

/// What a method reaches, in [`BEST_IN`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reached {
    /// Mean and standard deviation.
    pub(super) text: String,
    /// Whether nothing else is better.
    pub(super) best: bool,
    /// Whether something else is better, by no more than chance.
    pub(super) tied: bool,
}

/// One overview per stream and recommender; none where a budget or a method stands alone.
pub(super) fn overviews(document: &CompareDocument) -> Vec<Overview> {
    let summary = &document.summary;
    let bases = distinct(summary.iter().map(|row| row.base));
    let budgets = distinct(summary.iter().map(|row| row.budget.to_string()));
    let contenders = distinct(summary.iter().map(SummaryRow::contender));
    if budgets.len() < 2 || contenders.len() < 2 {
        return Vec::new();
    }
    let overview = |(dataset, base): (&str, Base)| {
        let reached = |contender, budget: &String| {
            let row = summary.iter().find(|row| {
                (row.dataset.as_str(), row.base, row.contender()) == (dataset, base, contender)
                    && row.budget.to_string() == *budget
            });
            row.map_or_else(Reached::default, |row| {
                let best = is_best(row, summary);
                let text = with_spread(row.recall, row.seeds);
                Reached { text, best, tied: row.first_or_tied && !best }
            })
        };
        let several = if bases.len() > 1 { format!(", {}", name_of(&base)) } else { String::new() };
        Overview {
            title: format!("{dataset}{several}"),
            budgets: budgets.clone(),
            methods: contenders
                .iter()
                .map(|&contender| {
                    let cells = budgets.iter().map(|budget| reached(contender, budget));
                    (contender.to_string(), cells.collect())
                })
                .collect(),
        }
    };
    distinct(summary.iter().map(|row| (row.dataset.as_str(), row.base))).into_iter().map(overview).collect()
}

/// In order of first appearance.
fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.fold(Vec::new(), |mut known, next| {
        if !known.contains(&next) {
            known.push(next);
        }
        known
    })
}

fn notes(document: &CompareDocument) -> Vec<String> {
    let summary = &document.summary;
    let mut notes = Vec::new();
    let mut named: Vec<&str> = Vec::new();
    for run in &document.runs {
        let data = &run.dataset;
        if !named.contains(&data.name.as_str()) {
            named.push(&data.name);
            notes.push(format!(
                "{}: {} interactions of {} users and {} items",
                data.name,
                grouped(data.interactions),
                grouped(data.users),
                grouped(data.items)
            ));
        }
    }
    let seeds = summary.iter().map(|row| row.seeds).max().unwrap_or_default();
    let pairs = summary.iter().map(|row| row.pairs).max().unwrap_or_default();
    notes.push(format!("± is the standard deviation over {seeds} seed{}", if seeds == 1 { "" } else { "s" }));
    notes.push(format!(
        "p: two-sided, paired t-test and Wilcoxon signed-rank test of recall@20 against the best other method on \
         the same data at the same budget, paired over seeds and segments ({pairs} pairs), each beside its \
         correction by Holm for all {} rows",
        summary.len()
    ));
    notes.push(
        "KiB: all that is held at the peak: rows, tables beside them, what the method keeps and the recommender works in, and a trial's model"
            .to_owned(),
    );
    let absent = document.left_out.iter().map(|run| {
        let contender = Contender { method: run.method, storage: run.storage };
        let others_ran = summary.iter().any(|row| row.contender() == contender && row.budget == run.budget);
        let seed = if others_ran { format!(" with seed {}", run.seed) } else { String::new() };
        format!("{contender} at {}{seed}", run.budget)
    });
    let absent = distinct(absent);
    if !absent.is_empty() {
        notes.push(format!("left out, as the budget does not hold what they keep: {}", absent.join(", ")));
    }
    let contenders = distinct(summary.iter().map(SummaryRow::contender));
    if contenders.len() > 1 {
        let standing = contenders.iter().map(|contender| {
            let own = || summary.iter().filter(|row| row.contender() == *contender);
            let (all, first) = (own().count(), own().filter(|row| row.first_or_tied).count());
            format!("{contender} {first} of {all}")
        });
        notes.push(format!(
            "first, or behind by no more than chance (both corrected p from 0.05): {}",
            standing.collect::<Vec<_>>().join(", ")
        ));
    }
    let methods = distinct(summary.iter().map(|row| row.method));
    let uncapped = methods.iter().filter(|method| !method.card().capped).map(ToString::to_string);
    let uncapped: Vec<_> = uncapped.collect();
    if !uncapped.is_empty() {
        notes.push(format!("without a budget, at whatever memory it takes: {}", uncapped.join(", ")));
    }
    let violations: u64 = summary.iter().map(|row| row.budget_violations).sum();
    notes.push(format!("budget violations: {violations}"));
    notes
}

fn competes(row: &SummaryRow, other: &SummaryRow) -> bool {
    (&row.dataset, row.base, &row.budget) == (&other.dataset, other.base, &other.budget)
}

fn is_best(row: &SummaryRow, all: &[SummaryRow]) -> bool {
    let mut rivals =
        all.iter().filter(|other| competes(row, other) && other.contender() != row.contender()).peekable();
    rivals.peek().is_some() && rivals.all(|other| other.recall.mean < row.recall.mean)
}

fn with_spread(spread: Spread, values: usize) -> String {
    let mean = quality(spread.mean);
    if values > 1 { format!("{mean} ± {}", quality(spread.std)) } else { mean }
}

fn probability(value: Option<f64>) -> String {
    match value {
        None => String::new(),
        Some(value) if value < 0.0001 => "<0.0001".to_owned(),
        Some(value) => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Method;
    use crate::report::{examples, summary};

    #[test]
    fn what_all_rows_share_has_no_column() {
        let mut runs: Vec<_> =
            [Method::Uniform, Method::Scall].map(|method| examples::run(method, "mean:8", 1)).into();
        let names = |grid: &Grid| grid.columns.iter().map(|column| column.name).collect::<Vec<_>>();
        let one = grid(&summary::compare(runs.clone()));
        assert_eq!(names(&one)[..3], ["budget", "method", "recall@20"]);
        assert_eq!(
            one.rows.iter().map(|row| (row.opens, row.best)).collect::<Vec<_>>(),
            [(true, false), (false, true)]
        );

        let mut other = runs.clone();
        other.iter_mut().for_each(|run| run.dataset.name = "other".into());
        runs.extend(other);
        let two = grid(&summary::compare(runs));
        assert_eq!(names(&two)[..3], ["data", "budget", "method"]);
        assert_eq!(two.rows.iter().map(|row| row.opens).collect::<Vec<_>>(), [true, false, true, false]);
        assert!(two.rows.iter().all(|row| row.cells.len() == two.columns.len()));
        assert!(two.notes[1].starts_with("other: 99,287 interactions"), "{:?}", two.notes);
    }

    #[test]
    fn equal_means_have_no_best() {
        let runs = [Method::Uniform, Method::Random].map(|method| examples::run(method, "mean:8", 1));
        assert!(grid(&summary::compare(runs.into())).rows.iter().all(|row| !row.best));
    }
}
