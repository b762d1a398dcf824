//! What a decision settles beside the image itself: reports, notices, appeals
//! and the statement of reasons. Planned by the queue, in the decision's own
//! commit.

use std::collections::BTreeSet;

use super::case::{self, Case, Outcome, Resolution};
use super::copyright::{closing, repeat};
use super::{Category, appeal, keys, statement, track};
use crate::moderation::{Decision, Job, ModerationError, Policy, Verdict};
use crate::{Changes, ImageId, Keyspace, Record, StorageError, StoredLabel};

/// How long reports are kept once they are resolved (P13d).
pub const KEPT_MS: u64 = 365 * 24 * 60 * 60 * 1000;

/// Plans what a decision settles. `record` is the image as the decision leaves
/// it; a hold that only reports had put on it is lifted when it stays.
///
/// # Errors
/// A conflict when the decision answers an appeal against the same person's own.
pub(crate) fn plan_decided(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    record: &mut Record,
    job: &Job,
    decision: &Decision,
) -> Result<(), ModerationError> {
    if matches!(decision.verdict, Verdict::Escalate { .. }) {
        return Ok(());
    }
    appeal::plan_answered(keyspace, changes, decision, job)?;
    statement::plan_said(keyspace, changes, decision, job)?;
    let is_infringement = matches!(
        decision.verdict,
        Verdict::Remove {
            policy: Policy::Copyright,
            ..
        }
    );
    // A counter-notice answers a notice and nothing else.
    if !is_infringement {
        closing::plan_closed_by_decision(keyspace, changes, &record.id, decision)?;
    }
    let Some(kept) = case::newest(keyspace, &record.id)? else {
        return Ok(());
    };
    if kept.value.outcome.is_some() {
        return Ok(());
    }
    let mut case = kept.value.clone();
    let outcome = outcome_of(&case, record, decision);
    if case.holds && outcome.resolution != Resolution::Removed {
        record.legal_hold = false;
    }
    track::plan_counted(keyspace, changes, &case, &outcome, track::Step::Forth)?;
    if counts_as_infringement(&case, &outcome) {
        repeat::plan_counted(keyspace, changes, record, track::Step::Forth)?;
    }
    changes.delete(keys::due(case.due_at_ms, &case.image));
    changes.put(expiry_key(&case, &outcome), []);
    case.outcome = Some(outcome);
    kept.replace(changes, &case);
    Ok(())
}

/// Plans that a decision settled nothing after all. `record` is the image as it
/// is without it.
///
/// # Errors
/// The store's.
pub(crate) fn plan_undone(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    record: &mut Record,
    decision: &Decision,
) -> Result<(), StorageError> {
    if matches!(decision.verdict, Verdict::Escalate { .. }) {
        return Ok(());
    }
    appeal::plan_unanswered(keyspace, changes, &record.id, decision.version)?;
    statement::plan_unsaid(keyspace, changes, &record.id, decision.version)?;
    closing::plan_reopened(keyspace, changes, &record.id, decision.version)?;
    let Some(kept) = case::newest(keyspace, &record.id)? else {
        return Ok(());
    };
    let mut case = kept.value.clone();
    let Some(outcome) = case.outcome.take() else {
        return Ok(());
    };
    if outcome.version != decision.version {
        return Ok(());
    }
    record.legal_hold |= case.holds;
    track::plan_counted(keyspace, changes, &case, &outcome, track::Step::Back)?;
    if counts_as_infringement(&case, &outcome) {
        repeat::plan_counted(keyspace, changes, record, track::Step::Back)?;
    }
    changes.delete(expiry_key(&case, &outcome));
    changes.put(keys::due(case.due_at_ms, &case.image), []);
    kept.replace(changes, &case);
    Ok(())
}

/// Plans what ends with an image that is purged: its statements, a year later.
///
/// # Errors
/// The store's.
pub(crate) fn plan_purged(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    image: &ImageId,
    now_ms: u64,
) -> Result<(), StorageError> {
    statement::plan_end(keyspace, changes, image, now_ms).map(|_| ())
}

/// Whether an objection keeps a removed image from being purged: a
/// counter-notice or an appeal that is open.
///
/// # Errors
/// The store's.
pub(crate) fn keeps_from_purge(
    keyspace: &dyn Keyspace,
    image: &ImageId,
) -> Result<bool, StorageError> {
    Ok(keyspace.get(&keys::counter_of(image))?.is_some() || appeal::is_open(keyspace, image)?)
}

/// Whether somebody still has to answer a report or an objection about an image.
///
/// # Errors
/// The store's.
pub(crate) fn is_disputed(keyspace: &dyn Keyspace, image: &ImageId) -> Result<bool, StorageError> {
    let case = case::newest(keyspace, image)?;
    let is_reported = case.is_some_and(|kept| kept.value.outcome.is_none());
    Ok(is_reported || keeps_from_purge(keyspace, image)?)
}

pub(super) fn expiry_key(case: &Case, outcome: &Outcome) -> Vec<u8> {
    let at_ms = outcome.at_ms.saturating_add(KEPT_MS);
    keys::expiry(at_ms, &case.image, case.round)
}

fn outcome_of(case: &Case, record: &Record, decision: &Decision) -> Outcome {
    let (resolution, policy) = match &decision.verdict {
        Verdict::Remove { policy, .. } => (Resolution::Removed, Some(*policy)),
        Verdict::Nsfw => (Resolution::Warned, None),
        Verdict::Safe | Verdict::Escalate { .. } => (Resolution::Kept, None),
    };
    let by_score = record.classification.as_ref().map(|found| found.label);
    let label_of = |ruling: Option<crate::Ruling>| ruling.map(|ruling| ruling.label).or(by_score);
    let is_relabelled = label_of(decision.before.ruling) != label_of(record.ruling);
    let proved_right = |category: &Category| match (category, resolution) {
        (_, Resolution::Removed) => true,
        (Category::WronglyLabelled, _) => is_relabelled,
        // Somebody who found it illegal, and it needed at least a warning.
        (Category::Illegal | Category::Other, Resolution::Warned) => {
            is_relabelled && label_of(record.ruling) == Some(StoredLabel::Nsfw)
        }
        _ => false,
    };
    Outcome {
        at_ms: decision.at_ms,
        version: decision.version,
        resolution,
        policy,
        upheld: case
            .categories
            .keys()
            .copied()
            .filter(proved_right)
            .collect::<BTreeSet<Category>>(),
    }
}

/// Whether the last word about an image was counted as an upheld notice.
pub(super) fn was_infringement(
    keyspace: &dyn Keyspace,
    image: &ImageId,
) -> Result<bool, StorageError> {
    let newest = case::newest(keyspace, image)?;
    Ok(newest.is_some_and(|kept| {
        let outcome = kept.value.outcome.as_ref();
        outcome.is_some_and(|outcome| counts_as_infringement(&kept.value, outcome))
    }))
}

fn counts_as_infringement(case: &Case, outcome: &Outcome) -> bool {
    case.n_notices > 0 && outcome.policy == Some(Policy::Copyright)
}
