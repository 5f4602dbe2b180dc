//! Documents as tables for people.

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use super::comparison::{BEST_IN, grid};
use super::document::{
    BenchDocument, CompareDocument, DataStatsDocument, FetchedDocument, HeldParts, KnownSetsDocument,
    MethodsDocument, PreparedDocument, PublishedProtocol, RunDocument, SizeCounts, SizesDocument, Total,
};
use crate::experiment::methods::MethodCard;
use crate::experiment::name_of;

/// The width of notes under a table.
const NOTE: usize = 110;

/// A run: what was read, one line a segment, and the mean.
pub fn run(document: &RunDocument) -> String {
    let data = &document.dataset;
    let mut text = format!(
        "{}: {} interactions of {} users and {} items\n{} on {}, budget {} ({} parameters, {} bytes as {}), \
         seed {}\n\n",
        data.name,
        grouped(data.interactions),
        grouped(data.users),
        grouped(data.items),
        document.method,
        name_of(&document.base),
        document.budget.spec,
        grouped(document.budget.parameters),
        grouped(document.budget.bytes),
        name_of(&document.storage),
        document.seed,
    );
    if let Some(published) = &document.published {
        text.insert_str(text.len() - 1, &protocol(published));
    }
    let mut sheet = Sheet::new(
        &[],
        &[
            "segment",
            "users",
            "items",
            "train",
            "test",
            "tested",
            "budget",
            "used",
            "recall@20",
            "ndcg@20",
            "search s",
            "train s",
        ],
    );
    for segment in &document.segments {
        sheet.row([
            segment.index.to_string(),
            grouped(segment.users),
            grouped(segment.items),
            grouped(segment.train),
            grouped(segment.test),
            grouped(segment.tested_users),
            grouped(segment.budget_parameters),
            grouped(segment.parameters_used),
            quality(segment.quality.recall),
            quality(segment.quality.ndcg),
            seconds(segment.search_seconds),
            seconds(segment.train_seconds),
        ]);
    }
    let last = document.segments.len().saturating_sub(1);
    text.push_str(&sheet.text());
    if let Some(total) = &document.total {
        text.push_str(&format!("\n\nheld at any event: {}", held(total)));
    }
    let violations = if document.capped {
        format!("budget violations: {}", document.budget_violations)
    } else {
        "keeps no budget: `used` is what it holds".to_owned()
    };
    text.push_str(&format!(
        "\n\nmean of segments 1 to {last}: recall@20 {}, ndcg@20 {}\n{violations}; peak memory {:.1} MiB; {} s\n",
        quality(document.mean.recall),
        quality(document.mean.ndcg),
        document.peak_memory_bytes as f64 / f64::from(1 << 20),
        seconds(document.wall_seconds),
    ));
    text
}

/// What a budget for everything was spent on.
pub(super) fn held(total: &Total) -> String {
    let Total { bytes, held_bytes, parts: HeldParts { rows, tables, ids, seen, method, scratch } } = *total;
    let [bytes, held_bytes, rows, tables, ids, seen, method, scratch] =
        [bytes, held_bytes, rows, tables, ids, seen, method, scratch].map(grouped);
    format!(
        "at most {held_bytes} of {bytes} bytes: rows {rows}, tables {tables}, ids {ids}, seen \
         {seen}, method {method}, scratch {scratch}"
    )
}

/// What the published protocol was asked for, and where it departs from what was published.
fn protocol(published: &PublishedProtocol) -> String {
    let PublishedProtocol { new_entities, select, target_networks, policy_steps, reward_range: (low, high) } =
        published;
    format!(
        "published protocol: segments of {} new users and items; models selected by {}; target networks {}; \
         at most {policy_steps} policy steps; rewards from {low} to {high}\n",
        grouped((*new_entities).into()),
        name_of(select),
        name_of(target_networks),
    )
}

