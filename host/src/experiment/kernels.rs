//! The core's hot loops, compiled for several widths of vector registers and chosen when the program runs.
//!
//! The core fixes the order of every sum and never fuses operations, so all of them give the same bits.

use multiversion::multiversion;
use scall_core::Side;
use scall_core::element::Element;
use scall_core::math;
use scall_core::policy::kernels::{self as policy, Kernels, LayerForward, LayerStep, Rows, RowsMut};
use scall_core::policy::{Losses, Sac, Step};
use scall_core::recommender::{Recommender, RecommenderError, Scored, batch_scratch_len};
use scall_core::tables::Tables;

use super::base::Lesson;

/// Learns from each pair in turn.
#[multiversion(targets("x86_64+avx+avx2+bmi1+bmi2", "x86_64+sse4.2"))]
pub fn learn<E: Element, T: Tables>(recommender: &mut Recommender<'_, E, T>, pairs: &[(u32, u32)]) {
    for &(user, item) in pairs {
        recommender.learn(user, item);
    }
}

/// Learns from each user's taking an item after others, in turn.
#[multiversion(targets("x86_64+avx+avx2+bmi1+bmi2", "x86_64+sse4.2"))]
pub fn learn_recent<E: Element, T: Tables>(
    recommender: &mut Recommender<'_, E, T>,
    lessons: &[Lesson],
    scratch: &mut [f32],
) {
    for lesson in lessons {
        recommender.learn_recent(lesson.user, lesson.item, lesson.recent(), scratch);
    }
}

/// Learns from each pair in turn, and sums up the losses of those that there was another item for.
#[multiversion(targets("x86_64+avx+avx2+bmi1+bmi2"))]
pub fn learn_batch<E: Element, T: Tables>(
    recommender: &mut Recommender<'_, E, T>,
    pairs: &[(u32, u32)],
) -> f64 {
    let mut loss = 0.0;
    for &(user, item) in pairs {
        loss += recommender.learn(user, item).map_or(0.0, |margin| f64::from(math::softplus(-margin)));
    }
    loss
}

/// Takes one event after the other: admits, counts, remembers and learns.
#[multiversion(targets("x86_64+avx+avx2+bmi1+bmi2", "x86_64+sse4.2"))]
pub fn observe<E: Element, T: Tables>(
    recommender: &mut Recommender<'_, E, T>,
    events: &[(u32, u32)],
) -> Result<(), RecommenderError> {
    recommender.observe_all(events)
}

/// The scores of several items for `user`.
#[multiversion(targets("x86_64+avx+avx2+bmi1+bmi2"))]
pub fn scores<E: Element, T: Tables>(
    recommender: &Recommender<'_, E, T>,
    user: u32,
    items: &[u32],
    scores: &mut [f32],
) {
    for (place, &item) in scores.iter_mut().zip(items) {
        *place = recommender.score(user, item);
    }
}

/// The best items for `user` that it did not have lately; see [`Recommender::recommend`].
#[multiversion(targets("x86_64+avx+avx2+bmi1+bmi2"))]
pub fn recommend<E: Element, T: Tables>(
    recommender: &Recommender<'_, E, T>,
    user: u32,
    list: &mut [Scored],
) -> usize {
    recommender.retrieve(user, list, |item| recommender.seen().contains(user, item))
}

/// The best items for each of `users`, without those that are `excluded` for the `n`-th of them.
#[multiversion(targets("x86_64+avx+avx2+bmi1+bmi2+avx512f+avx512vl", "x86_64+avx+avx2+bmi1+bmi2"))]
pub fn retrieve<E: Element, T: Tables>(
    recommender: &Recommender<'_, E, T>,
    users: &[u32],
    lists: &mut [Scored],
    excluded: &dyn Fn(usize, u32) -> bool,
) -> Result<(), RecommenderError> {
    let width = users.iter().map(|&user| recommender.arena().row(Side::User, user).len()).max().unwrap_or(0);
    let mut scratch = vec![0.0; batch_scratch_len(users.len(), width)];
    let list = lists.len().checked_div(users.len()).unwrap_or(0);
    recommender.retrieve_batch(users, list, &mut scratch, lists, excluded)
}

/// One update of the policy; see [`Sac::update`].
pub fn update_policy(sac: &mut Sac<'_>) -> Option<Losses> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        return sac.update_with::<Wide>();
    }
    sac.update()
}

/// The policy's loops for registers of 256 bits and more.
struct Wide;

impl Kernels for Wide {
    fn forward(layer: LayerForward<'_>) {
        forward(layer);
    }

    fn backpropagate(weights: Rows<'_>, deltas: Rows<'_>, inner: RowsMut<'_>) {
        backpropagate(weights, deltas, inner);
    }

