//! Backups of the store that is open: for commands, and by the service itself.

use std::fs;
use std::io;
use std::path::Path;

use imgshare_storage::Store;
use imgshare_storage::backup::{self, BackupError, BackupKey, Made};

use crate::config::Backup;

const MS_AN_HOUR: u64 = 3_600_000;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum NoBackup {
    /// The key cannot be read.
    #[error("the key {path} cannot be read: {source}")]
    Unreadable {
        /// Its file.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{path} holds no key: make one with `imgshare backup keygen`")]
    NoKey {
        /// Its file.
        path: String,
    },
    /// It could not be made.
    #[error(transparent)]
    Backup(#[from] BackupError),
}

/// Reads a key from its file.
///
/// # Errors
/// When there is none.
pub fn key_in(file: &Path) -> Result<BackupKey, NoBackup> {
    let path = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|source| NoBackup::Unreadable {
        path: path.clone(),
        source,
    })?;
    BackupKey::parse(&text).map_err(|_| NoBackup::NoKey { path })
}

/// The service's own backup, if it is time for one.
///
/// # Errors
/// When it cannot be made.
pub(super) fn due(
    store: &Store,
    settings: &Backup,
    now_ms: u64,
    pace: &mut dyn FnMut(),
) -> Result<Option<Made>, NoBackup> {
    if settings.folder.as_os_str().is_empty() {
        return Ok(None);
    }
    let key = key_in(&settings.key_file)?;
    let last = backup::last(&settings.folder, &key)?;
    let every_ms = settings.every_hours.saturating_mul(MS_AN_HOUR);
    if last.is_some_and(|last| now_ms < last.saturating_add(every_ms)) {
        return Ok(None);
    }
    let made = backup::make(
        store,
        &settings.folder,
        &key,
        now_ms,
        settings.days_max,
        pace,
    )?;
    Ok(Some(made))
}
