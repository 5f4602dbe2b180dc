//! What a run found, and every form it is shown in.

pub mod chart;
mod comparison;
pub mod contender;
pub mod csv;
pub mod document;
pub mod figures;
pub mod files;
pub mod json;
pub mod latex;
pub mod markdown;
pub mod page;
pub mod plot;
pub mod saved;
pub mod statistics;
pub mod summary;
pub mod table;
pub mod trace;

#[cfg(test)]
pub(crate) mod examples;

pub use contender::Contender;
pub use document::{
    BenchDocument, BenchRow, Budget, CompareDocument, DataStatsDocument, Dataset, FetchedDocument, HeldBytes,
    HeldParts, KnownSet, KnownSetsDocument, LeftOut, MethodsDocument, ParityDocument, PreparedDocument,
    PublishedProtocol, PublishedSegment, Quality, ReportDocument, RunDocument, RunResult, SCHEMA, Segment,
    SizeCounts, SizesDocument, Spread, SummaryRow, Total,
};
