//! What removals put into the bank: there as long as one of them stands.

use super::entry::LEFT;
use super::{Bank, BankEntry, BankHash};
use crate::moderation::ModerationError;
use crate::staff::kept::{self, Kept};
use crate::{Changes, KeyRange, Keyspace, Space, StorageError};

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
            self.plan_left(changes, hash)?;
            return self.plan_remove(changes, hash);
        }
        put(changes, stored, hash, left);
        Ok(false)
    }

    /// Whether a hash leaves the bank when one removal less asks for it.
    pub(in crate::moderation) fn rests_on_one(
        &self,
        hash: &BankHash,
    ) -> Result<bool, ModerationError> {
        let Some(known) = self.entry(hash)? else {
            return Ok(false);
        };
        let (_, count) = self.removals(hash, Some(&known))?;
        Ok(count <= 1 && known.image.is_some())
    }

    /// Plans that the copies which were removed for a hash come back.
    pub(super) fn plan_left(
        &self,
        changes: &mut Changes,
        hash: &BankHash,
    ) -> Result<(), StorageError> {
        if !self.store.range(&hash.copies(), 1)?.is_empty() {
            Self::plan_marked(changes, hash);
        }
        Ok(())
    }

    /// The same for one that is only about to be listed.
    pub(in crate::moderation) fn plan_marked(changes: &mut Changes, hash: &BankHash) {
        changes.put(hash.left_key(), []);
    }

    /// Up to `limit` hashes that left the bank and whose copies are to come back;
    /// they stay so over a restart.
    pub(in crate::moderation) fn left(&self, limit: usize) -> Result<Vec<BankHash>, StorageError> {
        let range = KeyRange::prefix(&Space::Bank.key(&[LEFT]));
        let marks = self.store.range(&range, limit)?;
        let hashes = marks.iter().filter_map(|mark| BankHash::of_mark(&mark.key));
        Ok(hashes.collect())
    }

    /// Notes that nothing is left to come back for a hash.
    pub(in crate::moderation) fn end_left(&self, hash: &BankHash) -> Result<(), StorageError> {
        let mut changes = Changes::new();
        changes.delete(hash.left_key());
        Keyspace::commit(&*self.store, changes)
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
