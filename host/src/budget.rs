//! Budgets as they are written on the command line.
//!
//! | written | meaning |
//! | --- | --- |
//! | `mean:N` | `N` parameters per entity seen so far, so the budget grows with them; decimals allowed |
//! | `mean:NB` | the same in bytes of parameters: `mean:8B` |
//! | `params:N` | `N` parameters |
//! | `64KiB`, `1MiB`, `1GiB` | bytes of parameters, in binary units |
//! | `10kB`, `10MB`, `1GB`, `512B` | bytes of parameters, in decimal units |
//! | `total:64KiB` | bytes of everything that is held between events, in the same units |
//!
//! A budget in bytes counts what is stored, so it depends on the [`Storage`]. What is not a whole number of
//! parameters is rounded down.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::experiment::Storage;

/// The most parameters one table can hold: its offsets are 32 bits wide.
pub const MOST_PARAMETERS: u32 = u32::MAX;

/// Fractions are kept as millionths, so that every decimal budget is an exact number.
const MILLION: u128 = 1_000_000;
const DECIMALS: usize = 6;

/// More than any memory that is planned for.
const MOST_BYTES: u64 = 1 << 50;

/// More digits than any quantity needs; 128 bits hold such a number of millionths of gibibytes.
const MOST_DIGITS: usize = 20;

/// A budget, not yet applied to a number of entities and a storage format.
///
/// It is compared, printed and serialized as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BudgetSpec {
    text: String,
    amount: Amount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Amount {
    MeanMillionths(u128),
    MeanByteMillionths(u128),
    Parameters(u128),
    Bytes(u128),
    Total(u128),
}

/// Why a text is not a budget.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{text}` is not a budget: expected mean:N (parameters per entity), mean:NB (bytes per entity), params:N, \
     bytes of parameters such as 64KiB, 1MiB or 10MB, or total:64KiB (bytes of everything){hint}"
)]
pub struct ParseBudgetError {
    text: String,
    hint: &'static str,
}

/// Why a budget cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// Not a single parameter fits.
    #[error(
        "budget `{spec}` is too small: it holds no parameter for {entities} entities; expected at least 1"
    )]
    Empty {
        /// As written.
        spec: String,
        /// How many entities it was applied to.
        entities: u64,
    },
    /// More parameters than one table can address.
    #[error(
        "budget `{spec}` is too large: {parameters} parameters for {entities} entities; expected at most \
         {MOST_PARAMETERS}"
    )]
    TooLarge {
        /// As written.
        spec: String,
        /// How many entities it was applied to.
        entities: u64,
        /// How many parameters that would be.
        parameters: u128,
    },
    /// It counts more than parameters.
    #[error(
        "budget `{spec}` counts all that a recommender holds, not parameters alone; expected mean:N, params:N or \
         bytes such as 64KiB"
    )]
    OfEverything {
        /// As written.
        spec: String,
    },
}

impl BudgetSpec {
    /// The budget in parameters, once `entities` users and items have been seen.
    ///
    /// # Errors
    /// If that is no parameter at all, or more than [`MOST_PARAMETERS`]; or if it is a [total](Self::total).
    pub fn parameters(&self, entities: u64, storage: Storage) -> Result<u32, BudgetError> {
        let parameters = match self.amount {
            Amount::MeanMillionths(mean) => mean.saturating_mul(entities.into()) / MILLION,
            Amount::MeanByteMillionths(mean) => {
                mean.saturating_mul(entities.into()) / (MILLION * u128::from(storage.bytes()))
            }
            Amount::Parameters(parameters) => parameters,
            Amount::Bytes(bytes) => bytes / u128::from(storage.bytes()),
            Amount::Total(_) => return Err(BudgetError::OfEverything { spec: self.text.clone() }),
        };
        match u32::try_from(parameters) {
            Ok(0) => Err(BudgetError::Empty { spec: self.text.clone(), entities }),
            Ok(parameters) => Ok(parameters),
            Err(_) => Err(BudgetError::TooLarge { spec: self.text.clone(), entities, parameters }),
        }
    }

    /// The bytes of a budget for everything that is held between events; none for one of parameters.
    pub fn total(&self) -> Option<u64> {
        match self.amount {
            Amount::Total(bytes) => Some(u64::try_from(bytes).unwrap_or(u64::MAX)),
            _ => None,
        }
    }

    /// Whether the budget grows with the number of entities.
    pub const fn grows(&self) -> bool {
        matches!(self.amount, Amount::MeanMillionths(_) | Amount::MeanByteMillionths(_))
    }

