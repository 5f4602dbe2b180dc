//! Options that several commands share, as typed.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use scall_core::sizes::{Action, Distribution};

use super::failure::Failure;
use crate::budget::BudgetSpec;
use crate::experiment::{
    Base, DataFile, DataSource, Method, Protocol, PublishedOptions, RewardRange, Search, Selection,
    SizeLimits, Storage, TableKind, TargetNetworks, name_of,
};
use crate::input::{Column, Delimiter, ReadOptions};
use crate::stream::PrepareOptions;

/// Of every command.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct OutputArguments {
    /// Print one JSON document and nothing else
    #[arg(long)]
    pub(super) json: bool,
    /// Show no progress
    #[arg(long)]
    pub(super) quiet: bool,
}

/// How a file of interactions is read.
#[derive(Debug, Args)]
pub(super) struct FormatArguments {
    /// The user's column: its name, or its number from 1 [default: the usual names]
    #[arg(long, value_name = "COLUMN", requires = "data")]
    user_column: Option<Column>,
    /// The item's column
    #[arg(long, value_name = "COLUMN", requires = "data")]
    item_column: Option<Column>,
    /// The time's column
    #[arg(long, value_name = "COLUMN", requires = "data")]
    time_column: Option<Column>,
    /// What separates the columns: tab, `,`, `;`, `|` or `::` [default: recognised]
    #[arg(long, value_name = "TEXT", requires = "data")]
    delimiter: Option<Delimiter>,
}

impl FormatArguments {
    pub(super) fn file(&self, path: &Path) -> DataFile {
        DataFile {
            path: path.to_owned(),
            options: ReadOptions {
                user_column: self.user_column.clone(),
                item_column: self.item_column.clone(),
                time_column: self.time_column.clone(),
                delimiter: self.delimiter,
                ratings: false,
            },
        }
    }
}

/// Which interactions count.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct FilterArguments {
    /// Keep later interactions of the same user and item; without, only the first counts
    #[arg(long)]
    keep_repeats: bool,
    /// Then drop users and items with fewer than N interactions, until none is left; 1 keeps all
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    k_core: u32,
}

impl From<FilterArguments> for PrepareOptions {
    fn from(arguments: FilterArguments) -> Self {
        Self { keep_repeats: arguments.keep_repeats, k_core: arguments.k_core }
    }
}

/// Of `run` and `compare`: everything but data, method and budget.
#[derive(Debug, Args)]
pub(super) struct ExperimentArguments {
    #[command(flatten)]
    format: FormatArguments,
    #[command(flatten)]
    filter: FilterArguments,
    /// How SCALL finds its actions: paired trials with a margin, or as published [default: paired, and
    /// published under the published protocol]
    #[arg(long, value_name = "NAME", value_enum)]
    search: Option<SearchName>,
    /// One action for all segments instead of a search: the users' share and both shapes, as 0.5:30:5
    #[arg(long, value_name = "SHARE:SHAPE:SHAPE", value_parser = parse_action, conflicts_with = "search")]
    action: Option<Action>,
    /// The fewest dimensions of a row; the rarest entities go without one if not all can have as many
    /// [default: 3 for scall, 1 for its published search and protocol, else 0]
    #[arg(long, value_name = "N")]
    min_size: Option<u32>,
    /// The most dimensions of a row [default: 64; 256 under the published protocol]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_size: Option<u32>,
    /// The recommender under the sizes
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Base::Mf)]
    pub(super) base: Base,
    /// How a parameter is stored; a budget in bytes counts what is stored
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Storage::F32)]
    pub(super) storage: Storage,
    /// How what is known of a user or item beside its row is kept
    #[arg(long, value_name = "NAME", value_enum, default_value_t = TableKind::Full)]
    pub(super) tables: TableKind,
    /// How the stream is cut and measured
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Protocol::Equal)]
    pub(super) protocol: Protocol,
    /// The number of segments of the equal protocol; the first only warms the model up [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    segments: Option<u32>,
    #[command(flatten)]
    published: PublishedArguments,
    /// The one source of all randomness
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub(super) seed: u64,
    /// Worker threads; the result does not depend on them [default: all]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub(super) threads: Option<NonZeroUsize>,
    /// Where result files go [default: none are written]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Go on from the last finished segment in --out
    #[arg(long, requires = "out")]
    pub(super) resume: bool,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

