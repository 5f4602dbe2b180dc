//! Times as text.
//!
//! A number below 10^11 is in Unix seconds, a larger one below 10^14 in Unix milliseconds; both may have a
//! fraction or an exponent. A date is ISO 8601, with or without a time of day (`T` or a space between them,
//! fractions allowed) and an offset from UTC; without an offset it is taken as UTC. Times run from
//! 1970-01-01 up to, and without, 10^11 seconds (the year 5138): what lies outside is a mistake, a marker
//! for "unknown" or another unit.

use jiff::{Timestamp, civil::DateTime, tz::Offset};

use super::error::{Mismatch, excerpt};

const SECONDS_END: i64 = 100_000_000_000;
const MILLISECONDS_END: i64 = 1000 * SECONDS_END;
const EXPECTED: &str = "a time (Unix seconds or milliseconds, or an ISO 8601 date) from 1970 to 5138";

/// `text` in Unix milliseconds.
pub(crate) fn parse(text: &[u8]) -> Result<i64, Mismatch> {
    read(text).ok_or_else(|| Mismatch::new(EXPECTED, excerpt(text)))
}

/// Whether `text` looks like a time of a log, and not like a count or a rating: used only to recognise
/// files without a header.
pub(crate) fn is_plausible(text: &[u8]) -> bool {
    // 1973 in seconds.
    read(text).is_some_and(|milliseconds| milliseconds >= 100_000_000_000)
}

fn read(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    if !text.is_empty() && text.len() <= 15 && text.iter().all(u8::is_ascii_digit) {
        let number = text.iter().fold(0_i64, |number, digit| number * 10 + i64::from(digit - b'0'));
        return in_milliseconds(number);
    }
    let text = std::str::from_utf8(text).ok()?;
    match text.parse::<f64>() {
        // Everything in range is exact to the millisecond: 10^14 lies below 2^53.
        Ok(number) if (0.0..SECONDS_END as f64).contains(&number) => Some((number * 1000.0).round() as i64),
        Ok(number) if (0.0..MILLISECONDS_END as f64).contains(&number) => Some(number as i64),
        Ok(_) => None,
        Err(_) => date(text),
    }
}

fn in_milliseconds(number: i64) -> Option<i64> {
    match number {
        0..SECONDS_END => Some(number * 1000),
        SECONDS_END..MILLISECONDS_END => Some(number),
        _ => None,
    }
}

fn date(text: &str) -> Option<i64> {
    // Everything jiff reads beyond the plain forms (weeks, zone names in brackets) is not promised.
    let timestamp = match text.parse::<Timestamp>() {
        Ok(timestamp) => timestamp,
        Err(_) => Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok()?,
    };
    let milliseconds = timestamp.as_millisecond();
    (0..MILLISECONDS_END).contains(&milliseconds).then_some(milliseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_milliseconds_and_dates() {
        for (text, milliseconds) in [
            ("0", 0),
            ("881250949", 881_250_949_000),
            (" 1287503727.0 ", 1_287_503_727_000),
            ("1287503727.25", 1_287_503_727_250),
            ("1.287503727e9", 1_287_503_727_000),
            ("1386460800123", 1_386_460_800_123),
            ("1386460800123.0", 1_386_460_800_123),
            ("99999999999", 99_999_999_999_000),
            ("100000000000", 100_000_000_000),
            ("1970-01-01", 0),
            ("2010-12-01", 1_291_161_600_000),
            ("2010-12-01 08:26:00", 1_291_191_960_000),
            ("2010-12-01 08:26", 1_291_191_960_000),
            ("2010-12-01T08:26:00Z", 1_291_191_960_000),
            ("2010-12-01T08:26:00.250Z", 1_291_191_960_250),
            ("2010-12-01T08:26:00+01:00", 1_291_188_360_000),
            ("2010-12-01 08:26:00-0500", 1_291_209_960_000),
            ("2012-02-29", 1_330_473_600_000),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(milliseconds), "{text}");
        }
    }

    #[test]
    fn absurd_times_are_refused() {
        for text in [
            "",
            " ",
            "NaN",
            "nan",
            "inf",
            "-inf",
            "infinity",
            "-1",
            "-1.5",
            "-881250949",
            "1e400",
            "1e14",
            "100000000000000",
            "1386460800123456",
            "99999999999999999999999999",
            "0x10",
            "12 13",
            "1,5",
            "--5",
            "0000-01-01",
            "0000-00-00 00:00:00",
            "-0001-01-01",
            "1969-12-31 23:59:59",
            "9999-12-31",
            "2011-02-29",
            "2010-13-01",
            "2010-12-01 25:00:00",
            "2010-12-01 08:61:00",
            "12/1/2010 8:26",
            "yesterday",
            "881250949s",
            "\u{0661}",
        ] {
            let error = parse(text.as_bytes()).expect_err(text);
            assert_eq!(error, Mismatch::new(EXPECTED, excerpt(text.as_bytes())));
        }
        assert!(parse(b"\xff\xfe").is_err());
    }

    #[test]
    fn a_rating_is_no_plausible_time() {
        for text in ["5", "4.0", "", "x", "20101201"] {
            assert!(!is_plausible(text.as_bytes()), "{text}");
        }
        for text in ["881250949", "1386460800000", "2010-12-01"] {
            assert!(is_plausible(text.as_bytes()), "{text}");
        }
    }
}
