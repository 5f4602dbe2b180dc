//! `scall compare`: several methods and budgets on one stream or more.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::Args;

use super::arguments::ExperimentArguments;
use super::console::{self, Console};
use super::failure::Failure;
use super::run::request;
use crate::budget::BudgetSpec;
use crate::experiment::{self, Method, RunRequest, Runs, Storage, name_of};
use crate::input::Format;
use crate::report::{CompareDocument, Contender, RunResult, files, summary, table};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file of interactions, plain or compressed; may be given several times [default: a built-in stream,
    /// made from --seed]
    #[arg(long, value_name = "PATH")]
    data: Vec<PathBuf>,
    /// How sizes are chosen, separated by commas
    #[arg(
        long, value_name = "NAMES", value_enum, value_delimiter = ',',
        default_values_t = [Method::Scall, Method::Uniform]
    )]
    methods: Vec<Method>,
    /// The most parameters held, separated by commas: mean:N per entity seen, params:N, or bytes; or the most of
    /// everything held between events: total:64KiB
    #[arg(
        long,
        value_name = "SPECS",
        value_delimiter = ',',
        default_value = "mean:8",
        allow_hyphen_values = true
    )]
    budgets: Vec<BudgetSpec>,
    /// How a parameter is stored, separated by commas: each method runs with each of them [default: --storage]
    #[arg(long, value_name = "NAMES", value_enum, value_delimiter = ',', conflicts_with = "storage")]
    storages: Vec<Storage>,
    /// How many seeds: --seed, --seed + 1, ...
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    seeds: u32,
    #[command(flatten)]
    experiment: ExperimentArguments,
}

pub(super) fn execute(arguments: &Arguments, command: &str, console: &mut Console) -> Result<(), Failure> {
    let output = arguments.experiment.output;
    arguments.experiment.check(&arguments.methods, &arguments.storages(), &arguments.budgets)?;
    let requests = requests(arguments)?;
    let write = |request: &RunRequest, result: &RunResult| match &request.out {
        Some(directory) => files::write_run(directory, result),
        None => Ok(()),
    };
    if let Some(directory) = &arguments.experiment.out {
        files::write_command(directory, command)?;
    }
    let Runs { results, left_out } = experiment::run_all(&requests, &console::progress(output), write)?;
    let documents = results.into_iter().map(|result| result.document).collect();
    let document = CompareDocument { left_out, ..summary::compare(documents) };
    if let Some(directory) = &arguments.experiment.out {
        files::write_compare(directory, &document)?;
    }
    console.show(&document, output, table::compare)
}

impl Arguments {
    fn storages(&self) -> Vec<Storage> {
        if self.storages.is_empty() { vec![self.experiment.storage] } else { self.storages.clone() }
    }
}

/// One request per stream, budget, method, storage and seed, in this order.
fn requests(arguments: &Arguments) -> Result<Vec<RunRequest>, Failure> {
    unique("--methods", &arguments.methods.iter().map(|method| method.name()))?;
    unique("--budgets", &arguments.budgets.iter().map(BudgetSpec::as_str))?;
    let storages: Vec<_> = arguments.storages.iter().map(name_of).collect();
    unique("--storages", &storages.iter().map(String::as_str))?;
    // The name of a file is that of its stream.
    let names: Vec<_> = arguments.data.iter().map(|path| file_name(path).display().to_string()).collect();
    unique("--data", &names.iter().map(String::as_str))?;
    let first = arguments.experiment.seed;
    let last = first.checked_add(u64::from(arguments.seeds) - 1).ok_or_else(|| {
        Failure::usage(format!(
            "--seed {first} with --seeds {}: expected the last seed to be at most {}",
            arguments.seeds,
            u64::MAX
        ))
    })?;
    let mut streams: Vec<Option<&Path>> = arguments.data.iter().map(|path| Some(path.as_path())).collect();
    if streams.is_empty() {
        streams.push(None);
    }
    let mut requests = Vec::new();
    for data in streams {
        let name = data.map_or(OsStr::new(Format::BuiltIn.name()), file_name);
        for budget in &arguments.budgets {
            for &method in &arguments.methods {
                for storage in arguments.storages() {
                    for seed in first..=last {
                        let mut request = request(data, method, budget, storage, &arguments.experiment);
                        let contender = Contender { method, storage };
                        request.out =
                            request.out.map(|out| files::run_directory(&out, name, contender, budget, seed));
                        request.seed = seed;
                        requests.push(request);
                    }
                }
            }
        }
    }
    Ok(requests)
}