/// What only the published protocol takes, and in part the published search.
#[derive(Clone, Copy, Debug, Args)]
struct PublishedArguments {
    /// A segment ends when more than N new users and items have appeared [default: 15000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    new_entities: Option<u32>,
    /// What the best block of a training is chosen by: a tenth of the train part that is not learned, or the
    /// test part itself as published, which makes figures optimistic [default: validation]
    #[arg(long, value_name = "NAME", value_enum)]
    select: Option<Selection>,
    /// How the targets of the policy's critics begin: as copies of them, or drawn by themselves as published
    /// [default: synchronised]
    #[arg(long, value_name = "NAME", value_enum)]
    target_networks: Option<TargetNetworks>,
    /// The most steps of a policy's search in a segment; published there is no bound [default: 50, and 30 for
    /// --search published under the equal protocol]
    #[arg(long, value_name = "MAX", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    policy_steps: Option<u32>,
    /// The ratios to the baseline that earn rewards of 0 and 10 [default: 0.9:1.1, and 0.7:1.2 for --search
    /// published under the equal protocol]
    #[arg(long, value_name = "LOW:HIGH", value_parser = parse_reward_range)]
    reward_range: Option<RewardRange>,
}

fn parse_reward_range(text: &str) -> Result<RewardRange, String> {
    let wrong =
        || format!("expected two numbers from 0 to 100, the lower first, as in 0.9:1.1, found `{text}`");
    let (low, high) = text.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str| text.parse().ok().filter(|number: &f64| (0.0..=100.0).contains(number));
    match (number(low), number(high)) {
        (Some(low), Some(high)) if high - low >= 1e-3 => Ok(RewardRange { low, high }),
        _ => Err(wrong()),
    }
}

/// The searches that have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SearchName {
    /// Candidates and the action in force are judged with paired seeds; it changes past a margin only
    Paired,
    /// Step by step, and the policy's mean action is taken
    Published,
    /// Equal rows; of users the items that they took last instead of a row, where paired trials are for that
    History,
}

fn parse_action(text: &str) -> Result<Action, String> {
    let numbers: Vec<f32> = text.split(':').map_while(|number| number.parse().ok()).collect();
    let wrong = || format!("expected three numbers as in 0.5:30:5, the share from 0 to 1, found `{text}`");
    match numbers[..] {
        [user_share, user_shape, item_shape]
            if text.split(':').count() == 3
                && (0.0..=1.0).contains(&user_share)
                && Distribution::PowerLaw.accepts(user_shape)
                && Distribution::PowerLaw.accepts(item_shape) =>
        {
            Ok(Action { user_share, user_shape, item_shape })
        }
        _ => Err(wrong()),
    }
}

