//! Which pairs of user and item came up lately, in fixed memory.

use core::hint::black_box;

/// Pairs that share a set; one set is half a cache line.
const WAYS: usize = 8;

/// One bit for each of them.
const BITS: [u32; WAYS] = [1, 2, 4, 8, 16, 32, 64, 128];

/// Length in words of the memory of a [`SeenFilter`] that remembers up to `pairs` pairs.
pub const fn seen_len(pairs: usize) -> usize {
    pairs.div_ceil(WAYS).saturating_mul(WAYS)
}

/// A set-associative table of pair fingerprints, 4 bytes a pair.
///
/// A pair goes to one set of eight, chosen by its hash, and pushes out the oldest pair of that set when
/// the set is full: what was recorded last is always known, and memory never grows. With `n` pairs
/// recorded since, a pair is forgotten with the probability that eight of them fell into its set; for a
/// quarter of the capacity that is 0.1%, for half of it 5%, for three quarters 26%.
///
/// A pair that was never recorded is taken for a known one with probability below `8 / 2^32`.
#[derive(Debug)]
pub struct SeenFilter<'a> {
    /// The newest pair first; 0 where there is none.
    sets: &'a mut [[u32; WAYS]],
}

impl<'a> SeenFilter<'a> {
    /// An empty filter over `words`, of which it uses a whole number of sets. Without memory it knows
    /// nothing.
    pub fn new(words: &'a mut [u32]) -> Self {
        words.fill(0);
        Self::restore(words)
    }

    /// The filter whose [`words`](Self::words) are in memory already.
    pub fn restore(words: &'a mut [u32]) -> Self {
        Self { sets: words.as_chunks_mut().0 }
    }

    /// The whole state, for a snapshot.
    pub fn words(&self) -> &[u32] {
        self.sets.as_flattened()
    }

    pub(super) fn words_mut(&mut self) -> &mut [u32] {
        self.sets.as_flattened_mut()
    }

    /// How many pairs it can remember.
    pub fn capacity(&self) -> usize {
        self.words().len()
    }

    /// Whether `user` had `item`, as far as it is remembered.
    #[inline(always)]
    pub fn contains(&self, user: u32, item: u32) -> bool {
        let (index, fingerprint) = self.place(user, item);
        self.sets.get(index).is_some_and(|set| has(set, fingerprint))
    }

    /// Records that `user` has `item` now.
    #[inline(always)]
    pub fn insert(&mut self, user: u32, item: u32) {
        let (index, fingerprint) = self.place(user, item);
        let Some(set) = self.sets.get_mut(index) else { return };
        if cfg!(feature = "small") {
            insert_in_place(set, fingerprint);
            return;
        }
        // Everything moves back by one, up to where the pair itself stood before. Without a branch, since no processor
        // foresees whether a pair is known, and where. Bits that LLVM does not see are all treated alike: in one vector.
        let (old, bits) = (*set, black_box(&BITS));
        let mut found = [0; WAYS];
        for ((found, entry), bit) in found.iter_mut().zip(old).zip(bits) {
            *found = bit & u32::from(entry == fingerprint).wrapping_neg();
        }
        let found = black_box(found.iter().fold(0, |found, bit| found | bit));
        let [a, b, c, d, e, f, g, _] = old;
        let mut new = [fingerprint, a, b, c, d, e, f, g];
        for ((new, old), bit) in new.iter_mut().zip(old).zip(bits) {
            let moves = u32::from(found & (bit - 1) == 0).wrapping_neg();
            *new = old ^ ((old ^ *new) & moves);
        }
        *set = new;
    }

