//! What is in a file of scall: its header, whether all of it is there and unchanged, and what it tells.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use scall_core::Side;
use scall_core::device::DeviceShape;
use scall_core::digest::Digest;
use scall_core::envelope::{Checksum, EnvelopeError, HEADER_LEN, Header};
use scall_core::policy::Actor;
use scall_core::segment::{ActionSpace, Decider, PolicyFile};
use scall_core::sizes::Distribution;
use scall_core::snapshot::{self, SnapshotError};
use scall_core::state::StateConfig;
use scall_core::stream::StreamBlob;
use serde::Serialize;

use super::room::Room;
use crate::experiment::checkpoint;
use crate::input::shown_path;

/// The most numbers of a snapshot's shape that are read.
const MOST_SHAPE: usize = 64;
/// The largest device that is restored to be looked at.
const MOST_BYTES: usize = 1 << 28;

/// What a file is, and that its checksums fit; there is none of one that is not intact.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// `snapshot`, `policy`, `stream` or `checkpoint`.
    pub kind: &'static str,
    /// The first four bytes.
    pub magic: String,
    /// The version of its format.
    pub version: u32,
    /// Bytes of the header.
    pub header_bytes: usize,
    /// Bytes of the (first) body.
    pub body_bytes: u64,
    /// Bytes behind it that do not belong to it, such as the rest of a flash page.
    pub trailing_bytes: u64,
    /// CRC-32 of the body, hexadecimal.
    pub body_crc: String,
    /// CRC-32 of the header, hexadecimal.
    pub header_crc: String,
    /// Whether both are those of the bytes: always so here.
    pub crc_ok: bool,
    /// What it holds.
    pub content: Content,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// Of a policy.
    Policy(Policy),
    /// Of a recorded stream.
    Stream(Stream),
    /// Of a device's snapshot.
    Device(DeviceState),
    /// Of a snapshot of something else.
    Snapshot {
        /// What it belongs to.
        shape: Vec<u32>,
    },
    /// Of the checkpoint of a run.
    Checkpoint(Checkpoint),
}

/// A trained policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Policy {
    /// What it reads.
    pub state: StateConfig,
    /// Numbers of a state.
    pub state_numbers: usize,
    /// Units of each hidden layer.
    pub hidden: u32,
    /// What sizes its actions give.
    pub distribution: &'static str,
    /// What its numbers mean.
    pub action_space: ActionSpace,
    /// How many weights it has.
    pub weights: usize,
}

/// A recorded stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stream {
    /// Users with an id.
    pub users: usize,
    /// Items with an id.
    pub items: usize,
    /// Events.
    pub events: usize,
}

/// A saved device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeviceState {
    /// Its shape in the order of `DeviceShape`.
    pub shape: [u32; 7],
    /// Users known, of how many there is room for.
    pub users: [u32; 2],
    /// The same for items.
    pub items: [u32; 2],
    /// Users and items that made way for others.
    pub evicted: u32,
    /// Segments closed.
    pub segments: u32,
    /// Parameters in use.
    pub parameters_used: u32,
    /// Parameters allowed.
    pub budget_parameters: u32,
    /// Fingerprint of ids and rows, hexadecimal.
    pub rows_digest: String,
}

/// The checkpoint of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checkpoint {
    /// Segments finished.
    pub segments: usize,
    /// Bytes of the head, of the model and of the method's state.
    pub parts: [usize; 3],
    /// Everything that the result depends on.
    pub run: Vec<(String, String)>,
}

/// Inspects a file.
///
/// # Errors
/// A file that cannot be read, that is none of scall's, of another version, cut short or damaged.
pub fn inspect(path: &Path) -> Result<Inspection> {
    let shown = shown_path(path);
    let bytes = std::fs::read(path).with_context(|| format!("{shown}: cannot read the file"))?;
    examine(&bytes).context(shown)
}

fn examine(bytes: &[u8]) -> Result<Inspection> {
    let magic = bytes.first_chunk().copied().unwrap_or_default();
    let (mut kind, content) = match &magic {
        b"scpo" => ("policy", policy(bytes).map_err(|error| refusal("policy", error))?),
        b"scst" => ("stream", stream(bytes).map_err(|error| refusal("stream", error))?),
        b"scal" => ("snapshot", state(bytes)?),
        _ => bail!(
            "not a file that scall knows: expected one that begins with scal (a snapshot or a checkpoint), scpo (a \
             policy) or scst (a stream)"
        ),
    };
    let mut end = bytes.len();
    if let Content::Checkpoint(_) = content {
        kind = "checkpoint";
    } else if let Some(header) = Header::read(bytes) {
        end = HEADER_LEN + header.length as usize;
    }
    let header = Header::read(bytes).ok_or_else(|| anyhow!("the header is missing"))?;
    Ok(Inspection {
        kind,
        magic: String::from_utf8_lossy(&magic).into_owned(),
        version: header.version,
        header_bytes: HEADER_LEN,
        body_bytes: header.length,
        trailing_bytes: (bytes.len() - end) as u64,
        body_crc: format!("{:08x}", header.body_crc),
        header_crc: format!("{:08x}", header.header_crc),
        crc_ok: true,
        content,
    })
}

