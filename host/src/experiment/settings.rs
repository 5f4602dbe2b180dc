//! How the host learns: one setting for all streams, methods and budgets.
//!
//! Chosen on equal rows, by the mean Recall@20 over the real streams; see `docs/quality.md`.

use scall_core::recommender::RecommenderConfig;
use scall_core::segment::{Margin, ResizeSettings};
use scall_core::side::{PerSide, Side};
use scall_core::sizes::{Bounds, Distribution, SizeSettings};

use super::base::LightGcnSteps;
use super::methods::{Measure, PublishedSettings, SearchSettings, TrialSettings};
use super::{Base, Protocol, RewardRange, RunRequest, SizeLimits, Storage, TargetNetworks};
use crate::lightgcn::{Candidates, LightGcnSettings};

/// Everything about learning that the command line does not say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The recommender's own settings.
    pub recommender: RecommenderConfig,
    /// Passes over a segment's train part, its replay included.
    pub train_passes: u32,
    /// Passes over a segment's test part, once it has been predicted.
    pub test_passes: u32,
    /// How LightGCN learns.
    pub lightgcn: LightGcnSteps,
    /// Earlier interactions replayed with a train part, as a share of it.
    pub replay: f64,
    /// Half-life of the frequencies, in segments.
    pub half_life: f32,
    /// Dimensions of the users' cold-start row; the items' is a bias alone.
    pub cold_dimensions: u32,
    /// The power of the frequency that `frequency` gives sizes by.
    pub frequency_power: f32,
    /// How sizes become rows, for methods other than SCALL.
    pub resize: ResizeSettings,
    /// How SCALL searches.
    pub search: SearchSettings,
    /// How SCALL searches as published.
    pub published: PublishedSettings,
}

/// The most dimensions of a row.
const LARGEST: u32 = 64;

/// The fewest dimensions that SCALL gives a row: shorter ones learn too little to be worth their
/// parameters, so the rarest entities go without instead.
const SMALLEST: u32 = 3;

/// A power law within bounds, with hysteresis.
const fn resize(smallest: u32) -> ResizeSettings {
    let bounds = Bounds { min: smallest, max: LARGEST };
    ResizeSettings {
        sizes: SizeSettings { distribution: Distribution::PowerLaw, bounds: PerSide::new(bounds, bounds) },
        draw: false,
        hysteresis: true,
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            recommender: RecommenderConfig::default(),
            train_passes: 15,
            test_passes: 10,
            lightgcn: LightGcnSteps {
                settings: LightGcnSettings { l2: 1e-3, ..LightGcnSettings::PUBLISHED },
                train: 200,
                test: 40,
                candidates: Candidates::Known,
            },
            replay: 0.3,
            half_life: 0.5,
            cold_dimensions: 8,
            frequency_power: 0.5,
            resize: resize(0),
            search: SearchSettings {
                proposals: 1,
                trial: TrialSettings {
                    seeds: 2,
                    validation: 0.1,
                    passes: 6,
                    steps: 60,
                    replay: 1.0,
                    measure: Measure::ReciprocalRank,
                },
                margin: Margin { gain: 0.03, errors: 2.0, count: 6 },
                reward_scale: 10.0,
                resize: resize(SMALLEST),
            },
            published: PublishedSettings {
                fewest_steps: 11,
                most_steps: 30,
                still: 0.01,
                ratios: (0.7, 1.2),
                target_networks: TargetNetworks::Synchronised,
                trial: TrialSettings {
                    seeds: 1,
                    validation: 0.1,
                    passes: 6,
                    steps: 200,
                    replay: 0.2,
                    measure: Measure::Quality,
                },
                resize: resize(1),
            },
        }
    }
}

/// The most steps of a search under the published protocol, which itself has no bound.
pub const MOST_POLICY_STEPS: u32 = 50;

impl Settings {
    /// Those of a request.
    pub fn of(request: &RunRequest) -> Self {
        let settings = Self::of_base(request.base).stored_as(request.storage);
        let mut settings = match request.protocol {
            Protocol::Equal => settings,
            Protocol::Published => settings.published_protocol(),
        };
        let (options, search) = (&request.published, &mut settings.published);
        search.target_networks = options.target_networks;
        if let Some(steps) = options.policy_steps {
            search.most_steps = steps as usize;
            search.fewest_steps = search.fewest_steps.min(search.most_steps);
        }
        if let Some(RewardRange { low, high }) = options.reward_range {
            search.ratios = (low, high);
        }
        settings.limited(request.sizes)
    }

    /// The settings under which a base is compared.
    fn of_base(base: Base) -> Self {
        let settings = Self::default();
        match base {
            Base::Mf => settings,
            // Who has no row is reached through the graph: there is neither bias nor cold-start row.
            Base::Lightgcn => Self {
                recommender: RecommenderConfig {
                    item_bias: false,
                    initial_scale: 0.01,
                    ..settings.recommender
                },
                cold_dimensions: 0,
                ..settings
            },
        }
    }

    /// The same for rows that are stored in this type, where it wants others.
    const fn stored_as(mut self, storage: Storage) -> Self {
        if matches!(storage, Storage::I8) {
            // Shorter steps come to the ends of the range less often.
            self.recommender.learning_rate = 0.1;
        }
        self
    }

    /// Those of the published protocol (Qu et al., CIKM 2024): rows of 1 to 256 dimensions that are dealt anew
    /// in every segment, by the frequencies of its train part alone.
    fn published_protocol(self) -> Self {
        let resize = ResizeSettings { hysteresis: false, ..resize(1) };
        let mut settings = Self { half_life: 0.0, cold_dimensions: 0, ..self };
        (settings.resize, settings.search.resize, settings.published.resize) = (resize, resize, resize);
        settings.lightgcn.settings = LightGcnSettings::PUBLISHED;
        settings.published.most_steps = MOST_POLICY_STEPS as usize;
        settings.published.ratios = (0.9, 1.1);
        settings.limited(SizeLimits { min: Some(1), max: Some(256) })
    }

    /// The same with the bounds that were asked for, for every method.
    #[must_use]
    pub fn limited(mut self, limits: SizeLimits) -> Self {
        let all = [&mut self.resize, &mut self.search.resize, &mut self.published.resize];
        for bounds in all.map(|resize| &mut resize.sizes.bounds) {
            for side in Side::BOTH {
                let bounds = bounds.get_mut(side);
                bounds.min = limits.min.unwrap_or(bounds.min);
                bounds.max = limits.max.unwrap_or(bounds.max);
            }
        }
        self
    }
}
