//! Whole files, good and bad, one test for each promise.

use super::decompress::tests::{gzip, zstandard};
use super::*;
use std::io;

fn read_bytes(data: &[u8], options: &ReadOptions) -> Result<Interactions, InputError> {
    read_from(data, Path::new("dir/f.txt"), options)
}

fn interactions(text: &str) -> Interactions {
    read_bytes(text.as_bytes(), &ReadOptions::default()).unwrap()
}

fn refusal(data: &[u8]) -> String {
    let error = read_bytes(data, &ReadOptions::default()).unwrap_err().to_string();
    assert!(!error.contains('\n') && error.starts_with("dir/f.txt:"), "{error}");
    error.trim_start_matches("dir/f.txt:").to_owned()
}

/// The rows as text again.
fn rows(read: &Interactions) -> Vec<(&str, &str, i64)> {
    let columns = read.users.iter().zip(&read.items).zip(&read.times);
    columns
        .map(|((&user, &item), &time)| {
            (read.user_names.get(user).unwrap(), read.item_names.get(item).unwrap(), time)
        })
        .collect()
}

#[test]
fn every_format_of_the_contract_is_read() {
    let amazon = concat!(
        r#"{"reviewerID": "A2", "asin": "0601", "reviewText": "a \"b\", {c}", "overall": 5.0, "unixReviewTime": 1252800000}"#,
        "\n",
        r#"{"asin": "0602", "reviewerID": "A3", "helpful": [0, 1], "unixReviewTime": 1252886400, "overall": 1.0}"#,
        "\n",
    );
    let yelp = concat!(
        r#"{"review_id":"r1","user_id":"A2","business_id":"0601","stars":3.0,"date":"2009-09-13 00:00:00"}"#,
        "\n",
        r#"{"review_id":"r2","user_id":"A3","business_id":"0602","stars":3.0,"date":"2009-09-14 00:00:00"}"#,
    );
    for (format, text) in [
        (Format::MovieLensTab, "A2\t0601\t3\t1252800000\nA3\t0602\t1\t1252886400\n"),
        (Format::MovieLensDoubleColon, "A2::0601::3::1252800000\nA3::0602::1::1252886400\n"),
        (
            Format::MovieLensCsv,
            "userId,movieId,rating,timestamp\nA2,0601,3.5,1252800000\nA3,0602,1.0,1252886400\n",
        ),
        (Format::AmazonCsv, "A2,0601,3.0,1252800000\nA3,0602,1.0,1252886400\n"),
        (Format::AmazonJson, amazon),
        (Format::YelpJson, yelp),
        (
            Format::RecBole,
            "user_id:token\titem_id:token\ttimestamp:float\nA2\t0601\t1252800000\nA3\t0602\t1252886400.0\n",
        ),
        (Format::CheckIn, "A2\t0601\t1252800000.0\nA3\t0602\t1252886400.0\n"),
        (Format::Csv, "date;SKU;\"Customer ID\"\n2009-09-13;\"0601\";A2\n2009-09-14 00:00;0602;\"A3\"\n"),
        (Format::Tsv, "date\tpoi\tuid\n2009-09-13\t0601\tA2\n2009-09-14T00:00:00Z\t0602\tA3\n"),
    ] {
        let expected = [("A2", "0601", 1_252_800_000_000), ("A3", "0602", 1_252_886_400_000)];
        for data in [text.as_bytes().to_vec(), gzip(text.as_bytes()), zstandard(text.as_bytes())] {
            let read = read_bytes(&data, &ReadOptions::default()).unwrap();
            assert_eq!((read.format, rows(&read).as_slice()), (format, &expected[..]), "{text}");
            assert_eq!((read.rows, read.skipped_rows), (2, 0));
        }
    }
}

