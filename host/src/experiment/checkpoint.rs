//! What a run leaves after every finished segment, to be resumed from.
//!
//! The file holds one part after the other, each with a checksum:
//!
//! | part | content |
//! | --- | --- |
//! | head, a [snapshot](scall_core::snapshot) | what the result depends on, and what is finished, as JSON |
//! | model, a snapshot | the recommender, or the rows that a segment ended with |
//! | method | what [`SizingMethod::save`] gave; length and digest are in the head |
//!
//! It is replaced as a whole, so that whatever stops the program leaves the last finished segment.

use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use scall_core::digest::Digest;
use scall_core::envelope::{HEADER_LEN, Header};
use scall_core::snapshot::{self, Reader, Snapshot, SnapshotError, Writer};
use serde::{Deserialize, Serialize};

use super::methods::SizingMethod;
use super::runner::Experiment;
use super::trace::Sizes;
use super::{PublishedOptions, RunRequest, name_of};
use crate::output;
use crate::report::Segment;
use crate::report::trace::Step;

/// The name of the file in the directory of a run.
const FILE: &str = "checkpoint.bin";

/// The order and meaning of the parts; to be raised when they change.
const LAYOUT: u32 = 2;

/// Where a run is kept, and what identifies it.
#[derive(Debug)]
pub(super) struct Checkpoint {
    path: PathBuf,
    identity: Vec<Trait>,
}

/// One of the things that a result depends on: its name and its value.
type Trait = (String, String);

/// Finished segments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Finished {
    /// Their reports.
    pub(super) segments: Vec<Segment>,
    /// How often the budget was broken in them.
    pub(super) violations: u64,
    /// The candidates of their searches.
    pub(super) steps: Vec<Step>,
    /// The sizes of followed rows after each of them.
    pub(super) followed: Vec<Sizes>,
    /// Bytes of the largest model that a search trained.
    pub(super) trial_bytes: u64,
    /// Time spent on them, all told.
    pub(super) wall_seconds: f64,
    /// The search that is under way.
    pub(super) pending: Pending,
}

/// How far a search has come that goes before the next segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pending {
    /// Steps taken.
    pub(super) policy_steps: u64,
    /// Time spent on them.
    pub(super) seconds: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    identity: Vec<Trait>,
    finished: Finished,
    method_len: u64,
    method_digest: u64,
}

/// What a checkpoint tells of its run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outline {
    /// Names and values of everything that the result depends on.
    pub(crate) identity: Vec<(String, String)>,
    /// Segments finished.
    pub(crate) segments: usize,
    /// Bytes of the head, of the model and of the method's state.
    pub(crate) parts: [usize; 3],
}

/// Whether a snapshot of this shape is a part of a checkpoint.
pub(crate) fn is_shape(shape: &[u32]) -> bool {
    shape == [LAYOUT]
}

/// Reads what a checkpoint tells of its run.
///
/// # Errors
/// Bytes that are no whole checkpoint of this version of the program.
pub(crate) fn outline(bytes: &[u8]) -> Result<Outline> {
    let (head_len, head) = read_head(bytes)?;
    let rest = bytes.get(head_len..).unwrap_or_default();
    snapshot::shape(rest, &mut [0; 1]).map_err(refusal)?;
    let model_len = Header::read(rest).map_or(0, |header| HEADER_LEN + header.length as usize);
    method_state(rest.get(model_len..).unwrap_or_default(), &head)?;
    Ok(Outline {
        segments: head.finished.segments.len(),
        parts: [head_len, model_len, head.method_len as usize],
        identity: head.identity,
    })
}

/// The head at the front of a checkpoint, behind its length.
fn read_head(bytes: &[u8]) -> Result<(usize, Head)> {
    let mut text = Text::default();
    let length = from_bytes(&mut text, bytes)?;
    let head = serde_json::from_slice(&text.0).map_err(|_| refusal(SnapshotError::Damaged))?;
    Ok((length, head))
}

