use std::collections::BTreeSet;

use proptest::prelude::*;
use rayon::ThreadPoolBuilder;
use scall_core::policy::{BETA_1, BETA_2};
use scall_core::recommender::{Recommender, RecommenderConfig};

use super::*;
use crate::experiment::Counts;
use crate::experiment::model::{ModelCapacity, ModelMemory};
use crate::lightgcn::batch::Triple;
use crate::lightgcn::{Candidates, served};

/// Rows and interactions.
#[derive(Clone, Debug)]
struct Case {
    sizes: PerSide<Vec<u32>>,
    pairs: Vec<(u32, u32)>,
    /// Of whom and what, by id.
    triples: Vec<[u32; 3]>,
}

impl Case {
    /// A case in which every node has an edge but the last user and the last item.
    fn drawn(users: u32, items: u32, edges: u32, sizes: impl Fn(&mut Generator) -> u32, seed: u64) -> Self {
        let mut generator = Generator::new(seed);
        let sizes = PerSide::new(
            (0..users).map(|_| sizes(&mut generator)).collect(),
            (0..items).map(|_| sizes(&mut generator)).collect(),
        );
        let pairs = (0..edges).map(|_| (generator.below(users - 1), generator.below(items - 1))).collect();
        let triples = (0..2 * users)
            .map(|_| [generator.below(users), generator.below(items), generator.below(items)])
            .collect();
        Self { sizes, pairs, triples }
    }

    fn graph(&self) -> Graph {
        Graph::new(&self.sizes, || self.pairs.iter().copied())
    }

    /// Hands over a recommender with rows of random numbers.
    fn with<T>(&self, then: impl FnOnce(&mut Recommender<'_>) -> T) -> T {
        let sizes = || self.sizes.user.iter().chain(&self.sizes.item);
        let mut memory = ModelMemory::new(&ModelCapacity {
            entities: Counts { users: self.sizes.user.len() as u32, items: self.sizes.item.len() as u32 },
            parameters: sizes().sum(),
            longest: sizes().max().copied().unwrap_or(0),
            seen: 0,
        });
        let config =
            RecommenderConfig { item_bias: false, initial_scale: 0.7, ..RecommenderConfig::default() };
        let config = config.validate().unwrap();
        let mut recommender =
            Recommender::new(memory.lend(), config, PerSide::new(0, 0), sizes().sum(), 5).unwrap();
        for side in Side::BOTH {
            for &size in self.sizes.get(side) {
                recommender.admit(side, size).unwrap();
            }
        }
        then(&mut recommender)
    }

    fn trainer(&self, settings: LightGcnSettings) -> Trainer {
        self.with(|recommender| Trainer::new(self.graph(), recommender, settings))
    }

    fn batch(&self, graph: &Graph) -> Batch {
        let place = |side, id: u32| graph.side(side).places()[id as usize];
        let triple = |&[user, positive, negative]: &[u32; 3]| Triple {
            user: place(Side::User, user),
            positive: place(Side::Item, positive),
            negative: place(Side::Item, negative),
        };
        Batch::new(self.triples.iter().map(triple).collect())
    }

    /// Plain matrices in double precision: nodes are users, then items.
    fn dense(&self) -> Dense {
        let users = self.sizes.user.len();
        let nodes = users + self.sizes.item.len();
        let edges: BTreeSet<_> = self.pairs.iter().collect();
        let mut adjacency = vec![vec![0.0; nodes]; nodes];
        for &&(user, item) in &edges {
            let (user, item) = (user as usize, users + item as usize);
            adjacency[user][item] = 1.0;
            adjacency[item][user] = 1.0;
        }
        let degrees: Vec<f64> = adjacency.iter().map(|row| row.iter().sum()).collect();
        for (row, from) in adjacency.iter_mut().zip(&degrees) {
            for (entry, to) in row.iter_mut().zip(&degrees) {
                *entry /= (from * to).max(1.0).sqrt();
            }
        }
        let rows = self.with(|recommender| {
            let ids = self.sizes.user.iter().zip(0..).map(|(_, id)| (Side::User, id));
            let ids = ids.chain(self.sizes.item.iter().zip(0..).map(|(_, id)| (Side::Item, id)));
            ids.map(|(side, id)| {
                let row = recommender.arena().row(side, id);
                row.iter().map(|&number| f64::from(number)).collect()
            })
            .collect()
        });
        Dense { users, adjacency, rows }
    }
}

struct Dense {
    users: usize,
    adjacency: Vec<Vec<f64>>,
    rows: Vec<Vec<f64>>,
}

impl Dense {
    /// The mean of the layers 0 to 3, each by one matrix product.
    fn vectors(&self) -> Vec<Vec<f64>> {
        let width = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut layer: Vec<Vec<f64>> = self.rows.clone();
        layer.iter_mut().for_each(|row| row.resize(width, 0.0));
        let mut sum = layer.clone();
        for _ in 0..3 {
            layer = self
                .adjacency
                .iter()
                .map(|entries| {
                    (0..width)
                        .map(|column| {
                            entries.iter().zip(&layer).map(|(entry, row)| entry * row[column]).sum()
                        })
                        .collect()
                })
                .collect();
            for (sum, row) in sum.iter_mut().zip(&layer) {
                sum.iter_mut().zip(row).for_each(|(sum, number)| *sum += number);
            }
        }
        sum.iter_mut().flatten().for_each(|number| *number /= 4.0);
        sum
    }

