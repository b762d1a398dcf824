//! Correction of what an owner says about an image (P20).

use super::{Store, UPDATE_ATTEMPTS_MAX};
use crate::retention::pending;
use crate::{Changes, ImageId, Keyspace, Record, StorageError};

impl Store {
    /// Gives an image another file name. The one before is erased as what is deleted
    /// is: it leaves the database's files by the next rewrite. Returns what is stored
    /// then; `None` for an unknown id.
    ///
    /// # Errors
    /// As [`Store::update`].
    pub fn correct_filename(
        &self,
        id: &ImageId,
        filename: &str,
        now_ms: u64,
    ) -> Result<Option<Record>, StorageError> {
        for _ in 0..UPDATE_ATTEMPTS_MAX {
            let Some(mut record) = self.find(id)? else {
                return Ok(None);
            };
            if record.filename == filename {
                return Ok(Some(record));
            }
            filename.clone_into(&mut record.filename);
            let mut changes = Changes::new();
            changes.update_record(record);
            pending::plan(&*self.records, &mut changes, now_ms)?;
            match Keyspace::commit(self, changes) {
                Err(StorageError::Conflict { .. }) => {}
                Err(StorageError::NotFound { .. }) => return Ok(None),
                other => {
                    other?;
                    return self.find(id);
                }
            }
        }
        Err(StorageError::Conflict { id: *id })
    }
}
