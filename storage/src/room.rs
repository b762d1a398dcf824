//! Whether the disk has room, asked before it is needed.

use std::io;
use std::path::Path;

use rustix::fs::StatVfsMountFlags;

use crate::StorageError;

/// Fails unless the file system of `path` can be written and has `bytes` free.
///
/// Asking first keeps the database from meeting a full disk in the middle of a
/// write, which it answers by refusing everything until it is opened again.
pub(crate) fn ensure_room(path: &Path, bytes: u64) -> Result<(), StorageError> {
    let action = || format!("asking for {bytes} bytes below {}", path.display());
    let system =
        rustix::fs::statvfs(path).map_err(|errno| StorageError::io(action(), errno.into()))?;
    if system.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Err(StorageError::io(
            action(),
            io::ErrorKind::ReadOnlyFilesystem.into(),
        ));
    }
    let available = system.f_bavail.saturating_mul(system.f_frsize);
    // Some network and user-space file systems report no size at all.
    if system.f_blocks > 0 && available < bytes {
        return Err(StorageError::io(
            action(),
            io::ErrorKind::StorageFull.into(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_disk_has_is_no_space() {
        let dir = tempfile::tempdir().unwrap();
        ensure_room(dir.path(), 1).unwrap();
        assert_eq!(
            ensure_room(dir.path(), u64::MAX).unwrap_err().code(),
            "storage-full"
        );
    }
}
