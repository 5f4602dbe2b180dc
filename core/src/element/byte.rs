//! Rows of bytes, learned in place by whole-number arithmetic.
//!
//! A byte `x` stands for `x / 128`, from -127/128 to 127/128. Sums are exact, so no order has to be fixed.
//! A step works on 32-bit numbers with [`FRACTION`] bits after the point and ends with *stochastic
//! rounding* (Gupta et al., ICML 2015): up with the probability of what is cut off, so that the mean of many
//! small steps is theirs. The chance is one random word a step, and a Weyl sequence from it along a row:
//! each element's share of it is evenly spread, which is all that an unbiased mean takes.
//!
//! An item's bias takes two bytes, the lower first: a multiple of 1/2048 from -16 to 16, rounded likewise.

use super::{Element, PairSums, Rates, TripleSums};

/// What a byte of 1 stands for.
const UNIT: f32 = 1.0 / 128.0;
/// The greatest byte; the least is its negative.
const GREATEST: i32 = 127;
/// What a bias of 1 stands for.
const BIAS_UNIT: f32 = 1.0 / 2048.0;
/// The unit of a bias in units of a product.
const BIAS_PRODUCTS: i32 = (BIAS_UNIT / (UNIT * UNIT)) as i32;
/// Bits after the point of a rate: with rates up to [`LARGEST_RATE`], sums of products stay below 2^31.
const FRACTION: u32 = 18;
/// The largest rate of a step, either way.
const LARGEST_RATE: f32 = 8.0;
/// Added from one element to the next: 2^32 divided by the golden ratio spreads any number of them evenly.
const WEYL: u32 = 0x9e37_79b9;
/// Where the three rows of a step begin in the sequence.
const STARTS: [u32; 3] = [0, 0x5555_5555, 0xaaaa_aaaa];

impl Element for i8 {
    const ZERO: Self = 0;
    const KIND: u32 = 2;
    const BIAS: usize = 2;
    const DITHERS: bool = true;
    const EXACT: bool = true;
    const STEP: f32 = UNIT;

