use scall_core::recommender::RecommenderConfig;

use super::*;
use crate::experiment::history::History;
use crate::experiment::testing::stream;

const PAIRS: [(u32, u32); 10] =
    [(0, 0), (1, 0), (0, 1), (0, 2), (1, 3), (0, 3), (0, 4), (2, 4), (0, 5), (1, 5)];

const BASE: RecentItems = RecentItems { train_passes: 3, test_passes: 2, users: 2 };

fn recent(lesson: &Lesson) -> Vec<u32> {
    lesson.recent().collect()
}

#[test]
fn a_lesson_knows_what_came_before_it_and_nothing_later() {
    let stream = stream(&PAIRS);
    let history = History::new(&stream);
    let part = Part { stream: &stream, history: &history, range: 5..10, replayed: vec![(0, 2), (1, 0)] };
    let lessons = BASE.lessons(&part);
    let expected: [(u32, u32, &[u32]); 7] = [
        (0, 3, &[2, 1, 0]),
        (0, 4, &[3, 2, 1, 0]),
        // Of user 2 nothing is kept.
        (2, 4, &[]),
        (0, 5, &[4, 3, 2, 1]),
        (1, 5, &[3, 0]),
        // As it was then.
        (0, 2, &[1, 0]),
        (1, 0, &[]),
    ];
    assert_eq!(lessons.len(), expected.len());
    for (lesson, (user, item, before)) in lessons.iter().zip(expected) {
        assert_eq!((lesson.user, lesson.item, &*recent(lesson)), (user, item, before));
    }
}

#[test]
fn what_answers_has_the_queries_for_rows() {
    let stream = stream(&PAIRS);
    let history = History::new(&stream);
    let part = Part { stream: &stream, history: &history, range: 0..10, replayed: Vec::new() };
    let entities = Counts { users: 3, items: 6 };
    let mut memory =
        ModelMemory::<f32>::new(&ModelCapacity { entities, parameters: 60, longest: 9, seen: 64 });
    let config = RecommenderConfig::default().validate().unwrap();
    let mut model = Recommender::new(memory.lend(), config, PerSide::new(3, 1), 60, 1).unwrap();
    for _ in 0..3 {
        model.admit(Side::User, 0).unwrap();
    }
    for size in [5, 7, 5, 0, 3, 6] {
        model.admit(Side::Item, size).unwrap();
    }
    let mut generator = Generator::new(4);
    BASE.learn(&part, Occasion::Train, &mut model, &mut generator).unwrap();
    let mut query = [0.0; 6];
    let mut mean = [0.0; 3];
    BASE.serve(&part, &model, &mut |served| {
        for (user, before) in [(0, &[5, 4, 3, 2][..]), (1, &[5, 3, 0])] {
            model.compose(user, before.iter().copied(), &mut query);
            for item in 0..6 {
                let (own, expected) = (served.score(user, item), model.score_query(&query, item));
                assert!((own - expected).abs() < 1e-6, "user {user}, item {item}: {own} {expected}");
            }
            mean.iter_mut().zip(query).for_each(|(sum, number)| *sum += number / 2.0);
        }
        // User 2 and strangers are answered as the mean of these, in the dimensions of the row for them.
        for user in [2, 3] {
            for item in 0..6 {
                let expected = model.score_query(&mean, item);
                assert!((served.score(user, item) - expected).abs() < 1e-6, "user {user}, item {item}");
            }
        }
    })
    .unwrap();
}

#[test]
fn users_are_told_apart_by_the_items_that_they_took() {
    // Users 0 to 19 take items of one kind, 10 each, in an order of their own.
    let pairs: Vec<(u32, u32)> = (0..10)
        .flat_map(|n| (0..20).map(move |user| (user, (user % 2) * 10 + (n + user / 2) % 10)))
        .collect();
    let stream = stream(&pairs);
    let history = History::new(&stream);
    let part = Part { stream: &stream, history: &history, range: 0..180, replayed: Vec::new() };
    let entities = Counts { users: 20, items: 20 };
    let mut memory =
        ModelMemory::<f32>::new(&ModelCapacity { entities, parameters: 100, longest: 6, seen: 1024 });
    let config = RecommenderConfig::default().validate().unwrap();
    let mut model = Recommender::new(memory.lend(), config, PerSide::new(0, 0), 100, 1).unwrap();
    for _ in 0..20 {
        model.admit(Side::User, 0).unwrap();
        model.admit(Side::Item, 5).unwrap();
    }
    pairs.iter().for_each(|&(user, item)| model.remember(user, item));
    let base = RecentItems { users: 20, ..BASE };
    base.learn(&part, Occasion::Train, &mut model, &mut Generator::new(4)).unwrap();
    base.serve(&part, &model, &mut |served| {
        let right = pairs[180..].iter().filter(|&&(user, item)| {
            let of_other_kind = (0..10).map(|n| (1 - user % 2) * 10 + n);
            of_other_kind.into_iter().all(|other| served.score(user, item) > served.score(user, other))
        });
        assert!(right.count() > 15);
    })
    .unwrap();
}
