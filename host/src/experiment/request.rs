//! What is asked of an experiment, resolved from the command line.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::ValueEnum;
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
    /// How the stream is cut and measured.
    pub protocol: Protocol,
    /// The number of segments, at least 2.
    pub segments: usize,
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
            protocol: Protocol::Equal,
            segments: 10,
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

/// How a parameter is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Storage {
    /// 32-bit floating point
    F32,
}

/// How the stream is cut into segments and measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Segments of equal numbers of interactions
    Equal,
}

impl Storage {
    /// Bytes of one stored parameter.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::F32 => 4,
        }
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
        assert_eq!(Method::Frequency.to_string(), "frequency");
    }
}
