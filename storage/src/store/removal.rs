//! The end of images, and the cleaning up of what failed half-way.

use std::collections::VecDeque;
use std::sync::{MutexGuard, PoisonError};

use super::{ABANDONED_MAX, Abandoned, Store, UPDATE_ATTEMPTS_MAX, Undo};
use crate::complaints::outcome;
use crate::erased::Fate;
use crate::retention::{pending, unpublished};
use crate::{Changes, ImageId, Record, State, StorageError, audit, moderation};

impl Store {
    /// Removes an image: from then on it is [`State::Removed`], then its bytes
    /// go, then its record. One under legal hold, or with an objection that is
    /// open, keeps both. False when there was none to remove.
    ///
    /// # Errors
    /// When it cannot be removed. What has begun is finished by the next upload
    /// or probe that finds the disk well, by calling again, or by the next start.
    pub fn remove(&self, id: &ImageId, now_ms: u64) -> Result<bool, StorageError> {
        self.find(id)?;
        let _lock = self.lock(id);
        let Some(record) = self.records.find(id)? else {
            return Ok(false);
        };
        let is_kept = self.is_kept(&record)?;
        if record.state == State::Removed {
            if is_kept {
                return Ok(false);
            }
        } else {
            match self.update_locked(id, |record| record.state = State::Removed) {
                // Removing is how room is made: it must not need any.
                Err(StorageError::NoSpace { .. }) if !is_kept => {}
                // The bytes are gone already, by a removal that had no room.
                Err(StorageError::NotFound { .. }) => {}
                other => {
                    other?;
                }
            }
        }
        if is_kept {
            self.erased.note(id, now_ms, Fate::Held)?;
        } else if let Err(error) = self.purge(id, now_ms) {
            self.remember(id, Self::purge_removed, now_ms);
            return Err(error);
        }
        Ok(true)
    }

    /// Whether something keeps an image that is removed: a legal hold, or an
    /// objection that is open.
    pub(crate) fn is_kept(&self, record: &Record) -> Result<bool, StorageError> {
        Ok(record.is_held() || outcome::keeps_from_purge(&*self.records, &record.id)?)
    }

    /// Removes what a removed image still has. The caller holds its lock.
    /// The bytes make room for the tombstone, without which the record stays; with
    /// the record go the scores that the audit has of it.
    fn purge(&self, id: &ImageId, now_ms: u64) -> Result<(), StorageError> {
        self.variants.remove(id)?;
        self.blobs.remove(id)?;
        self.erased.note(id, now_ms, Fate::Erased)?;
        let record = self.records.find(id)?;
        let mut n_lost = 0;
        loop {
            let mut changes = Changes::new();
            let is_more = self.plan_purged(&mut changes, id, record.as_ref(), now_ms)?;
            // Still public where there was no room to say that it is removed.
            if let Some(record) = &record {
                unpublished::plan(&*self.records, &mut changes, record, State::Removed)?;
            }
            match self.records.commit(changes) {
                Ok(()) if is_more => {}
                Ok(()) => break,
                // Somebody was at its job, its statements or the hash bank.
                Err(StorageError::Stale { .. }) if n_lost < UPDATE_ATTEMPTS_MAX => n_lost += 1,
                Err(error) => return Err(error),
            }
        }
        if let Some(record) = record {
            self.likenesses.forget(&*self.records, &record);
        }
        Ok(())
    }

    /// Plans the end of a record with everything elsewhere that lives as long as the
    /// image: its scores, and that the hash bank knows where a hash came from.
    /// Statements of reasons get their end. True when one commit does not take it all.
    fn plan_purged(
        &self,
        changes: &mut Changes,
        id: &ImageId,
        record: Option<&Record>,
        now_ms: u64,
    ) -> Result<bool, StorageError> {
        let keys = &*self.records;
        pending::plan(keys, changes, now_ms)?;
        let is_more = audit::plan_erased(keys, changes, id)?;
        if is_more {
            return Ok(true);
        }
        moderation::plan_scores_erased(keys, changes, id)?;
        moderation::plan_wait_ended(changes, id, State::Pending, State::Removed);
        if let Some(record) = record {
            moderation::plan_origin_forgotten(keys, changes, record)?;
        }
        outcome::plan_purged(keys, changes, id, now_ms)?;
        changes.remove_record(*id);
        Ok(false)
    }

    /// Purges an image if it is removed and nothing keeps it.
    pub(crate) fn purge_if_removed(&self, id: &ImageId, now_ms: u64) -> Result<(), StorageError> {
        let _lock = self.lock(id);
        self.purge_removed(id, now_ms)
    }

    fn purge_removed(&self, id: &ImageId, now_ms: u64) -> Result<(), StorageError> {
        match self.records.find(id)? {
            Some(record) if record.state == State::Removed && !self.is_kept(&record)? => {
                self.purge(id, now_ms)
            }
            _ => Ok(()),
        }
    }

    /// Removes variants whose image is gone or evidence. For the start.
    pub(crate) fn drop_orphans(&self) {
        self.variants.retain(|id| match self.records.find(id) {
            Ok(Some(record)) if record.legal_hold => false,
            Ok(Some(record)) => {
                record.state != State::Removed || self.is_kept(&record).unwrap_or(true)
            }
            Ok(None) => false,
            // Nobody knows; it is asked again at the next start.
            Err(_) => true,
        });
    }

