//! Small networks of dense layers, for methods that bring their own: batches forward and back, and Adam.
//!
//! A batch is `[samples x width]`, row by row. All sums run in a fixed order, so results are the same bits on
//! every machine. The policy of the core is not made of these: it works without an allocator.

use scall_core::math;
use scall_core::policy::{Step, WeightDecay};
use scall_core::random::Generator;
use serde::{Deserialize, Serialize};

/// What a layer does with its sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activation {
    /// Nothing.
    Linear,
    /// A hundredth of what is below zero.
    LeakyRectifier,
    /// The hyperbolic tangent.
    Tanh,
}

/// Whether batch normalisation uses the batch or what it has gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The mean and variance of the batch, if it has at least two samples.
    Training,
    /// Running means of them.
    Serving,
}

/// The slope of [`Activation::LeakyRectifier`] below zero.
const LEAK: f32 = 0.01;

/// Added to a variance.
const VARIANCE_FLOOR: f32 = 1e-5;

/// How much a batch moves the running mean and variance.
const MOMENTUM: f32 = 0.1;

/// One layer: a linear map, batch normalisation if wanted, an activation.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Layer {
    inputs: usize,
    outputs: usize,
    activation: Activation,
    /// `[outputs x inputs | bias | scale | shift]`, the last two with normalisation alone.
    values: Vec<f32>,
    /// Adam's moments.
    first: Vec<f32>,
    second: Vec<f32>,
    #[serde(skip)]
    gradient: Vec<f32>,
    /// Running mean and variance of every output; empty without normalisation.
    running: [Vec<f32>; 2],
}

/// What a layer leaves for the way back.
#[derive(Debug)]
struct Passed {
    inputs: Vec<f32>,
    /// The sums, normalised; empty without normalisation.
    normalised: Vec<f32>,
    /// One over each output's standard deviation, and whether it is the batch's.
    scales: (Vec<f32>, bool),
    outputs: Vec<f32>,
}

/// What a pass leaves for the way back.
#[derive(Debug)]
pub struct Trace {
    layers: Vec<Passed>,
}

impl Trace {
    /// `[samples x outputs]`.
    pub fn outputs(&self) -> &[f32] {
        self.layers.last().map_or(&[], |layer| &layer.outputs)
    }
}

impl Layer {
    fn new(shape: LayerShape, inputs: usize, generator: &mut Generator) -> Self {
        let LayerShape { outputs, normalised, activation } = shape;
        let bound = math::sqrt(6.0 / (inputs + outputs) as f32);
        let mut values: Vec<f32> = (0..outputs * inputs).map(|_| bound * generator.symmetric()).collect();
        values.extend(std::iter::repeat_n(0.0, outputs));
        let mut running = [Vec::new(), Vec::new()];
        if normalised {
            values.extend(std::iter::repeat_n(1.0, outputs));
            values.extend(std::iter::repeat_n(0.0, outputs));
            running = [vec![0.0; outputs], vec![1.0; outputs]];
        }
        let zeros = vec![0.0; values.len()];
        let (first, second) = (zeros.clone(), zeros);
        Self { inputs, outputs, activation, values, first, second, gradient: Vec::new(), running }
    }

    /// Where bias, scale and shift begin.
    const fn parts(&self) -> [usize; 3] {
        let bias = self.outputs * self.inputs;
        [bias, bias + self.outputs, bias + 2 * self.outputs]
    }

