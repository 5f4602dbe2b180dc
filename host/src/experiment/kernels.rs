//! The core's hot loops, compiled for several widths of vector registers and chosen when the program runs.
//!
//! The core fixes the order of every sum and never fuses operations, so all of them give the same bits.

use multiversion::multiversion;
use scall_core::Side;
use scall_core::recommender::Recommender;

/// Learns from each pair in turn.
#[multiversion(targets("x86_64+avx+avx2+bmi1+bmi2", "x86_64+sse4.2"))]
pub fn learn(recommender: &mut Recommender<'_>, pairs: &[(u32, u32)]) {
    for &(user, item) in pairs {
        recommender.learn(user, item);
    }
}

/// Writes `[users x known items]` scores.
pub fn score(recommender: &Recommender<'_>, users: &[u32], scores: &mut [f32]) {
    let items = recommender.arena().count(Side::Item) as usize;
    for (&user, row) in users.iter().zip(scores.chunks_exact_mut(items.max(1))) {
        for (item, score) in row.iter_mut().enumerate() {
            *score = recommender.score(user, item as u32);
        }
    }
}
