//! Images that nobody views (P13a): announced, and removed some days later unless
//! somebody does. Views count wherever they come from; the clock starts at the
//! upload.
//!
//! Left alone is what has a clock of its own or is needed: what is under legal
//! hold, reported, objected to, waits for a moderator, or was removed by one. What
//! is held is announced like anything else all the same: whether it is held must
//! not show in what its owner is told.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Did, PLAN_MAX, Retention, RetentionError, Terms, keys, wide};
use crate::audit::{self, Action, Actor, Subject};
use crate::calendar;
use crate::complaints::outcome;
use crate::erased;
use crate::staff::kept::{self, Kept};
use crate::{Changes, Idle, ImageId, Keyspace, Record, State, StorageError, Store};

/// Idle images looked at together.
const PAGE: usize = 256;

/// That an image is to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Warning {
    /// The day it was last used.
    since_day: u32,
    /// The day it is removed, unless it is viewed.
    remove_day: u32,
}

/// How far the pass of a day has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pass {
    day: u32,
    /// The last image looked at; `None` when the day's pass is over.
    after: Option<Idle>,
}

/// When an image that nobody views will be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// Whether it is announced: nobody has viewed it for as long as the terms say.
    pub is_warned: bool,
    /// The day on which it is removed unless it is viewed before, in milliseconds
    /// since 1970 UTC.
    pub remove_at_ms: u64,
}

/// When an image will be removed if nobody views it from now on; `None` when it
/// will not. A legal hold makes no difference: people are told this.
///
/// # Errors
/// When it cannot be read.
pub fn outlook(
    store: &Store,
    record: &Record,
    terms: &Terms,
    now_ms: u64,
) -> Result<Option<Outlook>, StorageError> {
    if is_openly_exempt(store, record)? {
        return Ok(None);
    }
    let used = used_day(store, record)?;
    let kept = Kept::<Warning>::read(store, keys::warning(&record.id))?;
    let warning = kept
        .map(|kept| kept.value)
        .filter(|warning| used <= warning.since_day);
    let earliest = used
        .saturating_add(terms.idle_days)
        .saturating_add(terms.grace_days)
        .saturating_add(1);
    let remove_day = match &warning {
        Some(warning) => warning.remove_day,
        // The warning comes first, and lasts.
        None => earliest.max(calendar::day(now_ms).saturating_add(terms.grace_days)),
    };
    Ok(Some(Outlook {
        is_warned: warning.is_some(),
        remove_at_ms: u64::from(remove_day).saturating_mul(calendar::MS_A_DAY),
    }))
}

