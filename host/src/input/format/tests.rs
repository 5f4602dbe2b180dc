use super::*;

fn options(user: &str, item: &str, time: &str) -> ReadOptions {
    let column = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
    ReadOptions {
        user_column: column(user),
        item_column: column(item),
        time_column: column(time),
        delimiter: None,
        ratings: false,
    }
}

fn layout(line: &str) -> Layout {
    recognise(line.as_bytes(), &ReadOptions::default()).unwrap()
}

fn refusal(line: &str, options: &ReadOptions) -> String {
    let mismatch = recognise(line.as_bytes(), options).unwrap_err();
    format!("{} / {}", mismatch.expected, mismatch.found)
}

#[test]
fn known_formats() {
    for (line, format, columns) in [
        ("196\t242\t3\t881250949", Format::MovieLensTab, [0, 1, 3]),
        ("1::1193::5::978300760", Format::MovieLensDoubleColon, [0, 1, 3]),
        ("userId,movieId,rating,timestamp", Format::MovieLensCsv, [0, 1, 3]),
        ("A3AF8FFZAZYNE5,0000000078,5.0,1092182400", Format::AmazonCsv, [0, 1, 3]),
        ("user_id:token\titem_id:token\trating:float\ttimestamp:float", Format::RecBole, [0, 1, 3]),
        ("0\t2049\t1287503727.0", Format::CheckIn, [0, 1, 2]),
        ("user\titem\tunix_ts\tbehaviour", Format::Tsv, [0, 1, 2]),
        ("user_id\titem_id\ttime", Format::Tsv, [0, 1, 2]),
        (
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
            Format::Csv,
            [6, 1, 4],
        ),
        ("\"Customer ID\";\"SKU\";\"Date\"", Format::Csv, [0, 1, 2]),
        ("reviewerID|asin|unixReviewTime|reviewTime", Format::Csv, [0, 1, 2]),
        ("poi,lat,lon,uid,DateTime", Format::Csv, [3, 0, 4]),
        ("u1,i1,2010-12-01 08:26:00", Format::Csv, [0, 1, 2]),
    ] {
        let found = layout(line);
        assert_eq!((found.format, found.columns), (format, columns), "{line}");
        assert_eq!(found.has_header, !line.contains(|c: char| c.is_ascii_digit()), "{line}");
    }
}

#[test]
fn the_rating_is_found_beside_the_three_columns() {
    for (line, rating) in [
        ("196\t242\t3\t881250949", Some(2)),
        ("1::1193::5::978300760", Some(2)),
        ("userId,movieId,rating,timestamp", Some(2)),
        ("user_id:token\titem_id:token\tts:float\trating:float", Some(3)),
        ("0\t2049\t1287503727.0", None),
        ("user\titem\tunix_ts\tbehaviour", None),
    ] {
        let options = options("", "", if line.contains("ts:") { "ts" } else { "" });
        assert_eq!(recognise(line.as_bytes(), &options).unwrap().rating, rating, "{line}");
    }
}

#[test]
fn explicit_columns() {
    let found = |line: &str, options: &ReadOptions| {
        let found = recognise(line.as_bytes(), options).unwrap();
        (found.columns, found.has_header)
    };
    assert_eq!(found("a,b,c,d", &options("d", "b", "a")), ([3, 1, 0], true));
    assert_eq!(found("who,what,when", &options("1", "2", "3")), ([0, 1, 2], true));
    assert_eq!(found("5,7,9", &options("2", "1", "3")), ([1, 0, 2], false));
    assert_eq!(found("5,7,881250949", &options("2", "1", "")), ([1, 0, 2], false));
    assert_eq!(found("user,thing,time", &options("", "thing", "")), ([0, 1, 2], true));
    assert_eq!(found("user,thing,time", &options("", "2", "")), ([0, 1, 2], true));
    assert_eq!(
        found("u\t2010-10-19T23:55:27Z\t30.2\t-97.7\t22847", &options("1", "5", "2")),
        ([0, 4, 1], false)
    );
    assert_eq!(found("user_id:token\tthing:token\tts:float", &options("", "thing", "")), ([0, 1, 2], true));
    let semicolon = ReadOptions { delimiter: Some(Delimiter::Semicolon), ..ReadOptions::default() };
    assert_eq!(found("user,1;item;time", &options("user,1", "", "")), ([0, 1, 2], true));
    assert_eq!(found("user;item,x;time;item", &semicolon), ([0, 3, 2], true));
}

#[test]
fn what_is_missing_is_named() {
    let none = ReadOptions::default();
    assert_eq!(
        refusal("user_id,item_id,rating", &none),
        "columns for user, item and time; unrecognised: time (--time-column) / `user_id item_id rating`"
    );
    assert!(refusal("196\t242\t3", &none).contains("unrecognised: user (--user-column), item"));
    assert!(refusal("just a sentence", &none).contains("unrecognised"));
    assert_eq!(
        refusal("user,item,time", &options("who", "", "")),
        "a column named `who` for --user-column / `user item time`"
    );
    assert_eq!(
        refusal("user,item,time", &options("", "", "4")),
        "at least 4 columns for --time-column / 3 in `user item time`"
    );
    assert_eq!(
        refusal("user,item,time,user", &none),
        "one column named `user` (or its number for --user-column) / several"
    );
    assert!(refusal("user,item,time", &options("", "1", "")).starts_with("three different columns"));
    assert!(layout("user,item,time,note,note").has_header);
}

#[test]
fn columns_are_names_or_numbers_from_1() {
    assert_eq!("3".parse(), Ok(Column::Number(3)));
    assert_eq!(" a b ".parse(), Ok(Column::Name("a b".to_owned())));
    assert_eq!("-1".parse(), Ok(Column::Name("-1".to_owned())));
    assert!("0".parse::<Column>().is_err());
    assert!(" ".parse::<Column>().is_err());
}
