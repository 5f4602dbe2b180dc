//! Result files read back, for a report on them.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::de::DeserializeOwned;

use super::csv;
use super::document::{CompareDocument, RunDocument, SCHEMA};
use super::files::{COMMAND, COMPARISON, GROWTH, RANKS, RUN, SEARCH, run_directory};
use super::trace::Trace;

/// What `--out` left in a directory.
#[derive(Clone, Debug, PartialEq)]
pub enum Saved {
    /// By `run`.
    Run(Box<SavedRun>),
    /// By `compare`.
    Comparison(Box<SavedComparison>),
}

/// The files of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedRun {
    /// The document.
    pub document: RunDocument,
    /// What only charts need.
    pub trace: Trace,
    /// The command line, if it was kept.
    pub command: Option<String>,
}

/// The files of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedComparison {
    /// The document.
    pub document: CompareDocument,
    /// Of each stream and method the first run, where its files are there.
    pub examples: Vec<SavedRun>,
    /// The command line, if it was kept.
    pub command: Option<String>,
}

/// Reads what `--out` left in `directory`.
///
/// # Errors
/// If there is nothing of the kind, or a file is damaged: the error names it.
pub fn read(directory: &Path) -> Result<Saved> {
    // A missing directory would look like an empty one.
    fs::read_dir(directory).with_context(|| format!("{}: cannot read the directory", directory.display()))?;
    if let Some(document) = document::<CompareDocument>(&directory.join(COMPARISON), |it| it.schema)? {
        let examples = examples(directory, &document)?;
        let command = command(directory)?;
        return Ok(Saved::Comparison(Box::new(SavedComparison { document, examples, command })));
    }
    match run(directory)? {
        Some(run) => Ok(Saved::Run(Box::new(run))),
        None => bail!(
            "{}: expected {RUN} or {COMPARISON} there, as `run --out` and `compare --out` leave them",
            directory.display()
        ),
    }
}

/// A run, if its document is there; the others are without what is missing.
fn run(directory: &Path) -> Result<Option<SavedRun>> {
    let Some(document) = document::<RunDocument>(&directory.join(RUN), |it| it.schema)? else {
        return Ok(None);
    };
    let trace = Trace {
        steps: rows(&directory.join(SEARCH))?,
        growth: rows(&directory.join(GROWTH))?,
        ranks: rows(&directory.join(RANKS))?,
    };
    Ok(Some(SavedRun { document, trace, command: command(directory)? }))
}

fn examples(directory: &Path, document: &CompareDocument) -> Result<Vec<SavedRun>> {
    let mut examples: Vec<SavedRun> = Vec::new();
    for one in &document.runs {
        let same = |other: &SavedRun| {
            let other = &other.document;
            (&other.dataset.name, other.base, other.contender())
                == (&one.dataset.name, one.base, one.contender())
        };
        if examples.iter().any(same) {
            continue;
        }
        // The name of a stream is one part of a path, unless somebody has changed the document.
        let dataset = Path::new(&one.dataset.name).file_name().unwrap_or_default();
        examples.extend(run(&run_directory(
            directory,
            dataset,
            one.contender(),
            &one.budget.spec,
            one.seed,
        ))?);
    }
    Ok(examples)
}

/// A document, if the file is there.
fn document<T: DeserializeOwned>(path: &Path, schema: fn(&T) -> u32) -> Result<Option<T>> {
    let Some(text) = text(path)? else { return Ok(None) };
    let document: T = serde_json::from_slice(&text)
        .map_err(|error| anyhow!("{}: not a document of this program: {error}", path.display()))?;
    match schema(&document) {
        SCHEMA => Ok(Some(document)),
        other => bail!("{}: a document of schema {other}: expected {SCHEMA}", path.display()),
    }
}

/// The rows of a file; none if it is not there.
fn rows<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let Some(text) = text(path)? else { return Ok(Vec::new()) };
    csv::read(&text).map_err(|error| anyhow!("{}: {error}", path.display()))
}

