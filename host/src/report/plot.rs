//! Lines, points and steps as an SVG that can stand alone or inside a page, readable in light and in dark.
//!
//! The one place that knows the plotting library.

use kuva::backend::svg::SvgBackend;
use kuva::plot::{LegendPosition, LinePlot, LineStyle, ScatterPlot};
use kuva::render::layout::{Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::render::render_multiple;
use kuva::render::theme::Theme;

/// The colour of each series on a light and on a dark ground: after those of Okabe and Ito, which most kinds
/// of colour blindness keep apart, each at a contrast of 3 or more to its ground.
const COLOURS: [(&str, &str); 6] = [
    ("#0072b2", "#56b4e9"),
    ("#d55e00", "#f0803c"),
    ("#00855f", "#2fc39a"),
    ("#b5598d", "#dd92bd"),
    ("#8a6d00", "#e6b422"),
    ("#5b5ea6", "#9fa2e8"),
];

/// How lines are drawn: the first as many as there are colours, then the next.
const STYLES: [LineStyle; 4] = [LineStyle::Solid, LineStyle::Dashed, LineStyle::Dotted, LineStyle::DashDot];

/// What each part of the chart is drawn in, on a light and on a dark ground. A viewer that knows no style
/// sheets shows the light one.
const GROUND: (&str, &str) = ("#fdfdfd", "#16181d");
const TEXT: (&str, &str) = ("#22262b", "#e3e6ea");
const AXIS: (&str, &str) = ("#55595f", "#a4a9b0");
const GRID: (&str, &str) = ("#dcdfe3", "#343941");

/// Whole numbers are ticked one by one up to this many.
const MOST_TICKS: f64 = 12.0;

/// A chart of one or more series over the same axes.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What is shown.
    pub title: String,
    /// What goes to the right, with its unit.
    pub x_label: String,
    /// What goes up, with its unit.
    pub y_label: String,
    /// How it goes to the right.
    pub x: Axis,
    /// How it goes up.
    pub y: Scale,
    /// What is drawn, in the order of the legend.
    pub series: Vec<Series>,
}

/// One line of a chart.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// From left to right.
    pub points: Vec<Point>,
    /// How it is drawn.
    pub kind: Kind,
}

/// How a chart goes to the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// By whole numbers.
    Whole,
    /// Equal distances are equal ratios.
    Logarithmic,
}

/// How a chart goes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// From zero, or from what lies below it.
    Linear,
    /// Equal distances are equal ratios: for positive values alone.
    Logarithmic,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Points that a line connects.
    Line,
    /// Points alone.
    Points,
    /// A step function.
    Steps,
    /// A broad line, for others to stay below.
    Limit,
}

/// One point, with how far its value may be off.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Upwards.
    pub y: f64,
    /// Half the length of its error bar, 0 for none.
    pub error: f64,
}

impl Point {
    /// A point without an error bar.
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y, error: 0.0 }
    }
}

/// Draws a chart.
pub fn svg(chart: &Chart) -> String {
    let drawn: Vec<_> = chart.series.iter().filter(|series| !series.points.is_empty()).collect();
    let mut plots = Vec::new();
    for (place, series) in drawn.iter().enumerate() {
        let (colour, _) = COLOURS[place % COLOURS.len()];
        // Once all colours have been used, dashes tell the next ones apart.
        let style = STYLES[place / COLOURS.len() % STYLES.len()].clone();
        plots.extend(draw(series, colour, style));
    }
    let theme = Theme {
        background: GROUND.0.into(),
        axis_color: AXIS.0.into(),
        grid_color: GRID.0.into(),
        tick_color: AXIS.0.into(),
        text_color: TEXT.0.into(),
        legend_bg: GROUND.0.into(),
        legend_border: GRID.0.into(),
        font_family: Some("system-ui, sans-serif".into()),
        ..Theme::light()
    };
    let mut layout =
        if plots.is_empty() { Layout::new((0.0, 1.0), (0.0, 1.0)) } else { Layout::auto_from_plots(&plots) };
    layout = layout
        .with_title(plain(&chart.title))
        .with_x_label(chart.x_label.as_str())
        .with_y_label(chart.y_label.as_str())
        .with_legend_position(LegendPosition::OutsideRightTop)
        .with_tick_format(TickFormat::Auto)
        .with_theme(theme);
    let all =
        |holds: fn(f64) -> bool| drawn.iter().flat_map(|series| &series.points).all(|point| holds(point.y));
    if chart.y == Scale::Logarithmic && all(|y| y > 0.0) {
        layout = layout.with_log_y();
    } else if all(|y| y >= 0.0) {
        layout = layout.with_y_axis_min(0.0);
    }
    layout = match chart.x {
        Axis::Logarithmic => layout.with_log_x(),
        Axis::Whole => {
            let right =
                drawn.iter().flat_map(|series| &series.points).map(|point| point.x).fold(0.0, f64::max);
            layout.with_x_tick_step((right / MOST_TICKS).ceil().max(1.0))
        }
    };
    let svg = SvgBackend::new().render_scene(&render_multiple(plots, layout));
    follow_the_reader(&renumbered(&svg), &chart.title)
}

