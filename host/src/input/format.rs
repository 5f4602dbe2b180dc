//! Which columns hold the user, the item and the time, by explicit choice or by the usual names.

use std::str::FromStr;

use super::error::{Mismatch, excerpt};
use super::record::{Delimiter, Record};
use super::time;

/// A column by its name or by its number from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// The column whose header is this text; also the part before the type in a RecBole header.
    Name(String),
    /// The column at this place, from 1.
    Number(usize),
}

impl FromStr for Column {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(0) => Err("columns are numbered from 1"),
            Ok(number) => Ok(Self::Number(number)),
            Err(_) if text.trim().is_empty() => Err("expected the name of a column, or a number from 1"),
            Err(_) => Ok(Self::Name(text.trim().to_owned())),
        }
    }
}

/// What is known about a file beforehand; everything else is recognised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Where the user stands.
    pub user_column: Option<Column>,
    /// Where the item stands.
    pub item_column: Option<Column>,
    /// Where the time stands.
    pub time_column: Option<Column>,
    /// What separates the columns.
    pub delimiter: Option<Delimiter>,
    /// Whether ratings are kept.
    pub ratings: bool,
}

impl ReadOptions {
    pub(crate) fn columns(&self) -> [Option<&Column>; 3] {
        [self.user_column.as_ref(), self.item_column.as_ref(), self.time_column.as_ref()]
    }
}

/// What a file was recognised as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// MovieLens 100K `u.data`: user, item, rating, time; tabs, no header.
    MovieLensTab,
    /// MovieLens `ratings.dat`: the same, separated by `::`.
    MovieLensDoubleColon,
    /// MovieLens `ratings.csv`: `userId,movieId,rating,timestamp`.
    MovieLensCsv,
    /// Amazon reviews, one JSON object a line.
    AmazonJson,
    /// Amazon ratings: user, item, rating, time; commas, no header.
    AmazonCsv,
    /// Yelp reviews, one JSON object a line.
    YelpJson,
    /// RecBole `.inter`: tabs and a header with types.
    RecBole,
    /// Check-ins: user, item, time; tabs, no header.
    CheckIn,
    /// Any other JSON objects, one a line.
    JsonLines,
    /// Any other columns separated by tabs.
    Tsv,
    /// Any other columns with another delimiter.
    Csv,
    /// What `scall data prepare` writes.
    Prepared,
    /// The stream that the program makes itself.
    BuiltIn,
}

impl Format {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::MovieLensTab => "movielens-u.data",
            Self::MovieLensDoubleColon => "movielens-ratings.dat",
            Self::MovieLensCsv => "movielens-ratings.csv",
            Self::AmazonJson => "amazon-reviews-json",
            Self::AmazonCsv => "amazon-ratings-csv",
            Self::YelpJson => "yelp-reviews-json",
            Self::RecBole => "recbole-inter",
            Self::CheckIn => "check-in-tsv",
            Self::JsonLines => "json-lines",
            Self::Tsv => "tsv",
            Self::Csv => "csv",
            Self::Prepared => "prepared",
            Self::BuiltIn => "built-in",
        }
    }
}

/// The three columns by what they hold, the names they usually have (small letters and digits alone, the
/// most telling first), and the option that chooses them.
pub(crate) struct Role {
    pub(crate) name: &'static str,
    pub(crate) usual: &'static [&'static str],
    pub(crate) option: &'static str,
}

pub(crate) const ROLES: [Role; 3] = [
    Role {
        name: "user",
        usual: &[
            "userid",
            "user",
            "uid",
            "username",
            "customerid",
            "customer",
            "reviewerid",
            "reviewer",
            "visitorid",
            "memberid",
            "accountid",
            "sessionid",
        ],
        option: "--user-column",
    },
    Role {
        name: "item",
        usual: &[
            "itemid",
            "item",
            "iid",
            "movieid",
            "businessid",
            "asin",
            "parentasin",
            "stockcode",
            "productid",
            "product",
            "sku",
            "poi",
            "poiid",
            "venueid",
            "venue",
            "locationid",
            "location",
            "placeid",
            "bookid",
            "isbn",
            "songid",
            "trackid",
            "artistid",
            "videoid",
            "articleid",
        ],
        option: "--item-column",
    },
    Role {
        name: "time",
        usual: &[
            "timestamp",
            "time",
            "unixts",
            "ts",
            "unixtime",
            "unixreviewtime",
            "datetime",
            "date",
            "invoicedate",
            "eventtime",
            "checkintime",
            "reviewtime",
            "createdat",
        ],
        option: "--time-column",
    },
];

