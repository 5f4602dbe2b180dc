//! Documents as CSV: one header, one row a record, numbers in the same form as in JSON.

use std::io::{self, Write};

use csv::{Writer, WriterBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::document::{RunDocument, SizeCounts, SummaryRow};
use super::trace::{Growth, RankedSize, Step};
use crate::experiment::name_of;

/// One row per segment.
///
/// # Errors
/// If `out` cannot be written to.
pub fn segments(document: &RunDocument, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record([
        "index",
        "users",
        "items",
        "new_users",
        "new_items",
        "train",
        "test",
        "tested_users",
        "budget_parameters",
        "parameters_used",
        "bytes_used",
        "user_share",
        "user_shape",
        "item_shape",
        "recall@20",
        "ndcg@20",
        "recall@5",
        "ndcg@5",
        "recall@10",
        "ndcg@10",
        "search_seconds",
        "train_seconds",
        "test_seconds",
    ])?;
    for segment in &document.segments {
        let action = |value: Option<f32>| value.map(number).unwrap_or_default();
        csv.write_record([
            segment.index.to_string(),
            segment.users.to_string(),
            segment.items.to_string(),
            segment.new_users.to_string(),
            segment.new_items.to_string(),
            segment.train.to_string(),
            segment.test.to_string(),
            segment.tested_users.to_string(),
            segment.budget_parameters.to_string(),
            segment.parameters_used.to_string(),
            segment.bytes_used.to_string(),
            action(segment.action.map(|action| action.user_share)),
            action(segment.action.map(|action| action.user_shape)),
            action(segment.action.map(|action| action.item_shape)),
            number(segment.quality.recall),
            number(segment.quality.ndcg),
            number(segment.quality.recall_at_5),
            number(segment.quality.ndcg_at_5),
            number(segment.quality.recall_at_10),
            number(segment.quality.ndcg_at_10),
            number(segment.search_seconds),
            number(segment.train_seconds),
            number(segment.test_seconds),
        ])?;
    }
    csv.flush()
}

/// One row per side and size that occurs, largest first.
///
/// # Errors
/// If `out` cannot be written to.
pub fn sizes(counts: &SizeCounts, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record(["side", "size", "entities"])?;
    for (side, counts) in [("user", &counts.user), ("item", &counts.item)] {
        for (size, entities) in counts.iter().enumerate().rev().filter(|(_, entities)| **entities > 0) {
            csv.write_record([side, &size.to_string(), &entities.to_string()])?;
        }
    }
    csv.flush()
}

/// One row per stream, budget, method and storage.
///
/// # Errors
/// If `out` cannot be written to.
pub fn summary(rows: &[SummaryRow], out: &mut dyn Write) -> io::Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record([
        "dataset",
        "base",
        "method",
        "storage",
        "budget",
        "recall@20_mean",
        "recall@20_std",
        "ndcg@20_mean",
        "ndcg@20_std",
        "seeds",
        "best_other",
        "best_other_storage",
        "pairs",
        "p_value_vs_best_other",
        "p_value_holm",
        "p_value_wilcoxon",
        "p_value_wilcoxon_holm",
        "first_or_tied",
        "budget_violations",
        "held_bytes",
        "held_between_events",
        "search_seconds_mean",
        "search_seconds_std",
        "train_seconds_mean",
        "train_seconds_std",
    ])?;
    for row in rows {
        let p = |value: Option<f64>| value.map(number).unwrap_or_default();
        csv.write_record([
            row.dataset.clone(),
            name_of(&row.base),
            row.method.name().to_owned(),
            name_of(&row.storage),
            row.budget.to_string(),
            number(row.recall.mean),
            number(row.recall.std),
            number(row.ndcg.mean),
            number(row.ndcg.std),
            row.seeds.to_string(),
            row.best_other.map(|method| method.name().to_owned()).unwrap_or_default(),
            row.best_other_storage.map(|storage| name_of(&storage)).unwrap_or_default(),
            row.pairs.to_string(),
            p(row.p_value_vs_best_other),
            p(row.p_value_holm),
            p(row.p_value_wilcoxon),
            p(row.p_value_wilcoxon_holm),
            row.first_or_tied.to_string(),
            row.budget_violations.to_string(),
            row.held_bytes.to_string(),
            row.held_between_events.to_string(),
            number(row.search_seconds.mean),
            number(row.search_seconds.std),
            number(row.train_seconds.mean),
            number(row.train_seconds.std),
        ])?;
    }
    csv.flush()
}

