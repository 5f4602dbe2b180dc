//! `scall run`: one method on one stream.

use std::path::{Path, PathBuf};

use clap::Args;

use super::arguments::ExperimentArguments;
use super::console::{self, Console};
use super::failure::Failure;
use super::parity;
use crate::budget::BudgetSpec;
use crate::experiment::{self, Method, RunRequest, Storage};
use crate::report::chart::Canvas;
use crate::report::{RunDocument, chart, files, table};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file of interactions, plain or compressed [default: a built-in stream, made from --seed]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// How sizes are chosen
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Method::Scall)]
    method: Method,
    /// The most parameters held: mean:N per entity seen, params:N, or bytes (64KiB, 1MiB, 10MB); or the most of
    /// everything held between events: total:64KiB
    #[arg(long, value_name = "SPEC", default_value = "mean:8", allow_hyphen_values = true)]
    budget: BudgetSpec,
    /// Run the firmware's configuration and stream instead, for its digest
    #[arg(long, conflicts_with_all = [
        "data", "method", "budget", "storage", "out", "tables", "base", "protocol", "search", "action", "min_size", "max_size",
        "segments",
    ])]
    device_parity: bool,
    #[command(flatten)]
    experiment: ExperimentArguments,
}

/// Everything that one run needs to know.
pub(super) fn request(
    data: Option<&Path>,
    method: Method,
    budget: &BudgetSpec,
    storage: Storage,
    arguments: &ExperimentArguments,
) -> RunRequest {
    RunRequest {
        source: arguments.source(data),
        filter: arguments.filter(),
        method,
        search: arguments.search(),
        sizes: arguments.sizes(),
        base: arguments.base,
        budget: budget.clone(),
        storage,
        tables: arguments.tables,
        protocol: arguments.protocol,
        segments: arguments.segments(),
        published: arguments.published(),
        seed: arguments.seed,
        threads: arguments.threads,
        out: arguments.out.clone(),
        resume: arguments.resume,
    }
}

pub(super) fn execute(arguments: &Arguments, command: &str, console: &mut Console) -> Result<(), Failure> {
    let output = arguments.experiment.output;
    if arguments.device_parity {
        return parity::execute(arguments.experiment.seed, output, console);
    }
    let Arguments { data, method, budget, experiment, .. } = arguments;
    experiment.check(&[*method], &[experiment.storage], std::slice::from_ref(budget))?;
    let request = request(data.as_deref(), *method, budget, experiment.storage, experiment);
    let result = experiment::run(&request, &console::progress(output))?;
    if let Some(directory) = &request.out {
        files::write_command(directory, command)?;
        files::write_run(directory, &result)?;
    }
    console.show(&result.document, output, text)
}

