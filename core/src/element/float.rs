//! Rows of floating-point numbers: sums in the lanes of [`math::dot`], steps element by element.

use super::{Element, PairSums, Rates, TripleSums};
use crate::math::{self, LANES};

impl Element for f32 {
    const ZERO: Self = 0.0;
    const KIND: u32 = 0;
    const BIAS: usize = 1;
    const DITHERS: bool = false;
    const EXACT: bool = false;
    const STEP: f32 = 0.0;

    type Sum = f32;

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }

    #[inline(always)]
    fn factor(self) -> f32 {
        self
    }

    #[inline(always)]
    fn score(bias: &[Self], products: f32) -> f32 {
        Self::bias(bias) + products
    }

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        value
    }

    #[inline(always)]
    fn bias(row: &[Self]) -> f32 {
        row.first().copied().unwrap_or(0.0)
    }

    #[inline(always)]
    fn set_bias(row: &mut [Self], bias: f32, _dither: u32) -> bool {
        if let Some(first) = row.first_mut() {
            *first = bias;
        }
        false
    }

    #[inline(always)]
    fn dot(a: &[Self], b: &[Self]) -> f32 {
        math::dot(a, b)
    }

    #[inline(always)]
    fn sum_triple(user: &[Self], positive: &[Self], negative: &[Self]) -> TripleSums {
        sum_triple(user, positive, negative)
    }

    #[inline(always)]
    fn sum_pair(user: &[Self], item: &[Self]) -> PairSums {
        sum_pair(user, item)
    }

    #[inline(always)]
    fn step_triple(
        user: &mut [Self],
        positive: &mut [Self],
        negative: &mut [Self],
        rates: [Rates; 3],
        _dither: u32,
    ) -> u32 {
        step_triple(user, positive, negative, rates);
        0
    }

    #[inline(always)]
    fn step_pair(user: &mut [Self], item: &mut [Self], rates: [Rates; 2], _dither: u32) -> u32 {
        step_pair(user, item, rates);
        0
    }
}

/// Three slices of equal length: whole blocks in lanes, then the rest in order.
#[inline(always)]
pub(super) fn sum_triple<E: Element>(user: &[E], positive: &[E], negative: &[E]) -> TripleSums {
    if cfg!(feature = "small") {
        return sum_triple_in_registers(user, positive, negative);
    }
    let mut lanes = [[0.0_f32; LANES]; 6];
    let [difference_squared, user_squared, positive_squared, negative_squared, positive_dot, negative_dot] =
        &mut lanes;
    let (user, user_rest) = user.as_chunks::<LANES>();
    let (positive, positive_rest) = positive.as_chunks::<LANES>();
    let (negative, negative_rest) = negative.as_chunks::<LANES>();
    for ((p, i), j) in user.iter().zip(positive).zip(negative) {
        // Read once: for its last product LLVM would read a block anew, in pieces.
        let (p, i, j) = (floats(p), floats(i), floats(j));
        let mut difference = [0.0; LANES];
        for ((d, i), j) in difference.iter_mut().zip(&i).zip(&j) {
            *d = i - j;
        }
        multiply_add(difference_squared, &difference, &difference);
        multiply_add(user_squared, &p, &p);
        multiply_add(positive_squared, &i, &i);
        multiply_add(negative_squared, &j, &j);
        multiply_add(positive_dot, &p, &i);
        multiply_add(negative_dot, &p, &j);
    }
    let mut sums = TripleSums {
        difference_squared: math::fold(*difference_squared),
        user_squared: math::fold(*user_squared),
        positive_squared: math::fold(*positive_squared),
        negative_squared: math::fold(*negative_squared),
        positive_dot: math::fold(*positive_dot),
        negative_dot: math::fold(*negative_dot),
    };
    add_rest(&mut sums, user_rest, positive_rest, negative_rest);
    sums
}

/// What is left behind whole blocks.
#[inline(always)]
fn add_rest<E: Element>(sums: &mut TripleSums, user: &[E], positive: &[E], negative: &[E]) {
    for ((p, i), j) in user.iter().zip(positive).zip(negative) {
        let (p, i, j) = (p.to_f32(), i.to_f32(), j.to_f32());
        let difference = i - j;
        sums.difference_squared += difference * difference;
        sums.user_squared += p * p;
        sums.positive_squared += i * i;
        sums.negative_squared += j * j;
        sums.positive_dot += p * i;
        sums.negative_dot += p * j;
    }
}

