//! What removals put into the bank: there as long as one of them stands.

use super::{Bank, BankEntry, BankHash};
use crate::moderation::ModerationError;
use crate::staff::kept::{self, Kept};
use crate::{Changes, StorageError};

impl Bank {
    /// Plans that one more removal asks for a hash. The entry becomes as strict
    /// as the strictest of them.
    pub(in crate::moderation) fn plan_ban(
        &self,
        changes: &mut Changes,
        entry: &BankEntry,
    ) -> Result<(), ModerationError> {
        let known = self.entry(&entry.hash)?;
        let (stored, count) = self.removals(&entry.hash, known.as_ref())?;
        self.plan_add(changes, entry)?;
        put(changes, stored, &entry.hash, count.saturating_add(1));
        Ok(())
    }

    /// Plans that one removal less asks for a hash. True when the entry goes with
    /// it: what was listed stays, and what another removal asks for.
    pub(in crate::moderation) fn plan_unban(
        &self,
        changes: &mut Changes,
        hash: &BankHash,
    ) -> Result<bool, ModerationError> {
        let Some(known) = self.entry(hash)? else {
            return Ok(false);
        };
        let (stored, count) = self.removals(hash, Some(&known))?;
        let left = count.saturating_sub(1);
        if left == 0 && known.image.is_some() {
            return self.plan_remove(changes, hash);
        }
        put(changes, stored, hash, left);
        Ok(false)
    }

    /// How many removals ask for a hash: an entry from before they were counted
    /// was asked for by the one whose image it names.
    fn removals(
        &self,
        hash: &BankHash,
        known: Option<&BankEntry>,
    ) -> Result<(Option<Kept<u64>>, u64), StorageError> {
        let stored = Kept::<u64>::read(&*self.store, hash.removals_key())?;
        let of_entry = known.is_some_and(|entry| entry.image.is_some());
        let count = stored
            .as_ref()
            .map_or(u64::from(of_entry), |kept| kept.value);
        Ok((stored, count))
    }
}

fn put(changes: &mut Changes, stored: Option<Kept<u64>>, hash: &BankHash, count: u64) {
    match stored {
        Some(kept) => kept.replace(changes, &count),
        None => kept::insert(changes, hash.removals_key(), &count),
    }
}
