//! What one write changes. sled's own batch does not tell its keys, which a copy
//! that runs beside it must know.

use std::collections::BTreeMap;

use sled::IVec;

/// Keys with their new values, or without.
#[derive(Debug, Default)]
pub(super) struct Batch(BTreeMap<IVec, Option<IVec>>);

impl Batch {
    /// Gives a key a value.
    pub(super) fn insert(&mut self, key: impl Into<IVec>, value: impl Into<IVec>) {
        self.0.insert(key.into(), Some(value.into()));
    }

    /// Takes a key away.
    pub(super) fn remove(&mut self, key: impl Into<IVec>) {
        self.0.insert(key.into(), None);
    }

    /// Every key that is changed.
    pub(super) fn keys(&self) -> impl Iterator<Item = &IVec> {
        self.0.keys()
    }
}

impl From<Batch> for sled::Batch {
    fn from(batch: Batch) -> Self {
        let mut theirs = Self::default();
        for (key, value) in batch.0 {
            match value {
                Some(value) => theirs.insert(key, value),
                None => theirs.remove(key),
            }
        }
        theirs
    }
}
