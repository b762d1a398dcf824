//! The way back.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read};
use std::path::Path;

use super::rebuilt::Returning;
use super::set::{Set, Snapshot};
use super::{BackupError, BackupKey, Lost, Restored, entries, unreadable};
use crate::data_dir::DataDir;
use crate::durable_fs;
use crate::erased::{self, Erased, Fate, IdHash, Tombstone};
use crate::intact::{self, Look, Original};
use crate::moderation::{Job, Removal, Verdict, plan_removed_again};
use crate::record_keys as keys;
use crate::repair::exchange;
use crate::retention::unpublished::{self, Unpublished};
use crate::sled_records::heal;
use crate::variants::Variants;
use crate::{
    Blobs, Changes, FileBlobs, ImageId, Keyspace, Record, Records, SledRecords, State,
    StorageError, Views, audit, calendar,
};

/// Entries loaded in one batch.
pub(super) const LOAD_BATCH: usize = 256;

/// Days of older backups that are named when one cannot be read.
const OLDER_MAX: usize = 10;

/// A restore on its way.
struct Restoring<'a> {
    set: &'a Set,
    blobs: &'a FileBlobs,
    /// The database that is there, which is then left as it is.
    there: Option<SledRecords>,
    tombstones: HashMap<IdHash, Tombstone>,
    done: Restored,
    /// Images whose entries are not to be loaded.
    left_out: BTreeSet<ImageId>,
    now_ms: u64,
    has_cdn: bool,
    /// Images that were deleted and are held.
    held: Vec<Record>,
    /// Images that moderation has removed since, with their state in the backup. One
    /// that is not there yet is put there together with its removal: a restore that
    /// is cut short leaves none without.
    removed: Vec<(Record, State, Removal)>,
    /// Images that were public once and are not brought back, or not into public. A
    /// CDN may have copies of them still, and whatever knew of that was lost.
    unpublished: Vec<(ImageId, Unpublished)>,
    /// Images that are there by the hash of their bytes, which are then shared.
    by_sha256: HashMap<[u8; 32], ImageId>,
}

/// Brings a backup back into a data folder: the newest, or the newest that is not
/// younger than `until_ms`. What was deleted since, by the tombstones of the newest
/// backup and of the folder itself, is left out.
///
/// Where the folder has a database that can be read, it stays, and only images
/// whose record or bytes are missing or damaged are brought back: every original is read.
///
/// `has_cdn` says that there is one now; where the database knows of one, it need not.
///
/// # Errors
/// [`StorageError::Locked`] while the service runs, and when the backup cannot be read
/// or the folder not be written; calling again goes on. Images that cannot be brought
/// back are no error; they are reported.
pub fn restore(
    root: &Path,
    key: &BackupKey,
    data: &Path,
    now_ms: u64,
    until_ms: Option<u64>,
    has_cdn: bool,
) -> Result<Restored, BackupError> {
    let set = Set::open(root, key)?;
    let snapshots = set.snapshots()?;
    if snapshots.is_empty() {
        return Err(BackupError::NoSnapshot { is_dated: false });
    }
    let snapshot = snapshots
        .iter()
        .rfind(|snapshot| until_ms.is_none_or(|until| snapshot.made_at_ms <= until))
        .ok_or(BackupError::NoSnapshot { is_dated: true })?;
    let data = DataDir::lock(data)?;
    let brought = bring_back(&set, &snapshots, snapshot, &data, now_ms, has_cdn);
    brought.map_err(|error| match error {
        BackupError::Damaged { ref path, .. } if path.starts_with(&snapshot.path) => {
            BackupError::SnapshotDamaged {
                made_at_ms: snapshot.made_at_ms,
                older: older_days(&snapshots, snapshot),
                source: Box::new(error),
            }
        }
        other => other,
    })
}

/// The days of older snapshots, the newest first, by which one can be asked for.
fn older_days(snapshots: &[Snapshot], than: &Snapshot) -> Vec<String> {
    let day = calendar::date(than.made_at_ms);
    let days = snapshots.iter().map(|one| calendar::date(one.made_at_ms));
    let mut days: Vec<String> = days.filter(|other| *other < day).collect();
    days.dedup();
    days.reverse();
    days.truncate(OLDER_MAX);
    days
}

