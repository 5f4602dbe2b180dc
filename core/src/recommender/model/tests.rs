use super::*;
use crate::arena::boundaries_len;
use crate::element::F16;
use crate::math::{LANES, fold};
use crate::recommender::{RecommenderConfig, Scored, batch_scratch_len, class_ends_len, seen_len};
use crate::testing;
use proptest::prelude::*;
use std::collections::HashSet;
use std::string::ToString;
use std::vec;
use std::vec::Vec;

/// Memory for up to so many users and items.
struct Memory<E = f32> {
    values: Vec<E>,
    boundaries: PerSide<Vec<u32>>,
    accumulators: PerSide<Vec<f32>>,
    frequencies: PerSide<Vec<f32>>,
    words: PerSide<Vec<u32>>,
    class_ends: Vec<u32>,
    means: PerSide<Vec<f32>>,
    seen: Vec<u32>,
}

impl<E: Element> Memory<E> {
    fn new(users: usize, items: usize, parameters: usize) -> Self {
        let each = |n| PerSide::new(vec![n; users], vec![n; items]);
        Self {
            values: vec![E::from_f32(9.0); parameters],
            boundaries: PerSide::new(vec![9; boundaries_len(users)], vec![9; boundaries_len(items)]),
            accumulators: PerSide::new(vec![9.0; users], vec![9.0; items]),
            frequencies: PerSide::new(vec![9.0; users], vec![9.0; items]),
            words: each(9),
            class_ends: vec![9; class_ends_len(items, 24)],
            means: PerSide::new(vec![9.0; 64], vec![9.0; 64]),
            seen: vec![9; seen_len(512)],
        }
    }

    fn lend(&mut self) -> RecommenderMemory<'_, E> {
        fn both<T>(sides: &mut PerSide<Vec<T>>) -> PerSide<&mut [T]> {
            PerSide::new(&mut sides.user, &mut sides.item)
        }
        RecommenderMemory {
            arena: ArenaMemory {
                values: &mut self.values,
                user_boundaries: &mut self.boundaries.user,
                item_boundaries: &mut self.boundaries.item,
            },
            accumulators: both(&mut self.accumulators),
            frequencies: both(&mut self.frequencies),
            words: both(&mut self.words),
            class_ends: &mut self.class_ends,
            means: both(&mut self.means),
            seen: &mut self.seen,
        }
    }
}

fn config(change: impl FnOnce(&mut RecommenderConfig)) -> ValidRecommenderConfig {
    let mut config = RecommenderConfig { hardest_of: 1, ..RecommenderConfig::default() };
    change(&mut config);
    config.validate().unwrap()
}

const COLD: PerSide<u32> = PerSide::new(3, 4);

#[test]
fn an_event_admits_counts_remembers_and_learns() {
    let mut memory = Memory::<f32>::new(4, 4, 100);
    let mut model = Recommender::new(memory.lend(), config(|_| ()), COLD, 100, 1).unwrap();
    model.set_admission_sizes(PerSide::new(5, 6));
    let first = model.observe(0, 0).unwrap();
    assert_eq!(first, Observed { new_user: true, new_item: true, margin: None });
    assert_eq!((model.arena().size(Side::User, 0), model.arena().size(Side::Item, 0)), (5, 6));
    let second = model.observe(0, 1).unwrap();
    // Item 0 is known to the user, so there is nothing to compare with.
    assert_eq!(second, Observed { new_user: false, new_item: true, margin: None });
    let before = model.score(1, 1) - model.score(1, 0);
    let third = model.observe(1, 1).unwrap();
    assert!(third.new_user && !third.new_item && third.margin.is_some());
    assert!(model.score(1, 1) - model.score(1, 0) > before);
    assert_eq!(model.frequencies().of(Side::Item, 2), [1.0, 2.0]);
    assert_eq!(model.frequencies().of(Side::User, 2), [2.0, 1.0]);
    assert!(model.seen().contains(1, 1) && !model.seen().contains(1, 0));
}

