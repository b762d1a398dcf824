//! The rules in force: those that staff set, else those of the settings.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use imgshare_storage::audit::{self, Action, Actor, Subject};
use imgshare_storage::moderation::ModerationError;
use imgshare_storage::{Keyspace, Space, StorageError, VALUE_BYTES_MAX};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rules::{self, Rule, RuleError};

/// The first byte of the stored rules.
const VERSION: u8 = 1;

/// The rules in force.
#[derive(Debug)]
pub struct RuleBook {
    rules: RwLock<Arc<[Rule]>>,
    /// One change at a time, so that what is in memory is what was written last.
    turn: Mutex<()>,
    /// Whoever looks at what other rules would change, one at a time.
    preview: Arc<Semaphore>,
}

/// Why rules were not taken.
#[derive(Debug, thiserror::Error)]
pub enum RuleBookError {
    /// They cannot be used.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// They are longer than can be kept.
    #[error("the rules take {bytes} bytes; at most {VALUE_BYTES_MAX} can be kept")]
    TooLong {
        /// Their size.
        bytes: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] ModerationError),
}

impl RuleBook {
    /// The rules of a store, else these.
    ///
    /// # Errors
    /// When they cannot be read, or were kept by a newer release: no image may
    /// pass without the rules that are meant for it.
    pub fn open(keys: &dyn Keyspace, settings: &[Rule]) -> Result<Self, StorageError> {
        let rules = match keys.get(&key())? {
            None => settings.to_vec(),
            Some(stored) => decode(&stored)?,
        };
        Ok(Self {
            rules: RwLock::new(rules.into()),
            turn: Mutex::new(()),
            preview: Arc::new(Semaphore::new(1)),
        })
    }

    /// The turn to look at what other rules would change, which takes the store
    /// for seconds; `None` while somebody else looks.
    #[must_use]
    pub fn preview_turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.preview).try_acquire_owned().ok()
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> Arc<[Rule]> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts other rules in force, for good. They are in the audit with those
    /// before them.
    ///
    /// # Errors
    /// [`RuleBookError`].
    pub fn set(
        &self,
        keys: &dyn Keyspace,
        actor: &Actor,
        rules: Vec<Rule>,
        now_ms: u64,
    ) -> Result<(), RuleBookError> {
        rules::check(&rules)?;
        let mut encoded = vec![VERSION];
        encoded.extend(json!(rules).to_string().into_bytes());
        // Twice in the audit's entry, before and after.
        let bytes = encoded.len().saturating_mul(2).saturating_add(1_024);
        if bytes > VALUE_BYTES_MAX {
            return Err(RuleBookError::TooLong { bytes });
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.rules();
        audit::commit(keys, |changes| {
            changes.put(key(), encoded.as_slice());
            let entry = audit::Entry::new(now_ms, actor.clone(), Action::new("rules-changed"))
                .about(Subject::named("setting", "rules"))
                .changed(json!(*before), json!(rules));
            audit::append(keys, changes, entry)?;
            Ok::<_, ModerationError>(())
        })?;
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = rules.into();
        Ok(())
    }
}

fn key() -> Vec<u8> {
    Space::Settings.key(&[b"rules"])
}

fn decode(stored: &[u8]) -> Result<Vec<Rule>, StorageError> {
    match stored.split_first() {
        Some((&VERSION, json)) => {
            serde_json::from_slice(json).map_err(|error| StorageError::Corrupt {
                detail: format!("the rules: {error}"),
            })
        }
        Some((&version, _)) => Err(StorageError::UnsupportedVersion {
            what: "the rules",
            version,
        }),
        None => Err(StorageError::Corrupt {
            detail: "the rules".into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use imgshare_storage::Store;

    use super::*;

    fn rule(name: &str) -> Rule {
        let when = r#"{"frames": {"at-least": 2}}"#;
        Rule {
            name: name.to_owned(),
            outcome: rules::Outcome::Review,
            when: serde_json::from_str(when).unwrap(),
        }
    }

    #[test]
    fn what_staff_set_stands_before_the_settings() {
        let store = Store::memory();
        let settings = [rule("of-the-file")];
        let book = RuleBook::open(&store, &settings).unwrap();
        assert_eq!(*book.rules(), settings);
        let set = |rules| book.set(&store, &Actor::Operator, rules, 7);
        assert!(set(vec![rule("Not A Name")]).is_err());
        let many = (0..100).map(|n| rule(&format!("rule-{n}"))).collect();
        assert!(matches!(set(many), Err(RuleBookError::TooLong { .. })));
        assert_eq!(*book.rules(), settings);
        set(vec![rule("of-the-staff")]).unwrap();
        let again = RuleBook::open(&store, &settings).unwrap();
        assert_eq!(*again.rules(), [rule("of-the-staff")]);
        let told = audit::entries_after(&store, 0, 9).unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].entry.before[0]["name"], "of-the-file");
    }

    #[test]
    fn rules_that_are_set_at_once_are_set_one_after_the_other() {
        let store = Store::memory();
        let book = RuleBook::open(&store, &[]).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (store, book) = (&store, &book);
                scope.spawn(move || {
                    for n in 0..50 {
                        let rules = vec![rule(&format!("rule-{thread}-{n}"))];
                        // Whoever else writes into the audit meanwhile may win.
                        while book.set(store, &Actor::Operator, rules.clone(), 7).is_err() {}
                    }
                });
            }
        });
        let stored = RuleBook::open(&store, &[]).unwrap();
        assert_eq!(stored.rules(), book.rules());
        let told = audit::entries_after(&store, 0, 999).unwrap();
        assert_eq!(told.len(), 200);
        for pair in told.windows(2) {
            assert_eq!(pair[0].entry.after, pair[1].entry.before);
        }
    }
}
