//! The stream that a run without data learns from, made from its seed.

use scall_core::stream::{CrowdMemory, SyntheticConfig, SyntheticError, SyntheticStream, rows_len};

use crate::input::{Format, Interactions, Names};

/// Interactions in the built-in stream.
pub const INTERACTIONS: u32 = 100_000;
/// Users in the built-in stream.
pub const USERS: usize = 2_000;
/// Items in the built-in stream.
pub const ITEMS: usize = 3_000;

/// Midnight of 2020-01-01, UTC, in Unix seconds.
const START: i64 = 1_577_836_800;
/// Seconds from one interaction to the next: all of them fill about a year.
const STEP: i64 = 300;

/// The built-in stream of `seed`: 100,000 interactions of 2,000 users with 3,000 items within a year.
///
/// # Errors
/// None with the settings that are fixed here.
pub fn builtin(seed: u64) -> Result<Interactions, SyntheticError> {
    synthetic(seed, SyntheticConfig { events: INTERACTIONS, ..SyntheticConfig::default() }, USERS, ITEMS)
}

/// A synthetic stream of any size, one interaction every five minutes from 2020 on.
///
/// # Errors
/// A setting is out of its range, or a side has no entities.
pub fn synthetic(
    seed: u64,
    config: SyntheticConfig,
    users: usize,
    items: usize,
) -> Result<Interactions, SyntheticError> {
    let (mut user_rows, mut user_ranks) = (vec![0.0; rows_len(users)], vec![0; users]);
    let (mut item_rows, mut item_ranks) = (vec![0.0; rows_len(items)], vec![0; items]);
    // Wide enough that hardly any pair repeats.
    let mut recent = vec![0; 4 * config.events as usize];
    let stream = SyntheticStream::new(
        seed,
        config,
        CrowdMemory { rows: &mut user_rows, ranks: &mut user_ranks },
        CrowdMemory { rows: &mut item_rows, ranks: &mut item_ranks },
        &mut recent,
    )?;
    let (users, items): (Vec<u32>, Vec<u32>) = stream.map(|event| (event.user, event.item)).unzip();
    let times = (0..).take(users.len()).map(|position| (START + STEP * position) * 1000).collect();
    let name = |prefix: &str, ids: &[u32]| -> Names {
        let count = ids.iter().max().map_or(0, |&last| last + 1);
        (0..count).map(|id| format!("{prefix}{id}")).collect()
    };
    Ok(Interactions {
        path: "the built-in stream".to_owned(),
        name: Format::BuiltIn.name().to_owned(),
        format: Format::BuiltIn,
        rows: u64::from(config.events),
        skipped_rows: 0,
        user_names: name("user-", &users),
        item_names: name("item-", &items),
        users,
        items,
        times,
    })
}
