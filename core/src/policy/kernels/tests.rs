use super::*;
use crate::policy::WeightDecay;
use crate::random::Generator;
use std::vec;
use std::vec::Vec;

fn random(count: usize, generator: &mut Generator) -> Vec<Block> {
    (0..count).map(|_| core::array::from_fn(|_| generator.symmetric())).collect()
}

fn layer_outputs<const WIDE: bool>(
    weights: Rows<'_>,
    inputs: Rows<'_>,
    stride: usize,
    rectify: bool,
) -> Vec<Block> {
    let samples = inputs.iter().count();
    let mut columns = vec![[9.0; LANES]; columns_len(samples, inputs.stride)];
    let mut outputs = vec![[7.0; LANES]; samples * stride];
    forward::<WIDE>(LayerForward {
        weights,
        inputs,
        columns: &mut columns,
        outputs: RowsMut { data: &mut outputs, stride },
        rectify,
    });
    outputs
}

/// All tilings give the bits of the plain definition, for every number of rows and samples.
#[test]
fn tiles_change_no_bit() {
    let mut generator = Generator::new(3);
    // Full lanes, a part of them and single samples; tiles of eight, two and one row.
    let (most_rows, sample_counts, strides): (usize, &[usize], &[usize]) = if cfg!(miri) {
        (12, &[1, 6, 9], &[1])
    } else {
        (20, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 17], &[1, 2, 5])
    };
    for rows in 0..most_rows {
        for &samples in sample_counts {
            for &stride in strides {
                let weights = random(rows * stride, &mut generator);
                let inputs = random(samples * stride, &mut generator);
                let out_stride = blocks(rows).max(1);
                let weights = Rows { data: &weights, stride };
                let inputs = Rows { data: &inputs, stride };
                let narrow = layer_outputs::<false>(weights, inputs, out_stride, true);
                let wide = layer_outputs::<true>(weights, inputs, out_stride, true);
                let linear = layer_outputs::<true>(weights, inputs, out_stride, false);
                for (sample, input) in inputs.iter().enumerate() {
                    for (row, weights) in weights.iter().enumerate() {
                        let products = weights.as_flattened().iter().zip(input.as_flattened());
                        let sum = products.fold(0.0, |sum, (weight, input)| sum + weight * input);
                        let place = sample * out_stride * LANES + row;
                        assert_eq!(narrow.as_flattened()[place], sum.max(0.0));
                        assert_eq!(wide.as_flattened()[place], sum.max(0.0));
                        assert_eq!(linear.as_flattened()[place].to_bits(), sum.to_bits());
                    }
                }

                let deltas = random(samples * out_stride, &mut generator);
                let deltas = Rows { data: &deltas, stride: out_stride };
                let mut inner = vec![[7.0; LANES]; samples * stride];
                backpropagate(weights, deltas, RowsMut { data: &mut inner, stride });
                let inner = Rows { data: &inner, stride };
                for (delta, inner) in deltas.iter().zip(inner.iter()) {
                    for (column, &value) in inner.as_flattened().iter().enumerate() {
                        let mut sum = 0.0;
                        for (row, weights) in weights.iter().enumerate() {
                            sum += delta.as_flattened()[row] * weights.as_flattened()[column];
                        }
                        assert_eq!(value.to_bits(), sum.to_bits());
                    }
                }

                for row in 0..rows {
                    let mut gradient = vec![0.0; stride * LANES];
                    add_gradient_of_row(deltas, row, 0.5, inputs, &mut gradient);
                    for (column, &value) in gradient.iter().enumerate() {
                        let mut sum = 0.0;
                        for (delta, input) in deltas.iter().zip(inputs.iter()) {
                            sum += 0.5 * delta.as_flattened()[row] * input.as_flattened()[column];
                        }
                        assert_eq!(value.to_bits(), sum.to_bits());
                    }
                }
            }
        }
    }
}

/// A layer of five neurons after one step; its parts are weights, both moments and targets.
fn stepped<const WIDE: bool>(
    start: &[Vec<Block>; 4],
    (deltas, inputs): (Rows<'_>, Rows<'_>),
    rate: Option<f32>,
    adam: &Step,
) -> [Vec<Block>; 4] {
    let mut parts = start.clone();
    let [weights, first, second, target] = &mut parts;
    let layer = LayerStep {
        network: Trained { weights, first, second },
        target: rate.map(|rate| Target { weights: target, rate }),
        deltas,
        inputs,
        gradient: &mut vec![[9.0; LANES]; inputs.stride],
    };
    step::<WIDE>(layer, adam, 0.5);
    parts
}

/// A step gives the bits of the plain definition for every number of samples, with a target or without.
#[test]
fn ways_to_step_change_no_bit() {
    const NEURONS: usize = 5;
    const STRIDE: usize = 3;
    let mut generator = Generator::new(5);
    let mut start: [_; 4] = core::array::from_fn(|_| random(NEURONS * STRIDE, &mut generator));
    for number in start[2].as_flattened_mut() {
        *number = number.abs();
    }
    let (inputs, mut deltas) = (random(9 * STRIDE, &mut generator), random(9, &mut generator));
    // A neuron that nothing passes.
    for delta in &mut deltas {
        delta[2] = 0.0;
    }
    let adam = Step::new(0.01, WeightDecay::L2(0.1), 3);
    for samples in 0..=9 {
        for rate in [None, Some(0.25)] {
            let deltas = Rows { data: &deltas[..samples], stride: 1 };
            let inputs = Rows { data: &inputs[..samples * STRIDE], stride: STRIDE };
            let mut expected = start.clone();
            for place in 0..NEURONS * STRIDE * LANES {
                let (neuron, column) = (place / (STRIDE * LANES), place % (STRIDE * LANES));
                let pairs = deltas.iter().zip(inputs.iter());
                let gradient = pairs.fold(0.0, |sum, (delta, input)| {
                    sum + 0.5 * delta.as_flattened()[neuron] * input.as_flattened()[column]
                });
                let [weight, first, second, target] =
                    expected.each_mut().map(|part| &mut part.as_flattened_mut()[place]);
                let mut moments = [*first, *second];
                adam.scalar(weight, &mut moments, gradient);
                [*first, *second] = moments;
                *target += rate.unwrap_or(0.0) * (*weight - *target);
            }
            assert_eq!(stepped::<false>(&start, (deltas, inputs), rate, &adam), expected, "{samples}");
            assert_eq!(stepped::<true>(&start, (deltas, inputs), rate, &adam), expected, "{samples}");
        }
    }
}

#[test]
fn leading_inputs_alone_receive_the_same_bits() {
    let mut generator = Generator::new(4);
    let (weights, deltas) = (random(9 * 3, &mut generator), random(4 * 2, &mut generator));
    let (weights, deltas) = (Rows { data: &weights, stride: 3 }, Rows { data: &deltas, stride: 2 });
    let (mut all, mut first) = (vec![[0.0; LANES]; 4 * 3], vec![[0.0; LANES]; 4]);
    backpropagate(weights, deltas, RowsMut { data: &mut all, stride: 3 });
    backpropagate(weights, deltas, RowsMut { data: &mut first, stride: 1 });
    assert!(first.iter().eq(all.iter().step_by(3)));
}
