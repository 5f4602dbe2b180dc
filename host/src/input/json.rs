//! One JSON object a line.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::{Mismatch, excerpt};
use super::format::{Column, Format, ROLES, ReadOptions, Role, normal};

/// The keys of user, item and time.
pub(crate) type Keys = [String; 3];

/// What an object holds under the three keys.
pub(crate) type Values<'a> = [Option<&'a RawValue>; 3];

/// The keys of an object that has all three; `None` for one without a user or an item.
///
/// # Errors
/// The line is no JSON object, it has a user and an item but no time, or a column was chosen by number.
pub(crate) fn find_keys(line: &[u8], options: &ReadOptions) -> Result<Option<Keys>, Mismatch> {
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(line).map_err(|error| not_json(line, &error))?;
    let mut found = [None, None, None];
    for ((role, choice), key) in ROLES.iter().zip(options.columns()).zip(&mut found) {
        *key = find_key(&object, role, choice)?;
    }
    match found {
        [Some(user), Some(item), Some(time)] => {
            if user == item || item == time || user == time {
                return Err(Mismatch::new(
                    "three different keys for user, item and time",
                    "the same one twice",
                ));
            }
            Ok(Some([user, item, time]))
        }
        [Some(_), Some(_), None] => {
            let keys: Vec<&str> = object.keys().map(String::as_str).collect();
            Err(Mismatch::new("a key for the time (--time-column)", excerpt(keys.join(" ").as_bytes())))
        }
        _ => Ok(None),
    }
}

fn find_key(
    object: &serde_json::Map<String, serde_json::Value>,
    role: &Role,
    choice: Option<&Column>,
) -> Result<Option<String>, Mismatch> {
    match choice {
        Some(Column::Number(number)) => {
            let expected = format!("the name of a key for {} (lines are JSON objects)", role.option);
            Err(Mismatch::new(expected, format!("number {number}")))
        }
        Some(Column::Name(name)) => Ok(object.contains_key(name).then(|| name.clone())),
        None => {
            let known = |usual: &&str| object.keys().find(|key| normal(key.as_bytes()) == *usual);
            Ok(role.usual.iter().find_map(known).cloned())
        }
    }
}

/// What a file with these keys is called.
pub(crate) fn format(keys: &Keys) -> Format {
    match keys.each_ref().map(String::as_str) {
        ["reviewerID", "asin", "unixReviewTime"] => Format::AmazonJson,
        ["user_id", "business_id", "date"] => Format::YelpJson,
        _ => Format::JsonLines,
    }
}

/// The values under `keys`; everything else in the object is only checked to be JSON.
pub(crate) fn values<'a>(line: &'a [u8], keys: &Keys) -> Result<Values<'a>, Mismatch> {
    let mut deserializer = serde_json::Deserializer::from_slice(line);
    let values = deserializer.deserialize_map(Pick(keys));
    values.and_then(|values| deserializer.end().map(|()| values)).map_err(|error| not_json(line, &error))
}

/// The rating under one of its usual keys.
pub(crate) fn rating(line: &[u8]) -> Result<Option<Cow<'_, str>>, Mismatch> {
    let found = values(line, &["rating", "overall", "stars"].map(str::to_owned))?;
    // What is neither a string nor a number is no rating.
    Ok(found.into_iter().flatten().find_map(|value| text(Some(value), "a rating").ok()))
}

fn not_json(line: &[u8], error: &serde_json::Error) -> Mismatch {
    let from = error.column().saturating_sub(1).min(line.len());
    let found = if error.is_eof() || from == line.len() {
        "a line that ends early".to_owned()
    } else {
        format!("{} at column {}", excerpt(&line[from..]), from + 1)
    };
    Mismatch::new("one JSON object a line", found)
}

/// A value as text: the content of a string, a number as it is spelled, empty for null or none.
pub(crate) fn text<'a>(value: Option<&'a RawValue>, what: &str) -> Result<Cow<'a, str>, Mismatch> {
    let raw = value.map_or("null", RawValue::get);
    match raw.as_bytes() {
        b"null" => Ok(Cow::Borrowed("")),
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => {
            Ok(Cow::Borrowed(raw.get(1..raw.len() - 1).unwrap_or_default().trim()))
        }
        [b'"', ..] => match serde_json::from_str::<String>(raw) {
            Ok(text) => Ok(Cow::Owned(text.trim().to_owned())),
            Err(_) => Err(Mismatch::new(format!("{what} as a string"), excerpt(raw.as_bytes()))),
        },
        [b'-' | b'0'..=b'9', ..] => Ok(Cow::Borrowed(raw)),
        _ => Err(Mismatch::new(format!("{what} as a string or a number"), excerpt(raw.as_bytes()))),
    }
}

