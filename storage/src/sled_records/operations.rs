//! What each operation on the records reads and writes, as keys and batches.

use std::collections::HashMap;
use std::ops::{Bound, ControlFlow};
use std::path::Path;

use super::{Attempt, Batch, Db, Failure, SledRecords, damaged};
use crate::{
    Cursor, Idle, ImageId, Likeness, Page, Record, Records, Rewritten, State, StorageError,
    ViewDelta, Views, record_keys as keys,
};

/// Entries read together.
const ENTRIES_AT_ONCE: usize = 256;

/// Entries of a load that are handed over together.
#[cfg(any(test, feature = "contract"))]
const LOAD_BATCH: usize = 1_024;

impl Records for SledRecords {
    fn insert(&self, record: &Record) -> Result<(), StorageError> {
        let (key, encoded) = (keys::record(&record.id), record.stored_form()?);
        self.write(|db, attempt| {
            let stored = db.get(&key)?;
            let is_ours = attempt == Attempt::AfterReopen
                && stored.as_ref().is_some_and(|stored| *stored == encoded);
            if stored.is_some() && !is_ours {
                return Err(StorageError::AlreadyExists { id: record.id }.into());
            }
            // What the first attempt wrote is written again: its pages may be
            // lost although they can still be read.
            let mut batch = Batch::default();
            batch.insert(key.as_slice(), encoded.as_slice());
            move_indexes(&mut batch, None, record);
            batch.insert(keys::used(record, stored_views(db, &record.id)?), &[]);
            if !is_ours {
                set_count(&mut batch, stored_count(db)?.saturating_add(1));
            }
            Ok((Some(batch), ()))
        })
    }

    fn find(&self, id: &ImageId) -> Result<Option<Record>, StorageError> {
        self.read(|db| stored_record(db, id))
    }

    fn update(&self, record: &Record) -> Result<Record, StorageError> {
        let next = record.clone().next_revision();
        let encoded = next.stored_form()?;
        self.write(|db, attempt| {
            let Some(stored) = stored_record(db, &record.id)? else {
                return Err(StorageError::NotFound { id: record.id }.into());
            };
            let is_ours = attempt == Attempt::AfterReopen && stored == next;
            if stored.revision != record.revision && !is_ours {
                return Err(StorageError::Conflict { id: record.id }.into());
            }
            let mut batch = Batch::default();
            move_indexes(&mut batch, (!is_ours).then_some(&stored), &next);
            batch.insert(keys::record(&record.id), encoded.as_slice());
            Ok((Some(batch), next.clone()))
        })
    }

    fn remove(&self, id: &ImageId) -> Result<bool, StorageError> {
        self.write(|db, attempt| {
            let Some(stored) = stored_record(db, id)? else {
                let was_ours = attempt == Attempt::AfterReopen;
                return Ok((was_ours.then(Batch::default), was_ours));
            };
            let mut batch = Batch::default();
            remove_record(db, &mut batch, &stored)?;
            set_count(&mut batch, stored_count(db)?.saturating_sub(1));
            Ok((Some(batch), true))
        })
    }

    fn in_state(
        &self,
        state: State,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StorageError> {
        // The zero byte makes the smallest key behind the cursor's.
        let from = after.map_or_else(
            || keys::state_prefix(state).to_vec(),
            |cursor| [keys::listed_at(state, cursor).as_slice(), &[0]].concat(),
        );
        let limit = limit.max(1);
        self.read(|db| {
            let listing = db
                .range(from.as_slice()..keys::state_end(state).as_slice())
                .take(limit.saturating_add(1))
                .map(|entry| listed(entry, keys::place))
                .collect::<Result<Vec<Cursor>, Failure>>()?;
            Ok(Page::of(listing.into_iter(), limit))
        })
    }

    fn with_sha256(&self, sha256: &[u8; 32], limit: usize) -> Result<Vec<ImageId>, StorageError> {
        let prefix = keys::hash_prefix(sha256);
        self.read(|db| {
            db.scan_prefix(&prefix)
                .take(limit)
                .map(|entry| listed(entry, keys::hashed_id))
                .collect()
        })
    }

    fn idle_before(
        &self,
        day: u32,
        after: Option<&Idle>,
        limit: usize,
    ) -> Result<Vec<Idle>, StorageError> {
        let (from, to) = keys::idle_before(day, after);
        if from >= to {
            return Ok(Vec::new());
        }
        self.read(|db| {
            db.range(from.as_slice()..to.as_slice())
                .take(limit)
                .map(|entry| listed(entry, keys::idle_place))
                .collect()
        })
    }

    fn likenesses(
        &self,
        of: Option<&[u8; 32]>,
        after: Option<&Likeness>,
        limit: usize,
    ) -> Result<Vec<Likeness>, StorageError> {
        let prefix = keys::alike_prefix(of);
        // The zero byte makes the smallest key behind it.
        let from = after.map_or_else(
            || prefix.clone(),
            |after| [keys::alike(after).as_slice(), &[0]].concat(),
        );
        self.read(|db| {
            db.range(from.as_slice()..)
                .take_while(|entry| match entry {
                    Ok((key, _)) => key.starts_with(&prefix),
                    Err(_) => true,
                })
                .take(limit)
                .map(|entry| listed(entry, keys::likeness))
                .collect()
        })
    }

    fn add_views(&self, batch: &[ViewDelta]) -> Result<(), StorageError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.write(|db, _| {
            let mut written = Batch::default();
            put_views(db, &mut written, batch, true)?;
            Ok((Some(written), ()))
        })
    }

