//! Which charts there are, and what they show.

use super::document::{CompareDocument, Quality, RunDocument, Segment, SizeCounts, SummaryRow};
use super::plot::{Axis, Chart, Kind, Point, Scale, Series};
use super::statistics::spread;
use super::trace::{Candidate, Growth, RankedSize, SideName, Step};
use crate::budget::BudgetSpec;

/// Names are cut to this many characters, for there is no room in a legend.
const LONGEST_NAME: usize = 24;

/// Both metrics of a run, by segment.
pub fn quality_of_run(document: &RunDocument) -> Chart {
    let points = |value: fn(&Quality) -> f64| by_segment(document, |segment| value(&segment.quality));
    Chart {
        title: heading("Quality per segment", document),
        x_label: "segment".into(),
        y_label: "mean over tested users".into(),
        x: Axis::Whole,
        y: Scale::Linear,
        series: vec![line("recall@20", points(|q| q.recall)), line("ndcg@20", points(|q| q.ndcg))],
    }
}

/// Parameters of a run beside its budget, by segment.
pub fn memory_of_run(document: &RunDocument) -> Chart {
    let points = |value: fn(&Segment) -> u64| by_segment(document, |segment| value(segment) as f64);
    Chart {
        title: heading("Memory against budget", document),
        x_label: "segment".into(),
        y_label: "parameters".into(),
        x: Axis::Whole,
        y: Scale::Linear,
        series: vec![
            Series { kind: Kind::Limit, ..line("budget", points(|s| s.budget_parameters)) },
            line("used", points(|s| s.parameters_used)),
        ],
    }
}

/// Seconds of each phase of a run, by segment.
pub fn times_of_run(document: &RunDocument) -> Chart {
    Chart {
        title: heading("Time per phase", document),
        x_label: "segment".into(),
        y_label: "seconds".into(),
        x: Axis::Whole,
        y: Scale::Linear,
        series: vec![
            line("search", by_segment(document, |segment| segment.search_seconds)),
            line("train", by_segment(document, |segment| segment.train_seconds)),
            line("test", by_segment(document, |segment| segment.test_seconds)),
        ],
    }
}

/// Row sizes at the end of a run, largest first.
pub fn sizes_of_run(document: &RunDocument, sizes: &SizeCounts) -> Chart {
    let series = |name: &str, counts: &[u64]| Series { kind: Kind::Steps, ..line(name, steps(counts)) };
    Chart {
        title: heading("Sizes by rank", document),
        x_label: "rank, largest first".into(),
        y_label: "parameters of a row".into(),
        x: Axis::Logarithmic,
        y: Scale::Linear,
        series: vec![series("users", &sizes.user), series("items", &sizes.item)],
    }
}

/// Row sizes at the end of a run by how frequent their entities are.
pub fn sizes_by_frequency(document: &RunDocument, ranks: &[RankedSize]) -> Chart {
    let series = SideName::BOTH.map(|side| {
        let of_side = ranks.iter().filter(|row| row.side == side);
        let points = of_side.map(|row| Point::new(row.rank as f64, f64::from(row.size)));
        Series { kind: Kind::Points, ..line(side.plural(), points.collect()) }
    });
    Chart {
        title: heading("Row sizes by frequency", document),
        x_label: "rank by frequency, most frequent first".into(),
        y_label: "parameters of a row".into(),
        x: Axis::Logarithmic,
        y: Scale::Linear,
        series: series.into(),
    }
}

/// How rows of a few entities of one side grew and shrank.
pub fn growth_of_run(document: &RunDocument, growth: &[Growth], side: SideName) -> Chart {
    let mut series: Vec<Series> = Vec::new();
    let mut last = None;
    for row in growth.iter().filter(|row| row.side == side) {
        if last != Some(&row.entity) {
            last = Some(&row.entity);
            series.push(line(format!("{} ({})", cut(&row.entity), row.interactions), Vec::new()));
        }
        if let Some(series) = series.last_mut() {
            series.points.push(Point::new(row.segment as f64, f64::from(row.size)));
        }
    }
    Chart {
        title: heading(&format!("Rows of single {}, and their interactions", side.plural()), document),
        x_label: "segment".into(),
        y_label: "parameters of a row".into(),
        x: Axis::Whole,
        y: Scale::Linear,
        series,
    }
}

