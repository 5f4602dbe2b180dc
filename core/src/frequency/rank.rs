//! Ids by falling count, in place.
//!
//! Counts are skewed and full of ties: most entities have been seen never, once or twice. So the ids are
//! dealt into buckets by their counts, straight from `n - 1` down to 0, which leaves the ids of one bucket in
//! the order that ties want. A bucket of one value, like that of all zeros, is then finished. A large one of
//! several values is dealt again over its own range; the small ones are sorted.
//!
//! Buckets cut the range of the bit patterns, which grow with the logarithm of the count.

/// Buckets of one deal. Their counters are the only memory beside the output.
const BUCKETS: usize = 256;

/// How often a bucket is dealt again before it is sorted, and the part of all ids that makes it worth it.
/// Together they bound the work of all deals to a multiple of `n`.
const DEALS: u32 = 3;
const LARGE: usize = 8;

/// Up to this length, a sort inserts.
const SHORT: usize = 16;

/// Writes the ids `0..n` into `order`, by falling count; among equals the larger, newer id comes first
/// (method section 1.2). `n` is the length of the shorter slice, and what follows in `order` stays.
///
/// The order of the counts is total: that of `f32::total_cmp`, falling.
///
/// O(n) for counts with many ties, O(n log n) at worst. In place, with 1 KiB of stack.
pub fn rank(counts: &[f32], order: &mut [u32]) {
    let n = counts.len().min(order.len()).min(u32::MAX as usize);
    let counts = counts.get(..n).unwrap_or_default();
    let order = order.get_mut(..n).unwrap_or_default();
    let (low, high) = counts.iter().fold((u32::MAX, 0), |(low, high), &count| {
        let key = key(count);
        (low.min(key), high.max(key))
    });
    deal_and_sort(counts, order, low, high, DEALS);
}

/// Smaller for larger counts.
#[inline]
const fn key(count: f32) -> u32 {
    let bits = count.to_bits();
    // Flips all bits but the sign of what is not negative.
    if bits >> 31 == 0 { bits ^ 0x7fff_ffff } else { bits }
}

#[inline]
fn key_of(counts: &[f32], id: u32) -> u32 {
    counts.get(id as usize).map_or(u32::MAX, |&count| key(count))
}

/// Puts in order the ids whose keys are from `low` to `high`, which are as many as `order` is long.
fn deal_and_sort(counts: &[f32], order: &mut [u32], low: u32, high: u32, deals: u32) {
    let cut = deal(counts, order, low, high);
    let mut rest = order;
    while let Some(&first) = rest.first() {
        let first = key_of(counts, first);
        let bucket = cut.bucket(first);
        let (mut low, mut high, mut length) = (first, first, 0);
        for &id in rest.iter() {
            let key = key_of(counts, id);
            if cut.bucket(key) != bucket {
                break;
            }
            (low, high, length) = (low.min(key), high.max(key), length + 1);
        }
        let (dealt, after) = core::mem::take(&mut rest).split_at_mut_checked(length).unwrap_or_default();
        if low != high {
            if deals > 0 && length > counts.len() / LARGE {
                deal_and_sort(counts, dealt, low, high, deals - 1);
            } else {
                sort(counts, dealt);
            }
        }
        rest = after;
    }
}

/// How a range of keys is cut into buckets.
#[derive(Clone, Copy)]
struct Cut {
    low: u32,
    /// The largest key has the last bucket to itself: as a rule it is that of zero, the commonest count
    /// and far from all others.
    high: u32,
    /// Buckets per key, in units of 2^-40.
    scale: u64,
}

impl Cut {
    fn new(low: u32, second_highest: u32, high: u32) -> Self {
        let span = u64::from(second_highest.saturating_sub(low)) + 1;
        let scale = ((BUCKETS as u64 - 1) << 40).checked_div(span).unwrap_or(0);
        // A narrow range needs no more than one bucket per key.
        Self { low, high, scale: scale.min(1 << 40) }
    }

    #[inline]
    fn bucket(self, key: u32) -> u8 {
        if key == self.high {
            u8::MAX
        } else {
            ((u64::from(key.wrapping_sub(self.low)) * self.scale) >> 40) as u8
        }
    }
}