#[test]
fn a_refused_event_changes_nothing() {
    let mut memory = Memory::<f32>::new(2, 3, 100);
    let mut model = Recommender::new(memory.lend(), config(|_| ()), COLD, 100, 1).unwrap();
    for item in 0..3 {
        model.observe(0, item).unwrap();
    }
    let image = |model: &Recommender<'_>| std::format!("{model:?}");
    let before = image(&model);
    let skipped = RecommenderError::SkippedId { side: Side::User, id: 2, next: 1 };
    assert_eq!(model.observe(2, 0), Err(skipped));
    // The new user would be fine, but there is no room for the new item.
    let full = ArenaError::TableFull { side: Side::Item, capacity: 3 };
    assert_eq!(model.observe(1, 3), Err(RecommenderError::Arena(full)));
    assert_eq!(image(&model), before);
}

/// Events of which some bring newcomers, some users without a row; the last one skips an id.
fn arriving_events(count: u32) -> Vec<(u32, u32)> {
    let mut generator = Generator::new(7);
    let mut known = (0, 0);
    let mut events: Vec<(u32, u32)> = (0..count)
        .map(|_| {
            let (user, item) = (generator.below(known.0 + 1).min(19), generator.below(known.1 + 1).min(29));
            known = (known.0.max(user + 1), known.1.max(item + 1));
            (user, item)
        })
        .collect();
    events.push((25, 0));
    events
}

fn one_at_a_time_and_all_together<E: Element>(change: impl Fn(&mut RecommenderConfig)) {
    let events = arriving_events(if cfg!(miri) { 60 } else { 600 });
    let learned = |all: bool| {
        let mut memory = Memory::<E>::new(20, 30, 200);
        let mut model = Recommender::new(memory.lend(), config(&change), COLD, 200, 1).unwrap();
        model.set_admission_sizes(PerSide::new(5, 7));
        let taken = if all {
            model.observe_all(&events)
        } else {
            events.iter().try_for_each(|&(user, item)| model.observe(user, item).map(|_| ()))
        };
        assert_eq!(taken, Err(RecommenderError::SkippedId { side: Side::User, id: 25, next: 20 }));
        std::format!("{model:?}")
    };
    assert_eq!(learned(true), learned(false));
}

#[test]
fn events_together_leave_what_they_leave_one_at_a_time() {
    one_at_a_time_and_all_together::<f32>(|_| ());
    one_at_a_time_and_all_together::<i8>(|_| ());
    one_at_a_time_and_all_together::<F16>(|config| config.item_bias = false);
    one_at_a_time_and_all_together::<f32>(|config| config.negatives = 2);
    one_at_a_time_and_all_together::<f32>(|config| config.hardest_of = 3);
}

#[test]
fn memory_that_does_not_fit_together_is_refused() {
    let mut memory = Memory::<f32>::new(4, 4, 100);
    memory.frequencies.item.pop();
    let error = Recommender::new(memory.lend(), config(|_| ()), COLD, 100, 1).unwrap_err();
    assert_eq!(error, RecommenderError::TooShort { side: Side::Item, needed: 4, available: 3 });
    assert_eq!(error.to_string(), "a slice for the items is too short");
    let mut memory = Memory::<f32>::new(4, 4, 5);
    assert!(matches!(
        Recommender::new(memory.lend(), config(|_| ()), COLD, 5, 1),
        Err(RecommenderError::Arena(ArenaError::OverBudget { .. }))
    ));
}

