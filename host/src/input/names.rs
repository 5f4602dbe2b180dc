//! Users and items as they are named in a file, and their dense numbers.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Texts numbered from 0, back to back in one string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    text: String,
    ends: Vec<usize>,
}

impl Names {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Name number `id`.
    pub fn get(&self, id: u32) -> Option<&str> {
        let id = usize::try_from(id).ok()?;
        let end = *self.ends.get(id)?;
        let start = id.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(start..end)
    }

    /// All names in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0_u32..).map_while(|id| self.get(id))
    }

    /// Adds a name behind the others.
    pub fn push(&mut self, name: &str) {
        self.text.push_str(name);
        self.ends.push(self.text.len());
    }
}

impl<S: AsRef<str>> FromIterator<S> for Names {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut all = Self::default();
        for name in names {
            all.push(name.as_ref());
        }
        all
    }
}

/// Why a name was not numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameError {
    NotText,
    TooMany,
}

/// Numbers names in the order of their first appearance.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    names: Names,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Interner {
    /// The number of `name`, a new one if it has none. Names are checked when they are new.
    pub(crate) fn intern(&mut self, name: &[u8]) -> Result<u32, NameError> {
        let Self { names, table, hasher } = self;
        let spelling = |id: u32| names.get(id).unwrap_or_default().as_bytes();
        let hash = hasher.hash_one(name);
        if let Some(&id) = table.find(hash, |&id| spelling(id) == name) {
            return Ok(id);
        }
        let text = std::str::from_utf8(name).map_err(|_| NameError::NotText)?;
        if text.contains('\0') {
            return Err(NameError::NotText);
        }
        // The largest number stays free as a mark.
        let id = u32::try_from(names.len()).ok().filter(|&id| id < u32::MAX).ok_or(NameError::TooMany)?;
        table.insert_unique(hash, id, |&id| hasher.hash_one(spelling(id)));
        names.push(text);
        Ok(id)
    }

    pub(crate) fn into_names(mut self) -> Names {
        self.names.text.shrink_to_fit();
        self.names.ends.shrink_to_fit();
        self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn names_are_numbered_by_first_appearance_as_in_a_plain_map() {
        let mut interner = Interner::default();
        let mut model = HashMap::new();
        for i in 0..200_000_u64 {
            let name = format!("{:x}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 30_011);
            let fresh = u32::try_from(model.len()).unwrap();
            let expected = *model.entry(name.clone()).or_insert(fresh);
            assert_eq!(interner.intern(name.as_bytes()), Ok(expected));
        }
        let names = interner.into_names();
        assert_eq!(names.len(), model.len());
        assert_eq!(names.iter().count(), model.len());
        for (name, id) in model {
            assert_eq!(names.get(id), Some(name.as_str()));
        }
    }

    #[test]
    fn any_text_is_a_name_and_nothing_else() {
        let mut interner = Interner::default();
        assert_eq!(interner.intern("ü b".as_bytes()), Ok(0));
        assert_eq!(interner.intern(b"17850.0"), Ok(1));
        assert_eq!(interner.intern(b"\xff"), Err(NameError::NotText));
        assert_eq!(interner.intern(b"a\0b"), Err(NameError::NotText));
        assert_eq!(interner.intern("ü b".as_bytes()), Ok(0));
        let names = interner.into_names();
        assert_eq!(names.iter().collect::<Vec<_>>(), ["ü b", "17850.0"]);
        assert_eq!(names.get(2), None);
        assert_eq!(Names::from_iter(["ü b", "17850.0"]), names);
        assert!(Names::default().is_empty());
    }
}
