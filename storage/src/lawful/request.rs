//! Requests about personal data that came by mail, each with its clock (P20,
//! P25). Staff enter them; a year after the answer they are gone.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{LawfulError, Line, Words};
use crate::audit::{self, Action, Actor, Entry, Subject};
use crate::calendar::MS_A_DAY;
use crate::keyspace::Space;
use crate::retention::pending;
use crate::staff::Kept;
use crate::staff::kept;
use crate::{KeyRange, Keyspace, StorageError};

/// `mg` `o`, by when, and the number: what waits.
const OPEN: &[u8] = b"o";
/// `mg` `d`, when, and the number: what was answered.
const ANSWERED: &[u8] = b"d";
/// `mg` `n`: the last number.
const LAST: &[u8] = b"n";

/// Days in which a request is answered.
pub const REQUEST_DAYS: u64 = 30;

/// Days in which one about a child under 13 is (P22).
pub const URGENT_DAYS: u64 = 3;

/// Days that an arrival can be ago: a slip in the year is none.
const ARRIVAL_DAYS_MAX: u64 = 366;

/// Days before its end from which a request is told to be due soon.
const SOON_DAYS: u64 = 3;

/// Days for which an answered request is kept.
pub const REQUESTS_KEPT_DAYS: u64 = 365;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestKind {
    /// To see what is held.
    Access,
    /// To get it for another program.
    Portability,
    /// To mend it.
    Correction,
    /// To delete it.
    Deletion,
    /// To stop something that is done with it.
    Objection,
    /// It is about a child under 13.
    UnderAge,
    /// Anything else about privacy.
    Other,
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::UnderAge,
        Self::Access,
        Self::Deletion,
        Self::Correction,
        Self::Portability,
        Self::Objection,
        Self::Other,
    ];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Portability => "portability",
            Self::Correction => "correction",
            Self::Deletion => "deletion",
            Self::Objection => "objection",
            Self::UnderAge => "under-age",
            Self::Other => "other",
        }
    }

    fn days(self) -> u64 {
        match self {
            Self::UnderAge => URGENT_DAYS,
            _ => REQUEST_DAYS,
        }
    }
}

/// A request to be entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestDraft {
    /// What is asked for.
    pub kind: RequestKind,
    /// What it says.
    pub words: Words,
    /// Where the answer goes.
    pub contact: Line,
    /// When it arrived.
    pub received_at_ms: u64,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Counted from 1.
    pub number: u64,
    /// What is asked for.
    pub kind: RequestKind,
    /// What it says.
    pub words: Words,
    /// Where the answer goes.
    pub contact: Line,
    /// When it arrived, in milliseconds since 1970 UTC.
    pub received_at_ms: u64,
    /// By when it is answered.
    pub due_at_ms: u64,
    /// The answer; `None` while it waits.
    pub answer: Option<Answer>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// When.
    pub at_ms: u64,
    /// By whom.
    pub by: String,
    /// What was done.
    pub words: Words,
}

fn timed(part: &[u8], at_ms: u64, number: u64) -> Vec<u8> {
    Space::Rights.key(&[part, &at_ms.to_be_bytes(), &number.to_be_bytes()])
}

fn subject(number: u64) -> Subject {
    Subject::named("privacy-request", &number.to_string())
}

/// Enters a request, and starts its clock at the day it arrived. The audit says
/// that there is one, and nothing of what it says.
///
/// # Errors
/// [`LawfulError::Missing`] for one that says nothing,
/// [`LawfulError::ArrivalAhead`] and [`LawfulError::ArrivalLongAgo`] for a day that
/// cannot be, and the store's.
pub fn enter(
    keys: &dyn Keyspace,
    actor: &Actor,
    draft: &RequestDraft,
    now_ms: u64,
) -> Result<u64, LawfulError> {
    if draft.words.is_empty() {
        return Err(LawfulError::Missing("what is asked for"));
    }
    let received_at_ms = draft.received_at_ms;
    match now_ms.checked_sub(received_at_ms) {
        None => return Err(LawfulError::ArrivalAhead),
        Some(ago_ms) if ago_ms > ARRIVAL_DAYS_MAX.saturating_mul(MS_A_DAY) => {
            return Err(LawfulError::ArrivalLongAgo);
        }
        Some(_) => {}
    }
    audit::commit(keys, |changes| {
        let last_key = Space::Rights.key(&[LAST]);
        let last = Kept::<u64>::read(keys, last_key.clone())?;
        let number = last.as_ref().map_or(0, |kept| kept.value).saturating_add(1);
        match last {
            Some(kept) => kept.replace(changes, &number),
            None => kept::insert(changes, last_key, &number),
        }
        let request = Request {
            number,
            kind: draft.kind,
            words: draft.words.clone(),
            contact: draft.contact.clone(),
            received_at_ms,
            due_at_ms: received_at_ms.saturating_add(draft.kind.days() * MS_A_DAY),
            answer: None,
        };
        kept::insert(changes, timed(OPEN, request.due_at_ms, number), &request);
        let said = json!({"kind": request.kind, "due_at_ms": request.due_at_ms});
        let entry = Entry::new(
            now_ms,
            actor.clone(),
            Action::new("privacy-request-entered"),
        )
        .about(subject(number))
        .changed(Value::Null, said);
        audit::append(keys, changes, entry)?;
        Ok(number)
    })
}

