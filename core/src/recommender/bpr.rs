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

use crate::element::{Element, PairSums, Rates};
use crate::math;
use crate::tables::SquareSum;

use super::config::RecommenderConfig;

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
pub struct Step<S = f32> {
    /// By how much the liked item was ahead before the step; the loss was [`math::softplus`] of its
    /// negative.
    pub margin: f32,
    /// The accumulators after it.
    pub accumulators: PerRow<S>,
    /// Stored values that went to the end of their type's range.
    pub saturated: u32,
}

/// What a step follows from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    margin: f32,
    /// The gradient of each row x is `pull y - l2 x`, with y = q_i - q_j, p, -p; its squared length comes
    /// from y^2, x y and x^2.
    toward: [f32; 3],
    across: [f32; 3],
    own: [f32; 3],
    /// Dimensions of each row that take part.
    dimensions: [usize; 3],
}

/// One step; O(dimensions), two passes over the rows.
///
/// `dither` is a random word for types that [round by chance](Element::DITHERS).
#[inline(always)]
pub fn step<E: Element, S: SquareSum>(
    config: &RecommenderConfig,
    rows: Rows<'_, E>,
    accumulators: PerRow<S>,
    dither: u32,
) -> Step<S> {
    let measured = measure(config, [rows.user, rows.positive, rows.negative]);
    finish(config, rows, &measured, accumulators, dither)
}

/// The first half of a step: reads the rows of a user, a liked item and another one.
#[inline(always)]
pub(super) fn measure<E: Element>(
    config: &RecommenderConfig,
    [user, positive, negative]: [&[E]; 3],
) -> Measured {
    let bias = if config.item_bias { E::BIAS } else { 0 };
    let (positive_bias, positive) = positive.split_at_checked(bias).unwrap_or((positive, &[]));
    let (negative_bias, negative) = negative.split_at_checked(bias).unwrap_or((negative, &[]));
    let of_positive = user.len().min(positive.len());
    let of_negative = user.len().min(negative.len());
    let of_user = of_positive.max(of_negative);
    let common = of_positive.min(of_negative);
    let sums = E::sum_triple(part(user, 0, common), part(positive, 0, common), part(negative, 0, common));
    // Beyond what all three have there is at most one item.
    let longer_is_positive = of_positive > common;
    let longer = if longer_is_positive { positive } else { negative };
    let beyond = if of_user > common {
        E::sum_pair(part(user, common, of_user), part(longer, common, of_user))
    } else {
        PairSums::default()
    };
    let (of_i, of_j) = if longer_is_positive { (1.0, 0.0) } else { (0.0, 1.0) };
    let positive_dot = sums.positive_dot + of_i * beyond.dot;
    let negative_dot = sums.negative_dot + of_j * beyond.dot;
    Measured {
        margin: (E::bias(positive_bias) + positive_dot) - (E::bias(negative_bias) + negative_dot),
        toward: [
            sums.difference_squared + beyond.item_squared,
            sums.user_squared + of_i * beyond.user_squared,
            sums.user_squared + of_j * beyond.user_squared,
        ],
        across: [positive_dot - negative_dot, positive_dot, -negative_dot],
        own: [
            sums.user_squared + beyond.user_squared,
            sums.positive_squared + of_i * beyond.item_squared,
            sums.negative_squared + of_j * beyond.item_squared,
        ],
        dimensions: [of_user, of_positive, of_negative],
    }
}

/// The second half: changes the rows, which must be as they were.
#[inline(always)]
pub(super) fn finish<E: Element, S: SquareSum>(
    config: &RecommenderConfig,
    rows: Rows<'_, E>,
    measured: &Measured,
    accumulators: PerRow<S>,
    dither: u32,
) -> Step<S> {
    let &Measured { margin, toward, across, own, dimensions } = measured;
    let pull = math::sigmoid(-margin);
    let l2 = [config.user_l2, config.item_l2, config.item_l2];
    let mut accumulators = [accumulators.user, accumulators.positive, accumulators.negative];
    // Far bits of one word, for sums that are rounded by chance.
    let mut chance = dither.reverse_bits();
    // A row becomes keep x + rate y.
    let mut rates = [Rates { keep: 1.0, pull: 0.0 }; 3];
    for ((((((accumulator, rates), toward), across), own), l2), dimensions) in
        accumulators.iter_mut().zip(&mut rates).zip(toward).zip(across).zip(own).zip(l2).zip(dimensions)
    {
        let square = (pull * pull * toward - 2.0 * pull * l2 * across) + l2 * l2 * own;
        // Not `max`, which is a call where there is no such instruction.
        let square = if square > 0.0 { square } else { 0.0 };
        let mean = square * (1.0 / dimensions.max(1) as u32 as f32);
        let rate = config.learning_rate * accumulator.advance(mean, chance);
        chance = chance.rotate_left(11);
        *rates = Rates { keep: 1.0 - rate * l2, pull: rate * pull };
    }

    let Rows { user, positive, negative } = rows;
    let (positive_bias, positive) = split_bias(positive, config.item_bias);
    let (negative_bias, negative) = split_bias(negative, config.item_bias);
    let [of_user, of_positive, of_negative] = dimensions;
    let common = of_positive.min(of_negative);
    let (user, user_beyond) = split(user, common);
    let (positive, positive_beyond) = split(positive, common);
    let (negative, negative_beyond) = split(negative, common);
    let mut saturated = E::step_triple(user, positive, negative, rates, dither);
    if of_user > common {
        let [user_rates, positive_rates, negative_rates] = rates;
        let (longer, item_rates, sign) = if of_positive > common {
            (positive_beyond, positive_rates, 1.0)
        } else {
            (negative_beyond, negative_rates, -1.0)
        };
        let (longer, user_beyond) = (cut(longer, of_user - common), cut(user_beyond, of_user - common));
        let rates = [user_rates.times(sign), item_rates.times(sign)];
        saturated += E::step_pair(user_beyond, longer, rates, dither.rotate_left(8));
    }
    saturated += step_bias(config, positive_bias, pull, dither.rotate_left(16));
    saturated += step_bias(config, negative_bias, -pull, dither.rotate_left(24));
    let [user, positive, negative] = accumulators;
    Step { margin, accumulators: PerRow { user, positive, negative }, saturated }
}

/// A bias has no accumulator.
#[inline(always)]
fn step_bias<E: Element>(config: &RecommenderConfig, row: &mut [E], pull: f32, dither: u32) -> u32 {
    let value = E::bias(row);
    let stepped = value + config.bias_learning_rate * (pull - config.bias_l2 * value);
    u32::from(E::set_bias(row, stepped, dither))
}

/// Bias and embedding of an item's row.
#[inline(always)]
fn split_bias<E: Element>(row: &mut [E], has_bias: bool) -> (&mut [E], &mut [E]) {
    split(row, if has_bias { E::BIAS } else { 0 })
}

/// The elements from one to before another; none if there are fewer.
#[inline(always)]
fn part<E>(row: &[E], from: usize, to: usize) -> &[E] {
    row.get(from..to).unwrap_or_default()
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

#[cfg(test)]
mod tests;
