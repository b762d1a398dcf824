//! Records and blobs in memory, for tests and trials. Nothing survives.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{self, Cursor as IoCursor};
use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    BlobReader, Blobs, Cursor, Idle, ImageId, Likeness, Page, PartName, Record, Records, Rewritten,
    State, Storable, StorageError, ViewDelta, Views, calendar,
};

mod entries;

/// Records in memory.
#[derive(Debug, Default)]
pub struct MemoryRecords {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    records: HashMap<ImageId, Record>,
    by_state: HashMap<State, BTreeSet<Cursor>>,
    by_sha256: HashMap<[u8; 32], BTreeSet<ImageId>>,
    by_likeness: BTreeMap<[u8; 32], BTreeSet<ImageId>>,
    views: HashMap<ImageId, Views>,
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Tables {
    /// Adds views; those of unknown images are left out.
    fn add_views(&mut self, views: &[ViewDelta]) {
        for delta in views {
            if self.records.contains_key(&delta.id) {
                let views = self.views.entry(delta.id).or_default();
                *views = views.add(delta);
            }
        }
    }

    fn put(&mut self, record: Record) {
        self.take(&record.id);
        self.by_state
            .entry(record.state)
            .or_default()
            .insert(Cursor::of(&record));
        self.by_sha256
            .entry(record.sha256)
            .or_default()
            .insert(record.id);
        if let Some(hash) = record.likeness() {
            self.by_likeness.entry(hash).or_default().insert(record.id);
        }
        self.records.insert(record.id, record);
    }

    fn take(&mut self, id: &ImageId) -> Option<Record> {
        let record = self.records.remove(id)?;
        if let Some(listed) = self.by_state.get_mut(&record.state) {
            listed.remove(&Cursor::of(&record));
        }
        if let Some(twins) = self.by_sha256.get_mut(&record.sha256) {
            twins.remove(id);
            if twins.is_empty() {
                self.by_sha256.remove(&record.sha256);
            }
        }
        if let Some(hash) = record.likeness()
            && let Some(alike) = self.by_likeness.get_mut(&hash)
        {
            alike.remove(id);
            if alike.is_empty() {
                self.by_likeness.remove(&hash);
            }
        }
        Some(record)
    }
}

impl MemoryRecords {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records for MemoryRecords {
    fn insert(&self, record: &Record) -> Result<(), StorageError> {
        record.stored_form()?;
        let mut tables = self.tables();
        if tables.records.contains_key(&record.id) {
            return Err(StorageError::AlreadyExists { id: record.id });
        }
        tables.put(record.clone());
        Ok(())
    }

    fn find(&self, id: &ImageId) -> Result<Option<Record>, StorageError> {
        Ok(self.tables().records.get(id).cloned())
    }

    fn update(&self, record: &Record) -> Result<Record, StorageError> {
        let next = record.clone().next_revision();
        next.stored_form()?;
        let mut tables = self.tables();
        let Some(stored) = tables.records.get(&record.id) else {
            return Err(StorageError::NotFound { id: record.id });
        };
        if stored.revision != record.revision {
            return Err(StorageError::Conflict { id: record.id });
        }
        tables.put(next.clone());
        Ok(next)
    }

    fn remove(&self, id: &ImageId) -> Result<bool, StorageError> {
        let mut tables = self.tables();
        tables.views.remove(id);
        Ok(tables.take(id).is_some())
    }

