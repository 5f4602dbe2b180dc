use super::super::network::tests::check_gradient;
use super::*;

fn case() -> (Predictor, PerSide<Vec<f32>>, Action) {
    let predictor = Predictor::new(8, &mut Generator::new(5));
    let frequencies = PerSide::new(vec![1.0, 0.6, 0.4, 0.1], vec![1.0, 0.5, 0.2]);
    let action = Action(PerSide::new(vec![8.0, 3.2, 3.7, 0.2], vec![3.0, 1.9, 1.0]));
    (predictor, frequencies, action)
}

#[test]
fn the_predictors_gradient_is_that_of_finite_differences() {
    type Of = fn(&mut Predictor) -> &mut Network;
    let networks: [Of; 4] = [|p| &mut p.users, |p| &mut p.items, |p| &mut p.sets, |p| &mut p.decoder];
    for of in networks {
        let (mut predictor, frequencies, action) = case();
        let loss =
            |predictor: &mut Predictor| f64::from(predictor.clone().gather(&frequencies, &action, 0.7));
        let gather = |predictor: &mut Predictor| {
            predictor.gather(&frequencies, &action, 0.7);
        };
        check_gradient(&mut predictor, of, gather, loss, 5e-3);
    }
}

#[test]
fn the_order_of_entities_does_not_matter_but_their_sizes_do() {
    let (predictor, frequencies, action) = case();
    let fitness = |frequencies: &PerSide<Vec<f32>>, action: &Action| {
        predictor.predict(&predictor.embed(&predictor.encode(frequencies), action))
    };
    let expected = fitness(&frequencies, &action);
    let (mut moved, mut action_moved) = (frequencies.clone(), action.clone());
    moved.user.rotate_left(1);
    action_moved.0.user.rotate_left(1);
    moved.item.reverse();
    action_moved.0.item.reverse();
    assert!((fitness(&moved, &action_moved) - expected).abs() < 1e-6);
    assert!((fitness(&moved, &action) - expected).abs() > 1e-5);
}

#[test]
fn drawn_sizes_fall_and_share_the_budget() {
    for seed in 0..40 {
        let Action(sizes) = Action::draw(PerSide::new(300, 200), 4000.0, 64, seed);
        assert_eq!((sizes.user.len(), sizes.item.len()), (300, 200));
        assert!(sizes.user.is_sorted_by(|a, b| a >= b) && sizes.item.is_sorted_by(|a, b| a >= b));
        let sum: f32 = sizes.user.iter().chain(&sizes.item).sum();
        assert!((sum - 4000.0).abs() < 1.0, "{sum}");
    }
}

#[test]
fn what_is_predicted_comes_closer_to_what_was_found() {
    let (mut predictor, frequencies, action) = case();
    let before = predictor.gather(&frequencies, &action, 0.7);
    (0..30).for_each(|_| predictor.update(&frequencies, &action, 0.7));
    let after = predictor.gather(&frequencies, &action, 0.7);
    assert!(after < before / 4.0, "{before} {after}");
    let saved = save_state(&predictor).unwrap();
    let restored: Predictor = load_state(&saved).unwrap();
    assert_eq!(
        format!("{:?}", restored.sets.serve(vec![0.1; 17])),
        format!("{:?}", predictor.sets.serve(vec![0.1; 17]))
    );
}