    fn node(&self, side: Side, id: u32) -> usize {
        match side {
            Side::User => id as usize,
            Side::Item => self.users + id as usize,
        }
    }

    fn score(&self, vectors: &[Vec<f64>], user: u32, item: u32) -> f64 {
        let (user, item) = (self.node(Side::User, user), self.node(Side::Item, item));
        vectors[user].iter().zip(&vectors[item]).map(|(u, i)| u * i).sum()
    }

    fn loss(&self, triples: &[[u32; 3]], l2: f64) -> f64 {
        let vectors = self.vectors();
        let sum: f64 = triples
            .iter()
            .map(|&[user, positive, negative]| {
                let margin = self.score(&vectors, user, positive) - self.score(&vectors, user, negative);
                let used = [(Side::User, user), (Side::Item, positive), (Side::Item, negative)];
                let rows = used.map(|(side, id)| &self.rows[self.node(side, id)]);
                let squares: f64 = rows.into_iter().flatten().map(|number| number * number).sum();
                math::ln_1p_f64(math::exp_f64(-margin)) + l2 * squares
            })
            .sum();
        sum / triples.len() as f64
    }
}

const SETTINGS: LightGcnSettings = LightGcnSettings { l2: 0.03, ..LightGcnSettings::PUBLISHED };

/// Rows of all lengths over several panels, some of none, and nodes without edges.
fn ragged() -> Case {
    Case::drawn(11, 9, 30, |generator| [0, 1, 3, 16, 17, 23, 36][generator.below(7) as usize], 4)
}

#[test]
fn final_vectors_and_scores_are_those_of_plain_matrices() {
    let widths = [1, 4, 5, 8, 9, 16, 17, 33];
    let cases = widths.map(|width| Case::drawn(7, 6, 14, |_| width, u64::from(width)));
    for case in cases.into_iter().chain([ragged()]) {
        let dense = case.dense();
        let expected = dense.vectors();
        let mut trainer = case.trainer(SETTINGS);
        let width = trainer.graph().longest() as usize;
        let compared = served(&mut trainer, |recommender| {
            let mut compared = 0;
            for side in Side::BOTH {
                for id in 0..recommender.count(side) {
                    let found = recommender.row(side, id);
                    assert_eq!(found.len(), width);
                    for (found, expected) in found.iter().zip(&expected[dense.node(side, id)]) {
                        assert!(
                            (f64::from(*found) - expected).abs() < 1e-6,
                            "{side:?} {id}: {found} {expected}"
                        );
                        compared += 1;
                    }
                }
            }
            let users = dense.users as u32;
            let mean = |item| (0..users).map(|user| dense.score(&expected, user, item)).sum::<f64>();
            let stranger = f64::from(recommender.score(users, 2));
            assert!((stranger - mean(2) / f64::from(users)).abs() < 1e-5);
            for (user, item) in [(0, 0), (1, 3), (6, 5)] {
                let expected = dense.score(&expected, user, item);
                assert!((f64::from(recommender.score(user, item)) - expected).abs() < 1e-5);
            }
            compared
        });
        assert_eq!(compared.unwrap().0, expected.len() * width);
    }
}

#[test]
fn loss_and_gradient_are_those_of_finite_differences() {
    for case in [ragged(), Case::drawn(6, 5, 12, |_| 4, 1), Case::drawn(6, 5, 12, |_| 7, 2)] {
        let mut dense = case.dense();
        let mut trainer = case.trainer(SETTINGS);
        let batch = case.batch(trainer.graph());
        let loss = trainer.step(&batch);
        let l2 = f64::from(SETTINGS.l2);
        let expected = dense.loss(&case.triples, l2);
        assert!((loss - expected).abs() < 1e-6 * expected, "{loss} {expected}");
        let mut compared = 0;
        for side in Side::BOTH {
            for (place, &id) in trainer.graph().side(side).ids().iter().enumerate() {
                let node = dense.node(side, id);
                for column in 0..dense.rows[node].len() {
                    let number = dense.rows[node][column];
                    let mut at = |number| {
                        dense.rows[node][column] = number;
                        dense.loss(&case.triples, l2)
                    };
                    let slope = (at(number + 1e-4) - at(number - 1e-4)) / 2e-4;
                    at(number);
                    let panel = &trainer.panels[column / crate::lightgcn::PANEL];
                    let found = panel.gradient(side, place)[column - panel.first()];
                    assert!(
                        (f64::from(found) - slope).abs() < 2e-6,
                        "{side:?} {id} {column}: {found} {slope}"
                    );
                    compared += 1;
                }
            }
        }
        assert_eq!(compared, case.sizes.user.iter().chain(&case.sizes.item).sum::<u32>());
    }
}

/// The gradients of two steps, Adam by its paper in double precision.
#[test]
fn parameters_move_as_adam_says() {
    let case = ragged();
    let mut trainer = case.trainer(LightGcnSettings { decay: 0.5, block: 1, ..SETTINGS });
    let batch = case.batch(trainer.graph());
    let number = |trainer: &Trainer| f64::from(trainer.panels[1].parameters(Side::Item, 0).unwrap()[2]);
    let mut expected = number(&trainer);
    let [mut first, mut second] = [0.0; 2];
    let (beta_1, beta_2) = (f64::from(BETA_1), f64::from(BETA_2));
    for (step, rate) in [(1, 0.03), (2, 0.015), (3, 0.0075)] {
        trainer.step(&batch);
        let gradient = f64::from(trainer.panels[1].gradient(Side::Item, 0)[2]);
        assert!(gradient.abs() > 1e-5);
        first = beta_1 * first + (1.0 - beta_1) * gradient;
        second = beta_2 * second + (1.0 - beta_2) * gradient * gradient;
        let powers = |base: f64| (0..step).fold(1.0, |power, _| power * base);
        let (mean, square) = (first / (1.0 - powers(beta_1)), second / (1.0 - powers(beta_2)));
        expected -= rate * mean / (square.sqrt() + 1e-8);
        assert!((number(&trainer) - expected).abs() < 1e-5, "{} {expected}", number(&trainer));
    }
}

#[test]
fn the_learning_rate_decays_by_block_to_a_floor() {
    let settings = LightGcnSettings::PUBLISHED;
    for (step, expected) in [(0, 0.03), (199, 0.03), (200, 0.0285), (400, 0.027_075)] {
        assert!((settings.rate(step) - expected).abs() < 1e-8, "{step}");
    }
    assert_eq!(settings.rate(200 * 100), 0.001);
}

/// All rows after some steps, as bits, by side and id.
fn learned(case: &Case, threads: usize) -> Vec<Vec<u32>> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        case.with(|recommender| {
            let settings = LightGcnSettings { batch: 3000, ..SETTINGS };
            let mut trainer = Trainer::new(case.graph(), recommender, settings);
            let had = |_, _| false;
            let pairs = case.pairs.iter().copied();
            let sampler = Sampler::new(trainer.graph(), pairs, had, Candidates::Known);
            let mut generator = Generator::new(8);
            for _ in 0..5 {
                trainer.train(&sampler, &mut generator);
            }
            trainer.store(recommender);
            let ids = Side::BOTH.map(|side| (0..recommender.arena().count(side)).map(move |id| (side, id)));
            let rows = ids.into_iter().flatten().map(|(side, id)| recommender.arena().row(side, id));
            rows.map(|row| row.iter().map(|number| number.to_bits()).collect()).collect()
        })
    })
}

