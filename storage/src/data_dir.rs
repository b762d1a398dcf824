//! The layout of the data folder, and the lock that keeps it to one process.

use std::fs::{File, Permissions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::{StorageError, durable_fs};

/// Only the service's own user opens it.
const FILE_MODE: u32 = 0o600;

/// A data folder held by this process for as long as the value lives.
///
/// The lock is our own, not the database's: the blobs and `tmp/` must be kept
/// from a second process too, and a repair moves the database away.
#[derive(Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates the folder where missing, closes it to everybody else, and takes
    /// the lock.
    pub(crate) fn lock(root: &Path) -> Result<Self, StorageError> {
        durable_fs::create_dir_all(root)?;
        durable_fs::make_private(root)?;
        let path = root.join("lock");
        let failed = |error| StorageError::io(format!("locking {}", path.display()), error);
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(&path)
            .map_err(failed)?;
        // One that an older release made.
        let private = Permissions::from_mode(FILE_MODE);
        file.set_permissions(private).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                root: root.to_owned(),
                _lock: file,
            }),
            Err(TryLockError::WouldBlock) => Err(StorageError::Locked {
                path: root.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The database in use.
    pub(crate) fn db(&self) -> PathBuf {
        self.root.join("db")
    }

    /// A database being rebuilt. It becomes `db` by rename when it is complete.
    pub(crate) fn db_rebuilt(&self) -> PathBuf {
        self.root.join("db.rebuilt")
    }

    /// The first free name for a database that is put away.
    pub(crate) fn db_put_away(&self) -> PathBuf {
        (1_u32..)
            .map(|n| self.root.join(format!("db.replaced-{n}")))
            .find(|path| !path.exists())
            .expect("there are fewer than four billion old databases")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p16_a_folder_that_others_can_read_is_closed_to_them() {
        let dir = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        for given in [0o755, 0o777, 0o770, 0o700] {
            std::fs::set_permissions(dir.path(), Permissions::from_mode(given)).unwrap();
            let held = DataDir::lock(dir.path()).unwrap();
            assert_eq!(mode(dir.path()), 0o700, "given {given:o}");
            let lock = dir.path().join("lock");
            assert_eq!(mode(&lock), 0o600, "given {given:o}");
            drop(held);
            std::fs::set_permissions(&lock, Permissions::from_mode(0o644)).unwrap();
        }
    }

    #[test]
    fn a_folder_belongs_to_one_holder_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let held = DataDir::lock(dir.path()).unwrap();
        let error = DataDir::lock(dir.path()).unwrap_err();
        assert_eq!(error.code(), "storage-locked");
        assert!(
            error.to_string().contains("in use by another process"),
            "{error}"
        );
        drop(held);
        DataDir::lock(dir.path()).unwrap();
    }
}