#[test]
fn chosen_columns_and_delimiter() {
    let options = ReadOptions {
        user_column: Some("4".parse().unwrap()),
        item_column: Some("what".parse().unwrap()),
        time_column: None,
        delimiter: Some("|".parse().unwrap()),
        ratings: false,
    };
    let read = read_bytes(b"time|user|what|who\n5|a|b|c\n", &options).unwrap();
    assert_eq!(rows(&read), [("c", "b", 5_000)]);
    let numbers = ReadOptions {
        user_column: Some(Column::Number(2)),
        item_column: Some(Column::Number(1)),
        time_column: Some(Column::Number(3)),
        delimiter: None,
        ratings: false,
    };
    assert_eq!(
        rows(&read_bytes(b"a,b,1\nc,d,2\n", &numbers).unwrap()),
        [("b", "a", 1_000), ("d", "c", 2_000)]
    );
    assert_eq!(rows(&read_bytes(b"x,y,z\nc,d,2\n", &numbers).unwrap()), [("d", "c", 2_000)]);
    let json = ReadOptions { item_column: Some("place".parse().unwrap()), ..ReadOptions::default() };
    let line = br#"{"place": "p", "item": "i", "user": 7, "time": 1}"#;
    assert_eq!(rows(&read_bytes(line, &json).unwrap()), [("7", "p", 1_000)]);
}

#[test]
fn names_are_any_text_and_numbered_by_first_appearance() {
    let read = interactions("user,item,time\nb ü,\"x, \"\"y\"\"\",2\n a ,z,1\nb ü,z,3\n");
    assert_eq!(read.users, [0, 1, 0]);
    assert_eq!(rows(&read), [("b ü", "x, \"y\"", 2_000), ("a", "z", 1_000), ("b ü", "z", 3_000)]);
}

#[test]
fn rows_without_user_or_item_are_skipped_and_counted() {
    let read = interactions("user,item,time\n,i,1\nu,,not a time\nu,i,3\n\n  \n\"\",i,5\nu, ,6\n");
    assert_eq!((read.rows, read.skipped_rows), (5, 4));
    assert_eq!(rows(&read), [("u", "i", 3_000)]);
    let read = interactions(
        "{\"user\":null,\"item\":1,\"time\":1}\n{\"item\":1}\n\n{\"user\":2,\"item\":1,\"time\":1}\n{\"user\":\"\",\"item\":1}\n",
    );
    assert_eq!((read.rows, read.skipped_rows), (4, 3));
    assert_eq!(
        refusal(b"user,item,time\n,i,1\n,i,2\n"),
        "3: expected a row with a user and an item, found none in 2 rows"
    );
    assert_eq!(
        refusal(b"{\"a\": 1}\n{}\n"),
        "2: expected a row with a user and an item, found none in 2 rows"
    );
}

#[test]
fn mixed_line_ends_and_a_byte_order_mark() {
    let read = interactions("\u{feff}user\titem\ttime\r\na\tx\t1\nb\ty\t2\rc\tz\t3\r\n\r\nd\tw\t4");
    assert_eq!(rows(&read), [("a", "x", 1_000), ("b", "y", 2_000), ("c", "z", 3_000), ("d", "w", 4_000)]);
    assert_eq!(read.rows, 4);
}

#[test]
fn joined_gzip_members_are_one_file() {
    let data = [gzip(b"user,item,time\na,x,1\nb,"), gzip(b"y,2\n")].concat();
    assert_eq!(rows(&read_bytes(&data, &ReadOptions::default()).unwrap()).len(), 2);
}

#[test]
fn empty_files() {
    assert_eq!(refusal(b""), "1: expected an interaction, found the end of the file");
    assert_eq!(refusal(b"\n \n"), "3: expected an interaction, found the end of the file");
    assert_eq!(refusal(&gzip(b"")), "1: expected an interaction, found the end of the file");
    assert_eq!(refusal(b"user,item,time\n"), "2: expected an interaction, found the end of the file");
}

