//! Which logs of a CDN were imported: views are counted once. A log is known by the
//! SHA-256 of its text, and by how many batches of its views were taken, so that an
//! import that was cut short goes on where it was. A batch and the note that it was
//! taken are one commit: whatever comes between, neither is there without the other.

use serde::{Deserialize, Serialize};

use super::{Did, Retention, RetentionError, keys, pending, wide};
use crate::calendar::{self, MS_A_DAY};
use crate::staff::kept::{self, Kept};
use crate::{Changes, Keyspace, StorageError, Store, ViewDelta};

/// Imports that are remembered: the hourly logs of 27 edges for all of
/// [`KEPT_MS`], in about 30 MB.
pub(super) const IMPORTS_MAX: u64 = 262_144;

/// Imports that are looked at together.
const PAGE: usize = 1_024;

/// How long an import is remembered: longer than any log of a CDN that anybody
/// still has at hand, and twice as long as a view keeps an image.
const KEPT_MS: u64 = 400 * MS_A_DAY;

/// The SHA-256 of a log.
pub type LogHash = [u8; 32];

/// What is known of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// When its import began, in milliseconds since 1970 UTC.
    pub begun_ms: u64,
    /// Batches of views that were taken from it.
    pub n_batches: u64,
    /// Whether that was all of it.
    pub is_whole: bool,
}

/// Why a log is not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// It was imported before.
    #[error("this log was imported on {} already; nothing is counted twice", calendar::date(.0.begun_ms))]
    Again(Import),
    /// Too many are remembered.
    #[error(
        "{} imports are remembered already; each is forgotten after 400 days",
        IMPORTS_MAX
    )]
    TooMany,
}

impl ImportError {
    /// The stable kebab-case code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Storage(error) => error.code(),
            Self::Again(_) => "log-imported-already",
            Self::TooMany => "too-many-imports",
        }
    }
}

/// Whether an entry of the database says which logs were counted.
pub(crate) fn is_about_import(key: &[u8]) -> bool {
    key == keys::n_imports() || key.starts_with(&keys::imports().from)
}

/// Where it is kept how many logs are remembered.
pub(crate) fn number_key() -> Vec<u8> {
    keys::n_imports()
}

/// Begins the import of a log, or goes on with one that was cut short.
///
/// # Errors
/// [`ImportError::Again`] where it is whole already, and the store's.
pub fn begin_import(store: &Store, log: &LogHash, now_ms: u64) -> Result<Import, ImportError> {
    match Kept::<Import>::read(store, keys::import(log))? {
        Some(known) if known.value.is_whole => Err(ImportError::Again(known.value)),
        Some(known) => Ok(known.value),
        None => {
            let import = Import {
                begun_ms: now_ms,
                n_batches: 0,
                is_whole: false,
            };
            let mut changes = Changes::new();
            let remembered = Remembered::read(store)?;
            if remembered.number >= IMPORTS_MAX {
                return Err(ImportError::TooMany);
            }
            remembered.set(&mut changes, remembered.number.saturating_add(1));
            kept::insert(&mut changes, keys::import(log), &import);
            Keyspace::commit(store, changes)?;
            Ok(import)
        }
    }
}

/// Takes batch `number` of a log's views, counted from 0; one that was taken before
/// is passed over.
///
/// # Errors
/// [`ImportError::Again`] where the log is whole already, and the store's.
pub fn import_batch(
    store: &Store,
    log: &LogHash,
    number: u64,
    views: &[ViewDelta],
    now_ms: u64,
) -> Result<(), ImportError> {
    let import = begin_import(store, log, now_ms)?;
    if number < import.n_batches {
        return Ok(());
    }
    let taken = Import {
        n_batches: number.saturating_add(1),
        ..import
    };
    let mut changes = Changes::new();
    changes.add_views(views);
    put(store, changes, log, &import, &taken)
}

/// Notes that a log was imported to its end.
///
/// # Errors
/// [`ImportError::Again`] where it was already, and the store's.
pub fn end_import(store: &Store, log: &LogHash, now_ms: u64) -> Result<(), ImportError> {
    let import = begin_import(store, log, now_ms)?;
    let whole = Import {
        is_whole: true,
        ..import
    };
    put(store, Changes::new(), log, &import, &whole)
}

