//! From single runs to a comparison.

use super::contender::Contender;
use super::document::{CompareDocument, RunDocument, SCHEMA, Segment, Spread, SummaryRow};
use super::statistics::{holm, paired_t_test, spread, wilcoxon_signed_rank};
use crate::budget::BudgetSpec;
use crate::experiment::Base;

/// A lead counts as chance from here on.
const CHANCE: f64 = 0.05;

/// Sums up runs by stream, budget, method and storage, in the order in which these first appear.
///
/// Every method is tested against the best other one on its stream at its budget, by mean Recall@20, on the
/// pairs of (seed, segment) that both have; the warm-up segment does not count.
pub fn compare(runs: Vec<RunDocument>) -> CompareDocument {
    let groups = group(&runs);
    let mut summary: Vec<_> = groups.iter().map(|one| row(one, &groups)).collect();
    let by_t_test = corrected(summary.iter().map(|row| row.p_value_vs_best_other));
    let by_ranks = corrected(summary.iter().map(|row| row.p_value_wilcoxon));
    for ((row, t_test), ranks) in summary.iter_mut().zip(by_t_test).zip(by_ranks) {
        row.p_value_holm = t_test;
        row.p_value_wilcoxon_holm = ranks;
        // Equal segments leave no ranks; without pairs nothing is known.
        row.first_or_tied |= t_test.is_some_and(|p| p >= CHANCE) && ranks.is_none_or(|p| p >= CHANCE);
    }
    CompareDocument { schema: SCHEMA, runs, summary, left_out: Vec::new() }
}

/// The p-values that there are, corrected for one another.
fn corrected(p_values: impl Iterator<Item = Option<f64>>) -> Vec<Option<f64>> {
    let p_values: Vec<_> = p_values.collect();
    let mut holm = holm(&p_values.iter().flatten().copied().collect::<Vec<_>>()).into_iter();
    p_values.into_iter().map(|p| p.and_then(|_| holm.next())).collect()
}

struct Group<'a> {
    dataset: &'a str,
    base: Base,
    contender: Contender,
    budget: &'a BudgetSpec,
    runs: Vec<&'a RunDocument>,
}

impl<'a> Group<'a> {
    fn of(run: &'a RunDocument) -> Self {
        let (dataset, budget) = (run.dataset.name.as_str(), &run.budget.spec);
        Self { dataset, base: run.base, contender: run.contender(), budget, runs: vec![run] }
    }

    /// Whether both have the same stream, recommender and budget.
    fn competes_with(&self, other: &Self) -> bool {
        self.dataset == other.dataset && self.base == other.base && self.budget == other.budget
    }

    fn spread(&self, value: impl Fn(&RunDocument) -> f64) -> Spread {
        spread(&self.runs.iter().map(|run| value(run)).collect::<Vec<_>>())
    }

    fn seconds(&self, phase: fn(&Segment) -> f64) -> Spread {
        self.spread(|run| run.seconds(phase))
    }

    fn mean_recall(&self) -> f64 {
        self.spread(|run| run.mean.recall).mean
    }

    /// This group's Recall@20 minus the other's, for every seed and segment that both have.
    fn differences(&self, other: &Self) -> Vec<f64> {
        let partner = |run: &RunDocument| other.runs.iter().find(|candidate| candidate.seed == run.seed);
        let pairs = self.runs.iter().filter_map(|run| Some((run, partner(run)?)));
        pairs
            .flat_map(|(ours, theirs)| ours.segments.iter().zip(&theirs.segments).skip(1))
            .map(|(ours, theirs)| ours.quality.recall - theirs.quality.recall)
            .collect()
    }
}

fn group(runs: &[RunDocument]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for run in runs {
        let new = Group::of(run);
        match groups.iter_mut().find(|group| group.contender == new.contender && group.competes_with(&new)) {
            Some(group) => group.runs.push(run),
            None => groups.push(new),
        }
    }
    groups
}