    fn forward(&self, inputs: Vec<f32>, mode: Mode) -> (Passed, Option<[Vec<f32>; 2]>) {
        let Self { outputs: width, .. } = *self;
        let samples = inputs.len() / self.inputs;
        let [bias, scale, shift] = self.parts();
        let mut sums = Vec::with_capacity(samples * width);
        for input in inputs.chunks_exact(self.inputs) {
            let neurons = self.values[..bias].chunks_exact(self.inputs).zip(&self.values[bias..scale]);
            sums.extend(neurons.map(|(weights, bias)| math::dot(weights, input) + bias));
        }
        let (mut normalised, mut scales, mut seen) = (Vec::new(), (Vec::new(), false), None);
        if !self.running[0].is_empty() {
            let of_batch = mode == Mode::Training && samples > 1;
            let [mean, variance] = if of_batch { moments(&sums, width) } else { self.running.clone() };
            let inverse: Vec<f32> =
                variance.iter().map(|&variance| 1.0 / math::sqrt(variance + VARIANCE_FLOOR)).collect();
            for row in sums.chunks_exact_mut(width) {
                for (column, sum) in row.iter_mut().enumerate() {
                    let number = (*sum - mean[column]) * inverse[column];
                    normalised.push(number);
                    *sum = self.values[scale + column] * number + self.values[shift + column];
                }
            }
            scales = (inverse, of_batch);
            seen = of_batch.then_some([mean, variance]);
        }
        for sum in &mut sums {
            *sum = match self.activation {
                Activation::Linear => *sum,
                Activation::LeakyRectifier => sum.max(LEAK * *sum),
                Activation::Tanh => math::tanh(*sum),
            };
        }
        (Passed { inputs, normalised, scales, outputs: sums }, seen)
    }

    /// Adds to the gradient; `deltas` are the derivatives by the outputs. Returns those by the inputs.
    fn backward(&mut self, passed: &Passed, mut deltas: Vec<f32>) -> Vec<f32> {
        let Self { inputs: fan_in, outputs: width, .. } = *self;
        let [bias, scale, shift] = self.parts();
        self.gradient.resize(self.values.len(), 0.0);
        for (delta, &output) in deltas.iter_mut().zip(&passed.outputs) {
            *delta *= match self.activation {
                Activation::Linear => 1.0,
                Activation::LeakyRectifier => {
                    if output > 0.0 {
                        1.0
                    } else {
                        LEAK
                    }
                }
                Activation::Tanh => 1.0 - output * output,
            };
        }
        if !self.running[0].is_empty() {
            let (inverse, of_batch) = (&passed.scales.0, passed.scales.1);
            let samples = (deltas.len() / width) as f32;
            let (mut sum, mut product) = (vec![0.0; width], vec![0.0; width]);
            for (row, normalised) in deltas.chunks_exact(width).zip(passed.normalised.chunks_exact(width)) {
                for column in 0..width {
                    sum[column] += row[column];
                    product[column] += row[column] * normalised[column];
                }
            }
            for column in 0..width {
                self.gradient[shift + column] += sum[column];
                self.gradient[scale + column] += product[column];
            }
            let rows = deltas.chunks_exact_mut(width).zip(passed.normalised.chunks_exact(width));
            for (row, normalised) in rows {
                for column in 0..width {
                    let mean = if of_batch {
                        (sum[column] + normalised[column] * product[column]) / samples
                    } else {
                        0.0
                    };
                    row[column] = self.values[scale + column] * inverse[column] * (row[column] - mean);
                }
            }
        }
        let mut back = vec![0.0; passed.inputs.len()];
        let rows = deltas.chunks_exact(width).zip(passed.inputs.chunks_exact(fan_in));
        for ((delta, input), back) in rows.zip(back.chunks_exact_mut(fan_in)) {
            for (neuron, &delta) in delta.iter().enumerate() {
                let weights = neuron * fan_in..(neuron + 1) * fan_in;
                self.gradient[bias + neuron] += delta;
                for (gradient, input) in self.gradient[weights.clone()].iter_mut().zip(input) {
                    *gradient += delta * input;
                }
                for (back, weight) in back.iter_mut().zip(&self.values[weights]) {
                    *back += delta * weight;
                }
            }
        }
        back
    }
}

/// Mean and variance of every column.
fn moments(rows: &[f32], width: usize) -> [Vec<f32>; 2] {
    let samples = (rows.len() / width) as f32;
    let mut mean = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        mean.iter_mut().zip(row).for_each(|(mean, number)| *mean += number / samples);
    }
    let mut variance = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        for ((variance, mean), number) in variance.iter_mut().zip(&mean).zip(row) {
            *variance += (number - mean) * (number - mean) / samples;
        }
    }
    [mean, variance]
}

