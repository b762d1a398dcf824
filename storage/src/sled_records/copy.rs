//! A copy of everything that is live, as of one moment, and the rewrite that
//! puts it in the database's place.
//!
//! sled appends, and moves what is live out of a segment before it takes the
//! segment again; what was deleted stays readable in its file until then, which
//! may be never. A database written anew from live entries alone has nothing
//! of it.
//!
//! Writes go on while the entries are copied: each notes its keys, and what was
//! noted is copied again. Only the last of it happens while nothing is written.

use std::collections::BTreeSet;
use std::fs;
use std::ops::{Bound, ControlFlow};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sled::IVec;

use super::{Batch, Database, Failure, SledRecords, contain, damaged};
use crate::durable_fs::{self, Temporary};
use crate::room::ensure_room;
use crate::{Rewritten, StorageError, record_keys as keys};

/// Entries copied together.
const PAGE: usize = 256;

/// Keys that may be left for the moment in which nothing is written.
const LEFT_MAX: usize = 256;

/// Rounds of catching up; whoever writes faster than that is made to wait.
const ROUNDS_MAX: u32 = 16;

/// The folder in which a database is written anew.
const FRESH: &str = "rewritten";

/// Where the database before it waits for its end.
const STALE: &str = "erasing";

/// Between pieces of the work: whether to go on.
type Pace<'a> = &'a mut dyn FnMut() -> ControlFlow<()>;

/// A copy in the making.
struct Copying<'a> {
    from: &'a SledRecords,
    to: Option<Database>,
    n_entries: u64,
}

/// Keys are noted from here on, until this is dropped.
struct Noting<'a>(&'a SledRecords);

impl SledRecords {
    /// Notes what a write changes, for the copy that runs beside it. The caller
    /// holds the writer's lock.
    pub(super) fn note_changed(&self, batch: &Batch) {
        if let Some(changed) = &mut *self.changed() {
            changed.extend(batch.keys().cloned());
        }
    }

    fn changed(&self) -> std::sync::MutexGuard<'_, Option<BTreeSet<IVec>>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_from_here(&self) -> Noting<'_> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        *self.changed() = Some(BTreeSet::new());
        Noting(self)
    }

    pub(super) fn copied_to(
        &self,
        dir: &Path,
        pace: Pace<'_>,
    ) -> Result<Option<Rewritten>, StorageError> {
        let _turn = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        let (staged, noting) = (fresh_folder(dir)?, self.note_from_here());
        let mut copying = Copying::begin(self, dir)?;
        if copying.run(pace)?.is_break() {
            return Ok(None);
        }
        let paused = Instant::now();
        {
            let slot = self.database();
            let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            copying.catch_up_from(slot.as_ref().ok_or_else(closed)?)?;
            drop(noting);
        }
        let pause_us = microseconds(paused.elapsed());
        let n_entries = copying.finish()?;
        staged.keep();
        Ok(Some(Rewritten {
            n_entries,
            pause_us,
        }))
    }

    pub(super) fn rewritten(&self, pace: Pace<'_>) -> Result<Option<Rewritten>, StorageError> {
        let _turn = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        let (fresh, stale) = (self.dir.with_extension(FRESH), stale_of(&self.dir));
        remove(&stale)?;
        let (staged, _noting) = (fresh_folder(&fresh)?, self.note_from_here());
        let mut copying = Copying::begin(self, &fresh)?;
        if copying.run(pace)?.is_break() {
            return Ok(None);
        }
        let paused = Instant::now();
        let mut slot = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if self.failed.load(Ordering::Acquire) {
            return Err(closed());
        }
        let Some(old) = slot.as_ref() else {
            return Err(closed());
        };
        copying.catch_up_from(old)?;
        let n_entries = copying.finish()?;
        let exchanged = if slot.take().is_some_and(Database::close) {
            exchange(&self.dir, &fresh, &stale)
        } else {
            // Its threads may still write into the folder by its name.
            Err(closed())
        };
        if exchanged.is_ok() {
            staged.keep();
        }
        // Whichever is there now: after a failure it is opened when it is used next.
        self.failed.store(true, Ordering::Release);
        *slot = Some(Database::open(&self.dir)?);
        self.failed.store(false, Ordering::Release);
        drop(slot);
        let pause_us = microseconds(paused.elapsed());
        exchanged?;
        remove(&stale)?;
        Ok(Some(Rewritten {
            n_entries,
            pause_us,
        }))
    }
}

impl Drop for Noting<'_> {
    fn drop(&mut self) {
        *self.0.changed() = None;
    }
}

impl<'a> Copying<'a> {
    fn begin(from: &'a SledRecords, dir: &Path) -> Result<Self, StorageError> {
        Ok(Self {
            from,
            to: Some(Database::open(dir)?),
            n_entries: 0,
        })
    }