/// The state of the method, if it is all that is left of a checkpoint and intact.
fn method_state<'b>(rest: &'b [u8], head: &Head) -> Result<&'b [u8]> {
    let (needed, available) = (head.method_len as usize, rest.len());
    if available < needed {
        return Err(refusal(SnapshotError::Truncated { needed, available }));
    }
    if available > needed || digest_of(rest) != head.method_digest {
        return Err(refusal(SnapshotError::Damaged));
    }
    Ok(rest)
}

/// Makes the place for a run, and forgets what was kept there unless it is resumed: it must not be gone on
/// from when this run is stopped before its first segment is finished.
///
/// # Errors
/// If there is no such place.
pub(super) fn prepare(request: &RunRequest) -> Result<()> {
    let Some(directory) = &request.out else { return Ok(()) };
    output::make_directory(directory)?;
    if request.resume {
        return Ok(());
    }
    let path = directory.join(FILE);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{}: cannot remove the file", path.display()))
        }
        _ => Ok(()),
    }
}

impl Checkpoint {
    /// The checkpoint of an experiment; none is kept without a directory for results.
    pub(super) fn of(experiment: &Experiment<'_>) -> Option<Self> {
        let path = experiment.request.out.as_ref()?.join(FILE);
        Some(Self { path, identity: identity(experiment) })
    }

    /// Replaces what is kept by the state after the `finished` segments.
    ///
    /// # Errors
    /// If the file cannot be written; the one before is then still there.
    pub(super) fn save(
        &self,
        finished: &Finished,
        model: &impl Snapshot,
        method: &dyn SizingMethod,
    ) -> Result<()> {
        let method = method.save().map_err(|error| self.cannot_save(error))?;
        let head = Head {
            identity: self.identity.clone(),
            finished: finished.clone(),
            method_len: method.len() as u64,
            method_digest: digest_of(&method),
        };
        let head = serde_json::to_vec(&head).map_err(|error| self.cannot_save(error.into()))?;
        let head = to_bytes(&Text(head)).map_err(|error| self.cannot_save(error))?;
        let model = to_bytes(model).map_err(|error| self.cannot_save(error))?;
        output::replace(&self.path, |out| {
            [&head, &model, &method].into_iter().try_for_each(|part| out.write_all(part))
        })
    }

    /// Restores the state of the run so far, if there is any, and says what is finished.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged, or belongs to another run; model and method are then of no
    /// use.
    pub(super) fn load(
        &self,
        model: &mut impl Snapshot,
        method: &mut dyn SizingMethod,
    ) -> Result<Option<Finished>> {
        let bytes = match fs::read(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            bytes => bytes.with_context(|| format!("{}: cannot read the file", self.path.display()))?,
        };
        self.restore(&bytes, model, method).map(Some).with_context(|| self.path.display().to_string())
    }

    fn restore(
        &self,
        bytes: &[u8],
        model: &mut impl Snapshot,
        method: &mut dyn SizingMethod,
    ) -> Result<Finished> {
        let (head_len, head) = read_head(bytes)?;
        self.compare(&head.identity)?;

        let rest = bytes.get(head_len..).unwrap_or_default();
        // Behind an intact head of this version nothing can be of another.
        let model_len = snapshot::load(&[LAYOUT], model, rest).map_err(|error| {
            refusal(match error {
                SnapshotError::Truncated { .. } => error,
                _ => SnapshotError::Damaged,
            })
        })?;
        let saved = method_state(rest.get(model_len..).unwrap_or_default(), &head)?;
        method.restore(saved)?;
        Ok(head.finished)
    }

    /// Refuses what was saved by another run, with the first difference.
    fn compare(&self, found: &[Trait]) -> Result<()> {
        for ((name, here), (found_name, there)) in self.identity.iter().zip(found) {
            if name != found_name {
                bail!("saved by another version of the program");
            }
            if here != there {
                bail!(
                    "belongs to another run: expected {name} {here}, found {there}; run without --resume to \
                     start anew"
                );
            }
        }
        if found.len() != self.identity.len() {
            bail!("saved by another version of the program");
        }
        Ok(())
    }

    fn cannot_save(&self, error: anyhow::Error) -> anyhow::Error {
        error.context(format!("{}: cannot save the run", self.path.display()))
    }
}