/// Writes the ids with keys from `low` to `high` into `order`, bucket by bucket, the larger ids first.
fn deal(counts: &[f32], order: &mut [u32], low: u32, high: u32) -> Cut {
    let inside = |key: u32| (low..=high).contains(&key);
    let second_highest =
        counts.iter().map(|&count| key(count)).filter(|&key| inside(key) && key != high).max().unwrap_or(low);
    let cut = Cut::new(low, second_highest, high);

    let mut next = [0_u32; BUCKETS];
    for key in counts.iter().map(|&count| key(count)).filter(|&key| inside(key)) {
        if let Some(count) = next.get_mut(usize::from(cut.bucket(key))) {
            *count += 1;
        }
    }
    let mut start = 0;
    for slot in &mut next {
        start += core::mem::replace(slot, start);
    }
    for (id, &count) in counts.iter().enumerate().rev() {
        let key = key(count);
        if !inside(key) {
            continue;
        }
        let place = next.get_mut(usize::from(cut.bucket(key)));
        if let Some(place) = place {
            if let Some(slot) = order.get_mut(*place as usize) {
                *slot = id as u32;
            }
            *place += 1;
        }
    }
    cut
}

/// What a sort compares: the key first, then the larger id. No two are equal.
#[inline]
fn full_key(counts: &[f32], id: u32) -> u64 {
    u64::from(key_of(counts, id)) << 32 | u64::from(!id)
}

/// Quicksort, which hands what divides badly to heapsort.
fn sort(counts: &[f32], ids: &mut [u32]) {
    let depth = 2 * ids.len().checked_ilog2().unwrap_or(0);
    quicksort(counts, ids, depth);
}

fn quicksort(counts: &[f32], mut ids: &mut [u32], mut depth: u32) {
    while ids.len() > SHORT {
        if depth == 0 {
            return heapsort(counts, ids);
        }
        depth -= 1;
        let pivot = middle_of_three(counts, ids);
        // Everything before the pivot comes to the front.
        let mut front = 0;
        for at in 0..ids.len() {
            let before = ids.get(at).is_some_and(|&id| full_key(counts, id) < pivot);
            exchange(ids, at, front);
            front += usize::from(before);
        }
        let (left, right) = ids.split_at_mut_checked(front).unwrap_or_default();
        // The shorter part on the stack, the longer one in this loop.
        if left.len() < right.len() {
            quicksort(counts, left, depth);
            ids = right;
        } else {
            quicksort(counts, right, depth);
            ids = left;
        }
    }
    insertion_sort(counts, ids);
}

/// The middle one of the first, the middle and the last key.
fn middle_of_three(counts: &[f32], ids: &[u32]) -> u64 {
    let key = |at: usize| ids.get(at).map_or(0, |&id| full_key(counts, id));
    let (a, b, c) = (key(0), key(ids.len() / 2), key(ids.len().saturating_sub(1)));
    a.min(b).max(a.max(b).min(c))
}

fn insertion_sort(counts: &[f32], ids: &mut [u32]) {
    for end in 1..ids.len() {
        let (sorted, rest) = ids.split_at_mut_checked(end).unwrap_or_default();
        let Some(slot) = rest.first_mut() else { return };
        let id = *slot;
        let key = full_key(counts, id);
        let mut free = slot;
        for earlier in sorted.iter_mut().rev() {
            if full_key(counts, *earlier) < key {
                break;
            }
            *free = *earlier;
            free = earlier;
        }
        *free = id;
    }
}

fn heapsort(counts: &[f32], ids: &mut [u32]) {
    for root in (0..ids.len() / 2).rev() {
        sift_down(counts, ids, root);
    }
    for end in (1..ids.len()).rev() {
        exchange(ids, 0, end);
        sift_down(counts, ids.get_mut(..end).unwrap_or_default(), 0);
    }
}

pub(super) fn sift_down(counts: &[f32], heap: &mut [u32], mut root: usize) {
    let key = |heap: &[u32], at: usize| heap.get(at).map(|&id| full_key(counts, id));
    loop {
        let left = 2 * root + 1;
        // `None` is smaller than any key.
        let child = if key(heap, left) < key(heap, left + 1) { left + 1 } else { left };
        if key(heap, child) <= key(heap, root) {
            return;
        }
        exchange(heap, root, child);
        root = child;
    }
}

