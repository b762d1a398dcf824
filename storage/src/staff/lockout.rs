//! How long a name is locked after wrong passwords and codes. Names without an
//! account are counted alike, so that nothing tells them apart.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::kept::{self, Kept};
use crate::{Changes, KeyRange, Keyspace, Space, StorageError, hex_bytes};

/// Failures are forgotten after a day without one.
const FORGOTTEN_AFTER_MS: u64 = 86_400_000;

/// The first lock; each further failure doubles it.
const FIRST_LOCK_MS: u64 = 30_000;

/// When a name is locked, and for how long at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockoutRules {
    /// Failures that cost nothing.
    pub free_failures: u32,
    /// The longest lock.
    pub lock_ms_max: u64,
}

/// The failures of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failures {
    /// How many in a row.
    pub count: u32,
    /// When the last one was.
    pub last_at_ms: u64,
    /// Until when no attempt is looked at.
    pub locked_until_ms: u64,
}

impl Failures {
    /// What is left of a lock, in milliseconds; `None` when there is none.
    #[must_use]
    pub fn locked_for_ms(&self, now_ms: u64) -> Option<u64> {
        self.locked_until_ms
            .checked_sub(now_ms)
            .filter(|left| *left > 0)
    }

    /// With one failure more.
    #[must_use]
    pub fn one_more(self, now_ms: u64, rules: &LockoutRules) -> Self {
        let is_forgotten = now_ms.saturating_sub(self.last_at_ms) > FORGOTTEN_AFTER_MS;
        let count = if is_forgotten {
            1
        } else {
            self.count.saturating_add(1)
        };
        let n_doublings = count.checked_sub(rules.free_failures.max(1));
        let lock_ms = n_doublings.map_or(0, |n| {
            let factor = 1_u64.checked_shl(n).unwrap_or(u64::MAX);
            FIRST_LOCK_MS.saturating_mul(factor).min(rules.lock_ms_max)
        });
        Self {
            count,
            last_at_ms: now_ms,
            locked_until_ms: now_ms.saturating_add(lock_ms),
        }
    }

    pub(super) fn is_forgotten(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.last_at_ms) > FORGOTTEN_AFTER_MS
    }
}

/// The failures of a name that somebody tries to log in with, whatever it is.
/// It is kept hashed with a secret of this database: people type passwords into
/// the wrong field.
#[derive(Debug, Clone)]
pub struct Tried {
    key: Vec<u8>,
    kept: Option<Kept<Failures>>,
}

impl Tried {
    /// Reads what is known of a name.
    ///
    /// # Errors
    /// When it cannot be read, or the secret not be made.
    pub fn read(keys: &dyn Keyspace, name: &str) -> Result<Self, StorageError> {
        let mut hash = Sha256::new();
        hash.update(pepper(keys)?);
        hash.update(name.trim().to_ascii_lowercase());
        let key = Space::Staff.key(&[b"f", &hash.finalize()]);
        let kept = Kept::read(keys, key.clone())?;
        Ok(Self { key, kept })
    }

    /// The failures so far.
    #[must_use]
    pub fn failures(&self) -> Failures {
        self.kept
            .as_ref()
            .map(|kept| kept.value)
            .unwrap_or_default()
    }

    /// Counts one failure more, and returns what it comes to.
    pub fn fail(&self, changes: &mut Changes, now_ms: u64, rules: &LockoutRules) -> Failures {
        let next = self.failures().one_more(now_ms, rules);
        match &self.kept {
            Some(kept) => kept.replace(changes, &next),
            None => kept::insert(changes, self.key.clone(), &next),
        }
        next
    }

    /// Takes a counted failure back: there was none, or not all was asked yet.
    pub fn restore(&self, changes: &mut Changes, before: &Failures) {
        if let Some(kept) = &self.kept {
            kept.replace(changes, before);
        }
    }

    /// Forgets all failures: an attempt succeeded, or an admin unlocks.
    pub fn forget(&self, changes: &mut Changes) {
        if let Some(kept) = &self.kept {
            kept.remove(changes);
        }
    }
}

pub(super) fn all() -> KeyRange {
    KeyRange::prefix(&Space::Staff.key(&[b"f"]))
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Pepper(#[serde(with = "hex_bytes")] [u8; 32]);

/// The secret of this database, drawn when it is first needed.
fn pepper(keys: &dyn Keyspace) -> Result<[u8; 32], StorageError> {
    let key = Space::Staff.key(&[b"k"]);
    if let Some(kept) = Kept::<Pepper>::read(keys, key.clone())? {
        return Ok(kept.value.0);
    }
    let mut drawn = [0; 32];
    getrandom::fill(&mut drawn).map_err(|error| {
        StorageError::io("drawing a secret", std::io::Error::other(error.to_string()))
    })?;
    let mut changes = Changes::new();
    kept::insert(&mut changes, key.clone(), &Pepper(drawn));
    match keys.commit(changes) {
        Ok(()) => Ok(drawn),
        // Somebody else was first.
        Err(StorageError::Stale { .. }) => {
            let kept = Kept::<Pepper>::read(keys, key)?;
            Ok(kept.map_or(drawn, |kept| kept.value.0))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryRecords;

    const RULES: LockoutRules = LockoutRules {
        free_failures: 5,
        lock_ms_max: 3_600_000,
    };

    #[test]
    fn locks_double_up_to_their_bound() {
        let mut failures = Failures::default();
        let mut locks = Vec::new();
        for _ in 0..14 {
            failures = failures.one_more(1_000, &RULES);
            locks.push(failures.locked_for_ms(1_000).unwrap_or(0) / 1_000);
        }
        let expected = [
            0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600,
        ];
        assert_eq!(locks, expected);
        let much = Failures {
            count: u32::MAX,
            ..failures
        };
        assert_eq!(
            much.one_more(1_000, &RULES).locked_for_ms(1_000),
            Some(3_600_000)
        );
    }

    #[test]
    fn failures_are_forgotten_after_a_day() {
        let failures = (0..9).fold(Failures::default(), |failures, _| {
            failures.one_more(1, &RULES)
        });
        let later = 1 + FORGOTTEN_AFTER_MS + 1;
        assert_eq!(failures.one_more(later, &RULES).count, 1);
        assert!(failures.is_forgotten(later) && !failures.is_forgotten(later - 1));
    }

    #[test]
    fn a_name_is_counted_whether_it_exists_or_not() {
        let keys = MemoryRecords::default();
        for n in 1..=3 {
            let mut changes = Changes::new();
            let tried = Tried::read(&keys, " Nobody ").unwrap();
            assert_eq!(tried.fail(&mut changes, 7, &RULES).count, n);
            keys.commit(changes).unwrap();
        }
        let tried = Tried::read(&keys, "nobody").unwrap();
        assert_eq!(tried.failures().count, 3);
        let mut changes = Changes::new();
        tried.forget(&mut changes);
        keys.commit(changes).unwrap();
        assert_eq!(Tried::read(&keys, "nobody").unwrap().failures().count, 0);
    }
}