    /// The text it was written as.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// `mean:8`.
impl Default for BudgetSpec {
    fn default() -> Self {
        Self { text: "mean:8".to_owned(), amount: Amount::MeanMillionths(8 * MILLION) }
    }
}

impl FromStr for BudgetSpec {
    type Err = ParseBudgetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text)
            .map(|amount| Self { text: text.to_owned(), amount })
            .map_err(|hint| ParseBudgetError { text: text.to_owned(), hint })
    }
}

impl fmt::Display for BudgetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl TryFrom<String> for BudgetSpec {
    type Error = ParseBudgetError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BudgetSpec> for String {
    fn from(spec: BudgetSpec) -> Self {
        spec.text
    }
}

fn parse(text: &str) -> Result<Amount, &'static str> {
    if let Some(bytes) = text.strip_prefix("total:") {
        return match parse(bytes) {
            Ok(Amount::Bytes(bytes)) if bytes <= MOST_BYTES.into() => Ok(Amount::Total(bytes)),
            _ => Err("; total: takes bytes with a unit, and at most 1048576GiB"),
        };
    }
    if let Some(number) = text.strip_prefix("mean:") {
        return match number.strip_suffix('B') {
            Some(bytes) => Ok(Amount::MeanByteMillionths(millionths(bytes)?)),
            None => Ok(Amount::MeanMillionths(millionths(number)?)),
        };
    }
    if let Some(number) = text.strip_prefix("params:") {
        let millionths = millionths(number)?;
        if number.contains('.') {
            return Err("; params:N takes a whole number");
        }
        return Ok(Amount::Parameters(millionths / MILLION));
    }
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let scale: u128 = match unit {
        "B" => 1,
        "kB" | "KB" => 1000,
        "MB" => 1000 * 1000,
        "GB" => 1000 * 1000 * 1000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "" if !number.is_empty() => return Err("; a plain number needs mean:, params: or a unit"),
        _ => return Err("; units are B, kB, MB, GB, KiB, MiB and GiB"),
    };
    Ok(Amount::Bytes(millionths(number)?.saturating_mul(scale) / MILLION))
}

/// Reads a number of bytes: `64KiB`, `1.5MB`, `512B`.
///
/// # Errors
/// Any other text, with what was expected.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    match parse(text) {
        Ok(Amount::Bytes(bytes)) => u64::try_from(bytes).ok(),
        _ => None,
    }
    .filter(|&bytes| bytes <= MOST_BYTES)
    .ok_or_else(|| {
        "expected bytes with a unit, such as 64KiB, 1MB or 512B, and at most 1048576GiB".to_owned()
    })
}