    fn views(&self, id: &ImageId) -> Result<Views, StorageError> {
        self.read(|db| stored_views(db, id))
    }

    fn count(&self) -> Result<u64, StorageError> {
        self.read(stored_count)
    }

    fn flush(&self) -> Result<(), StorageError> {
        // An empty batch, so that a failure in the background is noticed.
        self.write(|_, _| Ok((Some(Batch::default()), ())))
    }

    fn probe_writable(&self) -> Result<(), StorageError> {
        self.write(|_, _| {
            let mut batch = Batch::default();
            batch.insert(keys::PROBE, &[]);
            Ok((Some(batch), ()))
        })
    }

    fn rewrite(
        &self,
        pace: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Rewritten>, StorageError> {
        self.rewritten(pace)
    }

    fn copy_to(
        &self,
        dir: &Path,
        pace: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Rewritten>, StorageError> {
        self.copied_to(dir, pace)
    }
}

impl SledRecords {
    /// Adds many records with their views at once. What is there of them is of an
    /// attempt before, and counts once.
    pub(crate) fn load(&self, records: &[(Record, Views)]) -> Result<(), StorageError> {
        self.write(|db, _| {
            let mut batch = Batch::default();
            let mut n_new = 0_u64;
            for (record, views) in records {
                n_new += u64::from(!db.contains_key(keys::record(&record.id))?);
                batch.insert(keys::record(&record.id), record.stored_form()?);
                move_indexes(&mut batch, None, record);
                batch.insert(keys::used(record, *views), &[]);
                if views.last_day.is_some() {
                    batch.insert(keys::views(&record.id), keys::encode_views(*views));
                }
            }
            set_count(&mut batch, stored_count(db)?.saturating_add(n_new));
            Ok((Some(batch), ()))
        })
    }

    /// Adds records, none of which may be there, and entries beside them, in the
    /// order of all their keys, and makes them durable at the end. In the order
    /// of their uploads each key would lie on a page of its own, to be read, and
    /// written whole, for every few of them.
    #[cfg(any(test, feature = "contract"))]
    pub(crate) fn load_in_order(
        &self,
        records: &[Record],
        changes: &crate::Changes,
    ) -> Result<(), StorageError> {
        let mut entries: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for record in records {
            entries.push((keys::record(&record.id), record.stored_form()?));
            entries.extend(
                keys::indexes(record)
                    .into_iter()
                    .chain([keys::used(record, Views::default())])
                    .map(|key| (key, Vec::new())),
            );
        }
        for (key, value) in &changes.entries {
            entries.extend(value.as_ref().map(|value| (key.clone(), value.clone())));
        }
        entries.sort_unstable();
        let n_records = u64::try_from(records.len()).unwrap_or(u64::MAX);
        self.write(|db, _| {
            for some in entries.chunks(LOAD_BATCH) {
                let mut batch = Batch::default();
                for (key, value) in some {
                    batch.insert(key.as_slice(), value.as_slice());
                }
                db.apply_batch(batch.into())?;
            }
            let mut batch = Batch::default();
            set_count(&mut batch, stored_count(db)?.saturating_add(n_records));
            Ok((Some(batch), ()))
        })
    }

    /// Visits every entry whose key begins so, until told to stop.
    pub(crate) fn for_each_entry(
        &self,
        prefix: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        let mut after: Option<sled::IVec> = None;
        loop {
            let page = self.read(|db| {
                let from = match &after {
                    Some(key) => Bound::Excluded(key.clone()),
                    None => Bound::Included(prefix.into()),
                };
                let found = db.range::<sled::IVec, _>((from, Bound::Unbounded));
                Ok(found
                    .take(ENTRIES_AT_ONCE)
                    .collect::<sled::Result<Vec<_>>>()?)
            })?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after = Some(last.clone());
            for (key, value) in &page {
                if !key.starts_with(prefix) || visit(key, value).is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// Puts entries as they are, whatever they mean. For a new database.
    pub(crate) fn load_entries(&self, entries: &[(Vec<u8>, Vec<u8>)]) -> Result<(), StorageError> {
        self.write(|_, _| {
            let mut batch = Batch::default();
            for (key, value) in entries {
                batch.insert(key.as_slice(), value.as_slice());
            }
            Ok((Some(batch), ()))
        })
    }

    /// Sets the counters of images to what they had, where they have less. Doing it
    /// twice does no harm; images that are not there are left out.
    pub(crate) fn raise_views(&self, known: &[(ImageId, Views)]) -> Result<(), StorageError> {
        self.write(|db, _| {
            let mut batch = Batch::default();
            for (id, known) in known {
                let Some(record) = stored_record(db, id)? else {
                    continue;
                };
                let before = stored_views(db, id)?;
                let views = Views {
                    total: before.total.max(known.total),
                    last_day: before.last_day.max(known.last_day),
                };
                replace_views(&mut batch, &record, before, views);
            }
            Ok((Some(batch), ()))
        })
    }

    /// Counts the records, and keeps the number.
    pub(crate) fn count_again(&self) -> Result<(), StorageError> {
        let mut count = 0_u64;
        self.for_each_entry(keys::RECORD_PREFIX, |_, _| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        self.write(|_, _| {
            let mut batch = Batch::default();
            set_count(&mut batch, count);
            Ok((Some(batch), ()))
        })
    }
}

/// Adds views to what the records have; those of unknown images are left out. Where
/// they are not new, they were added before, and what is there is written again.
pub(super) fn put_views(
    db: &Db,
    batch: &mut Batch,
    views: &[ViewDelta],
    is_new: bool,
) -> Result<(), Failure> {
    let mut sums: HashMap<ImageId, Views> = HashMap::with_capacity(views.len());
    for delta in views {
        let sum = sums.entry(delta.id).or_default();
        *sum = sum.add(delta);
    }
    for (id, sum) in sums {
        let Some(record) = stored_record(db, &id)? else {
            continue;
        };
        let before = stored_views(db, &id)?;
        let views = before.add(&ViewDelta {
            id,
            n_views: if is_new { sum.total } else { 0 },
            day: sum.last_day.unwrap_or_default(),
        });
        replace_views(batch, &record, before, views);
    }
    Ok(())
}

fn replace_views(batch: &mut Batch, record: &Record, before: Views, now: Views) {
    batch.remove(keys::used(record, before));
    batch.insert(keys::used(record, now), &[]);
    batch.insert(keys::views(&record.id), keys::encode_views(now));
}

/// Lists a record under its keys. Those that stay are not written again: each
/// lies on a page of its own.
pub(super) fn move_indexes(batch: &mut Batch, stored: Option<&Record>, next: &Record) {
    let old = stored.map(keys::indexes).unwrap_or_default();
    let new = keys::indexes(next);
    for key in old.iter().filter(|key| !new.contains(key)) {
        batch.remove(key.as_slice());
    }
    for key in new.iter().filter(|key| !old.contains(key)) {
        batch.insert(key.as_slice(), &[]);
    }
}

/// What the key of an index names.
fn listed<T>(
    entry: sled::Result<(sled::IVec, sled::IVec)>,
    read: impl FnOnce(&[u8]) -> Option<T>,
) -> Result<T, Failure> {
    let (key, _) = entry?;
    read(&key).ok_or_else(|| damaged("an index key").into())
}

pub(super) fn stored_record(db: &Db, id: &ImageId) -> Result<Option<Record>, Failure> {
    db.get(keys::record(id))?
        .map(|encoded| Record::decode(&encoded))
        .transpose()
        .map_err(Failure::Meant)
}

/// Takes a record out, with everything by which it is found.
pub(super) fn remove_record(db: &Db, batch: &mut Batch, stored: &Record) -> Result<(), Failure> {
    batch.remove(keys::record(&stored.id));
    for key in keys::indexes(stored) {
        batch.remove(key);
    }
    batch.remove(keys::used(stored, stored_views(db, &stored.id)?));
    batch.remove(keys::views(&stored.id));
    Ok(())
}

pub(super) fn stored_views(db: &Db, id: &ImageId) -> Result<Views, Failure> {
    match db.get(keys::views(id))? {
        None => Ok(Views::default()),
        Some(value) => keys::decode_views(&value).ok_or_else(|| damaged("a view counter").into()),
    }
}

pub(super) fn stored_count(db: &Db) -> Result<u64, Failure> {
    let value = db.get(keys::COUNT)?;
    let count = value.as_deref().and_then(|value| value.try_into().ok());
    count
        .map(u64::from_be_bytes)
        .ok_or_else(|| damaged("the number of records").into())
}

/// Puts the number of records into a batch.
pub(super) fn set_count(batch: &mut Batch, count: u64) {
    batch.insert(keys::COUNT, &count.to_be_bytes());
}
