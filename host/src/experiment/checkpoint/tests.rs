use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::experiment::model::Model;
use anyhow::bail;
use scall_core::random::Generator;
use scall_core::segment::SizeRule;

use super::*;
use crate::experiment::methods::Decided;
use crate::experiment::protocol;
use crate::experiment::run::run_method;
use crate::experiment::settings::Settings;
use crate::experiment::{
    Base, DataSource, Method, Protocol, PublishedOptions, Search, SizeLimits, Storage, TableKind,
};
use crate::input::{Format, Names};
use crate::progress::Progress;
use crate::report::{RunDocument, RunResult};
use crate::stream::{PrepareOptions, Stream};

const SEGMENTS: usize = 5;

/// A method whose choices depend on all the choices before.
struct Drawn {
    generator: Generator,
    /// The segment in which it gives up.
    fails_in: usize,
}

impl Drawn {
    fn new(fails_in: usize) -> Self {
        Self { generator: Generator::new(9), fails_in }
    }
}

impl SizingMethod for Drawn {
    fn decide(
        &mut self,
        experiment: &Experiment<'_>,
        segment: &protocol::Segment,
        _recommender: &mut dyn Model,
        violations: &mut u64,
    ) -> Result<Decided> {
        if segment.index == self.fails_in {
            bail!("pulled the plug");
        }
        *violations += u64::from(self.generator.below(3));
        let sizing = SizeRule::Frequency { power: self.generator.uniform() }.into();
        Ok(Decided { sizing, resize: experiment.settings.resize, action: None })
    }

    fn save(&self) -> Result<Vec<u8>> {
        Ok(self.generator.state().to_vec())
    }

    fn restore(&mut self, saved: &[u8]) -> Result<()> {
        self.generator = Generator::from_state(saved.try_into()?);
        Ok(())
    }
}

/// Users and items that arrive over time.
fn stream(seed: u64) -> Stream {
    let mut generator = Generator::new(seed);
    let mut stream = Stream {
        name: "drawn".into(),
        format: Format::BuiltIn,
        rows: 0,
        skipped_rows: 0,
        users: Vec::new(),
        items: Vec::new(),
        times: (0..1000).collect(),
        user_names: Names::default(),
        item_names: Names::default(),
    };
    for n in 0..1000 {
        for (ids, names, rate) in
            [(&mut stream.users, &mut stream.user_names, 40), (&mut stream.items, &mut stream.item_names, 25)]
        {
            let known = names.len() as u32;
            let id = if known <= 3 + n / rate { known } else { generator.below(known) };
            if id == known {
                names.push(&id.to_string());
            }
            ids.push(id);
        }
    }
    stream
}

fn request(out: Option<PathBuf>, resume: bool) -> RunRequest {
    RunRequest {
        source: DataSource::BuiltIn,
        filter: PrepareOptions::default(),
        method: Method::Scall,
        search: Search::Paired,
        sizes: SizeLimits::default(),
        base: Base::Mf,
        budget: "mean:3".parse().unwrap(),
        storage: Storage::F32,
        tables: TableKind::Full,
        protocol: Protocol::Equal,
        segments: SEGMENTS,
        published: PublishedOptions::default(),
        seed: 4,
        threads: None,
        out,
        resume,
    }
}

/// Runs until the method gives up, as the program does.
fn run(request: &RunRequest, stream: &Stream, fails_in: usize) -> Result<RunResult> {
    prepare(request)?;
    let (settings, mut method) = (Settings::default(), Drawn::new(fails_in));
    run_method(request, &settings, stream, &mut method, Instant::now(), &Progress::silent())
}

fn whole(request: &RunRequest) -> Result<String> {
    run(request, &stream(1), usize::MAX).map(|result| text(&result))
}

/// All of a result but times and memory.
fn text(result: &RunResult) -> String {
    let mut document: RunDocument = result.document.clone();
    document.peak_memory_bytes = 0;
    document.wall_seconds = 0.0;
    for segment in &mut document.segments {
        segment.search_seconds = 0.0;
        segment.train_seconds = 0.0;
        segment.test_seconds = 0.0;
    }
    format!("{} {:?} {:?}", serde_json::to_string(&document).unwrap(), result.sizes, result.trace)
}

