//! Where ids are found: places packed side by side, each as wide as a slot needs.

/// The most entities whose slots, and one number for "none", have 12 bits.
const MOST_NARROW: usize = 0xfff;

/// Places of an index for up to `entities` entities: an eighth of them stay free, one at least.
const fn places(entities: usize) -> usize {
    entities.saturating_add(entities / 7).saturating_add(1)
}

/// Bits of a place.
const fn width(entities: usize) -> usize {
    if entities <= MOST_NARROW { 12 } else { 16 }
}

/// Bytes of the index for up to `entities` entities: 12 bits for each of 8/7 places an entity, so 1.7 bytes, up to
/// 4,095 entities, and 16 bits, so 2.3 bytes, beyond.
pub const fn index_len(entities: usize) -> usize {
    places(entities).saturating_mul(width(entities)).div_ceil(8)
}

/// Places, each of which holds a slot or nothing.
#[derive(Debug)]
pub(super) struct Index<'a> {
    bytes: &'a mut [u8],
    places: usize,
    width: usize,
}

impl<'a> Index<'a> {
    /// An empty index over bytes as [`index_len`] says.
    pub(super) fn new(bytes: &'a mut [u8], entities: usize) -> Self {
        bytes.fill(0);
        Self { bytes, places: places(entities), width: width(entities) }
    }

    /// How many places there are.
    #[inline]
    pub(super) const fn places(&self) -> usize {
        self.places
    }

    /// Empties all places.
    pub(super) fn clear(&mut self) {
        self.bytes.fill(0);
    }

    /// The slot at a place.
    #[inline]
    pub(super) fn get(&self, place: usize) -> Option<u32> {
        let (byte, shift) = self.position(place);
        let pair = *self.bytes.get(byte..)?.first_chunk()?;
        (u32::from(u16::from_le_bytes(pair) >> shift) & self.mask()).checked_sub(1)
    }

    /// Puts a slot, or nothing, at a place.
    #[inline]
    pub(super) fn set(&mut self, place: usize, slot: Option<u32>) {
        let (byte, shift) = self.position(place);
        let (mask, entry) = (self.mask(), slot.map_or(0, |slot| slot + 1));
        if let Some(pair) = self.bytes.get_mut(byte..).and_then(|bytes| bytes.first_chunk_mut()) {
            let others = u32::from(u16::from_le_bytes(*pair)) & !(mask << shift);
            *pair = ((others | entry << shift) as u16).to_le_bytes();
        }
    }

    /// The first of the two bytes in which a place lies, and the bits before it in them.
    #[inline]
    const fn position(&self, place: usize) -> (usize, u32) {
        let bit = place * self.width;
        (bit / 8, (bit % 8) as u32)
    }

    #[inline]
    const fn mask(&self) -> u32 {
        (1 << self.width) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn an_eighth_of_the_places_stays_free() {
        for entities in 0..20_000_usize {
            let (places, taken) = (places(entities), entities);
            assert!(8 * taken < 7 * places + 7 && 8 * (taken + 8) > 7 * places, "{entities}: {places}");
        }
        assert_eq!([0, 1, 7, 4_095, 4_096, 65_535].map(index_len), [2, 3, 14, 7_022, 9_364, 149_796]);
        assert_eq!(index_len(usize::MAX), usize::MAX.div_ceil(8));
    }

    #[test]
    fn a_place_keeps_its_slot_whatever_happens_beside_it() {
        for entities in [1, 6, 300, 4_095, 4_096, 65_535] {
            let mut bytes = vec![7; index_len(entities)];
            let mut index = Index::new(&mut bytes, entities);
            let mut expected: Vec<Option<u32>> = vec![None; index.places()];
            let mut generator = Generator::new(entities as u64);
            for n in 0..4_000 {
                let place = generator.below(index.places() as u32) as usize;
                let slot = (n % 5 > 0).then(|| generator.below(entities as u32));
                // The largest number fits as well.
                let slot = if n % 7 == 0 { Some(entities as u32 - 1) } else { slot };
                assert_eq!(index.get(place), core::mem::replace(&mut expected[place], slot));
                index.set(place, slot);
            }
            assert!((0..index.places()).all(|place| index.get(place) == expected[place]), "{entities}");
            index.clear();
            assert!((0..index.places()).all(|place| index.get(place).is_none()));
        }
    }
}