/// The shape of a layer.
#[derive(Clone, Copy, Debug)]
pub struct LayerShape {
    /// Neurons.
    pub outputs: usize,
    /// Whether the sums are batch-normalised (Ioffe and Szegedy, ICML 2015).
    pub normalised: bool,
    /// What is done with them.
    pub activation: Activation,
}

impl LayerShape {
    /// Neurons without normalisation.
    pub const fn plain(outputs: usize, activation: Activation) -> Self {
        Self { outputs, normalised: false, activation }
    }

    /// Neurons with normalisation and hyperbolic tangents.
    pub const fn normalised_tanh(outputs: usize) -> Self {
        Self { outputs, normalised: true, activation: Activation::Tanh }
    }
}

/// Dense layers, one after the other, and their optimiser.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Network {
    layers: Vec<Layer>,
    steps: u32,
}

impl Network {
    /// A network with Xavier-uniform weights and zero biases.
    pub fn new(inputs: usize, shapes: &[LayerShape], generator: &mut Generator) -> Self {
        let mut fan_in = inputs;
        let layers = shapes.iter().map(|&shape| {
            let layer = Layer::new(shape, fan_in, generator);
            fan_in = shape.outputs;
            layer
        });
        Self { layers: layers.collect(), steps: 0 }
    }

    /// Numbers that are learned.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(|layer| layer.values.len()).sum()
    }

    /// Bytes of the network, its optimiser and its running means.
    pub fn bytes(&self) -> u64 {
        let numbers = |layer: &Layer| 3 * layer.values.len() + 2 * layer.running[0].len();
        (self.layers.iter().map(numbers).sum::<usize>() * size_of::<f32>()) as u64
    }

    /// Outputs for a batch `[samples x inputs]`.
    pub fn serve(&self, inputs: Vec<f32>) -> Vec<f32> {
        self.layers.iter().fold(inputs, |inputs, layer| layer.forward(inputs, Mode::Serving).0.outputs)
    }

    /// Outputs for a batch, with what [`backward`](Self::backward) needs.
    pub fn forward(&mut self, inputs: Vec<f32>, mode: Mode) -> Trace {
        let mut passed: Vec<Passed> = Vec::new();
        let mut next = inputs;
        for layer in &mut self.layers {
            let (last, seen) = layer.forward(next, mode);
            next = last.outputs.clone();
            for (running, seen) in layer.running.iter_mut().zip(seen.iter().flatten()) {
                for (running, seen) in running.iter_mut().zip(seen) {
                    *running += MOMENTUM * (seen - *running);
                }
            }
            passed.push(last);
        }
        Trace { layers: passed }
    }

    /// Adds the gradient of a loss whose derivatives by the outputs are `deltas`; returns those by the inputs.
    pub fn backward(&mut self, trace: &Trace, deltas: Vec<f32>) -> Vec<f32> {
        let layers = self.layers.iter_mut().zip(&trace.layers).rev();
        layers.fold(deltas, |deltas, (layer, passed)| layer.backward(passed, deltas))
    }

    /// One step of Adam with the gradient gathered, which is then forgotten.
    pub fn step(&mut self, learning_rate: f32) {
        self.steps += 1;
        let step = Step::new(learning_rate, WeightDecay::L2(0.0), self.steps);
        for layer in &mut self.layers {
            let Layer { values, first, second, gradient, .. } = layer;
            gradient.resize(values.len(), 0.0);
            step.row(values, first, second, gradient);
            gradient.fill(0.0);
        }
    }

    /// The biases of the last layer, to begin somewhere.
    pub fn last_biases(&mut self) -> &mut [f32] {
        self.layers.last_mut().map_or(&mut [], |layer| {
            let [bias, end, _] = layer.parts();
            &mut layer.values[bias..end]
        })
    }
}

/// Turns every row of `width` numbers into probabilities.
pub fn softmax(rows: &mut [f32], width: usize) {
    for row in rows.chunks_exact_mut(width) {
        let highest = row.iter().fold(f32::NEG_INFINITY, |highest, &number| highest.max(number));
        row.iter_mut().for_each(|number| *number = math::exp(*number - highest));
        let sum: f32 = row.iter().sum();
        row.iter_mut().for_each(|number| *number /= sum);
    }
}

#[cfg(test)]
pub(super) mod tests;
