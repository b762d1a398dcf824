//! Keeping equal bytes once.

use super::locks::Locked;
use crate::{ImageId, PartName, Record, State, Storable, StorageError, Store};

/// Images of the same bytes that are looked at: few at first, since most may share
/// them, and more where none of those may.
const CANDIDATES: [usize; 2] = [8, 512];

/// Images that are asked to share their bytes. More than one, for those that are
/// damaged, or have all the names a file may have.
const TWINS_MAX: usize = 8;

impl Store {
    /// Stores a new image, sharing the bytes of another where it may. From before
    /// that one is looked at its lock is held, together with the new image's: no
    /// legal hold can come between.
    pub(super) fn put_once(
        &self,
        record: &Record,
        original: &PartName,
        bytes: &dyn Storable,
        sidecar: &[u8],
    ) -> (Locked<'_>, Result<(), StorageError>) {
        let id = &record.id;
        for twin in self.twins(record) {
            let locks = self.locks.both(id, twin);
            if !self.may_share(record, &twin) {
                continue;
            }
            match self.blobs.put_twin(id, original, bytes, sidecar, &twin) {
                Ok(false) => {}
                stored => return (locks, stored.map(|_| ())),
            }
        }
        let locks = self.locks.both(id, id);
        let stored = self.blobs.put_image(id, original, bytes, sidecar);
        (locks, stored)
    }

    /// Images that may share their bytes with a new one, for all that is known
    /// without their locks.
    fn twins(&self, record: &Record) -> Vec<ImageId> {
        for limit in CANDIDATES {
            let candidates = match self.records.with_sha256(&record.sha256, limit) {
                Ok(candidates) => candidates,
                Err(error) => {
                    // It only costs room; the insert will say if more is wrong.
                    tracing::warn!(%error, "bytes may be stored twice");
                    return Vec::new();
                }
            };
            let all = candidates.len() < limit;
            let may_share = candidates
                .into_iter()
                .filter(|id| self.may_share(record, id));
            let twins: Vec<ImageId> = may_share.take(TWINS_MAX).collect();
            if all || !twins.is_empty() {
                return twins;
            }
        }
        Vec::new()
    }

    fn may_share(&self, record: &Record, twin: &ImageId) -> bool {
        match self.records.find(twin) {
            Ok(Some(twin)) => {
                twin.state != State::Removed
                    && !twin.is_held()
                    && (twin.bytes, &twin.extension) == (record.bytes, &record.extension)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;
    use std::sync::Barrier;

    use super::*;
    use crate::contract::{SAMPLE_MS, SampleBytes, sample_record};

    #[test]
    fn the_same_bytes_are_one_file_with_two_lives() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let [first, second] = [(); 2].map(|()| commit(&store));
        assert_ne!(first.id, second.id);
        assert_eq!(n_files(dir.path()), 1);
        store.remove(&first.id, SAMPLE_MS).unwrap();
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        let read = store.read(&second.id, &second.original().unwrap()).unwrap();
        assert_eq!(read.as_deref(), Some(b"original".as_slice()));
        commit(&store);
        assert_eq!(n_files(dir.path()), 1);
    }

    #[test]
    fn the_same_bytes_at_the_same_time_are_one_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let start = Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    commit(&store);
                });
            }
        });
        assert_eq!(store.count().unwrap(), 8);
        assert_eq!(n_files(dir.path()), 1);
    }

    #[test]
    fn p11_nothing_new_hangs_on_what_is_held_or_removed() {
        for removed in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::open(dir.path()).unwrap();
            let held = commit(&store);
            store
                .update(&held.id, |record| record.legal_hold = true)
                .unwrap();
            if removed {
                assert!(store.remove(&held.id, SAMPLE_MS).unwrap());
            }
            let later = commit(&store);
            assert_eq!(n_files(dir.path()), 2);
            assert!(store.remove(&later.id, SAMPLE_MS).unwrap());
            assert!(
                store
                    .read(&held.id, &held.original().unwrap())
                    .unwrap()
                    .is_some()
            );
        }
    }

    #[test]
    fn p11_a_hold_that_comes_meanwhile_counts() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let held = commit(&store);
        std::thread::scope(|scope| {
            let lock = store.lock(&held.id);
            let later = scope.spawn(|| commit(&store));
            // As an update does that was first to have the lock.
            let record = store.records.find(&held.id).unwrap().unwrap();
            let record = Record {
                legal_hold: true,
                ..record
            };
            store.records.update(&record).unwrap();
            drop(lock);
            later.join().unwrap();
        });
        assert_eq!(n_files(dir.path()), 2);
    }

    #[test]
    fn one_that_may_share_is_found_behind_many_that_may_not() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let mut ids: Vec<ImageId> = (0..12).map(|_| commit(&store).id).collect();
        ids.sort_unstable();
        for id in &ids[..11] {
            store.update(id, |record| record.legal_hold = true).unwrap();
        }
        commit(&store);
        assert_eq!(n_files(dir.path()), 1);
        store
            .update(&ids[11], |record| record.legal_hold = true)
            .unwrap();
        commit(&store);
        assert_eq!(n_files(dir.path()), 1, "the one before is free");
    }

    #[test]
    fn a_hash_that_lies_shares_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        commit(&store);
        let other = sample_record();
        store
            .commit(&other, &SampleBytes(b"0riginal".to_vec()))
            .unwrap();
        assert_eq!(n_files(dir.path()), 2);
        let read = store.read(&other.id, &other.original().unwrap()).unwrap();
        assert_eq!(read.as_deref(), Some(b"0riginal".as_slice()));
    }

    fn commit(store: &Store) -> Record {
        let record = sample_record();
        let bytes = SampleBytes(b"original".to_vec());
        store.commit(&record, &bytes).unwrap();
        record
    }

    /// Originals that take room, whatever names they have.
    fn n_files(data_dir: &Path) -> usize {
        let mut folders = vec![data_dir.join("blobs")];
        let mut inodes = std::collections::HashSet::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.ends_with("original.jpg") {
                    inodes.insert(path.metadata().unwrap().ino());
                }
            }
        }
        inodes.len()
    }
}
