//! A pass of a batch through one layer.

use super::{Block, RowIter, Rows, RowsMut};
use crate::math::LANES;

/// What a pass through one layer reads and writes.
#[derive(Debug)]
pub struct LayerForward<'a> {
    /// The layer's weights.
    pub weights: Rows<'a>,
    /// Per sample, the layer's inputs.
    pub inputs: Rows<'a>,
    /// Scratch in which samples stand side by side.
    pub columns: &'a mut [Block],
    /// Per sample, the layer's outputs.
    pub outputs: RowsMut<'a>,
    /// Whether the outputs go through a rectifier.
    pub rectify: bool,
}

/// Adds the multiple of one column of inputs, one number per sample, to the sums of a row.
#[inline(always)]
fn add_column<const WIDTH: usize>(sums: &mut [f32; WIDTH], weight: f32, column: &[f32; WIDTH]) {
    for (sum, &number) in sums.iter_mut().zip(column) {
        *sum += weight * number;
    }
}

/// Several rows of weights at a time.
trait Tile<const ROWS: usize> {
    /// The sums of each row over `WIDTH` samples that stand side by side in `columns`.
    fn sums<const WIDTH: usize>(self, columns: &[[f32; WIDTH]]) -> [[f32; WIDTH]; ROWS];
}

impl Tile<1> for [&[f32]; 1] {
    #[inline(always)]
    fn sums<const WIDTH: usize>(self, columns: &[[f32; WIDTH]]) -> [[f32; WIDTH]; 1] {
        let [w0] = self;
        let mut s0 = [0.0; WIDTH];
        for (x, w0) in columns.iter().zip(w0) {
            add_column(&mut s0, *w0, x);
        }
        [s0]
    }
}

impl Tile<2> for [&[f32]; 2] {
    #[inline(always)]
    fn sums<const WIDTH: usize>(self, columns: &[[f32; WIDTH]]) -> [[f32; WIDTH]; 2] {
        let [w0, w1] = self;
        let (mut s0, mut s1) = ([0.0; WIDTH], [0.0; WIDTH]);
        for ((x, w0), w1) in columns.iter().zip(w0).zip(w1) {
            add_column(&mut s0, *w0, x);
            add_column(&mut s1, *w1, x);
        }
        [s0, s1]
    }
}

impl Tile<8> for [&[f32]; 8] {
    #[inline(always)]
    fn sums<const WIDTH: usize>(self, columns: &[[f32; WIDTH]]) -> [[f32; WIDTH]; 8] {
        let [w0, w1, w2, w3, w4, w5, w6, w7] = self;
        let zero = [0.0; WIDTH];
        let (mut s0, mut s1, mut s2, mut s3) = (zero, zero, zero, zero);
        let (mut s4, mut s5, mut s6, mut s7) = (zero, zero, zero, zero);
        let first = w0.iter().zip(w1).zip(w2.iter().zip(w3));
        let second = w4.iter().zip(w5).zip(w6.iter().zip(w7));
        for (x, (((w0, w1), (w2, w3)), ((w4, w5), (w6, w7)))) in columns.iter().zip(first.zip(second)) {
            // Lane by lane: row by row, the compiler shuffles parts of vectors.
            let first = s0.iter_mut().zip(&mut s1).zip(s2.iter_mut().zip(&mut s3));
            let second = s4.iter_mut().zip(&mut s5).zip(s6.iter_mut().zip(&mut s7));
            for (x, (((s0, s1), (s2, s3)), ((s4, s5), (s6, s7)))) in x.iter().zip(first.zip(second)) {
                *s0 += w0 * x;
                *s1 += w1 * x;
                *s2 += w2 * x;
                *s3 += w3 * x;
                *s4 += w4 * x;
                *s5 += w5 * x;
                *s6 += w6 * x;
                *s7 += w7 * x;
            }
        }
        [s0, s1, s2, s3, s4, s5, s6, s7]
    }
}