/// A comparison: one line per stream, budget and method, the best mean of each stream and budget marked.
pub fn compare(document: &CompareDocument) -> String {
    let grid = grid(document);
    let ranked = grid.columns.iter().position(|column| column.name == BEST_IN).unwrap_or_default();
    let mut header: Vec<&str> = grid.columns.iter().map(|column| column.name).collect();
    let mut texts: Vec<usize> = (0..header.len()).filter(|&place| !grid.columns[place].numbers).collect();
    // A column of its own for the mark.
    header.insert(ranked + 1, "");
    texts.iter_mut().filter(|place| **place > ranked).for_each(|place| *place += 1);
    texts.push(ranked + 1);
    let mut sheet = Sheet::new(&texts, &header);
    for row in &grid.rows {
        let mut cells = row.cells.clone();
        cells.insert(ranked + 1, if row.best { "best".to_owned() } else { String::new() });
        sheet.row(cells);
    }
    let mut text = format!("{}\n\n", sheet.text());
    for note in &grid.notes {
        text.push_str(&wrapped(note));
    }
    text
}

/// A note in lines of at most [`NOTE`] columns, where its words allow it.
fn wrapped(note: &str) -> String {
    let (mut text, mut column) = (String::new(), 0);
    for word in note.split(' ') {
        let width = word.chars().count();
        if column > 0 {
            let fits = column + 1 + width <= NOTE;
            text.push(if fits { ' ' } else { '\n' });
            column = if fits { column + 1 } else { 0 };
        }
        text.push_str(word);
        column += width;
    }
    text.push('\n');
    text
}

/// Sizes: how many there are of each.
pub fn sizes(document: &SizesDocument) -> String {
    let counts = SizeCounts::of(document.user_sizes.iter().copied(), document.item_sizes.iter().copied());
    let mut sheet = Sheet::new(&[], &["size", "users", "items"]);
    let sizes = counts.user.len().max(counts.item.len());
    let of = |side: &[u64], size: usize| side.get(size).copied().unwrap_or_default();
    for size in (0..sizes).rev() {
        let (users, items) = (of(&counts.user, size), of(&counts.item, size));
        if users + items > 0 {
            sheet.row([size.to_string(), grouped(users), grouped(items)]);
        }
    }
    format!(
        "{}\n\n{} of {} parameters used\n",
        sheet.text(),
        grouped(document.parameters_used),
        grouped(document.budget_parameters)
    )
}

/// What a file of interactions holds.
pub fn data_stats(document: &DataStatsDocument) -> String {
    let mut sheet = Sheet::new(&[0], &[]);
    let rows = [
        ("name", document.name.clone()),
        ("format", document.format.clone()),
        ("rows", grouped(document.rows)),
        ("skipped rows", grouped(document.skipped_rows)),
        ("interactions", grouped(document.interactions)),
        ("users", grouped(document.users)),
        ("items", grouped(document.items)),
        ("first timestamp", document.first_timestamp.to_string()),
        ("last timestamp", document.last_timestamp.to_string()),
    ];
    for (name, value) in rows {
        sheet.row([name, value.as_str()]);
    }
    format!("{}\n", sheet.text())
}

/// What the methods say of themselves: one paragraph each.
pub fn methods(document: &MethodsDocument) -> String {
    let paragraph = |card: &&MethodCard| {
        let budget = if card.capped { "kept exactly" } else { "none: reports the parameters that it holds" };
        let mut sheet = Sheet::new(&[0, 1], &[]);
        for (name, value) in [
            (card.label, card.summary),
            ("  decides", card.decides),
            ("  looks at", card.looks_at),
            ("  stores", card.stores),
            ("  budget", budget),
            ("  source", card.source),
        ] {
            sheet.row([name, value]);
        }
        sheet.text() + "\n"
    };
    document.methods.iter().map(paragraph).collect::<Vec<_>>().join("\n")
}

/// The data sets that can be fetched.
pub fn known_sets(document: &KnownSetsDocument) -> String {
    let mut sheet = Sheet::new(&[0, 1, 2], &["name", "checksum", "address"]);
    for set in &document.sets {
        sheet.row([set.name.as_str(), set.checksum.as_deref().unwrap_or("none published"), &set.url]);
    }
    format!("{}\n", sheet.text())
}

/// What was fetched, and how to go on.
pub fn fetched(document: &FetchedDocument) -> String {
    let how = if document.downloaded { "fetched" } else { "there already" };
    let options = document.options.iter().map(|option| format!(" {option}")).collect::<String>();
    format!(
        "{}: {how}, {} bytes, {} ({})\n--data {}{options}\n",
        document.name,
        grouped(document.bytes),
        document.checksum,
        document.checksum_from,
        document.path,
    )
}