struct Pick<'k>(&'k Keys);

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = Values<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = [None; 3];
        while let Some(place) = map.next_key_seed(Place(self.0))? {
            match place.and_then(|place| values.get_mut(place)) {
                Some(value) => *value = Some(map.next_value()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(values)
    }
}

/// Tells which of the keys a key is, without copying it.
struct Place<'k>(&'k Keys);

impl<'de> serde::de::DeserializeSeed<'de> for Place<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Place<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|wanted| wanted == key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str, keys: [&str; 3]) -> Result<Vec<String>, Mismatch> {
        let keys = keys.map(str::to_owned);
        let values = values(line.as_bytes(), &keys)?;
        values.iter().map(|value| text(*value, "a user").map(Cow::into_owned)).collect()
    }

    #[test]
    fn keys_of_known_files() {
        let options = ReadOptions::default();
        let found = |line: &str| find_keys(line.as_bytes(), &options).unwrap();
        let amazon = found(
            r#"{"reviewerID": "A2", "asin": "06", "helpful": [0, 0], "overall": 5.0, "unixReviewTime": 1252800000, "reviewTime": "09 13, 2009"}"#,
        )
        .unwrap();
        assert_eq!(format(&amazon), Format::AmazonJson);
        let yelp = found(
            r#"{"review_id":"r","user_id":"u","business_id":"b","stars":4.0,"date":"2014-02-17 22:41:40"}"#,
        );
        assert_eq!(format(&yelp.unwrap()), Format::YelpJson);
        let newer =
            found(r#"{"user_id":"u","parent_asin":"p","asin":"b","timestamp":1588687728923}"#).unwrap();
        assert_eq!(newer, ["user_id", "asin", "timestamp"]);
        assert_eq!(format(&newer), Format::JsonLines);
        assert_eq!(found(r#"{"asin":"b","timestamp":1}"#), None);
    }

    #[test]
    fn explicit_keys() {
        let column = |name: &str| Some(Column::Name(name.to_owned()));
        let mut options = ReadOptions { item_column: column("what"), ..ReadOptions::default() };
        let line = br#"{"user":1,"what":2,"item":3,"time":4}"#;
        assert_eq!(find_keys(line, &options).unwrap().unwrap(), ["user", "what", "time"]);
        options.user_column = column("what");
        assert!(find_keys(line, &options).is_err());
        options.user_column = Some(Column::Number(1));
        assert_eq!(find_keys(line, &options).unwrap_err().found, "number 1");
    }

    #[test]
    fn strings_numbers_and_nothing() {
        let line = r#" {"a": "x\u00fcy\n", "n": {"a": [1, "}"]}, "b": 12.50, "c": null} "#;
        assert_eq!(texts(line, ["a", "b", "c"]).unwrap(), ["xüy", "12.50", ""]);
        assert_eq!(texts(r#"{"\u0061": " q ", "b": ""}"#, ["a", "b", "c"]).unwrap(), ["q", "", ""]);
        assert!(texts(r#"{"a": [1]}"#, ["a", "b", "c"]).is_err());
        assert!(texts(r#"{"a": true}"#, ["a", "b", "c"]).is_err());
        assert!(texts(r#"{"a": "\ud800"}"#, ["a", "b", "c"]).is_err());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let keys = ["a", "b", "c"];
        for (line, found) in [
            (r#"{"a": 1"#, "a line that ends early"),
            (r#"{"a": NaN}"#, "`NaN}` at column 7"),
            ("{'a': 1}", "`'a': 1}` at column 2"),
            (r#"{"a": 1} {"a": 2}"#, "`{\"a\": 2}` at column 10"),
        ] {
            let error = texts(line, keys).unwrap_err();
            assert_eq!((error.expected.as_str(), error.found.as_str()), ("one JSON object a line", found));
        }
        assert!(texts("[1, 2]", keys).is_err());
        assert!(values(b"{\"a\": \"\xff\"}", &keys.map(str::to_owned)).is_err());
    }
}