#[test]
fn strangers_get_an_answer() {
    let mut memory = Memory::<f32>::new(8, 8, 200);
    let mut model = Recommender::new(memory.lend(), config(|_| ()), COLD, 200, 1).unwrap();
    let mut out = [Scored::NONE; 4];
    assert_eq!(model.recommend(7, &mut out), 0);
    for event in 0..40 {
        model.observe(event % 4, (event * event) % 5 % (event + 1)).ok();
    }
    let items = model.arena().count(Side::Item);
    let found = model.recommend(u32::MAX, &mut out);
    assert_eq!(found, 4.min(items as usize));
    for scored in &out[..found] {
        assert_eq!(scored.score.to_bits(), model.score(u32::MAX, scored.item).to_bits());
    }
    assert!(model.score(u32::MAX, u32::MAX).is_finite());
    // What is not known teaches only rows that are shared.
    let row = model.arena().row(Side::User, 0).to_vec();
    model.learn(u32::MAX, u32::MAX);
    assert_eq!(model.arena().row(Side::User, 0), row);
}

#[test]
fn a_place_handed_over_keeps_its_size_and_nothing_else() {
    let mut memory = Memory::new(4, 4, 100);
    let mut model = Recommender::new(memory.lend(), config(|_| ()), COLD, 100, 1).unwrap();
    for event in [(0, 0), (0, 1), (1, 2), (1, 0), (2, 1), (0, 3)] {
        model.observe(event.0, event.1).unwrap();
    }
    let others = |model: &Recommender<'_>| -> Vec<Vec<u32>> {
        [(Side::User, 0), (Side::User, 2), (Side::Item, 0), (Side::Item, 2), (Side::Item, 3)]
            .map(|(side, id)| bits(model.arena().row(side, id)))
            .into()
    };
    let before = others(&model);
    let former = bits(model.arena().row(Side::User, 1));
    assert!(model.accumulators.user[1] > 0.0 && model.accumulators.item[1] > 0.0);

    model.hand_over(Side::User, 1).unwrap();
    model.hand_over(Side::Item, 1).unwrap();
    assert_eq!((model.arena().size(Side::User, 1), model.arena().size(Side::Item, 1)), (3, 4));
    assert_ne!(bits(model.arena().row(Side::User, 1)), former);
    assert_eq!(model.arena().row(Side::Item, 1)[0], 0.0, "a newcomer has no bias");
    assert_eq!((model.accumulators.user[1], model.accumulators.item[1]), (0.0, 0.0));
    assert_eq!(model.frequencies().get(Side::User, 1), 0.0);
    assert_eq!(model.frequencies().get(Side::Item, 1), 0.0);
    let remembered = |user| [0, 1, 2, 3].map(|item| model.seen().contains(user, item));
    assert_eq!(remembered(0), [true, false, false, true]);
    assert_eq!((remembered(1), remembered(2)), ([false; 4], [false; 4]));
    assert_eq!(others(&model), before);
    assert_eq!(
        model.hand_over(Side::User, 3),
        Err(RecommenderError::SkippedId { side: Side::User, id: 3, next: 3 })
    );
}

#[test]
fn without_head_room_a_newcomer_shares_the_cold_row_until_the_repack() {
    let mut memory = Memory::<f32>::new(8, 8, 20);
    let mut model = Recommender::new(memory.lend(), config(|_| ()), COLD, 20, 1).unwrap();
    for event in 0..6 {
        model.observe(event, event).unwrap();
    }
    assert!(model.arena().cold_starts(Side::User) > 0);
    assert!(model.arena().used() <= 20);
    let last = model.arena().row(Side::User, 5).to_vec();
    assert_eq!(last, model.arena().cold_row(Side::User));
    let decision = model.decide();
    decision.words.user.fill(1);
    decision.words.item.copy_from_slice(&[2, 1, 1, 1, 1, 1]);
    model.repack().unwrap();
    assert_eq!(model.arena().used(), 20);
    assert!(!model.arena().is_cold(Side::User, 5));
    // Too much is refused, and nothing moves.
    let rows: Vec<Vec<f32>> = (0..6).map(|id| model.arena().row(Side::Item, id).to_vec()).collect();
    model.decide().words.user.fill(1);
    model.decide().words.item.fill(7);
    assert!(model.repack().is_err());
    let after: Vec<Vec<f32>> = (0..6).map(|id| model.arena().row(Side::Item, id).to_vec()).collect();
    assert_eq!(after, rows);
}

