//! The k-core: what is left when users and items with too few interactions are dropped again and again.

use scall_core::side::{PerSide, Side};

use super::repeats::Groups;

/// Unmarks the interactions outside the `k`-core of the marked ones. O(interactions + entities), however
/// long the chains of entities that drag each other out.
pub(super) fn k_core(users: &[u32], items: &[u32], entities: PerSide<usize>, k: u32, kept: &mut [bool]) {
    if k <= 1 {
        return;
    }
    let ids = PerSide::new(users, items);
    let mut degrees = PerSide::new(vec![0_u32; entities.user], vec![0_u32; entities.item]);
    for side in Side::BOTH {
        let degrees = degrees.get_mut(side);
        for (&id, _) in ids.get(side).iter().zip(kept.iter()).filter(|&(_, &kept)| kept) {
            degrees[id as usize] += 1;
        }
    }
    let groups = PerSide::new(Groups::new(users, entities.user), Groups::new(items, entities.item));
    // Each entity comes here once: when it is found to have too few, or when it comes to have k - 1.
    let mut leaving: Vec<(Side, u32)> = Vec::new();
    for side in Side::BOTH {
        leaving.extend((0_u32..).zip(degrees.get(side)).filter(|&(_, &n)| n < k).map(|(id, _)| (side, id)));
    }
    while let Some((side, id)) = leaving.pop() {
        let other = if side == Side::User { Side::Item } else { Side::User };
        for &row in groups.get(side).rows(id) {
            let row = row as usize;
            if std::mem::replace(&mut kept[row], false) {
                let partner = ids.get(other)[row];
                let degree = &mut degrees.get_mut(other)[partner as usize];
                if *degree == k {
                    leaving.push((other, partner));
                }
                *degree -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition: drop, count again, until nothing is dropped.
    fn by_rounds(pairs: &[(u32, u32)], k: u32, kept: &mut [bool]) {
        loop {
            let count = |of: &dyn Fn(&(u32, u32)) -> bool, kept: &[bool]| {
                pairs.iter().zip(kept).filter(|&(pair, &kept)| kept && of(pair)).count()
            };
            let next: Vec<bool> = pairs
                .iter()
                .zip(kept.iter())
                .map(|(&(user, item), &is_kept)| {
                    is_kept
                        && count(&|pair| pair.0 == user, kept) >= k as usize
                        && count(&|pair| pair.1 == item, kept) >= k as usize
                })
                .collect();
            if next == kept {
                return;
            }
            kept.copy_from_slice(&next);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn equals_the_definition(
            pairs in prop::collection::vec((0_u32..12, 0_u32..15), 0..90),
            k in 0_u32..6,
            dropped in prop::collection::vec(any::<bool>(), 90),
        ) {
            let (users, items): (Vec<u32>, Vec<u32>) = pairs.iter().copied().unzip();
            let mut kept: Vec<bool> = dropped.iter().copied().take(pairs.len()).collect();
            let mut expected = kept.clone();
            by_rounds(&pairs, k, &mut expected);
            k_core(&users, &items, PerSide::new(12, 15), k, &mut kept);
            prop_assert_eq!(kept, expected);
        }
    }

    /// A chain falls apart link by link from its ends: the worst case for a filter that works in rounds.
    #[test]
    fn a_long_chain_is_dropped_at_once() {
        let n = 500_000_u32;
        let users: Vec<u32> = (0..2 * n).map(|row| row / 2).collect();
        let items: Vec<u32> = (0..2 * n).map(|row| row.div_ceil(2)).collect();
        let mut kept = vec![true; users.len()];
        k_core(&users, &items, PerSide::new(n as usize, n as usize + 1), 2, &mut kept);
        assert!(!kept.contains(&true));
    }
}
