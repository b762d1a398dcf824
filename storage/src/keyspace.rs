//! Everything that is kept besides records: an ordered keyspace in the same
//! database, so that one commit changes an image's record, its place in the
//! queue and the log of both.

use std::collections::{BTreeMap, BTreeSet};

use crate::{ImageId, Record, StorageError, ViewDelta};

/// What every key begins with; the rest of the database is the records'.
const PREFIX: u8 = b'm';

/// Longest key, in bytes: two bytes of its space, two hashes, two numbers, and
/// room to spare. Enough that nobody measures, little enough for a page.
pub const KEY_BYTES_MAX: usize = 128;

/// Longest value, in bytes. The embedded database keeps up to 17 entries on a
/// page, and a page that outgrows 128 KB would go into a file of its own, where
/// a full disk hangs it: 17 x (6,144 + 128) are 107 KB.
pub const VALUE_BYTES_MAX: usize = 6_144;

/// Largest sum of keys, values and records in one commit, in bytes: half of the
/// free room that is asked for before each write.
pub const COMMIT_BYTES_MAX: usize = 2 << 20;

/// What the views of an image take in a commit: two entries and an old key.
const VIEWED_BYTES: usize = 128;

/// Parts of the keyspace. Each is one byte of the key, written to disk: never
/// renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Space {
    /// `ma`: the log of what staff and rules did.
    Audit,
    /// `mb`: hashes of images that must not come back.
    Bank,
    /// `md`: addresses that are denied, by when that ends.
    Blocks,
    /// `mc`: who works on what, by when it ends.
    Claims,
    /// `me`: what is about to end: warnings, what the next rewrite is for.
    Retention,
    /// `mg`: requests about personal data that came by mail.
    Rights,
    /// `mh`: images that the law keeps, and how often it asked.
    Holds,
    /// `mj`: what is to be looked at.
    Jobs,
    /// `mk`: what was counted on each day, without anybody's trace.
    Aggregates,
    /// `ml`: counters to learn from.
    Learning,
    /// `mn`: notices and appeals.
    Notices,
    /// `mp`: what is to be purged, by when.
    Purges,
    /// `mq`: the order of the queue.
    Queue,
    /// `mr`: reports.
    Reports,
    /// `ms`: sessions of staff.
    Sessions,
    /// `mu`: accounts of staff.
    Staff,
    /// `mx`: settings made by staff.
    Settings,
}

impl Space {
    /// Every space.
    pub const ALL: [Self; 17] = [
        Self::Audit,
        Self::Bank,
        Self::Blocks,
        Self::Claims,
        Self::Retention,
        Self::Rights,
        Self::Holds,
        Self::Jobs,
        Self::Aggregates,
        Self::Learning,
        Self::Notices,
        Self::Purges,
        Self::Queue,
        Self::Reports,
        Self::Sessions,
        Self::Staff,
        Self::Settings,
    ];

    /// The two bytes that every key of this space begins with.
    #[must_use]
    pub fn prefix(self) -> [u8; 2] {
        let space = match self {
            Self::Audit => b'a',
            Self::Bank => b'b',
            Self::Blocks => b'd',
            Self::Claims => b'c',
            Self::Retention => b'e',
            Self::Rights => b'g',
            Self::Holds => b'h',
            Self::Jobs => b'j',
            Self::Aggregates => b'k',
            Self::Learning => b'l',
            Self::Notices => b'n',
            Self::Purges => b'p',
            Self::Queue => b'q',
            Self::Reports => b'r',
            Self::Sessions => b's',
            Self::Staff => b'u',
            Self::Settings => b'x',
        };
        [PREFIX, space]
    }

    /// The key of this space made of these parts. Parts of a fixed length, or
    /// the last one, can be told apart again; numbers are written big-endian.
    #[must_use]
    pub fn key(self, parts: &[&[u8]]) -> Vec<u8> {
        let mut key = self.prefix().to_vec();
        for part in parts {
            key.extend_from_slice(part);
        }
        key
    }

    /// Every key of this space.
    #[must_use]
    pub fn all(self) -> KeyRange {
        KeyRange::prefix(&self.prefix())
    }
}

/// An ordered keyspace with conditional commits. Implemented by every
/// [`Records`](crate::Records), whose records a commit may change as well, and
/// by [`Store`](crate::Store), which writes those records' sidecars too.
///
/// The promise, checked by `contract`'s suite for every implementation:
///
/// - A [`commit`](Self::commit) happens whole or not at all, records with their
///   indexes and count included, and is durable when it returns.
/// - It happens only if every condition holds at that moment.
/// - An `Err` that is neither a condition's nor about a size leaves it open
///   whether it happened.
/// - A [`range`](Self::range) costs what it returns, not what is stored. It is
///   no snapshot: a commit during it may be seen in part. A commit's conditions
///   are how to act on what was read.
pub trait Keyspace: Send + Sync {
    /// The value of a key.
    ///
    /// # Errors
    /// [`StorageError::InvalidKey`] outside the keyspace, and when it cannot be
    /// read.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError>;

