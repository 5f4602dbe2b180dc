//! Random numbers and the mathematics behind them.

use core::hint::black_box;
use scall_core::{math, random::Generator};

pub fn exercise() {
    let mut generator = Generator::stream(black_box(1), black_box(2));
    black_box(generator.below(black_box(3)));
    black_box(generator.normal() + generator.symmetric());
    let values = black_box([1.0_f32; 13]);
    let length = black_box(11_usize);
    let part = values.get(..length).unwrap_or_default();
    black_box(math::dot(&values, part) + math::sum(part) + math::squared_norm(part));
    black_box(math::sigmoid(black_box(0.5)) + math::softplus(black_box(0.5)) + math::tanh(black_box(0.5)));
    black_box(
        math::pow(black_box(2.0), 0.5) + math::inverse_sqrt(black_box(2.0)) + math::sqrt(black_box(2.0)),
    );
    black_box(math::exp_f64(black_box(1.0)) + math::ln_f64(black_box(2.0)) + math::log2_f64(black_box(2.0)));
    black_box(math::pow_f64(black_box(2.0), 0.5) + math::sqrt_f64(black_box(2.0)));
}