/// The same recommender over vectors, written for reading: rows, accumulators, and the sums in the order
/// that the step states.
struct Naive {
    rows: PerSide<Vec<Vec<f32>>>,
    accumulators: PerSide<Vec<f32>>,
    config: RecommenderConfig,
}

impl Naive {
    fn step(&mut self, user: usize, positive: usize, negative: usize) -> f32 {
        let config = self.config;
        let bias = usize::from(config.item_bias);
        let p = self.rows.user[user].clone();
        let i = self.rows.item[positive].clone();
        let j = self.rows.item[negative].clone();
        let (d, di, dj) = (p.len(), p.len().min(i.len() - bias), p.len().min(j.len() - bias));
        let (common, longest) = (di.min(dj), di.max(dj));
        let sum = |from: usize, to: usize, term: &dyn Fn(usize) -> f32| {
            let mut lanes = [0.0_f32; LANES];
            let whole = (to - from) / LANES * LANES;
            for k in 0..whole {
                lanes[k % LANES] += term(from + k);
            }
            let mut total = fold(lanes);
            for k in from + whole..to {
                total += term(k);
            }
            total
        };
        let (q_i, q_j) = (|k: usize| i[bias + k], |k: usize| j[bias + k]);
        // One sum over what all have, and one over what the longer item alone shares with the user.
        let mut pairs = [(0.0, 0.0, 0.0); 2];
        pairs[usize::from(di <= dj)] = if di > dj {
            (
                sum(common, longest, &|k| p[k] * p[k]),
                sum(common, longest, &|k| q_i(k) * q_i(k)),
                sum(common, longest, &|k| p[k] * q_i(k)),
            )
        } else {
            (
                sum(common, longest, &|k| p[k] * p[k]),
                sum(common, longest, &|k| q_j(k) * q_j(k)),
                sum(common, longest, &|k| p[k] * q_j(k)),
            )
        };
        let [(pp_i, ii, pi), (pp_j, jj, pj)] = pairs;
        let pp = sum(0, common, &|k| p[k] * p[k]);
        let pi = sum(0, common, &|k| p[k] * q_i(k)) + pi;
        let pj = sum(0, common, &|k| p[k] * q_j(k)) + pj;
        let qi = sum(0, common, &|k| q_i(k) * q_i(k)) + ii;
        let qj = sum(0, common, &|k| q_j(k) * q_j(k)) + jj;
        let difference =
            sum(0, common, &|k| (q_i(k) - q_j(k)) * (q_i(k) - q_j(k))) + if di > dj { ii } else { jj };
        let (b_i, b_j) = if config.item_bias { (i[0], j[0]) } else { (0.0, 0.0) };
        let margin = (b_i + pi) - (b_j + pj);
        let pull = crate::math::sigmoid(-margin);
        let square = |toward: f32, across: f32, own: f32, l2: f32, n: usize| {
            let square = (pull * pull * toward - 2.0 * pull * l2 * across) + l2 * l2 * own;
            square.max(0.0) * (1.0 / n.max(1) as f32)
        };
        let (l2_user, l2_item) = (config.user_l2, config.item_l2);
        let longer_pp = if di > dj { pp_i } else { pp_j };
        let of_user = square(difference, pi - pj, pp + longer_pp, l2_user, longest);
        let of_positive = square(pp + pp_i, pi, qi, l2_item, di);
        let of_negative = square(pp + pp_j, -pj, qj, l2_item, dj);
        let rate = |accumulator: &mut f32, square: f32| {
            *accumulator += square;
            config.learning_rate * crate::math::inverse_sqrt(*accumulator + 1e-8)
        };
        let rate_user = rate(&mut self.accumulators.user[user], of_user);
        let rate_positive = rate(&mut self.accumulators.item[positive], of_positive);
        let rate_negative = rate(&mut self.accumulators.item[negative], of_negative);
        #[allow(clippy::needless_range_loop, reason = "several rows share the index")]
        for k in 0..longest.min(d) {
            let own = (1.0 - rate_user * l2_user) * p[k];
            let partner = match (k < di, k < dj) {
                (true, true) => q_i(k) - q_j(k),
                (true, false) => q_i(k),
                _ => -q_j(k),
            };
            self.rows.user[user][k] = own + rate_user * pull * partner;
            if k < di {
                let own = (1.0 - rate_positive * l2_item) * q_i(k);
                self.rows.item[positive][bias + k] = own + rate_positive * pull * p[k];
            }
            if k < dj {
                let own = (1.0 - rate_negative * l2_item) * q_j(k);
                self.rows.item[negative][bias + k] = own - rate_negative * pull * p[k];
            }
        }
        if config.item_bias {
            let (rate, l2) = (config.bias_learning_rate, config.bias_l2);
            self.rows.item[positive][0] = b_i + rate * (pull - l2 * b_i);
            self.rows.item[negative][0] = b_j + rate * (-pull - l2 * b_j);
        }
        margin
    }
}

