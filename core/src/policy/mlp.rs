//! A multi-layer perceptron of two hidden layers in lent memory.
//!
//! `inputs - hidden - hidden - outputs`, rectifiers on the hidden layers, linear outputs. The weights of a
//! layer stand neuron by neuron as `[weights | bias | zeros]`, each neuron's row filled up to a multiple of
//! eight numbers; a hidden width of one less than such a multiple wastes nothing.

use super::adam::Step;
use super::kernels::{self, Block, Kernels, LayerForward, LayerStep, Rows, RowsMut, blocks};
use crate::math;
use crate::random::Generator;

/// How many layers of weights there are.
const LAYERS: usize = 3;

/// The widths of a perceptron.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) inputs: usize,
    pub(super) hidden: usize,
    pub(super) outputs: usize,
}

#[derive(Clone, Copy, Debug)]
struct Layer {
    rows: usize,
    stride: usize,
}

impl Layer {
    const fn len(self) -> usize {
        self.rows.saturating_mul(self.stride)
    }
}

impl Shape {
    const fn layers(self) -> [Layer; LAYERS] {
        let hidden = blocks(self.hidden.saturating_add(1));
        [
            Layer { rows: self.hidden, stride: self.input_stride() },
            Layer { rows: self.hidden, stride: hidden },
            Layer { rows: self.outputs, stride: hidden },
        ]
    }

    /// Blocks of one sample's input, its constant 1 included.
    pub(super) const fn input_stride(self) -> usize {
        blocks(self.inputs.saturating_add(1))
    }

    /// Blocks of all weights.
    pub(super) const fn weights(self) -> usize {
        let [a, b, c] = self.layers();
        a.len().saturating_add(b.len()).saturating_add(c.len())
    }

    /// Blocks that one sample takes in a [`Trace`].
    pub(super) const fn trace(self) -> usize {
        2 * blocks(self.hidden.saturating_add(1)) + blocks(self.outputs)
    }

    /// Blocks of the longest row of weights.
    pub(super) const fn longest_row(self) -> usize {
        let (input, hidden) = (self.input_stride(), blocks(self.hidden.saturating_add(1)));
        if input > hidden { input } else { hidden }
    }

    /// Draws Xavier-uniform weights, with zero biases, in place.
    ///
    /// `heads` is how many separate linear maps the outputs are: each counts its own outputs as its fan.
    pub(super) fn initialise(self, weights: &mut [Block], heads: usize, generator: &mut Generator) {
        let fans = [
            (self.inputs, self.hidden),
            (self.hidden, self.hidden),
            (self.hidden, self.outputs.checked_div(heads).unwrap_or(0)),
        ];
        let mut rest = weights;
        for (layer, (fan_in, fan_out)) in self.layers().into_iter().zip(fans) {
            let Some(rows) = rest.split_off_mut(..layer.len()) else { return };
            let bound = math::sqrt(6.0 / (fan_in + fan_out).max(1) as f32);
            for row in rows.chunks_exact_mut(layer.stride.max(1)) {
                for (column, weight) in row.as_flattened_mut().iter_mut().enumerate() {
                    *weight = if column < fan_in { bound * generator.symmetric() } else { 0.0 };
                }
            }
        }
    }

    /// All weights without the padding, neuron by neuron `[weights | bias]`.
    pub(super) fn numbers(self, weights: &[Block]) -> impl Iterator<Item = f32> {
        let mut rest = weights;
        let widths = [self.inputs, self.hidden, self.hidden];
        self.layers().into_iter().zip(widths).flat_map(move |(layer, width)| {
            let rows = rest.split_off(..layer.len()).unwrap_or_default();
            let rows = Rows { data: rows, stride: layer.stride }.iter();
            rows.flat_map(move |row| row.as_flattened().iter().copied().take(width.saturating_add(1)))
        })
    }

    /// The weights of output number `output`, its bias after `hidden` numbers.
    pub(super) fn output_row(self, weights: &mut [Block], output: usize) -> Option<&mut [f32]> {
        let [first, second, last] = self.layers();
        let start = first.len() + second.len() + output * last.stride;
        weights.get_mut(start..)?.get_mut(..last.stride).map(<[Block]>::as_flattened_mut)
    }
}