fn row(one: &Group<'_>, all: &[Group<'_>]) -> SummaryRow {
    let others = all.iter().filter(|other| other.contender != one.contender && other.competes_with(one));
    // Of equal ones the first.
    let best =
        others.reduce(|best, other| if other.mean_recall() > best.mean_recall() { other } else { best });
    let differences = best.map(|best| one.differences(best)).unwrap_or_default();
    SummaryRow {
        dataset: one.dataset.to_owned(),
        base: one.base,
        method: one.contender.method,
        storage: one.contender.storage,
        budget: one.budget.clone(),
        recall: one.spread(|run| run.mean.recall),
        ndcg: one.spread(|run| run.mean.ndcg),
        p_value_vs_best_other: paired_t_test(&differences),
        p_value_holm: None,
        p_value_wilcoxon: wilcoxon_signed_rank(&differences),
        p_value_wilcoxon_holm: None,
        first_or_tied: best.is_none_or(|best| one.mean_recall() >= best.mean_recall()),
        best_other: best.map(|best| best.contender.method),
        best_other_storage: best.map(|best| best.contender.storage),
        pairs: differences.len(),
        seeds: one.runs.len(),
        budget_violations: one.runs.iter().map(|run| run.budget_violations).sum(),
        held_bytes: one.runs.iter().map(|run| run.held_bytes.peak).max().unwrap_or_default(),
        held_between_events: one
            .runs
            .iter()
            .map(|run| run.held_bytes.between_events)
            .max()
            .unwrap_or_default(),
        search_seconds: one.seconds(|segment| segment.search_seconds),
        train_seconds: one.seconds(|segment| segment.train_seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Method, Storage};
    use crate::report::examples;

    fn three_by_two() -> CompareDocument {
        let mut runs = Vec::new();
        for budget in ["mean:2", "mean:8"] {
            for method in [Method::Scall, Method::Uniform, Method::Random] {
                for seed in 1..=3 {
                    let mut run = examples::run(method, budget, seed);
                    if method == Method::Random {
                        run.segments.iter_mut().for_each(|segment| segment.quality.recall /= 2.0);
                        run.mean.recall /= 2.0;
                    }
                    runs.push(run);
                }
            }
        }
        compare(runs)
    }

    #[test]
    fn there_is_one_row_per_method_and_budget_in_the_order_given() {
        let rows: Vec<_> =
            three_by_two().summary.iter().map(|row| (row.budget.to_string(), row.method)).collect();
        let expected: Vec<_> = ["mean:2", "mean:8"]
            .into_iter()
            .flat_map(|budget| {
                [Method::Scall, Method::Uniform, Method::Random].map(|method| (budget.to_owned(), method))
            })
            .collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn everyone_is_tested_against_the_best_other_over_seeds_and_segments() {
        let comparison = three_by_two();
        let opponents: Vec<_> = comparison.summary.iter().take(3).map(|row| row.best_other).collect();
        assert_eq!(opponents, [Some(Method::Uniform), Some(Method::Scall), Some(Method::Scall)]);
        for row in &comparison.summary {
            // Three seeds, two segments after the warm-up.
            assert_eq!((row.pairs, row.seeds), (6, 3));
            assert!(row.p_value_vs_best_other.unwrap() <= row.p_value_holm.unwrap());
        }
    }

    #[test]
    fn mean_and_spread_are_over_the_seeds() {
        let comparison = three_by_two();
        // Recall of the two segments: 0.147 and 0.157, plus (1 + 2) / 2 thousandths of the seed.
        let recall = comparison.summary[0].recall;
        assert!((recall.mean - 0.155).abs() < 1e-12, "{recall:?}");
        assert!((recall.std - 0.0015).abs() < 1e-12, "{recall:?}");
    }

    #[test]
    fn one_method_in_two_storages_is_two() {
        let mut runs = Vec::new();
        for storage in [Storage::F32, Storage::I8] {
            for seed in 1..=3 {
                let mut run = examples::run(Method::Uniform, "mean:8B", seed);
                run.storage = storage;
                runs.push(run);
            }
        }
        let rows = compare(runs).summary;
        let names: Vec<_> = rows.iter().map(|row| row.contender().to_string()).collect();
        assert_eq!(names, ["uniform", "uniform i8"]);
        let opponents: Vec<_> = rows.iter().map(|row| row.opponent().unwrap().to_string()).collect();
        assert_eq!(opponents, ["uniform i8", "uniform"]);
        assert_eq!((rows[0].seeds, rows[0].pairs), (3, 6));
    }

    #[test]
    fn a_method_alone_is_tested_against_nobody() {
        let comparison = compare(vec![examples::run(Method::Scall, "mean:8", 1)]);
        let row = &comparison.summary[0];
        assert_eq!((row.p_value_vs_best_other, row.best_other, row.pairs), (None, None, 0));
        assert_eq!(row.recall.std, 0.0);
    }

    #[test]
    fn runs_pair_by_seed_whatever_their_order() {
        let mut runs: Vec<_> = (1..=3).map(|seed| examples::run(Method::Scall, "mean:8", seed)).collect();
        runs.extend((1..=3).rev().map(|seed| examples::run(Method::Uniform, "mean:8", seed)));
        // All differences are the lead of 0.012, up to rounding: far from chance.
        let row = &compare(runs).summary[0];
        assert!(row.p_value_vs_best_other.unwrap() < 1e-9, "{row:?}");
    }
}
