//! The documents that the program prints: their fields, order and spelling are a promise to other programs.
//!
//! A number is `f64` or an integer, and is printed in the shortest form that reads back as the same number.
//! Fields may be added; none of these may go.

use std::ops::{Add, Div};

use scall_core::sizes::Action;
use serde::{Deserialize, Serialize};

use super::contender::Contender;
use super::trace::Trace;
use crate::budget::BudgetSpec;
use crate::experiment::methods::{MethodCard, PublishedSettings};
use crate::experiment::{Base, Method, Protocol, RunRequest, Selection, Storage, TableKind, TargetNetworks};

/// The version of every document's layout.
pub const SCHEMA: u32 = 1;

/// What `scall run` found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunDocument {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The version of the program.
    pub version: String,
    /// How sizes were chosen.
    pub method: Method,
    /// The recommender under the sizes.
    pub base: Base,
    /// How the stream was cut and measured.
    pub protocol: Protocol,
    /// What the published protocol was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<PublishedProtocol>,
    /// The source of all randomness.
    pub seed: u64,
    /// How a parameter was stored.
    pub storage: Storage,
    /// How what is known beside the rows was kept.
    #[serde(default, skip_serializing_if = "TableKind::is_full")]
    pub tables: TableKind,
    /// What was read.
    pub dataset: Dataset,
    /// The budget at the end of the stream.
    pub budget: Budget,
    /// One record a segment; segment 0 only warms the model up.
    pub segments: Vec<Segment>,
    /// Over all segments but the first.
    pub mean: Quality,
    /// Whether the method keeps the budget. If not, `parameters_used` is what it really holds, and may be above
    /// `budget_parameters` without being a violation.
    pub capped: bool,
    /// Bytes that the method keeps between decisions, beyond rows and frequencies, at the end.
    pub method_bytes: u64,
    /// How often, searches included, more parameters were held than the budget allowed; 0 for a method that
    /// is not capped.
    pub budget_violations: u64,
    /// What the method and its recommender hold at most.
    pub held_bytes: HeldBytes,
    /// Of a budget for everything: what was held of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Total>,
    /// The most memory the process held, in bytes.
    pub peak_memory_bytes: u64,
    /// From start to end.
    pub wall_seconds: f64,
}

/// The published protocol's choices.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedProtocol {
    /// A segment ended when more new users and items than this had appeared.
    pub new_entities: u32,
    /// What the best block of a training was chosen by.
    pub select: Selection,
    /// How the targets of the policy's critics began.
    pub target_networks: TargetNetworks,
    /// The most steps of a search.
    pub policy_steps: usize,
    /// The ratios to the baseline that earned rewards of 0 and 10.
    pub reward_range: (f64, f64),
}

impl PublishedProtocol {
    /// Those of a request, if it asks for that protocol.
    pub fn of(request: &RunRequest, search: &PublishedSettings) -> Option<Self> {
        let options = &request.published;
        (request.protocol == Protocol::Published).then_some(Self {
            new_entities: options.new_entities,
            select: options.selection,
            target_networks: search.target_networks,
            policy_steps: search.most_steps,
            reward_range: search.ratios,
        })
    }
}

/// What the published protocol did in one segment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedSegment {
    /// Earlier interactions learned with its own.
    pub replayed: u64,
    /// Training steps.
    pub train_steps: u64,
    /// Steps of the search before it, on the segment that was then over.
    pub policy_steps: u64,
    /// Mean of Recall@20 and NDCG@20 after the first block of training: the next search's baseline.
    pub first_fitness: f64,
}

/// The interactions that count, after filtering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    /// The file's name, or that of the built-in stream.
    pub name: String,
    /// How many interactions count.
    pub interactions: u64,
    /// How many users they have.
    pub users: u64,
    /// How many items they have.
    pub items: u64,
    /// Of the earliest interaction, in seconds since 1970.
    pub first_timestamp: i64,
    /// Of the latest interaction, in seconds since 1970.
    pub last_timestamp: i64,
}

