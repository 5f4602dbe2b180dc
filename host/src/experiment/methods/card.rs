//! What a method says of itself, and how it is named, typed and made.

use std::fmt;

use anyhow::Result;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Method, PolicyMemory, SizingMethod};
use crate::experiment::RunRequest;
use crate::experiment::settings::Settings;

/// What a method says of itself: `scall methods` prints it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct MethodCard {
    /// As typed and as in documents.
    pub name: &'static str,
    /// As in tables and charts.
    pub label: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// When it decides.
    pub decides: &'static str,
    /// What it may look at; never the test part of the segment, or anything later.
    pub looks_at: &'static str,
    /// What it keeps between decisions, beyond rows and frequencies.
    pub stores: &'static str,
    /// Where it is published.
    pub source: &'static str,
    /// Whether it keeps the budget. One that knows none reports the parameters that it holds, and is not
    /// counted as a violation.
    pub capped: bool,
    /// Whether it decides between segments alone. One that pauses the learning, or learns in the recommender's
    /// place, has no place under the published protocol.
    pub between_segments: bool,
    /// Whether its rows may be stored in any type. One that learns floats of its own and copies them to the rows
    /// has `f32` alone.
    pub any_storage: bool,
    /// Makes the method.
    #[serde(skip)]
    pub make: for<'a> fn(Setup<'a>) -> Result<Box<dyn SizingMethod + 'a>>,
}

/// What a method is made from.
#[derive(Debug)]
pub struct Setup<'a> {
    /// What was asked.
    pub request: &'a RunRequest,
    /// How it is learned.
    pub settings: &'a Settings,
    /// Memory for a policy.
    pub policy: &'a mut PolicyMemory,
}

impl Method {
    /// The name, as typed and as in documents.
    pub const fn name(self) -> &'static str {
        self.card().name
    }
}

/// As in tables and charts.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.card().label)
    }
}

impl ValueEnum for Method {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.card().summary))
    }
}

impl Serialize for Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = Self::ALL.iter().copied().find(|method| method.name() == name);
        found.ok_or_else(|| D::Error::custom(format_args!("`{name}` is no method")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_every_card_is_filled_in() {
        for (position, method) in Method::ALL.iter().enumerate() {
            let card = method.card();
            assert!(Method::ALL[..position].iter().all(|other| other.name() != card.name), "{}", card.name);
            assert_eq!(method.to_string(), card.label);
            assert!(card.label.eq_ignore_ascii_case(card.name) || card.label.contains("like"), "{card:?}");
            for text in [card.summary, card.decides, card.looks_at, card.stores, card.source] {
                assert!(!text.is_empty() && text.is_ascii(), "{card:?}");
            }
        }
    }

    #[test]
    fn a_name_that_is_no_method_is_refused() {
        assert_eq!(serde_json::from_str::<Method>("\"scall\"").unwrap(), Method::Scall);
        assert!(serde_json::from_str::<Method>("\"sca\"").unwrap_err().to_string().contains("`sca`"));
    }
}
