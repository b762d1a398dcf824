//! A table of numbers by hashed key, of a fixed size: however many keys come,
//! it takes what it took at the start.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keys that share a lock, and among which one has to give way: two lines of
/// the cache.
const WAYS: usize = 8;

/// Numbers by key. A key that comes into a full set takes the place of the one
/// with the smallest number there. For a limit that is whoever has used the
/// least of it, so that those it holds back are the last ones to be forgotten.
#[derive(Debug)]
pub(super) struct Table {
    sets: Box<[Mutex<Set>]>,
}

type Set = [Slot; WAYS];

/// Key 0 is a free place.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    key: u64,
    number: u64,
}

impl Table {
    /// Room for `2^log_keys` keys, at least one set of them.
    pub(super) fn new(log_keys: u32) -> Self {
        let n_sets = (1_usize << log_keys) / WAYS;
        let sets = (0..n_sets.max(1)).map(|_| Mutex::new(Set::default()));
        Self {
            sets: sets.collect(),
        }
    }

    /// The number of a key.
    pub(super) fn find(&self, key: u64) -> Option<u64> {
        let set = self.set(key);
        let slot = set.iter().find(|slot| slot.key == key.max(1))?;
        Some(slot.number)
    }

    /// Gives a key a number.
    pub(super) fn put(&self, key: u64, number: u64) {
        put(&mut self.set(key), key.max(1), number);
    }

    /// Gives a key another number by what it has, unless that fails.
    pub(super) fn update<E>(
        &self,
        key: u64,
        next: impl FnOnce(Option<u64>) -> Result<u64, E>,
    ) -> Result<(), E> {
        let mut set = self.set(key);
        let key = key.max(1);
        let known = set.iter().find(|slot| slot.key == key);
        let number = next(known.map(|slot| slot.number))?;
        put(&mut set, key, number);
        Ok(())
    }

    /// What it takes, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        std::mem::size_of_val(&*self.sets)
    }

    fn set(&self, key: u64) -> MutexGuard<'_, Set> {
        // The number of sets is a power of two, and keys are hashes.
        let mask = self.sets.len() - 1;
        let idx = usize::try_from(key >> 32).unwrap_or_default() & mask;
        self.sets[idx]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn put(set: &mut Set, key: u64, number: u64) {
    let known = set.iter().position(|slot| slot.key == key);
    let smallest = || {
        let numbers = set.iter().map(|slot| slot.number).enumerate();
        numbers
            .min_by_key(|(_, number)| *number)
            .map(|(idx, _)| idx)
    };
    if let Some(idx) = known.or_else(smallest) {
        set[idx] = Slot { key, number };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_number_gives_way() {
        let table = Table::new(3);
        for key in 1..=8 {
            table.put(key, 100 - key);
        }
        table.put(9, 1_000);
        assert_eq!(table.find(8), None, "it had the smallest number");
        assert_eq!(table.find(9), Some(1_000));
        table.put(1, 5);
        assert_eq!(table.find(1), Some(5));
        table.put(0, 7);
        assert_eq!(table.find(0), Some(7), "the hash 0 is a key as well");
    }
}
