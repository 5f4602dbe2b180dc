//! A whole run.

use core::hint::black_box;
use scall_core::scenario::Scenario;

pub fn exercise() {
    let mut scenario = Scenario::new();
    let _ = black_box(black_box(&mut scenario).run(black_box(42)));
}
