//! The policy as a whole, against a plain model of its networks in double precision.

pub(super) mod model;

use std::vec;
use std::vec::Vec;

use super::*;
use crate::random::Generator;
use crate::snapshot::{self, SnapshotError};
use model::{Model, Networks, actor_loss, batch, critic_loss, networks, padded, returns};

struct Memory {
    networks: Vec<f32>,
    replay: Vec<f32>,
    scratch: Vec<f32>,
}

impl Memory {
    /// Scratch is filled with what would show if it were read before it is written.
    fn new(shape: &SacShape) -> Self {
        Self {
            networks: vec![f32::NAN; shape.networks_len()],
            replay: vec![f32::NAN; shape.replay_len()],
            scratch: vec![f32::NAN; shape.scratch_len()],
        }
    }

    fn lend(&mut self) -> SacMemory<'_> {
        SacMemory { networks: &mut self.networks, replay: &mut self.replay, scratch: &mut self.scratch }
    }
}

fn config(state: u32, hidden: u32, batch: u32) -> SacConfig {
    SacConfig {
        shape: SacShape { state, hidden, batch, capacity: 40 },
        weight_decay: WeightDecay::L2(0.0),
        actor_gradient_norm: None,
        ..SacConfig::new(state)
    }
}

fn remember_random(sac: &mut Sac<'_>, count: usize, generator: &mut Generator) {
    let state = sac.config().shape.state as usize;
    let mut draw = |n: usize| (0..n).map(|_| generator.symmetric()).collect::<Vec<_>>();
    for _ in 0..count {
        let (from, to, rest) = (draw(state), draw(state), draw(4));
        let action = [rest[0], rest[1], rest[2]].map(|x| 0.5 + 0.4 * x);
        let transition = Transition { state: &from, action, reward: rest[3], next_state: &to };
        sac.remember(&transition).unwrap();
    }
}

/// Compares every gradient number with the slope of `loss`.
fn check_gradient(model: &Model, gradient: &[f64], loss: impl Fn(&Model) -> f64) {
    let scale = gradient.iter().fold(0.0_f64, |a, g| a.max(g.abs()));
    assert!(scale > 1e-4, "no gradient at all");
    let mut probe = model.clone();
    for (index, &gradient) in gradient.iter().enumerate() {
        if !model.is_parameter(index) {
            assert_eq!(gradient, 0.0, "filling moved");
            continue;
        }
        let (value, step) = (model.weights[index], 1e-6);
        probe.weights[index] = value + step;
        let above = loss(&probe);
        probe.weights[index] = value - step;
        let slope = (above - loss(&probe)) / (2.0 * step);
        probe.weights[index] = value;
        let error = (slope - gradient).abs();
        assert!(error <= 2e-4 * scale, "number {index}: {gradient} instead of {slope}");
    }
}

/// Biases of zero leave units whose inputs are all zero on the edge of their rectifier, where there is no
/// slope.
fn draw_biases(sac: &mut Sac<'_>, generator: &mut Generator) {
    let shape = sac.config().shape;
    let Networks { actor, critics, targets, .. } = networks(&shape, sac.networks());
    let trained = actor.weights.len() + 2 * critics[0].weights.len();
    let mut start = 0;
    for (number, model) in
        [&actor, &critics[0], &critics[1], &targets[0], &targets[1]].into_iter().enumerate()
    {
        let start_here = if number < 3 { start } else { 3 * trained + (number - 3) * model.weights.len() };
        for index in 0..model.weights.len() {
            let (column, bias) = model.column(index);
            if column == bias {
                sac.networks_mut()[start_here + index] = 0.2 * generator.symmetric();
            }
        }
        start += model.weights.len();
    }
}

