//! A comparison as a table in Markdown.

use super::comparison::{BEST_IN, grid};
use super::document::CompareDocument;

/// The table, and what a reader must know.
pub fn comparison(document: &CompareDocument) -> String {
    let grid = grid(document);
    let line = |cells: &mut dyn Iterator<Item = String>| {
        let cells: Vec<_> = cells.collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut text = line(&mut grid.columns.iter().map(|column| column.name.to_owned()));
    text.push_str(&line(
        &mut grid.columns.iter().map(
            |column| {
                if column.numbers { "---:".to_owned() } else { "---".to_owned() }
            },
        ),
    ));
    for row in &grid.rows {
        text.push_str(&line(&mut grid.columns.iter().zip(&row.cells).map(|(column, cell)| {
            let cell = escape(cell);
            if row.best && column.name == BEST_IN { format!("**{cell}**") } else { cell }
        })));
    }
    text.push('\n');
    for note in &grid.notes {
        text.push_str(&format!("- {}\n", escape(note)));
    }
    text
}

/// Text that stands for itself: neither markup nor the end of a cell.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '&' | '~' => {
                escaped.extend(['\\', character]);
            }
            control if control.is_control() => escaped.push(' '),
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::examples;
    use crate::snapshot;

    #[test]
    fn a_comparison_looks_like_this() {
        snapshot::check("comparison.md", &comparison(&examples::two_streams()));
    }

    #[test]
    fn names_are_no_markup() {
        assert_eq!(escape("a|b\n<script>*x*_y_"), "a\\|b \\<script\\>\\*x\\*\\_y\\_");
    }
}
