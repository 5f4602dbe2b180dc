//! The core's hot loops, compiled for several widths of vector registers and chosen when the program runs.
//!
//! The core fixes the order of every sum and never fuses operations, so all of them give the same bits.

use multiversion::multiversion;
use scall_core::Side;
use scall_core::recommender::{Recommender, RecommenderError, Scored, batch_scratch_len};

/// Learns from each pair in turn.
#[multiversion(targets("x86_64+avx+avx2+bmi1+bmi2", "x86_64+sse4.2"))]
pub fn learn(recommender: &mut Recommender<'_>, pairs: &[(u32, u32)]) {
    for &(user, item) in pairs {
        recommender.learn(user, item);
    }
}

/// The best items for each of `users`, without those that are `excluded` for the `n`-th of them.
#[multiversion(targets("x86_64+avx+avx2+bmi1+bmi2+avx512f+avx512vl", "x86_64+avx+avx2+bmi1+bmi2"))]
pub fn retrieve(
    recommender: &Recommender<'_>,
    users: &[u32],
    lists: &mut [Scored],
    excluded: &dyn Fn(usize, u32) -> bool,
) -> Result<(), RecommenderError> {
    let width = users.iter().map(|&user| recommender.arena().row(Side::User, user).len()).max().unwrap_or(0);
    let mut scratch = vec![0.0; batch_scratch_len(users.len(), width)];
    let list = lists.len().checked_div(users.len()).unwrap_or(0);
    recommender.retrieve_batch(users, list, &mut scratch, lists, excluded)
}
