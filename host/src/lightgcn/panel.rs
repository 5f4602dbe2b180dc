//! A few columns of all rows: parameters, optimiser and propagated vectors.

use std::fmt::Debug;

use multiversion::multiversion;
use scall_core::policy::Step;
use scall_core::side::{PerSide, Side};

use super::batch::Batch;
use super::graph::Graph;
use super::propagate::{Layer, propagate, zeros};
use crate::experiment::model::Model;

/// The most columns of a panel: a cache line of numbers.
pub const PANEL: usize = 16;

/// What the trainer asks of a panel, whatever its width.
pub(super) trait Columns: Debug + Send + Sync {
    /// Propagates the parameters to the final vectors.
    fn forward(&mut self, graph: &Graph);

    /// Takes these columns' share of each triple's margin, from the final vectors.
    fn take_margins(&mut self, batch: &Batch);

    /// What was taken last.
    fn margins(&self) -> &[f32];

    /// Moves the parameters by Adam's step down the gradient of the loss, given its derivatives by the
    /// margins. The final vectors are lost.
    fn backward(&mut self, graph: &Graph, batch: &Batch, descent: &Descent<'_>);

    /// The derivatives of the loss by the parameters, as of the last [`backward`](Self::backward).
    #[cfg(test)]
    fn gradient(&self, side: Side, place: usize) -> &[f32];

    /// The penalty of the parameters that the batch uses, each time it does: a sum of squares.
    fn squares(&self, counts: &PerSide<Vec<u32>>) -> f64;

    /// The first column.
    fn first(&self) -> usize;

    /// The parameters of a node, filled up with zeros; none if its row does not reach into the panel.
    fn parameters(&self, side: Side, place: usize) -> Option<&[f32]>;

    /// The final vector of a node, as of the last [`forward`](Self::forward).
    fn vector(&self, side: Side, place: usize) -> &[f32];

    /// Bytes of memory.
    fn bytes(&self) -> u64;
}

/// What a step takes beside the graph and the batch.
#[derive(Debug)]
pub(super) struct Descent<'d> {
    /// The derivative of the loss by each triple's margin.
    pub(super) slopes: &'d [f32],
    /// How often each node is in the batch.
    pub(super) counts: &'d PerSide<Vec<u32>>,
    /// The derivative of the penalty by a parameter is this times the parameter, each time it is used.
    pub(super) penalty: f32,
    /// The optimiser's numbers.
    pub(super) adam: Step,
}

#[derive(Debug)]
struct Panel<const W: usize> {
    first: usize,
    /// Of the nodes whose rows reach into the panel.
    parameters: Layer<W>,
    /// Adam's moments of these.
    moments: PerSide<[Vec<[f32; W]>; 2]>,
    /// What is propagated: parameters, then derivatives by the final vectors.
    input: Layer<W>,
    /// The final vectors, then scratch.
    vectors: Layer<W>,
    /// Scratch, then derivatives by the parameters.
    other: Layer<W>,
    margins: Vec<f32>,
}

/// The panels of all columns, with the rows of `recommender` as parameters and an optimiser that knows
/// nothing.
pub(super) fn panels(graph: &Graph, recommender: &dyn Model) -> Vec<Box<dyn Columns>> {
    let longest = graph.longest() as usize;
    (0..longest)
        .step_by(PANEL)
        .map(|first| -> Box<dyn Columns> {
            match longest - first {
                0..=4 => Box::new(Panel::<4>::new(graph, recommender, first)),
                5..=8 => Box::new(Panel::<8>::new(graph, recommender, first)),
                _ => Box::new(Panel::<PANEL>::new(graph, recommender, first)),
            }
        })
        .collect()
}

impl<const W: usize> Panel<W> {
    fn new(graph: &Graph, recommender: &dyn Model, first: usize) -> Self {
        let load = |side| -> Vec<[f32; W]> {
            let nodes = graph.side(side);
            let ids = &nodes.ids()[..nodes.longer_than(first)];
            ids.iter()
                .map(|&id| {
                    let mut columns = [0.0; W];
                    let row = &recommender.row(side, id)[first..];
                    columns.iter_mut().zip(row).for_each(|(column, number)| *column = *number);
                    columns
                })
                .collect()
        };
        let parameters = PerSide::new(load(Side::User), load(Side::Item));
        let moments = |side| -> [Vec<[f32; W]>; 2] {
            let zeros = vec![[0.0; W]; parameters.get(side).len()];
            [zeros.clone(), zeros]
        };
        Self {
            first,
            moments: PerSide::new(moments(Side::User), moments(Side::Item)),
            parameters,
            input: zeros(graph),
            vectors: zeros(graph),
            other: zeros(graph),
            margins: Vec::new(),
        }
    }

    /// How many nodes of each side have parameters here.
    fn active(&self) -> PerSide<usize> {
        PerSide::new(self.parameters.user.len(), self.parameters.item.len())
    }
}

impl<const W: usize> Columns for Panel<W> {
    fn forward(&mut self, graph: &Graph) {
        for side in Side::BOTH {
            let input = self.input.get_mut(side);
            input.truncate(self.parameters.get(side).len());
            input.resize(self.parameters.get(side).len(), [0.0; W]);
            scale(input, self.parameters.get(side), graph.side(side).roots());
        }
        let all = PerSide::new(graph.side(Side::User).len(), graph.side(Side::Item).len());
        propagate(graph, &self.input, all, &mut self.other, &mut self.vectors);
    }

    fn take_margins(&mut self, batch: &Batch) {
        self.margins.resize(batch.triples().len(), 0.0);
        margins(&self.vectors, batch, &mut self.margins);
    }

    fn margins(&self) -> &[f32] {
        &self.margins
    }

