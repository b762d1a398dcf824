//! Locks that many keys share by hash.

use std::collections::BTreeSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// 64 images in flight seldom meet.
const LOCKS: usize = 64;

/// A lock for every key.
pub(crate) struct Locks {
    locks: [Mutex<()>; LOCKS],
    hash: RandomState,
}

/// The locks of one key or of two.
pub(super) struct Locked<'a> {
    _first: MutexGuard<'a, ()>,
    _second: Option<MutexGuard<'a, ()>>,
}

impl Default for Locks {
    fn default() -> Self {
        Self {
            locks: std::array::from_fn(|_| Mutex::new(())),
            hash: RandomState::new(),
        }
    }
}

impl Locks {
    pub(super) fn one(&self, key: impl Hash) -> MutexGuard<'_, ()> {
        self.lock(self.idx_of(key))
    }

    /// Two at once, always in the same order, so that nobody waits in a circle.
    pub(super) fn both(&self, one: impl Hash, other: impl Hash) -> Locked<'_> {
        let (one, other) = (self.idx_of(one), self.idx_of(other));
        let _first = self.lock(one.min(other));
        let _second = (one != other).then(|| self.lock(one.max(other)));
        Locked { _first, _second }
    }

    /// Those of all keys, each once and in the same order.
    pub(super) fn all(&self, keys: impl IntoIterator<Item: Hash>) -> Vec<MutexGuard<'_, ()>> {
        let idxs: BTreeSet<usize> = keys.into_iter().map(|key| self.idx_of(key)).collect();
        idxs.into_iter().map(|idx| self.lock(idx)).collect()
    }

    fn idx_of(&self, key: impl Hash) -> usize {
        let [low, ..] = self.hash.hash_one(key).to_le_bytes();
        usize::from(low) % LOCKS
    }

    fn lock(&self, idx: usize) -> MutexGuard<'_, ()> {
        self.locks[idx]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
