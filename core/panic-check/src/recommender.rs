//! The recommender.

use core::fmt::Write;
use core::hint::black_box;
use scall_core::Side;
use scall_core::arena::{ArenaMemory, boundaries_len};
use scall_core::element::{Element, F16};
use scall_core::recommender::{
    Recommender, RecommenderConfig, RecommenderMemory, Scored, SeenFilter, TopK, align_scratch_len,
    batch_scratch_len, bpr, class_ends_len, seen_len,
};
use scall_core::side::PerSide;
use scall_core::tables::{Tables, Word};

struct Sink;

impl Write for Sink {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        black_box(text);
        Ok(())
    }
}

pub fn exercise() {
    exercise_stored::<f32>();
    exercise_stored::<F16>();
    exercise_stored::<i8>();
}

fn exercise_stored<E: Element>() {
    let mut values = black_box([E::ZERO; 256]);
    let (mut user_boundaries, mut item_boundaries) = ([0; boundaries_len(8)], [0; boundaries_len(8)]);
    let (mut user_accumulators, mut item_accumulators) = ([0.0; 8], [0.0; 8]);
    let (mut user_frequencies, mut item_frequencies) = ([0.0; 8], [0.0; 8]);
    let (mut user_words, mut item_words) = ([0; 8], [0; 8]);
    let (mut user_mean, mut item_mean) = ([0.0; 16], [0.0; 16]);
    let mut class_ends = [0; class_ends_len(8, 16)];
    let mut seen = [0; seen_len(64)];
    let length = black_box(7_usize);
    let memory = RecommenderMemory {
        arena: ArenaMemory {
            values: values.get_mut(..black_box(200)).unwrap_or_default(),
            user_boundaries: &mut user_boundaries,
            item_boundaries: &mut item_boundaries,
        },
        accumulators: PerSide::new(
            user_accumulators.get_mut(..length).unwrap_or_default(),
            item_accumulators.get_mut(..length).unwrap_or_default(),
        ),
        frequencies: PerSide::new(
            user_frequencies.get_mut(..length).unwrap_or_default(),
            item_frequencies.get_mut(..length).unwrap_or_default(),
        ),
        words: PerSide::new(
            user_words.get_mut(..length).unwrap_or_default(),
            item_words.get_mut(..length).unwrap_or_default(),
        ),
        class_ends: class_ends.get_mut(..length).unwrap_or_default(),
        means: PerSide::new(
            user_mean.get_mut(..length).unwrap_or_default(),
            item_mean.get_mut(..length).unwrap_or_default(),
        ),
        seen: seen.get_mut(..black_box(50)).unwrap_or_default(),
    };
    let config = RecommenderConfig { hardest_of: black_box(2), ..black_box(RecommenderConfig::default()) };
    let config = match config.validate() {
        Ok(config) => config,
        Err(error) => {
            let _ = write!(Sink, "{error}");
            return;
        }
    };
    let sizes = black_box(PerSide::new(3, 4));
    match Recommender::new(memory, config, sizes, black_box(200), black_box(1)) {
        Ok(mut recommender) => use_all(&mut recommender),
        Err(error) => {
            let _ = write!(Sink, "{error}");
        }
    }
    parts();
}

pub fn use_all<E: Element, T: Tables>(recommender: &mut Recommender<'_, E, T>) {
    let (user, item) = (black_box(1), black_box(2));
    recommender.set_admission_sizes(black_box(recommender.admission_sizes()));
    let _ = black_box(recommender.observe(user, item));
    let _ = black_box(recommender.observe_all(black_box(&[(1, 2), (0, 1)])));
    recommender.set_config(*black_box(recommender.config()));
    let _ = black_box(recommender.admit(black_box(Side::Item), black_box(4)));
    recommender.record(user, item);
    black_box(recommender.learn(user, item));
    black_box(recommender.score(user, item));
    let _ = black_box(recommender.set_budget(black_box(100)));
    recommender.set_config(*black_box(recommender.config()));
    recommender.frequencies_mut().decay(black_box(0.5));
    black_box(recommender.frequencies().get(Side::User, user));
    black_box(recommender.arena().used());
    black_box(recommender.arena_mut().row_mut(Side::User, user));
    let decision = recommender.decide();
    decision.words.user.fill(T::Word::of_size(black_box(3)));
    decision.words.item.fill(T::Word::of_size(black_box(2)));
    black_box((decision.arena.used(), decision.frequencies.user.len()));
    let _ = black_box(recommender.repack());
    recommender.reorder();
    let mut turning = [0.0; align_scratch_len(8)];
    black_box(recommender.align(turning.get_mut(..black_box(100)).unwrap_or_default()));
    let mut out = black_box([Scored::NONE; 12]);
    let out = out.get_mut(..black_box(12)).unwrap_or_default();
    black_box(recommender.recommend(user, out));
    black_box(recommender.retrieve(user, out, |item| black_box(item == 3)));
    let mut scratch = black_box([0.0_f32; 2048]);
    let scratch = scratch.get_mut(..batch_scratch_len(black_box(3), black_box(9))).unwrap_or_default();
    let recent = black_box([2_u32, 1, 9]);
    let recent = recent.get(..black_box(3)).unwrap_or_default().iter().copied();
    let query_len = recommender.compose(user, recent.clone(), scratch);
    black_box(recommender.score_query(scratch.get(..query_len).unwrap_or_default(), item));
    black_box(recommender.learn_recent(user, item, recent, scratch));
    let users = black_box([0, 1, 9]);
    let users = users.get(..black_box(3)).unwrap_or_default();
    let batch =
        recommender.retrieve_batch(users, black_box(4), scratch, out, |n, item| black_box(n as u32 == item));
    if let Err(error) = batch {
        let _ = write!(Sink, "{error}");
    }
}

fn parts() {
    let mut words = black_box([0; 20]);
    let mut filter = SeenFilter::new(words.get_mut(..black_box(17)).unwrap_or_default());
    filter.insert(black_box(1), black_box(2));
    black_box(filter.contains(black_box(1), black_box(2)));
    black_box(filter.capacity() + filter.words().len());
    filter.clear();
    black_box(SeenFilter::restore(words.get_mut(..black_box(9)).unwrap_or_default()).capacity());

    let mut places = black_box([Scored::NONE; 5]);
    let mut top = TopK::new(places.get_mut(..black_box(4)).unwrap_or_default());
    top.offer(black_box(1), black_box(0.5));
    black_box((top.threshold(), top.admits(black_box(1.0)), top.finish()));
    black_box(TopK::resume(&mut places).finish());

    let (mut user, mut positive, mut negative) =
        (black_box([1.0_f32; 9]), black_box([1.0; 20]), black_box([0.5; 30]));
    let rows = bpr::Rows {
        user: user.get_mut(..black_box(9)).unwrap_or_default(),
        positive: positive.get_mut(..black_box(11)).unwrap_or_default(),
        negative: negative.get_mut(..black_box(25)).unwrap_or_default(),
    };
    let accumulators =
        bpr::PerRow { user: black_box(0.0), positive: black_box(1.0), negative: black_box(2.0) };
    black_box(bpr::step(black_box(&RecommenderConfig::default()), rows, accumulators, black_box(7)));
}