#[test]
#[cfg_attr(miri, ignore)]
fn every_gradient_is_the_slope_of_its_loss() {
    // Odd widths, rows that end inside a block, batches of all tilings.
    for (state, hidden, samples) in [(5, 7, 8), (6, 9, 3), (12, 5, 13)] {
        let config = config(state, hidden, samples);
        let mut memory = Memory::new(&config.shape);
        let valid = config.validate().unwrap();
        let mut sac = Sac::new(&valid, memory.lend(), Generator::new(u64::from(state))).unwrap();
        remember_random(&mut sac, 20, &mut Generator::new(5));
        draw_biases(&mut sac, &mut Generator::new(6));
        let before = networks(&config.shape, sac.networks());
        let batch = batch(&sac);
        let entropy_weight = f64::from(sac.entropy_weight());
        let losses = sac.update().unwrap();
        let after = networks(&config.shape, sac.networks());

        let returns = returns(&config, &before, &batch, entropy_weight);
        let mut sum = 0.0;
        for k in 0..2 {
            check_gradient(&before.critics[k], &after.critic_gradients[k], |critic| {
                critic_loss(critic, &batch, &returns)
            });
            sum += critic_loss(&before.critics[k], &batch, &returns);
        }
        // The actor is judged by the critics that have just moved.
        check_gradient(&before.actor, &after.actor_gradient, |actor| {
            actor_loss(actor, &after.critics, &batch, entropy_weight)
        });
        let actor = actor_loss(&before.actor, &after.critics, &batch, entropy_weight);
        assert!((f64::from(losses.critic) - sum).abs() < 1e-5 * sum.abs().max(1.0));
        assert!((f64::from(losses.actor) - actor).abs() < 1e-5 * actor.abs().max(1.0));
        let norm = after.actor_gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        assert!((f64::from(losses.actor_gradient_norm) - norm).abs() < 1e-4 * norm);
        // Targets move by their rate towards the critics as they are now.
        for k in 0..2 {
            let pairs = after.targets[k].weights.iter().zip(&before.targets[k].weights);
            for ((new, old), critic) in pairs.zip(&after.critics[k].weights) {
                assert!((new - (old + 0.005 * (critic - old))).abs() < 1e-7);
            }
        }
    }
}

#[test]
fn gradients_are_clipped_to_their_norm() {
    let mut config = config(5, 7, 4);
    config.actor_gradient_norm = Some(0.01);
    config.critic_gradient_norm = Some(0.02);
    let mut memory = Memory::new(&config.shape);
    let mut sac = Sac::new(&config.validate().unwrap(), memory.lend(), Generator::new(1)).unwrap();
    remember_random(&mut sac, 20, &mut Generator::new(5));
    let losses = sac.update().unwrap();
    assert!(losses.actor_gradient_norm > 0.01);
    let after = networks(&config.shape, sac.networks());
    let norm = |gradient: &[f64]| gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    assert!((norm(&after.actor_gradient) - 0.01).abs() < 1e-6);
    for gradient in &after.critic_gradients {
        assert!((norm(gradient) - 0.02).abs() < 1e-6);
    }
}

#[test]
fn a_learned_entropy_weight_follows_its_target() {
    let mut config = config(5, 7, 8);
    for (target, rises) in [(50.0, true), (-50.0, false)] {
        config.entropy_weight = EntropyWeight::Learned { initial: 0.2, target, learning_rate: 0.1 };
        let mut memory = Memory::new(&config.shape);
        let mut sac = Sac::new(&config.validate().unwrap(), memory.lend(), Generator::new(1)).unwrap();
        remember_random(&mut sac, 20, &mut Generator::new(5));
        assert!((sac.entropy_weight() - 0.2).abs() < 1e-6);
        let losses = sac.update().unwrap();
        assert!((losses.entropy_weight - 0.2).abs() < 1e-6, "the step uses the weight in force");
        // Adam's first step has the length of the learning rate.
        let expected = 0.2 * if rises { 1.105_170_9 } else { 0.904_837_4 };
        assert!((sac.entropy_weight() - expected).abs() < 1e-5, "{}", sac.entropy_weight());
        for _ in 0..if cfg!(miri) { 3 } else { 300 } {
            sac.update();
        }
        assert!((4e-5..22_027.0).contains(&sac.entropy_weight()), "stays inside its bounds");
    }
}

#[test]
fn targets_begin_as_copies_or_apart() {
    for synchronised in [true, false] {
        let config = SacConfig { synchronised_targets: synchronised, ..config(5, 7, 8) };
        let mut memory = Memory::new(&config.shape);
        let sac = Sac::new(&config.validate().unwrap(), memory.lend(), Generator::new(1)).unwrap();
        let networks = networks(&config.shape, sac.networks());
        for k in 0..2 {
            assert_eq!(networks.targets[k].weights == networks.critics[k].weights, synchronised);
        }
        assert_ne!(networks.critics[0].weights, networks.critics[1].weights);
    }
}