/// A budget, as written and as applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// As written.
    pub spec: BudgetSpec,
    /// Parameters, once every entity has been seen.
    pub parameters: u64,
    /// The bytes that these take as stored.
    pub bytes: u64,
}

/// What a method and its recommender hold at the peak of a run, in bytes: the same wherever it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBytes {
    /// The rows, as stored.
    pub parameters: u64,
    /// What stands beside the rows: boundaries, frequencies, accumulators, words, seen pairs, mean rows; of a
    /// budget for everything ids and the scratch of decisions, too.
    pub tables: u64,
    /// The largest model that a search trained to judge a candidate; each further thread has one of its own.
    pub trial: u64,
    /// What the base recommender works in: graph, propagated vectors and optimiser.
    pub working: u64,
    /// All of these, and what the method keeps.
    pub peak: u64,
    /// The same without the model of a trial: what is held from one event to the next.
    #[serde(default)]
    pub between_events: u64,
}

/// A budget for everything that is held between events, and what was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// The budget, in bytes.
    pub bytes: u64,
    /// The most that was held at any event, in bytes.
    pub held_bytes: u64,
    /// Its parts, in the segment that held the most.
    pub parts: HeldParts,
}

/// Parts of what is held between events, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldParts {
    /// The rows, as stored, and the room for more.
    pub rows: u64,
    /// What stands beside them: lengths, frequencies, accumulators, words, classes, mean rows.
    pub tables: u64,
    /// Ids of the outside and the index over them.
    pub ids: u64,
    /// Pairs that are remembered.
    pub seen: u64,
    /// What the method keeps.
    pub method: u64,
    /// What a size decision works in.
    pub scratch: u64,
}

impl HeldParts {
    /// All of them.
    pub const fn sum(&self) -> u64 {
        let Self { rows, tables, ids, seen, method, scratch } = *self;
        rows + tables + ids + seen + method + scratch
    }
}

/// One segment of the stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// From 0.
    pub index: usize,
    /// Users seen by its end; under the published protocol by the end of its train part, as all counts here.
    pub users: u64,
    /// Items seen by its end.
    pub items: u64,
    /// Users that appeared in it.
    pub new_users: u64,
    /// Items that appeared in it.
    pub new_items: u64,
    /// Interactions learned before the test.
    pub train: u64,
    /// Interactions held back for the test.
    pub test: u64,
    /// Users with something to test: the metrics average over them, and are 0 without any.
    pub tested_users: u64,
    /// The most parameters allowed.
    pub budget_parameters: u64,
    /// Parameters held, at most that many.
    pub parameters_used: u64,
    /// The bytes that these take as stored.
    pub bytes_used: u64,
    /// Of a budget for everything: what was held at the segment's events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldParts>,
    /// How many stored values came to the end of their type's range, where it has one that they can come to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saturated: Option<u64>,
    /// The most bytes that the base recommender held beside its parameters, for one model: graph, propagated
    /// vectors and optimiser. None for one that learns in place.
    pub working_memory_bytes: u64,
    /// What the policy chose, for methods that have one.
    pub action: Option<Action>,
    /// How good the recommendations were.
    #[serde(flatten)]
    pub quality: Quality,
    /// Of the published protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<PublishedSegment>,
    /// Time spent on choosing the sizes.
    pub search_seconds: f64,
    /// Time spent on learning.
    pub train_seconds: f64,
    /// Time spent on the test.
    pub test_seconds: f64,
}

/// How good recommendations were: averages over the tested users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// The share of the test items found among the first 20.
    #[serde(rename = "recall@20")]
    pub recall: f64,
    /// The same with earlier hits counting more.
    #[serde(rename = "ndcg@20")]
    pub ndcg: f64,
    /// The share of the test items found among the first 5.
    #[serde(rename = "recall@5")]
    pub recall_at_5: f64,
    /// The same with earlier hits counting more.
    #[serde(rename = "ndcg@5")]
    pub ndcg_at_5: f64,
    /// The share of the test items found among the first 10.
    #[serde(rename = "recall@10")]
    pub recall_at_10: f64,
    /// The same with earlier hits counting more.
    #[serde(rename = "ndcg@10")]
    pub ndcg_at_10: f64,
}

