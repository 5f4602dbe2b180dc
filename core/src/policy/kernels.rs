//! The loops over weights that a policy's time goes to.
//!
//! All matrices stand row by row in [`Block`]s of eight numbers, rows padded with zeros to whole blocks. One
//! row of weights is one neuron's `[weights | bias | zeros]`; one row of inputs is one sample's
//! `[values | 1 | zeros]`, so that a bias is a weight like any other.
//!
//! [`Portable`] holds them compiled for the crate's target. A program that finds wider vector registers at
//! run time implements [`Kernels`] by calling the `#[inline(always)]` functions of this module from
//! functions that are compiled for those. No bit of any result changes: a forward sum runs in the lanes of
//! [`math`], a sum over samples or neurons in ascending order, however rows and samples are tiled.

use super::adam::Step;
use super::mlp::{Target, Trained};
use crate::math::{self, LANES};

/// Eight neighbouring numbers of a row.
pub type Block = [f32; LANES];

/// The loops over weights, compiled for some processor.
pub trait Kernels {
    /// [`forward`].
    fn forward(weights: Rows<'_>, inputs: Rows<'_>, outputs: RowsMut<'_>, rectify: bool);
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
    fn forward(weights: Rows<'_>, inputs: Rows<'_>, outputs: RowsMut<'_>, rectify: bool) {
        forward::<false>(weights, inputs, outputs, rectify);
    }

    #[inline(never)]
    fn backpropagate(weights: Rows<'_>, deltas: Rows<'_>, inner: RowsMut<'_>) {
        backpropagate(weights, deltas, inner);
    }

    #[inline(never)]
    fn step(layer: LayerStep<'_>, adam: &Step, scale: f32) {
        step(layer, adam, scale);
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
    /// Scratch of one row.
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
fn add_product(sum: &mut Block, a: &Block, b: &Block) {
    for ((sum, &a), &b) in sum.iter_mut().zip(a).zip(b) {
        *sum += a * b;
    }
}

/// Folds the lanes of a tile.
///
/// Not inlined on purpose: otherwise the compiler groups the lanes of different sums into its vectors to
/// suit the fold, and shuffles in the inner loop (four times slower).
#[inline(never)]
fn fold_tile<const ROWS: usize, const SAMPLES: usize>(
    tile: &[[Block; SAMPLES]; ROWS],
) -> [[f32; SAMPLES]; ROWS] {
    tile.map(|row| row.map(math::fold))
}

#[inline(always)]
fn two_by_two(rows: [&[Block]; 2], samples: [&[Block]; 2]) -> [[f32; 2]; 2] {
    let ([w0, w1], [x0, x1]) = (rows, samples);
    let zero = [0.0; LANES];
    let (mut s00, mut s01, mut s10, mut s11) = (zero, zero, zero, zero);
    for (((w0, w1), x0), x1) in w0.iter().zip(w1).zip(x0).zip(x1) {
        add_product(&mut s00, w0, x0);
        add_product(&mut s01, w0, x1);
        add_product(&mut s10, w1, x0);
        add_product(&mut s11, w1, x1);
    }
    fold_tile(&[[s00, s01], [s10, s11]])
}

#[inline(always)]
fn four_by_two(rows: [&[Block]; 4], samples: [&[Block]; 2]) -> [[f32; 2]; 4] {
    let ([w0, w1, w2, w3], [x0, x1]) = (rows, samples);
    let zero = [0.0; LANES];
    let (mut s00, mut s01, mut s10, mut s11) = (zero, zero, zero, zero);
    let (mut s20, mut s21, mut s30, mut s31) = (zero, zero, zero, zero);
    for (((((w0, w1), w2), w3), x0), x1) in w0.iter().zip(w1).zip(w2).zip(w3).zip(x0).zip(x1) {
        add_product(&mut s00, w0, x0);
        add_product(&mut s01, w0, x1);
        add_product(&mut s10, w1, x0);
        add_product(&mut s11, w1, x1);
        add_product(&mut s20, w2, x0);
        add_product(&mut s21, w2, x1);
        add_product(&mut s30, w3, x0);
        add_product(&mut s31, w3, x1);
    }
    fold_tile(&[[s00, s01], [s10, s11], [s20, s21], [s30, s31]])
}

#[inline(always)]
fn store(output: &mut [Block], neuron: usize, value: f32, rectify: bool) {
    if let Some(output) = output.as_flattened_mut().get_mut(neuron) {
        // Not `f32::max`: it may return either zero of -0.0 and 0.0.
        *output = if !rectify || value > 0.0 { value } else { 0.0 };
    }
}

/// Writes `weights * input` for every sample, through a rectifier if `rectify`.
///
/// `WIDE` suits vector registers of 256 bits and more, otherwise 128; the bits are the same.
#[inline(always)]
pub fn forward<const WIDE: bool>(
    weights: Rows<'_>,
    inputs: Rows<'_>,
    mut outputs: RowsMut<'_>,
    rectify: bool,
) {
    let mut rows = weights.iter();
    let mut neuron = 0;
    while WIDE && let Some(tile) = rows.several::<4>() {
        let (mut samples, mut outputs) = (inputs.iter(), outputs.iter_mut());
        while let Some(pair) = samples.several::<2>() {
            let (Some(out0), Some(out1)) = (outputs.next(), outputs.next()) else { break };
            for (row, [y0, y1]) in four_by_two(tile, pair).into_iter().enumerate() {
                store(out0, neuron + row, y0, rectify);
                store(out1, neuron + row, y1, rectify);
            }
        }
        if let (Some(x), Some(output)) = (samples.next(), outputs.next()) {
            for (row, w) in tile.into_iter().enumerate() {
                store(output, neuron + row, math::dot(w.as_flattened(), x.as_flattened()), rectify);
            }
        }
        neuron += 4;
    }
    while let Some(tile) = rows.several::<2>() {
        let (mut samples, mut outputs) = (inputs.iter(), outputs.iter_mut());
        while let Some(pair) = samples.several::<2>() {
            let (Some(out0), Some(out1)) = (outputs.next(), outputs.next()) else { break };
            for (row, [y0, y1]) in two_by_two(tile, pair).into_iter().enumerate() {
                store(out0, neuron + row, y0, rectify);
                store(out1, neuron + row, y1, rectify);
            }
        }
        if let (Some(x), Some(output)) = (samples.next(), outputs.next()) {
            for (row, w) in tile.into_iter().enumerate() {
                store(output, neuron + row, math::dot(w.as_flattened(), x.as_flattened()), rectify);
            }
        }
        neuron += 2;
    }
    if let Some(w) = rows.next() {
        for (x, output) in inputs.iter().zip(outputs.iter_mut()) {
            store(output, neuron, math::dot(w.as_flattened(), x.as_flattened()), rectify);
        }
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

/// Writes the gradient of one neuron's weights: the sum over the samples of `scale * delta * input`.
#[inline(always)]
fn gradient_of_row(deltas: Rows<'_>, neuron: usize, scale: f32, inputs: Rows<'_>, gradient: &mut [f32]) {
    let mut samples = inputs.iter();
    let mut deltas = deltas.iter();
    let factor = |delta: &[Block]| scale * factor(delta, neuron);
    gradient.fill(0.0);
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
/// One sweep: a row's gradient, its moments, its weights and its target, while they are near.
#[inline(always)]
pub fn step(layer: LayerStep<'_>, adam: &Step, scale: f32) {
    let LayerStep { network, mut target, deltas, inputs, gradient } = layer;
    let stride = inputs.stride.max(1);
    let Some(gradient) = gradient.get_mut(..stride).map(<[Block]>::as_flattened_mut) else { return };
    let rows = RowIterMut::new(network.weights, stride);
    let moments = RowIterMut::new(network.first, stride).zip(RowIterMut::new(network.second, stride));
    let rate = target.as_ref().map_or(0.0, |target| target.rate);
    let mut targets = target.as_mut().map(|target| RowIterMut::new(target.weights, stride));
    for (neuron, (weights, (first, second))) in rows.zip(moments).enumerate() {
        let (weights, first, second) =
            (weights.as_flattened_mut(), first.as_flattened_mut(), second.as_flattened_mut());
        gradient_of_row(deltas, neuron, scale, inputs, gradient);
        match targets.as_mut().and_then(Iterator::next) {
            Some(target) => {
                let target = (target.as_flattened_mut(), rate);
                adam.row_and_target(weights, first, second, gradient, target);
            }
            None => adam.row(weights, first, second, gradient),
        }
    }
}

/// Sets the deltas of units that the rectifier held at zero to zero.
#[inline(always)]
pub(super) fn mask(deltas: &mut [Block], activations: &[Block]) {
    for (delta, &activation) in deltas.as_flattened_mut().iter_mut().zip(activations.as_flattened()) {
        *delta = if activation > 0.0 { *delta } else { 0.0 };
    }
}

const _: () = assert!(LANES == 8, "the gradient takes eight samples at a time");

#[cfg(test)]
mod tests;
