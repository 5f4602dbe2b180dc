//! Bars for the terminal: quality and memory of every segment.

use super::document::RunDocument;
use super::table::grouped;

/// From empty to full, in eighths.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const BLUE: &str = "\u{1b}[34m";
const YELLOW: &str = "\u{1b}[33m";
const RESET: &str = "\u{1b}[0m";

/// How wide a chart is, and whether in colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canvas {
    /// Columns.
    pub width: usize,
    /// Whether the terminal understands colours and its owner wants them.
    pub colour: bool,
}

impl Canvas {
    /// What suits standard output: the width of the terminal, colours unless `NO_COLOR` is set or the output
    /// goes elsewhere.
    pub fn of_stdout() -> Self {
        let terminal = console::Term::stdout();
        let width = terminal.size_checked().map_or(80, |(_, columns)| usize::from(columns));
        let colour = terminal.is_term() && console::colors_enabled() && !refuses_colour();
        Self { width: width.clamp(60, 120), colour }
    }
}

/// <https://no-color.org>: any value but the empty one.
fn refuses_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Quality and memory per segment, one line each.
pub fn run(document: &RunDocument, canvas: Canvas) -> String {
    let best = document.segments.iter().map(|s| s.quality.recall).fold(0.0, f64::max);
    let most =
        document.segments.iter().map(|s| s.budget_parameters.max(s.parameters_used)).max().unwrap_or(0);
    let memory_width = grouped(most).len();
    // Two bars share what the labels leave.
    let bar = (canvas.width.saturating_sub(9 + 2 + 8 + 4 + 1 + memory_width) / 2).max(8);
    let mut text = format!("{:>9}  {:<bar$}{:>8}    memory\n", "segment", "recall@20", "");
    for segment in &document.segments {
        let recall = bar_of(segment.quality.recall, best, bar, BLUE, canvas.colour);
        let memory = bar_of(segment.parameters_used as f64, most as f64, bar, YELLOW, canvas.colour);
        text.push_str(&format!(
            "{:>9}  {recall}{:>8.4}    {memory} {:>memory_width$}\n",
            segment.index,
            segment.quality.recall,
            grouped(segment.parameters_used),
        ));
    }
    text
}

/// A bar of `value` where `full` fills `width` columns, padded to that width.
fn bar_of(value: f64, full: f64, width: usize, colour: &str, coloured: bool) -> String {
    let share = if full > 0.0 { (value / full).clamp(0.0, 1.0) } else { 0.0 };
    let eighths = (share * (width * 8) as f64).round() as usize;
    let rest = EIGHTHS.get(eighths % 8).copied().unwrap_or_default();
    let drawn = format!("{}{rest}", "█".repeat(eighths / 8));
    let padding = " ".repeat(width - drawn.chars().count());
    if coloured { format!("{colour}{drawn}{RESET}{padding}") } else { format!("{drawn}{padding}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Method;
    use crate::report::examples;
    use crate::snapshot;

    const PLAIN: Canvas = Canvas { width: 80, colour: false };

    #[test]
    fn a_run_looks_like_this() {
        let text = run(&examples::run(Method::Scall, "mean:8", 42), PLAIN);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        snapshot::check("chart.txt", &text);
    }

    #[test]
    fn colours_change_nothing_but_the_colours() {
        let document = examples::run(Method::Scall, "mean:8", 42);
        let coloured = run(&document, Canvas { colour: true, ..PLAIN });
        assert!(coloured.contains(BLUE) && coloured.contains(YELLOW));
        assert_eq!(console::strip_ansi_codes(&coloured), run(&document, PLAIN));
        assert!(!run(&document, PLAIN).contains('\u{1b}'));
    }

    #[test]
    fn bars_are_exact_to_an_eighth() {
        assert_eq!(bar_of(1.0, 1.0, 4, "", false), "████");
        assert_eq!(bar_of(0.5, 1.0, 4, "", false), "██  ");
        assert_eq!(bar_of(0.4, 1.0, 4, "", false), "█▋  ");
        assert_eq!(bar_of(0.0, 1.0, 4, "", false), "    ");
        assert_eq!(bar_of(0.0, 0.0, 4, "", false), "    ");
        assert_eq!(bar_of(9.0, 1.0, 4, "", false), "████");
        assert_eq!(bar_of(f64::NAN, 1.0, 4, "", false), "    ");
    }

    #[test]
    fn a_run_without_quality_or_segments_is_drawn_too() {
        let mut document = examples::run(Method::Uniform, "mean:8", 42);
        document.segments.iter_mut().for_each(|segment| segment.quality.recall = 0.0);
        assert!(run(&document, PLAIN).contains("0.0000"));
        document.segments.clear();
        assert_eq!(run(&document, PLAIN).lines().count(), 1);
    }
}