#[test]
fn a_run_stopped_in_any_segment_is_resumed_to_the_identical_result() {
    let expected = whole(&request(None, false)).unwrap();
    for stopped in 0..SEGMENTS {
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path().join("made/on/the/way");
        let error = run(&request(Some(out.clone()), false), &stream(1), stopped).unwrap_err();
        assert_eq!(error.to_string(), "pulled the plug");
        assert_eq!(out.join(FILE).exists(), stopped > 0);
        assert_eq!(whole(&request(Some(out.clone()), true)).unwrap(), expected, "stopped in {stopped}");
        // What is finished is there at once: the method is not asked again.
        let again = run(&request(Some(out), true), &stream(1), SEGMENTS - 1).unwrap();
        assert_eq!(text(&again), expected);
    }
}

#[test]
fn a_run_stopped_in_every_segment_is_resumed_to_the_identical_result() {
    let directory = tempfile::tempdir().unwrap();
    let out = Some(directory.path().to_owned());
    for stopped in 0..SEGMENTS {
        run(&request(out.clone(), true), &stream(1), stopped).unwrap_err();
    }
    assert_eq!(whole(&request(out, true)).unwrap(), whole(&request(None, false)).unwrap());
}

#[test]
fn a_run_begun_anew_forgets_the_one_before() {
    let directory = tempfile::tempdir().unwrap();
    let out = Some(directory.path().to_owned());
    let other = RunRequest { seed: 5, ..request(out.clone(), false) };
    run(&other, &stream(1), 3).unwrap_err();
    run(&request(out.clone(), false), &stream(1), 0).unwrap_err();
    assert_eq!(whole(&request(out, true)).unwrap(), whole(&request(None, false)).unwrap());
}

/// The bytes of a run stopped in its fourth segment.
fn checkpoint(directory: &Path) -> Vec<u8> {
    run(&request(Some(directory.to_owned()), false), &stream(1), 3).unwrap_err();
    fs::read(directory.join(FILE)).unwrap()
}

/// How a run with another request or stream refuses the checkpoint in a directory.
fn refusal(request: &RunRequest, stream: &Stream) -> String {
    let path = request.out.as_ref().unwrap().join(FILE);
    let before = fs::read(&path).unwrap();
    let error = format!("{:#}", run(request, stream, usize::MAX).unwrap_err());
    assert_eq!(fs::read(&path).unwrap(), before, "a refused checkpoint stays as it is");
    let named = format!("{}: ", path.display());
    error.strip_prefix(&named).unwrap_or_else(|| panic!("{error}")).to_owned()
}

#[test]
fn whatever_changes_the_result_is_refused_by_its_name() {
    let directory = tempfile::tempdir().unwrap();
    checkpoint(directory.path());
    let same = request(Some(directory.path().to_owned()), true);
    let others = [
        (RunRequest { method: Method::Uniform, ..same.clone() }, "--method uniform, found scall"),
        (RunRequest { budget: "mean:4".parse().unwrap(), ..same.clone() }, "--budget mean:4, found mean:3"),
        (RunRequest { segments: 6, ..same.clone() }, "--segments 6, found 5"),
        (RunRequest { seed: 5, ..same.clone() }, "--seed 5, found 4"),
        (
            RunRequest { filter: PrepareOptions { keep_repeats: true, k_core: 5 }, ..same.clone() },
            "--keep-repeats true, found false",
        ),
        (
            RunRequest { filter: PrepareOptions { keep_repeats: false, k_core: 1 }, ..same.clone() },
            "--k-core 1, found 5",
        ),
    ];
    for (other, expected) in others {
        let line = refusal(&other, &stream(1));
        assert_eq!(
            line,
            format!("belongs to another run: expected {expected}; run without --resume to start anew")
        );
    }
    type Change = fn(&mut Stream);
    let changes: [(Change, &str); 5] = [
        (|stream| stream.name = "other".into(), "the data set other, found drawn"),
        (|stream| stream.users.truncate(999), "interactions 999, found 1000"),
        (|stream| stream.users.swap(500, 501), "interactions with the digest"),
        (|stream| stream.items.swap(500, 501), "interactions with the digest"),
        (|stream| stream.times[999] += 1, "interactions with the digest"),
    ];
    for (change, expected) in changes {
        let mut changed = stream(1);
        change(&mut changed);
        let line = refusal(&same, &changed);
        assert!(line.starts_with("belongs to another run: ") && line.contains(expected), "{line}");
    }
    // What does not change the result may differ.
    let threads = RunRequest { threads: std::num::NonZeroUsize::new(3), ..same };
    assert_eq!(whole(&threads).unwrap(), whole(&request(None, false)).unwrap());
}

