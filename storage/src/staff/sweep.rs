//! Takes away what has expired: sessions, invitations, counted failures.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::kept::Kept;
use super::{Failures, Invitation, SessionRecord, SessionTimes, invitation, lockout, session};
use crate::{Changes, KeyRange, Keyspace, StorageError};

/// Entries looked at together.
const PAGE: usize = 256;

/// Removes what is over. Returns how many entries.
///
/// # Errors
/// When they cannot be read or removed.
pub fn sweep(keys: &dyn Keyspace, now_ms: u64, times: &SessionTimes) -> Result<u64, StorageError> {
    let sessions = over(keys, &session::all(), |session: &SessionRecord| {
        !session.is_alive(now_ms, times)
    })?;
    let invitations = over(keys, &invitation::all(), |invitation: &Invitation| {
        now_ms >= invitation.expires_at_ms
    })?;
    let failures = over(keys, &lockout::all(), |failures: &Failures| {
        failures.is_forgotten(now_ms)
    })?;
    Ok(sessions + invitations + failures)
}

fn over<T: Serialize + DeserializeOwned>(
    keys: &dyn Keyspace,
    range: &KeyRange,
    is_over: impl Fn(&T) -> bool,
) -> Result<u64, StorageError> {
    let mut range = range.clone();
    let mut n_removed = 0;
    loop {
        let page = keys.range(&range, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(n_removed);
        };
        range = range.after(&last.key);
        let mut changes = Changes::new();
        let mut n_over = 0;
        for entry in page {
            let kept = Kept::<T>::decode(entry.key, entry.value)?;
            if is_over(&kept.value) {
                kept.remove(&mut changes);
                n_over += 1;
            }
        }
        match keys.commit(changes) {
            Ok(()) => n_removed += n_over,
            // One of them is in use after all; the next sweep sees.
            Err(StorageError::Stale { .. }) => {}
            Err(error) => return Err(error),
        }
    }
}
