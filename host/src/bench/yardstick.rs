//! What the machine can do at most: the figures beside the figures.

use anyhow::Result;
use multiversion::multiversion;

use super::timing::Effort;

/// Bytes a second at which `numbers` are read over and over, on one core.
pub(super) fn read_rate(effort: Effort, numbers: &[u32]) -> Result<f64> {
    let timing = effort.time(|| {
        std::hint::black_box(exclusive_or(std::hint::black_box(numbers)));
        Ok(())
    })?;
    Ok(size_of_val(numbers) as f64 / timing.best)
}

/// Single-precision operations a second, multiplications and additions in turn, not fused, on one core.
pub(super) fn arithmetic_rate(effort: Effort) -> Result<f64> {
    const ROUNDS: usize = 1 << 20;
    let timing = effort.time(|| {
        std::hint::black_box(multiply_and_add(ROUNDS, std::hint::black_box(0.999)));
        Ok(())
    })?;
    Ok((ROUNDS * 2 * SUMS * WIDTH) as f64 / timing.best)
}

/// As many independent sums as hide the delay of each operation.
const SUMS: usize = 12;

/// Numbers in the widest registers.
const WIDTH: usize = 16;

#[multiversion(targets("x86_64+avx+avx2+avx512f+avx512vl", "x86_64+avx+avx2"))]
fn multiply_and_add(rounds: usize, factor: f32) -> f32 {
    // Apart, so that the compiler keeps each in a register of its own.
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h, mut i, mut j, mut k, mut l] =
        [[1.0_f32; WIDTH]; SUMS];
    for _ in 0..rounds {
        advance(&mut a, factor);
        advance(&mut b, factor);
        advance(&mut c, factor);
        advance(&mut d, factor);
        advance(&mut e, factor);
        advance(&mut f, factor);
        advance(&mut g, factor);
        advance(&mut h, factor);
        advance(&mut i, factor);
        advance(&mut j, factor);
        advance(&mut k, factor);
        advance(&mut l, factor);
    }
    [a, b, c, d, e, f, g, h, i, j, k, l].as_flattened().iter().sum()
}

#[inline(always)]
fn advance(sums: &mut [f32; WIDTH], factor: f32) {
    for sum in sums {
        *sum = *sum * factor + 0.5;
    }
}

#[multiversion(targets("x86_64+avx+avx2+avx512f+avx512vl", "x86_64+avx+avx2"))]
fn exclusive_or(numbers: &[u32]) -> u32 {
    numbers.iter().fold(0, |all, number| all ^ number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_positive() {
        assert!(read_rate(Effort::Quick, &[7; 100_000]).expect("reading does not fail") > 0.0);
        assert!(arithmetic_rate(Effort::Quick).expect("arithmetic does not fail") > 0.0);
    }

    #[test]
    fn every_number_is_read() {
        let numbers: Vec<u32> = (0..1_003).collect();
        assert_eq!(exclusive_or(&numbers), numbers.iter().fold(0, |all, number| all ^ number));
    }
}
