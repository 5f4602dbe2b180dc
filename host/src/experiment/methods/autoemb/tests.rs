use super::super::network::tests::check_gradient;
use super::*;

fn half() -> Half {
    let mut generator = Generator::new(8);
    let mut half = Half::new(4, &mut generator);
    half.welcome(6, &mut generator);
    half
}

const FREQUENCIES: [f32; 6] = [1.0, 5.0, 2.0, 0.0, 80.0, 3.0];

#[test]
fn weights_begin_on_the_smallest_piece_and_sum_to_one() {
    let mut half = half();
    assert_eq!(half.weights[..4], [1.0, 0.0, 1.0, 0.0]);
    let summed = half.sum(vec![4, 0], &FREQUENCIES, Mode::Training, Mode::Serving);
    for weights in summed.weights.chunks_exact(2) {
        assert!((weights[0] + weights[1] - 1.0).abs() < 1e-6);
        assert!(weights[0] > 0.8, "{weights:?}");
    }
    // A row is the weighted sum of its mapped pieces.
    let by_hand =
        summed.weights[0] * summed.mapped[0].outputs()[1] + summed.weights[1] * summed.mapped[1].outputs()[1];
    assert_eq!(summed.rows[1], by_hand);
    assert_eq!(half.parameters(), 6 * 6 + (2 * 4 + 3 * 4) + (4 * 4 + 3 * 4));
}

/// Half the squared length of all rows, and its derivatives by them.
fn loss(half: &mut Half) -> (f64, Summed) {
    let summed = half.sum(vec![0, 1, 4, 2, 1], &FREQUENCIES, Mode::Training, Mode::Training);
    let loss = summed.rows.iter().map(|&number| 0.5 * f64::from(number) * f64::from(number)).sum();
    (loss, summed)
}

#[test]
fn the_controllers_gradient_is_that_of_finite_differences() {
    check_gradient(
        &mut half(),
        |half| &mut half.controller,
        |half| {
            let summed = loss(half).1;
            half.toward_controller(&summed, &summed.rows);
        },
        |half| loss(half).0,
        5e-3,
    );
}

#[test]
fn the_maps_and_pieces_gradients_are_those_of_finite_differences() {
    for map in 0..2 {
        check_gradient(
            &mut half(),
            |half| &mut half.maps[map],
            |half| {
                let summed = loss(half).1;
                half.toward_pieces(&summed, &summed.rows);
            },
            |half| loss(half).0,
            5e-3,
        );
    }
    let mut half = half();
    let summed = loss(&mut half).1;
    let by_pieces = half.toward_pieces(&summed, &summed.rows);
    // Entity 4 stands at the third place.
    for piece in 0..6 {
        let at = 4 * 6 + piece;
        let before = half.pieces[0][at];
        let mut at_distance = |distance: f32| {
            half.pieces[0][at] = before + distance;
            loss(&mut half).0
        };
        let slope = (at_distance(1e-3) - at_distance(-1e-3)) / 2e-3;
        half.pieces[0][at] = before;
        let found = f64::from(by_pieces[2 * 6 + piece]);
        assert!((slope - found).abs() < 2e-2 * (1.0 + slope.abs()), "{piece}: {slope} {found}");
    }
}

#[test]
fn the_derivatives_of_the_loss_are_those_of_finite_differences() {
    let users = [0.5, -0.2, 0.1, 0.8];
    let items = [0.3, 0.9, -0.4, 0.2, 0.6, -0.7, 0.1, 0.5];
    let biases = [0.1, 0.0, -0.2, 0.3];
    let loss = |users: &[f32], items: &[f32]| {
        let margin = |n: usize| {
            let user = &users[2 * n..2 * n + 2];
            let of = |m: usize| biases[m] + math::dot(user, &items[2 * m..2 * m + 2]);
            of(n) - of(2 + n)
        };
        let penalty = |row: &[f32], l2: f64| -> f64 {
            l2 / 2.0 * row.iter().map(|&number| f64::from(number) * f64::from(number)).sum::<f64>()
        };
        let losses = f64::from(math::softplus(-margin(0))) + f64::from(math::softplus(-margin(1)));
        (losses + penalty(users, 0.3) + penalty(items, 0.2)) / 2.0
    };
    let (by_users, by_items, _) = derivatives(&users, &items, &biases, PerSide::new(0.3, 0.2), 2);
    for (n, &found) in by_users.iter().chain(&by_items).enumerate() {
        let at = |distance: f32| {
            let (mut users, mut items) = (users, items);
            if n < 4 {
                users[n] += distance;
            } else {
                items[n - 4] += distance;
            }
            loss(&users, &items)
        };
        let slope = (at(1e-2) - at(-1e-2)) / 2e-2;
        assert!((slope - f64::from(found)).abs() < 1e-4, "{n}: {slope} {found}");
    }
}
