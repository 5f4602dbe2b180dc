//! Documents as CSV: one header, one row a record, numbers in the same form as in JSON.

use std::io::{self, Write};

use csv::Writer;
use serde::Serialize;

use super::document::{RunDocument, SizeCounts, SummaryRow};

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
        "search_seconds",
        "train_seconds",
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
            number(segment.search_seconds),
            number(segment.train_seconds),
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

/// One row per method and budget.
///
/// # Errors
/// If `out` cannot be written to.
pub fn summary(rows: &[SummaryRow], out: &mut dyn Write) -> io::Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record([
        "method",
        "budget",
        "recall@20_mean",
        "recall@20_std",
        "ndcg@20_mean",
        "ndcg@20_std",
        "seeds",
        "best_other",
        "pairs",
        "p_value_vs_best_other",
        "p_value_holm",
        "p_value_wilcoxon",
        "budget_violations",
    ])?;
    for row in rows {
        let p = |value: Option<f64>| value.map(number).unwrap_or_default();
        csv.write_record([
            row.method.to_string(),
            row.budget.to_string(),
            number(row.recall.mean),
            number(row.recall.std),
            number(row.ndcg.mean),
            number(row.ndcg.std),
            row.seeds.to_string(),
            row.best_other.map(|method| method.to_string()).unwrap_or_default(),
            row.pairs.to_string(),
            p(row.p_value_vs_best_other),
            p(row.p_value_holm),
            p(row.p_value_wilcoxon),
            row.budget_violations.to_string(),
        ])?;
    }
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
    fn a_summary_looks_like_this() {
        let runs = [Method::Uniform, Method::Scall]
            .into_iter()
            .flat_map(|method| (1..=3).map(move |seed| examples::run(method, "mean:8", seed)))
            .collect();
        snapshot::check("summary.csv", &text(|out| summary(&summary::compare(runs).summary, out)));
    }
}
