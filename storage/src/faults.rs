//! Records, blobs and variants that fail on purpose: at one chosen change, or from there
//! on, as after a crash.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::variants::Place;
use crate::{
    BlobReader, Blobs, Changes, Cursor, Entry, Idle, ImageId, KeyRange, Keyspace, Likeness, Page,
    PartName, Record, Records, Rewritten, State, Storable, StorageError, ViewDelta, Views,
};

/// What happens at the chosen change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails without effect; later ones work.
    Once,
    /// It has its effect but reports failure; later ones work.
    OnceAfterEffect,
    /// It and every later one fail without effect: the process died before it.
    CrashBefore,
    /// It has its effect, but it and every later one report failure: the
    /// process died right after it.
    CrashAfter,
}

/// Counts the changes of one pair and strikes at one of them.
#[derive(Debug)]
pub(crate) struct Fuse {
    n_changes: AtomicUsize,
    at: usize,
    fault: Fault,
    taken_out: AtomicBool,
}

impl Fuse {
    /// Strikes at the change of index `at`, counted from 0.
    pub(crate) fn new(at: usize, fault: Fault) -> Arc<Self> {
        Arc::new(Self {
            n_changes: AtomicUsize::new(0),
            at,
            fault,
            taken_out: AtomicBool::new(false),
        })
    }

    /// Whether there was a change to strike at.
    pub(crate) fn struck(&self) -> bool {
        self.n_changes.load(Ordering::SeqCst) > self.at
    }

    /// Changes so far, those that failed among them.
    pub(crate) fn n_changes(&self) -> usize {
        self.n_changes.load(Ordering::SeqCst)
    }

    /// From here on everything works.
    pub(crate) fn take_out(&self) {
        self.taken_out.store(true, Ordering::SeqCst);
    }

    fn change<T>(
        &self,
        change: impl FnOnce() -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let n = self.n_changes.fetch_add(1, Ordering::SeqCst);
        let crash = matches!(self.fault, Fault::CrashBefore | Fault::CrashAfter);
        if self.taken_out.load(Ordering::SeqCst) || n < self.at || (n > self.at && !crash) {
            return change();
        }
        if n == self.at && matches!(self.fault, Fault::OnceAfterEffect | Fault::CrashAfter) {
            change()?;
        }
        Err(StorageError::io(
            "a test",
            std::io::Error::other("failed on purpose"),
        ))
    }
}

/// Something whose changes a fuse may fail.
#[derive(Debug)]
pub(crate) struct Faulty<T>(pub(crate) T, pub(crate) Arc<Fuse>);

impl<R: Records> Records for Faulty<R> {
    fn insert(&self, record: &Record) -> Result<(), StorageError> {
        self.1.change(|| self.0.insert(record))
    }
    fn find(&self, id: &ImageId) -> Result<Option<Record>, StorageError> {
        self.0.find(id)
    }
    fn update(&self, record: &Record) -> Result<Record, StorageError> {
        self.1.change(|| self.0.update(record))
    }
    fn remove(&self, id: &ImageId) -> Result<bool, StorageError> {
        self.1.change(|| self.0.remove(id))
    }
    fn in_state(
        &self,
        state: State,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StorageError> {
        self.0.in_state(state, after, limit)
    }
    fn with_sha256(&self, sha256: &[u8; 32], limit: usize) -> Result<Vec<ImageId>, StorageError> {
        self.0.with_sha256(sha256, limit)
    }
    fn likenesses(
        &self,
        of: Option<&[u8; 32]>,
        after: Option<&Likeness>,
        limit: usize,
    ) -> Result<Vec<Likeness>, StorageError> {
        self.0.likenesses(of, after, limit)
    }
    fn add_views(&self, batch: &[ViewDelta]) -> Result<(), StorageError> {
        self.1.change(|| self.0.add_views(batch))
    }
    fn views(&self, id: &ImageId) -> Result<Views, StorageError> {
        self.0.views(id)
    }
    fn count(&self) -> Result<u64, StorageError> {
        self.0.count()
    }
    fn flush(&self) -> Result<(), StorageError> {
        self.0.flush()
    }
    fn probe_writable(&self) -> Result<(), StorageError> {
        self.0.probe_writable()
    }
    fn idle_before(
        &self,
        day: u32,
        after: Option<&Idle>,
        limit: usize,
    ) -> Result<Vec<Idle>, StorageError> {
        self.0.idle_before(day, after, limit)
    }
    fn rewrite(
        &self,
        pace: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Rewritten>, StorageError> {
        self.0.rewrite(pace)
    }
    fn copy_to(
        &self,
        dir: &Path,
        pace: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Rewritten>, StorageError> {
        self.0.copy_to(dir, pace)
    }
}

impl<R: Records> Keyspace for Faulty<R> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.0.get(key)
    }
    fn range(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.0.range(range, limit)
    }
    fn commit(&self, changes: Changes) -> Result<(), StorageError> {
        self.1.change(|| self.0.commit(changes))
    }
}

impl<B: Blobs> Blobs for Faulty<B> {
    fn put_image(
        &self,
        id: &ImageId,
        part: &PartName,
        bytes: &dyn Storable,
        sidecar: &[u8],
    ) -> Result<(), StorageError> {
        self.1.change(|| self.0.put_image(id, part, bytes, sidecar))
    }
    fn put_twin(
        &self,
        id: &ImageId,
        part: &PartName,
        bytes: &dyn Storable,
        sidecar: &[u8],
        twin: &ImageId,
    ) -> Result<bool, StorageError> {
        self.1
            .change(|| self.0.put_twin(id, part, bytes, sidecar, twin))
    }
    fn settle(&self, id: &ImageId) -> Result<(), StorageError> {
        self.1.change(|| self.0.settle(id))
    }
    fn in_doubt(&self) -> Result<Vec<ImageId>, StorageError> {
        self.0.in_doubt()
    }
    fn put_sidecar(&self, id: &ImageId, sidecar: &[u8]) -> Result<(), StorageError> {
        self.1.change(|| self.0.put_sidecar(id, sidecar))
    }
    fn read(&self, id: &ImageId, part: &PartName) -> Result<Option<Vec<u8>>, StorageError> {
        self.0.read(id, part)
    }
    fn open(&self, id: &ImageId, part: &PartName) -> Result<Option<BlobReader>, StorageError> {
        self.0.open(id, part)
    }
    fn sidecar(&self, id: &ImageId) -> Result<Option<Vec<u8>>, StorageError> {
        self.0.sidecar(id)
    }
    fn remove(&self, id: &ImageId) -> Result<bool, StorageError> {
        self.1.change(|| self.0.remove(id))
    }
    fn for_each_id(
        &self,
        visit: &mut dyn FnMut(ImageId) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        self.0.for_each_id(visit)
    }
    fn probe_writable(&self) -> Result<(), StorageError> {
        self.0.probe_writable()
    }
    fn sweep(&self) -> Result<(), StorageError> {
        self.0.sweep()
    }
}

impl<P: Place> Place for Faulty<P> {
    fn read(&self, file_name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        self.0.read(file_name)
    }
    fn write(&self, file_name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        self.1.change(|| self.0.write(file_name, bytes))
    }
    fn remove(&self, file_name: &str) -> Result<(), StorageError> {
        self.1.change(|| self.0.remove(file_name))
    }
    fn files_of(&self, id: &ImageId) -> Result<Vec<String>, StorageError> {
        self.0.files_of(id)
    }
    fn sync(&self, id: &ImageId) -> Result<(), StorageError> {
        self.1.change(|| self.0.sync(id))
    }
}