/// Writes the outputs of `ROWS` neurons from number `neuron` on for all samples: those in `columns`, then
/// `singles`.
#[inline(always)]
fn outputs_of<'a, const ROWS: usize>(
    rows: [&'a [Block]; ROWS],
    neuron: usize,
    (columns, singles): (&[Block], Rows<'_>),
    outputs: &mut RowsMut<'_>,
    rectify: bool,
) where
    [&'a [f32]; ROWS]: Tile<ROWS>,
{
    let rows = rows.map(<[Block]>::as_flattened);
    let mut outputs = outputs.iter_mut();
    let groups = RowIter { rest: columns, stride: singles.stride.max(1).saturating_mul(LANES) };
    for columns in groups {
        // Seen together with what follows, the compiler would group its vectors by rows, not by lanes.
        let sums = core::hint::black_box(rows.sums(columns));
        for (lane, output) in (0..LANES).zip(&mut outputs) {
            let values = sums.iter().map(|sums| sums.get(lane).copied().unwrap_or(0.0));
            store(output, neuron, values, rectify);
        }
    }
    for (single, output) in singles.iter().zip(outputs) {
        let sums = rows.sums::<1>(single.as_flattened().as_chunks().0);
        store(output, neuron, sums.into_iter().map(|[sum]| sum), rectify);
    }
}

#[inline(always)]
fn store(output: &mut [Block], neuron: usize, values: impl Iterator<Item = f32>, rectify: bool) {
    let places = output.as_flattened_mut().get_mut(neuron..).unwrap_or_default();
    for (output, value) in places.iter_mut().zip(values) {
        // Not `f32::max`: it may return either zero of -0.0 and 0.0.
        *output = if !rectify || value > 0.0 { value } else { 0.0 };
    }
}

/// So few samples at the end of a batch are cheaper one by one than in lanes.
const FEW: usize = 4;

/// Blocks of [`LayerForward::columns`] for `samples` inputs of `stride` blocks.
pub(in crate::policy) const fn columns_len(samples: usize, stride: usize) -> usize {
    let groups = samples.saturating_add(LANES - 1 - FEW) / LANES;
    groups.saturating_mul(stride).saturating_mul(LANES)
}

/// Stands the inputs of eight samples each side by side, the absent as zeros; gives the few that are left.
#[inline(always)]
fn lay_columns<'a>(inputs: Rows<'a>, columns: &mut [Block]) -> Rows<'a> {
    let stride = inputs.stride.max(1);
    let mut samples = inputs.iter();
    let mut columns = columns;
    while let Some(group) = columns.split_off_mut(..stride.saturating_mul(LANES)) {
        for lane in 0..LANES {
            let numbers = samples.next().unwrap_or_default().as_flattened();
            let numbers = numbers.iter().copied().chain(core::iter::repeat(0.0));
            for (column, number) in group.iter_mut().zip(numbers) {
                if let Some(place) = column.get_mut(lane) {
                    *place = number;
                }
            }
        }
    }
    Rows { data: samples.rest, stride }
}

/// Writes `weights * input` for every sample, through a rectifier if `rectify`.
///
/// Samples stand in the lanes, so each sum runs over the inputs in ascending order and is never folded.
/// `WIDE` suits vector registers of 256 bits and more, otherwise 128; the bits are the same.
#[inline(always)]
pub fn forward<const WIDE: bool>(layer: LayerForward<'_>) {
    let LayerForward { weights, inputs, columns, mut outputs, rectify } = layer;
    let samples = inputs.iter().count();
    let columns = columns.get_mut(..columns_len(samples, inputs.stride.max(1))).unwrap_or_default();
    let singles = lay_columns(inputs, columns);
    let inputs = (&*columns, singles);
    let mut rows = weights.iter();
    let mut neuron = 0;
    while WIDE && let Some(eight) = rows.several::<8>() {
        outputs_of(eight, neuron, inputs, &mut outputs, rectify);
        neuron += 8;
    }
    while let Some(two) = rows.several::<2>() {
        outputs_of(two, neuron, inputs, &mut outputs, rectify);
        neuron += 2;
    }
    if let Some(row) = rows.next() {
        outputs_of([row], neuron, inputs, &mut outputs, rectify);
    }
}