    fn in_state(
        &self,
        state: State,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StorageError> {
        let tables = self.tables();
        let Some(listed) = tables.by_state.get(&state) else {
            return Ok(Page::default());
        };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(Page::of(
            listed.range((from, Bound::Unbounded)).copied(),
            limit,
        ))
    }

    fn with_sha256(&self, sha256: &[u8; 32], limit: usize) -> Result<Vec<ImageId>, StorageError> {
        let tables = self.tables();
        let twins = tables.by_sha256.get(sha256).into_iter().flatten();
        Ok(twins.take(limit).copied().collect())
    }

    fn idle_before(
        &self,
        day: u32,
        after: Option<&Idle>,
        limit: usize,
    ) -> Result<Vec<Idle>, StorageError> {
        let tables = self.tables();
        let idle = tables.records.values().map(|record| {
            let views = tables.views.get(&record.id).copied().unwrap_or_default();
            let uploaded = calendar::day(record.uploaded_at_ms);
            Idle {
                since_day: uploaded.max(views.last_day.unwrap_or_default()),
                id: record.id,
            }
        });
        let is_behind = |idle: &Idle| after.is_none_or(|after| idle > after);
        let found = idle.filter(|idle| idle.since_day < day && is_behind(idle));
        let found: BTreeSet<Idle> = found.collect();
        Ok(found.into_iter().take(limit).collect())
    }

    fn likenesses(
        &self,
        of: Option<&[u8; 32]>,
        after: Option<&Likeness>,
        limit: usize,
    ) -> Result<Vec<Likeness>, StorageError> {
        let tables = self.tables();
        let from = after.map(|after| after.hash).max(of.copied());
        let from = from.map_or(Bound::Unbounded, Bound::Included);
        let listed = tables.by_likeness.range((from, Bound::Unbounded));
        let likenesses = listed
            .take_while(|(hash, _)| of.is_none_or(|of| **hash == *of))
            .flat_map(|(hash, ids)| {
                ids.iter().map(|id| Likeness {
                    hash: *hash,
                    id: *id,
                })
            })
            .filter(|likeness| after.is_none_or(|after| likeness > after));
        Ok(likenesses.take(limit).collect())
    }

    fn add_views(&self, batch: &[ViewDelta]) -> Result<(), StorageError> {
        self.tables().add_views(batch);
        Ok(())
    }

    fn views(&self, id: &ImageId) -> Result<Views, StorageError> {
        Ok(self.tables().views.get(id).copied().unwrap_or_default())
    }

    fn count(&self) -> Result<u64, StorageError> {
        Ok(u64::try_from(self.tables().records.len()).unwrap_or(u64::MAX))
    }

    fn flush(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn probe_writable(&self) -> Result<(), StorageError> {
        Ok(())
    }

    /// Memory keeps nothing that was removed.
    fn rewrite(
        &self,
        _: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Rewritten>, StorageError> {
        Ok(Some(Rewritten::default()))
    }

    fn copy_to(
        &self,
        _: &Path,
        _: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Rewritten>, StorageError> {
        Err(StorageError::io(
            "copying a database",
            io::ErrorKind::Unsupported.into(),
        ))
    }
}

/// Blobs in memory.
#[derive(Debug, Default)]
pub struct MemoryBlobs {
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    images: BTreeMap<ImageId, Image>,
    in_doubt: HashSet<ImageId>,
}

#[derive(Debug)]
struct Image {
    parts: BTreeMap<PartName, Arc<[u8]>>,
    sidecar: Vec<u8>,
}

impl MemoryBlobs {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn part(&self, id: &ImageId, part: &PartName) -> Option<Arc<[u8]>> {
        self.shelf().images.get(id)?.parts.get(part).cloned()
    }

    fn put(
        &self,
        id: &ImageId,
        part: &PartName,
        bytes: Arc<[u8]>,
        sidecar: &[u8],
    ) -> Result<(), StorageError> {
        let mut shelf = self.shelf();
        if shelf.images.contains_key(id) {
            return Err(StorageError::AlreadyExists { id: *id });
        }
        let image = Image {
            parts: BTreeMap::from([(part.clone(), bytes)]),
            sidecar: sidecar.to_vec(),
        };
        shelf.in_doubt.insert(*id);
        shelf.images.insert(*id, image);
        Ok(())
    }
}

impl Blobs for MemoryBlobs {
    fn put_image(
        &self,
        id: &ImageId,
        part: &PartName,
        bytes: &dyn Storable,
        sidecar: &[u8],
    ) -> Result<(), StorageError> {
        self.put(id, part, bytes.bytes().into(), sidecar)
    }

    fn put_twin(
        &self,
        id: &ImageId,
        part: &PartName,
        bytes: &dyn Storable,
        sidecar: &[u8],
        twin: &ImageId,
    ) -> Result<bool, StorageError> {
        match self.part(twin, part) {
            Some(shared) if *shared == *bytes.bytes() => {
                self.put(id, part, shared, sidecar).map(|()| true)
            }
            _ => Ok(false),
        }
    }

    fn settle(&self, id: &ImageId) -> Result<(), StorageError> {
        self.shelf().in_doubt.remove(id);
        Ok(())
    }

    fn in_doubt(&self) -> Result<Vec<ImageId>, StorageError> {
        Ok(self.shelf().in_doubt.iter().copied().collect())
    }

    fn put_sidecar(&self, id: &ImageId, sidecar: &[u8]) -> Result<(), StorageError> {
        let mut shelf = self.shelf();
        let image = shelf.images.get_mut(id);
        image.ok_or(StorageError::NotFound { id: *id })?.sidecar = sidecar.to_vec();
        Ok(())
    }

    fn read(&self, id: &ImageId, part: &PartName) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.part(id, part).map(|bytes| bytes.to_vec()))
    }

    fn open(&self, id: &ImageId, part: &PartName) -> Result<Option<BlobReader>, StorageError> {
        Ok(self.part(id, part).map(|bytes| {
            let n_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            BlobReader::new(IoCursor::new(bytes), n_bytes)
        }))
    }

    fn sidecar(&self, id: &ImageId) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self
            .shelf()
            .images
            .get(id)
            .map(|image| image.sidecar.clone()))
    }

    fn remove(&self, id: &ImageId) -> Result<bool, StorageError> {
        Ok(self.shelf().images.remove(id).is_some())
    }

    fn for_each_id(
        &self,
        visit: &mut dyn FnMut(ImageId) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        let ids: Vec<ImageId> = self.shelf().images.keys().copied().collect();
        for id in ids {
            if visit(id).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn probe_writable(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn sweep(&self) -> Result<(), StorageError> {
        self.shelf().in_doubt.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::SampleBytes;

    #[test]
    fn memory_records_keep_the_promise() {
        crate::contract::records_contract(MemoryRecords::default);
    }

    #[test]
    fn the_keyspace_in_memory_keeps_the_promise() {
        crate::contract::keyspace_contract(MemoryRecords::default);
    }

    #[test]
    fn memory_blobs_keep_the_promise() {
        crate::contract::blobs_contract(MemoryBlobs::default);
    }

    #[test]
    fn equal_bytes_are_in_memory_once() {
        let blobs = MemoryBlobs::default();
        let [one, other] = [(); 2].map(|()| ImageId::random().unwrap());
        let (part, bytes) = (PartName::original("jpg").unwrap(), SampleBytes(vec![7; 9]));
        blobs.put_image(&one, &part, &bytes, b"one").unwrap();
        assert!(
            blobs
                .put_twin(&other, &part, &bytes, b"other", &one)
                .unwrap()
        );
        let [one, other] = [one, other].map(|id| blobs.part(&id, &part).unwrap());
        assert!(Arc::ptr_eq(&one, &other));
    }
}