/// What a pass leaves behind for every sample: two hidden layers and the outputs, or the derivatives of a
/// loss by their sums.
#[derive(Debug)]
pub(super) struct Trace<'a> {
    first: RowsMut<'a>,
    second: RowsMut<'a>,
    pub(super) outputs: RowsMut<'a>,
}

impl<'a> Trace<'a> {
    /// Cuts the trace of `samples` samples from the front of `memory`; `None` if it is too short.
    #[inline(always)]
    pub(super) fn take(shape: Shape, samples: usize, memory: &mut &'a mut [Block]) -> Option<Self> {
        let (hidden, outputs) = (blocks(shape.hidden + 1), blocks(shape.outputs));
        let first = memory.split_off_mut(..samples * hidden)?;
        let second = memory.split_off_mut(..samples * hidden)?;
        let last = memory.split_off_mut(..samples * outputs)?;
        Some(Self {
            first: RowsMut { data: first, stride: hidden },
            second: RowsMut { data: second, stride: hidden },
            outputs: RowsMut { data: last, stride: outputs },
        })
    }

    /// The trace of the first `samples` samples.
    #[inline(always)]
    pub(super) fn leading(&mut self, samples: usize) -> Trace<'_> {
        Trace {
            first: self.first.leading(samples),
            second: self.second.leading(samples),
            outputs: self.outputs.leading(samples),
        }
    }
}

/// Ends every row with `value` and zeros after its first `width` numbers.
pub(super) fn end_rows(rows: &mut RowsMut<'_>, width: usize, value: f32) {
    for row in rows.iter_mut() {
        let mut last = value;
        for number in row.as_flattened_mut().iter_mut().skip(width) {
            *number = last;
            last = 0.0;
        }
    }
}

/// Computes the outputs of all samples of `inputs`.
///
/// `columns` is scratch of [`columns_len`] blocks for the longest row.
pub(super) fn forward<K: Kernels>(
    shape: Shape,
    weights: &[Block],
    inputs: Rows<'_>,
    trace: &mut Trace<'_>,
    columns: &mut [Block],
) {
    let [first, second, last] = shape.layers();
    let Some((w1, rest)) = weights.split_at_checked(first.len()) else { return };
    let Some((w2, w3)) = rest.split_at_checked(second.len()) else { return };
    let weights = Rows { data: w1, stride: first.stride };
    K::forward(LayerForward { weights, inputs, columns, outputs: trace.first.reborrow(), rectify: true });
    end_rows(&mut trace.first, shape.hidden, 1.0);
    let (weights, inputs) = (Rows { data: w2, stride: second.stride }, trace.first.shared());
    K::forward(LayerForward { weights, inputs, columns, outputs: trace.second.reborrow(), rectify: true });
    end_rows(&mut trace.second, shape.hidden, 1.0);
    let (weights, inputs) = (Rows { data: w3, stride: last.stride }, trace.second.shared());
    K::forward(LayerForward { weights, inputs, columns, outputs: trace.outputs.reborrow(), rectify: false });
}

/// Fills the deltas of the hidden layers from those of the outputs.
pub(super) fn backpropagate<K: Kernels>(
    shape: Shape,
    weights: &[Block],
    trace: &Trace<'_>,
    deltas: &mut Trace<'_>,
) {
    let [first, second, last] = shape.layers();
    let Some((w2, w3)) = weights.get(first.len()..).and_then(|rest| rest.split_at_checked(second.len()))
    else {
        return;
    };
    let w3 = Rows { data: w3, stride: last.stride };
    K::backpropagate(w3, deltas.outputs.shared(), deltas.second.reborrow());
    kernels::mask(deltas.second.data, trace.second.data);
    end_rows(&mut deltas.second, shape.hidden, 0.0);
    let w2 = Rows { data: w2, stride: second.stride };
    K::backpropagate(w2, deltas.second.shared(), deltas.first.reborrow());
    kernels::mask(deltas.first.data, trace.first.data);
    end_rows(&mut deltas.first, shape.hidden, 0.0);
}

