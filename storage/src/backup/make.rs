//! Making a backup of a store that may be in use.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::set::{BlobName, Set};
use super::{BackupError, BackupKey, Lost, Made, entries, known, prune, set};
use crate::durable_fs::{self, Temporary};
use crate::erased;
use crate::record_keys as keys;
use crate::retention::unpublished::{self, Unpublished};
use crate::room::ensure_room;
use crate::{Record, SledRecords, State, StorageError, Store};

/// Sealed files that are made durable together.
const TOGETHER: usize = 32;

/// Room that is left on the backup's disk.
const HEADROOM_BYTES: u64 = 16 << 20;

/// A backup in the making.
struct Making<'a> {
    store: &'a Store,
    set: &'a Set,
    made: Made,
    /// Sealed, and not in their place yet.
    waiting: Vec<(BlobName, Temporary, File)>,
    /// Folders with new names in them.
    unsynced: BTreeSet<PathBuf>,
    needed: BTreeSet<BlobName>,
    /// Images that are gone since the database was copied, and what is to be purged
    /// of those that were public.
    gone: BTreeMap<crate::ImageId, Option<Unpublished>>,
}

/// Adds a backup of a store to the one in `root`, which is created where missing,
/// and ends those that are older than `days_max`. `pace` is called between pieces
/// of the work.
///
/// # Errors
/// When the store cannot be read or the folder not be written. What was begun is
/// used by the next one.
pub fn make(
    store: &Store,
    root: &Path,
    key: &BackupKey,
    now_ms: u64,
    days_max: u32,
    pace: &mut dyn FnMut(),
) -> Result<Made, BackupError> {
    let data = store
        .folder()
        .ok_or_else(|| StorageError::io("backing up a store", io::ErrorKind::Unsupported.into()))?;
    if root.starts_with(data) {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it lies in the data folder");
        return Err(set::failed(root, error));
    }
    let set = Set::open_or_create(root, key)?;
    let folder = std::path::absolute(root).map_err(|error| set::failed(root, error))?;
    known::remember(&*store.records, &folder, days_max, now_ms)?;
    store.merge_views()?;
    let copy = Temporary::new(data.join("tmp").join("backup"));
    let copied = store.records.copy_to(copy.path(), &mut || {
        pace();
        ControlFlow::Continue(())
    })?;
    let records = SledRecords::open(copy.path())?;
    let mut making = Making {
        store,
        set: &set,
        made: Made {
            pause_us: copied.map_or(0, |copied| copied.pause_us),
            ..Made::default()
        },
        waiting: Vec::with_capacity(TOGETHER),
        unsynced: BTreeSet::new(),
        needed: BTreeSet::new(),
        gone: BTreeMap::new(),
    };
    making.take_images(&records, pace)?;
    making.write_snapshot(&records, now_ms)?;
    drop(records);
    drop(copy);
    let mut made = making.made;
    (made.n_ended, made.n_dropped) = prune::prune(&set, now_ms, days_max)?;
    Ok(made)
}