/// Usual names of the column with the rating, as in [`ROLES`].
pub(crate) const RATING: [&str; 7] =
    ["rating", "ratings", "overall", "stars", "score", "reviewrating", "ratingvalue"];

/// A header's text as names are compared: without a RecBole type, case and punctuation.
pub(crate) fn normal(header: &[u8]) -> String {
    let name = header.split(|&byte| byte == b':').next().unwrap_or_default();
    let kept = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
    kept.map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

/// Where the three columns are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) delimiter: Delimiter,
    pub(crate) has_header: bool,
    pub(crate) fields: usize,
    /// The places of user, item and time, from 0.
    pub(crate) columns: [usize; 3],
    /// The place of the rating, if there is one.
    pub(crate) rating: Option<usize>,
    pub(crate) format: Format,
}

/// Recognises a file by its first line.
pub(crate) fn recognise(line: &[u8], options: &ReadOptions) -> Result<Layout, Mismatch> {
    let mut record = Record::new();
    let mut nearest: Option<Missing> = None;
    for delimiter in Delimiter::ALL {
        if options.delimiter.is_some_and(|given| given != delimiter) {
            continue;
        }
        record.split(line, delimiter);
        match resolve(&record, options, delimiter) {
            Ok(layout) => return Ok(layout),
            Err(missing) => {
                // With several candidates the one that comes nearest says what is missing.
                if nearest.as_ref().is_none_or(|best| missing.score() > best.score()) {
                    nearest = Some(missing);
                }
            }
        }
    }
    let mismatch = nearest.map(|missing| missing.mismatch);
    Err(mismatch.unwrap_or_else(|| Mismatch::new("columns", excerpt(line))))
}

struct Missing {
    found: usize,
    fields: usize,
    mismatch: Mismatch,
}

impl Missing {
    fn score(&self) -> (usize, usize) {
        (self.found, self.fields)
    }
}

/// Finds the columns in the first record of a file.
fn resolve(record: &Record, options: &ReadOptions, delimiter: Delimiter) -> Result<Layout, Missing> {
    let fields = record.len();
    let mut found = 0;
    let mut named = [None; 3];
    let mut problem = None;
    for ((role, choice), place) in ROLES.iter().zip(options.columns()).zip(&mut named) {
        match find(record, role, choice) {
            Ok(at) => {
                *place = at;
                found += usize::from(at.is_some());
            }
            Err(mismatch) => problem = problem.or(Some(mismatch)),
        }
    }
    let missing = |mismatch| Missing { found, fields, mismatch };
    if let Some(mismatch) = problem {
        return Err(missing(mismatch));
    }
    let by_name = options.columns().iter().any(|choice| matches!(choice, Some(Column::Name(_))));
    let numbered = options.columns().iter().all(|choice| matches!(choice, Some(Column::Number(_))));
    // The first line is a header if columns are found by name, or if no time stands where one should.
    let headless = places_without_header(options, fields).filter(|&[.., time]| {
        !by_name
            && if numbered {
                time::parse(record.field(time)).is_ok()
            } else {
                time::is_plausible(record.field(time))
            }
    });
    let (columns, has_header) = match (named, headless) {
        (_, Some(columns)) => (columns, false),
        ([Some(user), Some(item), Some(time)], None) => ([user, item, time], true),
        _ => {
            let lacking: Vec<String> = ROLES
                .iter()
                .zip(named)
                .filter(|(_, place)| place.is_none())
                .map(|(role, _)| format!("{} ({})", role.name, role.option))
                .collect();
            let expected = format!("columns for user, item and time; unrecognised: {}", lacking.join(", "));
            return Err(missing(Mismatch::new(expected, record.shown())));
        }
    };
    let [user, item, time] = columns;
    if user == item || item == time || user == time {
        let mismatch = Mismatch::new("three different columns for user, item and time", "the same one twice");
        return Err(missing(mismatch));
    }
    let format = name_format(record, has_header, delimiter, columns);
    let rating = if has_header {
        let known = |usual: &&str| record.iter().position(|header| normal(header) == *usual);
        RATING.iter().find_map(known).filter(|place| !columns.contains(place))
    } else {
        // User, item and time of four columns: the one left over, where it is the third as everywhere.
        (fields == 4 && !columns.contains(&2)).then_some(2)
    };
    Ok(Layout { delimiter, has_header, fields, columns, rating, format })
}

