//! The audit: what staff, rules and commands did, append-only and linked by
//! hashes, so that a change to any entry is seen in all that follow.
//!
//! An entry is written in the same commit as what it tells of ([`append`]).
//! Every commit's entries are then copied into day files outside the database
//! ([`Anchor`]): a database that was cut short or replaced no longer agrees
//! with them, and one that was lost is filled from them again. [`verify`]
//! proves both and names the first entry that is wrong.
//!
//! | key in `ma` | value |
//! |---|---|
//! | `a` | number and hash of the last entry that the files have |
//! | `d` image, number | the scores of the image that the entry tells of; gone with it |
//! | `e` number | the entry with its hash, as one line of JSON |
//! | `h` | number and hash of the last entry |
//! | `s` hash of the subject, number | nothing |

mod anchor;
mod canonical;
mod chain;
mod csv;
mod entry;
mod files;
mod scores;
mod verify;

use sha2::{Digest, Sha256};

pub use anchor::{Anchor, Reconciled};
pub(crate) use anchor::{is_cut_short, is_mark};
pub use chain::{BrokenLink, Head, Sealed};
pub use csv::{CSV_HEADER, csv_line};
pub use entry::{Action, Actor, Entry, Subject};
pub use files::lines;
pub use scores::{Scores, ScoresDigest, scores_at, scores_of};
pub(crate) use scores::{image_of, orphans, plan_erased};
pub use verify::{BadEntry, Ledger, Place, ScoresFound, Verified, verify, verify_files};

use crate::{Changes, Direction, KeyRange, Keyspace, Space, StorageError};

/// How often a plan is made again when somebody else was first. Writers are a
/// handful of people; losing this often is a fault.
const ATTEMPTS_MAX: u32 = 8;

/// Entries read from the database at a time.
const PAGE: usize = 256;

/// Adds an entry to a commit, behind the entries that it holds already. The
/// commit is [`StorageError::Stale`] when another entry came first: plan again,
/// as [`commit`] does. Returns the entry's number. The scores of an image are put
/// beside the chain: see [`Scores`].
///
/// # Errors
/// When the head cannot be read.
pub fn append(
    keys: &dyn Keyspace,
    changes: &mut Changes,
    mut entry: Entry,
) -> Result<u64, StorageError> {
    let head_key = head_key();
    let head = match changes.entries.get(&head_key) {
        Some(Some(pending)) => Head::decode(pending)?,
        _ => {
            let stored = keys.get(&head_key)?;
            let head = stored.as_deref().map_or(Ok(Head::EMPTY), Head::decode)?;
            changes.expect(head_key.clone(), stored);
            head
        }
    };
    let detached = scores::detached(&mut entry)?;
    let sealed = Sealed::behind(&head, entry)?;
    put(changes, &sealed);
    if let Some((image, scores)) = detached {
        scores::put(changes, &image, sealed.seq, &scores);
    }
    Ok(sealed.seq)
}

/// Puts an entry in its place, with what leads to it.
fn put(changes: &mut Changes, sealed: &Sealed) {
    changes.put(entry_key(sealed.seq), sealed.encode());
    changes.put(head_key(), sealed.head().encode());
    if let Some(subject) = &sealed.entry.subject {
        changes.put(subject_key(subject, sealed.seq), []);
    }
}

/// Makes a plan and commits it; makes it again when what it rests on was
/// changed meanwhile, at most eight times. A plan reads, expects what it read,
/// and [`append`]s what it does.
///
/// # Errors
/// The plan's own, and the commit's.
pub fn commit<T, E: From<StorageError>>(
    keys: &dyn Keyspace,
    mut plan: impl FnMut(&mut Changes) -> Result<T, E>,
) -> Result<T, E> {
    let mut n_attempts = 0;
    loop {
        let mut changes = Changes::new();
        let value = plan(&mut changes)?;
        if changes.is_empty() {
            return Ok(value);
        }
        n_attempts += 1;
        match keys.commit(changes) {
            Ok(()) => return Ok(value),
            Err(StorageError::Stale { .. } | StorageError::Conflict { .. })
                if n_attempts < ATTEMPTS_MAX => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Writes an entry that goes with no other change.
///
/// # Errors
/// The commit's.
pub fn record(keys: &dyn Keyspace, entry: &Entry) -> Result<u64, StorageError> {
    commit(keys, |changes| append(keys, changes, entry.clone()))
}

/// Where the chain in the database ends.
///
/// # Errors
/// When it cannot be read.
pub fn head(keys: &dyn Keyspace) -> Result<Head, StorageError> {
    let stored = keys.get(&head_key())?;
    stored.as_deref().map_or(Ok(Head::EMPTY), Head::decode)
}

/// Up to `limit` entries behind number `after`, the oldest first.
///
/// # Errors
/// When they cannot be read.
pub fn entries_after(
    keys: &dyn Keyspace,
    after: u64,
    limit: usize,
) -> Result<Vec<Sealed>, StorageError> {
    let range = KeyRange {
        from: entry_key(after.saturating_add(1)),
        to: Space::Audit.key(&[b"f"]),
        direction: Direction::Ascending,
    };
    decode(keys.range(&range, limit)?)
}

/// Up to `limit` entries before number `before`, the newest first.
///
/// # Errors
/// When they cannot be read.
pub fn entries_before(
    keys: &dyn Keyspace,
    before: u64,
    limit: usize,
) -> Result<Vec<Sealed>, StorageError> {
    let range = KeyRange {
        from: entry_key(0),
        to: entry_key(before),
        direction: Direction::Descending,
    };
    decode(keys.range(&range, limit)?)
}

/// Up to `limit` entries about a subject before number `before`, the newest
/// first. Costs what it returns.
///
/// # Errors
/// When they cannot be read.
pub fn entries_about(
    keys: &dyn Keyspace,
    subject: &Subject,
    before: u64,
    limit: usize,
) -> Result<Vec<Sealed>, StorageError> {
    let range = KeyRange {
        from: subject_key(subject, 0),
        to: subject_key(subject, before),
        direction: Direction::Descending,
    };
    let mut found = Vec::new();
    for listed in keys.range(&range, limit)? {
        let seq = listed.key.last_chunk().map(|seq| u64::from_be_bytes(*seq));
        let value = seq.map(|seq| keys.get(&entry_key(seq))).transpose()?;
        if let Some(value) = value.flatten() {
            found.push(Sealed::decode(&value)?);
        }
    }
    Ok(found)
}

fn decode(entries: Vec<crate::Entry>) -> Result<Vec<Sealed>, StorageError> {
    entries
        .iter()
        .map(|entry| Sealed::decode(&entry.value))
        .collect()
}

fn head_key() -> Vec<u8> {
    Space::Audit.key(&[b"h"])
}

fn entry_key(seq: u64) -> Vec<u8> {
    Space::Audit.key(&[b"e", &seq.to_be_bytes()])
}

/// The first half of the hash tells subjects apart well enough, and keeps the
/// key short whatever the name.
fn subject_key(subject: &Subject, seq: u64) -> Vec<u8> {
    let hash = Sha256::digest(subject.as_str().as_bytes());
    Space::Audit.key(&[b"s", &hash[..16], &seq.to_be_bytes()])
}

#[cfg(test)]
mod tests;
