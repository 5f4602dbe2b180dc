//! How the host learns: one setting for all streams, methods and budgets.
//!
//! Chosen on equal rows, by the mean Recall@20 over the real streams; see `docs/quality.md`.

use scall_core::recommender::RecommenderConfig;
use scall_core::segment::{Margin, ResizeSettings};
use scall_core::side::PerSide;
use scall_core::sizes::{Bounds, Distribution, SizeSettings};

use super::methods::SearchSettings;

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
    /// Dimensions of the users' cold-start row; the items' is a bias alone.
    pub cold_dimensions: u32,
    /// The power of the frequency that `frequency` gives sizes by.
    pub frequency_power: f32,
    /// How sizes become rows.
    pub resize: ResizeSettings,
    /// How SCALL searches.
    pub search: SearchSettings,
}

impl Default for Settings {
    fn default() -> Self {
        let bounds = Bounds { min: 0, max: 64 };
        let scall_bounds = Bounds { min: env("min", 4.0) as u32, max: 64 };
        Self {
            recommender: RecommenderConfig {
                learning_rate: env("lr", 0.2),
                bias_learning_rate: env("blr", 0.02),
                user_l2: env("reg", 0.03),
                item_l2: env("reg", 0.03),
                bias_l2: env("regb", 0.01),
                initial_scale: env("init", 0.03),
                negatives: 1,
                item_bias: env("bias", 1.0) > 0.0,
                hardest_of: env("dns", 3.0) as u32,
            },
            train_passes: env("ep", 15.0) as u32,
            test_passes: env("tep", 10.0) as u32,
            replay: env("rep", 0.3).into(),
            half_life: 1.0,
            cold_dimensions: 8,
            frequency_power: 0.5,
            search: SearchSettings {
                proposals: env("prop", 2.0) as u32,
                seeds: env("seeds", 2.0) as u32,
                validation: 0.1,
                passes: env("sp", 6.0) as u32,
                replay: 1.0,
                margin: Margin { gain: env("mg", 0.03), errors: env("me", 2.0), count: env("mc", 6.0) as u32 },
                reward_scale: 10.0,
                resize: ResizeSettings {
                    sizes: SizeSettings {
                        distribution: Distribution::PowerLaw,
                        bounds: PerSide::new(scall_bounds, scall_bounds),
                    },
                    draw: false,
                    hysteresis: env("hy", 1.0) > 0.0,
                },
            },
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

/// Trial.
pub fn env(name: &str, default: f32) -> f32 {
    std::env::var(format!("P_{name}")).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}