fn bits(row: &[f32]) -> Vec<u32> {
    row.iter().map(|x| x.to_bits()).collect()
}

/// A model whose entities have the sizes given, with rows set to something.
fn sized<'m, E: Element>(
    memory: &'m mut Memory<E>,
    config: ValidRecommenderConfig,
    sizes: &PerSide<Vec<u32>>,
) -> Recommender<'m, E> {
    let budget = memory.values.len() as u32;
    let mut model = Recommender::new(memory.lend(), config, COLD, budget, 3).unwrap();
    let mut values = Generator::new(8);
    for side in Side::BOTH {
        model.arena.cold_row_mut(side).iter_mut().for_each(|x| *x = E::from_f32(values.normal()));
        for &size in sizes.get(side) {
            let id = model.admit(side, size).unwrap().id;
            // Not through `arena_mut`, which forgets the order.
            if size > 0 {
                let row = model.arena.row_mut(side, id);
                row.iter_mut().for_each(|x| *x = E::from_f32(values.normal()));
            }
        }
    }
    model
}

fn any_sizes(low: u32) -> impl Strategy<Value = PerSide<Vec<u32>>> {
    let side = |most| prop::collection::vec(prop_oneof![low..6, low..40], 2..most);
    (side(12), side(60)).prop_map(|(user, item)| PerSide::new(user, item))
}

/// One question to a model, in all its forms.
struct Retrieval {
    sizes: PerSide<Vec<u32>>,
    item_bias: bool,
    classes: usize,
    /// Items that are in order.
    ordered: usize,
    k: usize,
    hidden: HashSet<u32>,
}

