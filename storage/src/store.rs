//! The durable order, once, for every pair of records and blobs.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard};

use self::locks::Locks;
use crate::data_dir::DataDir;
use crate::decoy;
use crate::erased::Erased;
use crate::lawful;
use crate::likenesses::Likenesses;
use crate::retention::pending;
use crate::variants::Variants;
use crate::view_counter::ViewCounter;
use crate::{
    BlobReader, Blobs, Cursor, Idle, ImageId, MemoryBlobs, MemoryRecords, Page, PartName, Record,
    Records, Rewritten, State, Storable, StorageError, StoredVariant,
};

/// Writers in other processes are few; losing this often is a fault.
const UPDATE_ATTEMPTS_MAX: u32 = 8;

/// Failed commits and removals whose cleaning up is tried again. When there are
/// more, those that have waited longest wait for the next start.
const ABANDONED_MAX: usize = 1024;

/// Everything that is kept, behind the rules that keep it whole.
///
/// Every method blocks on the disk, except [`Store::count_view`] nearly always.
pub struct Store {
    pub(crate) records: Arc<dyn Records>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) likenesses: Likenesses,
    variants: Variants,
    view_counter: ViewCounter,
    /// The last merge of views failed; the next one is left to the timer.
    merge_failed: AtomicBool,
    /// An image is changed by one thread at a time, so that its sidecar and its
    /// record are written in the same order.
    locks: Locks,
    /// Equal bytes are stored by one thread at a time, so that the second finds
    /// the first. Taken before an image's lock.
    content_locks: Locks,
    /// Failed commits and removals whose cleaning up failed as well; those that
    /// are tried last, and given up first, at the front.
    abandoned: Mutex<VecDeque<Abandoned>>,
    /// Tombstones of what was erased.
    pub(crate) erased: Erased,
    /// The last field: let go when the database is closed.
    data_dir: Option<DataDir>,
}

/// Takes back what a failed commit or removal has left, as at a time. The caller
/// holds the image's lock.
type Undo = fn(&Store, &ImageId, u64) -> Result<(), StorageError>;

/// What is to be cleaned up.
struct Abandoned {
    id: ImageId,
    undo: Undo,
    at_ms: u64,
}

impl Store {
    /// Pairs records with blobs. Call [`Store::recover`] when they have been
    /// used before. Variants are kept in memory.
    #[must_use]
    pub fn new(records: Arc<dyn Records>, blobs: Arc<dyn Blobs>) -> Self {
        Self {
            records,
            blobs,
            likenesses: Likenesses::default(),
            variants: Variants::memory(),
            view_counter: ViewCounter::default(),
            merge_failed: AtomicBool::new(false),
            locks: Locks::default(),
            content_locks: Locks::default(),
            abandoned: Mutex::default(),
            erased: Erased::memory(),
            data_dir: None,
        }
    }

    /// An empty store that ends with the process.
    #[must_use]
    pub fn memory() -> Self {
        Self::new(
            Arc::new(MemoryRecords::default()),
            Arc::new(MemoryBlobs::default()),
        )
    }

    /// Holds the data folder's lock for as long as the store lives.
    pub(crate) fn holding(mut self, data_dir: DataDir) -> Self {
        self.data_dir = Some(data_dir);
        self
    }