impl Making<'_> {
    fn take_images(
        &mut self,
        records: &SledRecords,
        pace: &mut dyn FnMut(),
    ) -> Result<(), BackupError> {
        let mut failure = None;
        records.for_each_entry(keys::RECORD_PREFIX, |_, value| {
            pace();
            let taken = Record::decode(value)
                .map_err(BackupError::from)
                .and_then(|record| self.take_image(&record));
            match taken {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        match failure {
            Some(error) => Err(error),
            None => self.settle(),
        }
    }

    fn take_image(&mut self, record: &Record) -> Result<(), BackupError> {
        let name = self.set.name_of(record);
        let is_taken = self.needed.contains(&name) || self.set.has_blob(&name, record.bytes);
        if !is_taken {
            match self.bytes_of(record)? {
                Ok(bytes) => self.seal(name, &bytes)?,
                Err(_) if self.is_gone(record)? => {
                    let was_public = record.state == State::Public;
                    let unpublished = was_public.then(|| Unpublished::of(record));
                    self.gone.insert(record.id, unpublished);
                    return Ok(());
                }
                Err(why) => {
                    self.made.lost.push(Lost { id: record.id, why });
                    return Ok(());
                }
            }
        }
        self.needed.insert(name);
        self.made.n_images += 1;
        Ok(())
    }

    /// An image's bytes, proved to be what its record says; or why there are none.
    fn bytes_of(&self, record: &Record) -> Result<Result<Vec<u8>, String>, BackupError> {
        let part = record.original().map_err(StorageError::from)?;
        Ok(match self.store.read(&record.id, &part) {
            Ok(Some(bytes)) if Sha256::digest(&bytes).as_slice() == record.sha256 => Ok(bytes),
            Ok(Some(_)) => Err("its bytes are not what they were".to_owned()),
            Ok(None) => Err("there is no original".to_owned()),
            Err(error) => Err(error.to_string()),
        })
    }

    fn is_gone(&self, record: &Record) -> Result<bool, BackupError> {
        let found = self.store.records.find(&record.id)?;
        Ok(found.is_none_or(|found| found.state == State::Removed && record.state != found.state))
    }

    fn seal(&mut self, name: BlobName, bytes: &[u8]) -> Result<(), BackupError> {
        let n_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        ensure_room(self.set.root(), n_bytes.saturating_add(HEADROOM_BYTES))?;
        let (staged, file) = self.set.seal_blob(&name, bytes)?;
        self.waiting.push((name, staged, file));
        self.made.n_new += 1;
        self.made.bytes_new = self.made.bytes_new.saturating_add(n_bytes);
        if self.waiting.len() >= TOGETHER {
            self.place()?;
        }
        Ok(())
    }

    /// Makes what waits durable, then lets it appear.
    fn place(&mut self) -> Result<(), BackupError> {
        let (mut files, mut staged) = (Vec::new(), Vec::new());
        for (name, temporary, file) in self.waiting.drain(..) {
            files.push(file);
            staged.push((name, temporary));
        }
        durable_fs::sync_together(&files)?;
        for (name, temporary) in staged {
            self.unsynced.insert(self.set.place_blob(&name, temporary)?);
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), BackupError> {
        self.place()?;
        for folder in std::mem::take(&mut self.unsynced) {
            durable_fs::sync_dir(&folder)?;
        }
        Ok(())
    }

    fn write_snapshot(&self, records: &SledRecords, now_ms: u64) -> Result<(), BackupError> {
        let staged = self.set.stage(now_ms)?;
        self.set.write(staged.path(), "database", |to| {
            let mut n_entries = 0;
            let mut written = Ok(());
            let read = records.for_each_entry(&[], |key, value| {
                if entries::image_of(key).is_some_and(|id| self.gone.contains_key(&id)) {
                    return ControlFlow::Continue(());
                }
                n_entries += 1;
                written = entries::write(to, key, value);
                if written.is_ok() {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
            read.map_err(io::Error::other)?;
            written?;
            // Their end put these into the database, and not into its copy.
            let is_expected = unpublished::is_expected(records).map_err(io::Error::other)?;
            for (id, unpublished) in &self.gone {
                if let Some(unpublished) = unpublished.as_ref().filter(|_| is_expected) {
                    let (key, value) = unpublished::entry(id, unpublished);
                    n_entries += 1;
                    entries::write(to, &key, &value)?;
                }
            }
            entries::write_end(to, n_entries)
        })?;
        self.set.write(staged.path(), "blobs", |to| {
            self.needed.iter().try_for_each(|name| to.write_all(name))
        })?;
        set::write_needs(staged.path(), &self.needed)?;
        // After the images: whatever was erased before one was looked for is in it.
        let tombstones: BTreeMap<_, _> = self.store.erased.all()?.into_iter().collect();
        self.set.write(staged.path(), "erased", |to| {
            tombstones
                .iter()
                .try_for_each(|(hash, found)| to.write_all(erased::line(hash, found).as_bytes()))
        })?;
        let about = serde_json::to_vec(&self.made).map_err(io::Error::other);
        let about = about.map_err(|error| set::failed(staged.path(), error))?;
        self.set
            .write(staged.path(), "about", |to| to.write_all(&about))?;
        self.set.place(staged, now_ms)
    }
}
