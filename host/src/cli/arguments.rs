//! Options that several commands share, as typed.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use scall_core::sizes::{Action, Distribution};

use crate::experiment::{Base, DataFile, DataSource, Protocol, Search, SizeLimits, Storage};
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
    /// How SCALL finds its actions: paired trials with a margin, or as published
    #[arg(long, value_name = "NAME", value_enum, default_value_t = SearchName::Paired)]
    search: SearchName,
    /// One action for all segments instead of a search: the users' share and both shapes, as 0.5:30:5
    #[arg(long, value_name = "SHARE:SHAPE:SHAPE", value_parser = parse_action, conflicts_with = "search")]
    action: Option<Action>,
    /// The fewest dimensions of a row; the rarest entities go without one if not all can have as many
    /// [default: 3 for scall, 1 for its published search, else 0]
    #[arg(long, value_name = "N")]
    min_size: Option<u32>,
    /// The most dimensions of a row [default: 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_size: Option<u32>,
    /// The recommender under the sizes
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Base::Mf)]
    pub(super) base: Base,
    /// How a parameter is stored; a budget in bytes counts what is stored
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Storage::F32)]
    pub(super) storage: Storage,
    /// How the stream is cut and measured
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Protocol::Equal)]
    pub(super) protocol: Protocol,
    /// The number of segments; the first only warms the model up
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..))]
    pub(super) segments: u32,
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

/// The searches that have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SearchName {
    /// Candidates and the action in force are judged with paired seeds; it changes past a margin only
    Paired,
    /// Step by step, and the policy's mean action is taken
    Published,
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
    pub(super) fn search(&self) -> Search {
        match (self.action, self.search) {
            (Some(action), _) => Search::Fixed(action),
            (None, SearchName::Paired) => Search::Paired,
            (None, SearchName::Published) => Search::Published,
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