    /// Takes back whatever a commit has left. The room-taking blob goes first,
    /// so that the record's removal has room; the mark of doubt goes last.
    pub(crate) fn undo(&self, id: &ImageId) -> Result<(), StorageError> {
        self.blobs.remove(id)?;
        self.records.remove(id)?;
        self.blobs.settle(id)
    }

    pub(super) fn undo_blob(&self, id: &ImageId) -> Result<(), StorageError> {
        self.blobs.remove(id)?;
        self.blobs.settle(id)
    }

    pub(super) fn abandon(&self, id: &ImageId, undo: Undo) {
        if let Err(error) = undo(self, id, 0) {
            tracing::warn!(%id, %error, "a failed upload is cleaned up later");
            self.remember(id, undo, 0);
        }
    }

    fn remember(&self, id: &ImageId, undo: Undo, at_ms: u64) {
        let mut abandoned = self.abandoned();
        if abandoned.iter().any(|known| known.id == *id) {
            return;
        }
        let id = *id;
        abandoned.push_back(Abandoned { id, undo, at_ms });
        give_up_excess(&mut abandoned);
    }

    /// Cleans up until something fails: what stops one may stop the others too. It
    /// is the last to be tried the next time, and the first to be given up.
    pub(super) fn retry_abandoned(&self) {
        let mut waiting = std::mem::take(&mut *self.abandoned());
        while let Some(next) = waiting.pop_back() {
            let _lock = self.lock(&next.id);
            if (next.undo)(self, &next.id, next.at_ms).is_err() {
                waiting.push_front(next);
                break;
            }
        }
        let mut abandoned = self.abandoned();
        // What came meanwhile is younger.
        waiting.append(&mut abandoned);
        give_up_excess(&mut waiting);
        *abandoned = waiting;
    }

    fn abandoned(&self) -> MutexGuard<'_, VecDeque<Abandoned>> {
        self.abandoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn give_up_excess(abandoned: &mut VecDeque<Abandoned>) {
    let excess = abandoned.len().saturating_sub(ABANDONED_MAX);
    abandoned.drain(..excess);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::sample_record;

    /// An image whose record is still to be removed.
    fn remember(store: &Store, undo: Undo) -> ImageId {
        let id = ImageId::random().unwrap();
        let record = Record {
            id,
            ..sample_record()
        };
        store.records.insert(&record).unwrap();
        store.remember(&id, undo, 7);
        id
    }

    fn works(store: &Store, id: &ImageId, at_ms: u64) -> Result<(), StorageError> {
        assert_eq!(at_ms, 7);
        store.records.remove(id).map(drop)
    }

    fn fails(_: &Store, _: &ImageId, _: u64) -> Result<(), StorageError> {
        let error = std::io::Error::other("failed on purpose");
        Err(StorageError::io("a test", error))
    }

    /// Ids from the one that is given up first to the one that is tried first.
    fn waiting(store: &Store) -> Vec<ImageId> {
        store.abandoned().iter().map(|known| known.id).collect()
    }

    #[test]
    fn what_failed_is_tried_again_until_it_works() {
        let store = Store::memory();
        let ids = [(); 3].map(|()| remember(&store, works));
        store.remember(&ids[1], works, 9);
        assert_eq!(waiting(&store), ids);
        store.retry_abandoned();
        assert_eq!(waiting(&store), []);
        assert_eq!(store.count().unwrap(), 0);
        store.retry_abandoned();
    }

    #[test]
    fn what_fails_again_is_tried_after_the_others() {
        let store = Store::memory();
        let before = [(); 2].map(|()| remember(&store, works));
        let hopeless = remember(&store, fails);
        store.retry_abandoned();
        assert_eq!(waiting(&store), [hopeless, before[0], before[1]]);
        assert_eq!(store.count().unwrap(), 3, "nothing was tried behind it");
        let after = remember(&store, works);
        assert_eq!(waiting(&store).last(), Some(&after));
        store.retry_abandoned();
        assert_eq!(waiting(&store), [hopeless]);
        assert_eq!(store.count().unwrap(), 1);
    }

    #[test]
    fn when_there_are_too_many_the_oldest_are_given_up() {
        let store = Store::memory();
        let hopeless = remember(&store, fails);
        store.retry_abandoned();
        let ids: Vec<ImageId> = (0..ABANDONED_MAX)
            .map(|_| remember(&store, works))
            .collect();
        assert!(!waiting(&store).contains(&hopeless));
        assert_eq!(waiting(&store), ids);
        let newest = remember(&store, works);
        assert_eq!(waiting(&store)[..ABANDONED_MAX - 1], ids[1..]);
        assert_eq!(waiting(&store).last(), Some(&newest));
        store.retry_abandoned();
        assert_eq!(waiting(&store), []);
        // What was given up waits for the next start.
        assert_eq!(store.count().unwrap(), 2);
    }

    /// An undo that fails while others are abandoned.
    #[test]
    fn what_comes_during_a_retry_is_younger() {
        fn meanwhile(store: &Store, _: &ImageId, _: u64) -> Result<(), StorageError> {
            for _ in 0..ABANDONED_MAX {
                store.remember(&ImageId::random().unwrap(), fails, 7);
            }
            Err(StorageError::io("a test", std::io::Error::other("again")))
        }
        let store = Store::memory();
        let id = remember(&store, meanwhile);
        store.retry_abandoned();
        assert_eq!(waiting(&store).len(), ABANDONED_MAX);
        assert!(!waiting(&store).contains(&id));
    }
}
