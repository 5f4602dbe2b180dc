//! Cubic interpolation of a slowly varying function, so that a costly one is computed only at knots.
//!
//! Knots lie a sixteenth of the distance to the nearer end apart. The functions here behave like powers
//! or logarithms of that distance; four neighbouring knots then give them within a few millionths.

use super::order_statistics::write_weight;
use crate::tables::Word;

/// How many knots a stretch gets while the distance to its end doubles, roughly.
const DENSITY: u32 = 16;

/// A knot: abscissa and value.
type Knot = (f64, f64);

/// The cubic through four knots, in Newton's form.
#[derive(Clone, Copy, Debug)]
struct Cubic {
    nodes: [f64; 3],
    coefficients: [f64; 4],
}

impl Cubic {
    fn through(knots: &[Knot; 4]) -> Self {
        let [(x0, y0), (x1, y1), (x2, y2), (x3, y3)] = *knots;
        let (d01, d12, d23) = ((y1 - y0) / (x1 - x0), (y2 - y1) / (x2 - x1), (y3 - y2) / (x3 - x2));
        let (d02, d13) = ((d12 - d01) / (x2 - x0), (d23 - d12) / (x3 - x1));
        Self { nodes: [x0, x1, x2], coefficients: [y0, d01, d02, (d13 - d02) / (x3 - x0)] }
    }

    #[inline]
    fn at(&self, x: f64) -> f64 {
        let [x0, x1, x2] = self.nodes;
        let [c0, c1, c2, c3] = self.coefficients;
        c0 + (x - x0) * (c1 + (x - x1) * (c2 + (x - x2) * c3))
    }
}

/// Writes the descending `value(1), value(2), ...` of the ranks as weights.
pub(super) fn fill_by_rank<W: Word>(words: &mut [W], value: impl Fn(f64) -> f64) {
    let Ok(last) = u32::try_from(words.len()) else { return };
    if last == 0 {
        return;
    }
    let next = |rank: u32| {
        let to_end = rank.min(last.saturating_sub(rank).saturating_add(1));
        rank.saturating_add((to_end / DENSITY).max(1)).min(last)
    };
    let knot = |rank: u32| (f64::from(rank), value(f64::from(rank)));
    // Near both ends every rank is a knot, so the four of a wider gap always exist.
    let mut knots = [knot(1); 4];
    let mut low = f32::MAX;
    let (mut rank, mut high) = (1_u32, next(1));
    let mut after = next(high);
    knots[2] = knot(high);
    knots[3] = knot(after);
    loop {
        // Ranks begin at 1 here.
        let (first, gap) = (rank.saturating_sub(1), high.saturating_sub(rank));
        if gap <= 1 {
            low = write_weight(words, first as usize, knots[1].1 as f32, low);
        } else {
            let cubic = Cubic::through(&knots);
            for offset in 0..gap {
                let weight = cubic.at(knots[1].0 + f64::from(offset)) as f32;
                low = write_weight(words, first.saturating_add(offset) as usize, weight, low);
            }
        }
        if rank == last {
            return;
        }
        rank = high;
        high = after;
        after = next(after);
        let [_, b, c, d] = knots;
        knots = [b, c, d, if after == high { d } else { knot(after) }];
    }
}

/// A function of an argument that only grows, interpolated between knots that are computed on the way.
#[derive(Debug)]
pub(super) struct Curve<F> {
    value: F,
    knots: [Knot; 4],
    cubic: Cubic,
}

impl<F: Fn(f64) -> f64> Curve<F> {
    /// Starts at the positive argument `x`; later ones must not be smaller.
    pub(super) fn new(value: F, x: f64) -> Self {
        let start = x / (1.0 + 1.0 / f64::from(DENSITY));
        let mut x = start;
        let mut knots = [(x, value(x)); 4];
        for knot in knots.iter_mut().skip(1) {
            x = Self::next(x);
            *knot = (x, value(x));
        }
        Self { value, knots, cubic: Cubic::through(&knots) }
    }

    /// The value at `x`.
    #[inline]
    pub(super) fn at(&mut self, x: f64) -> f64 {
        if x > self.knots[2].0 {
            self.advance(x);
        }
        self.cubic.at(x)
    }

    #[cold]
    fn advance(&mut self, x: f64) {
        while x > self.knots[2].0 {
            let [_, b, c, d] = self.knots;
            let next = Self::next(d.0);
            self.knots = [b, c, d, (next, (self.value)(next))];
        }
        self.cubic = Cubic::through(&self.knots);
    }

    fn next(x: f64) -> f64 {
        x + x.min(1.0) / f64::from(DENSITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math;
    use crate::sizes::normal;
    use std::vec;

    #[test]
    fn a_cubic_is_met_exactly() {
        let f = |x: f64| 2.0 - x + 0.5 * x * x + 0.25 * x * x * x;
        let cubic = Cubic::through(&[(0.0, f(0.0)), (1.0, f(1.0)), (3.0, f(3.0)), (4.5, f(4.5))]);
        for x in [0.25, 1.0, 2.0, 3.7] {
            assert!((cubic.at(x) - f(x)).abs() < 1e-12);
        }
    }

    #[test]
    fn every_rank_gets_its_value() {
        let numbers = if cfg!(miri) { [1, 2, 35, 70, 90] } else { [1, 2, 35, 1_000, 4_321] };
        for n in (3..if cfg!(miri) { 5 } else { 200 }).chain(numbers) {
            let mut words = vec![0; n];
            let size = n as f64;
            // Steep at both ends, as order statistics are.
            let value = |k: f64| 20.0 + math::ln_f64((size + 1.0 - k) / k);
            fill_by_rank(&mut words, value);
            for (i, word) in words.iter().enumerate() {
                let expected = value(i as f64 + 1.0);
                let got = f64::from(f32::from_bits(*word));
                assert!((got - expected).abs() < 1e-5, "{n} {i} {got} {expected}");
            }
        }
    }

    #[test]
    fn a_curve_follows_its_function() {
        // The normal quantile of e^-x, from one tail to the other.
        let f = |x: f64| normal::quantile(math::exp_f64(-x), -math::exp_m1_f64(-x));
        let mut x = 1e-9;
        let mut curve = Curve::new(f, x);
        while x < 30.0 {
            assert!((curve.at(x) - f(x)).abs() < 3e-6, "{x}");
            x *= if cfg!(miri) { 3.7 } else { 1.013 };
        }
    }
}