/// The place of a role's column: the chosen one, or the first usual name.
fn find(record: &Record, role: &Role, choice: Option<&Column>) -> Result<Option<usize>, Mismatch> {
    let place = match choice {
        Some(&Column::Number(number)) if number <= record.len() => return Ok(Some(number - 1)),
        Some(Column::Number(number)) => {
            let expected = format!("at least {number} columns for {}", role.option);
            return Err(Mismatch::new(expected, format!("{} in {}", record.len(), record.shown())));
        }
        Some(Column::Name(name)) => {
            let exact = record.iter().position(|header| header == name.as_bytes());
            let alike = normal(name.as_bytes());
            let like = || record.iter().position(|header| !alike.is_empty() && normal(header) == alike);
            let Some(place) = exact.or_else(like) else {
                let expected = format!("a column named {} for {}", excerpt(name.as_bytes()), role.option);
                return Err(Mismatch::new(expected, record.shown()));
            };
            place
        }
        None => {
            let known = |usual: &&str| record.iter().position(|header| normal(header) == *usual);
            let Some(place) = role.usual.iter().find_map(known) else { return Ok(None) };
            place
        }
    };
    let header = record.field(place);
    if record.iter().filter(|&other| other == header).count() > 1 {
        let expected = format!("one column named {} (or its number for {})", excerpt(header), role.option);
        return Err(Mismatch::new(expected, "several"));
    }
    Ok(Some(place))
}

/// Where user, item and time are without a header: at the chosen places, else first, second and last of
/// three or four columns.
fn places_without_header(options: &ReadOptions, fields: usize) -> Option<[usize; 3]> {
    let usual = matches!(fields, 3 | 4);
    let defaults = [0, 1, fields.saturating_sub(1)];
    let mut columns = [0; 3];
    for ((column, choice), default) in columns.iter_mut().zip(options.columns()).zip(defaults) {
        *column = match choice {
            Some(&Column::Number(number)) => number - 1,
            None if usual => default,
            _ => return None,
        };
    }
    Some(columns)
}

fn name_format(record: &Record, has_header: bool, delimiter: Delimiter, columns: [usize; 3]) -> Format {
    let general = if delimiter == Delimiter::Tab { Format::Tsv } else { Format::Csv };
    let [user, item, time] = columns.map(|column| record.field(column));
    if has_header {
        return match () {
            () if [user, item, time].iter().all(|header| header.contains(&b':')) => Format::RecBole,
            () if user == b"userId" && item == b"movieId" && time == b"timestamp" => Format::MovieLensCsv,
            () => general,
        };
    }
    match (delimiter, record.len(), columns) {
        (Delimiter::Tab, 4, [0, 1, 3]) => Format::MovieLensTab,
        (Delimiter::DoubleColon, 4, [0, 1, 3]) => Format::MovieLensDoubleColon,
        (Delimiter::Comma, 4, [0, 1, 3]) => Format::AmazonCsv,
        (Delimiter::Tab, 3, [0, 1, 2]) => Format::CheckIn,
        _ => general,
    }
}

#[cfg(test)]
mod tests;
