//! Frequencies and ranks.

use core::hint::black_box;
use scall_core::Side;
use scall_core::frequency::{Frequencies, rank, retention_of_half_life};

pub fn exercise() {
    let (mut users, mut items) = ([0.0; 40], [0.0; 40]);
    let users = users.get_mut(..black_box(30)).unwrap_or_default();
    let mut frequencies = Frequencies::new(users, black_box(&mut items));
    for side in black_box(Side::BOTH) {
        frequencies.record(side, black_box(3));
        black_box((frequencies.get(side, black_box(3)), frequencies.capacity(side)));
        frequencies.decay(retention_of_half_life(black_box(2.0)));
        let mut order = black_box([0; 50]);
        let order = order.get_mut(..black_box(45)).unwrap_or_default();
        rank(frequencies.of(side, black_box(20)), order);
        black_box(order);
    }
}
