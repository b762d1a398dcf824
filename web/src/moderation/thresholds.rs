//! The thresholds in force: those that staff set, else those of the settings;
//! and the candidate that only counts what it would have done.
//!
//! Labels are derived from stored scores, so they follow at once; what else
//! follows, in the records and in the queue, is [`relabel`](super::relabel)'s.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use imgshare_models::scores::Thresholds;
use imgshare_storage::audit::{self, Action, Actor, Subject};
use imgshare_storage::moderation::{ModerationError, Queue, plan_shadow_end};
use imgshare_storage::{Changes, Keyspace, Space, StorageError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::relabel::Relabelling;
use super::shadow::{Tried, Watch, told_of};
use crate::config::Moderation;
use crate::error::WebError;

/// The first byte of what is stored of them.
const VERSION: u8 = 1;

/// The thresholds in force, and what may follow them.
#[derive(Debug)]
pub struct ThresholdBook {
    settings: Arc<Moderation>,
    in_force: RwLock<InForce>,
    /// One change at a time, so that what is in memory is what was written last.
    turn: Mutex<()>,
}

/// Thresholds with where they come from.
#[derive(Debug, Clone, PartialEq)]
pub struct InForce {
    /// The settings with these thresholds in the place of theirs.
    pub moderation: Arc<Moderation>,
    /// Who set them; `None` when they are the settings'.
    pub set: Option<SetByStaff>,
}

impl InForce {
    /// The thresholds, and where they come from, as JSON.
    #[must_use]
    pub fn told(&self) -> Value {
        let mut told = json!(self.moderation.thresholds());
        told["from"] = json!(match self.set {
            Some(_) => "staff",
            None => "settings",
        });
        told
    }
}

/// Thresholds that staff set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetByStaff {
    /// The thresholds.
    pub thresholds: Thresholds,
    /// By whom, by pseudonym.
    pub by: String,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: u64,
}

/// The candidate as it is stored, with the number of the last one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shelf {
    generation: u32,
    candidate: Option<Tried>,
}

/// Why thresholds were not taken.
#[derive(Debug, thiserror::Error)]
pub enum ThresholdError {
    /// They are no thresholds.
    #[error("each threshold and the band must lie between 0 and 1")]
    OutOfBounds,
    /// The candidate's model is none that classifies here.
    #[error("no such model classifies here")]
    UnknownModel,
    /// There is no candidate.
    #[error("there is no candidate")]
    NoCandidate,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] ModerationError),
}

impl From<StorageError> for ThresholdError {
    fn from(error: StorageError) -> Self {
        Self::Store(error.into())
    }
}

impl From<ThresholdError> for WebError {
    fn from(error: ThresholdError) -> Self {
        match error {
            ThresholdError::Store(error) => error.into(),
            other => Self::ThresholdsUnusable(other.to_string()),
        }
    }
}

impl ThresholdBook {
    /// The thresholds of a store, else these.
    ///
    /// # Errors
    /// When they cannot be read, or were kept by a newer release.
    pub fn open(keys: &dyn Keyspace, settings: &Moderation) -> Result<Self, StorageError> {
        let settings = Arc::new(settings.clone());
        let set: Option<SetByStaff> = read(keys, &thresholds_key())?.map(|(set, _)| set);
        Ok(Self {
            in_force: RwLock::new(in_force(&settings, set)),
            settings,
            turn: Mutex::new(()),
        })
    }

    /// What is in force.
    #[must_use]
    pub fn in_force(&self) -> InForce {
        let in_force = self.in_force.read();
        in_force.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The settings with the thresholds in force.
    #[must_use]
    pub fn moderation(&self) -> Arc<Moderation> {
        let in_force = self.in_force.read();
        let in_force = in_force.unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&in_force.moderation)
    }

    /// What the settings say.
    #[must_use]
    pub fn of_settings(&self) -> Thresholds {
        self.settings.thresholds()
    }

    /// Puts thresholds in force, for good, and begins to relabel what is stored.
    /// They are in the audit with those before them.
    ///
    /// # Errors
    /// [`ThresholdError`].
    pub fn set(
        &self,
        keys: &dyn Keyspace,
        actor: &Actor,
        thresholds: Thresholds,
        now_ms: u64,
    ) -> Result<(), ThresholdError> {
        check(&thresholds)?;
        let set = SetByStaff {
            thresholds,
            by: actor.name().to_owned(),
            at_ms: now_ms,
        };
        let _turn = self.turn();
        let next = in_force(&self.settings, Some(set));
        audit::commit(keys, |changes| {
            self.plan(keys, changes, actor, &next, now_ms)
        })?;
        self.put(next);
        Ok(())
    }