fn policy(bytes: &[u8]) -> Result<Content, EnvelopeError> {
    let PolicyFile { state, space, distribution, hidden, weights } = PolicyFile::open(bytes)?;
    Ok(Content::Policy(Policy {
        state,
        state_numbers: state.len(),
        hidden,
        distribution: distribution.name(),
        action_space: space,
        weights: weights.len() / size_of::<f32>(),
    }))
}

fn stream(bytes: &[u8]) -> Result<Content, EnvelopeError> {
    let blob = StreamBlob::open(bytes)?;
    Ok(Content::Stream(Stream { users: blob.users(), items: blob.items(), events: blob.events().len() }))
}

fn state(bytes: &[u8]) -> Result<Content> {
    let mut numbers = [0; MOST_SHAPE];
    let shape = snapshot::shape(bytes, &mut numbers).map_err(snapshot_refusal)?;
    if checkpoint::is_shape(shape) {
        let checkpoint::Outline { identity: run, segments, parts } = checkpoint::outline(bytes)?;
        return Ok(Content::Checkpoint(Checkpoint { segments, parts, run }));
    }
    match DeviceShape::of_snapshot(shape) {
        Some(device_shape) if bytes_of(&device_shape) <= MOST_BYTES => device(bytes, device_shape),
        _ => Ok(Content::Snapshot { shape: shape.to_vec() }),
    }
}

/// Bytes of a device, of what its policy reads and of that policy's weights.
fn bytes_of(shape: &DeviceShape) -> usize {
    let Ok(state) = u32::try_from(shape.state().len()) else { return usize::MAX };
    let weights = Actor::weights_len(state, shape.hidden);
    let states = shape.states_len().saturating_mul(size_of::<f32>());
    [shape.tables_bytes(), states, weights]
        .into_iter()
        .fold(shape.arena_bytes::<f32>(), usize::saturating_add)
}

/// Restores a device to see what it knows; what its weights are is of no matter.
fn device(bytes: &[u8], shape: DeviceShape) -> Result<Content> {
    let state = shape.state().len() as u32;
    let weights = vec![0; Actor::weights_len(state, shape.hidden)];
    let mut room = Room::new(shape)?;
    let mut scratch = vec![0.0; shape.actor_scratch_len()];
    let mut device = room.start(0, |states| {
        let actor = Actor::new(state, shape.hidden, &weights, &mut scratch)?;
        Decider::new(actor, shape.state(), ActionSpace::BALANCED, Distribution::PowerLaw, states)
    })?;
    match snapshot::load(&shape.snapshot_shape(), &mut device, bytes) {
        // Sound, but with a policy that learns, or that a host keeps in another way.
        Err(SnapshotError::OtherShape { .. } | SnapshotError::Damaged) if is_whole(bytes) => {
            return Ok(Content::Snapshot { shape: shape.snapshot_shape().to_vec() });
        }
        loaded => loaded.map_err(snapshot_refusal)?,
    };
    let arena = device.recommender().arena();
    let mut digest = Digest::new();
    for side in Side::BOTH {
        for slot in 0..arena.count(side) {
            digest.word(device.ids(side).id(slot).unwrap_or(0));
            digest.floats(arena.row(side, slot));
        }
    }
    Ok(Content::Device(DeviceState {
        shape: shape.snapshot_shape(),
        users: [arena.count(Side::User), shape.users],
        items: [arena.count(Side::Item), shape.items],
        evicted: device.evicted(Side::User).saturating_add(device.evicted(Side::Item)),
        segments: device.segments().segments(),
        parameters_used: arena.used(),
        budget_parameters: arena.budget(),
        rows_digest: format!("{:016x}", digest.value()),
    }))
}

/// Whether the body's bytes are those that were written.
fn is_whole(bytes: &[u8]) -> bool {
    Header::read(bytes).is_some_and(|header| {
        let body = bytes.get(HEADER_LEN..).and_then(|body| body.get(..header.length as usize));
        let mut checksum = Checksum::new();
        checksum.update(body.unwrap_or_default());
        checksum.value() == header.body_crc
    })
}

fn refusal(kind: &str, error: EnvelopeError) -> anyhow::Error {
    match error {
        EnvelopeError::Truncated { needed, available } => {
            anyhow!("the {kind} is cut short: {available} of {needed} bytes")
        }
        EnvelopeError::ForeignVersion { found, expected } => {
            anyhow!("the {kind} has version {found}: expected {expected}")
        }
        _ => anyhow!("the {kind} is damaged: its bytes are not those that were written"),
    }
}

fn snapshot_refusal(error: SnapshotError) -> anyhow::Error {
    let kind = "snapshot";
    match error {
        SnapshotError::Truncated { needed, available } => {
            refusal(kind, EnvelopeError::Truncated { needed, available })
        }
        SnapshotError::ForeignVersion { found, expected } => {
            refusal(kind, EnvelopeError::ForeignVersion { found, expected })
        }
        SnapshotError::BufferTooSmall { needed, .. } => anyhow!("the snapshot's shape has {needed} numbers"),
        _ => refusal(kind, EnvelopeError::Damaged),
    }
}
