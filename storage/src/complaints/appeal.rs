//! Objections of owners, decided by somebody else than the first time.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::outcome::KEPT_MS;
use super::statement::{self, Restriction, Statement};
use super::{ComplaintError, Complaints, Text, keys};
use crate::audit::{self, Action, Actor, Subject};
use crate::moderation::{
    Conflict, ConflictKind, Decision, Flag, Job, Lane, ModerationError, Policy, Reason, Verdict,
};
use crate::staff::StaffId;
use crate::staff::kept::{self, Kept};
use crate::{Changes, ImageId, Keyspace, StorageError};

/// Longest appeal, in characters.
pub const APPEAL_CHARS_MAX: usize = 1_000;

/// Appeals about one image. A decision that stood is final; this bounds images
/// that are decided again and again.
const APPEALS_MAX: u32 = 8;

/// An owner's objection to what restricts their image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appeal {
    /// Which image.
    pub image: ImageId,
    /// Counts an image's appeals.
    pub number: u32,
    /// Why it should not be restricted.
    pub text: Text<APPEAL_CHARS_MAX>,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// What it is against.
    pub against: Restriction,
    /// The version of the decision it is against; 0 where nobody decided.
    pub against_version: u64,
    /// Who decided that, and may not decide this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against_by: Option<StaffId>,
    /// What came of it; `None` while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AppealOutcome>,
}

/// What came of an appeal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppealOutcome {
    /// Whether the restriction was lifted, or became a milder one.
    pub is_granted: bool,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// The version of the decision.
    pub version: u64,
}

impl Complaints {
    /// Takes an owner's appeal: the image waits for another moderator. Whether
    /// it is the owner who asks is the caller's to prove.
    ///
    /// # Errors
    /// [`ComplaintError::NotRestricted`], [`ComplaintError::OpenAlready`],
    /// [`ComplaintError::DecidedFinally`], and the store's.
    pub fn appeal(
        &self,
        image: &ImageId,
        text: &Text<APPEAL_CHARS_MAX>,
        now_ms: u64,
    ) -> Result<Appeal, ComplaintError> {
        let _turn = self.queue.turn();
        let store = &**self.queue.store();
        let views = store.views(image)?;
        audit::commit(store, |changes| {
            let mut record = store.find(image)?.ok_or(ComplaintError::UnknownImage)?;
            let said = statement::in_force(store, image)?;
            let job = self.queue.job(image)?;
            let undecided = || Statement::without_decision(&record, job.as_ref());
            let (statement, version) = said
                .or_else(|| undecided().map(|statement| (statement, 0)))
                .ok_or(ComplaintError::NotRestricted)?;
            let newest = newest(store, image)?;
            refuse_again(newest.as_ref().map(|kept| &kept.value), version)?;

            let decided = job.as_ref().and_then(|job| job.decision.as_ref());
            let against_by = decided
                .filter(|decision| decision.version == version)
                .and_then(|decision| decision.by.clone());
            let appeal = Appeal {
                image: *image,
                number: newest.map_or(1, |kept| kept.value.number.saturating_add(1)),
                text: text.clone(),
                at_ms: now_ms,
                against: statement.restriction,
                against_version: version,
                against_by,
                outcome: None,
            };
            let mut flag = Flag::new(Reason::Appeal);
            flag.not_by.clone_from(&appeal.against_by);
            flag.lane = lane_of(&statement, job.as_ref());
            flag.plan(store, changes, &mut record, &views, now_ms)?;
            kept::insert(changes, keys::appeal(image, appeal.number), &appeal);
            let told = json!({"appeal": appeal.number, "against": appeal.against});
            let entry = audit::Entry::new(now_ms, Actor::Visitor, Action::new("appeal-received"))
                .about(Subject::image(image))
                .changed(Value::Null, told);
            audit::append(store, changes, entry)?;
            Ok(appeal)
        })
    }

    /// The newest appeal about an image.
    ///
    /// # Errors
    /// The store's.
    pub fn newest_appeal(&self, image: &ImageId) -> Result<Option<Appeal>, ComplaintError> {
        Ok(newest(&**self.queue.store(), image)?.map(|kept| kept.value))
    }

    /// Every appeal about an image that is kept, the oldest first.
    ///
    /// # Errors
    /// The store's.
    pub fn appeals(&self, image: &ImageId) -> Result<Vec<Appeal>, ComplaintError> {
        let store = &**self.queue.store();
        let limit = usize::try_from(APPEALS_MAX).unwrap_or(usize::MAX);
        let entries = store.range(&keys::appeals(image), limit)?;
        let appeals = entries
            .into_iter()
            .map(|entry| Kept::decode(entry.key, entry.value).map(|kept| kept.value));
        Ok(appeals.collect::<Result<_, StorageError>>()?)
    }
}

