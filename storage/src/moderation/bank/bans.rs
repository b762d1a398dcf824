//! What removals put into the bank: there as long as one of them stands.

use super::entry::LEFT;
use super::{Bank, BankEntry, BankHash};
use crate::moderation::{ModerationError, Policy};
use crate::staff::kept::{self, Kept};
use crate::{Changes, ImageId, KeyRange, Keyspace, Space, StorageError};

/// What becomes of the copies that were removed for a hash which left the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::moderation) enum Left {
    /// They come back as they were.
    Return,
    /// They come back to child safety alone.
    ReturnUnseen,
    /// They stay removed, as copies of nothing.
    Stay,
}

impl Left {
    /// What was banned at last as the abuse of a child is shown to nobody else first,
    /// whatever its copies were removed for.
    pub(super) fn of(entry: &BankEntry) -> Self {
        match entry.against {
            Policy::ChildAbuse => Self::ReturnUnseen,
            _ => Self::Return,
        }
    }

    fn encode(self) -> &'static [u8] {
        match self {
            Self::Return => b"",
            Self::ReturnUnseen => b"c",
            Self::Stay => b"s",
        }
    }

    /// What is not known brings nothing to the public.
    fn decode(value: &[u8]) -> Self {
        match value {
            b"" => Self::Return,
            b"s" => Self::Stay,
            _ => Self::ReturnUnseen,
        }
    }
}

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
            self.plan_left(changes, hash, Left::of(&known))?;
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

    /// Plans what becomes of the copies which were removed for a hash.
    pub(super) fn plan_left(
        &self,
        changes: &mut Changes,
        hash: &BankHash,
        left: Left,
    ) -> Result<(), StorageError> {
        if !self.store.range(&hash.copies(), 1)?.is_empty() {
            changes.put(hash.left_key(), left.encode());
        }
        Ok(())
    }

    /// Lets changes pass only while a hash is in the bank: an image is no copy of
    /// what is banned no more.
    ///
    /// # Errors
    /// [`ModerationError::Gone`] where it is not.
    pub(in crate::moderation) fn expect_entry(
        &self,
        changes: &mut Changes,
        hash: &BankHash,
        image: &ImageId,
    ) -> Result<(), ModerationError> {
        let entry = self.store.get(&hash.key())?;
        if entry.is_none() {
            return Err(ModerationError::Gone { id: *image });
        }
        changes.expect(hash.key(), entry);
        Ok(())
    }

    /// Up to `limit` hashes that left the bank while copies were removed for them,
    /// with what becomes of those; they stay so over a restart.
    pub(in crate::moderation) fn left(
        &self,
        limit: usize,
    ) -> Result<Vec<(BankHash, Left)>, StorageError> {
        let range = KeyRange::prefix(&Space::Bank.key(&[LEFT]));
        let marks = self.store.range(&range, limit)?;
        let hashes = marks.iter().filter_map(|mark| {
            let hash = BankHash::of_mark(&mark.key)?;
            Some((hash, Left::decode(&mark.value)))
        });
        Ok(hashes.collect())
    }

    /// Notes that nothing is left to do for a hash. Whoever calls has the turn.
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
