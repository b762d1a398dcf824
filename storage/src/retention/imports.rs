//! Which logs of a CDN were imported: views are counted once. A log is known by the
//! SHA-256 of its text, and by how many batches of its views were taken, so that an
//! import that was cut short goes on where it was.

use serde::{Deserialize, Serialize};

use super::{Did, Retention, RetentionError, keys, pending, wide};
use crate::calendar::MS_A_DAY;
use crate::staff::kept::{self, Kept};
use crate::{Changes, Keyspace, StorageError, Store, ViewDelta};

/// Imports that are remembered.
const IMPORTS_MAX: usize = 4_096;

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
    #[error("this log was imported on {} already; nothing is counted twice", crate::calendar::date(.0.begun_ms))]
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

/// Begins the import of a log, or goes on with one that was cut short.
///
/// # Errors
/// [`ImportError::Again`] where it is whole already, and the store's.
pub fn begin_import(store: &Store, log: &LogHash, now_ms: u64) -> Result<Import, ImportError> {
    match Kept::<Import>::read(store, keys::import(log))? {
        Some(known) if known.value.is_whole => Err(ImportError::Again(known.value)),
        Some(known) => Ok(known.value),
        None if store.range(&keys::imports(), IMPORTS_MAX)?.len() >= IMPORTS_MAX => {
            Err(ImportError::TooMany)
        }
        None => {
            let import = Import {
                begun_ms: now_ms,
                n_batches: 0,
                is_whole: false,
            };
            let mut changes = Changes::new();
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
    store.add_views(views)?;
    let taken = Import {
        n_batches: number.saturating_add(1),
        ..import
    };
    put(store, log, &taken)
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
    put(store, log, &whole)
}

fn put(store: &Store, log: &LogHash, import: &Import) -> Result<(), ImportError> {
    let mut changes = Changes::new();
    changes.put(keys::import(log), kept::encode(import));
    Ok(Keyspace::commit(store, changes)?)
}

impl Retention<'_> {
    /// Imports that were long enough ago.
    pub(super) fn old_imports(&self, now_ms: u64) -> Result<Vec<Kept<Import>>, StorageError> {
        let entries = self.queue.store().range(&keys::imports(), IMPORTS_MAX)?;
        let kept = entries
            .into_iter()
            .map(|entry| Kept::<Import>::decode(entry.key, entry.value));
        let is_over = |kept: &Kept<Import>| kept.value.begun_ms.saturating_add(KEPT_MS) <= now_ms;
        kept.filter(|kept| kept.as_ref().map_or(true, is_over))
            .collect()
    }

    /// Forgets them.
    pub(super) fn forget_imports(&self, now_ms: u64) -> Result<Did, RetentionError> {
        let store = &**self.queue.store();
        let old = self.old_imports(now_ms)?;
        if old.is_empty() {
            return Ok(Did::default());
        }
        let mut changes = Changes::new();
        for kept in &old {
            kept.remove(&mut changes);
        }
        pending::plan(store, &mut changes, now_ms)?;
        Keyspace::commit(store, changes)?;
        Ok(Did {
            n_done: wide(old.len()),
            ..Did::default()
        })
    }
}
