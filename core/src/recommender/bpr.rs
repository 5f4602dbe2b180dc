//! One step of Bayesian personalised ranking on three rows of different lengths.
//!
//! Of a user `p` and two items `i` (liked) and `j` (not) with biases `b`, the step descends the loss
//!
//! ```text
//! ln(1 + e^-x) + l2/2 (|p|^2 + |q_i|^2 + |q_j|^2 + b_i^2 + b_j^2),   x = b_i + p.q_i - b_j - p.q_j
//! ```
//!
//! (Rendle et al., UAI 2009, with one `l2` a side), where a product runs over the common leading
//! dimensions. A dimension takes part in a step if the row at its other end has it too: of an item those
//! that the user has, of a user those that at least one of the items has. The others have no gradient, and
//! no decay either: a long row keeps what it learned from long partners while it meets short ones.
//!
//! The step size is AdaGrad's with one accumulator a row: the running sum of the mean, over the dimensions
//! that take part, of the squared gradient (penalty included, bias excluded). No dimension moves by more
//! than `learning_rate * sqrt(dimensions)`, so rows stay finite.

use crate::arena::Element;
use crate::math::{self, LANES};

use super::config::RecommenderConfig;

/// Added to an accumulator before the inverse square root.
const EPSILON: f32 = 1e-8;

/// The three rows of a step.
#[derive(Debug)]
pub struct Rows<'r, E> {
    /// The user's embedding.
    pub user: &'r mut [E],
    /// The liked item's row, `[bias | embedding]` if items have biases.
    pub positive: &'r mut [E],
    /// The other item's row.
    pub negative: &'r mut [E],
}

/// One value for each row of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PerRow<T = f32> {
    /// The user's.
    pub user: T,
    /// The liked item's.
    pub positive: T,
    /// The other item's.
    pub negative: T,
}

/// What a step found and left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// By how much the liked item was ahead before the step; the loss was [`math::softplus`] of its
    /// negative.
    pub margin: f32,
    /// The accumulators after it.
    pub accumulators: PerRow,
}

/// Sums over the dimensions that all three rows have.
#[derive(Clone, Copy)]
struct Sums {
    difference_squared: f32,
    user_squared: f32,
    positive_squared: f32,
    negative_squared: f32,
    positive_dot: f32,
    negative_dot: f32,
}

/// Sums over the dimensions that the user and one of the items have.
#[derive(Clone, Copy, Default)]
struct PairSums {
    user_squared: f32,
    item_squared: f32,
    dot: f32,
}

