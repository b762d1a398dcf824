//! Images that stopped being public while a CDN may have copies of them (P21).
//!
//! The entry is put by the very commit that takes an image out of the public, in
//! the one door that all changes of records go through ([`Store`](crate::Store)):
//! whoever hides, removes or deletes an image need not think of it, and no crash
//! comes between. An image has one entry at most; one that is shown and hidden again
//! starts over.
//!
//! What each target has said yes to is kept in the entry, so that none is asked
//! again because another refuses; it ends when every target that there is has said
//! that its copies are gone.
//!
//! Nothing is put where no CDN is known of ([`expect_copies`]). That is a mark in
//! the database, so that commands that work without the service put entries too.
//!
//! Deliberately absent: addresses, and how a CDN is spoken to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{keys, pending};
use crate::staff::kept::{self, Kept};
use crate::{Changes, ImageId, Keyspace, Record, State, StorageError};

/// Entries dropped together.
const DROPPED_AT_ONCE: usize = 256;

/// How often answers are written again when those of other targets come between.
/// What is not written then is asked once more, which does no harm.
const ATTEMPTS_MAX: u32 = 16;

/// Bytes of a hash that name a target.
const TARGET_BYTES: usize = 8;

/// A target, by a hash of what it is told: it tells targets apart, and one that was
/// changed from what it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TargetName(String);

impl TargetName {
    /// Of what tells it from every other.
    #[must_use]
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // A zero byte stands in no setting.
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let hash = hash.finalize();
        Self(hex::encode(hash.get(..TARGET_BYTES).unwrap_or(&hash)))
    }
}

/// What a target has said yes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purged {
    /// When it said so for the first time, in milliseconds since 1970 UTC.
    pub first_ms: u64,
    /// Whether it need not be asked again.
    pub is_over: bool,
}

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
    /// When every target had said yes for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purged_ms: Option<u64>,
    /// What each target has said yes to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub purged_by: BTreeMap<TargetName, Purged>,
}

impl Unpublished {
    /// That an image that had this record is not public any more.
    pub(crate) fn of(record: &Record) -> Self {
        Self {
            extension: record.extension.clone(),
            revision: record.revision,
            noted_ms: None,
            purged_ms: None,
            purged_by: BTreeMap::new(),
        }
    }

    /// Whether all of these targets need not be asked again.
    #[must_use]
    pub fn is_over(&self, targets: &[TargetName]) -> bool {
        let is_over = |purged: &Purged| purged.is_over;
        targets
            .iter()
            .all(|target| self.purged_by.get(target).is_some_and(is_over))
    }

    /// The same with what was heard of a target.
    fn with(mut self, heard: &Heard, target: &TargetName, all: &[TargetName], now_ms: u64) -> Self {
        self.noted_ms.get_or_insert(now_ms);
        // Of targets that there were once nobody asks.
        self.purged_by.retain(|target, _| all.contains(target));
        if let Some(purged) = heard.purged {
            self.purged_by.insert(target.clone(), purged);
        }
        if all.iter().all(|target| self.purged_by.contains_key(target)) {
            self.purged_ms.get_or_insert(now_ms);
        }
        self
    }
}

/// What came of asking a target for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// The image.
    pub image: ImageId,
    /// Of the entry that it was asked for: an image that was shown and hidden again
    /// meanwhile starts over.
    pub revision: u64,
    /// What it said yes to; `None` when it did not, or was not asked.
    pub purged: Option<Purged>,
}

/// An image whose copies are to be purged.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The image.
    pub image: ImageId,
    known: Unpublished,
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
    if !is_expected(keyspace)? {
        return Ok(());
    }
    put(changes, &stored.id, &Unpublished::of(stored));
    Ok(())
}

/// Whether there is a CDN, as far as was said last.
pub(crate) fn is_expected(keyspace: &dyn Keyspace) -> Result<bool, StorageError> {
    Ok(keyspace.get(&keys::copies_expected())?.is_some())
}

/// Plans an entry, whatever there was.
pub(crate) fn put(changes: &mut Changes, image: &ImageId, unpublished: &Unpublished) {
    changes.put(keys::unpublished(image), kept::encode(unpublished));
}

/// An entry as the database keeps it.
pub(crate) fn entry(image: &ImageId, unpublished: &Unpublished) -> (Vec<u8>, Vec<u8>) {
    (keys::unpublished(image), kept::encode(unpublished))
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
    let is_known = self::is_expected(keyspace)?;
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
            let known = Kept::decode(entry.key, entry.value)?.value;
            Ok(Waiting { image, known })
        })
        .collect()
}

impl Waiting {
    /// What is known of its copies.
    #[must_use]
    pub fn known(&self) -> &Unpublished {
        &self.known
    }
}

/// Keeps what was heard of one target, for a page of images at once; entries that
/// every one of `all` targets has said yes to end. Returns the images whose entry
/// ended.
///
/// # Errors
/// The store's.
pub fn note(
    keyspace: &dyn Keyspace,
    target: &TargetName,
    all: &[TargetName],
    heard: &[Heard],
    now_ms: u64,
) -> Result<Vec<ImageId>, StorageError> {
    let mut n_attempts = 0;
    loop {
        let mut changes = Changes::new();
        let mut ended = Vec::new();
        for heard in heard {
            let kept = Kept::<Unpublished>::read(keyspace, keys::unpublished(&heard.image))?;
            let Some(kept) = kept.filter(|kept| kept.value.revision == heard.revision) else {
                continue;
            };
            let next = kept.value.clone().with(heard, target, all, now_ms);
            if next.is_over(all) {
                kept.remove(&mut changes);
                ended.push(heard.image);
            } else if next != kept.value {
                kept.replace(&mut changes, &next);
            }
        }
        if changes.is_empty() {
            return Ok(ended);
        }
        if !ended.is_empty() {
            pending::plan(keyspace, &mut changes, now_ms)?;
        }
        n_attempts += 1;
        match keyspace.commit(changes) {
            Ok(()) => return Ok(ended),
            Err(StorageError::Stale { .. }) if n_attempts < ATTEMPTS_MAX => {}
            Err(StorageError::Stale { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
