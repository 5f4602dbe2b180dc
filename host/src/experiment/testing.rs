//! What the tests of the experiment share.

use scall_core::recommender::Scored;

use super::evaluate::Excluded;
use super::metrics::LIST;
use crate::input::{Format, Names};
use crate::stream::Stream;

/// Scores an item by its number alone: the last known item is the best.
pub(crate) fn by_number(items: u32) -> impl Fn(&[u32], &mut [Scored], &Excluded<'_>) {
    move |users, lists, excluded| {
        for (n, list) in lists.chunks_exact_mut(LIST).enumerate().take(users.len()) {
            let best = (0..items).rev().filter(|&item| !excluded(n, item));
            for (place, item) in list.iter_mut().zip(best) {
                *place = Scored { item, score: item as f32 };
            }
        }
    }
}

/// A stream of these pairs, one a second, whose numbers are in order of arrival already.
pub(crate) fn stream(pairs: &[(u32, u32)]) -> Stream {
    let (users, items): (Vec<u32>, Vec<u32>) = pairs.iter().copied().unzip();
    let names = |ids: &[u32]| -> Names {
        let count = ids.iter().max().map_or(0, |&last| last + 1);
        (0..count).map(|id| id.to_string()).collect()
    };
    Stream {
        name: "test".to_owned(),
        format: Format::BuiltIn,
        rows: pairs.len() as u64,
        skipped_rows: 0,
        times: (0..).take(pairs.len()).collect(),
        user_names: names(&users),
        item_names: names(&items),
        users,
        items,
    }
}
