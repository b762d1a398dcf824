//! Records in sled 0.34, the embedded database; the only file that knows it.
//!
//! What sled needs to be handled with, each seen in its source or in its users'
//! reports:
//! - It answers before it is durable, and its flush writes without fsync: a
//!   write here is batch, flush, fdatasync.
//! - After one failed write it refuses every further one until it is opened
//!   again: done here in place, once there is room, without a restart.
//! - It may panic on damaged pages: contained here.
//! - It takes some five times its cache in memory, so the cache is small.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use sled::{Db, IVec};

use crate::room::ensure_room;
use crate::{StorageError, durable_fs};

mod batch;
mod copy;
mod entries;
mod layout;
mod operations;

use batch::Batch;
pub(crate) use copy::heal;

/// 64 MB of cache were 312 MB resident with three million records; sled's own
/// default of 1 GB would be several.
const CACHE_BYTES: u64 = 64 << 20;

/// Free space asked for before each write: eight of sled's 512 KiB segments.
const WRITE_ROOM_BYTES: u64 = 4 << 20;

/// How long a closing database is waited for. Its threads let go of the file
/// within milliseconds; one that died never does.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(5);

/// A file in the database's folder that says a damaged page was met while
/// running. The next start rebuilds instead of meeting it again.
const DAMAGE_MARK: &str = "damaged";

/// Records in an embedded sled database.
#[derive(Debug)]
pub struct SledRecords {
    dir: PathBuf,
    /// `None` while it could not be opened again.
    database: RwLock<Option<Database>>,
    /// Held from reading what a write depends on until its batch is applied.
    writer: Mutex<()>,
    /// Keys that were written since a copy began; `None` while there is none.
    changed: Mutex<Option<BTreeSet<IVec>>>,
    /// Copies are made one at a time.
    copies: Mutex<()>,
    /// A write failed; sled refuses more until it is opened again.
    failed: AtomicBool,
    /// A damaged page was met, also after opening again.
    damaged: AtomicBool,
    is_new: bool,
    write_room_bytes: u64,
}

#[derive(Debug)]
struct Database {
    dir: PathBuf,
    db: Db,
    /// sled's own data file, to fsync it.
    file: File,
}

/// Why an operation inside the database ended.
enum Failure {
    /// By its own meaning: a conflict, say.
    Meant(StorageError),
    /// The database failed.
    Engine(sled::Error),
    /// The database panicked.
    Panic,
    /// The database could not be opened again so far.
    Closed,
}

/// Which run of an operation: the second one may find the first one's effect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    First,
    AfterReopen,
}

impl SledRecords {
    /// Opens the database in a folder, creating it where missing.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when sled refuses it,
    /// [`StorageError::UnsupportedVersion`] when a newer release wrote it.
    pub fn open(dir: &Path) -> Result<Self, StorageError> {
        if dir.join(DAMAGE_MARK).exists() {
            return Err(damaged("damage was met when it was last used"));
        }
        Self::open_despite_damage(dir)
    }

    /// As [`SledRecords::open`], to save what can still be read.
    pub(crate) fn open_despite_damage(dir: &Path) -> Result<Self, StorageError> {
        durable_fs::create_dir_all(dir)?;
        ensure_room(dir, WRITE_ROOM_BYTES)?;
        let database = Database::open(dir)?;
        let is_new = database
            .check_format()
            .map_err(Failure::into_storage_error)?;
        Ok(Self {
            dir: dir.to_owned(),
            database: RwLock::new(Some(database)),
            writer: Mutex::new(()),
            changed: Mutex::new(None),
            copies: Mutex::new(()),
            failed: AtomicBool::new(false),
            damaged: AtomicBool::new(false),
            is_new,
            write_room_bytes: WRITE_ROOM_BYTES,
        })
    }

    #[cfg(test)]
    pub(crate) fn with_write_room(mut self, bytes: u64) -> Self {
        self.write_room_bytes = bytes;
        self
    }

    /// Whether the database had to be created.
    pub(crate) fn is_new(&self) -> bool {
        self.is_new
    }

    fn read<T>(&self, read: impl Fn(&Db) -> Result<T, Failure>) -> Result<T, StorageError> {
        self.run(|_| match &*self.database() {
            Some(database) => contain(|| read(&database.db)),
            None => Err(Failure::Closed),
        })
    }

    /// Applies the batch that `plan` makes, if it makes one, durably.
    fn write<T>(
        &self,
        plan: impl Fn(&Db, Attempt) -> Result<(Option<Batch>, T), Failure>,
    ) -> Result<T, StorageError> {
        ensure_room(&self.dir, self.write_room_bytes)?;
        if self.failed.load(Ordering::Acquire) {
            self.reopen()?;
        }
        self.run(|attempt| match &*self.database() {
            Some(database) => contain(|| {
                let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
                let (batch, value) = plan(&database.db, attempt)?;
                let Some(batch) = batch else {
                    return Ok(value);
                };
                self.note_changed(&batch);
                database.db.apply_batch(batch.into())?;
                drop(writer);
                database.make_durable()?;
                Ok(value)
            }),
            None => Err(Failure::Closed),
        })
    }

    /// Runs something inside the database. When that fails, the database is
    /// opened again and it is run once more: a failure that is over, or was of a
    /// background thread, fails no caller. After a failed write sled calls pages
    /// damaged that are not, so only what is met again counts as damage.
    fn run<T>(&self, run: impl Fn(Attempt) -> Result<T, Failure>) -> Result<T, StorageError> {
        let failure = match run(Attempt::First) {
            Err(failure) if failure.is_of_engine() && !self.is_known_damage(&failure) => failure,
            other => return other.map_err(Failure::into_storage_error),
        };
        self.failed.store(true, Ordering::Release);
        let error = failure.into_storage_error();
        tracing::warn!(%error, "the database failed and is opened again");
        self.reopen()?;
        run(Attempt::AfterReopen).map_err(|failure| {
            if failure.is_of_engine() {
                self.failed.store(true, Ordering::Release);
            }
            if failure.is_damage() {
                self.mark_damaged();
            }
            failure.into_storage_error()
        })
    }

