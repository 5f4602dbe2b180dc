use super::super::network::tests::check_gradient;
use super::*;

#[test]
fn the_gradient_of_reinforce_is_that_of_finite_differences() {
    let mut generator = Generator::new(6);
    let mut half = Half::new(3, &mut generator);
    half.notch = vec![0, 1, 2, 0, 1];
    let features = half.features(0..5, &[0.0, 3.0, 9.0, 100.0, 1.0], 3);
    let (actions, rewards) = ([0, 1, 1, 0, 1], [0.7, -0.4, 1.2, 0.1, -2.0]);
    let probabilities = |half: &mut Half| {
        let trace = half.policy.forward(features.clone(), Mode::Training);
        let mut probabilities = trace.outputs().to_vec();
        softmax(&mut probabilities, ACTIONS);
        (trace, probabilities)
    };
    check_gradient(
        &mut half,
        |half| &mut half.policy,
        |half| {
            let (trace, probabilities) = probabilities(half);
            half.policy.backward(&trace, reinforce(&probabilities, &actions, &rewards));
        },
        |half| {
            let rows = probabilities(half).1;
            let terms = rows.chunks_exact(ACTIONS).zip(actions).zip(rewards);
            terms.map(|((row, action), reward)| f64::from(-reward * math::ln(row[action]) / 5.0)).sum()
        },
        5e-3,
    );
}

#[test]
fn the_baseline_is_the_mean_of_the_last_five_losses() {
    let mut recent = Recent::default();
    assert_eq!(recent.mean(), None);
    recent.push(1.0);
    recent.push(3.0);
    assert_eq!(recent.mean(), Some(2.0));
    [5.0, 5.0, 5.0, 5.0, 10.0].into_iter().for_each(|loss| recent.push(loss));
    assert_eq!(recent.mean(), Some(6.0));
}

#[test]
fn a_policy_learns_to_enlarge_what_pays() {
    let mut half = Half::new(2, &mut Generator::new(1));
    half.notch = vec![0; 64];
    let mut generator = Generator::new(2);
    let features = half.features(0..64, &[1.0; 64], 2);
    for _ in 0..60 {
        let trace = half.policy.forward(features.clone(), Mode::Training);
        let mut probabilities = trace.outputs().to_vec();
        softmax(&mut probabilities, ACTIONS);
        let actions: Vec<usize> = (0..64).map(|_| generator.below(2) as usize).collect();
        let rewards: Vec<f32> = actions.iter().map(|&action| action as f32 - 0.5).collect();
        half.policy.backward(&trace, reinforce(&probabilities, &actions, &rewards));
        half.policy.step(LEARNING_RATE);
    }
    let logits = half.policy.serve(features);
    assert!(logits[1] > logits[0] + 0.5, "{:?}", &logits[..2]);
}