#[test]
#[cfg_attr(miri, ignore)]
fn initial_weights_are_uniform_inside_xavier_bounds_and_biases_zero() {
    let config = config(30, 40, 8);
    let mut memory = Memory::new(&config.shape);
    let sac = Sac::new(&config.validate().unwrap(), memory.lend(), Generator::new(1)).unwrap();
    let model = networks(&config.shape, sac.networks()).actor;
    let layers = [(0, 40, 30, 40), (40 * 32, 40, 40, 40), (40 * 32 + 40 * 48, 6, 40, 3)];
    for (start, rows, fan_in, fan_out) in layers {
        let bound = (6.0 / f64::from(fan_in + fan_out)).sqrt();
        let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
        for row in model.weights[start..].chunks(padded(fan_in as usize)).take(rows) {
            assert!(row[fan_in as usize..].iter().all(|&w| w == 0.0));
            for w in &row[..fan_in as usize] {
                assert!(w.abs() <= bound * 1.000_001);
                sum += w;
                squares += w * w;
                count += 1.0;
            }
        }
        assert!((sum / count).abs() < 0.15 * bound);
        assert!((squares / count / (bound * bound / 3.0) - 1.0).abs() < 0.2);
    }
}

#[test]
#[cfg_attr(miri, ignore)]
fn an_initial_action_holds_in_every_state() {
    let mut config = SacConfig::compact(10);
    config.initial_policy = InitialPolicy::Action { mean: [0.3, 0.9, 0.05], log_std: -3.0 };
    let mut memory = Memory::new(&config.shape);
    let mut sac = Sac::new(&config.validate().unwrap(), memory.lend(), Generator::new(1)).unwrap();
    for state in [[0.0; 10], [1.0; 10], [-2.0; 10]] {
        let action = sac.act(&state, false).unwrap();
        for (number, expected) in action.into_iter().zip([0.3, 0.9, 0.05]) {
            assert!((number - expected).abs() < 0.02, "{action:?}");
        }
        let explored = sac.act(&state, true).unwrap();
        assert_ne!(explored, action);
        assert!(explored.iter().zip(action).all(|(a, b)| (a - b).abs() < 0.1));
    }
}

/// Reward of an action: highest at (0.7, 0.2, 0.5), which is 1; a uniform action's mean is 0.26.
fn bandit(action: Action) -> f32 {
    let miss = [action[0] - 0.7, action[1] - 0.2, action[2] - 0.5];
    1.0 - 2.0 * miss.iter().map(|m| m * m).sum::<f32>()
}

fn play(config: &SacConfig, steps: usize, seed: u64) -> Action {
    let mut memory = Memory::new(&config.shape);
    let mut sac = Sac::new(&config.validate().unwrap(), memory.lend(), Generator::new(seed)).unwrap();
    let state = vec![0.5; config.shape.state as usize];
    for _ in 0..steps {
        let action = sac.act(&state, true).unwrap();
        let transition = Transition { state: &state, action, reward: bandit(action), next_state: &state };
        sac.remember(&transition).unwrap();
        for _ in 0..config.updates_per_step {
            sac.update().unwrap();
        }
    }
    sac.act(&state, false).unwrap()
}

#[test]
#[cfg_attr(miri, ignore)]
fn the_compact_policy_solves_a_bandit_in_a_hundred_steps() {
    for seed in 0..3 {
        let action = play(&SacConfig::compact(6), 100, seed);
        assert!(bandit(action) > 0.9, "{action:?}");
    }
}

#[test]
#[cfg_attr(miri, ignore)]
fn the_published_settings_solve_the_bandit() {
    let mut config = SacConfig::new(6);
    config.shape.hidden = 32;
    config.discount = 0.5;
    config.actor_learning_rate = 2e-3;
    config.critic_learning_rate = 3e-3;
    config.target_rate = 0.05;
    config.entropy_weight = EntropyWeight::Fixed(0.02);
    let action = play(&config, 600, 1);
    assert!(bandit(action) > 0.9, "{action:?} {}", bandit(action));
}

