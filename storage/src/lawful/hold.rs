//! Holds: who asked for what to be kept, until when.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::counts::count;
use super::{LawfulError, Line};
use crate::audit::{self, Action, Actor, Entry, Subject};
use crate::calendar::MS_A_DAY;
use crate::keyspace::Space;
use crate::retention::pending;
use crate::staff::Kept;
use crate::staff::kept;
use crate::{Changes, ImageId, KeyRange, Keyspace, State, StorageError, Store};

/// `mh` `h` and the image.
const HOLDS: &[u8] = b"h";

/// The longest that an image is held without somebody saying so again.
pub const HOLD_DAYS_MAX: u64 = 1_830;

/// Holds read at a time.
const PAGE: usize = 200;

/// An image that the law keeps. Older entries have a field more, which is passed
/// over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The image.
    pub image: ImageId,
    /// What it is held for: a court's file number.
    pub reference: Line,
    /// Who set it, by pseudonym.
    pub set_by: String,
    /// Since when, in milliseconds since 1970 UTC.
    pub set_at_ms: u64,
    /// Until when.
    pub expires_at_ms: u64,
}

impl Hold {
    /// Whether it stands: its end ends it, however long the entry stays.
    #[must_use]
    pub fn stands(&self, now_ms: u64) -> bool {
        now_ms < self.expires_at_ms
    }
}

/// A hold to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHold {
    /// The image.
    pub image: ImageId,
    /// What it is held for.
    pub reference: Line,
    /// Until when.
    pub expires_at_ms: u64,
}

pub(super) fn key(image: &ImageId) -> Vec<u8> {
    Space::Holds.key(&[HOLDS, image.as_bytes()])
}

/// The hold of an image, if there is one; it may have lapsed: see [`Hold::stands`].
///
/// # Errors
/// When it cannot be read.
pub fn hold_of(keys: &dyn Keyspace, image: &ImageId) -> Result<Option<Hold>, StorageError> {
    Ok(Kept::read(keys, key(image))?.map(|kept| kept.value))
}

/// Whether a hold keeps an image, after `changes` if there are any.
pub(crate) fn keeps(
    get: impl FnOnce(&[u8]) -> Result<Option<Vec<u8>>, StorageError>,
    changes: Option<&Changes>,
    image: &ImageId,
) -> Result<bool, StorageError> {
    let key = key(image);
    match changes.and_then(|changes| changes.entries.get(&key)) {
        Some(planned) => Ok(planned.is_some()),
        None => Ok(get(&key)?.is_some()),
    }
}

/// Up to `limit` holds behind that of an image, in the order of ids.
///
/// # Errors
/// When they cannot be read.
pub fn holds(
    keys: &dyn Keyspace,
    after: Option<&ImageId>,
    limit: usize,
) -> Result<Vec<Hold>, StorageError> {
    let mut range = KeyRange::prefix(&Space::Holds.key(&[HOLDS]));
    if let Some(after) = after {
        range = range.after(&key(after));
    }
    let entries = keys.range(&range, limit)?;
    entries
        .into_iter()
        .map(|entry| Kept::decode(entry.key, entry.value).map(|kept| kept.value))
        .collect()
}

