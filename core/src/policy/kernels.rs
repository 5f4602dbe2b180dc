//! The loops over weights that a policy's time goes to.
//!
//! All matrices stand row by row in [`Block`]s of eight numbers, rows padded with zeros to whole blocks. One
//! row of weights is one neuron's `[weights | bias | zeros]`; one row of inputs is one sample's
//! `[values | 1 | zeros]`, so that a bias is a weight like any other.
//!
//! [`Portable`] holds them compiled for the crate's target. A program that finds wider vector registers at
//! run time implements [`Kernels`] by calling the `#[inline(always)]` functions of this module from
//! functions that are compiled for those. No bit of any result changes: every sum, be it over inputs, samples
//! or neurons, runs in ascending order, however rows and samples are tiled. Terms of a factor zero may be left
//! out: they change no finite sum.

use super::adam::{Row, Step};
use super::mlp::{Target, Trained};
use crate::math::LANES;

mod forward;

pub(super) use forward::columns_len;
pub use forward::{LayerForward, forward};

/// Eight neighbouring numbers of a row.
pub type Block = [f32; LANES];

/// The loops over weights, compiled for some processor.
pub trait Kernels {
    /// [`forward`].
    fn forward(layer: LayerForward<'_>);
    /// [`backpropagate`].
    fn backpropagate(weights: Rows<'_>, deltas: Rows<'_>, inner: RowsMut<'_>);
    /// [`step`].
    fn step(layer: LayerStep<'_>, adam: &Step, scale: f32);
}

/// The loops compiled for the crate's target.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

impl Kernels for Portable {
    #[inline(never)]
    fn forward(layer: LayerForward<'_>) {
        forward::<false>(layer);
    }

    #[inline(never)]
    fn backpropagate(weights: Rows<'_>, deltas: Rows<'_>, inner: RowsMut<'_>) {
        backpropagate(weights, deltas, inner);
    }

    #[inline(never)]
    fn step(layer: LayerStep<'_>, adam: &Step, scale: f32) {
        step::<false>(layer, adam, scale);
    }
}

/// What one step of a layer reads and writes.
#[derive(Debug)]
pub struct LayerStep<'a> {
    /// The layer's weights and moments.
    pub network: Trained<'a>,
    /// Its target, if it has one.
    pub target: Option<Target<'a>>,
    /// Per sample, the derivative of the loss by each neuron's sum.
    pub deltas: Rows<'a>,
    /// Per sample, the layer's inputs.
    pub inputs: Rows<'a>,
    /// Scratch of one row of the gradient.
    pub gradient: &'a mut [Block],
}

/// How many blocks hold `width` numbers.
pub(super) const fn blocks(width: usize) -> usize {
    width.div_ceil(LANES)
}

/// Several rows of equal length, back to back.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The numbers.
    pub data: &'a [Block],
    /// Blocks per row.
    pub stride: usize,
}

impl<'a> Rows<'a> {
    /// The rows one by one.
    #[inline(always)]
    pub(super) fn iter(self) -> RowIter<'a> {
        RowIter { rest: self.data, stride: self.stride.max(1) }
    }
}

/// The rows one by one, or several at a time.
///
/// Unlike the standard library's chunks it never divides by the stride, which is not known to be above zero
/// everywhere.
#[derive(Debug)]
pub(super) struct RowIter<'a> {
    rest: &'a [Block],
    stride: usize,
}

impl<'a> RowIter<'a> {
    /// The next `N` rows, if there are so many.
    #[inline(always)]
    fn several<const N: usize>(&mut self) -> Option<[&'a [Block]; N]> {
        let (mut several, rest) = self.rest.split_at_checked(self.stride.checked_mul(N)?)?;
        let mut rows: [&[Block]; N] = [&[]; N];
        for row in &mut rows {
            (*row, several) = several.split_at_checked(self.stride)?;
        }
        self.rest = rest;
        Some(rows)
    }
}

impl<'a> Iterator for RowIter<'a> {
    type Item = &'a [Block];

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let (row, rest) = self.rest.split_at_checked(self.stride)?;
        self.rest = rest;
        Some(row)
    }
}