    type Sum = i32;

    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from(self) * UNIT
    }

    #[inline(always)]
    fn factor(self) -> i32 {
        i32::from(self)
    }

    #[inline(always)]
    fn score(bias: &[Self], products: i32) -> f32 {
        let bias = bias.first_chunk().map_or(0, |bytes| i32::from(word(*bytes)));
        // Fewer than 2^24 units, which a float holds exactly.
        squared(BIAS_PRODUCTS * bias + products)
    }

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        // Past the ends either way, the cast stops at them.
        let scaled = value * (1.0 / UNIT);
        clamp(round(scaled)).0
    }

    #[inline(always)]
    fn bias(row: &[Self]) -> f32 {
        row.first_chunk::<2>().map_or(0.0, |bytes| f32::from(word(*bytes)) * BIAS_UNIT)
    }

    #[inline(always)]
    fn set_bias(row: &mut [Self], bias: f32, dither: u32) -> bool {
        let Some(bytes) = row.first_chunk_mut::<2>() else { return false };
        // Whole and cut-off part on their own, since the sum of both has too few bits.
        let scaled = (bias * (1.0 / BIAS_UNIT)).clamp(-65_536.0, 65_536.0);
        let below = (scaled + 65_536.0) as u32 as i32 - 65_536;
        let up = (scaled - below as f32) * 65_536.0 > (dither >> 16) as f32;
        let wanted = below + i32::from(up);
        let stored = wanted.clamp(-i32::from(i16::MAX), i32::from(i16::MAX));
        *bytes = (stored as i16).to_le_bytes().map(|byte| byte as i8);
        stored != wanted
    }

    #[inline(always)]
    fn dot(a: &[Self], b: &[Self]) -> f32 {
        let sum: i32 = a.iter().zip(b).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum();
        squared(sum)
    }

    #[inline(always)]
    fn sum_triple(user: &[Self], positive: &[Self], negative: &[Self]) -> TripleSums {
        let [mut d, mut u, mut k, mut l, mut m, mut n] = [0_i32; 6];
        for ((p, i), j) in user.iter().zip(positive).zip(negative) {
            let (p, i, j) = (i32::from(*p), i32::from(*i), i32::from(*j));
            (d, u, k) = (d + i * j, u + p * p, k + i * i);
            (l, m, n) = (l + j * j, m + p * i, n + p * j);
        }
        let [
            difference_squared,
            user_squared,
            positive_squared,
            negative_squared,
            positive_dot,
            negative_dot,
        ] = [k + l - 2 * d, u, k, l, m, n].map(squared);
        TripleSums {
            difference_squared,
            user_squared,
            positive_squared,
            negative_squared,
            positive_dot,
            negative_dot,
        }
    }

    #[inline(always)]
    fn sum_pair(user: &[Self], item: &[Self]) -> PairSums {
        let [mut u, mut k, mut m] = [0_i32; 3];
        for (p, q) in user.iter().zip(item) {
            let (p, q) = (i32::from(*p), i32::from(*q));
            (u, k, m) = (u + p * p, k + q * q, m + p * q);
        }
        let [user_squared, item_squared, dot] = [u, k, m].map(squared);
        PairSums { user_squared, item_squared, dot }
    }

    #[inline(always)]
    fn step_triple(
        user: &mut [Self],
        positive: &mut [Self],
        negative: &mut [Self],
        rates: [Rates; 3],
        dither: u32,
    ) -> u32 {
        let [of_user, of_positive, of_negative] = rates.map(Fixed::new);
        let of_negative = Fixed { pull: -of_negative.pull, ..of_negative };
        let mut dithers = STARTS.map(|start| dither.wrapping_add(start));
        if cfg!(feature = "small") {
            return step_by_row(user, positive, negative, [of_user, of_positive, of_negative], dithers);
        }
        let mut saturated = 0;
        for ((p, i), j) in user.iter_mut().zip(positive).zip(negative) {
            let [own_p, own_i, own_j] = [&*p, &*i, &*j].map(|byte| i32::from(*byte));
            let [at_p, at_i, at_j] = dithers;
            let stepped = [
                of_user.step(own_p, own_i - own_j, at_p),
                of_positive.step(own_i, own_p, at_i),
                of_negative.step(own_j, own_p, at_j),
            ];
            let [(new_p, beyond_p), (new_i, beyond_i), (new_j, beyond_j)] = stepped;
            (*p, *i, *j) = (new_p, new_i, new_j);
            saturated += beyond_p + beyond_i + beyond_j;
            dithers = [at_p.wrapping_add(WEYL), at_i.wrapping_add(WEYL), at_j.wrapping_add(WEYL)];
        }
        saturated
    }

    #[inline(always)]
    fn step_pair(user: &mut [Self], item: &mut [Self], rates: [Rates; 2], dither: u32) -> u32 {
        let [of_user, of_item] = rates.map(Fixed::new);
        let [mut at_user, mut at_item, _] = STARTS.map(|start| dither.wrapping_add(start));
        let mut saturated = 0;
        for (p, q) in user.iter_mut().zip(item) {
            let (own_p, own_q) = (i32::from(*p), i32::from(*q));
            let (stepped_p, stepped_q) =
                (of_user.step(own_p, own_q, at_user), of_item.step(own_q, own_p, at_item));
            (*p, *q) = (stepped_p.0, stepped_q.0);
            saturated += stepped_p.1 + stepped_q.1;
            (at_user, at_item) = (at_user.wrapping_add(WEYL), at_item.wrapping_add(WEYL));
        }
        saturated
    }
}

/// Elements that a step takes row by row.
const BLOCK: usize = 32;