impl Retrieval {
    fn check<E: Element>(&self) -> Result<(), TestCaseError> {
        let Self { sizes, item_bias, classes, ordered, k, hidden } = self;
        let (item_bias, classes, ordered, k) = (*item_bias, *classes, *ordered, *k);
        let mut memory = Memory::<E>::new(12, 60, 4_000);
        memory.class_ends.resize(classes, 9);
        let early = PerSide::new(sizes.user.clone(), sizes.item[..ordered.min(sizes.item.len())].to_vec());
        let mut model = sized(&mut memory, config(|c| c.item_bias = item_bias), &early);
        model.reorder();
        let mut values = Generator::new(4);
        for &size in &sizes.item[early.item.len()..] {
            let id = model.admit(Side::Item, size).unwrap().id;
            if size > 0 {
                let row = model.arena.row_mut(Side::Item, id);
                row.iter_mut().for_each(|x| *x = E::from_f32(values.normal()));
            }
        }
        let users: Vec<u32> = (0..sizes.user.len() as u32).chain([99]).collect();
        let width = users.iter().map(|&user| model.arena().row(Side::User, user).len()).max().unwrap();
        let mut scratch = vec![f32::NAN; batch_scratch_len(users.len(), width)];
        let mut batch = vec![Scored { item: 0, score: 0.0 }; users.len() * k];
        model
            .retrieve_batch(&users, k, &mut scratch, &mut batch, |n, item| {
                hidden.contains(&(item + n as u32 % 2))
            })
            .unwrap();
        for (n, &user) in users.iter().enumerate() {
            let hidden = |item| hidden.contains(&(item + n as u32 % 2));
            let mut all: Vec<Scored> = (0..sizes.item.len() as u32)
                .filter(|&item| !hidden(item))
                .map(|item| Scored { item, score: model.score(user, item) })
                .collect();
            all.sort_by(Scored::rank);
            all.truncate(k);
            let expected: Vec<(u32, u32)> = all.iter().map(|s| (s.item, s.score.to_bits())).collect();
            let plain = |out: &[Scored]| -> Vec<(u32, u32)> {
                out.iter().take(expected.len()).map(|s| (s.item, s.score.to_bits())).collect()
            };
            let mut out = vec![Scored::NONE; k];
            prop_assert_eq!(model.retrieve(user, &mut out, hidden), expected.len());
            prop_assert_eq!(plain(&out), expected.clone());
            // Nothing was seen, so nothing is left out here.
            let mut every: Vec<Scored> = (0..sizes.item.len() as u32)
                .map(|item| Scored { item, score: model.score(user, item) })
                .collect();
            every.sort_by(Scored::rank);
            every.truncate(k);
            prop_assert_eq!(model.recommend(user, &mut out), every.len());
            for (found, expected) in out.iter().zip(&every) {
                prop_assert_eq!(
                    (found.item, found.score.to_bits()),
                    (expected.item, expected.score.to_bits())
                );
            }
            let out = &batch[n * k..][..k];
            prop_assert_eq!(plain(out), expected.clone());
            prop_assert!(out[expected.len()..].iter().all(|s| s.item == u32::MAX && s.score.is_nan()));
        }
        Ok(())
    }
}

#[test]
fn many_rows_of_a_length_are_retrieved_as_one_is() {
    for length in [1, 2, 3, 4, 5, 9, 17, 25] {
        for item_bias in [false, true] {
            let case = Retrieval {
                // Two users, of whom one ends many products sooner.
                sizes: PerSide::new(vec![24, 2], vec![length; 37]),
                item_bias,
                classes: 60,
                ordered: 60,
                k: 9,
                hidden: HashSet::from([3, 30]),
            };
            case.check::<f32>().unwrap();
            case.check::<F16>().unwrap();
            case.check::<i8>().unwrap();
        }
    }
}