/// One row per candidate of a search.
///
/// # Errors
/// If `out` cannot be written to.
pub fn steps(steps: &[Step], out: &mut dyn Write) -> io::Result<()> {
    let header = ["segment", "candidate", "user_share", "user_shape", "item_shape", "reward", "chosen"];
    records(&header, steps, out)
}

/// One row per followed entity and segment.
///
/// # Errors
/// If `out` cannot be written to.
pub fn growth(growth: &[Growth], out: &mut dyn Write) -> io::Result<()> {
    records(&["side", "entity", "interactions", "segment", "size"], growth, out)
}

/// One row per side and rank.
///
/// # Errors
/// If `out` cannot be written to.
pub fn ranks(ranks: &[RankedSize], out: &mut dyn Write) -> io::Result<()> {
    records(&["side", "rank", "size"], ranks, out)
}

/// Reads what one of the functions above wrote.
///
/// # Errors
/// What is wrong with which line.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<Vec<T>, csv::Error> {
    csv::Reader::from_reader(text).deserialize().collect()
}

/// The header stands there without a row too.
fn records<T: Serialize>(header: &[&str], rows: &[T], out: &mut dyn Write) -> io::Result<()> {
    let mut csv = WriterBuilder::new().has_headers(false).from_writer(out);
    csv.write_record(header)?;
    rows.iter().try_for_each(|row| csv.serialize(row))?;
    csv.flush()
}

/// The shortest text that reads back as the same number.
fn number(value: impl Serialize) -> String {
    serde_json::to_string(&value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Method;
    use crate::report::{examples, summary};
    use crate::snapshot;

    fn text(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn segments_look_like_this() {
        let run = examples::run(Method::Scall, "mean:8", 42);
        snapshot::check("segments.csv", &text(|out| segments(&run, out)));
    }

    #[test]
    fn a_method_without_an_action_leaves_its_cells_empty() {
        let text = text(|out| segments(&examples::run(Method::Uniform, "mean:8", 42), out));
        assert!(text.lines().nth(1).unwrap().contains(",,,,"), "{text}");
    }

    #[test]
    fn sizes_look_like_this() {
        let counts = SizeCounts::of([3, 1, 1], [2, 0]);
        assert_eq!(
            text(|out| sizes(&counts, out)),
            "side,size,entities\nuser,3,1\nuser,1,2\nitem,2,1\nitem,0,1\n"
        );
    }

    #[test]
    fn what_charts_need_reads_back_the_same() {
        let trace = examples::result(Method::Scall, "mean:8", 42).trace;
        assert_eq!(read::<Step>(text(|out| steps(&trace.steps, out)).as_bytes()).unwrap(), trace.steps);
        assert_eq!(read::<Growth>(text(|out| growth(&trace.growth, out)).as_bytes()).unwrap(), trace.growth);
        let written = text(|out| ranks(&trace.ranks, out));
        assert!(written.starts_with("side,rank,size\nuser,1,65\n"), "{written}");
        assert_eq!(read::<RankedSize>(written.as_bytes()).unwrap(), trace.ranks);
        let none = text(|out| steps(&[], out));
        assert_eq!(none, "segment,candidate,user_share,user_shape,item_shape,reward,chosen\n");
        assert_eq!(read::<Step>(none.as_bytes()).unwrap(), []);
    }

    #[test]
    fn a_summary_looks_like_this() {
        let runs = [Method::Uniform, Method::Scall]
            .into_iter()
            .flat_map(|method| (1..=3).map(move |seed| examples::run(method, "mean:8", seed)))
            .collect();
        snapshot::check("comparison.csv", &text(|out| summary(&summary::compare(runs).summary, out)));
    }
}
