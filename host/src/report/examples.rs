//! Small documents for tests.

use scall_core::sizes::Action;

use super::document::{
    Budget, CompareDocument, Dataset, HeldBytes, Quality, RunDocument, RunResult, SCHEMA, Segment, SizeCounts,
};
use super::summary;
use super::trace::{Candidate, Growth, RankedSize, SideName, Step, Trace};
use crate::experiment::{Base, Method, Protocol, Storage, TableKind};

pub(crate) fn run(method: Method, budget: &str, seed: u64) -> RunDocument {
    let lead = if method == Method::Scall { 0.012 } else { 0.0 };
    let wobble = (seed % 7) as f64 / 1000.0;
    let segments: Vec<_> = (0..3)
        .map(|index| {
            let count = index as u64;
            let users = 300 + 100 * count;
            let items = 800 + 150 * count;
            Segment {
                index,
                users,
                items,
                new_users: 100,
                new_items: 150,
                train: 800,
                test: 200,
                tested_users: 88,
                budget_parameters: 8 * (users + items),
                parameters_used: 8 * (users + items) - count,
                held: None,
                working_memory_bytes: 0,
                bytes_used: 32 * (users + items) - 4 * count,
                action: (method == Method::Scall).then_some(Action {
                    user_share: 0.41,
                    user_shape: 3.2,
                    item_shape: 5.9,
                }),
                quality: Quality {
                    recall: 0.125 + 0.01 * count as f64 + lead + wobble * count as f64,
                    ndcg: 0.11 + 0.01 * count as f64 + lead,
                    recall_at_5: 0.041,
                    ndcg_at_5: 0.052,
                    recall_at_10: 0.083,
                    ndcg_at_10: 0.074,
                },
                published: None,
                search_seconds: if method == Method::Scall { 1.9 } else { 0.0 },
                train_seconds: 0.4,
                saturated: None,
                test_seconds: 0.1,
            }
        })
        .collect();
    RunDocument {
        schema: SCHEMA,
        version: "0.0.0".into(),
        method,
        base: Base::Mf,
        protocol: Protocol::Equal,
        published: None,
        seed,
        storage: Storage::F32,
        tables: TableKind::Full,
        dataset: Dataset {
            name: "u.data".into(),
            interactions: 99_287,
            users: 943,
            items: 1349,
            first_timestamp: 874_724_710,
            last_timestamp: 893_286_638,
        },
        budget: Budget { spec: budget.parse().unwrap(), parameters: 18_336, bytes: 73_344 },
        mean: Quality::mean_of(&segments),
        segments,
        capped: true,
        method_bytes: if method == Method::Scall { 670_000 } else { 0 },
        budget_violations: 0,
        held_bytes: if method == Method::Scall {
            HeldBytes::new(73_344, 90_000, 120_000, 0, 670_000)
        } else {
            HeldBytes::new(73_344, 90_000, 0, 0, 0)
        },
        total: None,
        peak_memory_bytes: 18_350_080,
        wall_seconds: 12.3,
    }
}

pub(crate) fn result(method: Method, budget: &str, seed: u64) -> RunResult {
    let sizes = SizeCounts::of((1..=40).map(|rank| 64 / rank + 1), (1..=90).map(|rank| 128 / rank));
    RunResult { document: run(method, budget, seed), sizes, trace: trace(method) }
}

fn trace(method: Method) -> Trace {
    let action = |wobble: f32| Action { user_share: 0.4 + wobble, user_shape: 3.0, item_shape: 5.0 + wobble };
    let step =
        |segment, candidate, wobble: f32| Step::new(segment, candidate, action(wobble), Some(wobble * 10.0));
    let mut steps = Vec::new();
    if method == Method::Scall {
        for segment in 1..3 {
            steps.push(Step { chosen: segment == 1, ..step(segment, Candidate::InForce, 0.0) });
            steps.push(Step { chosen: segment == 2, ..step(segment, Candidate::Mean, 0.02) });
            steps.push(step(segment, Candidate::Draw, -0.05));
        }
    }
    let growth = SideName::BOTH.into_iter().flat_map(|side| {
        (0..3).map(move |segment| Growth {
            side,
            entity: "<i>7</i>".into(),
            interactions: 57,
            segment,
            size: 8 + segment as u32,
        })
    });
    let ranks = SideName::BOTH
        .into_iter()
        .flat_map(|side| (1..=40).map(move |rank| RankedSize { side, rank, size: 64 / rank as u32 + 1 }));
    Trace { steps, growth: growth.collect(), ranks: ranks.collect() }
}

/// Two methods with three seeds on two streams, one of them with an unpleasant name.
pub(crate) fn two_streams() -> CompareDocument {
    let mut runs = Vec::new();
    for (dataset, budget) in [("u.data", "mean:2"), ("u.data", "64KiB"), ("<script>_|&%.csv", "mean:2")] {
        for method in [Method::Scall, Method::Uniform] {
            for seed in 1..=3 {
                let mut run = run(method, budget, seed);
                run.dataset.name = dataset.into();
                runs.push(run);
            }
        }
    }
    summary::compare(runs)
}
