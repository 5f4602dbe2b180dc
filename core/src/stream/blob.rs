//! A recorded stream as bytes: what a device replays from its flash.
//!
//! An [envelope](crate::envelope) with the magic `scst`, whose body holds, little-endian:
//!
//! | bytes | content |
//! | --- | --- |
//! | 0..4 | how many users |
//! | 4..8 | how many items |
//! | 8..12 | how many events |
//! | then 4 each | the users' ids, and the items' ids, any 32 bits |
//! | then 4 each | the events in order: 2 bytes for the place of the user's id, 2 for that of the item's |

use super::Event;
use crate::envelope::{EnvelopeError, HEADER_LEN, Kind, Words, WordsMut};

const KIND: Kind = Kind { magic: *b"scst", version: StreamBlob::VERSION };

/// Bytes before the ids.
const COUNTS: usize = 12;

/// A stream in bytes that stay where they are. Events are read one by one, in O(1) and without memory.
#[derive(Clone, Copy, Debug)]
pub struct StreamBlob<'b> {
    users: &'b [[u8; 4]],
    items: &'b [[u8; 4]],
    events: &'b [[u8; 4]],
}

impl<'b> StreamBlob<'b> {
    /// The version that is written, and the only one read.
    pub const VERSION: u32 = 1;
    /// The most users, and the most items.
    pub const MAX_ENTITIES: usize = 65_536;

    /// Bytes of a blob; saturates.
    pub const fn len(users: usize, items: usize, events: usize) -> usize {
        let words = users.saturating_add(items).saturating_add(events);
        words.saturating_mul(4).saturating_add(HEADER_LEN + COUNTS)
    }

    /// Reads a blob at the front of `bytes`, which may be followed by others. Checks all of it: O(bytes).
    ///
    /// # Errors
    /// Bytes of another kind or version, or not those that were written.
    pub fn open(bytes: &'b [u8]) -> Result<Self, EnvelopeError> {
        let mut words = Words(KIND.open(bytes)?);
        let [users, items, events] = [words.take()?, words.take()?, words.take()?];
        let mut cut = |count: u32| {
            let length = (count as usize).checked_mul(4).ok_or(EnvelopeError::Damaged)?;
            Ok::<_, EnvelopeError>(words.bytes(length)?.as_chunks::<4>().0)
        };
        let blob = Self { users: cut(users)?, items: cut(items)?, events: cut(events)? };
        words.end()?;
        let known = |event: &[u8; 4]| blob.event(*event).is_some();
        if blob.events.iter().all(known) { Ok(blob) } else { Err(EnvelopeError::Damaged) }
    }

    /// How many users have an id here.
    pub const fn users(&self) -> usize {
        self.users.len()
    }

    /// How many items have an id here.
    pub const fn items(&self) -> usize {
        self.items.len()
    }

    /// The events in order.
    pub fn events(self) -> impl ExactSizeIterator<Item = Event> + use<'b> {
        // `open` has seen that there are no others.
        let unknown = Event { user: 0, item: 0 };
        self.events.iter().map(move |&event| self.event(event).unwrap_or(unknown))
    }

    fn event(&self, [a, b, c, d]: [u8; 4]) -> Option<Event> {
        let user = self.users.get(usize::from(u16::from_le_bytes([a, b])))?;
        let item = self.items.get(usize::from(u16::from_le_bytes([c, d])))?;
        Some(Event { user: u32::from_le_bytes(*user), item: u32::from_le_bytes(*item) })
    }

    /// Writes a blob to the front of `output` and returns its length. Events are pairs of places in `users`
    /// and `items`, as many as the iterator says it has. O(bytes).
    ///
    /// # Errors
    /// A `BufferTooSmall`; see [`StreamBlob::len`]. Places without an id make a blob that
    /// [`open`](Self::open) refuses.
    pub fn write(
        users: &[u32],
        items: &[u32],
        events: impl ExactSizeIterator<Item = (u16, u16)>,
        output: &mut [u8],
    ) -> Result<usize, EnvelopeError> {
        let length = Self::len(users.len(), items.len(), events.len()).saturating_sub(HEADER_LEN);
        let mut body = WordsMut(Kind::body_mut(output, length)?);
        for count in [users.len(), items.len(), events.len()] {
            body.put(count as u32);
        }
        for &id in users.iter().chain(items) {
            body.put(id);
        }
        for (user, item) in events {
            body.put(u32::from(user) | u32::from(item) << 16);
        }
        KIND.seal(output, length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    const USERS: [u32; 2] = [0xffff_ffff, 7];
    const ITEMS: [u32; 3] = [0, 0x0102_0304, 9];
    const EVENTS: [(u16, u16); 4] = [(0, 2), (1, 1), (0, 0), (0, 2)];
    /// Written out by hand from the table above; the checksums are those of Python's `zlib.crc32`.
    const BYTES: &[u8] = b"scst\x01\0\0\0\x30\0\0\0\0\0\0\0\x1d\xbf\x24\xfb\xb4\x6a\x81\x9e\
        \x02\0\0\0\x03\0\0\0\x04\0\0\0\xff\xff\xff\xff\x07\0\0\0\0\0\0\0\x04\x03\x02\x01\x09\0\0\0\
        \0\0\x02\0\x01\0\x01\0\0\0\0\0\0\0\x02\0";

    fn blob() -> Vec<u8> {
        let mut bytes = vec![9; 200];
        let length = StreamBlob::write(&USERS, &ITEMS, EVENTS.into_iter(), &mut bytes).unwrap();
        assert_eq!(length, StreamBlob::len(2, 3, 4));
        bytes.truncate(length);
        bytes
    }

    #[test]
    fn the_bytes_of_a_blob() {
        assert_eq!(blob(), BYTES);
    }

    #[test]
    fn events_come_back_in_order() {
        let mut bytes = blob();
        bytes.extend([0xff; 5]);
        let blob = StreamBlob::open(&bytes).unwrap();
        assert_eq!((blob.users(), blob.items(), blob.events().len()), (2, 3, 4));
        let events: Vec<(u32, u32)> = blob.events().map(|event| (event.user, event.item)).collect();
        assert_eq!(events, [(u32::MAX, 9), (7, 0x0102_0304), (u32::MAX, 0), (u32::MAX, 9)]);
    }

    #[test]
    fn damage_strangers_and_short_buffers_are_refused() {
        let bytes = blob();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            StreamBlob::open(&damaged).unwrap_err();
        }
        for length in 0..bytes.len() {
            assert!(matches!(StreamBlob::open(&bytes[..length]), Err(EnvelopeError::Truncated { .. })));
        }
        let mut output = vec![3; bytes.len() - 1];
        assert_eq!(
            StreamBlob::write(&USERS, &ITEMS, EVENTS.into_iter(), &mut output),
            Err(EnvelopeError::BufferTooSmall { needed: bytes.len(), available: bytes.len() - 1 })
        );
        assert_eq!(output, vec![3; bytes.len() - 1]);
        // Checksums that fit do not make it right.
        let mut output = vec![0; 100];
        for events in [[(2, 0)], [(0, 3)]] {
            let length = StreamBlob::write(&USERS, &ITEMS, events.into_iter(), &mut output).unwrap();
            assert_eq!(StreamBlob::open(&output[..length]).map(|_| ()), Err(EnvelopeError::Damaged));
        }
        let mut foreign = bytes;
        foreign[4] = 3;
        assert_eq!(
            StreamBlob::open(&foreign).map(|_| ()),
            Err(EnvelopeError::ForeignVersion { found: 3, expected: 1 })
        );
    }
}
