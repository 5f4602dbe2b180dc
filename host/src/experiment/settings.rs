//! How the host learns: one setting for all streams, methods and budgets.
//!
//! Chosen on equal rows, by the mean Recall@20 over the real streams; see `docs/quality.md`.

use scall_core::recommender::RecommenderConfig;
use scall_core::segment::ResizeSettings;
use scall_core::side::PerSide;
use scall_core::sizes::{Bounds, Distribution, SizeSettings};

/// Everything about learning that the command line does not say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The recommender's own settings.
    pub recommender: RecommenderConfig,
    /// Passes over a segment's train part, its replay included.
    pub train_passes: u32,
    /// Passes over a segment's test part, once it has been predicted.
    pub test_passes: u32,
    /// Earlier interactions replayed with a train part, as a share of it.
    pub replay: f64,
    /// Half-life of the frequencies, in segments.
    pub half_life: f32,
    /// Dimensions of the cold-start rows; an item's bias comes on top.
    pub cold_dimensions: u32,
    /// How sizes become rows.
    pub resize: ResizeSettings,
}

impl Default for Settings {
    fn default() -> Self {
        let bounds = Bounds { min: 0, max: 64 };
        Self {
            recommender: RecommenderConfig::default(),
            train_passes: 12,
            test_passes: 6,
            replay: 0.3,
            half_life: 1.0,
            cold_dimensions: 0,
            resize: ResizeSettings {
                sizes: SizeSettings {
                    distribution: Distribution::PowerLaw,
                    bounds: PerSide::new(bounds, bounds),
                },
                draw: false,
                hysteresis: true,
            },
        }
    }
}