impl ExperimentArguments {
    /// Refuses options that the protocol or the search has no use for, and methods that have no place in it.
    pub(super) fn check(
        &self,
        methods: &[Method],
        storages: &[Storage],
        budgets: &[BudgetSpec],
    ) -> Result<(), Failure> {
        let PublishedArguments { new_entities, select, target_networks, policy_steps, reward_range } =
            self.published;
        let refuse = |typed: bool, option: &str, why: &str| {
            if typed { Err(Failure::usage(format!("{option}: {why}"))) } else { Ok(()) }
        };
        if self.tables == TableKind::Thin {
            let longest = "--tables thin keeps a row's length in a byte; expected at most 252";
            refuse(self.max_size.is_some_and(|size| size > 252), "--max-size", longest)?;
            let wide =
                "--protocol published has rows of 256; expected --tables full, or a smaller --max-size";
            let published = self.protocol == Protocol::Published && self.max_size.is_none();
            refuse(published, "--tables thin", wide)?;
            let halves = "thin tables are for --storage f32 and i8";
            refuse(storages.contains(&Storage::F16), "--tables thin", halves)?;
        }
        if let Some(total) = budgets.iter().find(|budget| budget.total().is_some()) {
            let budget = format!("--budget {total}");
            let graph = "LightGCN works in memory that grows with the stream; expected --base mf";
            refuse(self.base == Base::Lightgcn, &budget, graph)?;
            let anew = "--protocol published trains models anew from the stream; expected --protocol equal";
            refuse(self.protocol == Protocol::Published, &budget, anew)?;
            let uncapped = methods.iter().find(|method| !method.card().capped);
            let name = uncapped.map(|method| method.name()).unwrap_or_default();
            let none = format!("it keeps no budget, but {budget} was asked for");
            refuse(uncapped.is_some(), name, &none)?;
        }
        if let Some(storage) = storages.iter().find(|&&storage| storage != Storage::F32) {
            let storage = format!("--storage {}", name_of(storage));
            let in_floats = "--base lightgcn learns a copy of the rows in floats; expected --storage f32";
            refuse(self.base == Base::Lightgcn, &storage, in_floats)?;
            let in_floats = "--protocol published begins every training at floats; expected --storage f32";
            refuse(self.protocol == Protocol::Published, &storage, in_floats)?;
            let apart = methods.iter().find(|method| !method.card().any_storage);
            let name = apart.map(|method| method.name()).unwrap_or_default();
            let in_floats = format!("it learns floats of its own beside {storage}; expected --storage f32");
            refuse(apart.is_some(), name, &in_floats)?;
        }
        if self.protocol == Protocol::Published {
            let by_growth = "--protocol published cuts by growth; expected --new-entities instead";
            refuse(self.segments.is_some(), "--segments", by_growth)?;
            let one_search = "--protocol published has a search of its own; expected published";
            refuse(self.search == Some(SearchName::Paired), "--search paired", one_search)?;
            refuse(self.search == Some(SearchName::History), "--search history", one_search)?;
            let apart = methods.iter().find(|method| !method.card().between_segments);
            let within = "it takes part in the learning, for which --protocol published has no place";
            let name = apart.map(|method| method.name()).unwrap_or_default();
            return refuse(apart.is_some(), name, within);
        }
        let factorised = "what users took last is learned by matrix factorisation; expected --base mf";
        refuse(
            self.search == Some(SearchName::History) && self.base != Base::Mf,
            "--search history",
            factorised,
        )?;
        let of_protocol = "only --protocol published takes it";
        refuse(new_entities.is_some(), "--new-entities", of_protocol)?;
        refuse(select.is_some(), "--select", of_protocol)?;
        let no_search = self.search() != Search::Published;
        let of_search = "only --protocol published and --search published take it";
        refuse(no_search && target_networks.is_some(), "--target-networks", of_search)?;
        refuse(no_search && policy_steps.is_some(), "--policy-steps", of_search)?;
        refuse(no_search && reward_range.is_some(), "--reward-range", of_search)
    }

    pub(super) fn search(&self) -> Search {
        match (self.action, self.search, self.protocol) {
            (Some(action), ..) => Search::Fixed(action),
            (None, Some(SearchName::Published), _) | (None, None, Protocol::Published) => Search::Published,
            (None, Some(SearchName::History), _) => Search::History,
            (None, ..) => Search::Paired,
        }
    }

    pub(super) fn segments(&self) -> usize {
        self.segments.unwrap_or(10) as usize
    }

    pub(super) fn published(&self) -> PublishedOptions {
        let PublishedArguments { new_entities, select, target_networks, policy_steps, reward_range } =
            self.published;
        let default = PublishedOptions::default();
        PublishedOptions {
            new_entities: new_entities.unwrap_or(default.new_entities),
            selection: select.unwrap_or(default.selection),
            target_networks: target_networks.unwrap_or(default.target_networks),
            policy_steps,
            reward_range,
        }
    }

    pub(super) const fn sizes(&self) -> SizeLimits {
        SizeLimits { min: self.min_size, max: self.max_size }
    }

    /// The stream of a file, or the built-in one.
    pub(super) fn source(&self, data: Option<&Path>) -> DataSource {
        data.map_or(DataSource::BuiltIn, |path| DataSource::File(self.format.file(path)))
    }

    pub(super) fn filter(&self) -> PrepareOptions {
        self.filter.into()
    }
}

fn threads(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse().map_err(|_| "expected a number from 1")
}
