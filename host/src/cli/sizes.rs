//! `scall sizes`: the sampler alone.

use anyhow::Context;
use clap::Args;
use scall_core::random::Generator;
use scall_core::side::PerSide;
use scall_core::sizes::{Action, Bounds, Distribution, SizeSettings, counts_len, descending_sizes};

use super::arguments::OutputArguments;
use super::console::Console;
use super::failure::Failure;
use crate::budget::BudgetSpec;
use crate::experiment::Storage;
use crate::report::{SCHEMA, SizesDocument, table};

/// The most entities a side may have: their sizes are printed one by one.
const MOST_ENTITIES: i64 = 100_000_000;
/// The largest size that can be asked for; one count is kept per size.
const MOST_SIZE: i64 = 1 << 20;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The number of users
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=MOST_ENTITIES))]
    users: u32,
    /// The number of items
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=MOST_ENTITIES))]
    items: u32,
    /// The most parameters in all: mean:N per user and item, params:N, or bytes (64KiB, 1MiB, 10MB)
    #[arg(long, value_name = "SPEC", allow_hyphen_values = true)]
    budget: BudgetSpec,
    /// The users' share of the budget, from 0 to 1; what one side cannot take goes to the other
    #[arg(long, value_name = "W", value_parser = share)]
    user_share: f32,
    /// The shape of the users' distribution [published ranges: see --distribution]
    #[arg(long, value_name = "A")]
    user_shape: f32,
    /// The shape of the items' distribution
    #[arg(long, value_name = "A")]
    item_shape: f32,
    /// What the sizes are drawn from
    #[arg(long, value_name = "NAME", default_value = "power-law", value_parser = distributions())]
    distribution: String,
    /// The smallest size; 0 lets the rarest go without a row of their own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=MOST_SIZE))]
    min_size: u32,
    /// The largest size
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=MOST_SIZE))]
    max_size: u32,
    /// Take the expected sizes instead of one random draw
    #[arg(long)]
    expected: bool,
    /// The source of the draw's randomness
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    /// How a parameter is stored; a budget in bytes counts what is stored
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Storage::F32)]
    storage: Storage,
    #[command(flatten)]
    output: OutputArguments,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console) -> Result<(), Failure> {
    let document = document(arguments)?;
    console.show(&document, arguments.output, table::sizes)
}

fn document(arguments: &Arguments) -> Result<SizesDocument, Failure> {
    let distribution = Distribution::ALL.into_iter().find(|d| d.name() == arguments.distribution);
    let distribution = distribution.unwrap_or_default();
    let Arguments { users, items, min_size: min, max_size: max, .. } = *arguments;
    for (option, shape) in [("--user-shape", arguments.user_shape), ("--item-shape", arguments.item_shape)] {
        if !distribution.accepts(shape) {
            let (low, high) = distribution.shape_range();
            return Err(Failure::usage(format!(
                "invalid value '{shape}' for '{option} <A>': expected a shape of the {} distribution, published \
                 from {low} to {high}",
                distribution.name()
            )));
        }
    }
    if min > max {
        return Err(Failure::usage(format!(
            "invalid value '{min}' for '--min-size <N>': expected at most the --max-size, {max}"
        )));
    }
    let entities = u64::from(users) + u64::from(items);
    let budget = arguments.budget.parameters(entities, arguments.storage).map_err(anyhow::Error::from)?;
    let bounds = Bounds { min, max };
    let settings = SizeSettings { distribution, bounds: PerSide::new(bounds, bounds) };
    let action = Action {
        user_share: arguments.user_share,
        user_shape: arguments.user_shape,
        item_shape: arguments.item_shape,
    };
    let (mut user_sizes, mut item_sizes) = (zeros(users as usize)?, zeros(items as usize)?);
    let (mut user_counts, mut item_counts) = (zeros(counts_len(max))?, zeros(counts_len(max))?);
    let mut generator = (!arguments.expected).then(|| Generator::new(arguments.seed));
    let plan = descending_sizes(
        &action,
        &settings,
        budget.into(),
        generator.as_mut(),
        PerSide::new(&mut user_sizes, &mut item_sizes),
        PerSide::new(&mut user_counts, &mut item_counts),
    )
    .map_err(anyhow::Error::from)?;
    Ok(SizesDocument {
        schema: SCHEMA,
        user_sizes,
        item_sizes,
        budget_parameters: budget.into(),
        parameters_used: plan.total(),
    })
}

fn distributions() -> clap::builder::PossibleValuesParser {
    Distribution::ALL.map(Distribution::name).into()
}

fn share(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}

fn zeros(count: usize) -> anyhow::Result<Vec<u32>> {
    let mut words = Vec::new();
    words.try_reserve_exact(count).with_context(|| format!("no memory for {count} sizes"))?;
    words.resize(count, 0);
    Ok(words)
}
