use super::*;
use crate::input::{ReadOptions, read_from};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};
use std::path::Path;

fn interactions(rows: &[(u32, u32, i64)]) -> Interactions {
    let mut text = String::from("user,item,time\n");
    for (user, item, time) in rows {
        text.push_str(&format!("u{user},i{item},{time}\n"));
    }
    read_from(text.as_bytes(), Path::new("d/x.csv.gz"), &ReadOptions::default()).unwrap()
}

fn prepared(rows: &[(u32, u32, i64)], keep_repeats: bool, k_core: u32) -> Result<Stream, StreamError> {
    prepare(interactions(rows), &PrepareOptions { keep_repeats, k_core })
}

/// The same by the shortest way: sort, filter and number with maps.
fn model(rows: &[(u32, u32, i64)], keep_repeats: bool, k_core: usize) -> Vec<(String, String, i64)> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| row.2);
    let mut seen = HashSet::new();
    rows.retain(|row| keep_repeats || seen.insert((row.0, row.1)));
    loop {
        let (mut users, mut items) = (HashMap::new(), HashMap::new());
        for row in &rows {
            *users.entry(row.0).or_insert(0) += 1;
            *items.entry(row.1).or_insert(0) += 1;
        }
        let before = rows.len();
        rows.retain(|row| users[&row.0] >= k_core && items[&row.1] >= k_core);
        if rows.len() == before {
            break;
        }
    }
    rows.into_iter().map(|(user, item, time)| (format!("u{user}"), format!("i{item}"), time)).collect()
}

fn spelled(stream: &Stream) -> Vec<(String, String, i64)> {
    let name = |names: &Names, id| names.get(id).unwrap().to_owned();
    stream
        .pairs()
        .zip(&stream.times)
        .map(|((user, item), &time)| (name(&stream.user_names, user), name(&stream.item_names, item), time))
        .collect()
}

fn is_numbered_by_arrival(ids: &[u32], count: usize) -> bool {
    let mut next = 0;
    let dense = ids.iter().all(|&id| {
        next += u32::from(id == next);
        id < next
    });
    dense && next as usize == count
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn equals_the_model(
        rows in prop::collection::vec((0_u32..8, 0_u32..8, 0_i64..20), 1..80),
        keep_repeats: bool,
        k_core in 0_u32..5,
    ) {
        let expected = model(&rows, keep_repeats, k_core as usize);
        match prepared(&rows, keep_repeats, k_core) {
            Ok(stream) => {
                prop_assert_eq!(spelled(&stream), expected);
                prop_assert!(is_numbered_by_arrival(&stream.users, stream.entities().user));
                prop_assert!(is_numbered_by_arrival(&stream.items, stream.entities().item));
                prop_assert_eq!(stream.len(), stream.times.len());
            }
            Err(error) => {
                prop_assert!(expected.is_empty());
                prop_assert!(matches!(error, StreamError::NothingLeft { .. }), "{}", error);
            }
        }
    }
}

#[test]
fn equal_times_keep_file_order_and_times_may_fall() {
    let rows = [(1, 1, 9), (2, 2, 5), (3, 1, 9), (4, 2, 5), (5, 1, 1)];
    let stream = prepared(&rows, false, 1).unwrap();
    let users: Vec<&str> = stream.user_names.iter().collect();
    assert_eq!(users, ["u5", "u2", "u4", "u1", "u3"]);
    assert_eq!(stream.users, [0, 1, 2, 3, 4]);
    assert_eq!(stream.times, [1, 5, 5, 9, 9]);
    assert_eq!((stream.first_timestamp(), stream.last_timestamp()), (Some(1), Some(9)));
    assert_eq!(stream.name, "x.csv");
}

#[test]
fn order_counts_milliseconds_and_reports_seconds() {
    let text = "user,item,time\na,x,1386460800900\nb,x,1386460800100\nc,x,1386460800.5\n";
    let read = read_from(text.as_bytes(), Path::new("x"), &ReadOptions::default()).unwrap();
    let stream = prepare(read, &PrepareOptions { k_core: 1, ..PrepareOptions::default() }).unwrap();
    assert_eq!(stream.user_names.iter().collect::<Vec<_>>(), ["b", "c", "a"]);
    assert_eq!(stream.times, [1_386_460_800; 3]);
}

#[test]
fn the_first_by_time_counts_and_repeats_may_be_kept() {
    let rows = [(1, 1, 30), (1, 1, 10), (1, 2, 20), (1, 1, 10)];
    assert_eq!(prepared(&rows, false, 0).unwrap().times, [10, 20]);
    assert_eq!(prepared(&rows, true, 0).unwrap().times, [10, 10, 20, 30]);
    // Repeats count towards the core when they are kept.
    assert_eq!(prepared(&rows, true, 3).unwrap().times, [10, 10, 30]);
}

#[test]
fn one_user_or_one_item_is_a_stream_if_the_filter_allows() {
    let one_user: Vec<_> = (0..20).map(|i| (0, i, i64::from(i))).collect();
    let one_item: Vec<_> = (0..20).map(|i| (i, 0, i64::from(i))).collect();
    assert_eq!(prepared(&one_user, false, 1).unwrap().entities(), PerSide::new(1, 20));
    assert_eq!(prepared(&one_item, false, 1).unwrap().entities(), PerSide::new(20, 1));
    for rows in [one_user, one_item] {
        let error = prepared(&rows, false, 5).unwrap_err().to_string();
        assert!(
            error.starts_with("d/x.csv.gz: expected users and items with at least 5 interactions"),
            "{error}"
        );
        assert!(error.contains("found none in 20 interactions") && !error.contains('\n'));
    }
}
