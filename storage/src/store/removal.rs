//! The end of images, and the cleaning up of what failed half-way.

use std::sync::{MutexGuard, PoisonError};

use super::{ABANDONED_MAX, Abandoned, Store, Undo};
use crate::complaints::outcome;
use crate::retention::{pending, unpublished};
use crate::{Changes, ImageId, Record, State, StorageError};

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
            self.erased.note(id, now_ms, true)?;
        } else if let Err(error) = self.purge(id, now_ms) {
            self.remember(id, Self::purge_removed, now_ms);
            return Err(error);
        }
        Ok(true)
    }

    /// Whether something keeps an image that is removed: a legal hold, or an
    /// objection that is open.
    pub(crate) fn is_kept(&self, record: &Record) -> Result<bool, StorageError> {
        Ok(record.legal_hold || outcome::keeps_from_purge(&*self.records, &record.id)?)
    }

    /// Removes what a removed image still has. The caller holds its lock.
    /// The bytes make room for the tombstone, without which the record stays.
    fn purge(&self, id: &ImageId, now_ms: u64) -> Result<(), StorageError> {
        self.variants.remove(id)?;
        self.blobs.remove(id)?;
        self.erased.note(id, now_ms, false)?;
        let record = self.records.find(id)?;
        let mut changes = Changes::new();
        changes.remove_record(*id);
        // Still public where there was no room to say that it is removed.
        if let Some(record) = &record {
            unpublished::plan(&*self.records, &mut changes, record, State::Removed)?;
        }
        pending::plan(&*self.records, &mut changes, now_ms)?;
        self.records.commit(changes)?;
        if let Some(record) = record {
            self.likenesses.forget(&*self.records, &record);
        }
        Ok(())
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

    /// Removes variants whose image is gone. For the start.
    pub(crate) fn drop_orphans(&self) {
        self.variants.retain(|id| match self.records.find(id) {
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
        if !abandoned.iter().any(|known| known.id == *id) {
            let id = *id;
            abandoned.push(Abandoned { id, undo, at_ms });
        }
    }

    /// Cleans up until something fails: what stops one may stop the others too. It
    /// is the last to be tried the next time.
    pub(super) fn retry_abandoned(&self) {
        let mut waiting = std::mem::take(&mut *self.abandoned());
        while let Some(next) = waiting.pop() {
            let _lock = self.lock(&next.id);
            if (next.undo)(self, &next.id, next.at_ms).is_err() {
                waiting.insert(0, next);
                break;
            }
        }
        self.abandoned().append(&mut waiting);
    }

    /// The list, cut to its limit.
    fn abandoned(&self) -> MutexGuard<'_, Vec<Abandoned>> {
        let mut abandoned = self
            .abandoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        abandoned.truncate(ABANDONED_MAX);
        abandoned
    }
}
