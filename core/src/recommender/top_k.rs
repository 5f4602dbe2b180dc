//! The best few of many scores.

use core::cmp::Ordering;

/// An item with its score.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The item's id.
    pub item: u32,
    /// Its score, in the recommender's own unit: only differences mean something.
    pub score: f32,
}

impl Scored {
    /// Behind everything: what an unused place holds.
    pub const NONE: Self = Self { item: u32::MAX, score: f32::NAN };

    /// `Less` if `self` ranks before `other`: the higher score first, equal ones by ascending id.
    ///
    /// A total order: both zeros are equal, and all that is not a number ranks behind minus infinity.
    #[inline]
    pub fn rank(&self, other: &Self) -> Ordering {
        key(other.score).cmp(&key(self.score)).then(self.item.cmp(&other.item))
    }
}

impl Scored {
    /// Whether it ranks before another.
    #[inline(always)]
    fn is_before(&self, other: &Self) -> bool {
        if self.score > other.score {
            return true;
        }
        if self.score < other.score {
            return false;
        }
        self.wins_a_tie(other)
    }

    /// The same where neither score is above the other.
    #[cold]
    #[inline(never)]
    fn wins_a_tie(&self, other: &Self) -> bool {
        self.rank(other).is_lt()
    }
}

/// A number that orders scores.
#[inline]
fn key(score: f32) -> i32 {
    if score.is_nan() {
        return i32::MIN;
    }
    // Adding zero turns the negative zero into the positive one.
    let bits = (score + 0.0).to_bits().cast_signed();
    // Of negative numbers the magnitude's bits descend where the values ascend.
    bits ^ ((bits >> 31).cast_unsigned() >> 1).cast_signed()
}

/// The first `k` of the items offered, in the order of [`Scored::rank`], in a slice of `k` places.
///
/// An offer that is not good enough costs one comparison, one that is costs O(k).
#[derive(Debug)]
pub struct TopK<'a> {
    places: &'a mut [Scored],
    /// How many of them are.
    taken: usize,
    threshold: f32,
}

impl<'a> TopK<'a> {
    /// Nothing yet, in `places`.
    #[inline]
    pub fn new(places: &'a mut [Scored]) -> Self {
        places.fill(Scored::NONE);
        Self { places, taken: 0, threshold: f32::NEG_INFINITY }
    }

    /// Goes on with places that an earlier one left, or that hold [`Scored::NONE`].
    #[inline]
    pub fn resume(places: &'a mut [Scored]) -> Self {
        let threshold = threshold(places);
        let is_taken = |place: &Scored| place.item != u32::MAX;
        let is_full = places.last().is_some_and(is_taken);
        let taken =
            if is_full { places.len() } else { places.iter().take_while(|place| is_taken(place)).count() };
        Self { places, taken, threshold }
    }

    /// No score below this one can get in any more; minus infinity while there are free places.
    #[inline(always)]
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Whether an item with this score could get in; only [`offer`](Self::offer) decides between equal
    /// scores.
    #[inline(always)]
    pub fn admits(&self, score: f32) -> bool {
        admits(score, self.threshold)
    }

    /// Takes `item` if it is among the best so far.
    #[inline(always)]
    pub fn offer(&mut self, item: u32, score: f32) {
        if self.admits(score) {
            self.insert(Scored { item, score });
        }
    }

    /// The same where [`admits`](Self::admits) was asked before.
    #[cold]
    #[cfg_attr(not(feature = "small"), inline(never))]
    pub(super) fn insert(&mut self, scored: Scored) {
        let up_to = (self.taken + 1).min(self.places.len());
        let places = self.places.get_mut(..up_to).unwrap_or_default();
        let Some((mut free, mut before)) = places.split_last_mut() else { return };
        if self.taken == up_to && !scored.is_before(free) {
            return;
        }
        self.taken = up_to;
        while let Some((place, rest)) = before.split_last_mut()
            && scored.is_before(place)
        {
            *free = *place;
            (free, before) = (place, rest);
        }
        *free = scored;
        if self.taken == self.places.len() {
            self.threshold = threshold(self.places);
        }
    }