/// The rows one by one, to write.
#[derive(Debug)]
pub(super) struct RowIterMut<'a> {
    rest: &'a mut [Block],
    stride: usize,
}

impl<'a> RowIterMut<'a> {
    #[inline(always)]
    fn new(rest: &'a mut [Block], stride: usize) -> Self {
        Self { rest, stride: stride.max(1) }
    }
}

impl<'a> Iterator for RowIterMut<'a> {
    type Item = &'a mut [Block];

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        self.rest.split_off_mut(..self.stride)
    }
}

/// Several rows of equal length to write.
#[derive(Debug)]
pub struct RowsMut<'a> {
    /// The numbers.
    pub data: &'a mut [Block],
    /// Blocks per row.
    pub stride: usize,
}

impl RowsMut<'_> {
    /// The same rows for a shorter while.
    #[inline(always)]
    pub(super) fn reborrow(&mut self) -> RowsMut<'_> {
        RowsMut { data: self.data, stride: self.stride }
    }

    /// The first `count` rows.
    #[inline(always)]
    pub(super) fn leading(&mut self, count: usize) -> RowsMut<'_> {
        let len = self.data.len().min(count.saturating_mul(self.stride));
        RowsMut { data: self.data.get_mut(..len).unwrap_or_default(), stride: self.stride }
    }

    /// The same rows, to read.
    #[inline(always)]
    pub(super) fn shared(&self) -> Rows<'_> {
        Rows { data: self.data, stride: self.stride }
    }

    /// The rows one by one.
    #[inline(always)]
    pub(super) fn iter_mut(&mut self) -> RowIterMut<'_> {
        RowIterMut::new(self.data, self.stride)
    }
}

#[inline(always)]
fn factor(row: &[Block], index: usize) -> f32 {
    row.as_flattened().get(index).copied().unwrap_or(0.0)
}

/// Adds the multiples of four rows to a row, one after the other.
///
/// The plain loop over numbers, on slices of its own, is what compilers vectorise best.
#[inline(always)]
fn add_multiples(sums: &mut [f32], factors: [f32; 4], a: &[f32], b: &[f32], c: &[f32], d: &[f32]) {
    let [f, g, h, i] = factors;
    for ((((sum, &a), &b), &c), &d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *sum = *sum + f * a + g * b + h * c + i * d;
    }
}

#[inline(always)]
fn add_multiple(sums: &mut [f32], factor: f32, row: &[f32]) {
    for (sum, &number) in sums.iter_mut().zip(row) {
        *sum += factor * number;
    }
}

/// Adds the gradient of one neuron's weights: the sum over the samples of `scale * delta * input`.
#[inline(always)]
fn add_gradient_of_row(deltas: Rows<'_>, neuron: usize, scale: f32, inputs: Rows<'_>, gradient: &mut [f32]) {
    let mut samples = inputs.iter();
    let mut deltas = deltas.iter();
    let factor = |delta: &[Block]| scale * factor(delta, neuron);
    while let Some([a, b, c, d]) = samples.several::<4>() {
        let Some(four) = deltas.several::<4>() else { return };
        let [a, b, c, d] = [a, b, c, d].map(<[Block]>::as_flattened);
        add_multiples(gradient, four.map(factor), a, b, c, d);
    }
    for (sample, delta) in samples.zip(deltas) {
        add_multiple(gradient, factor(delta), sample.as_flattened());
    }
}

/// Writes the derivative of the loss by each input: the sum over the neurons of `delta * weight`.
///
/// Rows of `inner` shorter than those of `weights` receive the leading inputs only.
#[inline(always)]
pub fn backpropagate(weights: Rows<'_>, deltas: Rows<'_>, mut inner: RowsMut<'_>) {
    inner.data.fill([0.0; LANES]);
    let mut rows = weights.iter();
    let mut neuron = 0;
    while let Some([w0, w1, w2, w3]) = rows.several::<4>() {
        let [w0, w1, w2, w3] = [w0, w1, w2, w3].map(<[Block]>::as_flattened);
        for (delta, inner) in deltas.iter().zip(inner.iter_mut()) {
            let factors = [0, 1, 2, 3].map(|row| factor(delta, neuron + row));
            // Rectifiers stop many, and of twin critics only one passes a sample's derivative on.
            if factors == [0.0; 4] {
                continue;
            }
            add_multiples(inner.as_flattened_mut(), factors, w0, w1, w2, w3);
        }
        neuron += 4;
    }
    for w in rows {
        for (delta, inner) in deltas.iter().zip(inner.iter_mut()) {
            add_multiple(inner.as_flattened_mut(), factor(delta, neuron), w.as_flattened());
        }
        neuron += 1;
    }
}

