//! MovieLens 100k, if it is at hand, under the published protocol: the counts and the quality that the published
//! program comes to.

use std::path::Path;

use scall::experiment::model::{ModelCapacity, ModelMemory};
use scall::experiment::published::{Lesson, Rows, Training, growth_segments};
use scall::experiment::{Base, Selection};
use scall::input::{ReadOptions, read};
use scall::lightgcn::LightGcnSettings;
use scall::stream::{PrepareOptions, prepare};
use scall_core::random::Generator;
use scall_core::recommender::{Recommender, RecommenderConfig};
use scall_core::side::{PerSide, Side};

const DIMENSIONS: u32 = 10;

#[test]
fn lightgcn_with_equal_rows_comes_to_the_published_quality_from_scratch() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/ml-100k/u.data.gz");
    if !path.is_file() {
        eprintln!("skipped: {} is not there", path.display());
        return;
    }
    let interactions = read(&path, &ReadOptions::default()).unwrap();
    let stream = prepare(interactions, &PrepareOptions { keep_repeats: false, k_core: 5 }).unwrap();
    let segments = growth_segments(&stream, 400, 42).unwrap();
    assert_eq!(segments.len(), 6);
    let lesson = Lesson::new(&stream, &segments[5], Selection::Test, 42);
    let known = lesson.known();
    assert_eq!((known.users, known.items), (895, 1_342));

    let parameters = DIMENSIONS * (known.users + known.items);
    let capacity = ModelCapacity { entities: known, parameters, longest: DIMENSIONS, seen: 0 };
    let mut memory = ModelMemory::<f32>::new(&capacity);
    let config = RecommenderConfig { item_bias: false, ..RecommenderConfig::default() }.validate().unwrap();
    let mut model = Recommender::new(memory.lend(), config, PerSide::new(0, 0), parameters, 1).unwrap();
    for (side, count) in [(Side::User, known.users), (Side::Item, known.items)] {
        for _ in 0..count {
            model.admit(side, DIMENSIONS).unwrap();
        }
    }
    let mut generator = Generator::new(42);
    Rows::default().begin(&mut model, &mut generator);
    let settings = LightGcnSettings::PUBLISHED;
    let mut training = Training::new(Base::Lightgcn, settings, &lesson, &mut model, generator);
    // The published program, two seeds, has Recall@20 of 0.13 to 0.16 and NDCG@20 of 0.16 to 0.18 after 200
    // to 1,000 steps. Two seeds do not bound a third: the whole protocol comes to 0.127 to 0.152 and 0.162 to
    // 0.181 here with three.
    for _ in 0..2 {
        training.block().unwrap();
        let found = training.measure(lesson.test()).unwrap();
        assert_eq!(found.tested_users, 88);
        assert!((0.12..0.17).contains(&found.quality.recall), "{found:?}");
        assert!((0.15..0.19).contains(&found.quality.ndcg), "{found:?}");
    }
}
