use super::*;
use crate::random::Generator;
use std::vec;
use std::vec::Vec;

fn random(count: usize, generator: &mut Generator) -> Vec<Block> {
    (0..count).map(|_| core::array::from_fn(|_| generator.symmetric())).collect()
}

/// All tilings give the bits of the plain definition, for every number of rows and samples.
#[test]
fn tiles_change_no_bit() {
    let mut generator = Generator::new(3);
    let most = if cfg!(miri) { 5 } else { 10 };
    for rows in 0..most {
        for samples in 0..most {
            for stride in [1, 2, 5] {
                let weights = random(rows * stride, &mut generator);
                let inputs = random(samples * stride, &mut generator);
                let out_stride = blocks(rows).max(1);
                let weights = Rows { data: &weights, stride };
                let inputs = Rows { data: &inputs, stride };
                let mut outputs = vec![vec![[7.0; LANES]; samples * out_stride]; 3];
                forward::<false>(
                    weights,
                    inputs,
                    RowsMut { data: &mut outputs[0], stride: out_stride },
                    true,
                );
                forward::<true>(weights, inputs, RowsMut { data: &mut outputs[1], stride: out_stride }, true);
                forward::<true>(
                    weights,
                    inputs,
                    RowsMut { data: &mut outputs[2], stride: out_stride },
                    false,
                );
                for (sample, input) in inputs.iter().enumerate() {
                    for (row, weights) in weights.iter().enumerate() {
                        let sum = math::dot(weights.as_flattened(), input.as_flattened());
                        let place = sample * out_stride * LANES + row;
                        assert_eq!(outputs[0].as_flattened()[place], sum.max(0.0));
                        assert_eq!(outputs[1].as_flattened()[place], sum.max(0.0));
                        assert_eq!(outputs[2].as_flattened()[place], sum);
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
                    let mut gradient = vec![7.0; stride * LANES];
                    gradient_of_row(deltas, row, 0.5, inputs, &mut gradient);
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