/// The same sums for a processor without vectors: one after the other, so that the lanes of each have registers.
#[inline(never)]
fn sum_triple_in_registers<E: Element>(user: &[E], positive: &[E], negative: &[E]) -> TripleSums {
    let whole = user.len() - user.len() % LANES;
    let (user, user_rest) = user.split_at_checked(whole).unwrap_or_default();
    let (positive, positive_rest) = positive.split_at_checked(whole).unwrap_or_default();
    let (negative, negative_rest) = negative.split_at_checked(whole).unwrap_or_default();
    let mut sums = TripleSums::default();
    if whole > 0 {
        sums = TripleSums {
            difference_squared: math::fold_in_registers(positive, negative, |i, j| {
                let difference = i.to_f32() - j.to_f32();
                difference * difference
            }),
            user_squared: E::dot(user, user),
            positive_squared: E::dot(positive, positive),
            negative_squared: E::dot(negative, negative),
            positive_dot: E::dot(user, positive),
            negative_dot: E::dot(user, negative),
        };
    }
    add_rest(&mut sums, user_rest, positive_rest, negative_rest);
    sums
}

#[inline(always)]
fn floats<const B: usize, E: Element>(block: &[E; B]) -> [f32; B] {
    let mut floats = [0.0; B];
    for (float, element) in floats.iter_mut().zip(block) {
        *float = element.to_f32();
    }
    floats
}

#[inline(always)]
pub(super) fn multiply_add<E: Element>(lanes: &mut [f32; LANES], a: &[E; LANES], b: &[E; LANES]) {
    for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
        *lane += a.to_f32() * b.to_f32();
    }
}

/// Two slices of equal length, in the same order.
#[inline(always)]
pub(super) fn sum_pair<E: Element>(user: &[E], item: &[E]) -> PairSums {
    if cfg!(feature = "small") {
        return sum_pair_in_registers(user, item);
    }
    let mut lanes = [[0.0_f32; LANES]; 3];
    let [user_squared, item_squared, dot] = &mut lanes;
    let (user, user_rest) = user.as_chunks::<LANES>();
    let (item, item_rest) = item.as_chunks::<LANES>();
    for (p, q) in user.iter().zip(item) {
        multiply_add(user_squared, p, p);
        multiply_add(item_squared, q, q);
        multiply_add(dot, p, q);
    }
    let mut sums = PairSums {
        user_squared: math::fold(*user_squared),
        item_squared: math::fold(*item_squared),
        dot: math::fold(*dot),
    };
    add_pair_rest(&mut sums, user_rest, item_rest);
    sums
}

#[inline(never)]
fn sum_pair_in_registers<E: Element>(user: &[E], item: &[E]) -> PairSums {
    let whole = user.len() - user.len() % LANES;
    let (user, user_rest) = user.split_at_checked(whole).unwrap_or_default();
    let (item, item_rest) = item.split_at_checked(whole).unwrap_or_default();
    let mut sums = PairSums::default();
    if whole > 0 {
        sums = PairSums {
            user_squared: E::dot(user, user),
            item_squared: E::dot(item, item),
            dot: E::dot(user, item),
        };
    }
    add_pair_rest(&mut sums, user_rest, item_rest);
    sums
}

#[inline(always)]
fn add_pair_rest<E: Element>(sums: &mut PairSums, user: &[E], item: &[E]) {
    for (p, q) in user.iter().zip(item) {
        let (p, q) = (p.to_f32(), q.to_f32());
        sums.user_squared += p * p;
        sums.item_squared += q * q;
        sums.dot += p * q;
    }
}

/// Stores what becomes of a row that met others. In two loops, so that both run in vector lanes.
#[inline(always)]
fn apply<const B: usize, E: Element>(row: &mut [E; B], rates: Rates, own: &[f32; B], others: &[f32; B]) {
    let mut next = [0.0; B];
    for ((next, own), other) in next.iter_mut().zip(own).zip(others) {
        *next = rates.keep * own + rates.pull * other;
    }
    for (element, next) in row.iter_mut().zip(next) {
        *element = E::from_f32(next);
    }
}