    /// The data folder, unless everything is in memory.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.data_dir.as_ref().map(DataDir::root)
    }

    pub(crate) fn with_erased(mut self, erased: Erased) -> Self {
        self.erased = erased;
        self
    }

    pub(crate) fn with_variants(mut self, variants: Variants) -> Self {
        self.variants = variants;
        self
    }

    /// Keeps variants of no more than `bytes_max` bytes in all from now on; the
    /// ones used longest ago go first.
    #[must_use]
    pub fn keeping_variants(self, bytes_max: u64) -> Self {
        self.variants.limit(bytes_max);
        self
    }

    /// Stores a new image. It is durable when this returns `Ok`; after an `Err`
    /// nothing of it is left.
    ///
    /// The order of DESIGN.md's step 10: the blob with the encoded record
    /// beside it, then the record, which is the commit point.
    ///
    /// Bytes that another image has are kept once, unless that one is removed or
    /// under legal hold: nothing new may hang on its files. An uploader who has
    /// exactly the stored bytes could tell by the time it takes; nobody else can.
    ///
    /// # Errors
    /// [`StorageError::AlreadyExists`] when the id is taken, and when blob or
    /// record cannot be written.
    pub fn commit(&self, record: &Record, bytes: &dyn Storable) -> Result<(), StorageError> {
        self.commit_by(record, bytes, || self.records.insert(record))
    }

    fn commit_by(
        &self,
        record: &Record,
        bytes: &dyn Storable,
        insert: impl FnOnce() -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let id = &record.id;
        let (original, sidecar) = (record.original()?, record.stored_form()?);
        self.retry_abandoned();
        let _content_lock = self.content_locks.one(record.sha256);
        let (_locks, stored) = self.put_once(record, &original, bytes, &sidecar);
        let committed = match stored {
            Err(taken @ StorageError::AlreadyExists { .. }) => return Err(taken),
            other => other.and_then(|()| insert()),
        };
        match committed {
            Ok(()) => {
                self.likenesses.note(record);
                self.settle(id);
            }
            // The record is someone else's; only the blob is this commit's.
            Err(StorageError::AlreadyExists { .. }) => {
                self.abandon(id, |store, id, _| store.undo_blob(id));
            }
            Err(_) => self.abandon(id, |store, id, _| store.undo(id)),
        }
        committed
    }

    /// The record of an image. One that the database has lost, or cannot read
    /// now, comes from its sidecar.
    ///
    /// # Errors
    /// When neither can be read.
    pub fn find(&self, id: &ImageId) -> Result<Option<Record>, StorageError> {
        match self.records.find(id) {
            Ok(Some(record)) => Ok(Some(record)),
            Ok(None) => self.restore(id),
            Err(error) => match self.sidecar_record(id) {
                Ok(Some(record)) => {
                    tracing::error!(%id, %error, "a record is read from its sidecar");
                    Ok(Some(record))
                }
                _ => Err(error),
            },
        }
    }

    /// The record of an image if it may be shown. What may not be takes as long as
    /// what is not there, file for file and byte for byte (P18).
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn find_if(
        &self,
        id: &ImageId,
        may_be_shown: impl FnOnce(&Record) -> bool,
    ) -> Result<Option<Record>, StorageError> {
        match self.find(id)? {
            Some(record) if may_be_shown(&record) => Ok(Some(record)),
            Some(_) => {
                self.look_in_vain(id);
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// What an unknown id costs beyond one that is there: the look for its sidecar.
    /// For whoever answers of a hidden image as of an unknown one.
    pub fn look_in_vain(&self, id: &ImageId) {
        // Whatever comes of it: nothing was asked.
        let _ = self.blobs.sidecar(&id.reversed());
    }

    /// Changes a record: sidecar first, then the record. Returns what is stored
    /// then; `None` for an unknown id. `change` may run more than once. Neither
    /// the id nor the extension can be changed, and an image that is removed
    /// stays so.
    ///
    /// After an `Err` the old record stands, but a [`repair`](crate::repair())
    /// may find the new one in the sidecar.
    ///
    /// # Errors
    /// When sidecar or record cannot be written, and when another process keeps
    /// changing the record.
    pub fn update(
        &self,
        id: &ImageId,
        change: impl Fn(&mut Record),
    ) -> Result<Option<Record>, StorageError> {
        let _lock = self.lock(id);
        self.update_locked(id, change)
    }

    fn update_locked(
        &self,
        id: &ImageId,
        change: impl Fn(&mut Record),
    ) -> Result<Option<Record>, StorageError> {
        for _ in 0..UPDATE_ATTEMPTS_MAX {
            let Some(stored) = self.records.find(id)? else {
                return Ok(None);
            };
            let mut changed = stored.clone();
            change(&mut changed);
            changed.id = stored.id;
            changed.revision = stored.revision;
            changed.extension.clone_from(&stored.extension);
            if stored.state == State::Removed {
                changed.state = State::Removed;
            }
            changed.court_hold |= lawful::keeps(|key| self.records.get(key), None, id)?;
            let sidecar = changed.clone().next_revision().stored_form()?;
            self.blobs.put_sidecar(id, &sidecar)?;
            match self.put_changed(&stored, &changed) {
                Err(StorageError::Conflict { .. }) => {}
                other => {
                    let updated = other?;
                    self.likenesses.note(&updated);
                    return Ok(Some(updated));
                }
            }
        }
        Err(StorageError::Conflict { id: *id })
    }

    /// A part's bytes; `None` when there are none.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn read(&self, id: &ImageId, part: &PartName) -> Result<Option<Vec<u8>>, StorageError> {
        self.blobs.read(id, part)
    }

    /// A part opened for reading piece by piece; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open_part(
        &self,
        id: &ImageId,
        part: &PartName,
    ) -> Result<Option<BlobReader>, StorageError> {
        self.blobs.open(id, part)
    }

    /// The variant of this name; `None` when it is not kept.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn variant(
        &self,
        id: &ImageId,
        name: &'static str,
    ) -> Result<Option<StoredVariant>, StorageError> {
        self.variants.find(id, name)
    }

    /// Keeps a variant of an image, or replaces it, as long as there is room.
    /// It may be gone at any time; only its removal with the image is durable. Of
    /// evidence none is kept: its original is enough.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such image.
    pub fn put_variant(
        &self,
        id: &ImageId,
        part: &PartName,
        bytes: &dyn Storable,
    ) -> Result<(), StorageError> {
        let _lock = self.lock(id);
        match self.records.find(id)? {
            Some(record) if record.legal_hold => Ok(()),
            Some(record) if record.state != State::Removed => self.variants.put(id, part, bytes),
            _ => Err(StorageError::NotFound { id: *id }),
        }
    }

    /// Removes the variants of an image that has become evidence; of others they
    /// stay.
    ///
    /// # Errors
    /// When they cannot be removed; calling again finishes it.
    pub fn drop_variants_of_evidence(&self, id: &ImageId) -> Result<(), StorageError> {
        let _lock = self.lock(id);
        match self.records.find(id)? {
            Some(record) if record.legal_hold => self.variants.remove(id),
            _ => Ok(()),
        }
    }

    /// Bytes that variants take on disk.
    #[must_use]
    pub fn variant_bytes(&self) -> u64 {
        self.variants.bytes()
    }

    /// Up to `limit` images in a state, at least one, the oldest upload first,
    /// from behind `after` on.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn in_state(
        &self,
        state: State,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StorageError> {
        self.records.in_state(state, after, limit)
    }

    /// Up to `limit` images whose bytes have this SHA-256, in the order of their
    /// ids, whatever their state.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn with_sha256(
        &self,
        sha256: &[u8; 32],
        limit: usize,
    ) -> Result<Vec<ImageId>, StorageError> {
        self.records.with_sha256(sha256, limit)
    }

    /// Up to `limit` images that were last viewed, or uploaded, before a day, the
    /// longest ago first, from behind `after` on, whatever their state.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn idle_before(
        &self,
        day: u32,
        after: Option<&Idle>,
        limit: usize,
    ) -> Result<Vec<Idle>, StorageError> {
        self.records.idle_before(day, after, limit)
    }

    /// Writes the database anew, so that nothing deleted before is in its files
    /// any more: see [`Records::rewrite`].
    ///
    /// # Errors
    /// When it cannot be written; everything is as before.
    pub fn rewrite(
        &self,
        now_ms: u64,
        pace: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Rewritten>, StorageError> {
        let begun = pending::begin(&*self.records)?;
        let rewritten = self.records.rewrite(pace)?;
        if rewritten.is_some() {
            pending::finish(&*self.records, begun, now_ms)?;
        }
        Ok(rewritten)
    }

    /// How many images there are.
    ///
    /// # Errors
    /// When the count cannot be read.
    pub fn count(&self) -> Result<u64, StorageError> {
        self.records.count()
    }

    /// Proves that an image could be stored now: by a small durable write to the
    /// blobs and one to the records.
    ///
    /// # Errors
    /// What storing an image would fail with.
    pub fn probe_writable(&self) -> Result<(), StorageError> {
        self.retry_abandoned();
        self.blobs.probe_writable()?;
        self.records.probe_writable()
    }

    /// Makes everything durable. What was acknowledged is so already.
    ///
    /// # Errors
    /// When it cannot be made so.
    pub fn flush(&self) -> Result<(), StorageError> {
        self.records.flush()
    }

    pub(crate) fn lock(&self, id: &ImageId) -> MutexGuard<'_, ()> {
        self.locks.one(id)
    }

    /// The image is whole; a mark of doubt that stays is settled at the start.
    fn settle(&self, id: &ImageId) {
        if let Err(error) = self.blobs.settle(id) {
            tracing::warn!(%id, %error, "a mark of doubt stays until the next start");
        }
    }

    /// Puts a record that the database has lost back from its sidecar.
    fn restore(&self, id: &ImageId) -> Result<Option<Record>, StorageError> {
        // Nearly every unknown id is none of ours; only this is on their path.
        if self.blobs.sidecar(id)?.is_none() {
            decoy::read();
            return Ok(None);
        }
        let _lock = self.lock(id);
        if let Some(record) = self.records.find(id)? {
            return Ok(Some(record));
        }
        if self.blobs.in_doubt()?.contains(id) {
            return Ok(None);
        }
        let Some(record) = self.sidecar_record(id)? else {
            return Ok(None);
        };
        tracing::error!(%id, "the database has lost a record; it is taken from its sidecar");
        match self.records.insert(&record) {
            Ok(()) => self.likenesses.note(&record),
            Err(error) => tracing::warn!(%id, %error, "the record could not be put back"),
        }
        Ok(Some(record))
    }

    fn sidecar_record(&self, id: &ImageId) -> Result<Option<Record>, StorageError> {
        let Some(sidecar) = self.blobs.sidecar(id)? else {
            return Ok(None);
        };
        let record = Record::decode(&sidecar)?;
        Ok((record.id == *id && record.state != State::Removed).then_some(record))
    }
}

mod correction;
mod keyspace;
mod locks;
mod removal;
mod twins;
mod views;

#[cfg(test)]
mod tests;
