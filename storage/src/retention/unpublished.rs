//! Images that stopped being public while a CDN may have copies of them (P21).
//!
//! The entry is put by the very commit that takes an image out of the public, in
//! the one door that all changes of records go through ([`Store`](crate::Store)):
//! whoever hides, removes or deletes an image need not think of it, and no crash
//! comes between. It ends when whoever speaks to the CDN says that its copies are
//! gone. An image has one entry at most; one that is shown and hidden again starts
//! over.
//!
//! Nothing is put where no CDN is known of ([`expect_copies`]). That is a mark in
//! the database, so that commands that work without the service put entries too.
//!
//! Deliberately absent: addresses, and how a CDN is spoken to.

use serde::{Deserialize, Serialize};

use super::{keys, pending};
use crate::staff::kept::{self, Kept};
use crate::{Changes, ImageId, Keyspace, Record, State, StorageError};

/// Entries dropped together.
const DROPPED_AT_ONCE: usize = 256;

/// What is known of the copies of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unpublished {
    /// Extension of the image's file, which its addresses have.
    pub extension: String,
    /// Revision of the record that was public. It tells this end from the next.
    pub revision: u64,
    /// When whoever purges first noted it, in milliseconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noted_ms: Option<u64>,
    /// When the copies were purged for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purged_ms: Option<u64>,
}

/// An image whose copies are to be purged.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The image.
    pub image: ImageId,
    kept: Kept<Unpublished>,
}

/// Plans the entry of an image that what else is planned takes out of the public.
pub(crate) fn plan(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    stored: &Record,
    next: State,
) -> Result<(), StorageError> {
    if stored.state != State::Public || next == State::Public {
        return Ok(());
    }
    if keyspace.get(&keys::copies_expected())?.is_none() {
        return Ok(());
    }
    let unpublished = Unpublished {
        extension: stored.extension.clone(),
        revision: stored.revision,
        noted_ms: None,
        purged_ms: None,
    };
    changes.put(keys::unpublished(&stored.id), kept::encode(&unpublished));
    Ok(())
}

/// Says whether there is a CDN from now on. Without one nobody is left to purge
/// anything: what waits is dropped, and its number returned.
///
/// # Errors
/// The store's; calling again goes on.
pub fn expect_copies(
    keyspace: &dyn Keyspace,
    is_expected: bool,
    now_ms: u64,
) -> Result<usize, StorageError> {
    let is_known = keyspace.get(&keys::copies_expected())?.is_some();
    if is_expected != is_known {
        let mut changes = Changes::new();
        if is_expected {
            changes.put(keys::copies_expected(), kept::encode(&now_ms));
        } else {
            changes.delete(keys::copies_expected());
        }
        keyspace.commit(changes)?;
    }
    if is_expected {
        return Ok(0);
    }
    let mut n_dropped = 0_usize;
    loop {
        let found = keyspace.range(&keys::all_unpublished(), DROPPED_AT_ONCE)?;
        if found.is_empty() {
            return Ok(n_dropped);
        }
        n_dropped = n_dropped.saturating_add(found.len());
        let mut changes = Changes::new();
        found.iter().for_each(|entry| changes.delete(&*entry.key));
        pending::plan(keyspace, &mut changes, now_ms)?;
        keyspace.commit(changes)?;
    }
}

/// Up to `limit` images whose copies are to be purged, in the order of their ids,
/// from behind `after` on.
///
/// # Errors
/// When they cannot be read.
pub fn waiting(
    keyspace: &dyn Keyspace,
    after: Option<&ImageId>,
    limit: usize,
) -> Result<Vec<Waiting>, StorageError> {
    let mut range = keys::all_unpublished();
    if let Some(after) = after {
        range = range.after(&keys::unpublished(after));
    }
    let found = keyspace.range(&range, limit)?;
    found
        .into_iter()
        .map(|entry| {
            let image = keys::unpublished_image(&entry.key);
            let image = image.ok_or_else(|| StorageError::Corrupt {
                detail: format!("the key {}", entry.key.escape_ascii()),
            })?;
            let kept = Kept::decode(entry.key, entry.value)?;
            Ok(Waiting { image, kept })
        })
        .collect()
}

impl Waiting {
    /// What is known of its copies.
    #[must_use]
    pub fn known(&self) -> &Unpublished {
        &self.kept.value
    }

    /// Keeps what is known now, unless the image was shown and hidden again
    /// meanwhile: then it starts over.
    ///
    /// # Errors
    /// The store's.
    pub fn keep(&self, keyspace: &dyn Keyspace, known: &Unpublished) -> Result<(), StorageError> {
        let mut changes = Changes::new();
        self.kept.replace(&mut changes, known);
        unless_stale(keyspace.commit(changes))
    }

    /// Its copies are gone for good: nothing is kept, unless as for [`Self::keep`].
    ///
    /// # Errors
    /// The store's.
    pub fn end(&self, keyspace: &dyn Keyspace, now_ms: u64) -> Result<(), StorageError> {
        let mut changes = Changes::new();
        self.kept.remove(&mut changes);
        pending::plan(keyspace, &mut changes, now_ms)?;
        unless_stale(keyspace.commit(changes))
    }
}