impl Retention<'_> {
    pub(super) fn to_warn(&self, now_ms: u64) -> Result<Vec<String>, RetentionError> {
        let store = &**self.queue.store();
        let mut due = Vec::new();
        let mut after = None;
        loop {
            let page = store.idle_before(self.idle_day(now_ms), after.as_ref(), PAGE)?;
            for idle in &page {
                if self.is_to_be_warned(idle)? {
                    due.push(idle.id.to_string());
                }
            }
            after = page.last().copied();
            if page.len() < PAGE || due.len() >= PLAN_MAX {
                return Ok(due);
            }
        }
    }

    /// Announces the end of idle images. Every image is looked at once a day.
    pub(super) fn warn(&self, now_ms: u64, limit: usize) -> Result<Did, RetentionError> {
        let store = &**self.queue.store();
        store.merge_views()?;
        let today = calendar::day(now_ms);
        let pass = Kept::<Pass>::read(store, keys::pass("warn"))?.map(|kept| kept.value);
        let pass = pass.filter(|pass| pass.day == today);
        if pass.is_some_and(|pass| pass.after.is_none()) {
            return Ok(Did::default());
        }
        let after = pass.and_then(|pass| pass.after);
        let page = store.idle_before(self.idle_day(now_ms), after.as_ref(), limit)?;
        let mut changes = Changes::new();
        let mut n_done = 0;
        for idle in &page {
            if self.is_to_be_warned(idle)? {
                let warning = Warning {
                    since_day: idle.since_day,
                    remove_day: today.saturating_add(self.terms.grace_days),
                };
                kept::insert(&mut changes, keys::warning(&idle.id), &warning);
                changes.put(keys::warned(warning.remove_day, &idle.id), []);
                n_done += 1;
            }
        }
        let is_more = page.len() >= limit;
        let pass = Pass {
            day: today,
            after: page.last().copied().filter(|_| is_more),
        };
        changes.put(keys::pass("warn"), kept::encode(&pass));
        Keyspace::commit(store, changes)?;
        Ok(Did {
            n_done,
            is_more,
            ..Did::default()
        })
    }

    fn is_to_be_warned(&self, idle: &Idle) -> Result<bool, StorageError> {
        let store = &**self.queue.store();
        if store.get(&keys::warning(&idle.id))?.is_some() {
            return Ok(false);
        }
        match store.find(&idle.id)? {
            Some(record) => Ok(!is_openly_exempt(store, &record)?),
            None => Ok(false),
        }
    }

    pub(super) fn to_remove(&self, now_ms: u64) -> Result<Vec<String>, RetentionError> {
        let store = &**self.queue.store();
        let range = keys::warned_until(calendar::day(now_ms));
        let mut due = Vec::new();
        for entry in store.range(&range, PLAN_MAX)? {
            if let Some((_, image)) = keys::warned_image(&entry.key)
                && matches!(self.fate(&image)?, Fate::Removed(_))
            {
                due.push(image.to_string());
            }
        }
        Ok(due)
    }

    /// Removes announced images whose day has come, at most `limit`.
    pub(super) fn remove_idle(&self, now_ms: u64, limit: usize) -> Result<Did, RetentionError> {
        let store = &**self.queue.store();
        store.merge_views()?;
        let today = calendar::day(now_ms);
        let entries = store.range(&keys::warned_until(today), limit)?;
        let mut did = Did {
            is_more: entries.len() >= limit,
            ..Did::default()
        };
        for entry in entries {
            let Some((day, image)) = keys::warned_image(&entry.key) else {
                continue;
            };
            match self.fate(&image)? {
                Fate::Removed(warning) => {
                    store.remove(&image, now_ms)?;
                    self.settle_removed(&image, day, warning, now_ms)?;
                    did.images.push(image);
                }
                Fate::Spared => {
                    let mut changes = Changes::new();
                    forget(&mut changes, day, &image);
                    Keyspace::commit(store, changes)?;
                }
                Fate::PutOff(warning) => {
                    let mut changes = Changes::new();
                    forget(&mut changes, day, &image);
                    let warning = Warning {
                        remove_day: today.saturating_add(1),
                        ..warning
                    };
                    changes.put(keys::warning(&image), kept::encode(&warning));
                    changes.put(keys::warned(warning.remove_day, &image), []);
                    Keyspace::commit(store, changes)?;
                }
            }
        }
        did.n_done = wide(did.images.len());
        Ok(did)
    }

    /// Takes the warning away, and says in the audit why the image is gone: under
    /// the hash of its tombstone, since the audit outlives it. Whoever has the link
    /// can tell which it was, and nobody else.
    fn settle_removed(
        &self,
        image: &ImageId,
        day: u32,
        warning: Warning,
        now_ms: u64,
    ) -> Result<(), RetentionError> {
        let _turn = self.queue.turn();
        let store = &**self.queue.store();
        audit::commit(store, |changes| {
            forget(changes, day, image);
            let idle_days = calendar::day(now_ms).saturating_sub(warning.since_day);
            let entry = audit::Entry::new(now_ms, Actor::System, Action::new("image-expired"))
                .about(Subject::named(
                    "erased",
                    &hex::encode(erased::hash_of(image)),
                ))
                .changed(json!({"idle_days": idle_days}), Value::Null);
            audit::append(store, changes, entry)?;
            Ok::<(), StorageError>(())
        })?;
        Ok(())
    }

    fn fate(&self, image: &ImageId) -> Result<Fate, StorageError> {
        let store = &**self.queue.store();
        let warning = Kept::<Warning>::read(store, keys::warning(image))?;
        let (Some(warning), Some(record)) = (warning, store.find(image)?) else {
            return Ok(Fate::Spared);
        };
        if used_day(store, &record)? > warning.value.since_day {
            return Ok(Fate::Spared);
        }
        if is_exempt(store, &record)? {
            return Ok(Fate::PutOff(warning.value));
        }
        Ok(Fate::Removed(warning.value))
    }
}

/// What becomes of a warned image whose day has come.
enum Fate {
    Removed(Warning),
    /// It was viewed, or is gone.
    Spared,
    /// Something keeps it for now.
    PutOff(Warning),
}

fn forget(changes: &mut Changes, day: u32, image: &ImageId) {
    changes.delete(keys::warning(image));
    changes.delete(keys::warned(day, image));
}

fn used_day(store: &Store, record: &Record) -> Result<u32, StorageError> {
    let viewed = store.views(&record.id)?.last_day.unwrap_or_default();
    Ok(calendar::day(record.uploaded_at_ms).max(viewed))
}

fn is_exempt(store: &Store, record: &Record) -> Result<bool, StorageError> {
    Ok(record.is_held() || is_openly_exempt(store, record)?)
}

/// Whether something keeps an image that its owner may know of.
fn is_openly_exempt(store: &Store, record: &Record) -> Result<bool, StorageError> {
    let has_own_clock = matches!(
        record.state,
        State::Review | State::Blocked | State::Removed
    );
    Ok(has_own_clock || outcome::is_disputed(store, &record.id)?)
}
