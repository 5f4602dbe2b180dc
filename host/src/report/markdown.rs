//! A comparison as a table in Markdown.

use super::comparison::{BEST_IN, Overview, Reached, grid, overviews};
use super::document::CompareDocument;

/// An overview of each stream, the table, and what a reader must know.
pub fn comparison(document: &CompareDocument) -> String {
    let grid = grid(document);
    let mut text: String = overviews(document).iter().map(overview).collect();
    text.push_str(&line(&mut grid.columns.iter().map(|column| column.name.to_owned())));
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

/// A stream's methods side by side at every budget.
fn overview(of: &Overview) -> String {
    let cell = |reached: &Reached| match (reached.best, reached.tied) {
        (true, _) => format!("**{}**", escape(&reached.text)),
        (false, true) => format!("{} =", escape(&reached.text)),
        (false, false) => escape(&reached.text),
    };
    let budgets = of.budgets.iter().map(|budget| escape(budget));
    let mut text = format!(
        "{}: {BEST_IN}, the best in bold, what is behind it by no more than chance with =\n\n",
        escape(&of.title)
    );
    text.push_str(&line(&mut core::iter::once("method".to_owned()).chain(budgets)));
    text.push_str(&line(
        &mut core::iter::once("---").chain(of.budgets.iter().map(|_| "---:")).map(str::to_owned),
    ));
    for (method, cells) in &of.methods {
        text.push_str(&line(&mut core::iter::once(escape(method)).chain(cells.iter().map(cell))));
    }
    text.push('\n');
    text
}

fn line(cells: &mut dyn Iterator<Item = String>) -> String {
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
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