fn command(directory: &Path) -> Result<Option<String>> {
    let text = text(&directory.join(COMMAND))?;
    Ok(text.map(|text| String::from_utf8_lossy(&text).trim_end().to_owned()))
}

/// What a file holds, if it is there.
fn text(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some).with_context(|| format!("{}: cannot read the file", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;
    use crate::experiment::Method;
    use crate::report::{examples, files, summary};

    #[test]
    fn what_was_written_reads_back_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let result = examples::result(Method::Scall, "mean:8", 42);
        files::write_run(directory.path(), &result).unwrap();
        files::write_command(directory.path(), "scall run --out 'a b'").unwrap();
        let Saved::Run(run) = read(directory.path()).unwrap() else { panic!("a comparison") };
        assert_eq!((run.document, run.trace), (result.document, result.trace));
        assert_eq!(run.command.as_deref(), Some("scall run --out 'a b'"));
    }

    #[test]
    fn a_comparison_brings_the_first_run_of_each_method() {
        let directory = tempfile::tempdir().unwrap();
        let runs: Vec<_> = [("mean:2", 1), ("mean:2", 2), ("mean:8", 1)]
            .into_iter()
            .flat_map(|(budget, seed)| {
                [Method::Uniform, Method::Scall].map(|method| examples::result(method, budget, seed))
            })
            .collect();
        for run in &runs {
            let RunDocument { dataset, budget, seed, .. } = &run.document;
            let name = OsStr::new(&dataset.name);
            files::write_run(
                &run_directory(directory.path(), name, run.document.contender(), &budget.spec, *seed),
                run,
            )
            .unwrap();
        }
        let document = summary::compare(runs.into_iter().map(|run| run.document).collect());
        files::write_compare(directory.path(), &document).unwrap();
        let Saved::Comparison(saved) = read(directory.path()).unwrap() else { panic!("a run") };
        assert_eq!(saved.document, document);
        let found: Vec<_> = saved
            .examples
            .iter()
            .map(|run| (run.document.method, run.document.budget.spec.to_string(), run.document.seed))
            .collect();
        assert_eq!(found, [(Method::Uniform, "mean:2".into(), 1), (Method::Scall, "mean:2".into(), 1)]);
        assert_eq!(saved.command, None);
    }

    #[test]
    fn damage_is_told_with_the_file_and_the_line() {
        let directory = tempfile::tempdir().unwrap();
        files::write_run(directory.path(), &examples::result(Method::Scall, "mean:8", 42)).unwrap();
        let sound = fs::read_to_string(directory.path().join(RUN)).unwrap();
        let refused = |name: &str, content: &str, expected: &[&str]| {
            let path = directory.path().join(name);
            let before = fs::read(&path).unwrap();
            fs::write(&path, content).unwrap();
            let error = format!("{:#}", read(directory.path()).unwrap_err());
            assert!(error.starts_with(&format!("{}: ", path.display())), "{error}");
            assert!(expected.iter().all(|part| error.contains(part)), "{error}");
            fs::write(&path, before).unwrap();
        };
        refused(RUN, &sound[..sound.len() / 2], &["not a document", "line 1 column"]);
        refused(RUN, "", &["not a document"]);
        refused(RUN, &sound.replace("\"schema\":1", "\"schema\":2"), &["schema 2: expected 1"]);
        refused(SEARCH, "segment,candidate\n1,mean\n", &["line: 2"]);
        refused(GROWTH, "side,entity,interactions,segment,size\nuser,a,1,0,many\n", &["line: 2"]);
    }

    #[test]
    fn a_directory_without_results_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let error = format!("{:#}", read(directory.path()).unwrap_err());
        assert!(error.contains("expected run.json or comparison.json there"), "{error}");
        let error = format!("{:#}", read(&directory.path().join("missing")).unwrap_err());
        assert!(error.contains("missing: cannot read the directory"), "{error}");
    }
}
