//! Principal axes of a symmetric matrix.

use crate::math;

/// A square matrix in lent memory, row after row.
#[derive(Debug)]
pub(super) struct Square<'m> {
    values: &'m mut [f64],
    side: usize,
}

impl<'m> Square<'m> {
    /// A matrix of `side * side` values.
    pub(super) const fn new(values: &'m mut [f64], side: usize) -> Self {
        Self { values, side }
    }

    pub(super) fn fill(&mut self, value: f64) {
        self.values.fill(value);
    }

    #[inline]
    pub(super) fn at(&self, row: usize, column: usize) -> f64 {
        self.values.get(row * self.side + column).copied().unwrap_or(0.0)
    }

    #[inline]
    fn set(&mut self, row: usize, column: usize, value: f64) {
        if let Some(place) = self.values.get_mut(row * self.side + column) {
            *place = value;
        }
    }

    pub(super) fn trace(&self) -> f64 {
        (0..self.side).map(|at| self.at(at, at)).sum()
    }

    /// Adds the products of all pairs of a vector's values.
    pub(super) fn add_square_of(&mut self, vector: &[f64]) {
        for (row, &left) in self.values.chunks_exact_mut(self.side.max(1)).zip(vector) {
            for (value, &right) in row.iter_mut().zip(vector) {
                *value += left * right;
            }
        }
    }

    /// Adds another matrix of the same size, times `weight`.
    pub(super) fn add(&mut self, weight: f64, other: &Square<'_>) {
        for (value, other) in self.values.iter_mut().zip(other.values.iter()) {
            *value += weight * other;
        }
    }

    /// What a vector is along an axis, which is a column.
    pub(super) fn along(&self, axis: usize, vector: &[f64]) -> f64 {
        (0..).zip(vector).map(|(row, value)| self.at(row, axis) * value).sum()
    }

    /// Turns two columns into each other.
    fn turn_columns(&mut self, (p, q): (usize, usize), (cosine, sine): (f64, f64)) {
        for row in 0..self.side {
            let (left, right) = (self.at(row, p), self.at(row, q));
            self.set(row, p, cosine * left - sine * right);
            self.set(row, q, sine * left + cosine * right);
        }
    }

    fn turn_rows(&mut self, (p, q): (usize, usize), (cosine, sine): (f64, f64)) {
        for column in 0..self.side {
            let (left, right) = (self.at(p, column), self.at(q, column));
            self.set(p, column, cosine * left - sine * right);
            self.set(q, column, sine * left + cosine * right);
        }
    }
}

/// The most sweeps over all pairs. They converge quadratically: six to ten do, whatever the matrix.
const SWEEPS: usize = 16;

/// Turns `matrix` to its principal axes, by Jacobi's rotations of one pair of dimensions after the other, and `axes`,
/// of the same size, into those axes: its columns, the one of the largest value first. O(side^3) for each sweep.
pub(super) fn principal_axes(matrix: &mut Square<'_>, axes: &mut Square<'_>) {
    let side = matrix.side;
    axes.fill(0.0);
    (0..side).for_each(|at| axes.set(at, at, 1.0));
    let negligible = f64::EPSILON * matrix.trace().abs();
    for _ in 0..SWEEPS {
        let mut turned = false;
        for (p, q) in (0..side).flat_map(|p| (p + 1..side).map(move |q| (p, q))) {
            let beside = matrix.at(p, q);
            if beside.abs() > negligible {
                // The smaller of both angles that make it zero.
                let slope = (matrix.at(q, q) - matrix.at(p, p)) / (2.0 * beside);
                let tangent = 1.0_f64.copysign(slope) / (slope.abs() + math::sqrt_f64(slope * slope + 1.0));
                let cosine = 1.0 / math::sqrt_f64(tangent * tangent + 1.0);
                let turn = (cosine, tangent * cosine);
                matrix.turn_columns((p, q), turn);
                matrix.turn_rows((p, q), turn);
                axes.turn_columns((p, q), turn);
                turned = true;
            }
        }
        if !turned {
            break;
        }
    }
    for place in 0..side {
        let mut strongest = place;
        for other in place + 1..side {
            if matrix.at(other, other) > matrix.at(strongest, strongest) {
                strongest = other;
            }
        }
        if strongest > place {
            let quarter = (0.0, 1.0);
            matrix.turn_columns((place, strongest), quarter);
            matrix.turn_rows((place, strongest), quarter);
            axes.turn_columns((place, strongest), quarter);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::config;

    /// The values along the axes, and the axes, of a matrix.
    fn axes_of(mut values: Vec<f64>, side: usize) -> (Vec<f64>, Vec<f64>) {
        let mut axes = vec![f64::NAN; side * side];
        let mut matrix = Square::new(&mut values, side);
        principal_axes(&mut matrix, &mut Square::new(&mut axes, side));
        ((0..side).map(|at| matrix.at(at, at)).collect(), axes)
    }

    #[test]
    fn a_known_matrix() {
        // Values 3 along (1, 1) and 1 along (1, -1).
        let (values, axes) = axes_of(vec![2.0, 1.0, 1.0, 2.0], 2);
        assert!((values[0] - 3.0).abs() < 1e-14 && (values[1] - 1.0).abs() < 1e-14);
        assert!((axes[0] - axes[2]).abs() < 1e-14 && (axes[1] + axes[3]).abs() < 1e-14);
        assert!((axes[0].abs() - 0.5_f64.sqrt()).abs() < 1e-14);
        assert_eq!(axes_of(vec![0.0; 9], 3).0, [0.0; 3]);
        assert_eq!(axes_of(vec![], 0).0, []);
    }

    proptest! {
        #![proptest_config(config(64))]

        #[test]
        fn axes_are_orthonormal_and_give_the_matrix_back(
            side in 1_usize..9,
            vectors in proptest::collection::vec(proptest::collection::vec(-2.0..2.0_f64, 9), 1..12),
        ) {
            let mut values = vec![0.0; side * side];
            let mut matrix = Square::new(&mut values, side);
            vectors.iter().for_each(|vector| matrix.add_square_of(&vector[..side]));
            let (along, axes) = axes_of(values.clone(), side);
            prop_assert!(along.windows(2).all(|pair| pair[0] >= pair[1]));
            for row in 0..side {
                for column in 0..side {
                    let of = |axis: usize| (axes[row * side + axis], axes[column * side + axis]);
                    let product: f64 = (0..side).map(|axis| of(axis).0 * of(axis).1).sum();
                    let expected = f64::from(u8::from(row == column));
                    prop_assert!((product - expected).abs() < 1e-12);
                    let given: f64 = (0..side).map(|axis| along[axis] * of(axis).0 * of(axis).1).sum();
                    prop_assert!((given - values[row * side + column]).abs() < 1e-10);
                }
            }
        }
    }
}
