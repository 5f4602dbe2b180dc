//! From layer to layer, in one panel.
//!
//! With rows divided by the root of their degree beforehand, `A` becomes a plain sum over neighbours and one
//! division by the degree, and Horner's scheme makes `4 P x = x + A (x + A (x + A x))` of three hops.

use multiversion::multiversion;
use scall_core::side::{PerSide, Side};

use super::graph::{Adjacency, Graph};

/// Hops from a node to the furthest whose row it sees.
const HOPS: usize = 3;

/// One layer of a panel, by side and place.
pub(super) type Layer<const W: usize> = PerSide<Vec<[f32; W]>>;

/// A layer of zeros for all nodes.
pub(super) fn zeros<const W: usize>(graph: &Graph) -> Layer<W> {
    let side = |side| vec![[0.0; W]; graph.side(side).len()];
    PerSide::new(side(Side::User), side(Side::Item))
}

/// Writes `P x` to `out`, for as many of the first nodes as `wanted` says; those after them are left as
/// after the hop before the last.
///
/// `input` is `x` divided by the roots of the degrees, without the last nodes of a side if these are zero.
/// `scratch` is another layer.
pub(super) fn propagate<const W: usize>(
    graph: &Graph,
    input: &Layer<W>,
    wanted: PerSide<usize>,
    scratch: &mut Layer<W>,
    out: &mut Layer<W>,
) {
    const { assert!(HOPS == 3) };
    // Users are reached from items and items from users: two chains that never meet.
    for side in Side::BOTH {
        let other = other(side);
        let (near, far) = (graph.side(side), graph.side(other));
        let (own, others) = (input.get(side), input.get(other));
        hop(near, others, own, Hop::Inner, out.get_mut(side));
        hop(far, out.get(side), others, Hop::Inner, scratch.get_mut(other));
        let wanted = *wanted.get(side);
        let last = out.get_mut(side);
        hop(near, scratch.get(other), own, Hop::Last, &mut last[..wanted]);
    }
}

/// The side across.
pub(super) const fn other(side: Side) -> Side {
    match side {
        Side::User => Side::Item,
        Side::Item => Side::User,
    }
}

/// Which hop it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hop {
    /// The result is divided by the root of the degree, as its input.
    Inner,
    /// The result is a quarter of the sum of the layers.
    Last,
}

/// Writes what the first nodes, as many as `out` has, get from their neighbours' vectors in `from`, and add
/// to their own in `own`. Both end where only zeros would follow.
#[multiversion(targets("x86_64+avx+avx2+avx512f+avx512vl", "x86_64+avx+avx2"))]
fn hop<const W: usize>(
    adjacency: &Adjacency,
    from: &[[f32; W]],
    own: &[[f32; W]],
    kind: Hop,
    out: &mut [[f32; W]],
) {
    let mut own = own.iter();
    for ((out, neighbours), &root) in out.iter_mut().zip(adjacency.all_neighbours()).zip(adjacency.roots()) {
        let sum = sum(from, neighbours);
        let (own_weight, sum_weight) = match kind {
            Hop::Inner => (1.0, 1.0 / (root * root)),
            Hop::Last => (0.25 * root, 0.25 / root),
        };
        match own.next() {
            Some(own) => {
                for ((out, own), sum) in out.iter_mut().zip(own).zip(sum) {
                    *out = own_weight * own + sum_weight * sum;
                }
            }
            None => {
                for (out, sum) in out.iter_mut().zip(sum) {
                    *out = sum_weight * sum;
                }
            }
        }
    }
}

/// The sum of the vectors at `places`, which ascend and may reach beyond the end.
#[inline(always)]
fn sum<const W: usize>(vectors: &[[f32; W]], places: &[u32]) -> [f32; W] {
    let reached = match places.last() {
        Some(&last) if last as usize >= vectors.len() => {
            places.partition_point(|&place| (place as usize) < vectors.len())
        }
        _ => places.len(),
    };
    // Two sums, so that one addition need not wait for the other.
    let (pairs, rest) = places[..reached].as_chunks::<2>();
    let [mut first, mut second] = [[0.0; W]; 2];
    for &[one, two] in pairs {
        add(&mut first, &vectors[one as usize]);
        add(&mut second, &vectors[two as usize]);
    }
    for &one in rest {
        add(&mut first, &vectors[one as usize]);
    }
    add(&mut first, &second);
    first
}

#[inline(always)]
fn add<const W: usize>(sums: &mut [f32; W], vector: &[f32; W]) {
    for (sum, number) in sums.iter_mut().zip(vector) {
        *sum += number;
    }
}