#[test]
fn equal_calls_give_equal_bits() {
    let digest = |seed| {
        let mut config = SacConfig::compact(3);
        config.shape.hidden = 5;
        config.shape.batch = 5;
        config.discount = 0.9;
        let mut memory = Memory::new(&config.shape);
        let mut sac = Sac::new(&config.validate().unwrap(), memory.lend(), Generator::new(seed)).unwrap();
        remember_random(&mut sac, 11, &mut Generator::new(5));
        for _ in 0..3 {
            sac.update().unwrap();
        }
        let action = sac.act(&[0.25; 3], true).unwrap();
        let words = sac.networks().iter().chain(&action).map(|x| x.to_bits());
        words.fold(0xcbf2_9ce4_8422_2325_u64, |hash, word| {
            (hash ^ u64::from(word)).wrapping_mul(0x100_0000_01b3)
        })
    };
    let seven = digest(7);
    assert_eq!(seven, 0xd2a5_d567_da1f_fa5a, "{seven:#x}");
    if !cfg!(miri) {
        assert_eq!(digest(7), seven);
        assert_ne!(digest(8), seven);
    }
}

#[test]
fn a_restored_policy_goes_on_with_the_same_bits() {
    let (state, hidden, rounds) = if cfg!(miri) { (1, 1, &[12][..]) } else { (5, 7, &[0, 12, 45][..]) };
    let config = config(state, hidden, 8);
    let probe = vec![0.1; state as usize];
    let valid = config.validate().unwrap();
    let mut memory = Memory::new(&config.shape);
    let mut sac = Sac::new(&valid, memory.lend(), Generator::new(1)).unwrap();
    let mut bytes = vec![0; snapshot::HEADER_LEN + config.shape.max_snapshot_len(40)];
    let mut generator = Generator::new(5);
    for &more in rounds {
        remember_random(&mut sac, more, &mut generator);
        sac.update();
        let length = snapshot::save(&[3], &sac, &mut bytes).unwrap();
        assert!(length <= snapshot::HEADER_LEN + config.shape.max_snapshot_len(sac.replay().len() as usize));
        let mut other = Memory::new(&config.shape);
        let mut restored = Sac::new(&valid, other.lend(), Generator::new(99)).unwrap();
        assert_eq!(snapshot::load(&[3], &mut restored, &bytes), Ok(length));
        for _ in 0..if cfg!(miri) { 1 } else { 3 } {
            assert_eq!(sac.update(), restored.update());
            assert_eq!(sac.act(&probe, true), restored.act(&probe, true));
        }
        assert_eq!(sac.networks(), restored.networks());
        assert_eq!(sac.transitions(), restored.transitions());
        assert_eq!(sac.progress(), restored.progress());
    }
}

#[test]
#[cfg_attr(miri, ignore)]
fn a_snapshot_of_another_policy_is_refused() {
    let shape = SacShape { state: 5, hidden: 7, batch: 8, capacity: 40 };
    let save = |shape: SacShape, progress: Option<Progress>| {
        let config = SacConfig { shape, ..SacConfig::new(1) };
        let mut memory = Memory::new(&shape);
        let mut sac = Sac::new(&config.validate().unwrap(), memory.lend(), Generator::new(1)).unwrap();
        if let Some(progress) = progress {
            sac.set_progress(&progress);
        }
        let mut bytes = vec![0; 1 << 17];
        snapshot::save(&[], &sac, &mut bytes).unwrap();
        bytes
    };
    let config = SacConfig { shape, ..SacConfig::new(1) };
    let mut memory = Memory::new(&shape);
    let mut sac = Sac::new(&config.validate().unwrap(), memory.lend(), Generator::new(2)).unwrap();
    remember_random(&mut sac, 3, &mut Generator::new(5));
    let (sound, networks) = (sac.progress(), sac.networks().to_vec());
    for other in
        [SacShape { state: 6, ..shape }, SacShape { hidden: 8, ..shape }, SacShape { capacity: 41, ..shape }]
    {
        let refused = snapshot::load(&[], &mut sac, &save(other, None));
        assert!(matches!(refused, Err(SnapshotError::OtherShape { .. })), "{refused:?}");
    }
    for broken in [
        Progress { stored: 3, next: 4, ..sound },
        Progress { stored: 40, next: 40, ..sound },
        Progress { log_entropy_weight: f32::NAN, ..sound },
        Progress { entropy_moments: [f32::INFINITY, 0.0], ..sound },
        Progress { entropy_moments: [0.0, -1.0], ..sound },
    ] {
        let refused = snapshot::load(&[], &mut sac, &save(shape, Some(broken)));
        assert_eq!(refused, Err(SnapshotError::Damaged), "{broken:?}");
    }
    assert_eq!(sac.progress(), sound);
    assert_eq!(sac.networks(), networks);
    snapshot::load(&[], &mut sac, &save(SacShape { batch: 2, ..shape }, None)).unwrap();
}