/// How many rows have which size, at the end of a run: `counts[s]` rows have `s` parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeCounts {
    /// Of the users.
    pub user: Vec<u64>,
    /// Of the items.
    pub item: Vec<u64>,
}

/// A run's document, and what only its charts need.
#[derive(Clone, Debug, PartialEq)]
pub struct RunResult {
    /// The document.
    pub document: RunDocument,
    /// The sizes that the last segment ended with.
    pub sizes: SizeCounts,
    /// Candidates of the search, and sizes of single rows.
    pub trace: Trace,
}

/// What `scall compare` found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompareDocument {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Every run, by stream, budget, method and seed.
    pub runs: Vec<RunDocument>,
    /// One row per stream, budget, method and storage.
    pub summary: Vec<SummaryRow>,
    /// Runs that there are not, since their budget for everything does not hold them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// A run whose budget for everything does not hold what it keeps beside rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// How sizes were to be chosen.
    pub method: Method,
    /// How a parameter was to be stored.
    pub storage: Storage,
    /// As written.
    pub budget: BudgetSpec,
    /// The source of all randomness.
    pub seed: u64,
    /// What it holds, and what it needs.
    pub reason: String,
}

/// One method with one storage at one budget on one stream, over all seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SummaryRow {
    /// The name of the stream.
    pub dataset: String,
    /// The recommender under the sizes.
    pub base: Base,
    /// How sizes were chosen.
    pub method: Method,
    /// How a parameter was stored.
    #[serde(default)]
    pub storage: Storage,
    /// As written.
    pub budget: BudgetSpec,
    /// The runs' mean Recall@20.
    #[serde(rename = "recall@20")]
    pub recall: Spread,
    /// The runs' mean NDCG@20.
    #[serde(rename = "ndcg@20")]
    pub ndcg: Spread,
    /// Of a two-sided t-test on the Recall@20 of this method and of the best other one on the same stream at
    /// the same budget, paired over seeds and segments. None with a single method, or fewer than two pairs.
    pub p_value_vs_best_other: Option<f64>,
    /// The same, corrected by Holm for all rows of the table.
    pub p_value_holm: Option<f64>,
    /// Of the Wilcoxon signed-rank test on the same pairs.
    pub p_value_wilcoxon: Option<f64>,
    /// The same, corrected by Holm for all rows of the table.
    pub p_value_wilcoxon_holm: Option<f64>,
    /// Whether no other method is better by more than chance: its mean is the highest, or both corrected
    /// tests leave the best other one's lead at 0.05 or more.
    pub first_or_tied: bool,
    /// The method it was tested against.
    pub best_other: Option<Method>,
    /// And how that one's parameters were stored.
    #[serde(default)]
    pub best_other_storage: Option<Storage>,
    /// How many pairs were tested.
    pub pairs: usize,
    /// How many runs were summed up.
    pub seeds: usize,
    /// Budget violations of all runs.
    pub budget_violations: u64,
    /// The most that one of the runs held, in bytes.
    pub held_bytes: u64,
    /// The most that one of the runs held from one event to the next, in bytes: without models of trials.
    #[serde(default)]
    pub held_between_events: u64,
    /// A run's time for choosing sizes.
    pub search_seconds: Spread,
    /// A run's time for learning.
    pub train_seconds: Spread,
}

impl SummaryRow {
    /// The method and its storage.
    pub const fn contender(&self) -> Contender {
        Contender { method: self.method, storage: self.storage }
    }

    /// The one it was tested against.
    pub fn opponent(&self) -> Option<Contender> {
        let Self { best_other, best_other_storage, .. } = *self;
        best_other.map(|method| Contender { method, storage: best_other_storage.unwrap_or_default() })
    }
}

/// A mean and how far the values spread around it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of the sample; 0 for a single value.
    pub std: f64,
}

