//! The keyspace of a store: as its records', with their sidecars written first.

use super::Store;
use crate::retention::unpublished;
use crate::{
    Changes, Entry, ImageId, KeyRange, Keyspace, Record, State, Storable, StorageError, lawful,
    moderation,
};

impl Keyspace for Store {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.records.get(key)
    }

    fn range(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.records.range(range, limit)
    }

    /// As [`Store::update`] for each record: sidecars first, then everything at
    /// once; id and extension cannot be changed, and what is removed stays so.
    fn commit(&self, mut changes: Changes) -> Result<(), StorageError> {
        if changes.updated.is_empty() && changes.removed.is_empty() {
            return self.records.commit(changes);
        }
        let ids: Vec<ImageId> = changes.updated.keys().copied().collect();
        let _locks = self.locks.all(&ids);
        let mut updated = std::mem::take(&mut changes.updated);
        for (id, record) in &mut updated {
            let stored = self.keep_fixed(record)?;
            unpublished::plan(&*self.records, &mut changes, &stored, record.state)?;
            moderation::plan_wait_ended(&mut changes, id, stored.state, record.state);
            record.court_hold |= lawful::keeps(|key| self.records.get(key), Some(&changes), id)?;
        }
        changes.updated = updated;
        // A change that is refused leaves the sidecars alone, as far as one can
        // tell before.
        for (key, value) in &changes.expected {
            if self.records.get(key)? != *value {
                return Err(crate::keyspace::stale(key));
            }
        }
        for record in changes.updated.values() {
            let sidecar = record.clone().next_revision().stored_form()?;
            self.blobs.put_sidecar(&record.id, &sidecar)?;
        }
        let updated: Vec<Record> = changes.updated.values().cloned().collect();
        let committed = self.records.commit(changes);
        if committed.is_ok() {
            updated
                .iter()
                .for_each(|record| self.likenesses.note(record));
        }
        if committed.as_ref().is_err_and(is_refusal) {
            self.rewrite_sidecars(&ids);
        }
        committed
    }
}

impl Store {
    /// As [`Store::commit`], with more changes in the same commit.
    ///
    /// # Errors
    /// As [`Store::commit`], and [`Keyspace::commit`]'s.
    pub fn commit_with(
        &self,
        record: &Record,
        bytes: &dyn Storable,
        mut changes: Changes,
    ) -> Result<(), StorageError> {
        changes.insert_record(record.clone());
        self.commit_by(record, bytes, || self.records.commit(changes))
    }

    /// Writes a changed record, with what its end in public leaves to do.
    pub(super) fn put_changed(
        &self,
        stored: &Record,
        changed: &Record,
    ) -> Result<Record, StorageError> {
        let mut changes = Changes::new();
        unpublished::plan(&*self.records, &mut changes, stored, changed.state)?;
        moderation::plan_wait_ended(&mut changes, &stored.id, stored.state, changed.state);
        if changes.is_empty() {
            return self.records.update(changed);
        }
        changes.update_record(changed.clone());
        self.records.commit(changes)?;
        Ok(changed.clone().next_revision())
    }

    /// Takes over what no change may touch, from what is stored; refuses what is
    /// stale already.
    fn keep_fixed(&self, record: &mut Record) -> Result<Record, StorageError> {
        let id = record.id;
        let stored = self
            .records
            .find(&id)?
            .ok_or(StorageError::NotFound { id })?;
        if stored.revision != record.revision {
            return Err(StorageError::Conflict { id });
        }
        record.extension.clone_from(&stored.extension);
        if stored.state == State::Removed {
            record.state = State::Removed;
        }
        Ok(stored)
    }