    /// Opening again does not help against damage that was there afterwards too.
    fn is_known_damage(&self, failure: &Failure) -> bool {
        failure.is_damage() && self.damaged.load(Ordering::Acquire)
    }

    /// Closes a failed database and opens it again. Readers wait meanwhile;
    /// before there is room it is left as it is, which can still be read.
    fn reopen(&self) -> Result<(), StorageError> {
        ensure_room(&self.dir, WRITE_ROOM_BYTES)?;
        let mut slot = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if slot.is_some() && !self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        if let Some(failed) = slot.take() {
            failed.close();
        }
        *slot = Some(Database::open(&self.dir)?);
        self.failed.store(false, Ordering::Release);
        tracing::info!("the database was opened again");
        Ok(())
    }

    fn database(&self) -> RwLockReadGuard<'_, Option<Database>> {
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes every later [`SledRecords::open`] refuse this database.
    pub(crate) fn mark_damaged(&self) {
        self.damaged.store(true, Ordering::Release);
        let mark = self.dir.join(DAMAGE_MARK);
        let marked =
            durable_fs::write_new(&mark, &[]).and_then(|()| durable_fs::sync_dir(&self.dir));
        if let Err(error) = marked
            && !mark.exists()
        {
            tracing::error!(%error, "the damage could not be noted for the next start");
        }
    }
}

impl Drop for SledRecords {
    fn drop(&mut self) {
        let slot = self
            .database
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = slot.take() {
            database.close();
        }
    }
}

impl Database {
    fn open(dir: &Path) -> Result<Self, StorageError> {
        remove_unfinished_snapshots(dir)
            .map_err(|error| StorageError::io("clearing the database's snapshots", error))?;
        let deadline = Instant::now() + CLOSE_TIME_MAX;
        let db = loop {
            match contain(|| {
                Ok(sled::Config::new()
                    .path(dir)
                    .cache_capacity(CACHE_BYTES)
                    .open()?)
            }) {
                Ok(db) => break db,
                // Only we can hold it, our own lock says: it is still closing.
                Err(Failure::Engine(error)) if is_locked(&error) && Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(10));
                }
                Err(failure) => return Err(failure.into_open_error()),
            }
        };
        let path = dir.join("db");
        let file = File::open(&path)
            .map_err(|error| StorageError::io(format!("opening {}", path.display()), error))?;
        durable_fs::sync_dir(dir)?;
        if let Some(parent) = dir.parent() {
            durable_fs::sync_dir(parent)?;
        }
        let dir = dir.to_owned();
        Ok(Self { dir, db, file })
    }

    /// sled's flush ends at `sync_file_range`, which a loss of power can undo.
    fn make_durable(&self) -> Result<(), Failure> {
        self.db.flush()?;
        self.file
            .sync_data()
            .map_err(|error| Failure::Engine(error.into()))
    }

    /// Closes on a thread of its own: sled waits for its flusher without end,
    /// even if that has died. False when it may still hold its files.
    fn close(self) -> bool {
        let (done, closed) = mpsc::channel();
        let closing = thread::Builder::new()
            .name("close records".into())
            .spawn(move || {
                drop(self);
                let _ = done.send(());
            });
        if closing.is_err() {
            // Without a thread it was dropped right here.
            return true;
        }
        let is_closed = closed.recv_timeout(CLOSE_TIME_MAX).is_ok();
        if !is_closed {
            tracing::warn!("the database does not close; it is left behind");
        }
        is_closed
    }
}

impl Failure {
    /// Whether the database failed, not the operation's meaning.
    fn is_of_engine(&self) -> bool {
        !matches!(self, Self::Meant(_))
    }

    fn is_damage(&self) -> bool {
        matches!(self, Self::Engine(sled::Error::Corruption { .. }))
    }

    fn into_storage_error(self) -> StorageError {
        match self {
            Self::Meant(error) => error,
            Self::Engine(sled::Error::Io(error)) => StorageError::io("the database", error),
            Self::Engine(error) => damaged(&error.to_string()),
            Self::Panic => damaged("the database panicked"),
            Self::Closed => StorageError::io(
                "the database",
                io::Error::other("it could not be opened again"),
            ),
        }
    }

    /// While opening, a file that ends early or holds nonsense is damage too.
    fn into_open_error(self) -> StorageError {
        use io::ErrorKind as Kind;
        match self {
            Self::Engine(sled::Error::Io(error))
                if matches!(
                    error.kind(),
                    Kind::UnexpectedEof | Kind::InvalidData | Kind::InvalidInput
                ) =>
            {
                damaged(&error.to_string())
            }
            other => other.into_storage_error(),
        }
    }
}

impl From<sled::Error> for Failure {
    fn from(error: sled::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::Meant(error)
    }
}

/// sled takes a snapshot that a kill or a full disk cut short for its newest one
/// and refuses to start: it means to pass over unfinished files, but looks for
/// another ending than it gives them. The snapshots only save it a longer scan.
fn remove_unfinished_snapshots(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "generating")
        {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Runs something inside sled and keeps its panics from the caller.
fn contain<T>(run: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(Failure::Panic))
}

fn damaged(detail: &str) -> StorageError {
    StorageError::Corrupt {
        detail: format!("in the database: {detail}"),
    }
}

/// sled has no error of its own for a database that is open elsewhere.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}

#[cfg(test)]
mod tests;