proptest! {
    #![proptest_config(testing::config(64))]

    #[test]
    fn learns_the_bits_of_a_model_of_vectors(
        sizes in any_sizes(1),
        item_bias in any::<bool>(),
        events in prop::collection::vec((0_usize..12, 0_usize..60), 1..60),
    ) {
        let config = config(|c| c.item_bias = item_bias);
        let mut memory = Memory::<f32>::new(12, 60, 4_000);
        let mut model = sized(&mut memory, config, &sizes);
        let rows = |side: Side, model: &Recommender<'_>| -> Vec<Vec<f32>> {
            (0..model.arena().count(side)).map(|id| model.arena().row(side, id).to_vec()).collect()
        };
        let mut naive = Naive {
            rows: PerSide::new(rows(Side::User, &model), rows(Side::Item, &model)),
            accumulators: PerSide::new(vec![0.0; sizes.user.len()], vec![0.0; sizes.item.len()]),
            config: *config.get(),
        };
        for (user, item) in events {
            let (user, item) = (user % sizes.user.len(), item % sizes.item.len());
            // The same negative from a copy of the generator.
            let items = sizes.item.len() as u32;
            let (u, i) = (user as u32, item as u32);
            model.record(u, i);
            let negative = negative::draw(&mut model.negatives.clone(), items, u, i, &model.seen);
            let margin = model.learn(u, i);
            let expected = negative.map(|negative| naive.step(user, item, negative as usize));
            prop_assert_eq!(margin.map(f32::to_bits), expected.map(f32::to_bits));
        }
        for side in Side::BOTH {
            for (id, (row, accumulator)) in naive.rows.get(side).iter().zip(naive.accumulators.get(side)).enumerate() {
                prop_assert_eq!(bits(model.arena().row(side, id as u32)), bits(row));
                prop_assert_eq!(model.accumulators.get(side)[id].to_bits(), accumulator.to_bits());
            }
        }
    }

    #[test]
    fn every_way_to_retrieve_agrees_with_a_sort(
        sizes in any_sizes(0),
        item_bias in any::<bool>(),
        classes in 0_usize..60,
        ordered in 0_usize..61,
        k in 0_usize..30,
        hidden in prop_oneof![
            Just(HashSet::new()),
            prop::collection::hash_set(0_u32..60, 0..20),
        ],
    ) {
        let case = Retrieval { sizes, item_bias, classes, ordered, k, hidden };
        case.check::<f32>()?;
        case.check::<F16>()?;
        case.check::<i8>()?;
    }

    #[test]
    fn a_repack_keeps_what_belongs_to_a_row(
        before in any_sizes(0),
        seed in any::<u64>(),
    ) {
        let mut memory = Memory::<f32>::new(12, 60, 6_000);
        let mut model = sized(&mut memory, config(|_| ()), &before);
        for event in 0..100_u32 {
            model.observe(event % before.user.len() as u32, event % before.item.len() as u32).unwrap();
        }
        let old: Vec<Vec<(Vec<f32>, f32)>> = Side::BOTH.map(|side| {
            (0..model.arena().count(side))
                .map(|id| {
                    let size = model.arena().size(side, id) as usize;
                    (model.arena().row(side, id)[..size].to_vec(), model.accumulators.get(side)[id as usize])
                })
                .collect()
        }).to_vec();
        let mut sizes = Generator::new(seed);
        let decision = model.decide();
        for words in [decision.words.user, decision.words.item] {
            words.iter_mut().for_each(|size| *size = sizes.below(40));
        }
        let wanted: Vec<Vec<u32>> = {
            let decision = model.decide();
            [decision.words.user.to_vec(), decision.words.item.to_vec()].to_vec()
        };
        model.repack().unwrap();
        for ((side, old), wanted) in Side::BOTH.into_iter().zip(&old).zip(&wanted) {
            for (id, ((row, accumulator), &size)) in old.iter().zip(wanted).enumerate() {
                prop_assert_eq!(model.arena().size(side, id as u32), size);
                let now = &model.arena().row(side, id as u32)[..size as usize];
                let kept = now.len().min(row.len());
                prop_assert_eq!(bits(&now[..kept]), bits(&row[..kept]));
                let accumulator = if row.is_empty() && size > 0 { 0.0 } else { *accumulator };
                prop_assert_eq!(model.accumulators.get(side)[id].to_bits(), accumulator.to_bits());
                if side == Side::Item && row.is_empty() && size > 0 {
                    prop_assert_eq!(now[0], 0.0, "a new row's bias");
                }
            }
        }
    }
}

