//! Statements of reasons: what was done to an image, why, by whom or what, and
//! how to object.

use serde::{Deserialize, Serialize};

use super::keys;
use super::outcome::KEPT_MS;
use crate::moderation::{Decision, Job, Note, Policy, ReasonKind, Verdict};
use crate::staff::kept::{self, Kept};
use crate::{Changes, ImageId, Keyspace, Record, RuledBy, State, StorageError, StoredLabel};

/// Decisions of one image whose statements are kept: the newest, and the one
/// before it, which stands again when that is undone. Two of the longest fit
/// into a value.
const STATEMENTS_MAX: usize = 2;

/// What was done, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// What was done.
    pub restriction: Restriction,
    /// Against which policy the image is; `None` where only a score speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// What whoever decided said about it.
    #[serde(default, skip_serializing_if = "Note::is_empty")]
    pub reason: Note,
    /// How the image came to be looked at.
    pub found: Found,
    /// Whether no person decided.
    pub is_automated: bool,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: u64,
}

/// What was done to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restriction {
    /// It is gone, or will be when its time to object is over.
    Removed,
    /// Nobody sees it until somebody has decided.
    Hidden,
    /// It is shown behind a warning.
    Warning,
}

impl Restriction {
    /// The stable kebab-case name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Hidden => "hidden",
            Self::Warning => "warning",
        }
    }
}

/// How an image came to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// By a report or a notice.
    Report,
    /// By the classifier, a rule, or the hash of something removed before.
    Automation,
    /// By staff, of their own accord.
    Staff,
}

impl Found {
    /// The stable kebab-case name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Automation => "automation",
            Self::Staff => "staff",
        }
    }
}

impl Statement {
    /// The statement about a restriction that no decision has made: a score, a
    /// rule, or a report that hides at once. `None` when nothing restricts it.
    /// `job` is the image's.
    #[must_use]
    pub fn without_decision(record: &Record, job: Option<&Job>) -> Option<Self> {
        let automated = |restriction, found, at_ms| Self {
            restriction,
            policy: None,
            reason: Note::default(),
            found,
            is_automated: true,
            at_ms,
        };
        let classified = record.classification.as_ref();
        let at_ms = classified.map_or(record.uploaded_at_ms, |found| found.classified_at_ms);
        let is_nsfw = match record.ruling {
            Some(ruling) => ruling.label == StoredLabel::Nsfw && ruling.by == RuledBy::Rule,
            None => classified.is_some_and(|found| found.label == StoredLabel::Nsfw),
        };
        match record.state {
            // Reports of child abuse put a hold on what is hidden; the hash bank does
            // as well.
            State::Review if record.legal_hold && !job.is_some_and(is_known) => {
                Some(automated(Restriction::Hidden, Found::Report, at_ms))
            }
            State::Review => Some(automated(Restriction::Hidden, Found::Automation, at_ms)),
            State::Blocked => Some(automated(Restriction::Removed, Found::Automation, at_ms)),
            State::Public if is_nsfw => {
                Some(automated(Restriction::Warning, Found::Automation, at_ms))
            }
            _ => None,
        }
    }

    /// What a decision says; `None` when it restricts nothing.
    fn of(decision: &Decision, job: &Job) -> Option<Self> {
        let (restriction, policy, reason) = match &decision.verdict {
            Verdict::Remove { policy, reason, .. } => {
                (Restriction::Removed, Some(*policy), reason.clone())
            }
            Verdict::Nsfw => (Restriction::Warning, None, Note::default()),
            Verdict::Safe | Verdict::Escalate { .. } => return None,
        };
        Some(Self {
            restriction,
            policy,
            reason,
            found: found(decision, job),
            is_automated: decision.by.is_none(),
            at_ms: decision.at_ms,
        })
    }
}

/// Whether the hash bank alone speaks.
fn is_known(job: &Job) -> bool {
    let kinds = job.reason_kinds();
    kinds.has(ReasonKind::HashMatch) && !kinds.has(ReasonKind::Report)
}