/// The last part of a path; all of it where it has none.
fn file_name(path: &Path) -> &OsStr {
    path.file_name().unwrap_or(path.as_os_str())
}

fn unique<'a>(option: &str, values: &(impl Iterator<Item = &'a str> + Clone)) -> Result<(), Failure> {
    for (position, value) in values.clone().enumerate() {
        if values.clone().take(position).any(|earlier| earlier == value) {
            return Err(Failure::usage(format!("`{value}` is named twice in {option}: expected it once")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parse(line: &str) -> Result<Vec<RunRequest>, Failure> {
        requests(&Typed::try_parse_from(line.split_whitespace()).unwrap().arguments)
    }

    #[test]
    fn there_is_one_run_per_budget_method_and_seed() {
        let runs: Vec<_> =
            parse("compare --methods scall,random --budgets mean:2,64KiB --seeds 2 --seed 7 --out results")
                .unwrap()
                .into_iter()
                .map(|run| (run.budget.to_string(), run.method, run.seed, run.out.unwrap()))
                .collect();
        let budgets: Vec<_> = runs.iter().map(|(budget, ..)| budget.as_str()).collect();
        assert_eq!(budgets, ["mean:2", "mean:2", "mean:2", "mean:2", "64KiB", "64KiB", "64KiB", "64KiB"]);
        let methods_and_seeds: Vec<_> =
            runs.iter().take(4).map(|(_, method, seed, _)| (*method, *seed)).collect();
        let (scall, random) = (Method::Scall, Method::Random);
        assert_eq!(methods_and_seeds, [(scall, 7), (scall, 8), (random, 7), (random, 8)]);
        assert_eq!(runs[7].3, Path::new("results/runs/built-in/random-64KiB-seed8"));
    }

    #[test]
    fn several_streams_go_to_directories_of_their_own() {
        let runs = parse("compare --methods random --data a/x.csv --data y.csv --seeds 2 --out o").unwrap();
        let places: Vec<_> = runs.into_iter().map(|run| run.out.unwrap()).collect();
        let expected =
            ["x.csv/random-mean-8-seed42", "x.csv/random-mean-8-seed43", "y.csv/random-mean-8-seed42"];
        for (place, expected) in places.iter().zip(expected) {
            assert_eq!(*place, Path::new("o/runs").join(expected));
        }
        assert_eq!(places.len(), 4);
    }

    #[test]
    fn every_method_runs_in_every_storage() {
        let line = "compare --methods scall,uniform --storages f32,i8 --budgets mean:8B --out o";
        let runs: Vec<_> =
            parse(line).unwrap().into_iter().map(|run| (run.method, run.storage, run.out.unwrap())).collect();
        let places: Vec<_> =
            runs.iter().map(|(.., out)| out.file_name().unwrap().to_str().unwrap()).collect();
        let expected = ["scall-mean-8B", "scall-mean-8B-i8", "uniform-mean-8B", "uniform-mean-8B-i8"];
        assert_eq!(places, expected.map(|name| format!("{name}-seed42")));
        assert_eq!((runs[1].0, runs[1].1), (Method::Scall, Storage::I8));
        let one = parse("compare --methods random --storage f16").unwrap();
        assert_eq!((one.len(), one[0].storage), (1, Storage::F16));
    }

    #[test]
    fn naming_something_twice_is_refused() {
        for line in [
            "compare --methods scall,random,scall",
            "compare --budgets mean:2,mean:2",
            "compare --storages i8,f16,i8",
            "compare --data a/x.csv --data b/x.csv",
        ] {
            assert!(
                matches!(parse(line), Err(Failure::Usage(message)) if message.contains("named twice")),
                "{line}"
            );
        }
    }

    #[test]
    fn seeds_do_not_run_over_the_end() {
        let end = u64::MAX;
        assert_eq!(parse(&format!("compare --methods random --seed {end}")).unwrap().len(), 1);
        assert!(matches!(parse(&format!("compare --seed {end} --seeds 2")), Err(Failure::Usage(_))));
    }
}
