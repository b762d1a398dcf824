//! The end of a counter-notice: what closes it, and what is kept of that.

use serde::{Deserialize, Serialize};

use super::super::outcome::KEPT_MS;
use super::super::{Receipt, keys};
use super::counter::{CounterNotice, CounterState, open};
use crate::moderation::{Decision, Verdict};
use crate::staff::kept::{self, Kept};
use crate::{Changes, ImageId, Keyspace, StorageError};

/// The claimant has gone to court about a removal, which another
/// counter-notice does not end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActionFiled {
    /// The version of the decision that removed it.
    pub(super) version: u64,
    /// The counter-notice that it answers.
    pub(super) receipt: Receipt,
}

/// A decision has closed a counter-notice, which runs on when it is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClosedByDecision {
    /// The decision's version.
    version: u64,
    /// The counter-notice.
    receipt: Receipt,
}

/// Plans that a decision lets the image be shown again before its day, or
/// removes it for a reason that a counter-notice does not answer.
pub(in super::super) fn plan_closed_by_decision(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    image: &ImageId,
    decision: &Decision,
) -> Result<(), StorageError> {
    let Some((receipt, kept)) = open(keyspace, image)? else {
        return Ok(());
    };
    let state = match decision.verdict {
        Verdict::Remove { .. } => CounterState::Superseded,
        _ => CounterState::Restored,
    };
    plan_closed(changes, &kept, state);
    let closed = ClosedByDecision {
        version: decision.version,
        receipt,
    };
    match closed_by_decision(keyspace, image)? {
        Some(before) => before.replace(changes, &closed),
        None => kept::insert(changes, keys::counter_closed(image), &closed),
    }
    Ok(())
}

/// Plans that the decision of this version has closed nothing: the days of the
/// counter-notice run on.
pub(in super::super) fn plan_reopened(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    image: &ImageId,
    version: u64,
) -> Result<(), StorageError> {
    let closed = closed_by_decision(keyspace, image)?;
    let Some(closed) = closed.filter(|closed| closed.value.version == version) else {
        return Ok(());
    };
    closed.remove(changes);
    let receipt = &closed.value.receipt;
    let kept = Kept::<CounterNotice>::read(keyspace, keys::counter(receipt))?;
    let Some(kept) = kept.filter(|kept| kept.value.state != CounterState::Open) else {
        return Ok(());
    };
    let of_image = keys::counter_of(image);
    if keyspace.get(&of_image)?.is_some() {
        return Ok(());
    }
    let counter = CounterNotice {
        state: CounterState::Open,
        ..kept.value.clone()
    };
    changes.delete(expiry_key(&counter));
    changes.put(keys::restoration(counter.restore_from_ms, receipt), []);
    kept::insert(changes, of_image, receipt);
    kept.replace(changes, &counter);
    Ok(())
}

/// Plans what goes with a counter-notice that has come to its end: that its
/// claimant went to court, and what closed it.
pub(in super::super) fn plan_forgotten(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    counter: &CounterNotice,
) -> Result<(), StorageError> {
    let (image, receipt) = (&counter.image, counter.receipt);
    changes.delete(keys::counter_by_image(image, &receipt));
    let filed = filed(keyspace, image)?;
    if let Some(filed) = filed.filter(|filed| filed.value.receipt == receipt) {
        filed.remove(changes);
    }
    let closed = closed_by_decision(keyspace, image)?;
    if let Some(closed) = closed.filter(|closed| closed.value.receipt == receipt) {
        closed.remove(changes);
    }
    Ok(())
}

fn closed_by_decision(
    keyspace: &dyn Keyspace,
    image: &ImageId,
) -> Result<Option<Kept<ClosedByDecision>>, StorageError> {
    Kept::read(keyspace, keys::counter_closed(image))
}

fn expiry_key(counter: &CounterNotice) -> Vec<u8> {
    let end_ms = counter.restore_by_ms.saturating_add(KEPT_MS);
    keys::counter_expiry(end_ms, &counter.receipt)
}

/// A closed counter-notice is kept a year from the day of its restoration.
pub(super) fn plan_closed(changes: &mut Changes, kept: &Kept<CounterNotice>, state: CounterState) {
    let mut counter = kept.value.clone();
    counter.state = state;
    changes.put(expiry_key(&counter), []);
    changes.delete(keys::counter_of(&counter.image));
    changes.delete(keys::restoration(counter.restore_from_ms, &counter.receipt));
    kept.replace(changes, &counter);
}

/// What the claimant has filed about an image.
pub(super) fn filed(
    keyspace: &dyn Keyspace,
    image: &ImageId,
) -> Result<Option<Kept<ActionFiled>>, StorageError> {
    Kept::read(keyspace, keys::action_filed(image))
}
