//! What a run found, and every form it is shown in.

pub mod chart;
pub mod csv;
pub mod document;
pub mod files;
pub mod json;
pub mod plot;
pub mod statistics;
pub mod summary;
pub mod table;

#[cfg(test)]
pub(crate) mod examples;

pub use document::{
    BenchDocument, BenchRow, Budget, CompareDocument, DataStatsDocument, Dataset, FetchedDocument, KnownSet,
    KnownSetsDocument, MethodsDocument, ParityDocument, PreparedDocument, Quality, RunDocument, RunResult,
    SCHEMA, Segment, SizeCounts, SizesDocument, Spread, SummaryRow,
};