    /// Lets the sidecars say again what the records say.
    fn rewrite_sidecars(&self, ids: &[ImageId]) {
        for id in ids {
            let rewritten = match self.records.find(id) {
                Ok(Some(record)) => record
                    .stored_form()
                    .and_then(|sidecar| self.blobs.put_sidecar(id, &sidecar)),
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = rewritten {
                tracing::warn!(%id, %error, "a sidecar is ahead of its record");
            }
        }
    }
}

/// Whether nothing was changed, for sure.
fn is_refusal(error: &StorageError) -> bool {
    matches!(
        error,
        StorageError::Stale { .. }
            | StorageError::Conflict { .. }
            | StorageError::NotFound { .. }
            | StorageError::AlreadyExists { .. }
            | StorageError::InvalidKey { .. }
            | StorageError::TooLarge { .. }
            | StorageError::RecordTooLarge { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{SAMPLE_MS, SampleBytes, sample_record};

    fn committed(store: &Store) -> Record {
        let record = sample_record();
        store
            .commit(&record, &SampleBytes(b"original".to_vec()))
            .unwrap();
        record
    }

    fn sidecar(store: &Store, record: &Record) -> Record {
        Record::decode(&store.blobs.sidecar(&record.id).unwrap().unwrap()).unwrap()
    }

    #[test]
    fn sidecars_follow_the_records() {
        let store = Store::memory();
        let records: Vec<Record> = (0..100).map(|_| committed(&store)).collect();
        let mut changes = Changes::new();
        for record in &records {
            changes.update_record(Record {
                state: State::Blocked,
                extension: "exe".into(),
                ..record.clone()
            });
        }
        Keyspace::commit(&store, changes).unwrap();
        for record in &records {
            let found = store.find(&record.id).unwrap().unwrap();
            assert_eq!(
                (found.state, found.extension.as_str()),
                (State::Blocked, "jpg")
            );
            assert_eq!(sidecar(&store, record), found);
        }
    }

    #[test]
    fn a_refused_change_leaves_the_sidecars_alone() {
        let store = Store::memory();
        let [kept, stale, removed] = [(); 3].map(|()| committed(&store));
        store
            .update(&stale.id, |record| record.state = State::Public)
            .unwrap();
        let blocked = |record: &Record| Record {
            state: State::Blocked,
            ..record.clone()
        };
        let mut changes = Changes::new();
        changes.update_record(blocked(&kept));
        changes.update_record(blocked(&stale));
        assert_eq!(
            Keyspace::commit(&store, changes).unwrap_err().code(),
            "storage-conflict"
        );
        let mut changes = Changes::new();
        changes.update_record(blocked(&kept));
        changes.expect(b"mj", Some(Vec::new()));
        assert_eq!(
            Keyspace::commit(&store, changes).unwrap_err().code(),
            "storage-stale"
        );
        assert_eq!(sidecar(&store, &kept), kept);
        // One that is met only by the commit itself.
        let mut changes = Changes::new();
        changes.update_record(blocked(&kept));
        changes.put(b"mj", vec![0; crate::VALUE_BYTES_MAX + 1]);
        assert_eq!(
            Keyspace::commit(&store, changes).unwrap_err().code(),
            "storage-too-large"
        );
        assert_eq!(sidecar(&store, &kept), kept);

        store.remove(&removed.id, SAMPLE_MS).unwrap();
        let mut changes = Changes::new();
        changes.update_record(blocked(&removed));
        assert_eq!(
            Keyspace::commit(&store, changes).unwrap_err().code(),
            "storage-not-found"
        );
    }

    #[test]
    fn what_is_removed_stays_so() {
        let store = Store::memory();
        let held = committed(&store);
        store
            .update(&held.id, |record| record.legal_hold = true)
            .unwrap();
        store.remove(&held.id, SAMPLE_MS).unwrap();
        let mut changes = Changes::new();
        changes.update_record(Record {
            state: State::Public,
            ..store.find(&held.id).unwrap().unwrap()
        });
        Keyspace::commit(&store, changes).unwrap();
        let found = store.find(&held.id).unwrap().unwrap();
        assert_eq!(found.state, State::Removed);
    }

    #[test]
    fn an_image_is_stored_with_what_goes_with_it() {
        let store = Store::memory();
        let record = sample_record();
        let store_it = |expected: Option<&[u8]>| {
            let mut changes = Changes::new();
            changes.expect(b"mj", expected.map(<[u8]>::to_vec));
            changes.put(b"mj", b"job");
            store.commit_with(&record, &SampleBytes(b"original".to_vec()), changes)
        };
        assert_eq!(store_it(Some(b"x")).unwrap_err().code(), "storage-stale");
        assert_eq!(store.find(&record.id).unwrap(), None);
        assert_eq!(store.blobs.sidecar(&record.id).unwrap(), None);
        store_it(None).unwrap();
        assert_eq!(store.find(&record.id).unwrap(), Some(record.clone()));
        assert_eq!(
            store.get(b"mj").unwrap().as_deref(),
            Some(b"job".as_slice())
        );
        assert_eq!(store.count().unwrap(), 1);
    }
}