fn bring_back(
    set: &Set,
    snapshots: &[Snapshot],
    snapshot: &Snapshot,
    data: &DataDir,
    now_ms: u64,
    has_cdn: bool,
) -> Result<Restored, BackupError> {
    for name in ["database", "erased"] {
        let path = snapshot.path.join(name);
        if !path.exists() {
            let why = "it is missing".to_owned();
            return Err(BackupError::Damaged { path, why });
        }
    }
    heal(&data.db())?;
    let blobs = FileBlobs::open(data.root())?;
    let erased = Erased::open(data.root())?;
    let (tombstones, is_newest_unread) = replayed(set, snapshots, snapshot, &erased)?;
    let mut restoring = Restoring {
        set,
        blobs: &blobs,
        there: database_in(data)?,
        tombstones,
        done: Restored {
            made_at_ms: snapshot.made_at_ms,
            is_newest_unread,
            ..Restored::default()
        },
        left_out: BTreeSet::new(),
        now_ms,
        has_cdn,
        held: Vec::new(),
        removed: Vec::new(),
        unpublished: Vec::new(),
        by_sha256: HashMap::new(),
    };
    restoring.done.was_there = restoring.there.is_some();
    restoring.bring_images(snapshot)?;
    match restoring.there.take() {
        Some(there) => {
            restoring.return_lost(snapshot, &there)?;
            restoring.plan_purges(&there)?;
            restoring.remove_again(&there)?;
        }
        None => restoring.load_database(snapshot, data)?,
    }
    if !restoring.done.damaged.is_empty() {
        // What was made of the damaged bytes is made again.
        let variants = Variants::open(data.root())?;
        for id in &restoring.done.damaged {
            variants.remove(id)?;
        }
    }
    Ok(restoring.done)
}

/// Whether a removal of this image stands. What cannot be read is left as it is.
fn is_decided(keys: &dyn Keyspace, image: &ImageId) -> Result<bool, StorageError> {
    let job = match Job::stored(keys, image) {
        Err(StorageError::Corrupt { .. } | StorageError::UnsupportedVersion { .. }) => {
            return Ok(true);
        }
        other => other?,
    };
    let decision = job.and_then(|job| job.decision);
    Ok(decision.is_some_and(|decision| matches!(decision.verdict, Verdict::Remove { .. })))
}

/// The database of a data folder, if it can be read and holds something.
fn database_in(data: &DataDir) -> Result<Option<SledRecords>, BackupError> {
    if !data.db().exists() {
        return Ok(None);
    }
    match SledRecords::open(&data.db()) {
        Ok(records) if records.is_new() || records.count()? == 0 => Ok(None),
        Ok(records) => Ok(Some(records)),
        Err(error) => {
            tracing::warn!(%error, "the database is put aside");
            Ok(None)
        }
    }
}

/// The tombstones of the newest backup and of the data folder, which has all of them
/// then. Where an older backup is asked for because the newest is damaged, those of
/// the newest that can be read, and true.
fn replayed(
    set: &Set,
    snapshots: &[Snapshot],
    chosen: &Snapshot,
    erased: &Erased,
) -> Result<(HashMap<IdHash, Tombstone>, bool), BackupError> {
    let mut known = erased.all()?;
    let mut is_newest_unread = false;
    for snapshot in snapshots.iter().rev() {
        let text = match tombstones_in(set, snapshot) {
            Err(error) if snapshot > chosen => {
                tracing::warn!(%error, "what was deleted until then is read in an older backup");
                is_newest_unread = true;
                continue;
            }
            other => other?,
        };
        for (hash, tombstone) in text.lines().filter_map(erased::read_line) {
            if known.get(&hash) != Some(&tombstone) && erased::learn(&mut known, hash, tombstone) {
                erased.note_hash(hash, tombstone)?;
            }
        }
        break;
    }
    Ok((known, is_newest_unread))
}

fn tombstones_in(set: &Set, snapshot: &Snapshot) -> Result<String, BackupError> {
    let mut text = String::new();
    let mut file = set.read(&snapshot.path, "erased")?;
    file.read_to_string(&mut text)
        .map_err(unreadable(&snapshot.path))?;
    Ok(text)
}

