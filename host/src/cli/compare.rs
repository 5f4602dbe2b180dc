//! `scall compare`: several methods and budgets on one stream.

use clap::Args;

use super::arguments::ExperimentArguments;
use super::console::{self, Console};
use super::failure::Failure;
use super::run::request;
use crate::budget::BudgetSpec;
use crate::experiment::{self, Method, RunRequest};
use crate::report::{files, summary, table};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How sizes are chosen, separated by commas
    #[arg(
        long, value_name = "NAMES", value_enum, value_delimiter = ',',
        default_values_t = [Method::Scall, Method::Uniform]
    )]
    methods: Vec<Method>,
    /// The most parameters held, separated by commas: mean:N per entity seen, params:N, or bytes
    #[arg(
        long,
        value_name = "SPECS",
        value_delimiter = ',',
        default_value = "mean:8",
        allow_hyphen_values = true
    )]
    budgets: Vec<BudgetSpec>,
    /// How many seeds: --seed, --seed + 1, ...
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    seeds: u32,
    #[command(flatten)]
    experiment: ExperimentArguments,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console) -> Result<(), Failure> {
    let output = arguments.experiment.output;
    let requests = requests(arguments)?;
    let results = experiment::run_all(&requests, &console::progress(output))?;
    for (request, result) in requests.iter().zip(&results) {
        if let Some(directory) = &request.out {
            files::write_run(directory, result)?;
        }
    }
    let document = summary::compare(results.into_iter().map(|result| result.document).collect());
    if let Some(directory) = &arguments.experiment.out {
        files::write_compare(directory, &document)?;
    }
    console.show(&document, output, table::compare)
}

/// One request per budget, method and seed, in this order.
fn requests(arguments: &Arguments) -> Result<Vec<RunRequest>, Failure> {
    unique("--methods", &arguments.methods.iter().map(|method| method.name()))?;
    unique("--budgets", &arguments.budgets.iter().map(BudgetSpec::as_str))?;
    let first = arguments.experiment.seed;
    let last = first.checked_add(u64::from(arguments.seeds) - 1).ok_or_else(|| {
        Failure::usage(format!(
            "--seed {first} with --seeds {}: expected the last seed to be at most {}",
            arguments.seeds,
            u64::MAX
        ))
    })?;
    let mut requests = Vec::new();
    for budget in &arguments.budgets {
        for method in &arguments.methods {
            for seed in first..=last {
                let mut request = request(*method, budget, &arguments.experiment);
                request.out = request.out.map(|out| files::run_directory(&out, *method, budget, seed));
                request.seed = seed;
                requests.push(request);
            }
        }
    }
    Ok(requests)
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
        assert_eq!(runs[7].3, std::path::Path::new("results/runs/random-64KiB-seed8"));
    }

    #[test]
    fn naming_something_twice_is_refused() {
        for line in ["compare --methods scall,random,scall", "compare --budgets mean:2,mean:2"] {
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
