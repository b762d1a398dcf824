//! Sessions, kept under the hash of their token.

use serde::{Deserialize, Serialize};

use super::kept::{self, Kept};
use super::{Account, KeptSecret, Secret, StaffId, account};
use crate::{Changes, KeyRange, Keyspace, Space, StorageError, hex_bytes};

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The password was right; the second factor is asked for.
    SecondFactor,
    /// Logged in.
    Full,
}

/// A session of a member of the staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionRecord {
    /// Whose.
    pub staff: StaffId,
    /// How far it has come.
    pub stage: Stage,
    /// When it began.
    pub created_at_ms: u64,
    /// When it was last used, to a minute or so.
    pub seen_at_ms: u64,
    /// When a second factor was last proved.
    pub factor_at_ms: u64,
    /// The account's generation when it began.
    pub generation: u64,
    /// The challenge that an authenticator was given last; good for one answer.
    #[serde(default)]
    pub challenge: Option<Challenge>,
    /// The secret offered to an authenticator app that is being enrolled.
    #[serde(default)]
    pub offered: Option<OfferedSecret>,
}

/// A challenge for an authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Challenge(#[serde(with = "hex_bytes")] pub [u8; 32]);

/// A secret for an authenticator app, until a code proves that it has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OfferedSecret(pub KeptSecret);

/// How long sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimes {
    /// Without use.
    pub idle_ms_max: u64,
    /// In all.
    pub age_ms_max: u64,
    /// Between password and second factor.
    pub half_ms_max: u64,
}

impl SessionRecord {
    /// Whether it is still good by the clock. One from the future is not: the
    /// clock was set back, and nothing says how old it is.
    #[must_use]
    pub fn is_alive(&self, now_ms: u64, times: &SessionTimes) -> bool {
        let within =
            |since: u64, ms_max: u64| now_ms.checked_sub(since).is_some_and(|age| age < ms_max);
        let age_ms_max = match self.stage {
            Stage::SecondFactor => times.half_ms_max,
            Stage::Full => times.age_ms_max,
        };
        within(self.created_at_ms, age_ms_max) && within(self.seen_at_ms, times.idle_ms_max)
    }
}

/// A live session with its account.
#[derive(Debug, Clone)]
pub struct LiveSession {
    /// The session.
    pub session: Kept<SessionRecord>,
    /// Its account, as it is now.
    pub account: Kept<Account>,
}

/// The live session of a token: not expired, of an account that is open and has
/// not ended it.
///
/// # Errors
/// When it cannot be read.
pub fn live_session(
    keys: &dyn Keyspace,
    token: &Secret,
    now_ms: u64,
    times: &SessionTimes,
) -> Result<Option<LiveSession>, StorageError> {
    let Some(session) = Kept::<SessionRecord>::read(keys, key(token))? else {
        return Ok(None);
    };
    if !session.value.is_alive(now_ms, times) {
        return Ok(None);
    }
    let account = account(keys, &session.value.staff)?;
    let is_open = |account: &Kept<Account>| {
        !account.value.is_disabled && account.value.generation == session.value.generation
    };
    Ok(account
        .filter(is_open)
        .map(|account| LiveSession { session, account }))
}

/// Adds a session under its token.
pub fn add_session(changes: &mut Changes, token: &Secret, session: &SessionRecord) {
    kept::insert(changes, key(token), session);
}

/// Removes the session of a token, whatever it is now.
pub fn remove_session(changes: &mut Changes, token: &Secret) {
    changes.delete(key(token));
}

pub(super) fn all() -> KeyRange {
    Space::Sessions.all()
}

fn key(token: &Secret) -> Vec<u8> {
    Space::Sessions.key(&[&token.hash()])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: SessionTimes = SessionTimes {
        idle_ms_max: 30,
        age_ms_max: 720,
        half_ms_max: 5,
    };

    #[test]
    fn a_session_ends_by_idling_and_by_age() {
        let mut session = SessionRecord {
            staff: StaffId::random().unwrap(),
            stage: Stage::Full,
            created_at_ms: 1_000,
            seen_at_ms: 1_000,
            factor_at_ms: 1_000,
            generation: 0,
            challenge: None,
            offered: None,
        };
        assert!(session.is_alive(1_029, &TIMES));
        assert!(!session.is_alive(1_030, &TIMES));
        assert!(!session.is_alive(999, &TIMES));
        session.seen_at_ms = 1_700;
        assert!(session.is_alive(1_719, &TIMES));
        assert!(!session.is_alive(1_720, &TIMES));
        session.stage = Stage::SecondFactor;
        session.seen_at_ms = 1_000;
        assert!(session.is_alive(1_004, &TIMES));
        assert!(!session.is_alive(1_005, &TIMES));
    }
}
