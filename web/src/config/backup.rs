//! Settings about backups.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where backups are, and how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backup {
    /// Folder into which the service makes backups by itself; empty for none.
    pub folder: PathBuf,
    /// File of the key, made by `imgshare backup keygen`.
    pub key_file: PathBuf,
    /// Hours between two of the service's own backups.
    pub every_hours: u64,
    /// Days that a backup is kept; at most 90.
    pub days_max: u32,
}

impl Default for Backup {
    fn default() -> Self {
        Self {
            folder: PathBuf::new(),
            key_file: PathBuf::new(),
            every_hours: 24,
            days_max: 30,
        }
    }
}

impl Backup {
    /// The first setting that breaks a promise or means nothing, with why.
    pub(super) fn broken(&self) -> Option<(&'static str, &'static str)> {
        let has_folder = !self.folder.as_os_str().is_empty();
        if has_folder && self.key_file.as_os_str().is_empty() {
            return Some((
                "backup.key_file",
                "must name a key of `imgshare backup keygen` where there is a backup.folder",
            ));
        }
        if !(1..=imgshare_storage::backup::DAYS_MAX).contains(&self.days_max) {
            return Some(("backup.days_max", "must lie between 1 and 90"));
        }
        if !(1..=720).contains(&self.every_hours) {
            return Some(("backup.every_hours", "must lie between 1 and 720"));
        }
        None
    }
}