#[test]
fn rows_are_the_same_bits_with_any_number_of_threads() {
    let case = Case::drawn(40, 50, 300, |generator| generator.below(70), 6);
    let one = learned(&case, 1);
    assert_eq!(learned(&case, 2), one);
    assert_eq!(learned(&case, 3), one);
}

#[test]
fn learning_lowers_the_loss_and_keeps_sizes() {
    let case = Case::drawn(40, 50, 300, |generator| 1 + generator.below(20), 6);
    let mut trainer = case.trainer(LightGcnSettings { l2: 0.0, ..SETTINGS });
    let batch = case.batch(trainer.graph());
    let first = trainer.step(&batch);
    let last = (0..100).map(|_| trainer.step(&batch)).last().unwrap();
    assert!(last < 0.1 * first, "{first} {last}");
    let sizes: Vec<usize> = learned(&case, 2).iter().map(Vec::len).collect();
    let expected = case.sizes.user.iter().chain(&case.sizes.item);
    assert!(sizes.into_iter().eq(expected.map(|&size| size as usize)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A short row is a long one that ends in zeros: the vectors and the gradient of what is there agree.
    #[test]
    fn ragged_rows_are_rows_with_zeros_behind(
        seed in 0_u64..1000,
        sizes in prop::collection::vec(0_u32..40, 15),
    ) {
        let mut ragged = Case::drawn(8, 7, 25, |_| 0, seed);
        ragged.sizes = PerSide::new(sizes[..8].to_vec(), sizes[8..].to_vec());
        let mut padded = ragged.clone();
        let width = sizes.iter().max().copied().unwrap_or(0).max(1);
        padded.sizes = PerSide::new(vec![width; 8], vec![width; 7]);
        let mut short = ragged.trainer(SETTINGS);
        let mut long = padded.with(|recommender| {
            ragged.with(|rows| {
                for side in Side::BOTH {
                    for id in 0..rows.arena().count(side) {
                        let to = recommender.arena_mut().row_mut(side, id);
                        to.fill(0.0);
                        if !rows.arena().is_cold(side, id) {
                            let from = rows.arena().row(side, id);
                            to[..from.len()].copy_from_slice(from);
                        }
                    }
                }
            });
            Trainer::new(padded.graph(), recommender, SETTINGS)
        });
        let (short_loss, long_loss) =
            (short.step(&ragged.batch(short.graph())), long.step(&padded.batch(long.graph())));
        prop_assert!((short_loss - long_loss).abs() < 1e-6 * long_loss);
        for side in Side::BOTH {
            for (id, &size) in sizes_of(&ragged, side).iter().enumerate() {
                let places = [&short, &long].map(|trainer| trainer.graph().side(side).places()[id] as usize);
                for column in 0..size as usize {
                    let [short, long] = [(&short, places[0]), (&long, places[1])].map(|(trainer, place)| {
                        let panel = &trainer.panels[column / crate::lightgcn::PANEL];
                        panel.gradient(side, place)[column - panel.first()]
                    });
                    prop_assert!((short - long).abs() < 1e-6, "{:?} {} {}: {} {}", side, id, column, short, long);
                }
            }
        }
    }
}

fn sizes_of(case: &Case, side: Side) -> &[u32] {
    case.sizes.get(side)
}
