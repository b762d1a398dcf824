//! Rebuilding the records from what lies beside the blobs.

use std::fmt;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::complaints::outcome;
use crate::data_dir::DataDir;
use crate::erased::{Erased, Fate};
use crate::intact::{self, Look, Original};
use crate::retention::{imports, unpublished};
use crate::sled_records::heal;
use crate::{
    Blobs, Changes, FileBlobs, ImageId, Keyspace, Record, Records, SledRecords, Space, State,
    StorageError, Views, audit, durable_fs,
};

pub(crate) mod lost;

use lost::Parts;

/// Records loaded in one batch.
const LOAD_BATCH: usize = 512;

/// Entries of the keyspace taken over in one batch: below
/// [`COMMIT_BYTES_MAX`](crate::COMMIT_BYTES_MAX) even at their largest.
const ENTRY_BATCH: usize = 256;

/// Something that happened during a repair.
#[derive(Debug)]
pub enum RepairEvent {
    /// There was an old database, and its view counters can be read or not.
    OldDatabase {
        /// Why they cannot.
        unreadable: Option<StorageError>,
    },
    /// A record was rebuilt.
    Rebuilt {
        /// Whose.
        id: ImageId,
    },
    /// An image that had been removed was removed for good.
    RemovalFinished {
        /// Which.
        id: ImageId,
    },
    /// What staff did can no longer be read, in part or as a whole: it lies in
    /// the database alone.
    EntriesLost {
        /// Which part of it.
        space: Space,
        /// Why.
        error: StorageError,
    },
    /// An image could not be rebuilt. Its files stay where they are.
    Skipped {
        /// Which.
        id: ImageId,
        /// Why.
        reason: SkipReason,
    },
}

/// Why an image could not be rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum SkipReason {
    /// There is no sidecar beside it.
    #[error("there is no record beside it")]
    NoSidecar,
    /// The sidecar cannot be read.
    #[error("the record beside it cannot be read: {0}")]
    UnreadableSidecar(StorageError),
    /// The sidecar is another image's.
    #[error("the record beside it is that of {0}")]
    OtherImage(ImageId),
    /// There is no original, or it cannot be read.
    #[error("there is no readable original")]
    NoOriginal,
    /// The original has another size than the record says.
    #[error("the original has {found} bytes instead of {recorded}")]
    WrongSize {
        /// Bytes as recorded.
        recorded: u64,
        /// Bytes as found.
        found: u64,
    },
    /// The original's bytes are not those that the record names.
    #[error("the original is damaged: its bytes are not those that were stored")]
    Damaged,
}

/// What a repair did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepairReport {
    /// Records rebuilt.
    pub n_rebuilt: u64,
    /// Of those, records whose view counter was kept.
    pub n_views_kept: u64,
    /// Entries beside the records that were kept: jobs, log, accounts.
    pub n_entries_kept: u64,
    /// Whether such entries were lost, as far as it is known: the database says so,
    /// and a restore brings them back.
    pub has_lost_entries: bool,
    /// Removals finished.
    pub n_removals_finished: u64,
    /// Images that could not be rebuilt.
    pub n_skipped: u64,
    /// Of those, images whose original is there and damaged.
    pub n_damaged: u64,
    /// Where the old database was put.
    pub old_database: Option<PathBuf>,
}

impl fmt::Display for RepairReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} records rebuilt, {} with their views; {} entries of staff kept; \
             {} removals finished; {} images skipped, {} of them damaged",
            self.n_rebuilt,
            self.n_views_kept,
            self.n_entries_kept,
            self.n_removals_finished,
            self.n_skipped,
            self.n_damaged
        )?;
        if let Some(path) = &self.old_database {
            write!(formatter, "; the old database is in {}", path.display())?;
        }
        Ok(())
    }
}

/// Rebuilds the database of a data folder from the sidecars, and puts the old
/// one aside as `db.replaced-<n>`. View counters are taken over as far as the old
/// one can be read, and so is what staff did; everything else is in the sidecars.
///
/// Every original is read and compared with its record's hash: one that is damaged
/// counts as lost, as one that is missing.
///
/// The old database stays in place until the new one is complete: a repair that
/// is cut short can simply be run again.
///
/// # Errors
/// [`StorageError::Locked`] while the service runs, and when the folder cannot
/// be read or written. Images that cannot be rebuilt are no error; they are
/// reported.
pub fn repair(
    data_dir: &Path,
    now_ms: u64,
    on_event: &mut dyn FnMut(RepairEvent),
) -> Result<RepairReport, StorageError> {
    fs::metadata(data_dir)
        .map_err(|error| StorageError::io(format!("opening {}", data_dir.display()), error))?;
    repair_locked(&DataDir::lock(data_dir)?, Look::Bytes, now_ms, on_event)
}