    /// Puts the settings' thresholds in force again. False when they are.
    ///
    /// # Errors
    /// The store's.
    pub fn reset(
        &self,
        keys: &dyn Keyspace,
        actor: &Actor,
        now_ms: u64,
    ) -> Result<bool, StorageError> {
        let _turn = self.turn();
        if self.in_force().set.is_none() {
            return Ok(false);
        }
        let next = in_force(&self.settings, None);
        audit::commit(keys, |changes| {
            self.plan(keys, changes, actor, &next, now_ms)
        })?;
        self.put(next);
        Ok(true)
    }

    fn plan(
        &self,
        keys: &dyn Keyspace,
        changes: &mut Changes,
        actor: &Actor,
        next: &InForce,
        now_ms: u64,
    ) -> Result<(), StorageError> {
        match &next.set {
            Some(set) => changes.put(thresholds_key(), encode(set)),
            None => changes.delete(thresholds_key()),
        }
        let begun = Relabelling::new(next.moderation.thresholds(), actor.name(), now_ms);
        changes.put(relabelling_key(), encode(&begun));
        let entry = audit::Entry::new(now_ms, actor.clone(), Action::new("thresholds-changed"))
            .about(Subject::named("setting", "thresholds"))
            .changed(self.in_force().told(), next.told());
        audit::append(keys, changes, entry)?;
        Ok(())
    }