/// Everything that the result depends on.
fn identity(experiment: &Experiment<'_>) -> Vec<Trait> {
    // Named one by one, so that whoever adds an option decides whether it belongs here.
    let RunRequest {
        source: _, // by what was read from it
        filter,
        method,
        search,
        sizes,
        base,
        budget,
        storage,
        tables,
        protocol,
        segments,
        published: PublishedOptions { new_entities, selection, target_networks, policy_steps, reward_range },
        seed,
        threads: _,
        out: _,
        resume: _,
    } = experiment.request;
    let stream = experiment.stream;
    let mut interactions = Digest::new();
    interactions.words(&stream.users);
    interactions.words(&stream.items);
    for time in &stream.times {
        time.to_le_bytes().into_iter().for_each(|byte| interactions.byte(byte));
    }
    let settings = format!("{:?}", experiment.settings);
    let named = |name: &str, value: String| (name.to_owned(), value);
    vec![
        named("program version", env!("CARGO_PKG_VERSION").to_owned()),
        named("--method", name_of(method)),
        named("--search or --action", search.to_string()),
        named("--min-size and --max-size", sizes.to_string()),
        named("--base", name_of(base)),
        named("--budget", budget.to_string()),
        named("--storage", name_of(storage)),
        named("--tables", name_of(tables)),
        named("--protocol", name_of(protocol)),
        named("--segments", segments.to_string()),
        named("--new-entities", new_entities.to_string()),
        named("--select", name_of(selection)),
        named("--target-networks", name_of(target_networks)),
        named("--policy-steps", named_or_default(*policy_steps)),
        named("--reward-range", named_or_default(*reward_range)),
        named("--seed", seed.to_string()),
        named("--keep-repeats", filter.keep_repeats.to_string()),
        named("--k-core", filter.k_core.to_string()),
        named("the data set", stream.name.clone()),
        named("its number of interactions", stream.len().to_string()),
        named("interactions with the digest", format!("{:016x}", interactions.value())),
        named("settings with the digest", format!("{:016x}", digest_of(settings.as_bytes()))),
    ]
}

fn named_or_default(value: Option<impl Display>) -> String {
    value.map_or_else(|| "the default".to_owned(), |value| value.to_string())
}

fn digest_of(bytes: &[u8]) -> u64 {
    let mut digest = Digest::new();
    bytes.iter().for_each(|&byte| digest.byte(byte));
    digest.value()
}

/// A snapshot of `state`.
///
/// # Errors
/// Those of the state.
pub(super) fn to_bytes(state: &impl Snapshot) -> Result<Vec<u8>> {
    let mut bytes = vec![0; snapshot::size(&[LAYOUT], state)?];
    snapshot::save(&[LAYOUT], state, &mut bytes)?;
    Ok(bytes)
}

/// Restores `state` from the snapshot at the front of `bytes`, and returns the snapshot's length.
///
/// # Errors
/// A snapshot of something else or with damage; the state is then as it was.
pub(super) fn from_bytes(state: &mut impl Snapshot, bytes: &[u8]) -> Result<usize> {
    snapshot::load(&[LAYOUT], state, bytes).map_err(refusal)
}

/// A refusal as users are told.
fn refusal(error: SnapshotError) -> anyhow::Error {
    let expected = "expected the checkpoint of a run";
    match error {
        SnapshotError::Truncated { .. } => anyhow!("the file is truncated: {expected}"),
        SnapshotError::WrongMagic => anyhow!("not a checkpoint: {expected}"),
        SnapshotError::ForeignVersion { found, expected } => {
            anyhow!("the format of the file has version {found}: expected {expected}")
        }
        SnapshotError::OtherShape { .. } => anyhow!("saved by another version of the program"),
        _ => anyhow!("the file is damaged: {expected}"),
    }
}

/// Bytes as one part of a snapshot.
#[derive(Debug, Default)]
struct Text(Vec<u8>);

impl Snapshot for Text {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        writer.put_all(self.0.iter())
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.0 = reader.take()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