/// Takes one step of Adam on a layer, with `scale` times its gradient.
///
/// One sweep: a row's gradient, its moments, its weights and its target, while they are near. `WIDE` has
/// vector registers enough to form the gradient of eight samples on the way; the bits are the same.
#[inline(always)]
pub fn step<const WIDE: bool>(layer: LayerStep<'_>, adam: &Step, scale: f32) {
    let LayerStep { network, mut target, deltas, inputs, gradient } = layer;
    let stride = inputs.stride.max(1);
    let Some(gradient) = gradient.get_mut(..stride).map(<[Block]>::as_flattened_mut) else { return };
    let rows = RowIterMut::new(network.weights, stride);
    let moments = RowIterMut::new(network.first, stride).zip(RowIterMut::new(network.second, stride));
    let rate = target.as_ref().map_or(0.0, |target| target.rate);
    let mut targets = target.as_mut().map(|target| RowIterMut::new(target.weights, stride));
    let eight = if WIDE { exactly_eight(deltas).zip(exactly_eight(inputs)) } else { None };
    for (neuron, (weights, (first, second))) in rows.zip(moments).enumerate() {
        let row = Row {
            weights: weights.as_flattened_mut(),
            first: first.as_flattened_mut(),
            second: second.as_flattened_mut(),
        };
        let target = targets.as_mut().and_then(Iterator::next).map(<[Block]>::as_flattened_mut);
        // A rectifier that let nothing pass leaves no gradient.
        let silent = deltas.iter().all(|delta| factor(delta, neuron) == 0.0);
        match eight {
            Some((deltas, inputs)) if !silent => {
                let factors = deltas.map(|delta| scale * factor(delta, neuron));
                let gradient = sums_of_eight(factors, inputs.map(<[Block]>::as_flattened));
                match target {
                    Some(target) => adam.row_along_and_target(row, gradient, (target, rate)),
                    None => adam.row_along(row, gradient),
                }
            }
            _ => {
                gradient.fill(0.0);
                if !silent {
                    add_gradient_of_row(deltas, neuron, scale, inputs, gradient);
                }
                let gradient = gradient.iter().copied();
                match target {
                    Some(target) => adam.row_along_and_target(row, gradient, (target, rate)),
                    None => adam.row_along(row, gradient),
                }
            }
        }
    }
}

#[inline(always)]
fn exactly_eight(rows: Rows<'_>) -> Option<[&[Block]; 8]> {
    let mut rows = rows.iter();
    let eight = rows.several::<8>()?;
    rows.next().is_none().then_some(eight)
}

/// The sums of multiples of eight rows, number by number.
#[inline(always)]
fn sums_of_eight<'a>(factors: [f32; 8], rows: [&'a [f32]; 8]) -> impl Iterator<Item = f32> + 'a {
    let [f0, f1, f2, f3, f4, f5, f6, f7] = factors;
    let [x0, x1, x2, x3, x4, x5, x6, x7] = rows;
    let first = x0.iter().zip(x1).zip(x2.iter().zip(x3));
    let second = x4.iter().zip(x5).zip(x6.iter().zip(x7));
    first.zip(second).map(move |(((x0, x1), (x2, x3)), ((x4, x5), (x6, x7)))| {
        f0 * x0 + f1 * x1 + f2 * x2 + f3 * x3 + f4 * x4 + f5 * x5 + f6 * x6 + f7 * x7
    })
}

/// Sets the deltas of units that the rectifier held at zero to zero.
#[inline(always)]
pub(super) fn mask(deltas: &mut [Block], activations: &[Block]) {
    for (delta, &activation) in deltas.as_flattened_mut().iter_mut().zip(activations.as_flattened()) {
        *delta = if activation > 0.0 { *delta } else { 0.0 };
    }
}

#[cfg(test)]
mod tests;