fn text(document: &RunDocument) -> String {
    format!("{}\n{}", table::run(document), chart::run(document, Canvas::of_stdout()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::experiment::{
        Base, DataSource, Protocol, PublishedOptions, RewardRange, Search, Selection, SizeLimits, TableKind,
        TargetNetworks,
    };
    use crate::input::{Column, Delimiter};
    use crate::stream::PrepareOptions;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        arguments: Arguments,
    }

    impl Typed {
        fn check(&self) -> Result<(), Failure> {
            let Arguments { method, budget, experiment, .. } = &self.arguments;
            experiment.check(&[*method], &[experiment.storage], std::slice::from_ref(budget))
        }
    }

    fn parse(line: &str) -> RunRequest {
        let Arguments { data, method, budget, experiment, .. } =
            Typed::try_parse_from(line.split_whitespace()).unwrap().arguments;
        request(data.as_deref(), method, &budget, experiment.storage, &experiment)
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let expected = RunRequest {
            source: DataSource::BuiltIn,
            filter: PrepareOptions { keep_repeats: false, k_core: 5 },
            method: Method::Scall,
            search: Search::Paired,
            sizes: SizeLimits::default(),
            base: Base::Mf,
            budget: "mean:8".parse().unwrap(),
            storage: Storage::F32,
            tables: TableKind::Full,
            protocol: Protocol::Equal,
            segments: 10,
            published: PublishedOptions::default(),
            seed: 42,
            threads: None,
            out: None,
            resume: false,
        };
        assert_eq!(parse("run"), expected);
        assert_eq!(RunRequest::default(), expected);
    }

    #[test]
    fn every_option_reaches_the_request() {
        let request = parse(
            "run --data x.csv --user-column who --item-column 2 --time-column when --delimiter ; --keep-repeats \
             --k-core 1 --method frequency --base mf --budget 64KiB --storage f32 --protocol equal --segments 4 \
             --seed 18446744073709551615 --threads 3 --out results --resume --json --quiet",
        );
        let DataSource::File(file) = &request.source else { panic!("{request:?}") };
        assert_eq!(file.path, Path::new("x.csv"));
        assert_eq!(file.options.user_column, Some(Column::Name("who".into())));
        assert_eq!(file.options.item_column, Some(Column::Number(2)));
        assert_eq!(file.options.time_column, Some(Column::Name("when".into())));
        assert_eq!(file.options.delimiter, Some(Delimiter::Semicolon));
        assert_eq!(request.filter, PrepareOptions { keep_repeats: true, k_core: 1 });
        assert_eq!(request.method, Method::Frequency);
        assert_eq!(request.budget.as_str(), "64KiB");
        assert_eq!((request.segments, request.seed), (4, u64::MAX));
        assert_eq!(request.threads.map(usize::from), Some(3));
        assert_eq!(request.out.as_deref(), Some(Path::new("results")));
        assert!(request.resume);
    }

    #[test]
    fn the_published_protocol_has_options_of_its_own() {
        let plain = parse("run --protocol published");
        assert_eq!((plain.search, plain.published), (Search::Published, PublishedOptions::default()));
        let request = parse(
            "run --protocol published --base lightgcn --new-entities 400 --select test --target-networks \
             independent --policy-steps 12 --reward-range 0.7:1.2 --action 0.5:30:5",
        );
        assert!(matches!(request.search, Search::Fixed(_)));
        assert_eq!((request.protocol, request.base), (Protocol::Published, Base::Lightgcn));
        let expected = PublishedOptions {
            new_entities: 400,
            selection: Selection::Test,
            target_networks: TargetNetworks::Independent,
            policy_steps: Some(12),
            reward_range: Some(RewardRange { low: 0.7, high: 1.2 }),
        };
        assert_eq!(request.published, expected);
    }

    #[test]
    fn options_without_a_use_are_refused() {
        let refused = |line: &str| {
            let typed = Typed::try_parse_from(line.split_whitespace()).unwrap();
            match typed.check() {
                Err(Failure::Usage(message)) => message,
                other => panic!("{line}: {other:?}"),
            }
        };
        for (line, expected) in [
            ("run --protocol published --segments 5", "--new-entities"),
            ("run --protocol published --search paired", "expected published"),
            ("run --protocol published --search history", "expected published"),
            ("run --base lightgcn --search history", "--base mf"),
            ("run --protocol published --method esapn", "takes part in the learning"),
            ("run --budget total:1MiB --base lightgcn", "--base mf"),
            ("run --budget total:1MiB --protocol published", "--protocol equal"),
            ("run --budget total:1MiB --method autoemb", "keeps no budget"),
            ("run --new-entities 400", "--protocol published"),
            ("run --select test", "--protocol published"),
            ("run --target-networks independent", "--search published"),
            ("run --policy-steps 5", "--search published"),
            ("run --reward-range 0.7:1.2 --search paired", "--search published"),
        ] {
            let message = refused(line);
            assert!(message.contains(expected), "{line}: {message}");
        }
        for line in ["run --reward-range 1.1:0.9", "run --reward-range 0.9", "run --reward-range 0:nan"] {
            assert!(Typed::try_parse_from(line.split_whitespace()).is_err(), "{line}");
        }
        for line in [
            "run --search published --policy-steps 5 --reward-range 0.7:1.2 --target-networks independent",
            "run --protocol published --search published --new-entities 5",
            "run --search history",
            "run --segments 5",
        ] {
            let typed = Typed::try_parse_from(line.split_whitespace()).unwrap();
            assert!(typed.check().is_ok(), "{line}");
        }
    }
}