fn refuse_again(newest: Option<&Appeal>, version: u64) -> Result<(), ComplaintError> {
    let Some(newest) = newest else {
        return Ok(());
    };
    match &newest.outcome {
        None => Err(ComplaintError::OpenAlready),
        Some(outcome) if !outcome.is_granted && outcome.version == version => {
            Err(ComplaintError::DecidedFinally)
        }
        Some(_) if newest.number >= APPEALS_MAX => Err(ComplaintError::DecidedFinally),
        Some(_) => Ok(()),
    }
}

/// What child safety decided is theirs to decide again.
fn lane_of(statement: &Statement, job: Option<&Job>) -> Lane {
    let lane = job.map_or(Lane::General, |job| job.lane);
    if statement.policy == Some(Policy::ChildAbuse) {
        return Lane::ChildSafety;
    }
    lane
}

fn newest(keyspace: &dyn Keyspace, image: &ImageId) -> Result<Option<Kept<Appeal>>, StorageError> {
    let entries = keyspace.range(&keys::appeals(image).descending(), 1)?;
    entries
        .into_iter()
        .next()
        .map(|entry| Kept::decode(entry.key, entry.value))
        .transpose()
}

/// Whether an appeal about an image is open.
pub(super) fn is_open(keyspace: &dyn Keyspace, image: &ImageId) -> Result<bool, StorageError> {
    let newest = newest(keyspace, image)?;
    Ok(newest.is_some_and(|kept| kept.value.outcome.is_none()))
}

/// Plans what a decision says to an open appeal, which must not be answered by
/// whom it is against.
pub(super) fn plan_answered(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    decision: &Decision,
    job: &Job,
) -> Result<(), ModerationError> {
    let Some(kept) = newest(keyspace, &job.image)?.filter(|kept| kept.value.outcome.is_none())
    else {
        return Ok(());
    };
    let appeal = &kept.value;
    if appeal.against_by.is_some() && appeal.against_by == decision.by {
        return Err(Conflict {
            image: job.image,
            kind: ConflictKind::OwnDecision,
            by: decision.by.clone(),
            at_ms: appeal.at_ms,
            verdict: None,
            version: job.version,
        }
        .into());
    }
    let is_granted = match appeal.against {
        Restriction::Removed | Restriction::Hidden => {
            matches!(decision.verdict, Verdict::Safe | Verdict::Nsfw)
        }
        Restriction::Warning => matches!(decision.verdict, Verdict::Safe),
    };
    let outcome = AppealOutcome {
        is_granted,
        at_ms: decision.at_ms,
        version: decision.version,
    };
    put_answer(changes, &kept, outcome);
    Ok(())
}

/// Puts an answer to an appeal, which is kept as long as reports are.
fn put_answer(changes: &mut Changes, kept: &Kept<Appeal>, outcome: AppealOutcome) {
    changes.put(expiry_key(&kept.value, &outcome), []);
    let appeal = Appeal {
        outcome: Some(outcome),
        ..kept.value.clone()
    };
    kept.replace(changes, &appeal);
}

fn expiry_key(appeal: &Appeal, outcome: &AppealOutcome) -> Vec<u8> {
    let at_ms = outcome.at_ms.saturating_add(KEPT_MS);
    keys::appeal_expiry(at_ms, &appeal.image, appeal.number)
}

/// Plans that an open appeal is granted without a decision of the queue.
pub(super) fn plan_granted(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    image: &ImageId,
    version: u64,
    now_ms: u64,
) -> Result<(), StorageError> {
    let open = newest(keyspace, image)?.filter(|kept| kept.value.outcome.is_none());
    let Some(kept) = open else { return Ok(()) };
    let outcome = AppealOutcome {
        is_granted: true,
        at_ms: now_ms,
        version,
    };
    put_answer(changes, &kept, outcome);
    Ok(())
}

/// Plans that the decision of this version did not answer an appeal.
pub(super) fn plan_unanswered(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    image: &ImageId,
    version: u64,
) -> Result<(), StorageError> {
    let Some(kept) = newest(keyspace, image)? else {
        return Ok(());
    };
    let mut appeal = kept.value.clone();
    if let Some(outcome) = appeal.outcome.take()
        && outcome.version == version
    {
        changes.delete(expiry_key(&appeal, &outcome));
        kept.replace(changes, &appeal);
    }
    Ok(())
}
