//! The keyspace beside the records, in memory.

use super::{MemoryRecords, Tables};
use crate::keyspace::{Changes, Direction, Entry, KeyRange, Keyspace, check_key, stale};
use crate::{Record, StorageError};

impl Keyspace for MemoryRecords {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        check_key(key)?;
        Ok(self.tables().entries.get(key).cloned())
    }

    fn range(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, StorageError> {
        if !range.check()? {
            return Ok(Vec::new());
        }
        let tables = self.tables();
        let found = tables
            .entries
            .range(range.from.clone()..range.to.clone())
            .map(|(key, value)| Entry {
                key: key.clone(),
                value: value.clone(),
            });
        Ok(match range.direction {
            Direction::Ascending => found.take(limit).collect(),
            Direction::Descending => found.rev().take(limit).collect(),
        })
    }

    fn commit(&self, changes: Changes) -> Result<(), StorageError> {
        changes.check()?;
        let mut tables = self.tables();
        tables.check_conditions(&changes)?;
        for (key, value) in changes.entries {
            match value {
                Some(value) => tables.entries.insert(key, value),
                None => tables.entries.remove(&key),
            };
        }
        let updated = changes.updated.into_values().map(Record::next_revision);
        for record in updated.chain(changes.inserted) {
            tables.put(record);
        }
        tables.add_views(&changes.views);
        for id in &changes.removed {
            tables.views.remove(id);
            tables.take(id);
        }
        Ok(())
    }
}

impl Tables {
    fn check_conditions(&self, changes: &Changes) -> Result<(), StorageError> {
        for (key, value) in &changes.expected {
            if self.entries.get(key) != value.as_ref() {
                return Err(stale(key));
            }
        }
        for record in changes.updated.values() {
            let id = record.id;
            match self.records.get(&id) {
                None => return Err(StorageError::NotFound { id }),
                Some(found) if found.revision != record.revision => {
                    return Err(StorageError::Conflict { id });
                }
                Some(_) => {}
            }
        }
        match &changes.inserted {
            Some(record) if self.records.contains_key(&record.id) => {
                Err(StorageError::AlreadyExists { id: record.id })
            }
            _ => Ok(()),
        }
    }
}