fn found(decision: &Decision, job: &Job) -> Found {
    let kinds: Vec<ReasonKind> = job.reasons.iter().map(|reason| reason.kind()).collect();
    if kinds.contains(&ReasonKind::Report) {
        return Found::Report;
    }
    let is_automatic = |kind: &ReasonKind| {
        matches!(
            kind,
            ReasonKind::ReviewBand | ReasonKind::Rule | ReasonKind::HashMatch
        )
    };
    if kinds.iter().any(is_automatic) || decision.by.is_none() {
        return Found::Automation;
    }
    Found::Staff
}

/// What the decisions of one image have said, the newest at the end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statements {
    said: Vec<Said>,
    /// When they are removed; only once the image is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends_at_ms: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    /// The job's version that the decision made.
    version: u64,
    statement: Option<Statement>,
}

/// The statement in force with the version of its decision.
pub(super) fn in_force(
    keyspace: &dyn Keyspace,
    image: &ImageId,
) -> Result<Option<(Statement, u64)>, StorageError> {
    let kept = Kept::<Statements>::read(keyspace, keys::statements(image))?;
    let last = kept.and_then(|kept| kept.value.said.into_iter().next_back());
    Ok(last.and_then(|said| Some((said.statement?, said.version))))
}

/// Plans the statement of a decision.
pub(super) fn plan_said(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    decision: &Decision,
    job: &Job,
) -> Result<(), StorageError> {
    let statement = Statement::of(decision, job);
    plan(keyspace, changes, &job.image, |said| {
        said.push(Said {
            version: decision.version,
            statement,
        });
    })
}

/// Plans the end of what restricts an image without a decision of the queue.
pub(super) fn plan_lifted(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    image: &ImageId,
    version: u64,
) -> Result<(), StorageError> {
    plan(keyspace, changes, image, |said| {
        said.push(Said {
            version,
            statement: None,
        });
    })
}

/// Plans that a decision was not made.
pub(super) fn plan_unsaid(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    image: &ImageId,
    version: u64,
) -> Result<(), StorageError> {
    plan(keyspace, changes, image, |said| {
        said.retain(|said| said.version != version);
    })
}

/// Plans the end of an image's statements, a year after it is gone: its removal
/// is final then, and nobody can object to it any more.
pub(super) fn plan_end(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    image: &ImageId,
    gone_at_ms: u64,
) -> Result<bool, StorageError> {
    let kept = Kept::<Statements>::read(keyspace, keys::statements(image))?;
    let Some(kept) = kept.filter(|kept| kept.value.ends_at_ms.is_none()) else {
        return Ok(false);
    };
    let ends_at_ms = gone_at_ms.saturating_add(KEPT_MS);
    changes.put(keys::statement_expiry(ends_at_ms, image), []);
    let statements = Statements {
        ends_at_ms: Some(ends_at_ms),
        ..kept.value.clone()
    };
    kept.replace(changes, &statements);
    Ok(true)
}

/// Plans the removal of statements whose end has come, unless the image is
/// there again, as after a repair.
pub(super) fn plan_removed(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    image: &ImageId,
    is_gone: bool,
) -> Result<bool, StorageError> {
    let Some(kept) = Kept::<Statements>::read(keyspace, keys::statements(image))? else {
        return Ok(false);
    };
    if is_gone {
        kept.remove(changes);
    } else {
        let statements = Statements {
            ends_at_ms: None,
            ..kept.value.clone()
        };
        kept.replace(changes, &statements);
    }
    Ok(is_gone)
}

fn plan(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    image: &ImageId,
    change: impl FnOnce(&mut Vec<Said>),
) -> Result<(), StorageError> {
    let key = keys::statements(image);
    let kept = Kept::<Statements>::read(keyspace, key.clone())?;
    let mut said = kept
        .as_ref()
        .map(|kept| kept.value.said.clone())
        .unwrap_or_default();
    let before = said.clone();
    change(&mut said);
    if said == before {
        return Ok(());
    }
    if said.len() > STATEMENTS_MAX {
        said.remove(0);
    }
    let statements = Statements {
        said,
        ends_at_ms: None,
    };
    match kept {
        Some(kept) => {
            if let Some(at_ms) = kept.value.ends_at_ms {
                changes.delete(keys::statement_expiry(at_ms, image));
            }
            kept.replace(changes, &statements);
        }
        None => kept::insert(changes, key, &statements),
    }
    Ok(())
}
