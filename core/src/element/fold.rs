//! Sums of lanes, of many rows at once.

use core::hint::black_box;

use super::Sum;
use crate::math::LANES;

/// [`Sum::fold`] of eight rows at once, in whole vectors: where LLVM sees two of its steps together, it takes the
/// vectors to pieces.
#[inline(always)]
pub(crate) fn fold_eight<S: Sum>(rows: [[S; LANES]; LANES]) -> [S; LANES] {
    let rows = Lines(rows);
    let Lines([a, b, c, d, e, f, g, h]) = black_box(&rows);
    let halves = Lines([halves(a, e), halves(b, f), halves(c, g), halves(d, h)]);
    let Lines([s, t, u, v]) = black_box(&halves);
    let quarters = Lines([quarters(s, t), quarters(u, v)]);
    let Lines([s, t]) = black_box(&quarters);
    eighths(s, t)
}

/// Vectors none of which lies across two cache lines, where it could not be read as soon as it is written.
#[repr(align(64))]
struct Lines<T>(T);

/// Of two rows, the sums of lanes four apart.
#[inline(always)]
fn halves<S: Sum>(
    &[a, b, c, d, e, f, g, h]: &[S; LANES],
    &[i, j, k, l, m, n, o, p]: &[S; LANES],
) -> [S; LANES] {
    [a + e, b + f, c + g, d + h, i + m, j + n, k + o, l + p]
}

/// Of two pairs of rows, the sums of what was two lanes apart.
#[inline(always)]
fn quarters<S: Sum>(
    &[a, b, c, d, e, f, g, h]: &[S; LANES],
    &[i, j, k, l, m, n, o, p]: &[S; LANES],
) -> [S; LANES] {
    [a + c, b + d, i + k, j + l, e + g, f + h, m + o, n + p]
}

/// Of two fours of rows, the sums of neighbours.
#[inline(always)]
fn eighths<S: Sum>(
    &[a, b, c, d, e, f, g, h]: &[S; LANES],
    &[i, j, k, l, m, n, o, p]: &[S; LANES],
) -> [S; LANES] {
    [a + b, c + d, i + j, k + l, e + f, g + h, m + n, o + p]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(crate::testing::config(64))]

        #[test]
        fn eight_rows_are_folded_as_each_of_them_is(
            rows in prop::array::uniform8(prop::array::uniform8(-1e3_f32..1e3)),
            numbers in prop::array::uniform8(prop::array::uniform8(-100_000_i32..100_000)),
        ) {
            prop_assert_eq!(fold_eight(rows).map(f32::to_bits), rows.map(|row| Sum::fold(row).to_bits()));
            prop_assert_eq!(fold_eight(numbers), numbers.map(Sum::fold));
        }
    }
}