#[test]
fn binary_files() {
    assert_eq!(refusal(b"a\0b"), "1: expected text (plain, gzip or zstd), found binary data");
    let noise: Vec<u8> = (1..4_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 | 1).collect();
    assert!(refusal(&noise).starts_with("1: expected columns for user, item and time; unrecognised: "));
    assert!(
        refusal(b"user,item,time\n\xff\xfe,i,1\n").starts_with("2: expected a user in UTF-8 text, found `")
    );
    let mut late = "user,item,time\n".to_owned();
    late.push_str(&"u,i,1\n".repeat(3_000));
    late.push_str("u\0,i,1\n");
    assert!(refusal(late.as_bytes()).starts_with("3002: expected a user in UTF-8 text"));
}

#[test]
fn cut_and_damaged_compressed_files() {
    let text =
        "user,item,time\n".to_owned() + &(0..50_000).map(|i| format!("u{i},i{i},{i}\n")).collect::<String>();
    for (data, name) in [(gzip(text.as_bytes()), "gzip"), (zstandard(text.as_bytes()), "zstd")] {
        let error = refusal(&data[..data.len() / 2]);
        let (line, rest) = error.split_once(": ").unwrap();
        assert_eq!(rest, format!("expected more {name} data, found the end of the file"));
        assert!((10_000..40_000).contains(&line.parse::<u64>().unwrap()), "{line}");
        assert!(refusal(&data[..4]).starts_with("1: expected"), "{}", refusal(&data[..4]));
    }
    let mut damaged = gzip(text.as_bytes());
    let length = damaged.len();
    damaged[length - 6] ^= 1;
    assert!(refusal(&damaged).contains("expected sound gzip data"), "{}", refusal(&damaged));
}

#[test]
fn missing_columns_and_duplicate_names() {
    assert_eq!(
        refusal(b"\nuser,rating,time\na,1,2\n"),
        "2: expected columns for user, item and time; unrecognised: item (--item-column), found `user rating time`"
    );
    assert_eq!(
        refusal(b"user,item,time,time\na,1,2,3\n"),
        "1: expected one column named `time` (or its number for --time-column), found several"
    );
    assert_eq!(
        refusal(b"{\"user\": 1, \"item\": 2}\n"),
        "1: expected a key for the time (--time-column), found `item user`"
    );
    assert!(refusal(b"[{\"user\": 1}]\n").starts_with("1: expected one JSON object a line, or columns"));
}

#[test]
fn malformed_rows_stop_with_their_line() {
    assert_eq!(
        refusal(b"user,item,time\na,x,1\n\nb,y\n"),
        "4: expected 3 columns separated by `,`, found 2: `b y`"
    );
    assert_eq!(
        refusal(b"user,item,time\na,x,1,2\n"),
        "2: expected 3 columns separated by `,`, found 4: `a x 1 2`"
    );
    assert_eq!(
        refusal(b"a\tx\t881250949\nb\ty\t881250950\t4\n"),
        "2: expected 3 columns separated by `tab`, found 4: `b y 881250950 4`"
    );
    assert_eq!(
        refusal(b"user,item,time\na,x,1\nuser,item,time\n"),
        "3: expected an interaction, found the header again"
    );
    assert_eq!(
        refusal(b"user,item,time\na,\"x,1\n"),
        "2: expected a closing quote, found the end of the file"
    );
    assert!(
        refusal(b"{\"user\":1,\"item\":2,\"time\":3}\n{\"user\":1,\"item\":2}\n")
            .starts_with("2: expected a time")
    );
    assert_eq!(
        refusal(b"{\"user\":1,\"item\":2,\"time\":3}\n{\"user\":1,\n"),
        "2: expected one JSON object a line, found a line that ends early"
    );
    assert!(
        refusal(b"{\"user\":1,\"item\":[2],\"time\":3}").contains("expected an item as a string or a number")
    );
}

#[test]
fn absurd_times_stop_with_their_line() {
    for time in ["NaN", "inf", "-5", "", "1e300", "99999999999999999999", "0000-00-00", "0000-01-01", "soon"]
    {
        let error = refusal(format!("user,item,time\na,x,1\na,x,{time}\n").as_bytes());
        let expected =
            "3: expected a time (Unix seconds or milliseconds, or an ISO 8601 date) from 1970 to 5138";
        assert_eq!(error, format!("{expected}, found `{time}`"));
    }
}