/// One step; O(dimensions), two passes over the rows.
#[inline(always)]
pub fn step<E: Element>(config: &RecommenderConfig, rows: Rows<'_, E>, accumulators: PerRow) -> Step {
    let Rows { user, positive, negative } = rows;
    let (positive_bias, positive) = split_bias(positive, config.item_bias);
    let (negative_bias, negative) = split_bias(negative, config.item_bias);

    let of_positive = user.len().min(positive.len());
    let of_negative = user.len().min(negative.len());
    let of_user = of_positive.max(of_negative);
    let common = of_positive.min(of_negative);
    let (user, user_beyond) = split(user, common);
    let (positive, positive_beyond) = split(positive, common);
    let (negative, negative_beyond) = split(negative, common);
    // Beyond what all three have there is at most one item.
    let (longer, longer_is_positive) =
        if of_positive > common { (positive_beyond, true) } else { (negative_beyond, false) };
    let (longer, user_beyond) = (cut(longer, of_user - common), cut(user_beyond, of_user - common));

    let sums = sum(user, positive, negative);
    let beyond = if longer.is_empty() { PairSums::default() } else { sum_pair(user_beyond, longer) };
    let (of_i, of_j) = if longer_is_positive { (1.0, 0.0) } else { (0.0, 1.0) };
    let positive_dot = sums.positive_dot + of_i * beyond.dot;
    let negative_dot = sums.negative_dot + of_j * beyond.dot;
    let positive_b = positive_bias.as_ref().map_or(0.0, |bias| bias.to_f32());
    let negative_b = negative_bias.as_ref().map_or(0.0, |bias| bias.to_f32());
    let margin = (positive_b + positive_dot) - (negative_b + negative_dot);
    let pull = math::sigmoid(-margin);

    // For each row x the gradient is pull y - l2 x, with y = q_i - q_j, p, -p; its squared length comes from
    // y^2, x y and x^2. The row becomes keep x + rate y.
    let toward = [
        sums.difference_squared + beyond.item_squared,
        sums.user_squared + of_i * beyond.user_squared,
        sums.user_squared + of_j * beyond.user_squared,
    ];
    let across = [positive_dot - negative_dot, positive_dot, -negative_dot];
    let own = [
        sums.user_squared + beyond.user_squared,
        sums.positive_squared + of_i * beyond.item_squared,
        sums.negative_squared + of_j * beyond.item_squared,
    ];
    let l2 = [config.user_l2, config.item_l2, config.item_l2];
    let dimensions = [of_user, of_positive, of_negative];
    let mut accumulators = [accumulators.user, accumulators.positive, accumulators.negative];
    let mut rates = [Rates { keep: 1.0, pull: 0.0 }; 3];
    for ((((((accumulator, rates), toward), across), own), l2), dimensions) in
        accumulators.iter_mut().zip(&mut rates).zip(toward).zip(across).zip(own).zip(l2).zip(dimensions)
    {
        let square = (pull * pull * toward - 2.0 * pull * l2 * across) + l2 * l2 * own;
        *accumulator += square.max(0.0) * (1.0 / dimensions.max(1) as u32 as f32);
        let rate = config.learning_rate * math::inverse_sqrt(*accumulator + EPSILON);
        *rates = Rates { keep: 1.0 - rate * l2, pull: rate * pull };
    }
    let [user_rates, positive_rates, negative_rates] = rates;
    update(user, positive, negative, rates);
    if !longer.is_empty() {
        let (item_rates, sign) =
            if longer_is_positive { (positive_rates, 1.0) } else { (negative_rates, -1.0) };
        update_pair(user_beyond, longer, [user_rates.times(sign), item_rates.times(sign)]);
    }
    step_bias(config, positive_bias, positive_b, pull);
    step_bias(config, negative_bias, negative_b, -pull);
    let [user, positive, negative] = accumulators;
    Step { margin, accumulators: PerRow { user, positive, negative } }
}

/// A bias has no accumulator.
#[inline(always)]
fn step_bias<E: Element>(config: &RecommenderConfig, bias: Option<&mut E>, value: f32, pull: f32) {
    if let Some(bias) = bias {
        *bias = E::from_f32(value + config.bias_learning_rate * (pull - config.bias_l2 * value));
    }
}

/// Bias and embedding of an item's row.
#[inline(always)]
fn split_bias<E>(row: &mut [E], has_bias: bool) -> (Option<&mut E>, &mut [E]) {
    if has_bias {
        match row.split_first_mut() {
            Some((bias, embedding)) => (Some(bias), embedding),
            None => (None, &mut []),
        }
    } else {
        (None, row)
    }
}

/// The first `at` elements, at most all, and the others.
#[inline(always)]
fn split<E>(row: &mut [E], at: usize) -> (&mut [E], &mut [E]) {
    let at = at.min(row.len());
    row.split_at_mut_checked(at).unwrap_or_default()
}

/// The first `length` elements, at most all.
#[inline(always)]
fn cut<E>(row: &mut [E], length: usize) -> &mut [E] {
    let length = length.min(row.len());
    row.get_mut(..length).unwrap_or_default()
}