/// What was written of a file of interactions.
pub fn prepared(document: &PreparedDocument) -> String {
    format!(
        "{}: {} interactions, {} of them with a rating, in {} bytes\n",
        document.path,
        grouped(document.interactions),
        grouped(document.ratings),
        grouped(document.bytes),
    )
}

/// What the hot paths reach.
pub fn bench(document: &BenchDocument) -> String {
    let mut sheet = Sheet::new(&[0, 2, 3], &["name", "value", "unit", "note"]);
    for row in &document.rows {
        sheet.row([row.name.as_str(), &significant(row.value), &row.unit, &row.note]);
    }
    format!("{}\n", sheet.text())
}

/// A table of numbers, to the right, and of texts, to the left, with a line under its header.
struct Sheet {
    table: Table,
    texts: Vec<usize>,
}

impl Sheet {
    /// `texts` are the columns that hold no numbers.
    fn new(texts: &[usize], header: &[&str]) -> Self {
        let line = LineStyle::none().fill('─').junction('─');
        let mut table = Table::new();
        table.load_style(TableStyle::new().header_separator(line));
        if !header.is_empty() {
            table.set_header(header.iter().copied());
        }
        Self { table, texts: texts.to_vec() }
    }

    fn row<T: ToString>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.table.add_row(cells.into_iter().map(|cell| cell.to_string()));
    }

    fn text(mut self) -> String {
        for (index, column) in self.table.column_iter_mut().enumerate() {
            let text = self.texts.contains(&index);
            column.set_cell_alignment(if text { CellAlignment::Left } else { CellAlignment::Right });
            column.set_padding((0, 1));
        }
        self.table.trim_fmt()
    }
}

pub(crate) fn quality(value: f64) -> String {
    format!("{value:.4}")
}

fn seconds(value: f64) -> String {
    format!("{value:.2}")
}

/// Four significant digits, without an exponent where that is readable.
fn significant(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => grouped(value.round() as u64),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 10.0 => format!("{value:.2}"),
        size if size >= 1.0 || value == 0.0 => format!("{value:.3}"),
        size if size >= 0.0001 => format!("{value:.6}"),
        _ => format!("{value:.3e}"),
    }
}

/// Digits in groups of three.
pub(crate) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Method;
    use crate::report::summary;
    use crate::report::{BenchRow, SCHEMA, examples};
    use crate::snapshot;

    #[test]
    fn a_run_looks_like_this() {
        snapshot::check("run.txt", &run(&examples::run(Method::Scall, "mean:8", 42)));
    }

    #[test]
    fn a_comparison_looks_like_this() {
        let runs = [Method::Uniform, Method::Scall]
            .into_iter()
            .flat_map(|method| (1..=3).map(move |seed| examples::run(method, "mean:8", seed)))
            .collect();
        snapshot::check("compare.txt", &compare(&summary::compare(runs)));
    }

    #[test]
    fn a_comparison_of_nobody_is_still_a_table() {
        assert!(compare(&summary::compare(Vec::new())).contains("budget violations: 0"));
    }

    #[test]
    fn sizes_look_like_this() {
        let document = SizesDocument {
            schema: SCHEMA,
            user_sizes: vec![4, 2, 1, 1],
            item_sizes: vec![2, 1, 0],
            budget_parameters: 12_000,
            parameters_used: 11,
        };
        snapshot::check("sizes.txt", &sizes(&document));
    }

    #[test]
    fn a_bench_looks_like_this() {
        let row = |name: &str, value, unit: &str, note: &str| BenchRow {
            name: name.into(),
            value,
            unit: unit.into(),
            note: note.into(),
        };
        let document = BenchDocument {
            schema: SCHEMA,
            rows: vec![
                row("update/mean8", 12_345_678.9, "updates/s", ""),
                row("sizes/expected/1e6", 0.00712, "s", "one side"),
            ],
        };
        snapshot::check("bench.txt", &bench(&document));
    }

    #[test]
    fn long_numbers_are_grouped() {
        let grouped: Vec<_> = [0, 999, 1000, 12_345, 1_234_567].map(grouped).into();
        assert_eq!(grouped, ["0", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn figures_keep_about_four_digits() {
        let texts: Vec<_> = [0.0, 0.000_012_3, 0.0123, 1.5, 45.678, 456.78, 1_234.5].map(significant).into();
        assert_eq!(texts, ["0.000", "1.230e-5", "0.012300", "1.500", "45.68", "456.8", "1,235"]);
    }
}