#[test]
fn an_endless_line_stops() {
    let source = io::Cursor::new("user,item,time\na,x,1\n").chain(io::repeat(b'a').take(100 << 20));
    let error = read_from(source, Path::new("f"), &ReadOptions::default()).unwrap_err().to_string();
    assert_eq!(error, "f:3: expected a line of at most 1048576 bytes, found a longer one");
}

#[test]
fn unreadable_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = read(&folder.path().join("none.csv"), &ReadOptions::default()).unwrap_err().to_string();
    assert!(missing.contains("none.csv: expected a readable file: No such file"), "{missing}");
    let error = read(folder.path(), &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("expected a readable file: Is a directory"), "{error}");
}

#[test]
fn a_data_set_is_named_after_its_file() {
    let name = |path: &str| {
        read_from(&b"a\tx\t881250949\n"[..], Path::new(path), &ReadOptions::default()).unwrap().name
    };
    assert_eq!(name("d/u.data.gz"), "u.data");
    assert_eq!(name("u.data"), "u.data");
    assert_eq!(name("x.csv.ZST"), "x.csv");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

    /// Whatever a file holds, it is read or refused in one line.
    #[test]
    fn no_file_is_too_odd(
        start in 0_usize..6,
        pieces in proptest::collection::vec((0_usize..18, proptest::prelude::any::<u8>()), 0..40),
        cut in 0_usize..200,
        packed in 0_u8..3,
    ) {
        let starts = ["", "user,item,time\n", "1\t2\t3\t881250949\n", "1::2::881250949\n", "{\"user\":1,\"item\":2,\"time\":3}\n", "\u{feff}\"user\";item;ts\r\n"];
        let words = ["a", ",", "\n", "\"", "\"\"", "\t", "::", "{", "}", ":", "\"user\":", "1", "881250949", "\r", "null", "-", "é", " "];
        let mut data = starts[start].as_bytes().to_vec();
        for (word, byte) in pieces {
            match words.get(word) {
                Some(word) if byte < 250 => data.extend(word.as_bytes()),
                _ => data.push(byte),
            }
        }
        let data = match packed {
            0 => data,
            1 => gzip(&data),
            _ => zstandard(&data),
        };
        let data = if cut < 100 { &data[..data.len().min(cut)] } else { &data[..] };
        match read_bytes(data, &ReadOptions::default()) {
            Ok(read) => {
                proptest::prop_assert_eq!(read.users.len() as u64 + read.skipped_rows, read.rows);
                proptest::prop_assert!(!read.users.is_empty());
            }
            Err(error) => {
                let text = error.to_string();
                proptest::prop_assert!(text.starts_with("dir/f.txt:") && !text.chars().any(char::is_control), "{}", text);
            }
        }
    }
}

#[test]
fn ratings_are_kept_if_asked_for() {
    let with_ratings = ReadOptions { ratings: true, ..ReadOptions::default() };
    let ratings = |text: &str| read_from(text.as_bytes(), Path::new("x"), &with_ratings).unwrap().ratings;
    assert_eq!(ratings("u,i,4.5,881250949\nu,j,,881250950\n"), [Some(4.5), None]);
    assert_eq!(
        ratings("user,item,time,rating\nu,i,1,5\n,i,2,5\nu,j,3,good\nu,k,4,NaN\n"),
        [Some(5.0), None, None]
    );
    assert_eq!(ratings("user,item,time\nu,i,1\n"), [None]);
    let reviews = "{\"reviewerID\":\"u\",\"asin\":\"i\",\"overall\":3.0,\"unixReviewTime\":1}\n\
                   {\"reviewerID\":\"u\",\"asin\":\"j\",\"overall\":[],\"unixReviewTime\":2}\n";
    assert_eq!(ratings(reviews), [Some(3.0), None]);
    assert!(interactions("user,item,time,rating\nu,i,1,5\n").ratings.is_empty());
}