fn read(
    keys: &dyn Keyspace,
    range: &KeyRange,
    limit: usize,
) -> Result<Vec<Kept<Request>>, StorageError> {
    let entries = keys.range(range, limit)?;
    entries
        .into_iter()
        .map(|entry| Kept::decode(entry.key, entry.value))
        .collect()
}

fn values(kept: Vec<Kept<Request>>) -> Vec<Request> {
    kept.into_iter().map(|kept| kept.value).collect()
}

/// What waits, the most urgent first.
///
/// # Errors
/// When it cannot be read.
pub fn open(keys: &dyn Keyspace, limit: usize) -> Result<Vec<Request>, StorageError> {
    let range = KeyRange::prefix(&Space::Rights.key(&[OPEN]));
    Ok(values(read(keys, &range, limit)?))
}

/// How the clocks of what waits stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestClocks {
    /// Requests that wait.
    pub n_open: usize,
    /// Of those, how many are overdue.
    pub n_overdue: usize,
    /// How many are not, and are due within three days.
    pub n_soon: usize,
}

/// How the clocks stand, over at most `limit` requests, the most urgent first.
///
/// # Errors
/// When they cannot be read.
pub fn clocks(
    keys: &dyn Keyspace,
    now_ms: u64,
    limit: usize,
) -> Result<RequestClocks, StorageError> {
    let soon_ms = now_ms.saturating_add(SOON_DAYS.saturating_mul(MS_A_DAY));
    let mut clocks = RequestClocks::default();
    for request in open(keys, limit)? {
        clocks.n_open += 1;
        if request.due_at_ms < now_ms {
            clocks.n_overdue += 1;
        } else if request.due_at_ms <= soon_ms {
            clocks.n_soon += 1;
        }
    }
    Ok(clocks)
}

/// What was answered, the newest first.
///
/// # Errors
/// When it cannot be read.
pub fn answered(keys: &dyn Keyspace, limit: usize) -> Result<Vec<Request>, StorageError> {
    let range = KeyRange::prefix(&Space::Rights.key(&[ANSWERED])).descending();
    Ok(values(read(keys, &range, limit)?))
}

/// Says what was answered; the clock stops.
///
/// # Errors
/// [`LawfulError`] where it is no open request or nothing is said, and the
/// store's.
pub fn answer(
    keys: &dyn Keyspace,
    actor: &Actor,
    (number, due_at_ms): (u64, u64),
    words: &Words,
    now_ms: u64,
) -> Result<(), LawfulError> {
    if words.is_empty() {
        return Err(LawfulError::Missing("what was answered"));
    }
    audit::commit(keys, |changes| {
        let kept = Kept::<Request>::read(keys, timed(OPEN, due_at_ms, number))?;
        let kept = kept.ok_or(LawfulError::UnknownRequest)?;
        let mut request = kept.value.clone();
        request.answer = Some(Answer {
            at_ms: now_ms,
            by: actor.name().to_owned(),
            words: words.clone(),
        });
        kept.remove(changes);
        kept::insert(changes, timed(ANSWERED, now_ms, number), &request);
        let said = json!({"in_time": now_ms <= request.due_at_ms});
        let entry = Entry::new(
            now_ms,
            actor.clone(),
            Action::new("privacy-request-answered"),
        )
        .about(subject(number))
        .changed(Value::Null, said);
        audit::append(keys, changes, entry)?;
        Ok(())
    })
}

/// Requests answered more than a year ago, at most `limit`.
///
/// # Errors
/// When they cannot be read.
pub fn over(keys: &dyn Keyspace, now_ms: u64, limit: usize) -> Result<Vec<Request>, StorageError> {
    let over = kept_over(keys, now_ms, limit)?;
    Ok(over.into_iter().map(|kept| kept.value).collect())
}

fn kept_over(
    keys: &dyn Keyspace,
    now_ms: u64,
    limit: usize,
) -> Result<Vec<Kept<Request>>, StorageError> {
    let until_ms = now_ms.saturating_sub(REQUESTS_KEPT_DAYS * MS_A_DAY);
    let range = KeyRange::prefix(&Space::Rights.key(&[ANSWERED]));
    read(keys, &range.before(&timed(ANSWERED, until_ms, 0)), limit)
}

/// Removes requests answered more than a year ago, at most `limit`; returns how
/// many.
///
/// # Errors
/// The store's; calling again goes on.
pub fn remove_answered(
    keys: &dyn Keyspace,
    now_ms: u64,
    limit: usize,
) -> Result<usize, StorageError> {
    let over = kept_over(keys, now_ms, limit)?;
    for kept in &over {
        audit::commit(keys, |changes| {
            kept.remove(changes);
            pending::plan(keys, changes, now_ms)?;
            Ok::<_, StorageError>(())
        })?;
    }
    Ok(over.len())
}
