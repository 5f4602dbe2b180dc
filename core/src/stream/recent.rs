//! Which pairs came up lately, for streams that shall not repeat themselves.

use super::Event;

/// Marks of recent pairs, each at one place of the caller's memory; later ones push out earlier ones.
#[derive(Debug)]
pub(super) struct RecentPairs<'a>(&'a mut [u32]);

impl<'a> RecentPairs<'a> {
    pub(super) fn new(memory: &'a mut [u32]) -> Self {
        memory.fill(0);
        Self(memory)
    }

    pub(super) fn contains(&self, event: Event) -> bool {
        let (place, mark) = self.place(event);
        self.0.get(place).is_some_and(|&found| found == mark)
    }

    pub(super) fn insert(&mut self, event: Event) {
        let (place, mark) = self.place(event);
        if let Some(found) = self.0.get_mut(place) {
            *found = mark;
        }
    }

    /// Where a pair is marked, and as what.
    fn place(&self, event: Event) -> (usize, u32) {
        let pair = u64::from(event.user) << 32 | u64::from(event.item);
        let hash = (pair ^ (pair >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let hash = (hash ^ (hash >> 32)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let place = ((hash >> 32) * self.0.len() as u64) >> 32;
        (place as usize, hash as u32 | 1)
    }
}
