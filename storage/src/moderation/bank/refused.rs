//! How many uploads each hash has refused.
//!
//! Counted in memory, and written down by whoever keeps the queue: an upload that is
//! refused costs no write. What a crash loses is half a minute of a number.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use super::{Bank, BankHash};
use crate::moderation::ModerationError;
use crate::staff::kept::{self, Kept};
use crate::{Changes, Keyspace};

/// Hashes counted until the next time they are written down; more are not.
const COUNTED_MAX: usize = 10_000;

/// Numbers written together.
const BATCH: usize = 500;

impl Bank {
    /// Counts one upload that was refused for a hash.
    pub fn note_refused(&self, hash: &BankHash) {
        let mut counted = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() < COUNTED_MAX || counted.contains_key(hash) {
            let count = counted.entry(*hash).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Writes down what was counted. What cannot be written is counted still.
    ///
    /// # Errors
    /// The store's.
    pub fn keep_refused(&self) -> Result<(), ModerationError> {
        let mut counted = {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *refused)
        };
        while !counted.is_empty() {
            let batch: Vec<(BankHash, u64)> = counted
                .iter()
                .take(BATCH)
                .map(|(hash, count)| (*hash, *count))
                .collect();
            if let Err(error) = self.write_refused(&batch) {
                self.count_again(counted);
                return Err(error);
            }
            for (hash, _) in &batch {
                counted.remove(hash);
            }
        }
        Ok(())
    }

    /// How many uploads a hash has refused.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn n_refused(&self, hash: &BankHash) -> Result<u64, ModerationError> {
        let stored = Kept::<u64>::read(&*self.store, hash.refused_key())?;
        let counted = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = counted.get(hash).copied().unwrap_or_default();
        Ok(stored.map_or(0, |kept| kept.value).saturating_add(counted))
    }

    fn write_refused(&self, batch: &[(BankHash, u64)]) -> Result<(), ModerationError> {
        let mut changes = Changes::new();
        for (hash, count) in batch {
            let entry = self.store.get(&hash.key())?;
            // The number goes with its hash.
            if entry.is_none() {
                continue;
            }
            changes.expect(hash.key(), entry);
            match Kept::<u64>::read(&*self.store, hash.refused_key())? {
                Some(kept) => kept.replace(&mut changes, &kept.value.saturating_add(*count)),
                None => kept::insert(&mut changes, hash.refused_key(), count),
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        Ok(Keyspace::commit(&*self.store, changes)?)
    }

    fn count_again(&self, counted: BTreeMap<BankHash, u64>) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        for (hash, count) in counted {
            let known = refused.entry(hash).or_default();
            *known = known.saturating_add(count);
        }
    }
}