    /// The candidate.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn candidate(&self, keys: &dyn Keyspace) -> Result<Option<Tried>, StorageError> {
        Ok(shelf(keys)?.0.candidate)
    }

    /// Lets a candidate count, in the place of the one before.
    ///
    /// # Errors
    /// [`ThresholdError`].
    pub fn try_out(
        &self,
        queue: &Queue,
        actor: &Actor,
        thresholds: Thresholds,
        model: Option<String>,
        now_ms: u64,
    ) -> Result<(), ThresholdError> {
        check(&thresholds)?;
        let _turn = self.turn();
        let keys = &**queue.store();
        queue.merge_uploads()?;
        let tried = audit::commit(keys, |changes| {
            let (shelf, stored) = shelf(keys)?;
            let generation = shelf.generation.saturating_add(1);
            let tried = Tried {
                generation,
                thresholds,
                model: model.clone(),
                by: actor.name().to_owned(),
                since_ms: now_ms,
            };
            let before = ended(keys, changes, shelf.candidate.as_ref())?;
            let next = Shelf {
                generation,
                candidate: Some(tried.clone()),
            };
            changes.expect(shelf_key(), stored);
            changes.put(shelf_key(), encode(&next));
            let entry = shadow_entry("shadow-begun", actor, now_ms).changed(before, json!(tried));
            audit::append(keys, changes, entry)?;
            Ok::<_, StorageError>(tried)
        })?;
        queue.set_candidate(Some(Arc::new(Watch(tried))));
        Ok(())
    }

    /// Ends the candidate. What it counted is in the audit, and nowhere else.
    ///
    /// # Errors
    /// [`ThresholdError::NoCandidate`], and the store's.
    pub fn discard(&self, queue: &Queue, actor: &Actor, now_ms: u64) -> Result<(), ThresholdError> {
        let _turn = self.turn();
        queue.merge_uploads()?;
        let keys = &**queue.store();
        audit::commit(keys, |changes| {
            let tried = take_candidate(keys, changes)?;
            let before = ended(keys, changes, Some(&tried))?;
            let entry = shadow_entry("shadow-discarded", actor, now_ms);
            audit::append(keys, changes, entry.changed(before, Value::Null))?;
            Ok::<_, ThresholdError>(())
        })?;
        queue.set_candidate(None);
        Ok(())
    }

    /// Puts the candidate's thresholds in force, and ends it.
    ///
    /// # Errors
    /// [`ThresholdError::NoCandidate`], and the store's.
    pub fn promote(&self, queue: &Queue, actor: &Actor, now_ms: u64) -> Result<(), ThresholdError> {
        let _turn = self.turn();
        queue.merge_uploads()?;
        let keys = &**queue.store();
        let next = audit::commit(keys, |changes| {
            let tried = take_candidate(keys, changes)?;
            let before = ended(keys, changes, Some(&tried))?;
            let entry = shadow_entry("shadow-promoted", actor, now_ms);
            audit::append(keys, changes, entry.changed(before, Value::Null))?;
            let set = SetByStaff {
                thresholds: tried.thresholds,
                by: actor.name().to_owned(),
                at_ms: now_ms,
            };
            let next = in_force(&self.settings, Some(set));
            self.plan(keys, changes, actor, &next, now_ms)?;
            Ok::<_, ThresholdError>(next)
        })?;
        queue.set_candidate(None);
        self.put(next);
        Ok(())
    }

    /// Lets the stored candidate count: for the start.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn watch(&self, queue: &Queue) -> Result<(), StorageError> {
        if let Some(tried) = self.candidate(&**queue.store())? {
            queue.set_candidate(Some(Arc::new(Watch(tried))));
        }
        Ok(())
    }

    fn put(&self, next: InForce) {
        let in_force = self.in_force.write();
        *in_force.unwrap_or_else(PoisonError::into_inner) = next;
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses what is no threshold.
///
/// # Errors
/// [`ThresholdError::OutOfBounds`].
pub fn check(thresholds: &Thresholds) -> Result<(), ThresholdError> {
    let Thresholds {
        explicit,
        sexy,
        ads,
        review_band,
    } = thresholds;
    let shares = [explicit, sexy, ads, review_band];
    match shares.into_iter().all(|share| (0.0..=1.0).contains(share)) {
        true => Ok(()),
        false => Err(ThresholdError::OutOfBounds),
    }
}

fn in_force(settings: &Arc<Moderation>, set: Option<SetByStaff>) -> InForce {
    let moderation = match &set {
        None => Arc::clone(settings),
        Some(set) => Arc::new(settings.with_thresholds(&set.thresholds)),
    };
    InForce { moderation, set }
}

fn shadow_entry(action: &'static str, actor: &Actor, now_ms: u64) -> audit::Entry {
    audit::Entry::new(now_ms, actor.clone(), Action::new(action))
        .about(Subject::named("setting", "shadow-thresholds"))
}

/// Plans to take the candidate from its shelf.
fn take_candidate(keys: &dyn Keyspace, changes: &mut Changes) -> Result<Tried, ThresholdError> {
    let (shelf, stored) = shelf(keys)?;
    let tried = shelf.candidate.ok_or(ThresholdError::NoCandidate)?;
    let empty = Shelf {
        candidate: None,
        ..shelf
    };
    changes.expect(shelf_key(), stored);
    changes.put(shelf_key(), encode(&empty));
    Ok(tried)
}

/// Plans to forget what a candidate counted; tells of it.
fn ended(
    keys: &dyn Keyspace,
    changes: &mut Changes,
    tried: Option<&Tried>,
) -> Result<Value, StorageError> {
    let Some(tried) = tried else {
        return Ok(Value::Null);
    };
    let figures = plan_shadow_end(keys, changes, tried.generation)?;
    Ok(json!({"candidate": tried, "figures": told_of(&figures)}))
}

fn shelf(keys: &dyn Keyspace) -> Result<(Shelf, Option<Vec<u8>>), StorageError> {
    Ok(match read(keys, &shelf_key())? {
        Some((shelf, stored)) => (shelf, Some(stored)),
        None => (Shelf::default(), None),
    })
}

fn thresholds_key() -> Vec<u8> {
    Space::Settings.key(&[b"thresholds"])
}

pub(super) fn relabelling_key() -> Vec<u8> {
    Space::Settings.key(&[b"relabelling"])
}

fn shelf_key() -> Vec<u8> {
    Space::Settings.key(&[b"shadow"])
}

/// A version byte, then JSON.
pub(super) fn encode(value: &impl Serialize) -> Vec<u8> {
    let mut encoded = vec![VERSION];
    encoded.extend(json!(value).to_string().into_bytes());
    encoded
}

/// Reads a value back, with what is stored of it.
pub(super) fn read<T: DeserializeOwned>(
    keys: &dyn Keyspace,
    key: &[u8],
) -> Result<Option<(T, Vec<u8>)>, StorageError> {
    let Some(stored) = keys.get(key)? else {
        return Ok(None);
    };
    let corrupt = |detail: String| StorageError::Corrupt {
        detail: format!("the thresholds: {detail}"),
    };
    match stored.split_first() {
        Some((&VERSION, json)) => match serde_json::from_slice(json) {
            Ok(value) => Ok(Some((value, stored))),
            Err(error) => Err(corrupt(error.to_string())),
        },
        Some((&version, _)) => Err(StorageError::UnsupportedVersion {
            what: "the thresholds",
            version,
        }),
        None => Err(corrupt("nothing".to_owned())),
    }
}

#[cfg(test)]
#[path = "thresholds/tests.rs"]
mod tests;
