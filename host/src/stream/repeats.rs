//! Later interactions of the same user and item.

use scall_core::side::PerSide;

/// Unmarks every interaction whose pair stands earlier in the stream. O(interactions + entities).
pub(super) fn drop_repeats(users: &[u32], items: &[u32], entities: PerSide<usize>, kept: &mut [bool]) {
    let groups = Groups::new(users, entities.user);
    // The last user that was seen with an item; users come one after the other.
    let mut seen = vec![u32::MAX; entities.item];
    for user in (0_u32..).take(entities.user) {
        for &row in groups.rows(user) {
            let row = row as usize;
            let last = &mut seen[items[row] as usize];
            if std::mem::replace(last, user) == user {
                kept[row] = false;
            }
        }
    }
}

/// The rows of each entity of a side, in ascending order.
pub(super) struct Groups {
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl Groups {
    /// Groups the rows of `ids`, all of which lie below `entities`, by counting.
    pub(super) fn new(ids: &[u32], entities: usize) -> Self {
        // starts[id + 1] runs from the start of the group to its end while the rows are dealt out.
        let mut starts = vec![0_u32; entities + 2];
        for &id in ids {
            starts[id as usize + 2] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut rows = vec![0_u32; ids.len()];
        for (row, &id) in (0_u32..).zip(ids) {
            let next = &mut starts[id as usize + 1];
            rows[*next as usize] = row;
            *next += 1;
        }
        Self { starts, rows }
    }

    pub(super) fn rows(&self, id: u32) -> &[u32] {
        let id = id as usize;
        &self.rows[self.starts[id] as usize..self.starts[id + 1] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_each_row_once() {
        let groups = Groups::new(&[2, 0, 2, 2, 1], 5);
        let all: Vec<&[u32]> = (0..5).map(|id| groups.rows(id)).collect();
        assert_eq!(all, [&[1][..], &[4], &[0, 2, 3], &[], &[]]);
    }

    #[test]
    fn the_first_of_a_pair_stays() {
        let mut kept = [true; 6];
        drop_repeats(&[0, 1, 0, 0, 1, 0], &[0, 0, 0, 1, 0, 1], PerSide::new(2, 2), &mut kept);
        assert_eq!(kept, [true, true, false, true, false, false]);
    }
}