    /// Forgets a pair, as if `user` had never had `item`.
    pub fn forget(&mut self, user: u32, item: u32) {
        let (index, fingerprint) = self.place(user, item);
        let set = self.sets.get_mut(index).filter(|set| set.contains(&fingerprint));
        // Whatever is older moves up by one.
        let mut carried = 0;
        for entry in set.into_iter().flatten().rev() {
            core::mem::swap(entry, &mut carried);
            if carried == fingerprint {
                break;
            }
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.sets.fill([0; WAYS]);
    }

    /// The set and the fingerprint of a pair.
    #[inline(always)]
    fn place(&self, user: u32, item: u32) -> (usize, u32) {
        let mut hash = (u64::from(user) << 32) | u64::from(item);
        hash = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash ^= hash >> 32;
        let index = (((hash & 0xffff_ffff) * self.sets.len() as u64) >> 32) as usize;
        // Zero means an empty place.
        (index, ((hash >> 32) as u32).max(1))
    }
}

/// Makes a pair the newest of its set, entry by entry: less code.
fn insert_in_place(set: &mut [u32; WAYS], fingerprint: u32) {
    let mut carried = fingerprint;
    for entry in set {
        core::mem::swap(entry, &mut carried);
        if carried == fingerprint {
            break;
        }
    }
}

/// Whether a set holds a fingerprint.
#[inline(always)]
fn has(set: &[u32; WAYS], fingerprint: u32) -> bool {
    if cfg!(feature = "small") {
        let [a, b, c, d, e, f, g, h] = *set;
        let is = |entry| entry == fingerprint;
        return is(a) || is(b) || is(c) || is(d) || is(e) || is(f) || is(g) || is(h);
    }
    // Without an early end the eight comparisons are one vector operation.
    set.iter().fold(false, |known, &entry| known | (entry == fingerprint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{HashMap, HashSet};
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn length_is_in_whole_sets() {
        assert_eq!(seen_len(0), 0);
        assert_eq!(seen_len(1), 8);
        assert_eq!(seen_len(16), 16);
        assert_eq!(seen_len(17), 24);
    }

    #[test]
    fn without_memory_it_knows_nothing() {
        let mut words = [1, 2, 3];
        let mut filter = SeenFilter::new(&mut words);
        filter.insert(1, 2);
        assert!(!filter.contains(1, 2));
        assert_eq!(filter.capacity(), 0);
    }

    #[test]
    fn one_set_forgets_the_oldest_and_a_repeat_makes_new_again() {
        let mut words = [0; 8];
        let mut filter = SeenFilter::new(&mut words);
        for item in 0..8 {
            filter.insert(7, item);
        }
        filter.insert(7, 0);
        assert!((0..8).all(|item| filter.contains(7, item)));
        filter.insert(7, 8);
        assert!(!filter.contains(7, 1));
        assert!([0, 2, 3, 4, 5, 6, 7, 8].iter().all(|&item| filter.contains(7, item)));
        assert!(!filter.contains(8, 8));
        filter.clear();
        assert!(!filter.contains(7, 8));
    }

    #[test]
    fn strangers_are_not_taken_for_known() {
        let each = if cfg!(miri) { 8 } else { 64 };
        let mut words = vec![0; seen_len(4096)];
        let mut filter = SeenFilter::new(&mut words);
        let known: HashSet<_> =
            (0..each).flat_map(|user| (0..each).map(move |item| (user, item * 3))).collect();
        for &(user, item) in &known {
            filter.insert(user, item);
        }
        let wrong = (0..each).flat_map(|user| (0..each * 100).map(move |item| (user, item)));
        let wrong =
            wrong.filter(|pair| !known.contains(pair)).filter(|&(u, i)| filter.contains(u, i)).count();
        assert_eq!(wrong, 0);
    }

    #[test]
    #[cfg_attr(miri, ignore = "much of the same")]
    fn the_stated_share_is_forgotten_at_half_and_three_quarters_of_the_capacity() {
        let mut words = vec![0; seen_len(1 << 16)];
        for (share, low, high) in [(0.5_f64, 0.02, 0.09), (0.75, 0.20, 0.32)] {
            let mut filter = SeenFilter::new(&mut words);
            let pairs = (65_536.0 * share) as u32;
            for n in 0..=pairs {
                filter.insert(n % 977, n);
            }
            // The oldest hundredth has nearly all the others behind it.
            let old = pairs / 100;
            let lost = (0..old).filter(|&n| !filter.contains(n % 977, n)).count();
            let lost = lost as f64 / f64::from(old);
            assert!((low..high).contains(&lost), "{share} {lost}");
        }
    }

    proptest! {
        #![proptest_config(crate::testing::config(64))]

        /// A set is a list of the last eight distinct pairs that hashed to it.
        #[test]
        fn behaves_as_one_list_a_set(
            sets in 1_usize..5,
            pairs in prop::collection::vec((0_u32..12, 0_u32..12, prop::bool::weighted(0.8)), 0..300),
        ) {
            let mut words = vec![9; sets * WAYS];
            let mut filter = SeenFilter::new(&mut words);
            let mut lists: HashMap<usize, Vec<(u32, u32)>> = HashMap::new();
            for (user, item, keep) in pairs {
                let (index, _) = filter.place(user, item);
                prop_assert!(index < sets);
                let list = lists.entry(index).or_default();
                prop_assert_eq!(filter.contains(user, item), list.contains(&(user, item)));
                list.retain(|&pair| pair != (user, item));
                if keep {
                    filter.insert(user, item);
                    list.insert(0, (user, item));
                    list.truncate(WAYS);
                } else {
                    filter.forget(user, item);
                    prop_assert!(!filter.contains(user, item));
                }
                for &(user, item) in lists.values().flatten() {
                    prop_assert!(filter.contains(user, item));
                }
            }
        }
    }
}
