//! `scall bench`: the rows that are promised, in their units.

use crate::support::{document, scall_line, text};

/// The rows that exist from the start, with the unit of their figure.
const PROMISED: &[(&str, &str)] = &[
    ("update/mean8", "updates/s"),
    ("update/mean32", "updates/s"),
    ("update/mean32/f16", "updates/s"),
    ("update/mean32/i8", "updates/s"),
    ("topk/100k/mean8/single", "queries/s"),
    ("topk/100k/mean8/single/i8", "queries/s"),
    ("topk/100k/dim64/batch256", "queries/s"),
    ("sizes/expected/1e6", "s"),
    ("sizes/draw/1e6", "s"),
    ("repack", "bytes/s"),
    ("memmove", "bytes/s"),
    ("sac/published/batch8", "s"),
    ("lightgcn/10k-1M-256", "s"),
    ("lightgcn/10k-1M-256/power-law16", "s"),
];

#[test]
fn every_promised_row_is_there_once_in_its_unit_with_a_figure_and_a_note() {
    let document = document(scall_line("bench --quick --json"));
    assert_eq!(document["schema"], 1);
    let rows = document["rows"].as_array().unwrap();
    for (name, unit) in PROMISED {
        let named: Vec<_> = rows.iter().filter(|row| row["name"] == *name).collect();
        assert_eq!(named.len(), 1, "{name} in {document}");
        assert_eq!(named[0]["unit"], *unit, "{name}");
    }
    for row in rows {
        let value = row["value"].as_f64().unwrap();
        assert!(value.is_finite() && value > 0.0, "{row}");
        assert!(row["note"].as_str().unwrap().contains("best of"), "{row}");
    }
}

#[test]
fn people_get_the_same_rows_as_a_table() {
    let table = text(scall_line("bench --quick --quiet"));
    for (name, _) in PROMISED {
        assert!(table.lines().any(|line| line.starts_with(&format!("{name} "))), "{name} in {table}");
    }
}