fn unless_stale(committed: Result<(), StorageError>) -> Result<(), StorageError> {
    match committed {
        Err(StorageError::Stale { .. }) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use crate::contract::{SAMPLE_MS, SampleBytes, sample_record};

    fn public(store: &Store) -> Record {
        let record = Record {
            state: State::Public,
            ..sample_record()
        };
        let bytes = SampleBytes(b"original".to_vec());
        store.commit(&record, &bytes).unwrap();
        record
    }

    fn images(store: &Store) -> Vec<ImageId> {
        let waiting = waiting(store, None, 100).unwrap();
        waiting.iter().map(|waiting| waiting.image).collect()
    }

    fn only(store: &Store) -> Waiting {
        let mut waiting = waiting(store, None, 100).unwrap();
        assert_eq!(waiting.len(), 1, "{waiting:?}");
        waiting.remove(0)
    }

    fn with_cdn(store: Store) -> Store {
        assert_eq!(expect_copies(&store, true, SAMPLE_MS).unwrap(), 0);
        store
    }

    fn stores() -> (tempfile::TempDir, [Store; 2]) {
        let dir = tempfile::tempdir().unwrap();
        let stores = [Store::memory(), Store::open(dir.path()).unwrap()];
        (dir, stores.map(with_cdn))
    }

    #[test]
    fn p21_whatever_ends_the_public_leaves_an_entry() {
        let (_dir, stores) = stores();
        for store in stores {
            let mut expected = Vec::new();
            for state in State::ALL {
                let [one, other] = [(); 2].map(|()| public(&store));
                store
                    .update(&one.id, |record| record.state = state)
                    .unwrap();
                let mut changes = Changes::new();
                changes.update_record(Record {
                    state,
                    ..other.clone()
                });
                Keyspace::commit(&store, changes).unwrap();
                if state != State::Public {
                    expected.extend([one.id, other.id]);
                }
            }
            let deleted = public(&store);
            store.remove(&deleted.id, SAMPLE_MS).unwrap();
            expected.push(deleted.id);
            let held = public(&store);
            store
                .update(&held.id, |record| record.legal_hold = true)
                .unwrap();
            store.remove(&held.id, SAMPLE_MS).unwrap();
            expected.push(held.id);
            expected.sort_unstable();
            assert_eq!(images(&store), expected);
            assert_eq!(store.find(&deleted.id).unwrap(), None);
        }
    }

    #[test]
    fn p21_what_was_not_public_leaves_none() {
        let (_dir, stores) = stores();
        for store in stores {
            for state in State::ALL {
                if state != State::Public {
                    let record = public(&Store::memory());
                    let record = Record { state, ..record };
                    let bytes = SampleBytes(b"original".to_vec());
                    store.commit(&record, &bytes).unwrap();
                    store.remove(&record.id, SAMPLE_MS).unwrap();
                }
            }
            assert_eq!(images(&store), Vec::new());
        }
    }

    #[test]
    fn p21_a_change_that_is_refused_leaves_none() {
        let store = with_cdn(Store::memory());
        let record = public(&store);
        let mut changes = Changes::new();
        changes.update_record(Record {
            state: State::Blocked,
            ..record
        });
        changes.expect(b"mj", Some(Vec::new()));
        Keyspace::commit(&store, changes).unwrap_err();
        assert_eq!(images(&store), Vec::new());
    }

    #[test]
    fn p21_entries_outlive_the_process_and_the_image() {
        let dir = tempfile::tempdir().unwrap();
        let store = with_cdn(Store::open(dir.path()).unwrap());
        let record = public(&store);
        store.remove(&record.id, SAMPLE_MS).unwrap();
        drop(store);
        // Nobody has said again that there is a CDN: as a command does not.
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(images(&store), [record.id]);
        let waiting = only(&store);
        assert_eq!(waiting.known().extension, "jpg");
        let later = public(&store);
        store.remove(&later.id, SAMPLE_MS).unwrap();
        assert_eq!(images(&store).len(), 2);
    }

    #[test]
    fn p21_what_is_hidden_again_starts_over() {
        let store = with_cdn(Store::memory());
        let record = public(&store);
        let set = |state| store.update(&record.id, |record| record.state = state);
        set(State::Blocked).unwrap();
        let first = only(&store);
        set(State::Public).unwrap();
        set(State::Blocked).unwrap();
        let known = Unpublished {
            purged_ms: Some(SAMPLE_MS),
            ..first.known().clone()
        };
        first.keep(&store, &known).unwrap();
        first.end(&store, SAMPLE_MS).unwrap();
        let second = only(&store);
        assert_eq!(second.known().purged_ms, None, "the second end counts");
        second.keep(&store, &known).unwrap();
        let third = only(&store);
        assert_eq!(third.known(), &known);
        third.end(&store, SAMPLE_MS).unwrap();
        assert_eq!(images(&store), Vec::new());
    }

    #[test]
    fn p21_without_a_cdn_nothing_is_written() {
        let store = Store::memory();
        let record = public(&store);
        store.remove(&record.id, SAMPLE_MS).unwrap();
        assert_eq!(images(&store), Vec::new());

        let store = with_cdn(store);
        for _ in 0..DROPPED_AT_ONCE + 1 {
            let record = public(&store);
            store.remove(&record.id, SAMPLE_MS).unwrap();
        }
        let n_dropped = expect_copies(&store, false, SAMPLE_MS).unwrap();
        assert_eq!(n_dropped, DROPPED_AT_ONCE + 1);
        let record = public(&store);
        store.remove(&record.id, SAMPLE_MS).unwrap();
        assert_eq!(images(&store), Vec::new());
    }

    #[test]
    fn they_are_read_page_by_page() {
        let store = with_cdn(Store::memory());
        let mut all: Vec<ImageId> = (0..7).map(|_| public(&store).id).collect();
        for id in &all {
            store.remove(id, SAMPLE_MS).unwrap();
        }
        all.sort_unstable();
        let (mut read, mut after) = (Vec::new(), None);
        loop {
            let page = waiting(&store, after.as_ref(), 3).unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.image);
            read.extend(page.iter().map(|waiting| waiting.image));
        }
        assert_eq!(read, all);
    }
}
