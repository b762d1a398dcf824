//! The folders that a store has been backed up into. Backups end even when nobody
//! makes any more (P13e): a job looks into each folder, without its key.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{BackupError, DAYS_MAX, prune, set};
use crate::calendar::MS_A_DAY;
use crate::retention::pending;
use crate::staff::kept::{self, Kept};
use crate::{Changes, KeyRange, Keyspace, Space, StorageError};

/// Folders that are read together. There can be as many as backups were made into
/// within the days that they are kept.
const FOLDERS_AT_ONCE: usize = 64;

/// How long a folder that cannot be reached is remembered after its newest backup
/// should have ended.
const UNREACHABLE_KEPT_MS: u64 = 365 * MS_A_DAY;

/// A folder with backups of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    /// Where it is, as a whole path.
    pub(crate) folder: PathBuf,
    /// Days that its backups are kept.
    pub(crate) days_max: u32,
    /// When the newest backup was made or begun, in milliseconds since 1970 UTC.
    pub(crate) last_ms: u64,
}

/// What a known folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    /// The folder.
    pub(crate) known: Known,
    /// When its backups were made, the oldest first; `None` where it cannot be
    /// reached, or is a backup no more.
    pub(crate) made_at_ms: Option<Vec<u64>>,
}

impl Looked {
    /// The backups whose time is over.
    pub(crate) fn due(&self, now_ms: u64) -> impl Iterator<Item = u64> {
        let kept_ms = self.known.kept_ms();
        let made = self.made_at_ms.iter().flatten().copied();
        made.filter(move |made| made.saturating_add(kept_ms) <= now_ms)
    }
}

impl Known {
    fn kept_ms(&self) -> u64 {
        u64::from(self.days_max.min(DAYS_MAX)).saturating_mul(MS_A_DAY)
    }
}

/// Remembers a folder before anything is written into it.
pub(super) fn remember(
    keys: &dyn Keyspace,
    folder: &Path,
    days_max: u32,
    now_ms: u64,
) -> Result<(), StorageError> {
    if folder.to_str().is_none() {
        tracing::warn!(folder = %folder.display(), "a folder whose name is no text is not remembered: its backups end only when new ones are made");
        return Ok(());
    }
    let key = key(folder);
    let before = Kept::<Known>::read(keys, key.clone())?;
    let mut changes = Changes::new();
    let known = Known {
        folder: folder.to_owned(),
        days_max,
        last_ms: now_ms,
    };
    match before {
        Some(before) => before.replace(&mut changes, &known),
        None => kept::insert(&mut changes, key, &known),
    }
    keys.commit(changes)
}

/// Every folder that is known, with what is in it.
///
/// # Errors
/// The store's. A folder that cannot be read is no error.
pub(crate) fn look(keys: &dyn Keyspace) -> Result<Vec<Looked>, StorageError> {
    let mut looked = Vec::new();
    let mut range = all();
    loop {
        let page = keys.range(&range, FOLDERS_AT_ONCE)?;
        let Some(last) = page.last() else {
            return Ok(looked);
        };
        range = range.after(&last.key);
        for entry in page {
            let known = Kept::<Known>::decode(entry.key, entry.value)?.value;
            looked.push(Looked {
                made_at_ms: set::made_at(&known.folder).ok(),
                known,
            });
        }
    }
}

/// Where backups lie, as far as it is known.
///
/// # Errors
/// The store's.
pub(crate) fn folders(keys: &dyn Keyspace) -> Result<Vec<PathBuf>, StorageError> {
    let looked = look(keys)?.into_iter();
    Ok(looked.map(|looked| looked.known.folder).collect())
}

/// Ends the backups in a folder whose time is over, with every file that they alone
/// need. Returns how many backups.
///
/// # Errors
/// When the folder cannot be read or written.
pub(crate) fn end_old(known: &Known, now_ms: u64) -> Result<u64, BackupError> {
    prune::prune_without_key(&known.folder, now_ms, known.days_max.min(DAYS_MAX))
}

/// Forgets a folder in which no backup is left, and one that could not be reached
/// for so long that nothing is expected of it.
///
/// # Errors
/// The store's.
pub(crate) fn forget_ended(keys: &dyn Keyspace, now_ms: u64) -> Result<(), StorageError> {
    for looked in look(keys)? {
        let known = &looked.known;
        let ended_ms = known.last_ms.saturating_add(known.kept_ms());
        let is_over = match &looked.made_at_ms {
            Some(made) => made.is_empty() && ended_ms <= now_ms,
            None => ended_ms.saturating_add(UNREACHABLE_KEPT_MS) <= now_ms,
        };
        let kept = Kept::<Known>::read(keys, key(&known.folder))?;
        if let Some(kept) = kept.filter(|kept| is_over && kept.value == *known) {
            let mut changes = Changes::new();
            kept.remove(&mut changes);
            pending::plan(keys, &mut changes, now_ms)?;
            match keys.commit(changes) {
                // There is a new backup in it.
                Err(StorageError::Stale { .. }) => {}
                other => other?,
            }
        }
    }
    Ok(())
}

fn key(folder: &Path) -> Vec<u8> {
    let hash = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    Space::Retention.key(&[b"b", &hash[..16]])
}

fn all() -> KeyRange {
    KeyRange::prefix(&Space::Retention.key(&[b"b"]))
}
