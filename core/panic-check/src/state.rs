//! The state that the policy reads.

use core::hint::black_box;
use scall_core::side::PerSide;
use scall_core::state::{SideState, StateConfig};

pub fn exercise() {
    let (order, numbers) = (black_box([2_u32, 0, 1]), black_box([1.0_f32, 2.0, 3.0]));
    let side = SideState {
        order: order.get(..black_box(3)).unwrap_or_default(),
        frequencies: numbers.get(..black_box(3)).unwrap_or_default(),
        mean_embedding: numbers.get(..black_box(2)).unwrap_or_default(),
        largest: black_box(3.0),
        smallest: black_box(1.0),
    };
    let mut out = black_box([0.0_f32; 64]);
    let config = black_box(StateConfig::COMPACT);
    black_box(config.len());
    let _ = black_box(config.write(&black_box(PerSide::new(side, side)), black_box(0.5), &mut out));
    black_box(&out);
}