/// Reads a plain decimal number, exactly.
fn millionths(number: &str) -> Result<u128, &'static str> {
    let (whole, fraction) = match number.split_once('.') {
        Some((_, "")) => return Err("; digits are missing after the point"),
        Some(parts) => parts,
        None => (number, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return Err(
            "; a number is plain digits with at most one point, neither negative nor in exponent form",
        );
    }
    if whole.len() > MOST_DIGITS {
        return Err("; the number has more than 20 digits");
    }
    if fraction.len() > DECIMALS {
        return Err("; the number has more than 6 decimals");
    }
    let value = |part: &str| part.bytes().fold(0_u128, |sum, byte| sum * 10 + u128::from(byte - b'0'));
    let missing = (fraction.len()..DECIMALS).fold(1_u128, |power, _| power * 10);
    Ok(value(whole) * MILLION + value(fraction) * missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(text: &str, entities: u64) -> u32 {
        text.parse::<BudgetSpec>().unwrap().parameters(entities, Storage::F32).unwrap()
    }

    #[test]
    fn a_mean_counts_parameters_per_entity() {
        assert_eq!(parameters("mean:8", 943 + 1349), 18_336);
        assert_eq!(parameters("mean:0.5", 7), 3);
        // 0.29 * 100 is below 29 in binary floating point.
        assert_eq!(parameters("mean:0.29", 100), 29);
        assert!("mean:8".parse::<BudgetSpec>().unwrap().grows());
    }

    #[test]
    fn a_budget_in_bytes_holds_as_many_parameters_as_it_stores() {
        let of = |text: &str| {
            [Storage::F32, Storage::F16, Storage::I8]
                .map(|storage| text.parse::<BudgetSpec>().unwrap().parameters(101, storage).unwrap())
        };
        assert_eq!(of("mean:8B"), [202, 404, 808]);
        // 50.5 bytes.
        assert_eq!(of("mean:0.5B"), [12, 25, 50]);
        assert_eq!(of("64KiB"), [16_384, 32_768, 65_536]);
        assert_eq!(of("mean:8"), [808; 3]);
        assert!("mean:8B".parse::<BudgetSpec>().unwrap().grows());
    }

    #[test]
    fn a_number_of_parameters_is_itself() {
        assert_eq!(parameters("params:1", 5), 1);
        assert_eq!(parameters("params:4294967295", 5), u32::MAX);
        assert!(!"params:1".parse::<BudgetSpec>().unwrap().grows());
    }

    #[test]
    fn bytes_are_binary_or_decimal_and_cost_four_a_parameter() {
        assert_eq!(parameters("64KiB", 1), 16_384);
        assert_eq!(parameters("1MiB", 1), 262_144);
        assert_eq!(parameters("1GiB", 1), 268_435_456);
        assert_eq!(parameters("10MB", 1), 2_500_000);
        assert_eq!(parameters("10kB", 1), 2_500);
        assert_eq!(parameters("1GB", 1), 250_000_000);
        assert_eq!(parameters("1.5KiB", 1), 384);
        assert_eq!(parameters("11B", 1), 2);
    }

    #[test]
    fn a_total_is_bytes_of_everything_and_no_number_of_parameters() {
        let spec: BudgetSpec = "total:1.5KiB".parse().unwrap();
        assert_eq!((spec.total(), spec.grows()), (Some(1536), false));
        assert_eq!("64KiB".parse::<BudgetSpec>().unwrap().total(), None);
        let error = spec.parameters(10, Storage::F32).unwrap_err().to_string();
        assert!(error.starts_with("budget `total:1.5KiB` counts all"), "{error}");
    }

    #[test]
    fn what_is_no_budget_is_refused_with_what_was_expected() {
        for text in [
            "",
            "8",
            "mean:",
            "mean:x",
            "mean:-1",
            "mean:+1",
            "mean:NaN",
            "mean:inf",
            "mean:1e3",
            "mean:1.",
            "mean:.5",
            "mean:B",
            "mean:8KB",
            "mean:8b",
            "mean:1.2.3",
            "mean:0.0000001",
            "params:1.5",
            "params:-1",
            "params:",
            "64kib",
            "64 KiB",
            "KiB",
            "-1MiB",
            "10XB",
            "total:",
            "total:64",
            "total:99999999999999999999GiB",
            "total:mean:8",
            "total:total:64KiB",
            "mean:99999999999999999999999999",
            "1MiB ",
            "٣MB",
        ] {
            let error = text.parse::<BudgetSpec>().expect_err(text).to_string();
            assert!(error.contains("expected mean:N"), "{error}");
            assert!(error.contains(&format!("`{text}`")), "{error}");
        }
    }

    #[test]
    fn nothing_and_far_too_much_are_refused_with_their_figures() {
        let refused = |text: &str, entities| {
            text.parse::<BudgetSpec>().unwrap().parameters(entities, Storage::F32).unwrap_err().to_string()
        };
        for text in ["mean:0", "params:0", "0KiB", "3B"] {
            assert!(refused(text, 10).contains("holds no parameter for 10 entities"), "{text}");
        }
        assert!(refused("mean:8", 0).contains("holds no parameter"));
        for text in ["params:1000000000000000000", "mean:1000000000000000000", "99999999999999999999GiB"] {
            let message = refused(text, 10);
            assert!(message.contains("expected at most 4294967295"), "{message}");
        }
        assert!(refused("mean:1000000000000000000", 10).contains("10000000000000000000 parameters"));
        assert!(refused("params:4294967296", 10).contains("too large"));
    }

    #[test]
    fn bytes_alone_need_a_unit() {
        let read = |text| parse_bytes(text).ok();
        assert_eq!(
            ["64KiB", "1.5kB", "0B", "1048576GiB"].map(read),
            [Some(65_536), Some(1_500), Some(0), Some(1 << 50)]
        );
        for text in ["", "64", "mean:8", "params:64", "-1KiB", "1048577GiB", "99999999999999999999GiB"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn it_is_printed_and_serialized_as_written() {
        let spec: BudgetSpec = "mean:8".parse().unwrap();
        assert_eq!(spec.to_string(), "mean:8");
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(json, "\"mean:8\"");
        assert_eq!(serde_json::from_str::<BudgetSpec>(&json).unwrap(), spec);
        assert!(serde_json::from_str::<BudgetSpec>("\"eight\"").is_err());
    }
}