/// What the policy put out, and what it earned, candidate by candidate: its share, its shapes and the rewards.
pub fn search_of_run(document: &RunDocument, steps: &[Step]) -> [Chart; 3] {
    let numbered = || (1..).map(f64::from).zip(steps);
    let all = |name: &str, value: fn(&Step) -> f32| {
        let points = numbered().map(|(x, step)| Point::new(x, f64::from(value(step)))).collect();
        Series { kind: Kind::Points, ..line(name, points) }
    };
    let chosen = |name: &str, value: fn(&Step) -> f32| {
        let chosen = numbered().filter(|(_, step)| step.chosen);
        let points = chosen.map(|(x, step)| Point::new(x, f64::from(value(step)))).collect();
        Series { kind: Kind::Steps, ..line(name, points) }
    };
    let rewards = [Candidate::InForce, Candidate::Challenger, Candidate::Mean, Candidate::Draw].map(|kind| {
        let of_kind = numbered().filter(|(_, step)| step.candidate == kind);
        let points = of_kind.filter_map(|(x, step)| Some(Point::new(x, f64::from(step.reward?)))).collect();
        Series { kind: Kind::Points, ..line(kind.name(), points) }
    });
    let chart = |what: &str, y_label: &str, series: Vec<Series>| Chart {
        title: heading(what, document),
        x_label: "step of the search".into(),
        y_label: y_label.into(),
        x: Axis::Whole,
        y: Scale::Linear,
        series,
    };
    [
        chart(
            "Policy: the users' share",
            "share of the budget",
            vec![all("tried", |step| step.user_share), chosen("chosen", |step| step.user_share)],
        ),
        Chart {
            y: Scale::Logarithmic,
            ..chart(
                "Policy: the shapes",
                "shape, larger is more equal",
                vec![
                    all("users, tried", |step| step.user_shape),
                    chosen("users, chosen", |step| step.user_shape),
                    all("items, tried", |step| step.item_shape),
                    chosen("items, chosen", |step| step.item_shape),
                ],
            )
        },
        chart("Rewards of the search", "reward", rewards.into()),
    ]
}

/// Quality by budget, one line a method.
pub fn quality_by_budget(document: &CompareDocument, dataset: &str) -> Chart {
    let parameters = |row: &SummaryRow| {
        let runs = of_dataset(document, dataset);
        let same = |run: &&RunDocument| run.budget.spec == row.budget;
        runs.into_iter().find(same).map_or(0.0, |run| run.budget.parameters as f64)
    };
    quality_by(document, dataset, "Quality by budget", "budget in parameters", parameters)
}

/// Quality by all the bytes that are held between events, one line a method and storage, over a broad one through
/// those that nothing of fewer bytes reaches: the Pareto front.
pub fn quality_by_memory(document: &CompareDocument, dataset: &str) -> Chart {
    let kibibytes = |row: &SummaryRow| row.held_between_events as f64 / 1024.0;
    let label = "KiB held between events, everything included";
    let mut chart = quality_by(document, dataset, "Quality by memory", label, kibibytes);
    if chart.series.len() > 1 {
        let points = front(chart.series.iter().flat_map(|series| &series.points));
        chart.series.insert(0, Series { kind: Kind::Limit, ..line("front", points) });
    }
    chart
}

/// The points above all that are not to their right, from left to right.
fn front<'p>(points: impl Iterator<Item = &'p Point>) -> Vec<Point> {
    let mut points: Vec<_> = points.copied().collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(b.y.total_cmp(&a.y)));
    let mut highest = f64::NEG_INFINITY;
    points.retain(|point| {
        let above = point.y > highest;
        highest = highest.max(point.y);
        above
    });
    points
}

