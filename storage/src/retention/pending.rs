//! What was deleted and may still be readable in the database's files, until the
//! next rewrite. Whoever deletes something about a person plans this with it.

use serde::{Deserialize, Serialize};

use super::keys;
use crate::staff::kept::{self, Kept};
use crate::{Changes, Keyspace, StorageError};

/// How often the end of a rewrite is written again, when deletions come between.
const ATTEMPTS_MAX: u32 = 64;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pending {
    /// The oldest deletion, in milliseconds since 1970 UTC.
    since_ms: u64,
    /// Of the last deletion; another one each time, so that a rewrite knows
    /// whether there was one while it ran.
    nonce: u64,
}

/// Plans that what else is planned deletes something.
///
/// # Errors
/// The store's.
pub(crate) fn plan(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    now_ms: u64,
) -> Result<(), StorageError> {
    let before = Kept::<Pending>::read(keyspace, keys::pending())?;
    let pending = Pending {
        since_ms: before.map_or(now_ms, |kept| kept.value.since_ms.min(now_ms)),
        nonce: nonce()?,
    };
    changes.put(keys::pending(), kept::encode(&pending));
    Ok(())
}

/// What is known when a rewrite begins.
pub(crate) fn begin(keyspace: &dyn Keyspace) -> Result<Option<Vec<u8>>, StorageError> {
    keyspace.get(&keys::pending())
}

/// A rewrite that began at `begun_ms` has ended: nothing is pending but what was
/// deleted meanwhile.
pub(crate) fn finish(
    keyspace: &dyn Keyspace,
    begun: Option<Vec<u8>>,
    begun_ms: u64,
) -> Result<(), StorageError> {
    let mut n_attempts = 0;
    loop {
        let current = keyspace.get(&keys::pending())?;
        let mut changes = Changes::new();
        changes.expect(keys::pending(), current.clone());
        if current == begun {
            changes.delete(keys::pending());
        } else {
            let pending = Pending {
                since_ms: begun_ms,
                nonce: nonce()?,
            };
            changes.put(keys::pending(), kept::encode(&pending));
        }
        changes.put(keys::rewritten(), kept::encode(&begun_ms));
        n_attempts += 1;
        match keyspace.commit(changes) {
            Err(StorageError::Stale { .. }) if n_attempts < ATTEMPTS_MAX => {}
            other => return other,
        }
    }
}

/// Since when something is pending.
pub(super) fn since_ms(keyspace: &dyn Keyspace) -> Result<Option<u64>, StorageError> {
    let kept = Kept::<Pending>::read(keyspace, keys::pending())?;
    Ok(kept.map(|kept| kept.value.since_ms))
}

/// When the last rewrite began.
pub(super) fn rewritten_ms(keyspace: &dyn Keyspace) -> Result<Option<u64>, StorageError> {
    let kept = Kept::<u64>::read(keyspace, keys::rewritten())?;
    Ok(kept.map(|kept| kept.value))
}

fn nonce() -> Result<u64, StorageError> {
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).map_err(|error| {
        let error = std::io::Error::other(error.to_string());
        StorageError::io("the system's random source", error)
    })?;
    Ok(u64::from_le_bytes(nonce))
}
