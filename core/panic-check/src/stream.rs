//! The synthetic stream.

use core::hint::black_box;
use scall_core::Side;
use scall_core::stream::{CrowdMemory, SyntheticConfig, SyntheticStream, rows_len};

pub fn exercise() {
    let (mut user_rows, mut user_ranks) = ([0.0; rows_len(9)], [0; 9]);
    let (mut item_rows, mut item_ranks) = ([0.0; rows_len(7)], [0; 7]);
    let mut recent = [0; 16];
    let length = |most: usize| black_box(most);
    let stream = SyntheticStream::new(
        black_box(1),
        black_box(SyntheticConfig::default()),
        CrowdMemory {
            rows: user_rows.get_mut(..length(50)).unwrap_or_default(),
            ranks: user_ranks.get_mut(..length(8)).unwrap_or_default(),
        },
        CrowdMemory {
            rows: item_rows.get_mut(..length(50)).unwrap_or_default(),
            ranks: item_ranks.get_mut(..length(6)).unwrap_or_default(),
        },
        recent.get_mut(..length(11)).unwrap_or_default(),
    );
    if let Ok(mut stream) = stream {
        black_box(stream.len());
        while let Some(event) = stream.next() {
            black_box(stream.affinity(event.user, black_box(event.item)));
        }
        black_box(stream.present(black_box(Side::Item)));
    }
}