/// Holds an image: nothing purges it until the hold is released or ends. Who
/// may do so is the caller's to ask.
///
/// # Errors
/// [`LawfulError`] where something is missing, and the store's.
pub fn hold(store: &Store, actor: &Actor, new: &NewHold, now_ms: u64) -> Result<(), LawfulError> {
    if new.reference.is_empty() {
        return Err(LawfulError::Missing("the reference"));
    }
    let days = new.expires_at_ms.saturating_sub(now_ms) / MS_A_DAY;
    if !(1..=HOLD_DAYS_MAX).contains(&days) {
        return Err(LawfulError::Expiry);
    }
    audit::commit(store, |changes| {
        let found = store.find(&new.image)?;
        let mut record = found.ok_or(LawfulError::UnknownImage)?;
        let lapsed = Kept::<Hold>::read(store, key(&new.image))?;
        if lapsed
            .as_ref()
            .is_some_and(|kept| kept.value.stands(now_ms))
        {
            return Err(LawfulError::AlreadyHeld);
        }
        let hold = Hold {
            image: new.image,
            reference: new.reference.clone(),
            set_by: actor.name().to_owned(),
            set_at_ms: now_ms,
            expires_at_ms: new.expires_at_ms,
        };
        record.court_hold = true;
        changes.update_record(record);
        match &lapsed {
            None => kept::insert(changes, key(&new.image), &hold),
            Some(lapsed) => {
                // Its day had come before anybody took it away.
                lapsed.replace(changes, &hold);
                audit::append(store, changes, ended(actor, &lapsed.value, now_ms))?;
            }
        }
        count(store, changes, now_ms, |year| {
            year.n_held += 1;
            year.n_ended += u64::from(lapsed.is_some());
        })?;
        let said = json!({
            "reference": hold.reference.as_str(),
            "expires_at_ms": hold.expires_at_ms,
        });
        let entry = Entry::new(now_ms, actor.clone(), Action::new("lawful-hold-set"))
            .about(Subject::image(&new.image))
            .changed(Value::Null, said);
        audit::append(store, changes, entry)?;
        Ok(())
    })
}

/// The entry of a hold's end.
fn ended(actor: &Actor, hold: &Hold, now_ms: u64) -> Entry {
    Entry::new(now_ms, actor.clone(), Action::new("lawful-hold-ended"))
        .about(Subject::image(&hold.image))
        .changed(json!({"reference": hold.reference.as_str()}), Value::Null)
}

/// Ends a hold. False when there was none. An image that was deleted meanwhile
/// goes now; one that is held as evidence stays so.
///
/// # Errors
/// The store's.
pub fn release(
    store: &Store,
    actor: &Actor,
    image: &ImageId,
    now_ms: u64,
) -> Result<bool, LawfulError> {
    let is_released = audit::commit(store, |changes| {
        let Some(kept) = Kept::<Hold>::read(store, key(image))? else {
            return Ok(false);
        };
        let record = store.find(image)?;
        kept.remove(changes);
        pending::plan(store, changes, now_ms)?;
        if let Some(mut record) = record {
            record.court_hold = false;
            changes.update_record(record);
        }
        count(store, changes, now_ms, |year| year.n_ended += 1)?;
        audit::append(store, changes, ended(actor, &kept.value, now_ms))?;
        Ok::<_, LawfulError>(true)
    })?;
    if is_released {
        let removed = store.find(image)?;
        if removed.is_some_and(|record| record.state == State::Removed && !record.is_held()) {
            store.remove(image, now_ms)?;
        }
    }
    Ok(is_released)
}

/// The holds whose time is over, at most `limit`.
///
/// # Errors
/// When they cannot be read.
pub fn due(store: &Store, now_ms: u64, limit: usize) -> Result<Vec<Hold>, LawfulError> {
    let (mut due, mut after) = (Vec::new(), None);
    loop {
        let page = holds(store, after.as_ref(), PAGE)?;
        let Some(last) = page.last() else {
            return Ok(due);
        };
        after = Some(last.image);
        due.extend(page.into_iter().filter(|hold| hold.expires_at_ms <= now_ms));
        if due.len() >= limit {
            due.truncate(limit);
            return Ok(due);
        }
    }
}

/// Ends the holds whose time is over, at most `limit`; returns how many. One that
/// cannot be ended keeps no other.
///
/// # Errors
/// The first of those, once the others have ended, and the store's; calling again
/// goes on.
pub fn end_due(store: &Store, now_ms: u64, limit: usize) -> Result<usize, LawfulError> {
    let (mut n_ended, mut failure, mut after) = (0, None, None);
    loop {
        let page = holds(store, after.as_ref(), PAGE)?;
        let Some(last) = page.last() else {
            return failure.map_or(Ok(n_ended), Err);
        };
        after = Some(last.image);
        let due = page.iter().filter(|hold| hold.expires_at_ms <= now_ms);
        for hold in due {
            if n_ended >= limit {
                return Ok(n_ended);
            }
            match release(store, &Actor::System, &hold.image, now_ms) {
                Ok(_) => n_ended += 1,
                Err(error) => {
                    tracing::error!(id = %hold.image, %error, "a hold cannot be ended");
                    failure = failure.or(Some(error));
                }
            }
        }
    }
}
