//! Trains a device's policy on the host, over one stream or many.
//!
//! Each stream is run as a device would run it, from the start and with the progressive reward, while the
//! policy goes on from where the stream before left it.

use anyhow::{Context, Result};
use scall_core::device::DeviceShape;
use scall_core::policy::{Sac, SacConfig, SacMemory, SacShape, ValidSacConfig};
use scall_core::random::Generator;
use scall_core::scenario::{Report, Run};
use scall_core::segment::{ActionSpace, Decider, DeciderError, PolicyFile};
use scall_core::sizes::Distribution;
use scall_core::snapshot;
use scall_core::stream::Event;

use super::room::Room;
use crate::progress::Progress;
use crate::stream::Stream;

/// The stream of the seed for weights and exploration.
const POLICY: u64 = 0x706f_6c69;

/// What came of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The policy, for a [`PolicyFile`] to read.
    pub policy: Vec<u8>,
    /// Segments that it learned from.
    pub segments: u64,
    /// Of each stream, in the order given: a run with the policy as it was at first, and one as it is now.
    pub runs: Vec<(Report, Report)>,
}

/// Trains a policy in `passes` passes over all streams.
///
/// # Errors
/// A shape that the core refuses.
pub fn train(
    shape: DeviceShape,
    streams: &[Stream],
    passes: u32,
    seed: u64,
    progress: &Progress,
) -> Result<Trained> {
    let events: usize = streams.iter().map(Stream::len).sum();
    let stage = progress.stage("training", events as u64 * (u64::from(passes) + 2));
    let mut room = Room::new(shape)?;
    let mut learner = Learner::new(shape)?;
    let mut segments = 0;
    let untrained = learner.export(seed)?;
    for pass in 0..u64::from(passes) {
        for stream in streams {
            let device = room.start(seed.wrapping_add(pass), |states| learner.decider(seed, states))?;
            let mut run = Run::new(device, || 0);
            run.take(events_of(stream)).with_context(|| stream.name.clone())?;
            let kept = to_bytes(run.device().segments().decider().policy())?;
            segments += u64::from(run.device().segments().segments());
            learner.kept = Some(kept);
            stage.advance(stream.len() as u64);
        }
    }
    let policy = learner.export(seed)?;
    let mut runs = Vec::with_capacity(streams.len());
    for stream in streams {
        let mut run = |policy: &[u8]| {
            let report = replay(&mut room, policy, seed, events_of(stream));
            stage.advance(stream.len() as u64);
            report.with_context(|| stream.name.clone())
        };
        runs.push((run(&untrained)?, run(&policy)?));
    }
    Ok(Trained { policy, segments, runs })
}

/// A device's run with a policy that is trained.
///
/// # Errors
/// Bytes that are no policy, or one for another device.
pub fn replay(
    room: &mut Room,
    policy: &[u8],
    seed: u64,
    events: impl Iterator<Item = Event>,
) -> Result<Report> {
    let file = PolicyFile::open(policy).context("the policy")?;
    let mut run = Run::new(room.start_with(seed, &file)?, || 0);
    run.take(events)?;
    Ok(run.finish(|actor, digest| actor.weights().iter().for_each(|&byte| digest.byte(byte))))
}

/// The interactions of a stream, as a device takes them.
pub fn events_of(stream: &Stream) -> impl ExactSizeIterator<Item = Event> {
    stream.pairs().map(|(user, item)| Event { user, item })
}

/// A policy that learns, and its memory.
struct Learner {
    shape: DeviceShape,
    config: ValidSacConfig,
    networks: Vec<f32>,
    replay: Vec<f32>,
    scratch: Vec<f32>,
    /// The policy between two streams, as a snapshot.
    kept: Option<Vec<u8>>,
}

impl Learner {
    fn new(shape: DeviceShape) -> Result<Self> {
        let state = shape.state().len() as u32;
        let compact = SacConfig::compact(state);
        let config = SacConfig { shape: SacShape { hidden: shape.hidden, ..compact.shape }, ..compact };
        let config = config.validate().context("the policy")?;
        let room = config.shape();
        Ok(Self {
            shape,
            networks: vec![0.0; room.networks_len()],
            replay: vec![0.0; room.replay_len()],
            scratch: vec![0.0; room.scratch_len()],
            config,
            kept: None,
        })
    }

    /// The policy as it was kept, or at its beginning.
    fn decider<'a>(&'a mut self, seed: u64, states: &'a mut [f32]) -> Result<Decider<'a>, DeciderError> {
        let Self { shape, config, networks, replay, scratch, kept } = self;
        let memory = SacMemory { networks, replay, scratch };
        let mut policy = Sac::new(config, memory, Generator::stream(seed, POLICY))?;
        if let Some(kept) = kept {
            let restored = snapshot::load(&[], &mut policy, kept);
            debug_assert!(restored.is_ok(), "a policy of the same shape left it");
        }
        Decider::new(policy, shape.state(), ActionSpace::BALANCED, Distribution::PowerLaw, states)
    }

    /// The policy as a file.
    fn export(&mut self, seed: u64) -> Result<Vec<u8>> {
        let shape = self.shape;
        let mut bytes = vec![0; PolicyFile::len(&shape.state(), shape.hidden)];
        let mut states = vec![0.0; shape.states_len()];
        self.decider(seed, &mut states)?.export(&mut bytes).context("the policy")?;
        Ok(bytes)
    }
}

fn to_bytes(policy: &Sac<'_>) -> Result<Vec<u8>> {
    let mut bytes = vec![0; snapshot::size(&[], policy)?];
    snapshot::save(&[], policy, &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::builtin::synthetic;
    use crate::stream::{PrepareOptions, prepare};
    use scall_core::scenario::SHAPE;
    use scall_core::stream::SyntheticConfig;

    fn stream(seed: u64) -> Stream {
        let config = SyntheticConfig { events: 4_000, ..SyntheticConfig::default() };
        let all = PrepareOptions { keep_repeats: true, k_core: 1 };
        prepare(synthetic(seed, config, 60, 300).unwrap(), &all).unwrap()
    }

    #[test]
    fn the_same_seed_trains_the_same_policy_and_another_one_another() {
        let streams = [stream(1), stream(2)];
        let trained = |seed, passes| train(SHAPE, &streams, passes, seed, &Progress::silent()).unwrap();
        let first = trained(3, 2);
        assert_eq!(trained(3, 2), first);
        assert_ne!(trained(4, 2).policy, first.policy);
        // Eight segments of a stream and pass.
        assert_eq!((first.segments, first.runs.len()), (2 * 2 * 8, 2));
        let file = PolicyFile::open(&first.policy).unwrap();
        assert_eq!((file.state, file.hidden), (SHAPE.state(), SHAPE.hidden));
    }

    #[test]
    fn the_policy_goes_on_from_stream_to_stream() {
        let streams = [stream(1), stream(2)];
        let trained = |streams: &[Stream]| train(SHAPE, streams, 1, 3, &Progress::silent()).unwrap();
        let (one, both) = (trained(&streams[..1]), trained(&streams));
        assert_ne!(one.policy, both.policy);
        // What has happened before leaves no trace but in the policy.
        assert_eq!(both.runs[0].0, one.runs[0].0);
        assert_eq!(both.runs[0].0.interactions, 4_000);
        assert_eq!(both.runs[0].1.budget_violations, 0);
        assert_ne!(both.runs[1].0.digest, both.runs[1].1.digest);
    }
}
