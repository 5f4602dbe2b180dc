//! A stream as bytes that a device replays from its flash, and a device that has lived through one.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use scall_core::device::DeviceShape;
use scall_core::scenario::{Report, Run};
use scall_core::segment::PolicyFile;
use scall_core::snapshot;
use scall_core::stream::{Event, StreamBlob};

use super::room::Room;
use super::train::events_of;
use crate::input::{Names, shown_path};
use crate::stream::Stream;

/// What the ids in a recorded stream are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// The names of the data set, which are numbers of 32 bits.
    Names,
    /// Numbers from 0 in order of arrival.
    Arrival,
}

impl Ids {
    /// The name in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Names => "names",
            Self::Arrival => "arrival",
        }
    }
}

/// A recorded stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// What a [`StreamBlob`] reads.
    pub bytes: Vec<u8>,
    /// What its ids are.
    pub ids: Ids,
    /// Users with an id.
    pub users: usize,
    /// Items with an id.
    pub items: usize,
    /// Events.
    pub events: usize,
}

/// Records the first `most` interactions of a stream, or all.
///
/// # Errors
/// More users or items than a recorded stream can tell apart.
pub fn record(stream: &Stream, most: Option<usize>) -> Result<Recording> {
    let events = most.unwrap_or(usize::MAX).min(stream.len());
    // Numbers are given in order of arrival.
    let known = |column: &[u32]| column.iter().max().map_or(0, |&last| last as usize + 1);
    let (users, items) = (known(&stream.users[..events]), known(&stream.items[..events]));
    for (count, what) in [(users, "users"), (items, "items")] {
        ensure!(
            count <= StreamBlob::MAX_ENTITIES,
            "{}: {count} {what} are too many for a recorded stream; expected at most {}, which fewer --events or a \
             higher --k-core leave",
            stream.name,
            StreamBlob::MAX_ENTITIES
        );
    }
    let named = numbers(&stream.user_names, users).zip(numbers(&stream.item_names, items));
    let arrival = || ((0..).take(users).collect(), (0..).take(items).collect());
    let (ids, (user_ids, item_ids)) = match named {
        Some(named) => (Ids::Names, named),
        None => (Ids::Arrival, arrival()),
    };
    let mut bytes = vec![0; StreamBlob::len(users, items, events)];
    // Both are below 65,536.
    let places: Vec<(u16, u16)> =
        stream.pairs().take(events).map(|(user, item)| (user as u16, item as u16)).collect();
    StreamBlob::write(&user_ids, &item_ids, places.into_iter(), &mut bytes).context("the stream")?;
    Ok(Recording { bytes, ids, users, items, events })
}

/// The first `count` names, if each is a number of 32 bits in its shortest form.
fn numbers(names: &Names, count: usize) -> Option<Vec<u32>> {
    let number = |name: &str| name.parse::<u32>().ok().filter(|number| number.to_string() == name);
    names.iter().take(count).map(number).collect()
}

/// Runs a device with a trained policy over a stream, and saves it: its snapshot, and how it fared.
///
/// # Errors
/// A policy for devices of another shape, or a shape that the core refuses.
pub fn live(
    shape: DeviceShape,
    policy: &PolicyFile<'_>,
    stream: &Stream,
    seed: u64,
) -> Result<(Vec<u8>, Report)> {
    let mut room = Room::new(shape)?;
    let mut run = Run::new(room.start_with(seed, policy)?, || 0);
    run.take(events_of(stream)).with_context(|| stream.name.clone())?;
    let device = run.device();
    let shape = shape.snapshot_shape();
    let mut bytes = vec![0; snapshot::size(&shape, device)?];
    snapshot::save(&shape, device, &mut bytes)?;
    Ok((bytes, run.finish(|actor, digest| actor.weights().iter().for_each(|&byte| digest.byte(byte)))))
}

/// The events of a recorded stream.
///
/// # Errors
/// A file that cannot be read, or that is something else.
pub fn read(path: &Path) -> Result<Vec<Event>> {
    let bytes = std::fs::read(path).with_context(|| format!("{}: cannot read the file", shown_path(path)))?;
    match StreamBlob::open(&bytes) {
        Ok(blob) => Ok(blob.events().collect()),
        Err(error) => bail!("{}: expected a recorded stream: {error}", shown_path(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Format;

    fn stream(users: &[&str], items: &[&str], pairs: &[(u32, u32)]) -> Stream {
        Stream {
            name: "test".into(),
            format: Format::BuiltIn,
            rows: pairs.len() as u64,
            skipped_rows: 0,
            users: pairs.iter().map(|pair| pair.0).collect(),
            items: pairs.iter().map(|pair| pair.1).collect(),
            times: vec![0; pairs.len()],
            user_names: users.iter().copied().collect(),
            item_names: items.iter().copied().collect(),
        }
    }

    fn events(recording: &Recording) -> Vec<(u32, u32)> {
        let blob = StreamBlob::open(&recording.bytes).unwrap();
        assert_eq!((blob.users(), blob.items()), (recording.users, recording.items));
        blob.events().map(|event| (event.user, event.item)).collect()
    }

    #[test]
    fn names_that_are_numbers_stay_and_others_become_numbers() {
        let pairs = [(0, 0), (1, 0), (0, 1)];
        let named = record(&stream(&["4294967295", "7"], &["0", "12"], &pairs), None).unwrap();
        assert_eq!((named.ids, events(&named)), (Ids::Names, vec![(u32::MAX, 0), (7, 0), (u32::MAX, 12)]));
        for other in ["07", "-1", "x", "4294967296"] {
            let counted = record(&stream(&["5", other], &["0", "12"], &pairs), None).unwrap();
            assert_eq!((counted.ids, events(&counted)), (Ids::Arrival, vec![(0, 0), (1, 0), (0, 1)]));
        }
    }

    #[test]
    fn a_part_has_the_ids_of_the_part_alone() {
        let pairs = [(0, 0), (0, 1), (1, 2)];
        let part = record(&stream(&["5", "x"], &["1", "2", "3"], &pairs), Some(2)).unwrap();
        assert_eq!((part.ids, part.users, part.items, part.events), (Ids::Names, 1, 2, 2));
        assert_eq!(events(&part), [(5, 1), (5, 2)]);
    }

    #[test]
    fn too_many_users_are_refused() {
        let pairs: Vec<_> = (0..65_537).map(|n| (n, 0)).collect();
        let names: Vec<String> = (0..65_537).map(|n| n.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let stream = stream(&names, &["1"], &pairs);
        let error = record(&stream, None).unwrap_err().to_string();
        assert!(error.contains("65537 users") && error.contains("at most 65536"), "{error}");
        assert_eq!(record(&stream, Some(65_536)).unwrap().users, 65_536);
    }
}