/// Three slices of equal length.
#[inline(always)]
pub(super) fn step_triple<E: Element>(
    user: &mut [E],
    positive: &mut [E],
    negative: &mut [E],
    rates: [Rates; 3],
) {
    // Without vectors there is nothing to win by blocks.
    if cfg!(feature = "small") {
        for ((p, i), j) in user.iter_mut().zip(positive).zip(negative) {
            let [p, i, j] = [p, i, j].map(core::array::from_mut);
            update_block(p, i, j, rates);
        }
        return;
    }
    let (user, user_rest) = user.as_chunks_mut::<LANES>();
    let (positive, positive_rest) = positive.as_chunks_mut::<LANES>();
    let (negative, negative_rest) = negative.as_chunks_mut::<LANES>();
    for ((p, i), j) in user.iter_mut().zip(positive).zip(negative) {
        update_block(p, i, j, rates);
    }
    let (user, user_rest) = user_rest.as_chunks_mut::<4>();
    let (positive, positive_rest) = positive_rest.as_chunks_mut::<4>();
    let (negative, negative_rest) = negative_rest.as_chunks_mut::<4>();
    for ((p, i), j) in user.iter_mut().zip(positive).zip(negative).take(1) {
        update_block(p, i, j, rates);
    }
    let (user, positive, negative) =
        (user_rest.iter_mut(), positive_rest.iter_mut(), negative_rest.iter_mut());
    for ((p, i), j) in user.zip(positive).zip(negative).take(3) {
        let [p, i, j] = [p, i, j].map(core::array::from_mut);
        update_block(p, i, j, rates);
    }
}

/// All loads of a block come before its stores, so that nothing has to be known about how the rows lie.
#[inline(always)]
fn update_block<const B: usize, E: Element>(
    user: &mut [E; B],
    positive: &mut [E; B],
    negative: &mut [E; B],
    [user_rates, positive_rates, negative_rates]: [Rates; 3],
) {
    let negative_rates = negative_rates.times(-1.0);
    let (old_p, old_i, old_j) = (floats(user), floats(positive), floats(negative));
    let mut difference = [0.0; B];
    for ((difference, i), j) in difference.iter_mut().zip(&old_i).zip(&old_j) {
        *difference = i - j;
    }
    apply(user, user_rates, &old_p, &difference);
    apply(positive, positive_rates, &old_i, &old_p);
    apply(negative, negative_rates, &old_j, &old_p);
}

/// Two slices of equal length.
#[inline(always)]
pub(super) fn step_pair<E: Element>(user: &mut [E], item: &mut [E], rates: [Rates; 2]) {
    if cfg!(feature = "small") {
        for (p, q) in user.iter_mut().zip(item) {
            let [p, q] = [p, q].map(core::array::from_mut);
            update_pair_block(p, q, rates);
        }
        return;
    }
    let (user, user_rest) = user.as_chunks_mut::<LANES>();
    let (item, item_rest) = item.as_chunks_mut::<LANES>();
    for (p, q) in user.iter_mut().zip(item) {
        update_pair_block(p, q, rates);
    }
    let (user, user_rest) = user_rest.as_chunks_mut::<4>();
    let (item, item_rest) = item_rest.as_chunks_mut::<4>();
    for (p, q) in user.iter_mut().zip(item).take(1) {
        update_pair_block(p, q, rates);
    }
    for (p, q) in user_rest.iter_mut().zip(item_rest).take(3) {
        let [p, q] = [p, q].map(core::array::from_mut);
        update_pair_block(p, q, rates);
    }
}

#[inline(always)]
fn update_pair_block<const B: usize, E: Element>(
    user: &mut [E; B],
    item: &mut [E; B],
    [user_rates, item_rates]: [Rates; 2],
) {
    let (old_p, old_q) = (floats(user), floats(item));
    apply(user, user_rates, &old_p, &old_q);
    apply(item, item_rates, &old_q, &old_p);
}