/// Three slices of equal length: whole blocks in lanes, then the rest in order.
#[inline(always)]
fn sum<E: Element>(user: &[E], positive: &[E], negative: &[E]) -> Sums {
    let mut lanes = [[0.0_f32; LANES]; 6];
    let [difference_squared, user_squared, positive_squared, negative_squared, positive_dot, negative_dot] =
        &mut lanes;
    let (user, user_rest) = user.as_chunks::<LANES>();
    let (positive, positive_rest) = positive.as_chunks::<LANES>();
    let (negative, negative_rest) = negative.as_chunks::<LANES>();
    for ((p, i), j) in user.iter().zip(positive).zip(negative) {
        let mut difference = [0.0; LANES];
        for ((d, i), j) in difference.iter_mut().zip(i).zip(j) {
            *d = i.to_f32() - j.to_f32();
        }
        multiply_add(difference_squared, &difference, &difference);
        multiply_add(user_squared, p, p);
        multiply_add(positive_squared, i, i);
        multiply_add(negative_squared, j, j);
        multiply_add(positive_dot, p, i);
        multiply_add(negative_dot, p, j);
    }
    let mut sums = Sums {
        difference_squared: math::fold(*difference_squared),
        user_squared: math::fold(*user_squared),
        positive_squared: math::fold(*positive_squared),
        negative_squared: math::fold(*negative_squared),
        positive_dot: math::fold(*positive_dot),
        negative_dot: math::fold(*negative_dot),
    };
    for ((p, i), j) in user_rest.iter().zip(positive_rest).zip(negative_rest) {
        let (p, i, j) = (p.to_f32(), i.to_f32(), j.to_f32());
        let difference = i - j;
        sums.difference_squared += difference * difference;
        sums.user_squared += p * p;
        sums.positive_squared += i * i;
        sums.negative_squared += j * j;
        sums.positive_dot += p * i;
        sums.negative_dot += p * j;
    }
    sums
}

#[inline(always)]
fn multiply_add<E: Element>(lanes: &mut [f32; LANES], a: &[E; LANES], b: &[E; LANES]) {
    for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
        *lane += a.to_f32() * b.to_f32();
    }
}

/// Two slices of equal length, in the same order.
#[inline(always)]
fn sum_pair<E: Element>(user: &[E], item: &[E]) -> PairSums {
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
    for (p, q) in user_rest.iter().zip(item_rest) {
        let (p, q) = (p.to_f32(), q.to_f32());
        sums.user_squared += p * p;
        sums.item_squared += q * q;
        sums.dot += p * q;
    }
    sums
}

/// What becomes of a row: `keep` of itself, and `pull` of the rows it met.
#[derive(Clone, Copy)]
struct Rates {
    keep: f32,
    pull: f32,
}

impl Rates {
    #[inline(always)]
    fn times(self, sign: f32) -> Self {
        Self { pull: sign * self.pull, ..self }
    }

    #[inline(always)]
    fn apply<E: Element>(self, own: f32, other: f32) -> E {
        E::from_f32(self.keep * own + self.pull * other)
    }
}

/// Three slices of equal length.
#[inline(always)]
fn update<E: Element>(user: &mut [E], positive: &mut [E], negative: &mut [E], rates: [Rates; 3]) {
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
    let (old_p, old_i, old_j) = (*user, *positive, *negative);
    for (((p, own), i), j) in user.iter_mut().zip(&old_p).zip(&old_i).zip(&old_j) {
        *p = user_rates.apply(own.to_f32(), i.to_f32() - j.to_f32());
    }
    for ((i, own), p) in positive.iter_mut().zip(&old_i).zip(&old_p) {
        *i = positive_rates.apply(own.to_f32(), p.to_f32());
    }
    for ((j, own), p) in negative.iter_mut().zip(&old_j).zip(&old_p) {
        *j = negative_rates.apply(own.to_f32(), p.to_f32());
    }
}

/// Two slices of equal length.
#[inline(always)]
fn update_pair<E: Element>(user: &mut [E], item: &mut [E], rates: [Rates; 2]) {
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
    let (old_p, old_q) = (*user, *item);
    for ((p, own), q) in user.iter_mut().zip(&old_p).zip(&old_q) {
        *p = user_rates.apply(own.to_f32(), q.to_f32());
    }
    for ((q, own), p) in item.iter_mut().zip(&old_q).zip(&old_p) {
        *q = item_rates.apply(own.to_f32(), p.to_f32());
    }
}

#[cfg(test)]
mod tests;