    fn step(layer: LayerStep<'_>, adam: &Step, scale: f32) {
        step(layer, adam, scale);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx+avx2"))]
fn forward(layer: LayerForward<'_>) {
    policy::forward::<true>(layer);
}

#[multiversion(targets("x86_64+avx+avx2"))]
fn backpropagate(weights: Rows<'_>, deltas: Rows<'_>, inner: RowsMut<'_>) {
    policy::backpropagate(weights, deltas, inner);
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx+avx2"))]
fn step(layer: LayerStep<'_>, adam: &Step, scale: f32) {
    policy::step::<true>(layer, adam, scale);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::model::{ModelCapacity, ModelMemory};
    use crate::experiment::protocol::Counts;
    use scall_core::policy::{SacConfig, SacMemory, Transition};
    use scall_core::random::Generator;
    use scall_core::recommender::RecommenderConfig;
    use scall_core::side::PerSide;

    const ENTITIES: u32 = 60;

    /// A recommender with rows of all lengths, to which `learn` happened.
    fn with_recommender<T>(
        learn: impl FnOnce(&mut Recommender<'_>, &[(u32, u32)]),
        then: impl FnOnce(&Recommender<'_>) -> T,
    ) -> T {
        let mut memory = ModelMemory::new(&ModelCapacity {
            entities: Counts { users: ENTITIES, items: ENTITIES },
            parameters: 10_000,
            longest: ENTITIES,
            seen: 256,
        });
        let config = RecommenderConfig { initial_scale: 0.5, ..RecommenderConfig::default() };
        let config = config.validate().unwrap();
        let mut recommender = Recommender::new(memory.lend(), config, PerSide::new(3, 4), 10_000, 7).unwrap();
        for size in 0..ENTITIES {
            recommender.admit(Side::User, size).unwrap();
            recommender.admit(Side::Item, (size * 7) % ENTITIES).unwrap();
        }
        recommender.reorder();
        let mut generator = Generator::new(3);
        let events: Vec<_> =
            (0..500).map(|_| (generator.below(ENTITIES), generator.below(ENTITIES))).collect();
        learn(&mut recommender, &events);
        then(&recommender)
    }

    fn bits(recommender: &Recommender<'_>) -> Vec<u32> {
        let rows = (0..ENTITIES).flat_map(|id| Side::BOTH.map(|side| recommender.arena().row(side, id)));
        rows.flatten().map(|number| number.to_bits()).collect()
    }

    #[test]
    fn events_leave_the_same_bits_however_they_are_compiled() {
        let plain = with_recommender(
            |recommender, events| {
                for &(user, item) in events {
                    recommender.observe(user, item).unwrap();
                }
            },
            bits,
        );
        let wide = with_recommender(|recommender, events| observe(recommender, events).unwrap(), bits);
        assert_eq!(wide, plain);
        let before = with_recommender(|_, _| (), bits);
        assert_ne!(wide, before);
    }

    #[test]
    fn lists_are_the_same_bits_however_they_are_compiled() {
        with_recommender(learn, |recommender| {
            let users: Vec<u32> = (0..ENTITIES).collect();
            let mut batch = vec![Scored::NONE; users.len() * 20];
            let excluded = |n: usize, item| recommender.seen().contains(users[n], item);
            retrieve(recommender, &users, &mut batch, &excluded).unwrap();
            for (&user, batch) in users.iter().zip(batch.chunks(20)) {
                let (mut plain, mut wide) = ([Scored::NONE; 20], [Scored::NONE; 20]);
                recommender.recommend(user, &mut plain);
                recommend(recommender, user, &mut wide);
                let bits = |list: &[Scored]| -> Vec<_> {
                    list.iter().map(|scored| (scored.item, scored.score.to_bits())).collect()
                };
                assert_eq!(bits(&wide), bits(&plain));
                assert_eq!(bits(batch), bits(&plain));
            }
        });
    }

    #[test]
    fn a_policy_learns_the_same_bits_however_it_is_compiled() {
        let learned = |update: fn(&mut Sac<'_>) -> Option<Losses>| {
            let mut config = SacConfig::new(13);
            config.shape.hidden = 21;
            let shape = config.shape;
            let mut networks = vec![0.0; shape.networks_len()];
            let (mut replay, mut scratch) = (vec![0.0; shape.replay_len()], vec![0.0; shape.scratch_len()]);
            let memory = SacMemory { networks: &mut networks, replay: &mut replay, scratch: &mut scratch };
            let mut sac = Sac::new(&config.validate().unwrap(), memory, Generator::new(1)).unwrap();
            for n in 0..12_u8 {
                let share = f32::from(n) / 12.0;
                let (state, next_state) = ([share; 13], [1.0 - share; 13]);
                let action = [share, 0.5, 0.2];
                sac.remember(&Transition { state: &state, action, reward: share, next_state: &next_state })
                    .unwrap();
            }
            for _ in 0..5 {
                update(&mut sac).unwrap();
            }
            sac.networks().iter().map(|number| number.to_bits()).collect::<Vec<_>>()
        };
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method alone is tied to one lifetime"
        )]
        let plain = learned(|policy| policy.update());
        assert_eq!(learned(update_policy), plain);
    }
}