#[test]
fn other_settings_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    checkpoint(directory.path());
    let request = request(Some(directory.path().to_owned()), true);
    let settings = Settings { train_passes: 1, ..Settings::default() };
    let method = &mut Drawn::new(usize::MAX);
    let error =
        run_method(&request, &settings, &stream(1), method, Instant::now(), &Progress::silent()).unwrap_err();
    assert!(format!("{error:#}").contains("expected settings with the digest"), "{error:#}");
}

#[test]
fn every_truncation_and_every_changed_byte_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = checkpoint(directory.path());
    let path = directory.path().join(FILE);
    let same = request(Some(directory.path().to_owned()), true);
    let stream = stream(1);
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        refusal(&same, &stream)
    };
    let spots = || (0..bytes.len()).step_by(bytes.len() / 40).chain(bytes.len() - 20..bytes.len());
    for length in spots() {
        let line = refused(&bytes[..length]);
        assert_eq!(line, "the file is truncated: expected the checkpoint of a run", "{length}");
    }
    for at in spots().filter(|&at| at >= 8) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        let line = refused(&changed);
        assert_eq!(line, "the file is damaged: expected the checkpoint of a run", "{at}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(refused(&longer), "the file is damaged: expected the checkpoint of a run");
    assert_eq!(refused(b"PK\x03\x04"), "not a checkpoint: expected the checkpoint of a run");
    let mut foreign = bytes.clone();
    foreign[4] = 9;
    assert_eq!(refused(&foreign), "the format of the file has version 9: expected 1");
}

#[test]
fn another_version_of_the_program_is_told() {
    let directory = tempfile::tempdir().unwrap();
    checkpoint(directory.path());
    let path = directory.path().join(FILE);
    let segments = protocol::equal_segments(&stream(1), SEGMENTS).unwrap();
    let (request, settings, stream) = (request(None, true), Settings::default(), stream(1));
    let history = crate::experiment::History::new(&stream);
    let experiment = Experiment {
        request: &request,
        settings: &settings,
        stream: &stream,
        history: &history,
        segments: &segments,
        share: None,
    };
    let checkpoint = Checkpoint { path, identity: identity(&experiment) };
    let mut others = [checkpoint.identity.clone(), checkpoint.identity.clone(), checkpoint.identity.clone()];
    others[0][0].1 = "0.0.1".into();
    others[1].push(("--base-width".into(), "7".into()));
    others[2][3].0 = "--cap".into();
    let expected = [
        "belongs to another run: expected program version",
        "saved by another version of the program",
        "saved by another version of the program",
    ];
    for (other, expected) in others.iter().zip(expected) {
        let error = checkpoint.compare(other).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let other_layout = {
        let text = Text(Vec::new());
        let mut bytes = vec![0; snapshot::size(&[LAYOUT + 1], &text).unwrap()];
        snapshot::save(&[LAYOUT + 1], &text, &mut bytes).unwrap();
        bytes
    };
    let error = from_bytes(&mut Text::default(), &other_layout).unwrap_err().to_string();
    assert_eq!(error, "saved by another version of the program");
}

#[test]
fn a_checkpoint_that_cannot_be_written_or_read_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    fs::create_dir(&path).unwrap();
    for (resume, expected) in [(true, "cannot read the file"), (false, "cannot remove the file")] {
        let error = whole(&request(Some(directory.path().to_owned()), resume)).unwrap_err();
        let line = format!("{error:#}");
        assert!(line.starts_with(&format!("{}: {expected}", path.display())), "{line}");
    }
}
