//! The layout's version: written, checked, and brought up to date.

use super::{Batch, Database, Failure, contain, damaged, operations};
use crate::{Record, StorageError, record_keys as keys};

/// Records whose index keys are added together.
const UPGRADE_BATCH: usize = 512;

impl Database {
    /// Writes the layout's version into a new database, checks it in an old one,
    /// and adds what a former version does not have. True when it was new.
    pub(super) fn check_format(&self) -> Result<bool, Failure> {
        contain(|| match self.db.get(keys::FORMAT)?.as_deref() {
            Some([keys::FORMAT_VERSION]) => Ok(false),
            Some(&[version])
                if (keys::FORMAT_VERSION_OLDEST..keys::FORMAT_VERSION).contains(&version) =>
            {
                self.add_indexes()?;
                Ok(false)
            }
            Some(&[version, ..]) => Err(StorageError::UnsupportedVersion {
                what: "the database",
                version,
            }
            .into()),
            Some([]) => Err(damaged("the layout's version is empty").into()),
            None if self.db.first()?.is_some() => {
                Err(damaged("the layout's version is gone").into())
            }
            None => {
                let mut batch = Batch::default();
                batch.insert(keys::FORMAT, &[keys::FORMAT_VERSION]);
                operations::set_count(&mut batch, 0);
                self.db.apply_batch(batch.into())?;
                self.make_durable()?;
                Ok(true)
            }
        })
    }

    /// Lists every record under its SHA-256 and its last use, and only then says
    /// so: cut short, it is done again.
    fn add_indexes(&self) -> Result<(), Failure> {
        tracing::info!("listing the images by their hashes and their last use, once");
        let mut batch = Batch::default();
        let mut n_waiting = 0;
        for entry in self.db.scan_prefix(keys::RECORD_PREFIX) {
            // One that cannot be read is met, and reported, when it is used.
            let Ok(record) = Record::decode(&entry?.1) else {
                continue;
            };
            operations::move_indexes(&mut batch, None, &record);
            let views = operations::stored_views(&self.db, &record.id)?;
            batch.insert(keys::used(&record, views), &[]);
            n_waiting += 1;
            if n_waiting == UPGRADE_BATCH {
                self.db.apply_batch(std::mem::take(&mut batch).into())?;
                n_waiting = 0;
            }
        }
        self.db.apply_batch(batch.into())?;
        self.make_durable()?;
        let mut batch = Batch::default();
        batch.insert(keys::FORMAT, &[keys::FORMAT_VERSION]);
        self.db.apply_batch(batch.into())?;
        self.make_durable()
    }
}