/// Notes how far an import has come, if nobody else has meanwhile.
fn put(
    store: &Store,
    mut changes: Changes,
    log: &LogHash,
    before: &Import,
    now: &Import,
) -> Result<(), ImportError> {
    changes.expect(keys::import(log), Some(kept::encode(before)));
    changes.put(keys::import(log), kept::encode(now));
    Ok(Keyspace::commit(store, changes)?)
}

/// How many imports are remembered.
struct Remembered {
    number: u64,
    stored: Option<Kept<u64>>,
}

impl Remembered {
    fn read(store: &Store) -> Result<Self, StorageError> {
        let stored = Kept::<u64>::read(store, keys::n_imports())?;
        let number = match &stored {
            Some(kept) => kept.value,
            // Versions before counted them each time.
            None => wide(store.range(&keys::imports(), usize::MAX)?.len()),
        };
        Ok(Self { number, stored })
    }

    fn set(&self, changes: &mut Changes, number: u64) {
        match &self.stored {
            Some(kept) => kept.replace(changes, &number),
            None => kept::insert(changes, keys::n_imports(), &number),
        }
    }
}

/// How far the pass of a day has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pass {
    day: u32,
    /// The last log looked at, in hexadecimal; `None` when the day's pass is over.
    after: Option<String>,
}

impl Retention<'_> {
    /// Imports that were long enough ago, at most `limit`.
    pub(super) fn old_imports(
        &self,
        now_ms: u64,
        limit: usize,
    ) -> Result<Vec<Kept<Import>>, StorageError> {
        let mut old = Vec::new();
        let mut after = None;
        while old.len() < limit {
            let page = self.imports_after(after.as_ref(), PAGE)?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|kept| kept.key().to_vec());
            old.extend(page.into_iter().filter(|kept| is_over(kept, now_ms)));
            if is_last {
                break;
            }
        }
        old.truncate(limit);
        Ok(old)
    }

    fn imports_after(
        &self,
        key: Option<&Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<Kept<Import>>, StorageError> {
        let all = keys::imports();
        let range = match key {
            Some(key) => all.after(key),
            None => all,
        };
        let entries = self.queue.store().range(&range, limit)?.into_iter();
        entries
            .map(|entry| Kept::<Import>::decode(entry.key, entry.value))
            .collect()
    }

    /// Forgets them. Each is looked at once a day, at least `limit` together.
    pub(super) fn forget_imports(&self, now_ms: u64, limit: usize) -> Result<Did, RetentionError> {
        let store = &**self.queue.store();
        let today = calendar::day(now_ms);
        let pass = Kept::<Pass>::read(store, keys::pass("imports"))?.map(|kept| kept.value);
        let pass = pass.filter(|pass| pass.day == today);
        if pass.as_ref().is_some_and(|pass| pass.after.is_none()) {
            return Ok(Did::default());
        }
        let after = pass.and_then(|pass| pass.after);
        let after = after.and_then(|after| hex::decode(after).ok());
        let limit = limit.max(PAGE);
        let page = self.imports_after(after.as_ref(), limit)?;
        let is_more = page.len() >= limit;
        let last = page.last().filter(|_| is_more);
        let pass = Pass {
            day: today,
            after: last.map(|kept| hex::encode(kept.key())),
        };
        let mut changes = Changes::new();
        changes.put(keys::pass("imports"), kept::encode(&pass));
        let old: Vec<_> = page.iter().filter(|kept| is_over(kept, now_ms)).collect();
        if !old.is_empty() {
            for kept in &old {
                kept.remove(&mut changes);
            }
            let remembered = Remembered::read(store)?;
            let number = remembered.number.saturating_sub(wide(old.len()));
            remembered.set(&mut changes, number);
            pending::plan(store, &mut changes, now_ms)?;
        }
        Keyspace::commit(store, changes)?;
        Ok(Did {
            n_done: wide(old.len()),
            is_more,
            ..Did::default()
        })
    }
}

fn is_over(import: &Kept<Import>, now_ms: u64) -> bool {
    import.value.begun_ms.saturating_add(KEPT_MS) <= now_ms
}