    /// The first entries of a range, at most `limit`.
    ///
    /// # Errors
    /// [`StorageError::InvalidKey`] outside the keyspace, and when they cannot
    /// be read.
    fn range(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, StorageError>;

    /// Makes all changes or none. Of several changes of one key or of one
    /// record the last counts.
    ///
    /// # Errors
    /// [`StorageError::Stale`] when a key has another value than expected,
    /// [`StorageError::Conflict`] when a record's revision has moved on,
    /// [`StorageError::NotFound`] when it is gone; [`StorageError::InvalidKey`],
    /// [`StorageError::TooLarge`] and [`StorageError::RecordTooLarge`] for what
    /// cannot be stored.
    fn commit(&self, changes: Changes) -> Result<(), StorageError>;
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
}

/// Where a range is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The smallest key first.
    Ascending,
    /// The largest key first.
    Descending,
}

/// Keys with `from <= key < to`, from one end or the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// The smallest key in it.
    pub from: Vec<u8>,
    /// The smallest key behind it.
    pub to: Vec<u8>,
    /// Which end comes first.
    pub direction: Direction,
}

impl KeyRange {
    /// Keys that begin with a prefix.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        Self {
            from: prefix.to_vec(),
            to: behind_prefix(prefix),
            direction: Direction::Ascending,
        }
    }

    /// The same range without what comes up to and with `key`, in its
    /// direction: the next page behind it.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> Self {
        match self.direction {
            // The zero byte makes the smallest key behind it.
            Direction::Ascending => self.from = [key, &[0]].concat().max(self.from),
            Direction::Descending => self.to = key.to_vec().min(self.to),
        }
        self
    }

    /// The same range without the keys from `key` on.
    #[must_use]
    pub fn before(mut self, key: &[u8]) -> Self {
        self.to = key.to_vec().min(self.to);
        self
    }

    /// The same range, the largest key first.
    #[must_use]
    pub fn descending(mut self) -> Self {
        self.direction = Direction::Descending;
        self
    }

    /// Refuses a range that reaches outside the keyspace. True when it can hold
    /// a key at all.
    pub(crate) fn check(&self) -> Result<bool, StorageError> {
        check_key(&self.from)?;
        if self.to.as_slice() > [PREFIX + 1].as_slice() {
            return Err(invalid(&self.to));
        }
        Ok(self.from < self.to)
    }
}

/// The smallest key behind all that begin with `prefix`; a prefix of 0xFF alone
/// has none and lies outside the keyspace.
fn behind_prefix(prefix: &[u8]) -> Vec<u8> {
    let n_kept = prefix
        .iter()
        .rposition(|byte| *byte != u8::MAX)
        .map_or(0, |last| last + 1);
    let mut behind = prefix[..n_kept].to_vec();
    if let Some(last) = behind.last_mut() {
        *last += 1;
    }
    behind
}

/// What one commit changes, and what must hold for it.
#[derive(Debug, Clone, Default)]
#[must_use = "changes are made by a commit"]
pub struct Changes {
    pub(crate) expected: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    pub(crate) entries: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    pub(crate) inserted: Option<Record>,
    pub(crate) updated: BTreeMap<ImageId, Record>,
    pub(crate) removed: BTreeSet<ImageId>,
    pub(crate) views: Vec<ViewDelta>,
}

impl Changes {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only if the key has this value, or none.
    pub fn expect(&mut self, key: impl Into<Vec<u8>>, value: Option<Vec<u8>>) {
        self.expected.push((key.into(), value));
    }

