//! A comparison as a table in LaTeX, for the package `booktabs`.

use super::comparison::{BEST_IN, grid};
use super::document::CompareDocument;

/// The `tabular`, and what a reader must know as comments.
pub fn comparison(document: &CompareDocument) -> String {
    let grid = grid(document);
    let mut text: String = grid.notes.iter().map(|note| format!("% {}\n", one_line(note))).collect();
    let alignment: String =
        grid.columns.iter().map(|column| if column.numbers { 'r' } else { 'l' }).collect();
    text.push_str(&format!("\\begin{{tabular}}{{{alignment}}}\n\\toprule\n"));
    let header: Vec<_> = grid.columns.iter().map(|column| escape(column.name)).collect();
    text.push_str(&format!("{} \\\\\n", header.join(" & ")));
    for row in &grid.rows {
        if row.opens {
            text.push_str("\\midrule\n");
        }
        let cells: Vec<_> = grid
            .columns
            .iter()
            .zip(&row.cells)
            .map(|(column, cell)| {
                let cell = escape(cell);
                if row.best && column.name == BEST_IN { format!("\\textbf{{{cell}}}") } else { cell }
            })
            .collect();
        text.push_str(&format!("{} \\\\\n", cells.join(" & ")));
    }
    text.push_str("\\bottomrule\n\\end{tabular}\n");
    text
}

fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// Text that stands for itself: no character of it is a command.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '<' => escaped.push_str("$<$"),
            '>' => escaped.push_str("$>$"),
            '|' => escaped.push_str("\\textbar{}"),
            '±' => escaped.push_str("$\\pm$"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', character]),
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
        snapshot::check("comparison.tex", &comparison(&examples::two_streams()));
    }

    #[test]
    fn names_are_no_commands() {
        assert_eq!(
            escape("a_b & 5% \\x{}^~\n#"),
            "a\\_b \\& 5\\% \\textbackslash{}x\\{\\}\\textasciicircum{}\\textasciitilde{} \\#"
        );
        assert_eq!(one_line("a\n\\input{x}"), "a \\input{x}");
    }
}
