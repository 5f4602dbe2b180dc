//! Who stands against whom in a comparison.

use std::fmt;

use crate::experiment::{Method, Storage, name_of};

/// A method, and how its rows are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contender {
    /// How sizes are chosen.
    pub method: Method,
    /// How a parameter is stored.
    pub storage: Storage,
}

/// As in tables and charts: the method, and its storage unless that is `f32`.
impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.storage {
            Storage::F32 => self.method.fmt(f),
            storage => write!(f, "{} {}", self.method, name_of(&storage)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_go_without_saying() {
        let named = |storage| Contender { method: Method::Scall, storage }.to_string();
        assert_eq!([Storage::F32, Storage::F16, Storage::I8].map(named), ["scall", "scall f16", "scall i8"]);
    }
}