impl Restoring<'_> {
    fn bring_images(&mut self, snapshot: &Snapshot) -> Result<(), BackupError> {
        let mut file = self.set.read(&snapshot.path, "database")?;
        let mut failure = None;
        let read = entries::read(&mut file, &mut |key, value| {
            if !key.starts_with(keys::RECORD_PREFIX) {
                return Ok(());
            }
            let brought = Record::decode(&value)
                .map_err(BackupError::from)
                .and_then(|record| self.bring(record));
            brought.map_err(|error| {
                let ended = std::io::Error::other(error.to_string());
                failure = Some(error);
                ended
            })
        });
        match failure {
            Some(error) => Err(error),
            None => read.map(|_| ()).map_err(unreadable(&snapshot.path)),
        }
    }

    fn bring(&mut self, record: Record) -> Result<(), BackupError> {
        let id = record.id;
        let mut record = record;
        let stored = match &self.there {
            Some(there) => there.find(&id)?,
            None => None,
        };
        let is_known = stored.is_some();
        let tombstone = self.tombstones.get(&erased::hash_of(&id)).copied();
        match tombstone.map(|tombstone| (tombstone.fate, tombstone.at_ms)) {
            Some((Fate::Erased, _)) => {
                self.blobs.remove(&id)?;
                self.left_out.insert(id);
                self.unpublished.push((id, Unpublished::of(&record)));
                self.done.n_erased += 1;
                return Ok(());
            }
            Some((Fate::Held, _)) if record.state != State::Removed => {
                // What kept it may have come after the backup: it is kept, out of
                // sight, until somebody lets it go.
                self.unpublished.push((id, Unpublished::of(&record)));
                (record.state, record.legal_hold) = (State::Removed, true);
                self.done.held.push(id);
                self.left_out.insert(id);
                self.held.push(record.clone());
            }
            Some((
                Fate::Removed {
                    policy,
                    purge_at_ms,
                },
                at_ms,
            )) if ![State::Blocked, State::Removed].contains(&record.state)
                && self.is_to_be_removed(stored.as_ref())? =>
            {
                let removal = Removal {
                    policy,
                    at_ms,
                    purge_at_ms,
                };
                self.unpublished.push((id, Unpublished::of(&record)));
                let was = record.state;
                record.state = State::Blocked;
                let removed = stored.clone().unwrap_or_else(|| record.clone());
                self.removed.push((removed, was, removal));
            }
            _ => {}
        }
        let record = stored.unwrap_or(record);
        if !self.bring_bytes(&record)? {
            if !is_known {
                // Nobody can delete it any more: its copies would outlive it.
                self.unpublished.push((id, Unpublished::of(&record)));
            }
            return Ok(());
        }
        let is_removed = self.removed.last().is_some_and(|(last, ..)| last.id == id);
        let is_late = is_known || is_removed;
        if let Some(there) = self.there.as_ref().filter(|_| !is_late) {
            there.load(&[(record.clone(), Views::not_known(self.now_ms))])?;
        }
        self.by_sha256.entry(record.sha256).or_insert(id);
        self.done.n_images += 1;
        Ok(())
    }

    /// Whether what moderation has removed is still to be removed in the database that
    /// is there: it has nothing of the image, or hides it and does not know why, as a
    /// repair leaves it, or a restore that was cut short.
    fn is_to_be_removed(&self, stored: Option<&Record>) -> Result<bool, BackupError> {
        Ok(match (&self.there, stored) {
            (Some(there), Some(stored)) => {
                stored.state == State::Blocked && !is_decided(there, &stored.id)?
            }
            _ => true,
        })
    }

    /// Sees to it that an image's bytes and sidecar are there. False when they
    /// cannot be.
    fn bring_bytes(&mut self, record: &Record) -> Result<bool, BackupError> {
        let id = record.id;
        let part = record.original().map_err(StorageError::from)?;
        let sidecar = record.stored_form()?;
        let found = intact::original(self.blobs, record, Look::Bytes);
        if found == Original::Intact {
            if self.blobs.sidecar(&id).ok().flatten().as_ref() != Some(&sidecar) {
                self.blobs.put_sidecar(&id, &sidecar)?;
            }
            return Ok(true);
        }
        let why = match self.set.blob(record) {
            Ok(Some(bytes)) => {
                self.blobs.remove(&id)?;
                let twin = self.by_sha256.get(&record.sha256);
                self.blobs.restore(&id, &part, &bytes, &sidecar, twin)?;
                self.done.n_written += 1;
                if found != Original::Missing {
                    self.done.damaged.push(id);
                }
                return Ok(true);
            }
            Ok(None) if found == Original::Missing => {
                "it is neither here nor in the backup".to_owned()
            }
            Ok(None) => "it is damaged here, and not in the backup".to_owned(),
            Err(BackupError::Damaged { why, .. }) => {
                let here = if found == Original::Missing {
                    "not here"
                } else {
                    "damaged here"
                };
                format!("it is {here}, and its file in the backup is damaged: {why}")
            }
            Err(error) => return Err(error),
        };
        self.done.lost.push(Lost { id, why });
        self.left_out.insert(id);
        self.held.retain(|held| held.id != id);
        self.removed.retain(|(removed, ..)| removed.id != id);
        Ok(false)
    }

    /// Brings back what a repair could not save, if the database says so.
    fn return_lost(&mut self, snapshot: &Snapshot, there: &SledRecords) -> Result<(), BackupError> {
        let Some(mut returning) = Returning::into_rebuilt(there, snapshot.made_at_ms)? else {
            return Ok(());
        };
        if returning.done.is_backup_younger {
            self.done.rebuilt = Some(returning.done);
            return Ok(());
        }
        let mut file = self.set.read(&snapshot.path, "database")?;
        let read = entries::read(&mut file, &mut |key, value| {
            let is_left_out = |id: &ImageId| self.left_out.contains(id);
            returning
                .take(key, value, is_left_out)
                .map_err(io::Error::other)
        });
        read.map_err(unreadable(&snapshot.path))?;
        self.done.rebuilt = Some(returning.finish()?);
        Ok(())
    }

    /// Loads the snapshot's entries into a new database, and puts it in place.
    fn load_database(&mut self, snapshot: &Snapshot, data: &DataDir) -> Result<(), BackupError> {
        let rebuilt = data.db_rebuilt();
        durable_fs::remove_any(&rebuilt).map_err(unreadable(&rebuilt))?;
        let new = SledRecords::open(&rebuilt)?;
        let mut file = self.set.read(&snapshot.path, "database")?;
        let mut waiting = Vec::with_capacity(LOAD_BATCH);
        let load = |waiting: &mut Vec<_>| {
            let loaded = new.load_entries(waiting).map_err(std::io::Error::other);
            waiting.clear();
            loaded
        };
        let read = entries::read(&mut file, &mut |key, value| {
            // The audit tells of what is held as long as it is there.
            let is_kept = |id: &ImageId| {
                audit::image_of(&key).is_some() && self.held.iter().any(|held| held.id == *id)
            };
            let is_left_out = entries::image_of(&key)
                .is_some_and(|id| self.left_out.contains(&id) && !is_kept(&id));
            // The audit's files are no part of a backup: they are written anew.
            if !is_left_out && !audit::is_mark(&key) {
                waiting.push((key, value));
            }
            if waiting.len() >= LOAD_BATCH {
                load(&mut waiting)?;
            }
            Ok(())
        });
        let read = read.and_then(|_| load(&mut waiting));
        read.map_err(unreadable(&snapshot.path))?;
        new.count_again()?;
        let held = self.held.drain(..);
        let held: Vec<(Record, Views)> = held.map(|held| (held, Views::default())).collect();
        new.load(&held)?;
        self.plan_purges(&new)?;
        self.remove_again(&new)?;
        drop(new);
        exchange(data)?;
        Ok(())
    }

    /// Lets copies in a CDN be purged of every image that is not brought back into
    /// public.
    fn plan_purges(&mut self, records: &SledRecords) -> Result<(), BackupError> {
        if !self.has_cdn && !unpublished::is_expected(records)? {
            return Ok(());
        }
        for planned in std::mem::take(&mut self.unpublished).chunks(LOAD_BATCH) {
            let mut changes = Changes::new();
            for (id, unpublished) in planned {
                unpublished::put(&mut changes, id, unpublished);
            }
            records.commit(changes)?;
            self.done.n_purges_planned += u64::try_from(planned.len()).unwrap_or(u64::MAX);
        }
        Ok(())
    }

    /// Lets what moderation has removed since the backup be removed, with a decision
    /// that can be objected to and a day of its purge.
    fn remove_again(&mut self, records: &SledRecords) -> Result<(), BackupError> {
        for (hidden, was, removal) in self.removed.drain(..) {
            let id = hidden.id;
            let record = match records.find(&id)? {
                // The backup's entries may have said it meanwhile.
                Some(found) if found.state == State::Blocked && is_decided(records, &id)? => {
                    continue;
                }
                Some(found) => found,
                None => {
                    records.load(&[(hidden.clone(), Views::not_known(self.now_ms))])?;
                    hidden
                }
            };
            let mut changes = Changes::new();
            plan_removed_again(records, &mut changes, record, was, &removal).map_err(|error| {
                StorageError::io("removing an image again", io::Error::other(error))
            })?;
            records.commit(changes)?;
            if let Some(record) = records.find(&id)? {
                self.blobs.put_sidecar(&id, &record.stored_form()?)?;
            }
            self.done.removed.push(id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