#[test]
fn published_first_batches_hold_one_transition() {
    let mut config = config(1, 1, 8);
    config.first_batches_of_one = true;
    let mut memory = Memory::new(&config.shape);
    let mut sac = Sac::new(&config.validate().unwrap(), memory.lend(), Generator::new(1)).unwrap();
    assert_eq!(sac.update(), None);
    assert_eq!(sac.updates(), 0);
    let mut generator = Generator::new(5);
    for stored in 1..=14 {
        remember_random(&mut sac, 1, &mut generator);
        // What an update draws from the generator tells the size of its batch: a position each, and two
        // actions of three normal numbers of two words.
        let mut expected = Generator::from_state(sac.progress().generator);
        for _ in 0..if stored < 13 { 1 } else { 8 } * 13 {
            expected.next_u32();
        }
        sac.update().unwrap();
        assert_eq!(sac.progress().generator, expected.state());
    }
}

#[test]
fn refusals_change_nothing() {
    let config = config(5, 7, 8);
    let valid = config.validate().unwrap();
    let shape = config.shape;
    for part in [Part::Networks, Part::Replay, Part::Scratch] {
        let mut memory = Memory::new(&shape);
        let slice = match part {
            Part::Networks => &mut memory.networks,
            Part::Replay => &mut memory.replay,
            Part::Scratch => &mut memory.scratch,
        };
        let needed = slice.len();
        slice.pop();
        let error = Sac::new(&valid, memory.lend(), Generator::new(1)).unwrap_err();
        assert_eq!(error, SacError::Memory { part, needed, given: needed - 1 });
        assert!(memory.networks.iter().all(|x| x.is_nan()));
    }
    let mut memory = Memory::new(&shape);
    let mut sac = Sac::new(&valid, memory.lend(), Generator::new(1)).unwrap();
    let before = sac.progress();
    let good = [0.0; 5];
    assert_eq!(sac.act(&[0.0; 4], true), Err(SacError::StateLength { needed: 5, given: 4 }));
    for bad in [f32::NAN, f32::INFINITY, -1.1e6] {
        let state = [0.0, 0.0, bad, 0.0, 0.0];
        assert!(matches!(sac.act(&state, true), Err(SacError::State(_))));
        let mut transition = Transition { state: &good, action: [0.5; 3], reward: 0.0, next_state: &state };
        assert!(matches!(sac.remember(&transition), Err(SacError::State(_))));
        (transition.next_state, transition.reward) = (&good, bad);
        assert!(matches!(sac.remember(&transition), Err(SacError::Reward(_))));
        (transition.reward, transition.action) = (0.0, [0.5, bad, 0.5]);
        assert!(matches!(sac.remember(&transition), Err(SacError::Action(_))));
    }
    assert_eq!(sac.progress(), before);
    // The greatest that is let in leaves every number finite.
    let state = [Sac::MAX_MAGNITUDE; 5];
    let transition = Transition { state: &state, action: [1.0; 3], reward: 1e6, next_state: &state };
    sac.remember(&transition).unwrap();
    for _ in 0..if cfg!(miri) { 2 } else { 20 } {
        sac.update().unwrap();
    }
    assert!(sac.networks().iter().all(|x| x.is_finite()));
    assert!(sac.act(&state, true).unwrap().iter().all(|x| *x > 0.0 && *x < 1.0));
}

#[test]
fn memory_of_the_published_shape() {
    let shape = SacConfig::published().shape;
    // 2,375,688 trained numbers as published, and the filling of the hidden layers' rows.
    assert_eq!(shape.networks_len(), 8_754_384);
    assert_eq!(shape.replay_len(), 10_000 * 2_060);
    assert!(shape.scratch_len() < 120_000);
    let huge = SacShape { state: u32::MAX, hidden: u32::MAX, batch: u32::MAX, capacity: u32::MAX };
    assert!(huge.networks_len() > 1 << 30 && huge.scratch_len() > 1 << 30 && huge.replay_len() > 1 << 30);
}