pub(crate) fn repair_locked(
    data_dir: &DataDir,
    look: Look,
    now_ms: u64,
    on_event: &mut dyn FnMut(RepairEvent),
) -> Result<RepairReport, StorageError> {
    heal(&data_dir.db())?;
    let blobs = FileBlobs::open(data_dir.root())?;
    let erased = Erased::open(data_dir.root())?;
    let rebuilt = data_dir.db_rebuilt();
    durable_fs::remove_any(&rebuilt)
        .map_err(|error| StorageError::io(format!("removing {}", rebuilt.display()), error))?;
    let old = data_dir
        .db()
        .exists()
        .then(|| SledRecords::open_despite_damage(&data_dir.db()));
    let old = match old {
        None => None,
        Some(opened) => {
            let (old, unreadable) = match opened {
                Ok(old) => (Some(old), None),
                Err(error) => (None, Some(error)),
            };
            on_event(RepairEvent::OldDatabase { unreadable });
            old
        }
    };
    let mut report = RepairReport::default();
    let mut rebuilding = Rebuilding {
        blobs: &blobs,
        erased: &erased,
        look,
        now_ms,
        old: old.as_ref(),
        new: SledRecords::open(&rebuilt)?,
        lost_in: Vec::new(),
        has_lost_views: false,
        waiting: Vec::with_capacity(LOAD_BATCH),
        report: &mut report,
        on_event,
    };
    rebuilding.run()?;
    rebuilding.note_loss(&data_dir.root().join("audit"))?;
    // Both databases are closed before their folders move.
    drop(rebuilding);
    drop(old);
    report.old_database = exchange(data_dir)?;
    Ok(report)
}

/// Puts the old database away and the rebuilt one in its place. A crash between
/// the two leaves no database, which the next start repairs again.
pub(crate) fn exchange(data_dir: &DataDir) -> Result<Option<PathBuf>, StorageError> {
    let failed = |error| StorageError::io("exchanging the databases", error);
    let put_away = if data_dir.db().exists() {
        let path = data_dir.db_put_away();
        fs::rename(data_dir.db(), &path).map_err(failed)?;
        Some(path)
    } else {
        None
    };
    fs::rename(data_dir.db_rebuilt(), data_dir.db()).map_err(failed)?;
    durable_fs::sync_dir(data_dir.root())?;
    Ok(put_away)
}

struct Rebuilding<'a> {
    blobs: &'a FileBlobs,
    erased: &'a Erased,
    look: Look,
    now_ms: u64,
    old: Option<&'a SledRecords>,
    new: SledRecords,
    /// Spaces of which not everything could be read.
    lost_in: Vec<Space>,
    /// Whether a view counter could not be read.
    has_lost_views: bool,
    waiting: Vec<(Record, Views)>,
    report: &'a mut RepairReport,
    on_event: &'a mut dyn FnMut(RepairEvent),
}

