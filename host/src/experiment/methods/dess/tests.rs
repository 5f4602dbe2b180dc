use super::*;

#[test]
fn a_bandit_comes_to_the_numbers_worked_out_by_hand() {
    let mut bandit = LinUcb::<2>::new(1.0);
    bandit.discount(0.5, 1.0);
    bandit.observe(&[1.0, 2.0], 3.0);
    // V = 0.5 I + 0.5 I + xx', W = 0.25 I + 0.75 I + xx', b = 3x.
    assert_eq!(bandit.design, [[2.0, 2.0], [2.0, 5.0]]);
    assert_eq!(bandit.squared, [[2.0, 2.0], [2.0, 5.0]]);
    assert_eq!(bandit.rewards, [3.0, 6.0]);
    bandit.discount(0.5, 1.0);
    bandit.observe(&[1.0, 0.0], 1.0);
    // V = [[1, 1], [1, 2.5]] + 0.5 I + [[1, 0], [0, 0]], W = [[0.5, 0.5], [0.5, 1.25]] + 0.75 I + the same.
    assert_eq!(bandit.design, [[2.5, 1.0], [1.0, 3.0]]);
    assert_eq!(bandit.squared, [[2.25, 0.5], [0.5, 2.0]]);
    assert_eq!(bandit.rewards, [2.5, 3.0]);
    // V^-1 = [[3, -1], [-1, 2.5]] / 6.5, so the mean is [4.5, 5] / 6.5; for x = [1, 0]
    // x' V^-1 W V^-1 x = [3, -1] W [3, -1]' / 42.25 = (20.25 - 3 + 2) / 42.25.
    let estimate = bandit.estimate();
    let expected = 4.5 / 6.5 + 2.0 * (19.25_f64 / 42.25).sqrt();
    assert!((estimate.score(&[1.0, 0.0], 2.0) - expected).abs() < 1e-12);
    assert!((estimate.score(&[0.0, 1.0], 0.0) - 5.0 / 6.5).abs() < 1e-12);
}

#[test]
fn an_inverse_is_one() {
    let matrix = [[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]];
    let inverse = invert(matrix);
    for (n, row) in matrix.iter().enumerate() {
        for m in 0..3 {
            let product: f64 = row.iter().zip(&inverse).map(|(number, column)| number * column[m]).sum();
            assert!((product - f64::from(u8::from(n == m))).abs() < 1e-12);
        }
    }
}

#[test]
fn equal_entities_are_spread_over_the_arms_until_rewards_tell() {
    let resize = crate::experiment::settings::Settings::default().resize;
    let mut dess = Dess::new(resize, 1);
    dess.contexts = PerSide::new(vec![[1.0, 0.5, 1.0, 0.5, 0.1]; 70], Vec::new());
    let mut counts = vec![0; dess.arms.len()];
    dess.choose(Side::User).into_iter().for_each(|arm| counts[arm] += 1);
    assert!(counts.iter().all(|&count| (9..=15).contains(&count)), "{counts:?}");
    for arm in 0..dess.arms.len() {
        let context = dess.contexts.user[0];
        (0..400).for_each(|_| dess.bandits.user[arm].observe(&context, if arm == 2 { 0.9 } else { 0.1 }));
    }
    assert!(dess.choose(Side::User).iter().all(|&arm| arm == 2));
    let saved = dess.save().unwrap();
    let mut restored = Dess::new(resize, 1);
    restored.restore(&saved).unwrap();
    assert_eq!(restored.bandits, dess.bandits);
}
