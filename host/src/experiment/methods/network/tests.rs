use super::*;

/// Compares the gradient of every learned number with central differences of `loss`; `gather` leaves
/// the gradient in the network that `of` finds.
pub(crate) fn check_gradient<M>(
    model: &mut M,
    of: impl Fn(&mut M) -> &mut Network,
    gather: impl Fn(&mut M),
    loss: impl Fn(&mut M) -> f64,
    tolerance: f64,
) {
    gather(model);
    let gradients: Vec<Vec<f32>> = of(model).layers.iter().map(|layer| layer.gradient.clone()).collect();
    let mut moved = 0;
    for (layer, gradient) in gradients.iter().enumerate() {
        for at in (0..gradient.len()).step_by(gradient.len().div_ceil(40)) {
            let before = of(model).layers[layer].values[at];
            let mut at_distance = |distance: f32| {
                of(model).layers[layer].values[at] = before + distance;
                loss(model)
            };
            let slope = (at_distance(1e-3) - at_distance(-1e-3)) / 2e-3;
            of(model).layers[layer].values[at] = before;
            let found = f64::from(gradient[at]);
            assert!(
                (slope - found).abs() <= tolerance * (1.0 + slope.abs()),
                "{layer} {at}: {slope} {found}"
            );
            moved += usize::from(found != 0.0);
        }
    }
    assert!(moved > 0);
}

/// Half the squared distance of the outputs to `n / 10`.
fn loss(network: &mut Network, inputs: &[f32]) -> (f64, Vec<f32>, Trace) {
    let trace = network.forward(inputs.to_vec(), Mode::Training);
    let deltas: Vec<f32> =
        trace.outputs().iter().enumerate().map(|(n, &output)| output - n as f32 / 10.0).collect();
    let loss = deltas.iter().map(|&delta| 0.5 * f64::from(delta) * f64::from(delta)).sum();
    (loss, deltas, trace)
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let mut generator = Generator::new(3);
    let shapes = [
        LayerShape::normalised_tanh(7),
        LayerShape::plain(5, Activation::LeakyRectifier),
        LayerShape::plain(2, Activation::Linear),
    ];
    let mut network = Network::new(4, &shapes, &mut generator);
    let inputs: Vec<f32> = (0..6 * 4).map(|_| generator.symmetric()).collect();
    check_gradient(
        &mut network,
        |network| network,
        |network| {
            let (_, deltas, trace) = loss(network, &inputs);
            network.backward(&trace, deltas);
        },
        |network| loss(network, &inputs).0,
        2e-3,
    );
}

#[test]
fn derivatives_by_the_inputs_are_those_of_finite_differences() {
    let mut generator = Generator::new(4);
    let mut network = Network::new(3, &[LayerShape::normalised_tanh(4)], &mut generator);
    let inputs: Vec<f32> = (0..5 * 3).map(|_| generator.symmetric()).collect();
    let (_, deltas, trace) = loss(&mut network, &inputs);
    let back = network.backward(&trace, deltas);
    for at in 0..inputs.len() {
        let mut at_distance = |distance: f32| {
            let mut moved = inputs.clone();
            moved[at] += distance;
            loss(&mut network, &moved).0
        };
        let slope = (at_distance(1e-3) - at_distance(-1e-3)) / 2e-3;
        assert!((slope - f64::from(back[at])).abs() < 5e-3, "{at}: {slope} {}", back[at]);
    }
}

#[test]
fn steps_lead_down() {
    let mut generator = Generator::new(5);
    let shapes = [LayerShape::normalised_tanh(8), LayerShape::plain(1, Activation::Linear)];
    let mut network = Network::new(2, &shapes, &mut generator);
    let inputs: Vec<f32> = (0..8 * 2).map(|_| generator.symmetric()).collect();
    let before = loss(&mut network, &inputs).0;
    for _ in 0..200 {
        let (_, deltas, trace) = loss(&mut network, &inputs);
        network.backward(&trace, deltas);
        network.step(0.01);
    }
    let after = loss(&mut network, &inputs).0;
    assert!(after < before / 20.0, "{before} {after}");
    // What it has gathered is near what it saw in each of many batches of the same.
    let served = network.serve(inputs.clone());
    let seen = network.forward(inputs, Mode::Training);
    assert!(served.iter().zip(seen.outputs()).all(|(a, b)| (a - b).abs() < 0.1), "{served:?}");
}

#[test]
fn probabilities_sum_to_one() {
    let mut rows = [0.0, 0.0, 1000.0, 0.0];
    softmax(&mut rows, 2);
    assert_eq!(rows, [0.5, 0.5, 1.0, 0.0]);
}