    /// Gives a key a value.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.entries.insert(key.into(), Some(value.into()));
    }

    /// Removes a key; nothing happens where there is none.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.entries.insert(key.into(), None);
    }

    /// Replaces a record if the stored revision is still `record.revision`; the
    /// next revision is stored, indexes follow. Views stay.
    pub fn update_record(&mut self, record: Record) {
        self.updated.insert(record.id, record);
    }

    /// Adds a record. Its bytes are the store's to write first.
    pub(crate) fn insert_record(&mut self, record: Record) {
        self.inserted = Some(record);
    }

    /// Removes a record with its views; nothing happens where there is none. Its
    /// bytes are the store's to remove first.
    pub(crate) fn remove_record(&mut self, id: ImageId) {
        self.removed.insert(id);
    }

    /// Adds views, which go to the images that have a record besides those that
    /// these changes insert, update or remove.
    pub(crate) fn add_views(&mut self, views: &[ViewDelta]) {
        self.views.extend_from_slice(views);
    }

    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
            && self.inserted.is_none()
            && self.updated.is_empty()
            && self.removed.is_empty()
            && self.views.is_empty()
    }

    /// Refuses what no implementation stores, before anything is written.
    pub(crate) fn check(&self) -> Result<(), StorageError> {
        let mut n_bytes = 0_usize;
        for (key, _) in &self.expected {
            check_key(key)?;
        }
        for (key, value) in &self.entries {
            check_key(key)?;
            let n_value = value.as_ref().map_or(0, Vec::len);
            if n_value > VALUE_BYTES_MAX {
                return Err(too_large("a value", n_value, VALUE_BYTES_MAX));
            }
            n_bytes = n_bytes.saturating_add(key.len().saturating_add(n_value));
        }
        for record in self.inserted.iter().chain(self.updated.values()) {
            n_bytes = n_bytes.saturating_add(record.stored_form()?.len());
        }
        let n_viewed = self.views.len().saturating_mul(VIEWED_BYTES);
        n_bytes = n_bytes.saturating_add(n_viewed);
        if n_bytes > COMMIT_BYTES_MAX {
            return Err(too_large("a commit", n_bytes, COMMIT_BYTES_MAX));
        }
        Ok(())
    }
}

/// Refuses a key that is not the keyspace's.
pub(crate) fn check_key(key: &[u8]) -> Result<(), StorageError> {
    if key.first() == Some(&PREFIX) && key.len() <= KEY_BYTES_MAX {
        return Ok(());
    }
    Err(invalid(key))
}

/// A condition on a key does not hold.
pub(crate) fn stale(key: &[u8]) -> StorageError {
    StorageError::Stale { key: shown(key) }
}

fn invalid(key: &[u8]) -> StorageError {
    StorageError::InvalidKey { key: shown(key) }
}

fn too_large(what: &'static str, bytes: usize, bytes_max: usize) -> StorageError {
    StorageError::TooLarge {
        what,
        bytes,
        bytes_max,
    }
}

fn shown(key: &[u8]) -> String {
    key[..key.len().min(KEY_BYTES_MAX)]
        .escape_ascii()
        .to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_space_has_a_byte_of_its_own() {
        let mut prefixes = Space::ALL.map(Space::prefix);
        prefixes.sort_unstable();
        assert!(prefixes.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(prefixes.iter().all(|prefix| prefix[0] == PREFIX));
        assert!(Space::ALL.iter().all(|space| space.all().check().unwrap()));
    }

    #[test]
    fn only_our_own_keys_are_taken() {
        for key in [b"".as_slice(), b"r1", b"n", &[b'm'; KEY_BYTES_MAX + 1]] {
            assert_eq!(check_key(key).unwrap_err().code(), "storage-invalid-key");
        }
        check_key(&[b'm'; KEY_BYTES_MAX]).unwrap();
        let all = KeyRange::prefix(b"m");
        assert_eq!(all.to, b"n");
        assert!(all.check().unwrap());
        let beyond = KeyRange {
            to: b"na".to_vec(),
            ..all
        };
        assert_eq!(beyond.check().unwrap_err().code(), "storage-invalid-key");
        assert!(!KeyRange::prefix(b"mq").before(b"ma").check().unwrap());
    }

    proptest! {
        #[test]
        fn a_prefix_holds_what_begins_with_it(prefix: Vec<u8>, rest: Vec<u8>, other: Vec<u8>) {
            let prefix = [b"m".as_slice(), &prefix].concat();
            let range = KeyRange::prefix(&prefix);
            let holds = |key: &[u8]| range.from.as_slice() <= key && key < range.to.as_slice();
            let inside = [prefix.as_slice(), &rest].concat();
            prop_assert!(holds(&inside));
            let other = [b"m".as_slice(), &other].concat();
            prop_assert_eq!(holds(&other), other.starts_with(&prefix));
        }

        #[test]
        fn the_next_page_begins_behind_the_last(prefix: u8, mut keys: Vec<Vec<u8>>, at: usize) {
            keys.iter_mut().for_each(|key| *key = [&[b'm', prefix], key.as_slice()].concat());
            keys.push(vec![b'm', prefix]);
            keys.sort();
            keys.dedup();
            let at = at % keys.len();
            let holds = |range: &KeyRange, key: &[u8]| range.from.as_slice() <= key && key < range.to.as_slice();
            let up = KeyRange::prefix(&[b'm', prefix]).after(&keys[at]);
            let down = KeyRange::prefix(&[b'm', prefix]).descending().after(&keys[at]);
            for (idx, key) in keys.iter().enumerate() {
                prop_assert_eq!(holds(&up, key), idx > at);
                prop_assert_eq!(holds(&down, key), idx < at);
            }
        }
    }
}
