//! What is asked of an experiment, resolved from the command line.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::ValueEnum;
use scall_core::element::{Element, F16};
use scall_core::sizes::Action;
use serde::{Deserialize, Serialize};

use super::Method;
use crate::budget::BudgetSpec;
use crate::input::ReadOptions;
use crate::stream::PrepareOptions;

/// One method on one stream.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRequest {
    /// Where the interactions come from.
    pub source: DataSource,
    /// Which of them count.
    pub filter: PrepareOptions,
    /// How sizes are chosen.
    pub method: Method,
    /// How SCALL finds its actions.
    pub search: Search,
    /// Bounds on the dimensions of a row, where they are not the method's own.
    pub sizes: SizeLimits,
    /// The recommender under the sizes.
    pub base: Base,
    /// The most parameters held at any time.
    pub budget: BudgetSpec,
    /// How a parameter is stored.
    pub storage: Storage,
    /// How what is known beside the rows is kept.
    pub tables: TableKind,
    /// How the stream is cut and measured.
    pub protocol: Protocol,
    /// The number of segments in the equal protocol, at least 2.
    pub segments: usize,
    /// What the published protocol is asked for.
    pub published: PublishedOptions,
    /// The one source of all randomness.
    pub seed: u64,
    /// Worker threads; all of the machine's if none are named. The result does not depend on them.
    pub threads: Option<NonZeroUsize>,
    /// Where result files and the state to resume from go; none are written without.
    pub out: Option<PathBuf>,
    /// Whether to go on from the last finished segment in `out`.
    pub resume: bool,
}

/// As on the command line.
impl Default for RunRequest {
    fn default() -> Self {
        Self {
            source: DataSource::BuiltIn,
            filter: PrepareOptions::default(),
            method: Method::Scall,
            search: Search::Paired,
            sizes: SizeLimits::default(),
            base: Base::Mf,
            budget: BudgetSpec::default(),
            storage: Storage::F32,
            tables: TableKind::Full,
            protocol: Protocol::Equal,
            segments: 10,
            published: PublishedOptions::default(),
            seed: 42,
            threads: None,
            out: None,
            resume: false,
        }
    }
}

/// Where the interactions come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataSource {
    /// The built-in stream, made from the seed of the run.
    BuiltIn,
    /// A file of interactions.
    File(DataFile),
}

/// A file of interactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// The file, plain or compressed.
    pub path: PathBuf,
    /// What its content does not tell.
    pub options: ReadOptions,
}

/// How SCALL finds its actions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Search {
    /// Candidates and the action in force are judged with paired seeds; it changes past a margin only.
    Paired,
    /// As published: step by step, and the policy's mean action is taken.
    Published,
    /// Equal rows, and of users the items that they took last instead, where paired trials are for that.
    History,
    /// Not at all: one action for all segments.
    Fixed(Action),
}

/// Bounds on the dimensions of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SizeLimits {
    /// The fewest; who cannot have as many gets none.
    pub min: Option<u32>,
    /// The most.
    pub max: Option<u32>,
}

/// The recommender under the sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    /// Matrix factorisation, learned event by event
    Mf,
    /// LightGCN of three layers, learned in batches from the graph of everything so far
    Lightgcn,
}

/// What only the published protocol and the published search ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublishedOptions {
    /// A segment ends when more new users and items than this have appeared.
    pub new_entities: u32,
    /// What the best block of a training is chosen by.
    pub selection: Selection,
    /// How the targets of the policy's critics begin.
    pub target_networks: TargetNetworks,
    /// The most steps of a search, where it is not the protocol's own.
    pub policy_steps: Option<u32>,
    /// The ratios to the baseline that earn rewards of 0 and 10, where they are not the protocol's own.
    pub reward_range: Option<RewardRange>,
}

/// As on the command line.
impl Default for PublishedOptions {
    fn default() -> Self {
        Self {
            new_entities: 15_000,
            selection: Selection::Validation,
            target_networks: TargetNetworks::Synchronised,
            policy_steps: None,
            reward_range: None,
        }
    }
}

/// What the best block of a training is chosen by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// A tenth of the train part, which is not learned
    Validation,
    /// The test part itself, as published: figures are optimistic
    Test,
}

/// How the targets of the policy's critics begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetNetworks {
    /// As copies of the critics
    Synchronised,
    /// Drawn by themselves, as published
    Independent,
}

/// The ratios of qualities that earn rewards of 0 and 10.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RewardRange {
    /// Earns 0.
    pub low: f64,
    /// Earns 10; above the other.
    pub high: f64,
}

impl fmt::Display for RewardRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.low, self.high)
    }
}

/// How a parameter is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Storage {
    /// 32-bit floating point
    #[default]
    F32,
    /// 16-bit floating point
    F16,
    /// Multiples of 1/128 in 8 bits, rounded by chance
    I8,
}

/// How a recommender keeps what it knows of an entity beside its row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableKind {
    /// 16 bytes an entity, fastest
    #[default]
    Full,
    /// 4.25 bytes an entity, counts and optimiser on logarithmic scales
    Thin,
}

impl TableKind {
    /// Whether these are the usual ones.
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full)
    }
}

/// How the stream is cut into segments and measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Segments of equal numbers of interactions
    Equal,
    /// Segments by the growth of the stream, with replay and training to convergence (Qu et al., CIKM 2024)
    Published,
}

impl Storage {
    /// Bytes of one stored parameter.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
            Self::I8 => 1,
        }
    }

    /// Whether values can come to the end of the type's range: such times are counted.
    pub const fn saturates(self) -> bool {
        matches!(self, Self::I8)
    }

    /// Parameters that an item's bias takes.
    pub const fn bias_parameters(self) -> u32 {
        (match self {
            Self::F32 => f32::BIAS,
            Self::F16 => F16::BIAS,
            Self::I8 => i8::BIAS,
        }) as u32
    }
}

/// The name of an option's value, as it is typed.
pub(crate) fn name_of(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// As it is typed.
impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paired => f.write_str("paired"),
            Self::Published => f.write_str("published"),
            Self::History => f.write_str("history"),
            Self::Fixed(Action { user_share, user_shape, item_shape }) => {
                write!(f, "{user_share}:{user_shape}:{item_shape}")
            }
        }
    }
}

/// Both bounds, where there are any.
impl fmt::Display for SizeLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = |bound: Option<u32>| bound.map_or("the method's".to_owned(), |bound| bound.to_string());
        write!(f, "{} and {}", bound(self.min), bound(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_and_printed_names_are_the_same() {
        fn check<T: ValueEnum + Serialize>() {
            for value in T::value_variants() {
                assert_eq!(serde_json::to_string(value).unwrap(), format!("\"{}\"", name_of(value)));
            }
        }
        check::<Method>();
        check::<Base>();
        check::<Storage>();
        check::<Protocol>();
        check::<Selection>();
        check::<TargetNetworks>();
        assert_eq!(Method::Frequency.to_string(), "frequency");
    }
}