/// What the library calls its clipping paths: by a count of the whole process.
const DRAWN_CLIP: &str = "kuva-clip-";

/// Names its clipping paths by their place in the chart, so that the same chart is always the same text.
fn renumbered(svg: &str) -> String {
    let mut text = String::with_capacity(svg.len());
    let mut names: Vec<&str> = Vec::new();
    let mut parts = svg.split(DRAWN_CLIP);
    text.extend(parts.next());
    for part in parts {
        let digits = part.find(|character: char| !character.is_ascii_digit()).unwrap_or(part.len());
        let (name, rest) = part.split_at(digits);
        let place = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        text.push_str(&format!("clip-{place}{rest}"));
    }
    text
}

/// A chart with names that differ from those of all other charts of a page.
pub fn as_part_of_page(svg: &str, place: usize) -> String {
    svg.replace(" id=\"clip-", &format!(" id=\"chart-{place}-clip-"))
        .replace("=\"url(#clip-", &format!("=\"url(#chart-{place}-clip-"))
}

/// The library takes text between dollars for mathematics.
fn plain(text: &str) -> String {
    text.replace('$', "\\$")
}

fn draw(series: &Series, colour: &str, style: LineStyle) -> Vec<Plot> {
    let points = || series.points.iter().map(|point| (point.x, point.y));
    let name = plain(&series.name);
    let line = LinePlot::new()
        .with_data(points())
        .with_color(colour)
        .with_stroke_width(2.0)
        .with_line_style(style)
        .with_legend(&name);
    match series.kind {
        Kind::Steps => return vec![line.with_step().into()],
        Kind::Limit => return vec![line.with_stroke_width(6.0).into()],
        Kind::Points => {
            let marks = ScatterPlot::new().with_data(points()).with_color(colour).with_size(3.5);
            return vec![marks.with_legend(&name).into()];
        }
        Kind::Line => {}
    }
    let mut marks = ScatterPlot::new().with_data(points()).with_color(colour).with_size(3.0);
    if series.points.iter().any(|point| point.error > 0.0) {
        marks = marks.with_y_err(series.points.iter().map(|point| point.error));
    }
    vec![line.into(), marks.into()]
}