#[inline]
pub(super) fn exchange(ids: &mut [u32], a: usize, b: usize) {
    // Always so; it tells the compiler that `swap` cannot panic.
    if a < ids.len() && b < ids.len() {
        ids.swap(a, b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use crate::testing;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    fn by_sorting(counts: &[f32]) -> Vec<u32> {
        let mut ids: Vec<u32> = (0..counts.len() as u32).collect();
        ids.sort_by(|&a, &b| counts[b as usize].total_cmp(&counts[a as usize]).then(b.cmp(&a)));
        ids
    }

    fn ranked(counts: &[f32]) -> Vec<u32> {
        let mut order = vec![u32::MAX; counts.len()];
        rank(counts, &mut order);
        order
    }

    #[test]
    fn ties_go_to_the_newer() {
        assert_eq!(ranked(&[1.0, 0.0, 2.0, 1.0, 0.0, 2.0]), [5, 2, 3, 0, 4, 1]);
        assert_eq!(ranked(&[]), []);
        assert_eq!(ranked(&[3.0]), [0]);
        assert_eq!(ranked(&[0.0; 4]), [3, 2, 1, 0]);
    }

    #[test]
    fn the_shorter_slice_counts() {
        let mut order = [9; 4];
        rank(&[1.0, 2.0], &mut order);
        assert_eq!(order, [1, 0, 9, 9]);
        rank(&[1.0, 2.0, 7.0], &mut order[..2]);
        assert_eq!(order, [1, 0, 9, 9]);
    }

    #[test]
    fn the_order_is_total() {
        let counts = [0.0, -0.0, f32::NAN, f32::INFINITY, -1.0, -f32::NAN, f32::NEG_INFINITY, 1e-45, 5.0];
        assert_eq!(ranked(&counts), [2, 3, 8, 7, 0, 1, 4, 6, 5]);
        assert_eq!(ranked(&counts), by_sorting(&counts));
    }

    /// Counts of many shapes, some made to divide badly.
    fn counts_of(shape: u32, n: usize, generator: &mut Generator) -> Vec<f32> {
        (0..n)
            .map(|i| match shape {
                0 => crate::math::pow(generator.uniform(), -0.8) - 1.0,
                1 => (crate::math::pow(generator.uniform(), -0.8) - 1.0) as u32 as f32,
                2 => generator.uniform(),
                3 => generator.below(3) as f32,
                4 => 1.0 + i as f32 * f32::EPSILON,
                5 => {
                    if i == 0 {
                        1e-30
                    } else {
                        1.0 + generator.below(1 << 20) as f32 * f32::EPSILON
                    }
                }
                6 => f32::from_bits(generator.next_u32()),
                7 => crate::math::exp(80.0 * generator.symmetric()),
                _ => 0.0,
            })
            .collect()
    }

    #[test]
    fn every_shape_is_sorted() {
        let mut generator = Generator::new(11);
        let lengths: &[usize] = if cfg!(miri) { &[2, 30, 70] } else { &[2, 30, 500, 3_000, 60_000] };
        for &n in lengths {
            for shape in 0..9 {
                let counts = counts_of(shape, n, &mut generator);
                assert!(ranked(&counts) == by_sorting(&counts), "shape {shape}, {n} counts");
            }
        }
    }

    #[test]
    fn heapsort_does_what_quicksort_does() {
        let mut generator = Generator::new(12);
        for n in 0..if cfg!(miri) { 20 } else { 200 } {
            let counts = counts_of(0, n, &mut generator);
            let mut ids: Vec<u32> = (0..n as u32).collect();
            heapsort(&counts, &mut ids);
            assert_eq!(ids, by_sorting(&counts));
        }
    }

    proptest! {
        #![proptest_config(testing::config(500))]

        #[test]
        fn it_is_what_a_stable_sort_gives(
            counts in prop::collection::vec(prop_oneof![
                5 => (0_u32..4).prop_map(|count| count as f32),
                3 => (0_u32..500).prop_map(|count| count as f32 * 0.25),
                1 => 0.0_f32..1e6,
                1 => any::<f32>(),
            ], 0..300),
        ) {
            prop_assert_eq!(ranked(&counts), by_sorting(&counts));
        }
    }
}