/// What `scall sizes` drew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizesDocument {
    /// [`SCHEMA`].
    pub schema: u32,
    /// In descending order.
    pub user_sizes: Vec<u32>,
    /// In descending order.
    pub item_sizes: Vec<u32>,
    /// The most parameters allowed.
    pub budget_parameters: u64,
    /// The sum of all sizes, at most that many.
    pub parameters_used: u64,
}

/// A data set that `scall data fetch` knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownSet {
    /// What to ask for.
    pub name: String,
    /// Where it is published, or where terms must be accepted.
    pub url: String,
    /// What its publisher says it has, if anything.
    pub checksum: Option<String>,
}

/// What `scall data fetch --list` shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownSetsDocument {
    /// [`SCHEMA`].
    pub schema: u32,
    /// By publisher.
    pub sets: Vec<KnownSet>,
}

/// What `scall data fetch` brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FetchedDocument {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The data set.
    pub name: String,
    /// Where it is published.
    pub url: String,
    /// The file of interactions.
    pub path: String,
    /// Options that `--data` needs for it.
    pub options: Vec<String>,
    /// Length of what was downloaded.
    pub bytes: u64,
    /// The checksum that was verified, or recorded where none is published.
    pub checksum: String,
    /// Who says so: `published`, `given` or `recorded`.
    pub checksum_from: String,
    /// False if a verified file was there already.
    pub downloaded: bool,
}

/// What `scall data prepare` wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PreparedDocument {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The file that was written.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// How many interactions it holds.
    pub interactions: u64,
    /// How many of them have a rating.
    pub ratings: u64,
    /// Whether later interactions of the same user and item are kept.
    pub keep_repeats: bool,
    /// The filter it went through.
    pub k_core: u32,
}

/// What `scall data stats` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataStatsDocument {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The file's name.
    pub name: String,
    /// The format it was recognised as.
    pub format: String,
    /// Rows of the file that hold an interaction, or should.
    pub rows: u64,
    /// Rows that lack a user or an item.
    pub skipped_rows: u64,
    /// Interactions left after filtering.
    pub interactions: u64,
    /// Users left after filtering.
    pub users: u64,
    /// Items left after filtering.
    pub items: u64,
    /// Of the earliest interaction left, in seconds since 1970.
    pub first_timestamp: i64,
    /// Of the latest interaction left, in seconds since 1970.
    pub last_timestamp: i64,
}

/// What the methods say of themselves.
#[derive(Clone, Debug, Serialize)]
pub struct MethodsDocument {
    /// [`SCHEMA`].
    pub schema: u32,
    /// One card a method.
    pub methods: Vec<&'static MethodCard>,
}

/// What `scall run --device-parity` found: the firmware's line, without the stack that only it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParityDocument {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Interactions learned.
    pub interactions: u32,
    /// Segments closed.
    pub segments: u32,
    /// Users and items known at the end.
    pub entities: u32,
    /// Users and items that made way for others.
    pub evicted: u32,
    /// Parameters held at the end.
    pub parameters_used: u32,
    /// The most parameters allowed.
    pub budget_parameters: u32,
    /// How often more were held than that.
    pub budget_violations: u32,
    /// Part of the interactions whose item was among the first ten recommended just before.
    #[serde(rename = "recall@10")]
    pub recall_at_10: f64,
    /// Part of the interactions whose item was among the twenty.
    #[serde(rename = "recall@20")]
    pub recall: f64,
    /// Bytes of the run's memory.
    pub ram_bytes: usize,
    /// Fingerprint of the model at the end, hexadecimal.
    pub model_digest: String,
}

/// What `scall report` made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportDocument {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The page.
    pub page: String,
    /// How many charts are on it.
    pub charts: usize,
    /// Its length.
    pub bytes: usize,
}

/// What `scall bench` measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchDocument {
    /// [`SCHEMA`].
    pub schema: u32,
    /// One row per hot path.
    pub rows: Vec<BenchRow>,
}