/// Adds what a reader without eyes hears, a frame that scales, and the style sheet for dark surroundings.
fn follow_the_reader(svg: &str, title: &str) -> String {
    let Some((opening, rest)) = svg.split_once('>') else { return svg.to_owned() };
    let attribute = |name: &str| {
        let (_, value) = opening.split_once(&format!(" {name}=\""))?;
        value.split_once('"').map(|(value, _)| value)
    };
    let frame = match (attribute("viewBox"), attribute("width"), attribute("height")) {
        (None, Some(width), Some(height)) => format!(" viewBox=\"0 0 {width} {height}\""),
        _ => String::new(),
    };
    let mut style = String::new();
    for (light, dark) in [GROUND, TEXT, AXIS, GRID].into_iter().chain(COLOURS) {
        style.push_str(&format!("[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}"));
    }
    let title = title.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    format!(
        "{opening}{frame} role=\"img\"><title>{title}</title><style>@media (prefers-color-scheme:dark){{{style}}}</style>{rest}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(series: Vec<Series>) -> Chart {
        Chart {
            title: "Recall <20> & more".into(),
            x_label: "segment".into(),
            y_label: "recall@20".into(),
            x: Axis::Whole,
            y: Scale::Linear,
            series,
        }
    }

    fn series(name: &str, points: &[(f64, f64)]) -> Series {
        Series {
            name: name.into(),
            points: points.iter().map(|(x, y)| Point::new(*x, *y)).collect(),
            kind: Kind::Line,
        }
    }

    #[test]
    fn it_names_its_series_axes_and_title() {
        let svg =
            svg(&chart(vec![series("scall", &[(1.0, 0.1), (2.0, 0.2)]), series("uniform", &[(1.0, 0.15)])]));
        for text in ["scall", "uniform", "segment", "recall@20", "<title>Recall &lt;20> &amp; more</title>"] {
            assert!(svg.contains(text), "{text} is missing in\n{svg}");
        }
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn every_colour_has_a_dark_twin_and_series_differ() {
        let svg = svg(&chart(vec![series("a", &[(1.0, 0.1), (2.0, 0.2)]), series("b", &[(1.0, 0.15)])]));
        for (light, dark) in [GROUND, TEXT, AXIS, GRID].into_iter().chain(COLOURS) {
            assert!(svg.contains(&format!("[fill=\"{light}\"]{{fill:{dark}}}")));
        }
        let body = svg.split_once("</style>").unwrap().1;
        for (start, _) in body.match_indices("=\"#") {
            let colour = &body[start + 2..start + 9];
            let mut known = [GROUND, TEXT, AXIS, GRID].into_iter().chain(COLOURS);
            assert!(
                known.any(|(light, _)| light == colour),
                "{colour} would not follow the reader's light or dark"
            );
        }
        assert!(body.contains(COLOURS[0].0) && body.contains(COLOURS[1].0));
        for name in ["\"black\"", "\"white\""] {
            assert!(!body.contains(name), "{name} would not follow the reader's light or dark");
        }
    }

    /// By the formula of the Web Content Accessibility Guidelines, its power of 2.4 taken as between 2 and 3.
    fn contrast(one: &str, other: &str) -> f64 {
        let luminance = |colour: &str| {
            let channel = |at: usize| {
                let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
                let base = (value + 0.055) / 1.055;
                if value <= 0.04045 { value / 12.92 } else { 0.6 * base * base + 0.4 * base * base * base }
            };
            0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
        };
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        one.max(other) / one.min(other)
    }

    #[test]
    fn everything_drawn_stands_out_on_both_grounds() {
        for (light, dark) in [TEXT, AXIS].into_iter().chain(COLOURS) {
            assert!(contrast(light, GROUND.0) >= 3.0, "{light}: {}", contrast(light, GROUND.0));
            assert!(contrast(dark, GROUND.1) >= 3.0, "{dark}: {}", contrast(dark, GROUND.1));
        }
    }

    #[test]
    fn nothing_a_single_point_and_equal_values_are_drawn_without_a_number_that_is_none() {
        for points in [&[][..], &[(1.0, 0.0)], &[(1.0, 0.5), (2.0, 0.5)], &[(1.0, 1e12), (2.0, 4e12)]] {
            for (x, y) in [(Axis::Whole, Scale::Logarithmic), (Axis::Logarithmic, Scale::Linear)] {
                let svg = svg(&Chart { x, y, ..chart(vec![series("only", points)]) });
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{points:?}\n{svg}");
            }
        }
    }

    #[test]
    fn names_are_shown_as_they_are_and_are_no_markup() {
        let svg = svg(&chart(vec![series("<script>$x^2$</script>", &[(1.0, 0.1), (2.0, 0.2)])]));
        assert!(svg.contains("&lt;script&gt;$x^2$&lt;/script&gt;"), "{svg}");
        assert!(!svg.contains("<script"));
    }

    #[test]
    fn the_same_chart_is_the_same_text_and_charts_of_a_page_share_no_name() {
        let drawn = || svg(&chart(vec![series("a", &[(1.0, 0.1), (2.0, 0.2)])]));
        let first = drawn();
        assert_eq!(drawn(), first);
        assert!(first.contains(" viewBox=\"0 0 "));
        let (one, two) = (as_part_of_page(&first, 1), as_part_of_page(&first, 2));
        assert!(one.contains(" id=\"chart-1-clip-0\"") && one.contains("url(#chart-1-clip-0)"));
        assert!(!two.contains("chart-1-") && !one.contains("\"clip-") && !one.contains("(#clip-"));
    }

    #[test]
    fn after_all_colours_come_dashes() {
        let many: Vec<_> =
            (0..=COLOURS.len()).map(|n| series(&n.to_string(), &[(1.0, 0.1), (2.0, 0.2)])).collect();
        assert!(!svg(&chart(many[1..].to_vec())).contains("stroke-dasharray"));
        assert!(svg(&chart(many)).contains("stroke-dasharray"));
    }

    #[test]
    fn an_error_bar_is_drawn_where_there_is_an_error() {
        let mut with_errors = series("a", &[(1.0, 0.1), (2.0, 0.2)]);
        let without = svg(&chart(vec![with_errors.clone()]));
        with_errors.points.iter_mut().for_each(|point| point.error = 0.01);
        assert!(svg(&chart(vec![with_errors])).len() > without.len());
    }
}
