//! Checks that span the crates of scall.
