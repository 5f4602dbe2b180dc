use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::experiment::testing::stream;

/// Numbers in order of arrival.
fn arriving(pairs: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let (mut users, mut items) = (Vec::new(), Vec::new());
    let number = |names: &mut Vec<u32>, name: u32| {
        names.iter().position(|&known| known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        }) as u32
    };
    pairs.iter().map(|&(user, item)| (number(&mut users, user), number(&mut items, item))).collect()
}

/// The definition: sets of who has been seen.
fn starts_by_sets(pairs: &[(u32, u32)], new_entities: usize) -> Vec<usize> {
    let (mut seen, mut new) = (BTreeSet::new(), BTreeSet::new());
    let mut starts = vec![0];
    for (position, &(user, item)) in pairs.iter().enumerate() {
        new.extend([(0, user), (1, item)].into_iter().filter(|entity| !seen.contains(entity)));
        if new.len() > new_entities {
            starts.push(position);
            seen.append(&mut new);
        }
    }
    starts
}

#[test]
fn a_stream_is_cut_where_too_many_are_new() {
    // New so far:  2       3       4       5 = cut  1       1       3 = cut 0
    let pairs = [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (0, 2), (3, 3), (3, 0)];
    let cut = growth_segments(&stream(&pairs), 4, 1);
    // The fourth makes 5 new ones; the third of the next segment only 3.
    let cut = cut.unwrap();
    assert_eq!(cut.len(), 2);
    assert_eq!((cut[0].segment.train.clone(), cut[0].segment.test.clone()), (0..2, 2..3));
    assert_eq!(cut[0].segment.known, Counts { users: 1, items: 2 });
    assert_eq!(cut[0].segment.seen, Counts { users: 2, items: 2 });
    // 5 of its own, 1 replayed: 4.8 are learned, 5 in whole numbers.
    assert_eq!(cut[1].replay.len(), 1);
    assert_eq!((cut[1].segment.train.clone(), cut[1].segment.test.clone()), (3..7, 7..8));
    assert_eq!(cut[1].segment.before, cut[0].segment.seen);
    assert_eq!(cut[1].segment.known, Counts { users: 4, items: 4 });
}

#[test]
fn a_stream_that_does_not_grow_enough_is_refused() {
    let refused = growth_segments(&stream(&[(0, 0), (1, 1), (2, 2)]), 6, 1).unwrap_err();
    assert_eq!(refused, ProtocolError::TooLittleGrowth { entities: 6, asked: 6 });
    assert!(refused.to_string().contains("--new-entities"), "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn segments_and_replay_follow_their_definition(
        pairs in prop::collection::vec((0_u32..30, 0_u32..40), 20..300),
        new_entities in 2_u32..12,
        seed in 0_u64..50,
    ) {
        let pairs = arriving(&pairs);
        let stream = stream(&pairs);
        let expected = starts_by_sets(&pairs, new_entities as usize);
        prop_assume!(expected.len() > 1);
        let cut = growth_segments(&stream, new_entities, seed).unwrap();
        prop_assert_eq!(cut.iter().map(|one| one.segment.train.start).collect::<Vec<_>>(), expected);
        let mut next = 0;
        for (index, GrowthSegment { segment, replay }) in cut.iter().enumerate() {
            prop_assert_eq!(segment.index, index);
            prop_assert_eq!(segment.train.start, next);
            prop_assert_eq!(segment.train.end, segment.test.start);
            next = segment.test.end;
            let own = segment.test.end - segment.train.start;
            // By position of the extended segment, of which the replay comes first.
            let whole = (replay.len() + own) as f64;
            prop_assert!((replay.len() as f64 + segment.train.len() as f64 - 0.8 * whole).abs() <= 0.5);
            let users: BTreeSet<u32> = pairs[segment.train.start..segment.test.end].iter().map(|p| p.0).collect();
            prop_assert!(replay.iter().all(|&row| (row as usize) < segment.train.start));
            prop_assert!(replay.iter().all(|&row| users.contains(&pairs[row as usize].0)));
            // As many as there is room for, or as there are, replays of the past included.
            let available = cut[..index]
                .iter()
                .flat_map(|past| past.replay.iter().map(|&row| row as usize)
                    .chain(past.segment.train.start..past.segment.test.end))
                .filter(|&row| users.contains(&pairs[row].0))
                .count();
            prop_assert_eq!(replay.len(), available.min((own as f64 * 0.2) as usize));
        }
        prop_assert_eq!(next, pairs.len());
        prop_assert_eq!(&cut, &growth_segments(&stream, new_entities, seed).unwrap());
    }
}

#[test]
fn every_earlier_row_is_as_likely_to_be_replayed_as_the_reservoir_makes_it() {
    // 40 rows, room for 10: 11 are drawn, and the last takes a place of twelve with 10 in 12.
    let mut generator = Generator::new(3);
    let mut times = [0_u32; 40];
    let rounds = 40_000;
    for _ in 0..rounds {
        let drawn = reservoir((0..40).collect(), 10, &mut generator);
        assert_eq!(drawn.len(), 10);
        for row in drawn {
            times[row as usize] += 1;
        }
    }
    let choose = |n: u32, k: u32| -> f64 {
        (0..k).map(|i| (f64::from(n) - f64::from(i)).max(0.0) / f64::from(i + 1)).product()
    };
    for (row, times) in (0..).zip(times) {
        // Of 11 drawn in order, the last stays with 10/12 and each other one with 11/12.
        let last = choose(row, 10) / choose(40, 11);
        let expected = last * (10.0 / 12.0) + (11.0 / 40.0 - last) * (11.0 / 12.0);
        let share = f64::from(times) / f64::from(rounds);
        let error = (expected * (1.0 - expected) / f64::from(rounds)).sqrt();
        assert!((share - expected).abs() < 5.0 * error, "row {row}: {share}, expected {expected}");
    }
}