fn quality_by(
    document: &CompareDocument,
    dataset: &str,
    what: &str,
    x_label: &str,
    x: impl Fn(&SummaryRow) -> f64,
) -> Chart {
    let rows = || document.summary.iter().filter(|row| row.dataset == dataset);
    let series = distinct(rows().map(SummaryRow::contender)).map(|contender| {
        let own = rows().filter(|row| row.contender() == contender);
        let mut points: Vec<_> =
            own.map(|row| Point { x: x(row), y: row.recall.mean, error: row.recall.std }).collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        line(contender.to_string(), points)
    });
    Chart {
        title: format!("{what}: {}", cut(dataset)),
        x_label: x_label.into(),
        y_label: "recall@20, mean over seeds".into(),
        x: Axis::Logarithmic,
        y: Scale::Linear,
        series: series.collect(),
    }
}

/// Quality by segment at one budget, one line a method.
pub fn quality_at_budget(document: &CompareDocument, dataset: &str, budget: &BudgetSpec) -> Chart {
    Chart {
        y_label: "recall@20, mean over seeds".into(),
        ..at_budget(document, dataset, budget, "Quality per segment", |segment| segment.quality.recall)
    }
}

/// Parameters by segment at one budget, one line a method.
pub fn memory_at_budget(document: &CompareDocument, dataset: &str, budget: &BudgetSpec) -> Chart {
    let used = |segment: &Segment| segment.parameters_used as f64;
    let mut chart = at_budget(document, dataset, budget, "Memory per segment", used);
    let first = of_dataset(document, dataset).into_iter().find(|run| run.budget.spec == *budget);
    if let Some(run) = first {
        let points = by_segment(run, |segment| segment.budget_parameters as f64);
        chart.series.insert(0, Series { kind: Kind::Limit, ..line("budget", points) });
    }
    Chart { y_label: "parameters, mean over seeds".into(), ..chart }
}

fn at_budget(
    document: &CompareDocument,
    dataset: &str,
    budget: &BudgetSpec,
    what: &str,
    value: impl Fn(&Segment) -> f64,
) -> Chart {
    let mut runs = of_dataset(document, dataset);
    runs.retain(|run| run.budget.spec == *budget);
    let series = distinct(runs.iter().map(|run| run.contender())).map(|contender| {
        let own: Vec<_> = runs.iter().filter(|run| run.contender() == contender).collect();
        let segments = own.iter().map(|run| run.segments.len()).min().unwrap_or(0);
        let at = |index: usize| {
            let values: Vec<_> = own.iter().filter_map(|run| run.segments.get(index)).map(&value).collect();
            let spread = spread(&values);
            Point { x: index as f64, y: spread.mean, error: spread.std }
        };
        line(contender.to_string(), (0..segments).map(at).collect())
    });
    Chart {
        title: format!("{what}: {}, budget {budget}", cut(dataset)),
        x_label: "segment".into(),
        y_label: String::new(),
        x: Axis::Whole,
        y: Scale::Linear,
        series: series.collect(),
    }
}

fn of_dataset<'a>(document: &'a CompareDocument, dataset: &str) -> Vec<&'a RunDocument> {
    document.runs.iter().filter(|run| run.dataset.name == dataset).collect()
}

/// The names of the streams of a comparison, in their order.
pub fn datasets(document: &CompareDocument) -> Vec<&str> {
    distinct(document.runs.iter().map(|run| &run.dataset.name)).map(String::as_str).collect()
}

/// The budgets of a comparison, in their order.
pub fn budgets(document: &CompareDocument) -> Vec<&BudgetSpec> {
    distinct(document.runs.iter().map(|run| &run.budget.spec)).collect()
}

fn heading(what: &str, document: &RunDocument) -> String {
    let data = cut(&document.dataset.name);
    format!("{what}: {} on {data}, budget {}", document.method, document.budget.spec)
}

/// A name as long as there is room for.
fn cut(name: &str) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    name.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}

fn line(name: impl Into<String>, points: Vec<Point>) -> Series {
    Series { name: name.into(), points, kind: Kind::Line }
}

fn by_segment(document: &RunDocument, value: impl Fn(&Segment) -> f64) -> Vec<Point> {
    document.segments.iter().map(|segment| Point::new(segment.index as f64, value(segment))).collect()
}