#[test]
fn batch_memory_that_is_too_short_is_refused() {
    let mut memory = Memory::<f32>::new(4, 4, 100);
    let sizes = PerSide::new(vec![5, 17], vec![3, 4]);
    let model = sized(&mut memory, config(|_| ()), &sizes);
    let needed = batch_scratch_len(2, 17);
    let mut scratch = vec![0.0; needed];
    let mut out = [Scored::NONE; 4];
    let run = |scratch: &mut [f32], out: &mut [Scored]| {
        model.retrieve_batch(&[0, 1], 2, scratch, out, |_, _| false)
    };
    assert!(run(&mut scratch, &mut out).is_ok());
    assert_eq!(
        run(&mut scratch[1..], &mut out),
        Err(RecommenderError::ShortScratch { needed, available: needed - 1 })
    );
    assert_eq!(
        run(&mut scratch, &mut out[1..]),
        Err(RecommenderError::ShortOutput { needed: 4, available: 3 })
    );
}

#[test]
fn scores_that_are_no_numbers_rank_last() {
    let mut memory = Memory::<f32>::new(1, 30, 2_000);
    let sizes = PerSide::new(vec![9], vec![10; 30]);
    let mut model = sized(&mut memory, config(|_| ()), &sizes);
    for item in [3, 4, 29] {
        model.arena_mut().row_mut(Side::Item, item)[0] = f32::NAN;
    }
    model.reorder();
    let mut out = [Scored::NONE; 30];
    assert_eq!(model.retrieve(0, &mut out, |_| false), 30);
    assert_eq!(out[27..].iter().map(|s| s.item).collect::<Vec<_>>(), [3, 4, 29]);
    assert_eq!(out.iter().map(|s| s.item).collect::<HashSet<_>>().len(), 30);
}

/// Users and items in eight blocks; a user likes the items of its block.
fn finds_the_blocks_of_a_planted_structure<E: Element>() {
    const USERS: u32 = 160;
    const ITEMS: u32 = 240;
    let (events, rounds) = if cfg!(miri) { (200, 1) } else { (6_000, 6) };
    let mut memory = Memory::<E>::new(USERS as usize, ITEMS as usize, 8_000);
    let config = config(|c| (c.user_l2, c.item_l2, c.hardest_of) = (0.01, 0.01, 1));
    let mut model = Recommender::new(memory.lend(), config, COLD, 8_000, 5).unwrap();
    model.set_admission_sizes(PerSide::new(16, 17));
    for id in 0..USERS.max(ITEMS) {
        model.observe(id.min(USERS - 1), id.min(ITEMS - 1)).unwrap();
    }
    let mut draws = Generator::new(6);
    let mut pairs = Vec::new();
    for _ in 0..events {
        let user = draws.below(USERS);
        // One pair in ten is noise.
        let item =
            if draws.below(10) == 0 { draws.below(ITEMS) } else { draws.below(ITEMS / 8) * 8 + user % 8 };
        pairs.push((user, item));
    }
    for _ in 0..rounds {
        for &(user, item) in &pairs {
            model.observe(user, item).unwrap();
        }
    }
    if cfg!(miri) {
        return;
    }
    let had: HashSet<(u32, u32)> = pairs.into_iter().collect();
    let mut out = [Scored::NONE; 10];
    let (mut hits, mut asked) = (0, 0);
    for user in 0..USERS {
        let found = model.retrieve(user, &mut out, |item| had.contains(&(user, item)));
        // About ten of thirty liked items are left for each, among 240: by chance one in twenty.
        hits += out[..found].iter().filter(|s| s.item % 8 == user % 8).count();
        asked += found.min((0..ITEMS / 8).filter(|n| !had.contains(&(user, n * 8 + user % 8))).count());
    }
    assert!(hits as f64 > 0.9 * asked as f64, "{hits} of {asked}");
    assert!(E::DITHERS || model.saturated() == 0);
}

#[test]
fn every_stored_type_finds_the_blocks() {
    finds_the_blocks_of_a_planted_structure::<f32>();
    finds_the_blocks_of_a_planted_structure::<F16>();
    finds_the_blocks_of_a_planted_structure::<i8>();
}
