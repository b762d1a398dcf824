//! What ends as files and folders: days of the request log, databases that a
//! repair has put aside, days of tombstones.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Did, Retention, RetentionError, keys, wide};
use crate::calendar::MS_A_DAY;
use crate::staff::kept::{self, Kept};
use crate::{Changes, Keyspace, StorageError, durable_fs, request_log};

/// Days that a tombstone is kept: backups end after 90, and a month to spare.
pub const TOMBSTONES_KEPT_DAYS: u64 = 120;

/// What the name of a database that was put aside begins with.
const ASIDE: &str = "db.replaced-";

impl Retention<'_> {
    /// Days of the request log that are over: no line of a day is kept longer
    /// than the terms say.
    pub(super) fn old_logs(&self, now_ms: u64) -> Result<Vec<PathBuf>, StorageError> {
        request_log::over(&self.logs(), now_ms, self.terms.log_days.into())
    }

    pub(super) fn oldest_log_ms(&self) -> Result<Option<u64>, StorageError> {
        request_log::oldest_ms(&self.logs())
    }

    fn logs(&self) -> PathBuf {
        self.data.join("log")
    }

    /// Databases that were put aside long enough ago.
    pub(super) fn old_databases(&self, now_ms: u64) -> Result<Vec<PathBuf>, StorageError> {
        let mut old = Vec::new();
        for (name, path) in self.put_aside()? {
            let seen = self.first_seen(&name)?;
            if seen
                .is_some_and(|seen| now_ms >= seen.value.saturating_add(self.terms.half_purge_ms()))
            {
                old.push(path);
            }
        }
        Ok(old)
    }

    pub(super) fn oldest_put_aside_ms(&self) -> Result<Option<u64>, StorageError> {
        let mut oldest = None;
        for (name, _) in self.put_aside()? {
            let seen = self.first_seen(&name)?.map(|seen| seen.value);
            oldest = oldest.into_iter().chain(seen).min();
        }
        Ok(oldest)
    }

    /// Ends old databases, and notes those that are seen for the first time.
    pub(super) fn end_old_databases(
        &self,
        now_ms: u64,
        limit: usize,
    ) -> Result<Did, RetentionError> {
        let store = &**self.queue.store();
        let did = remove(self.old_databases(now_ms)?, limit)?;
        let there = self.put_aside()?;
        let mut changes = Changes::new();
        for (name, _) in &there {
            if self.first_seen(name)?.is_none() {
                changes.put(keys::folder(name), kept::encode(&now_ms));
            }
        }
        for entry in store.range(&keys::folders(), super::PLAN_MAX)? {
            let name = keys::folder_name(&entry.key);
            if !there.iter().any(|(known, _)| Some(known.as_str()) == name) {
                changes.delete(entry.key);
            }
        }
        if !changes.is_empty() {
            Keyspace::commit(store, changes)?;
        }
        Ok(did)
    }

    fn put_aside(&self) -> Result<Vec<(String, PathBuf)>, StorageError> {
        let paths = listed(self.data)?.into_iter();
        let named = paths.filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            Some((name, path))
        });
        Ok(named.filter(|(name, _)| name.starts_with(ASIDE)).collect())
    }

    fn first_seen(&self, name: &str) -> Result<Option<Kept<u64>>, StorageError> {
        Kept::read(&**self.queue.store(), keys::folder(name))
    }

    pub(super) fn old_tombstones(&self, now_ms: u64) -> Result<Vec<PathBuf>, StorageError> {
        let kept_ms = TOMBSTONES_KEPT_DAYS.saturating_mul(MS_A_DAY);
        let expired = self.queue.store().erased.expired(now_ms, kept_ms)?;
        Ok(expired.into_iter().map(|(_, path)| path).collect())
    }

    pub(super) fn forget_tombstones(&self, now_ms: u64) -> Result<Did, RetentionError> {
        let old = self.old_tombstones(now_ms)?;
        for path in &old {
            self.queue.store().erased.forget(path)?;
        }
        Ok(Did {
            n_done: wide(old.len()),
            ..Did::default()
        })
    }
}

/// Deletes files and folders, at most `limit`.
pub(super) fn remove(paths: Vec<PathBuf>, limit: usize) -> Result<Did, RetentionError> {
    let is_more = paths.len() > limit;
    let mut n_done = 0;
    for path in paths.iter().take(limit) {
        durable_fs::remove_any(path)
            .map_err(|error| StorageError::io(format!("removing {}", path.display()), error))?;
        n_done += 1;
    }
    if let Some(folder) = paths.first().and_then(|path| path.parent()) {
        durable_fs::sync_dir(folder)?;
    }
    Ok(Did {
        n_done,
        is_more,
        ..Did::default()
    })
}

pub(super) fn names(paths: Vec<PathBuf>) -> Vec<String> {
    let names = paths.iter().filter_map(|path| path.file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// What is in a folder; nothing where there is none.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let list = || {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<PathBuf>>>()
    };
    list().map_err(|error| StorageError::io(format!("listing {}", folder.display()), error))
}
