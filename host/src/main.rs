//! The `scall` program.

fn main() {}