impl Rebuilding<'_> {
    fn run(&mut self) -> Result<(), StorageError> {
        let mut result = Ok(());
        self.blobs.for_each_id(&mut |id| {
            result = self.visit(id);
            if result.is_ok() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        result?;
        self.load()?;
        self.keep_entries()
    }

    /// Takes over the keyspace beside the records, as far as it can be read:
    /// damage in one part of it costs no other.
    fn keep_entries(&mut self) -> Result<(), StorageError> {
        let Some(old) = self.old else {
            return Ok(());
        };
        for space in Space::ALL {
            let mut range = space.all();
            loop {
                let entries = match old.range(&range, ENTRY_BATCH) {
                    Ok(entries) => entries,
                    Err(error) => {
                        self.lost_in.push(space);
                        (self.on_event)(RepairEvent::EntriesLost { space, error });
                        break;
                    }
                };
                let Some(last) = entries.last() else {
                    break;
                };
                range = range.after(&last.key);
                let mut changes = Changes::new();
                self.report.n_entries_kept += u64::try_from(entries.len()).unwrap_or(u64::MAX);
                for entry in entries {
                    if !self.may_count_again(&entry.key) {
                        changes.put(entry.key, entry.value);
                    }
                }
                self.new.commit(changes)?;
            }
        }
        Ok(())
    }

    /// Whether an entry says that a CDN's log was counted, and nothing is left of what
    /// was: it may be imported again.
    fn may_count_again(&self, key: &[u8]) -> bool {
        self.has_lost_views && self.report.n_views_kept == 0 && imports::is_about_import(key)
    }

    /// Lets the database say that entries were lost, if they were: a restore brings
    /// them back. A database that was cut short has less than the audit's files; one
    /// that can be read and has no entries never had any.
    fn note_loss(&mut self, audit_files: &Path) -> Result<(), StorageError> {
        let has_entries = self.report.n_entries_kept > 0;
        let is_read = self.old.is_some_and(|old| {
            // One that is gone is made anew before anybody sees that it was.
            has_entries || old.count().is_ok_and(|n_records| n_records > 0)
        });
        let is_short = !is_read || audit::is_cut_short(audit_files, &self.new)?;
        let has_images = self.report.n_rebuilt > 0 || self.report.n_skipped > 0;
        let is_lost = is_short || !self.lost_in.is_empty();
        self.report.has_lost_entries = has_images && is_lost;
        if !self.report.has_lost_entries && !self.has_lost_views {
            return Ok(());
        }
        // Of a database that was cut short nobody knows what it lost.
        let parts = if is_short {
            Parts::ANY
        } else {
            Parts {
                spaces: &self.lost_in,
                has_views: self.has_lost_views,
            }
        };
        lost::note(&self.new, self.now_ms, parts)
    }

    fn visit(&mut self, id: ImageId) -> Result<(), StorageError> {
        match self.readable(&id) {
            Err(reason) => {
                self.report.n_skipped += 1;
                self.report.n_damaged += u64::from(matches!(reason, SkipReason::Damaged));
                (self.on_event)(RepairEvent::Skipped { id, reason });
            }
            Ok(record) if record.state == State::Removed && !self.is_kept(&record) => {
                self.note_unpublished(&record)?;
                self.blobs.remove(&id)?;
                self.erased.note(&id, self.now_ms, Fate::Erased)?;
                self.report.n_removals_finished += 1;
                (self.on_event)(RepairEvent::RemovalFinished { id });
            }
            Ok(record) => {
                self.note_unpublished(&record)?;
                let known = match self.old.map(|old| old.views(&id)) {
                    Some(Ok(views)) => Some(views),
                    Some(Err(_)) => {
                        self.has_lost_views = true;
                        None
                    }
                    None => None,
                };
                let has_views = known.is_some_and(|views| views.last_day.is_some());
                self.report.n_views_kept += u64::from(has_views);
                let views = known.unwrap_or_else(|| Views::not_known(self.now_ms));
                self.waiting.push((record, views));
                if self.waiting.len() == LOAD_BATCH {
                    self.load()?;
                }
            }
        }
        Ok(())
    }

    /// A sidecar is written before its record: a crash may have left one that hides
    /// an image which the old database has as public.
    fn note_unpublished(&mut self, record: &Record) -> Result<(), StorageError> {
        let Some(old) = self.old else {
            return Ok(());
        };
        let mut changes = Changes::new();
        if let Ok(Some(stored)) = old.find(&record.id)
            && unpublished::plan(old, &mut changes, &stored, record.state).is_ok()
            && !changes.is_empty()
        {
            self.new.commit(changes)?;
        }
        Ok(())
    }

    /// Whether something keeps an image that is removed, as far as it is known.
    fn is_kept(&self, record: &Record) -> bool {
        let keeps = |old| outcome::keeps_from_purge(old, &record.id).unwrap_or(true);
        record.is_held() || self.old.is_some_and(|old| keeps(old))
    }

    fn load(&mut self) -> Result<(), StorageError> {
        self.new.load(&self.waiting)?;
        for (record, _) in self.waiting.drain(..) {
            self.report.n_rebuilt += 1;
            (self.on_event)(RepairEvent::Rebuilt { id: record.id });
        }
        Ok(())
    }

    /// The record beside an image, if it fits what is there.
    fn readable(&self, id: &ImageId) -> Result<Record, SkipReason> {
        let sidecar = match self.blobs.sidecar(id) {
            Ok(Some(sidecar)) => sidecar,
            Ok(None) => return Err(SkipReason::NoSidecar),
            Err(error) => return Err(SkipReason::UnreadableSidecar(error)),
        };
        let record = Record::decode(&sidecar).map_err(SkipReason::UnreadableSidecar)?;
        record
            .stored_form()
            .map_err(SkipReason::UnreadableSidecar)?;
        if record.id != *id {
            return Err(SkipReason::OtherImage(record.id));
        }
        if record.state == State::Removed {
            return Ok(record);
        }
        match intact::original(self.blobs, &record, self.look) {
            Original::Intact => Ok(record),
            Original::Missing => Err(SkipReason::NoOriginal),
            Original::WrongSize { found } => Err(SkipReason::WrongSize {
                recorded: record.bytes,
                found,
            }),
            Original::Damaged => Err(SkipReason::Damaged),
        }
    }
}

#[cfg(test)]
mod tests;