/// The first and the last rank of every size that occurs, largest size first.
fn steps(counts: &[u64]) -> Vec<Point> {
    let mut points = Vec::new();
    let mut ranks = 0;
    for (size, count) in counts.iter().enumerate().rev().filter(|(_, count)| **count > 0) {
        points.push(Point::new((ranks + 1) as f64, size as f64));
        ranks += count;
        points.push(Point::new(ranks as f64, size as f64));
    }
    points
}

fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    let mut seen: Vec<T> = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Method;
    use crate::report::examples;

    fn xy(series: &Series) -> Vec<(f64, f64)> {
        series.points.iter().map(|point| (point.x, point.y)).collect()
    }

    #[test]
    fn steps_show_each_size_from_its_first_to_its_last_rank() {
        let points: Vec<_> = steps(&[1, 2, 0, 1]).iter().map(|point| (point.x, point.y)).collect();
        assert_eq!(points, [(1.0, 3.0), (1.0, 3.0), (2.0, 1.0), (3.0, 1.0), (4.0, 0.0), (4.0, 0.0)]);
    }

    #[test]
    fn each_followed_entity_has_a_line_of_its_own() {
        let row = |entity: &str, segment, size| Growth {
            side: SideName::Item,
            entity: entity.into(),
            interactions: 9,
            segment,
            size,
        };
        let growth = [row("a", 0, 4), row("a", 1, 6), row("an entity with a name of many letters", 1, 2)];
        let document = examples::run(Method::Scall, "mean:8", 42);
        let chart = growth_of_run(&document, &growth, SideName::Item);
        let names: Vec<_> = chart.series.iter().map(|series| series.name.as_str()).collect();
        assert_eq!(names, ["a (9)", "an entity with a name o… (9)"]);
        assert_eq!(xy(&chart.series[0]), [(0.0, 4.0), (1.0, 6.0)]);
        assert!(growth_of_run(&document, &growth, SideName::User).series.is_empty());
    }

    #[test]
    fn steps_of_a_search_are_numbered_through_all_segments() {
        let result = examples::result(Method::Scall, "mean:8", 42);
        let [share, shapes, rewards] = search_of_run(&result.document, &result.trace.steps);
        assert_eq!(share.series[0].points.len(), 6);
        assert_eq!(share.series[1].points.iter().map(|point| point.x).collect::<Vec<_>>(), [1.0, 5.0]);
        assert_eq!(shapes.series.len(), 4);
        let draws = rewards.series.iter().find(|series| series.name == "draw").unwrap();
        assert_eq!(xy(draws), [(3.0, -0.5), (6.0, -0.5)]);
    }

    #[test]
    fn the_front_is_what_nothing_cheaper_reaches() {
        let points = [(3.0, 0.5), (1.0, 0.2), (2.0, 0.4), (2.0, 0.3), (4.0, 0.5), (5.0, 0.6)];
        let points = points.map(|(x, y)| Point::new(x, y));
        let found = line("front", front(points.iter()));
        assert_eq!(xy(&found), [(1.0, 0.2), (2.0, 0.4), (3.0, 0.5), (5.0, 0.6)]);
    }

    #[test]
    fn memory_includes_everything_and_streams_do_not_mix() {
        let document = examples::two_streams();
        assert_eq!(datasets(&document), ["u.data", "<script>_|&%.csv"]);
        let mut chart = quality_by_memory(&document, "u.data");
        assert_eq!(chart.series.remove(0).name, "front");
        assert_eq!(chart.series.len(), 2);
        let expected = document.summary[0].held_between_events as f64 / 1024.0;
        assert_eq!(chart.series[0].points.iter().map(|point| point.x).collect::<Vec<_>>(), [expected; 2]);
        assert_eq!(chart.series[0].points[0].error, document.summary[0].recall.std);
        let one = memory_at_budget(&document, "u.data", &"64KiB".parse().unwrap());
        let names: Vec<_> = one.series.iter().map(|series| series.name.as_str()).collect();
        assert_eq!(names, ["budget", "scall", "uniform"]);
        assert!(memory_at_budget(&document, "<script>_|&%.csv", &"64KiB".parse().unwrap()).series.is_empty());
    }
}
