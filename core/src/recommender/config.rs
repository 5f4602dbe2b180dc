//! What the recommender can be told, and what it accepts.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Settings of the recommender before they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecommenderConfig {
    /// Step of the embeddings before AdaGrad divides it; above 0, at most 10. Default 0.2.
    pub learning_rate: f32,
    /// Step of the item biases, which have no AdaGrad; 0 (biases stay as they are) to 10. Default 0.02.
    pub bias_learning_rate: f32,
    /// Weight of half the squared length of a user's embedding in each event's loss; 0 to 10. Default 0.03.
    pub user_l2: f32,
    /// The same for an item's embedding; 0 to 10. Default 0.03.
    pub item_l2: f32,
    /// The same for an item's bias; 0 to 10. Default 0.01.
    pub bias_l2: f32,
    /// Standard deviation of new embedding elements around the mean row of their side; 0 to 1. Default 0.03.
    ///
    /// With 0 nothing is ever learned but biases: two rows of zeros have no gradient.
    pub initial_scale: f32,
    /// Negatives, and so updates, per event; 1 to 64. Default 1.
    pub negatives: u32,
    /// Whether the first element of an item's row is its bias, a score of its own for all users.
    /// Default true.
    pub item_bias: bool,
    /// Items drawn for each negative, of which the best-scored is taken; 1 (evenly drawn) to 64. Default 3.
    pub hardest_of: u32,
}

impl Default for RecommenderConfig {
    fn default() -> Self {
        Self {
            learning_rate: 0.2,
            bias_learning_rate: 0.02,
            user_l2: 0.03,
            item_l2: 0.03,
            bias_l2: 0.01,
            initial_scale: 0.03,
            negatives: 1,
            item_bias: true,
            hardest_of: 3,
        }
    }
}

impl RecommenderConfig {
    /// The same settings, known to lie in their ranges.
    ///
    /// # Errors
    /// The first setting that does not.
    pub fn validate(self) -> Result<ValidRecommenderConfig, ConfigError> {
        let in_range = |setting, value: f32, low: f32, high: f32| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(ConfigError::OutOfRange { setting, value, low, high })
            }
        };
        in_range("learning_rate", self.learning_rate, f32::MIN_POSITIVE, 10.0)?;
        in_range("bias_learning_rate", self.bias_learning_rate, 0.0, 10.0)?;
        in_range("user_l2", self.user_l2, 0.0, 10.0)?;
        in_range("item_l2", self.item_l2, 0.0, 10.0)?;
        in_range("bias_l2", self.bias_l2, 0.0, 10.0)?;
        // Beyond 1 a bias would overshoot zero, beyond 2 it would grow without end.
        in_range("bias_learning_rate * bias_l2", self.bias_learning_rate * self.bias_l2, 0.0, 1.0)?;
        in_range("initial_scale", self.initial_scale, 0.0, 1.0)?;
        for asked in [self.negatives, self.hardest_of] {
            if !(1..=64).contains(&asked) {
                return Err(ConfigError::Negatives { asked });
            }
        }
        Ok(ValidRecommenderConfig(self))
    }
}

/// Settings that lie in their ranges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValidRecommenderConfig(RecommenderConfig);

impl ValidRecommenderConfig {
    /// The settings.
    #[inline]
    pub const fn get(&self) -> &RecommenderConfig {
        &self.0
    }

    /// The same with or without item biases.
    #[must_use]
    pub const fn with_item_bias(mut self, item_bias: bool) -> Self {
        self.0.item_bias = item_bias;
        self
    }
}

/// A setting out of its range.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A number below or above what is possible, or not a number.
    OutOfRange {
        /// The setting's name.
        setting: &'static str,
        /// What it was.
        value: f32,
        /// The least possible value.
        low: f32,
        /// The greatest.
        high: f32,
    },
    /// Not between 1 and 64 negatives, or items to choose one from.
    Negatives {
        /// How many were asked for.
        asked: u32,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { setting, .. } => {
                f.write_str(setting)?;
                f.write_str(" is out of its range")
            }
            Self::Negatives { .. } => {
                f.write_str("the negatives per event, or the items drawn for each, are not between 1 and 64")
            }
        }
    }
}

impl core::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn defaults_are_valid() {
        assert_eq!(*RecommenderConfig::default().validate().unwrap().get(), RecommenderConfig::default());
    }

    #[test]
    fn every_setting_is_checked_at_both_ends_and_for_nan() {
        type Set = fn(&mut RecommenderConfig, f32);
        let settings: [(Set, f32, f32); 6] = [
            (|c, v| c.learning_rate = v, 1e-30, 10.0),
            (|c, v| (c.bias_learning_rate, c.bias_l2) = (v, 0.0), 0.0, 10.0),
            (|c, v| c.user_l2 = v, 0.0, 10.0),
            (|c, v| c.item_l2 = v, 0.0, 10.0),
            (|c, v| (c.bias_l2, c.bias_learning_rate) = (v, 0.1), 0.0, 10.0),
            (|c, v| c.initial_scale = v, 0.0, 1.0),
        ];
        for (set, low, high) in settings {
            let with = |value| {
                let mut config = RecommenderConfig::default();
                set(&mut config, value);
                config.validate()
            };
            assert!(with(low).is_ok() && with(high).is_ok());
            for bad in [low - 1.0, -f32::MIN_POSITIVE, high * 1.001, f32::NAN, f32::INFINITY] {
                assert!(matches!(with(bad), Err(ConfigError::OutOfRange { .. })), "{bad}");
            }
        }
        let negatives = |negatives| RecommenderConfig { negatives, ..Default::default() }.validate();
        assert!(negatives(1).is_ok() && negatives(64).is_ok());
        assert_eq!(negatives(0), Err(ConfigError::Negatives { asked: 0 }));
        assert!(negatives(65).is_err());
    }

    #[test]
    fn a_bias_that_would_diverge_is_refused_by_name() {
        let config = RecommenderConfig { bias_learning_rate: 2.0, bias_l2: 0.6, ..Default::default() };
        let error = config.validate().unwrap_err();
        assert_eq!(error.to_string(), "bias_learning_rate * bias_l2 is out of its range");
    }
}