    /// How many places are taken; they are in order.
    #[inline]
    pub fn finish(self) -> usize {
        self.taken
    }
}

/// Whether a score reaches a threshold, or is not a number and so may still fill a free place.
#[inline(always)]
pub(super) fn admits(score: f32, threshold: f32) -> bool {
    !matches!(score.partial_cmp(&threshold), Some(Ordering::Less))
}

/// The last place's score; while that is not a number, every number is better.
#[inline]
fn threshold(places: &[Scored]) -> f32 {
    match places.last() {
        Some(last) if !last.score.is_nan() => last.score,
        Some(_) => f32::NEG_INFINITY,
        None => f32::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    fn top(k: usize, offers: &[Scored]) -> Vec<Scored> {
        let mut places = vec![Scored::NONE; k];
        let mut top = TopK::new(&mut places);
        for offer in offers {
            top.offer(offer.item, offer.score);
        }
        let len = top.finish();
        places.truncate(len);
        places
    }

    fn scored(item: u32, score: f32) -> Scored {
        Scored { item, score }
    }

    #[test]
    fn ties_go_to_the_smaller_id() {
        let offers = [scored(9, 1.0), scored(3, 1.0), scored(5, 2.0), scored(4, 1.0), scored(0, 0.5)];
        assert_eq!(top(3, &offers), [scored(5, 2.0), scored(3, 1.0), scored(4, 1.0)]);
        let zeros = [scored(2, 0.0), scored(1, -0.0), scored(3, -0.0)];
        assert_eq!(top(2, &zeros).iter().map(|s| s.item).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn what_is_not_a_number_comes_last() {
        let offers = [
            scored(0, f32::NAN),
            scored(1, f32::NEG_INFINITY),
            scored(2, -f32::NAN),
            scored(3, 1.0),
            scored(4, f32::INFINITY),
        ];
        let order = |k| top(k, &offers).iter().map(|s| s.item).collect::<Vec<_>>();
        assert_eq!(order(9), [4, 3, 1, 0, 2]);
        assert_eq!(order(4), [4, 3, 1, 0]);
        assert_eq!(order(3), [4, 3, 1]);
        assert_eq!(order(0), []);
    }

    fn any_score() -> impl Strategy<Value = f32> {
        prop_oneof![
            (-3_i8..4).prop_map(f32::from),
            any::<u32>().prop_map(f32::from_bits),
            Just(f32::NAN),
            Just(-0.0_f32)
        ]
    }

    proptest! {
        #![proptest_config(crate::testing::config(256))]

        #[test]
        fn equals_a_full_sort(
            scores in prop::collection::vec(any_score(), 0..80),
            k in 0_usize..30,
            shift in 0_u32..80,
        ) {
            let n = scores.len() as u32;
            let mut all: Vec<Scored> =
                scores.iter().enumerate().map(|(i, &s)| scored((i as u32 + shift) % n.max(1), s)).collect();
            let found = top(k, &all);
            // The order stated in words, not by `rank`.
            all.sort_by(|a, b| {
                a.score.is_nan().cmp(&b.score.is_nan())
                    .then(b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal))
                    .then(a.item.cmp(&b.item))
            });
            all.truncate(k);
            prop_assert_eq!(found.len(), all.len());
            for (a, b) in found.iter().zip(&all) {
                prop_assert_eq!(a.item, b.item);
                prop_assert_eq!(a.score.to_bits(), b.score.to_bits());
            }
        }

        #[test]
        fn rank_is_a_total_order(a in any_score(), b in any_score(), c in any_score(), ids in any::<[u8; 3]>()) {
            let [x, y, z] = [scored(ids[0].into(), a), scored(ids[1].into(), b), scored(ids[2].into(), c)];
            prop_assert_eq!(x.rank(&y), y.rank(&x).reverse());
            if x.rank(&y).is_le() && y.rank(&z).is_le() {
                prop_assert!(x.rank(&z).is_le());
            }
        }
    }
}