/// One hot path, timed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchRow {
    /// What was timed.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// Beside what it stands, and how it was measured.
    pub note: String,
}

impl HeldBytes {
    /// All parts, of which what the method keeps is only in the sum.
    pub const fn new(parameters: u64, tables: u64, trial: u64, working: u64, method: u64) -> Self {
        let between_events = parameters + tables + working + method;
        Self { parameters, tables, trial, working, peak: between_events + trial, between_events }
    }

    /// Of a budget for everything: whatever is neither row nor the method's stands with the tables.
    pub const fn of_total(parts: &HeldParts, trial: u64) -> Self {
        let HeldParts { rows, tables, ids, seen, method, scratch } = *parts;
        Self::new(rows, tables + ids + seen + scratch, trial, 0, method)
    }
}

impl Total {
    /// Of the budget and what the segments held; none without a budget for everything.
    pub fn of(spec: &BudgetSpec, segments: &[Segment]) -> Option<Self> {
        let parts = segments.iter().filter_map(|segment| segment.held).max_by_key(HeldParts::sum)?;
        Some(Self { bytes: spec.total()?, held_bytes: parts.sum(), parts })
    }
}

impl RunDocument {
    /// A time of all segments together.
    pub fn seconds(&self, phase: fn(&Segment) -> f64) -> f64 {
        self.segments.iter().map(phase).sum()
    }

    /// The method and its storage.
    pub const fn contender(&self) -> Contender {
        Contender { method: self.method, storage: self.storage }
    }
}

impl Dataset {
    /// Users and items together.
    pub const fn entities(&self) -> u64 {
        self.users + self.items
    }
}

impl Quality {
    /// The mean over all segments but the first; zero without any.
    pub fn mean_of(segments: &[Segment]) -> Self {
        let measured = segments.get(1..).unwrap_or_default();
        measured.iter().fold(Self::default(), |sum, segment| sum + segment.quality)
            / measured.len().max(1) as f64
    }

    /// Mean of Recall@20 and NDCG@20, by which the published method judges models.
    pub const fn fitness(&self) -> f64 {
        f64::midpoint(self.recall, self.ndcg)
    }

    fn zip(self, other: Self, with: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            recall: with(self.recall, other.recall),
            ndcg: with(self.ndcg, other.ndcg),
            recall_at_5: with(self.recall_at_5, other.recall_at_5),
            ndcg_at_5: with(self.ndcg_at_5, other.ndcg_at_5),
            recall_at_10: with(self.recall_at_10, other.recall_at_10),
            ndcg_at_10: with(self.ndcg_at_10, other.ndcg_at_10),
        }
    }
}

impl Add for Quality {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl Div<f64> for Quality {
    type Output = Self;

    fn div(self, by: f64) -> Self {
        self.zip(self, |a, _| a / by)
    }
}

impl SizeCounts {
    /// Counts the given sizes.
    pub fn of(user: impl IntoIterator<Item = u32>, item: impl IntoIterator<Item = u32>) -> Self {
        Self { user: counts(user), item: counts(item) }
    }
}

fn counts(sizes: impl IntoIterator<Item = u32>) -> Vec<u64> {
    let mut counts = Vec::new();
    for size in sizes {
        let size = size as usize;
        if counts.len() <= size {
            counts.resize(size + 1, 0);
        }
        counts[size] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::examples;

    #[test]
    fn the_mean_leaves_the_warm_up_segment_out() {
        let run = examples::run(Method::Scall, "mean:8", 42);
        let mean = Quality::mean_of(&run.segments);
        assert_eq!(mean.recall, (run.segments[1].quality.recall + run.segments[2].quality.recall) / 2.0);
        assert_eq!(Quality::mean_of(&run.segments[..1]), Quality::default());
        assert_eq!(Quality::mean_of(&[]), Quality::default());
    }

    #[test]
    fn sizes_are_counted() {
        let sizes = SizeCounts::of([3, 1, 1, 0], []);
        assert_eq!(sizes.user, [1, 2, 0, 1]);
        assert!(sizes.item.is_empty());
    }
}