    /// Copies everything, then what was changed meanwhile, until little is left.
    /// Then the copy is opened anew, which proves that it can be, and counted.
    fn run(&mut self, pace: Pace<'_>) -> Result<ControlFlow<()>, StorageError> {
        let mut after = Bound::Unbounded;
        loop {
            let page = self.page(&after)?;
            let Some((last, _)) = page.last() else { break };
            after = Bound::Excluded(last.clone());
            for (key, value) in page {
                self.put(&key, Some(value))?;
            }
            if pace().is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        for _ in 0..ROUNDS_MAX {
            if self.from.changed().as_ref().map_or(0, BTreeSet::len) <= LEFT_MAX {
                break;
            }
            self.catch_up()?;
            if pace().is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.prove()?;
        Ok(ControlFlow::Continue(()))
    }

    fn page(&self, after: &Bound<IVec>) -> Result<Vec<(IVec, IVec)>, StorageError> {
        self.from.read(|db| {
            let found = db.range::<IVec, _>((after.clone(), Bound::Unbounded));
            Ok(found.take(PAGE).collect::<sled::Result<Vec<_>>>()?)
        })
    }

    /// Copies again what was changed since the last time.
    fn catch_up(&mut self) -> Result<(), StorageError> {
        for key in self.take_changed() {
            let value = self.from.read(|db| Ok(db.get(&key)?))?;
            self.put(&key, value)?;
        }
        Ok(())
    }

    /// The same while the caller has the database to itself.
    fn catch_up_from(&mut self, old: &Database) -> Result<(), StorageError> {
        for key in self.take_changed() {
            let value = contain(|| Ok(old.db.get(&key)?)).map_err(Failure::into_storage_error)?;
            self.put(&key, value)?;
        }
        Ok(())
    }

    fn take_changed(&self) -> BTreeSet<IVec> {
        let mut changed = self.from.changed();
        changed.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn put(&mut self, key: &IVec, value: Option<IVec>) -> Result<(), StorageError> {
        let is_there = value.is_some();
        let db = &self.to()?.db;
        let before = contain(|| {
            Ok(match value {
                Some(value) => db.insert(key, value)?,
                None => db.remove(key)?,
            })
        });
        let before = before.map_err(Failure::into_storage_error)?;
        match (before.is_some(), is_there) {
            (false, true) => self.n_entries += 1,
            (true, false) => self.n_entries = self.n_entries.saturating_sub(1),
            _ => {}
        }
        Ok(())
    }

    fn prove(&mut self) -> Result<(), StorageError> {
        let dir = self.close()?;
        let database = Database::open(&dir)?;
        let counted = contain(|| {
            let mut n_entries = 0_u64;
            for entry in database.db.iter() {
                entry?;
                n_entries += 1;
            }
            Ok(n_entries)
        });
        let counted = counted.map_err(Failure::into_storage_error)?;
        self.to = Some(database);
        if counted != self.n_entries {
            return Err(damaged("the copy is not what was copied"));
        }
        Ok(())
    }

    /// Closes the copy, durable.
    fn finish(mut self) -> Result<u64, StorageError> {
        if contain(|| Ok(self.to()?.db.get(keys::FORMAT)?.is_none()))
            .map_err(Failure::into_storage_error)?
        {
            return Err(damaged("the copy has no layout"));
        }
        self.close()?;
        Ok(self.n_entries)
    }

    fn close(&mut self) -> Result<PathBuf, StorageError> {
        let database = self.to.take().ok_or_else(closed)?;
        database
            .make_durable()
            .map_err(Failure::into_storage_error)?;
        let dir = database.dir.clone();
        if !database.close() {
            return Err(closed());
        }
        durable_fs::sync_dir(&dir)?;
        Ok(dir)
    }

    fn to(&self) -> Result<&Database, StorageError> {
        self.to.as_ref().ok_or_else(closed)
    }
}

/// An empty folder for a database; it goes unless it is kept.
fn fresh_folder(dir: &Path) -> Result<Temporary, StorageError> {
    remove(dir)?;
    if let Some(parent) = dir.parent() {
        ensure_room(parent, super::WRITE_ROOM_BYTES)?;
    }
    let folder = Temporary::new(dir.to_owned());
    durable_fs::create_dir_all(dir)?;
    Ok(folder)
}

/// Puts a fresh database in the place of another. Cut short between the two
/// renames, [`heal`] finishes it.
fn exchange(dir: &Path, fresh: &Path, stale: &Path) -> Result<(), StorageError> {
    let failed = |error| StorageError::io("exchanging the databases", error);
    fs::rename(dir, stale).map_err(failed)?;
    if let Err(error) = fs::rename(fresh, dir) {
        fs::rename(stale, dir).map_err(failed)?;
        return Err(failed(error));
    }
    match dir.parent() {
        Some(parent) => durable_fs::sync_dir(parent),
        None => Ok(()),
    }
}

/// Finishes what a rewrite that was cut short has left. For the start, before
/// the database is opened.
pub(crate) fn heal(dir: &Path) -> Result<(), StorageError> {
    let (fresh, stale) = (dir.with_extension(FRESH), stale_of(dir));
    let failed = |error| StorageError::io("finishing a rewrite of the database", error);
    if !dir.exists() && stale.exists() {
        // The old one moves only when the new one is whole and durable.
        let whole = if fresh.exists() { &fresh } else { &stale };
        fs::rename(whole, dir).map_err(failed)?;
    }
    if dir.exists() {
        remove(&fresh)?;
        remove(&stale)?;
    }
    match dir.parent() {
        Some(parent) => durable_fs::sync_dir(parent),
        None => Ok(()),
    }
}

fn stale_of(dir: &Path) -> PathBuf {
    dir.with_extension(STALE)
}

fn remove(path: &Path) -> Result<(), StorageError> {
    durable_fs::remove_any(path)
        .map_err(|error| StorageError::io(format!("removing {}", path.display()), error))
}

fn closed() -> StorageError {
    Failure::Closed.into_storage_error()
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