/// Writes the derivative of the loss by the leading inputs of every sample, after [`backpropagate`].
pub(super) fn input_gradient<K: Kernels>(
    shape: Shape,
    weights: &[Block],
    deltas: &Trace<'_>,
    gradient: &mut RowsMut<'_>,
) {
    let [first, ..] = shape.layers();
    if let Some(w1) = weights.get(..first.len()) {
        let w1 = Rows { data: w1, stride: first.stride };
        K::backpropagate(w1, deltas.first.shared(), gradient.reborrow());
    }
}

/// Squared Euclidean norm of the gradient of all weights, after [`backpropagate`].
///
/// A layer's gradient is the sum over the samples of `delta x input`, so its squared norm is the sum over
/// pairs of samples of the product of the two dot products: no gradient needs to be stored.
pub(super) fn squared_gradient_norm(inputs: Rows<'_>, trace: &Trace<'_>, deltas: &Trace<'_>) -> f32 {
    let layers = [
        (deltas.first.shared(), inputs),
        (deltas.second.shared(), trace.first.shared()),
        (deltas.outputs.shared(), trace.second.shared()),
    ];
    let mut sum = 0.0_f64;
    for (deltas, inputs) in layers {
        for (i, (delta, input)) in deltas.iter().zip(inputs.iter()).enumerate() {
            let (delta, input) = (delta.as_flattened(), input.as_flattened());
            for (other_delta, other_input) in deltas.iter().zip(inputs.iter()).take(i) {
                let product = math::dot(delta, other_delta.as_flattened());
                sum += 2.0 * f64::from(product) * f64::from(math::dot(input, other_input.as_flattened()));
            }
            sum += f64::from(math::squared_norm(delta)) * f64::from(math::squared_norm(input));
        }
    }
    if sum > 0.0 { sum as f32 } else { 0.0 }
}

/// A network in training: its weights and Adam's two moments, equally long.
#[derive(Debug)]
pub struct Trained<'a> {
    /// The weights.
    pub weights: &'a mut [Block],
    /// Running means of the gradient.
    pub first: &'a mut [Block],
    /// Running means of its square.
    pub second: &'a mut [Block],
}

impl Trained<'_> {
    fn part(&mut self, start: usize, end: usize) -> Option<Trained<'_>> {
        Some(Trained {
            weights: self.weights.get_mut(start..end)?,
            first: self.first.get_mut(start..end)?,
            second: self.second.get_mut(start..end)?,
        })
    }
}

/// A soft target of a network: its weights, and how far they move at a step.
#[derive(Debug)]
pub struct Target<'a> {
    /// The weights.
    pub weights: &'a mut [Block],
    /// The part of the distance to the network that they move.
    pub rate: f32,
}

/// What a pass over a batch read and left behind.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    pub(super) inputs: Rows<'a>,
    pub(super) trace: &'a Trace<'a>,
    pub(super) deltas: &'a Trace<'a>,
}

/// Takes one step of Adam with the gradient times `scale`, after [`backpropagate`].
///
/// `gradient` is scratch of [`Shape::longest_row`] blocks.
pub(super) fn step<K: Kernels>(
    shape: Shape,
    network: &mut Trained<'_>,
    mut target: Option<Target<'_>>,
    pass: &Pass<'_>,
    adam: &Step,
    scale: f32,
    gradient: &mut [Block],
) {
    let sides = [
        (pass.deltas.first.shared(), pass.inputs),
        (pass.deltas.second.shared(), pass.trace.first.shared()),
        (pass.deltas.outputs.shared(), pass.trace.second.shared()),
    ];
    let mut start = 0;
    for (layer, (deltas, inputs)) in shape.layers().into_iter().zip(sides) {
        let end = start + layer.len();
        let target = target.as_mut().and_then(|target| {
            let weights = target.weights.get_mut(start..end)?;
            Some(Target { weights, rate: target.rate })
        });
        let Some(network) = network.part(start, end) else { return };
        K::step(LayerStep { network, target, deltas, inputs, gradient }, adam, scale);
        start = end;
    }
}