/// A step on three rows for a processor without vectors: a few elements of one row after the other, since all
/// that three rows need at once has no room in its registers.
#[inline(never)]
fn step_by_row(
    user: &mut [i8],
    positive: &mut [i8],
    negative: &mut [i8],
    [of_user, of_positive, of_negative]: [Fixed; 3],
    [mut at_p, mut at_i, mut at_j]: [u32; 3],
) -> u32 {
    let mut saturated = 0;
    let rows = user.chunks_mut(BLOCK).zip(positive.chunks_mut(BLOCK)).zip(negative.chunks_mut(BLOCK));
    for ((user, positive), negative) in rows {
        let mut old = [0; BLOCK];
        for ((own, p), (i, j)) in old.iter_mut().zip(&mut *user).zip(positive.iter().zip(&*negative)) {
            *own = *p;
            of_user.step_one(p, i32::from(*i) - i32::from(*j), at_p, &mut saturated);
            at_p = at_p.wrapping_add(WEYL);
        }
        at_i = of_positive.step_row(positive, &old, at_i, &mut saturated);
        at_j = of_negative.step_row(negative, &old, at_j, &mut saturated);
    }
    saturated
}

/// The number of two bytes, the lower first.
#[inline(always)]
fn word(bytes: [i8; 2]) -> i16 {
    i16::from_le_bytes(bytes.map(|byte| byte as u8))
}

/// A sum of products of bytes as what it stands for.
#[inline(always)]
fn squared(sum: i32) -> f32 {
    sum as f32 * (UNIT * UNIT)
}

/// The nearest whole number, of two the one away from zero.
#[inline(always)]
fn round(value: f32) -> i32 {
    (value + if value < 0.0 { -0.5 } else { 0.5 }) as i32
}

/// The value within a byte's range, and 1 if it was not.
#[inline(always)]
fn clamp(value: i32) -> (i8, u32) {
    let within = value.clamp(-GREATEST, GREATEST);
    (within as i8, u32::from(within != value))
}

/// Rates with [`FRACTION`] bits after the point.
#[derive(Clone, Copy)]
struct Fixed {
    keep: i32,
    pull: i32,
}

impl Fixed {
    #[inline(always)]
    fn new(rates: Rates) -> Self {
        let fixed = |rate: f32| round(rate.clamp(-LARGEST_RATE, LARGEST_RATE) * (1_u32 << FRACTION) as f32);
        Self { keep: fixed(rates.keep), pull: fixed(rates.pull) }
    }

    /// Steps a few elements that met others; returns the dither of the next.
    #[inline(never)]
    fn step_row(self, row: &mut [i8], others: &[i8; BLOCK], mut dither: u32, saturated: &mut u32) -> u32 {
        for (byte, other) in row.iter_mut().zip(others) {
            self.step_one(byte, i32::from(*other), dither, saturated);
            dither = dither.wrapping_add(WEYL);
        }
        dither
    }

    /// Steps an element; one comparison for both ends of the range.
    #[inline(always)]
    fn step_one(self, byte: &mut i8, other: i32, dither: u32, saturated: &mut u32) {
        let value = self.stepped(i32::from(*byte), other, dither);
        *byte = value as i8;
        if (value + GREATEST).cast_unsigned() > 2 * GREATEST.cast_unsigned() {
            *byte = saturate(value, saturated);
        }
    }

    /// The next value of an element, and 1 if it went to the end of the range.
    #[inline(always)]
    fn step(self, own: i32, other: i32, dither: u32) -> (i8, u32) {
        clamp(self.stepped(own, other, dither))
    }

    /// The next value of an element, in the range or not.
    #[inline(always)]
    fn stepped(self, own: i32, other: i32, dither: u32) -> i32 {
        let chance = (dither >> (u32::BITS - FRACTION)) as i32;
        let exact = self.keep.wrapping_mul(own).wrapping_add(self.pull.wrapping_mul(other));
        exact.wrapping_add(chance) >> FRACTION
    }
}

/// The end of the range that a value is beyond.
#[cold]
#[inline(never)]
fn saturate(value: i32, saturated: &mut u32) -> i8 {
    let (end, is_beyond) = clamp(value);
    *saturated += is_beyond;
    end
}

#[cfg(test)]
mod tests;
