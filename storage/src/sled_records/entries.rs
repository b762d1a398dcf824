//! The keyspace beside the records, in the same database and batch.

use std::collections::BTreeMap;

use super::operations::{
    move_indexes, put_views, remove_record, set_count, stored_count, stored_record, stored_views,
};
use super::{Attempt, Batch, Db, Failure, SledRecords};
use crate::keyspace::{Changes, Direction, Entry, KeyRange, Keyspace, check_key, stale};
use crate::{ImageId, Record, StorageError, record_keys as keys};

impl Keyspace for SledRecords {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        check_key(key)?;
        self.read(|db| Ok(db.get(key)?.map(|value| value.to_vec())))
    }

    fn range(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, StorageError> {
        if !range.check()? {
            return Ok(Vec::new());
        }
        self.read(|db| {
            let found = db.range(range.from.as_slice()..range.to.as_slice());
            let entry = |found: sled::Result<(sled::IVec, sled::IVec)>| -> Result<Entry, Failure> {
                let (key, value) = found?;
                Ok(Entry {
                    key: key.to_vec(),
                    value: value.to_vec(),
                })
            };
            match range.direction {
                Direction::Ascending => found.take(limit).map(entry).collect(),
                Direction::Descending => found.rev().take(limit).map(entry).collect(),
            }
        })
    }

    fn commit(&self, changes: Changes) -> Result<(), StorageError> {
        changes.check()?;
        self.write(|db, attempt| {
            let stored = stored_records(db, &changes)?;
            // What the first attempt wrote is written again: its pages may be
            // lost although they can still be read.
            let is_ours = attempt == Attempt::AfterReopen && is_made(db, &changes, &stored)?;
            if !is_ours {
                check_conditions(db, &changes, &stored)?;
            }
            let mut batch = Batch::default();
            for (key, value) in &changes.entries {
                match value {
                    Some(value) => batch.insert(key.as_slice(), value.as_slice()),
                    None => batch.remove(key.as_slice()),
                }
            }
            for record in changes.updated.values() {
                let next = record.clone().next_revision();
                let stored = stored.get(&record.id).filter(|_| !is_ours);
                put_record(&mut batch, stored, &next)?;
            }
            if let Some(record) = &changes.inserted {
                put_record(&mut batch, None, record)?;
                batch.insert(keys::used(record, stored_views(db, &record.id)?), &[]);
            }
            let mut n_removed = 0;
            for id in &changes.removed {
                if let Some(stored) = stored.get(id) {
                    remove_record(db, &mut batch, stored)?;
                    n_removed += 1;
                }
            }
            put_views(db, &mut batch, &changes.views, !is_ours)?;
            let n_inserted = u64::from(changes.inserted.is_some() && !is_ours);
            if n_inserted > 0 || n_removed > 0 {
                let count = stored_count(db)?.saturating_add(n_inserted);
                set_count(&mut batch, count.saturating_sub(n_removed));
            }
            Ok((Some(batch), ()))
        })
    }
}

fn put_record(
    batch: &mut Batch,
    stored: Option<&Record>,
    record: &Record,
) -> Result<(), StorageError> {
    batch.insert(keys::record(&record.id), record.stored_form()?);
    move_indexes(batch, stored, record);
    Ok(())
}

/// What is stored of the records that the changes are about.
fn stored_records(db: &Db, changes: &Changes) -> Result<BTreeMap<ImageId, Record>, Failure> {
    let mut stored = BTreeMap::new();
    let records = changes.updated.values().chain(&changes.inserted);
    for id in records.map(|record| &record.id).chain(&changes.removed) {
        if let Some(found) = stored_record(db, id)? {
            stored.insert(*id, found);
        }
    }
    Ok(stored)
}

/// Whether everything is as the changes leave it.
fn is_made(
    db: &Db,
    changes: &Changes,
    stored: &BTreeMap<ImageId, Record>,
) -> Result<bool, Failure> {
    for (key, value) in &changes.entries {
        if db.get(key)?.as_deref() != value.as_deref() {
            return Ok(false);
        }
    }
    let is_stored = |record: &Record| stored.get(&record.id) == Some(record);
    Ok(changes.inserted.iter().all(is_stored)
        && changes.removed.iter().all(|id| !stored.contains_key(id))
        && changes
            .updated
            .values()
            .all(|record| is_stored(&record.clone().next_revision())))
}

fn check_conditions(
    db: &Db,
    changes: &Changes,
    stored: &BTreeMap<ImageId, Record>,
) -> Result<(), Failure> {
    for (key, value) in &changes.expected {
        if db.get(key)?.as_deref() != value.as_deref() {
            return Err(stale(key).into());
        }
    }
    for record in changes.updated.values() {
        let id = record.id;
        match stored.get(&id) {
            None => return Err(StorageError::NotFound { id }.into()),
            Some(found) if found.revision != record.revision => {
                return Err(StorageError::Conflict { id }.into());
            }
            Some(_) => {}
        }
    }
    match &changes.inserted {
        Some(record) if stored.contains_key(&record.id) => {
            Err(StorageError::AlreadyExists { id: record.id }.into())
        }
        _ => Ok(()),
    }
}
