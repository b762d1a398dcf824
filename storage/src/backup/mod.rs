//! Backups: a consistent, sealed, incremental copy of a store in a folder, and the
//! way back.
//!
//! Bytes of images never change, so each is sealed once, under a name that tells
//! nothing without the key. The database is copied as it is at one moment, and the
//! bytes that it names are taken after that: what was deleted between the two is
//! left out. A backup counts when its snapshot stands, which is written last.
//!
//! Every backup carries the tombstones of what was erased or removed: whichever is
//! brought back, nothing that was deleted returns, and nothing that moderation has
//! removed is seen again.
//!
//! Deliberately absent: where the folder is and how it is carried away, variants
//! (they are made again), the request log and the audit's files (written again from
//! the database).

mod entries;
mod key;
mod known;
mod make;
mod prune;
mod rebuilt;
mod restore;
mod sealed;
mod set;
mod verify;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use key::{BackupKey, InvalidBackupKey};
pub(crate) use known::{Looked, end_old, folders, forget_ended, look};
pub use make::make;
pub use rebuilt::RebuiltAgain;
pub use restore::restore;
pub use verify::verify;

use crate::{ImageId, StorageError, calendar};

/// Longest time that a backup is kept (P13e), in days.
pub const DAYS_MAX: u32 = 90;

/// Why there is no backup, or no way back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store, or a file of the backup, failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The folder is something else.
    #[error("{} is no backup, and not empty", .path.display())]
    NoBackup {
        /// The folder.
        path: PathBuf,
    },
    /// It was made with another key.
    #[error("this is not the key of that backup")]
    WrongKey,
    /// There is no snapshot to bring back.
    #[error("the backup has no snapshot{}", if *.is_dated { " that old" } else { "" })]
    NoSnapshot {
        /// One of a certain time was asked for.
        is_dated: bool,
    },
    /// A snapshot cannot be brought back.
    #[error(
        "the backup of {} cannot be brought back: {source}; {}",
        calendar::date(*.made_at_ms),
        say_older(.older)
    )]
    SnapshotDamaged {
        /// When it was made, in milliseconds since 1970 UTC.
        made_at_ms: u64,
        /// Days of older ones in the folder, the newest first.
        older: Vec<String>,
        /// What is wrong with it.
        source: Box<BackupError>,
    },
    /// A file of the backup is not as it was written.
    #[error("{} is damaged: {why}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

impl BackupError {
    /// The stable kebab-case code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Storage(error) => error.code(),
            Self::NoBackup { .. } => "backup-missing",
            Self::WrongKey => "backup-wrong-key",
            Self::NoSnapshot { .. } => "backup-no-snapshot",
            Self::Damaged { .. } | Self::SnapshotDamaged { .. } => "backup-damaged",
        }
    }
}

fn say_older(older: &[String]) -> String {
    match older.first() {
        None => "there is no older one in the folder".to_owned(),
        Some(first) => format!(
            "older ones in the folder may be whole, those of {}: try --at {first}",
            older.join(", ")
        ),
    }
}

/// An image that could not be taken, or brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Which.
    pub id: ImageId,
    /// Why.
    pub why: String,
}

/// What a backup did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Made {
    /// Images in it.
    pub n_images: u64,
    /// Files that were sealed for it; the others were there.
    pub n_new: u64,
    /// Bytes of those.
    pub bytes_new: u64,
    /// How long nothing could be written meanwhile, in microseconds.
    pub pause_us: u64,
    /// Images whose bytes are not in it.
    pub lost: Vec<Lost>,
    /// Older backups that were ended.
    pub n_ended: u64,
    /// Files that nothing needed any more.
    pub n_dropped: u64,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Verified {
    /// Backups in the folder.
    pub n_snapshots: u64,
    /// Images in the newest one.
    pub n_images: u64,
    /// Sealed files, each read to its end.
    pub n_files: u64,
    /// Images that could not be brought back from the newest backup.
    pub lost: Vec<Lost>,
    /// Files that are not as they were written.
    pub damaged: Vec<PathBuf>,
}

/// What was brought back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Restored {
    /// When the backup was made, in milliseconds since 1970 UTC.
    pub made_at_ms: u64,
    /// Images that are there now, as the backup has them.
    pub n_images: u64,
    /// Of those, images whose bytes were brought back.
    pub n_written: u64,
    /// Of those, images whose bytes were there and damaged.
    pub damaged: Vec<ImageId>,
    /// Images of the backup that were deleted since, and are left out.
    pub n_erased: u64,
    /// Images that were deleted since and were kept by a hold or an objection: they are
    /// out of sight and held.
    pub held: Vec<ImageId>,
    /// Images that moderation has removed since: they are so again.
    pub removed: Vec<ImageId>,
    /// Images that are not seen any more and of which a CDN may have copies, which are
    /// purged once there is one.
    #[serde(default)]
    pub n_purges_planned: u64,
    /// Images that cannot be brought back.
    pub lost: Vec<Lost>,
    /// Whether there was a database, which was left as it is but for what `rebuilt`
    /// says.
    pub was_there: bool,
    /// What was brought back into a database that a repair had made, and that says
    /// that entries were lost.
    pub rebuilt: Option<RebuiltAgain>,
    /// Whether the newest backup does not say any more what was deleted until then:
    /// an older one did, and the data folder.
    pub is_newest_unread: bool,
}

/// When the newest backup in a folder was made; `None` where there is none.
///
/// # Errors
/// When the folder is none of this key's.
pub fn last(root: &Path, key: &BackupKey) -> Result<Option<u64>, BackupError> {
    if set::is_unused(root)? {
        return Ok(None);
    }
    let newest = set::Set::open(root, key)?.snapshots()?.pop();
    Ok(newest.map(|newest| newest.made_at_ms))
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> BackupError + '_ {
    |error| set::failed(path, error)
}