    fn backward(&mut self, graph: &Graph, batch: &Batch, descent: &Descent<'_>) {
        for side in Side::BOTH {
            let input = self.input.get_mut(side);
            input.clear();
            input.resize(graph.side(side).len(), [0.0; W]);
        }
        slopes(&self.vectors, batch, descent.slopes, &mut self.input);
        for side in Side::BOTH {
            divide(self.input.get_mut(side), graph.side(side).roots());
        }
        let active = self.active();
        propagate(graph, &self.input, active, &mut self.vectors, &mut self.other);
        for side in Side::BOTH {
            step(
                self.parameters.get_mut(side),
                self.moments.get_mut(side),
                self.other.get_mut(side),
                graph.side(side).sizes(),
                descent.counts.get(side),
                (self.first, descent),
            );
        }
    }

    #[cfg(test)]
    fn gradient(&self, side: Side, place: usize) -> &[f32] {
        &self.other.get(side)[..self.parameters.get(side).len()][place]
    }

    fn squares(&self, counts: &PerSide<Vec<u32>>) -> f64 {
        let side = |side| -> f64 {
            let uses = self.parameters.get(side).iter().zip(counts.get(side));
            let used = uses.filter(|&(_, &count)| count > 0);
            used.map(|(columns, &count)| {
                f64::from(count) * f64::from(columns.iter().map(|number| number * number).sum::<f32>())
            })
            .sum()
        };
        side(Side::User) + side(Side::Item)
    }

    fn first(&self) -> usize {
        self.first
    }

    fn parameters(&self, side: Side, place: usize) -> Option<&[f32]> {
        self.parameters.get(side).get(place).map(<[f32; W]>::as_slice)
    }

    fn vector(&self, side: Side, place: usize) -> &[f32] {
        &self.vectors.get(side)[place]
    }

    fn bytes(&self) -> u64 {
        let nodes = self.vectors.user.len() + self.vectors.item.len();
        let active = self.active();
        let vectors = 3 * (active.user + active.item) + 3 * nodes;
        ((vectors * W + self.margins.len()) * size_of::<f32>()) as u64
    }
}

/// Writes the vectors divided by the roots of the degrees.
#[multiversion(targets("x86_64+avx+avx2"))]
fn scale<const W: usize>(out: &mut [[f32; W]], vectors: &[[f32; W]], roots: &[f32]) {
    for ((out, vector), root) in out.iter_mut().zip(vectors).zip(roots) {
        for (out, number) in out.iter_mut().zip(vector) {
            *out = number / root;
        }
    }
}

/// The same in place.
#[multiversion(targets("x86_64+avx+avx2"))]
fn divide<const W: usize>(vectors: &mut [[f32; W]], roots: &[f32]) {
    for (vector, root) in vectors.iter_mut().zip(roots) {
        for number in vector {
            *number /= root;
        }
    }
}

#[multiversion(targets("x86_64+avx+avx2"))]
fn margins<const W: usize>(vectors: &Layer<W>, batch: &Batch, out: &mut [f32]) {
    for (out, triple) in out.iter_mut().zip(batch.triples()) {
        let user = &vectors.user[triple.user as usize];
        let positive = &vectors.item[triple.positive as usize];
        let negative = &vectors.item[triple.negative as usize];
        let mut products = [0.0; W];
        for (((product, u), p), n) in products.iter_mut().zip(user).zip(positive).zip(negative) {
            *product = u * (p - n);
        }
        // Halves onto each other: a fixed tree, in whole vectors.
        let mut half = W / 2;
        while half > 0 {
            let (lower, upper) = products.split_at_mut(half);
            lower.iter_mut().zip(upper.iter()).for_each(|(lower, upper)| *lower += upper);
            half /= 2;
        }
        *out = products[0];
    }
}

/// Adds the derivatives of the loss by the final vectors to `out`.
#[multiversion(targets("x86_64+avx+avx2"))]
fn slopes<const W: usize>(vectors: &Layer<W>, batch: &Batch, slopes: &[f32], out: &mut Layer<W>) {
    for (&slope, triple) in slopes.iter().zip(batch.triples()) {
        let user = &vectors.user[triple.user as usize];
        let positive = &vectors.item[triple.positive as usize];
        let negative = &vectors.item[triple.negative as usize];
        let out_user = &mut out.user[triple.user as usize];
        for (((out, p), n), _) in out_user.iter_mut().zip(positive).zip(negative).zip(user) {
            *out += slope * (p - n);
        }
        for (out, u) in out.item[triple.positive as usize].iter_mut().zip(user) {
            *out += slope * u;
        }
        for (out, u) in out.item[triple.negative as usize].iter_mut().zip(user) {
            *out -= slope * u;
        }
    }
}

/// Adds the derivatives of the penalty to those of the loss, and takes Adam's step.
#[multiversion(targets("x86_64+avx+avx2"))]
fn step<const W: usize>(
    parameters: &mut [[f32; W]],
    [first, second]: &mut [Vec<[f32; W]>; 2],
    gradients: &mut [[f32; W]],
    sizes: &[u32],
    counts: &[u32],
    (column, descent): (usize, &Descent<'_>),
) {
    let moments = first.iter_mut().zip(second);
    let rows = parameters.iter_mut().zip(moments).zip(gradients);
    for (((row, (first, second)), gradient), (&size, &count)) in rows.zip(sizes.iter().zip(counts)) {
        // Nothing is there beyond the end of the row.
        gradient.iter_mut().skip(size as usize - column).for_each(|slope| *slope = 0.0);
        let penalty = descent.penalty * count as f32;
        for (slope, parameter) in gradient.iter_mut().zip(row.iter()) {
            *slope += penalty * parameter;
        }
        descent.adam.row(row, first, second, gradient);
    }
}
