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
        ratings: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::{PrepareOptions, Stream, prepare};
    use std::collections::HashSet;

    fn prepared(seed: u64, k_core: u32) -> Stream {
        prepare(builtin(seed).unwrap(), &PrepareOptions { keep_repeats: false, k_core }).unwrap()
    }

    #[test]
    fn the_size_is_as_stated_and_hardly_anything_is_filtered() {
        let raw = builtin(42).unwrap();
        assert_eq!((raw.rows, raw.users.len(), raw.items.len()), (100_000, 100_000, 100_000));
        assert_eq!((raw.user_names.len(), raw.item_names.len()), (USERS, ITEMS));
        assert_eq!(raw, builtin(42).unwrap());
        assert_ne!(raw.users, builtin(43).unwrap().users);
        let stream = prepared(42, 5);
        assert!(stream.len() > 97_000, "{}", stream.len());
        assert_eq!((stream.first_timestamp(), stream.name.as_str()), (Some(START), "built-in"));
        assert_eq!(stream.user_names.get(0), Some("user-0"));
    }

    /// Recall@20 in the last tenth of the stream, with the scores of a rule that knows the rest.
    fn recall(test: &[(u32, u32)], seen: &[HashSet<u32>], score: impl Fn(&HashSet<u32>) -> Vec<f32>) -> f64 {
        let (mut hits, mut all) = (0_u32, 0_u32);
        for (user, history) in (0_u32..).zip(seen).step_by(8) {
            let wanted: Vec<u32> =
                test.iter().filter(|&&(other, _)| other == user).map(|&(_, item)| item).collect();
            if wanted.is_empty() {
                continue;
            }
            let scores = score(history);
            let mut ranked: Vec<u32> =
                (0..).take(scores.len()).filter(|item| !history.contains(item)).collect();
            ranked.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
            ranked.truncate(20);
            hits += wanted.iter().map(|item| u32::from(ranked.contains(item))).sum::<u32>();
            all += wanted.len() as u32;
        }
        f64::from(hits) / f64::from(all)
    }

    /// A rule that knows who shares items beats popularity, also when that is counted lately: what users do
    /// says something about what they will do.
    #[test]
    fn tastes_can_be_learned() {
        let stream = prepared(42, 5);
        let pairs: Vec<(u32, u32)> = stream.pairs().collect();
        let (past, test) = pairs.split_at(pairs.len() * 9 / 10);
        let (users, items) = (stream.entities().user, stream.entities().item);
        let mut seen = vec![HashSet::new(); users];
        let mut count = vec![0.0_f32; items];
        let mut lately = vec![0.0_f32; items];
        for (position, &(user, item)) in past.iter().enumerate() {
            seen[user as usize].insert(item);
            count[item as usize] += 1.0;
            lately[item as usize] += f32::from(position > past.len() * 9 / 10);
        }
        let mut together = vec![0.0_f32; items * items];
        for history in &seen {
            for &a in history {
                for &b in history {
                    together[a as usize * items + b as usize] += 1.0;
                }
            }
        }
        let neighbours = |history: &HashSet<u32>| {
            let mut scores = vec![0.0_f32; items];
            for &item in history {
                let row = &together[item as usize * items..][..items];
                for ((score, &both), &other) in scores.iter_mut().zip(row).zip(&count) {
                    *score += both / (count[item as usize] * other.max(1.0)).sqrt();
                }
            }
            scores
        };
        let personal = recall(test, &seen, neighbours);
        let popular = recall(test, &seen, |_| count.clone()).max(recall(test, &seen, |_| lately.clone()));
        assert!(personal > 1.5 * popular && popular > 0.02, "{personal:.4} beside {popular:.4}");
    }
}
