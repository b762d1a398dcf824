//! Taking decisions back.

use serde_json::json;

use super::claim::conflict;
use super::decide::{entry, hide, told_of};
use super::words::say_again;
use super::{
    BankHash, ConflictKind, Counted, Decision, Job, Lane, ModerationError, Moderator, Queue,
    Status, Verdict, job_keys, learning,
};
use crate::complaints::outcome;
use crate::staff::Role;
use crate::{Changes, ImageId, State, audit};

impl Queue {
    /// Takes a decision back: image, job and hash bank are as before, and the
    /// moderator holds the job again. `version` is [`Decision::version`].
    ///
    /// # Errors
    /// [`ModerationError::Conflict`] when another decision stands or something
    /// new is looked at, and when the decision answers an appeal against who
    /// asks; [`ModerationError::Gone`] once it is purged.
    pub fn undo(
        &self,
        who: &Moderator,
        image: &ImageId,
        version: u64,
        now_ms: u64,
    ) -> Result<Job, ModerationError> {
        let _taking_in = self.bank.taking_in();
        let _turn = self.turn();
        let mut foretold = None;
        let undone = audit::commit(&*self.store, |changes| {
            let stored = self.queued(image)?;
            let mut decision = undoable(&stored.job, version)?;
            // Whom an appeal was against does not take back what came of it.
            if decision.before.not_by.as_ref() == Some(&who.id) {
                return Err(conflict(&stored.job, ConflictKind::OwnDecision).into());
            }
            let mut record = self.record(image)?;
            if record.state == State::Removed {
                return Err(ModerationError::Gone { id: *image });
            }
            let was = record.state;
            let told = told_of(&record, stored.job.lane);
            (record.state, record.ruling) = (decision.before.state, decision.before.ruling);
            record.legal_hold = decision.before.held;
            outcome::plan_undone(&*self.store, changes, &mut record, &decision)?;
            let mut earlier = decision.before.earlier.take().map(|earlier| *earlier);
            if let Some(earlier) = &mut earlier {
                say_again(&*self.store, image, earlier)?;
            }
            self.relisted(changes, image, &decision, earlier.as_mut())?;
            let (banked, unbanked) = self.bank_again(changes, &decision, earlier.as_ref())?;
            if let Some(counted) = &decision.counted {
                let earlier = earlier.as_ref();
                let again = earlier.and_then(|earlier| earlier.counted.as_ref());
                learning::plan_undone(&*self.store, changes, &self.shadow, counted, again)?;
            }
            let mut job = stored.job.clone();
            job.lane = decision.before.lane;
            // Who works there alone could not decide it anywhere else.
            let is_theirs = who.role == Role::ChildSafety && job.lane != Lane::ChildSafety;
            if is_theirs && stored.job.lane == Lane::ChildSafety {
                job.lane = Lane::ChildSafety;
                hide(&mut record);
                record.legal_hold = true;
            }
            job.not_by.clone_from(&decision.before.not_by);
            // What stood before stands again, and with it the day of its purge.
            job.decision = earlier;
            let counted = decision.counted.as_ref();
            job.opinion = counted.and_then(Counted::opinion);
            job.status = Status::Claimed(self.new_lease(who, now_ms)?);
            let mut entry = entry(&record, &job, who.actor(), "decision-undone", now_ms);
            entry = entry.changed(
                json!({"was": told, "verdict": decision.verdict, "by": decision.by}),
                told_of(&record, job.lane),
            );
            audit::append(&*self.store, changes, entry)?;
            job_keys::replace(changes, Some(stored), &mut job);
            changes.update_record(record);
            foretold = Some(self.foretell(changes, was, &job, now_ms)?);
            Ok::<_, ModerationError>((job, banked, unbanked))
        });
        if let Some(foretold) = &foretold {
            self.fulfil(foretold, now_ms);
        }
        let (job, banked, unbanked) = undone?;
        self.bank.note(&banked);
        self.bank.forget(&unbanked);
        Ok(job)
    }

    /// Plans that the bank is as before a decision: what it had put there goes,
    /// what it had taken out comes back. Returns the hashes of both.
    fn bank_again(
        &self,
        changes: &mut Changes,
        decision: &Decision,
        earlier: Option<&Decision>,
    ) -> Result<(Vec<BankHash>, Vec<BankHash>), ModerationError> {
        let kept = earlier.map_or(&[][..], |earlier| &earlier.banked);
        let mut unbanked = Vec::new();
        for hash in decision.banked.iter().filter(|hash| !kept.contains(hash)) {
            if self.bank.plan_unban(changes, hash)? {
                unbanked.push(*hash);
            }
        }
        for entry in &decision.unbanned {
            let mut entry = entry.clone();
            if let Some(Verdict::Remove { reason, .. }) = earlier.map(|earlier| &earlier.verdict) {
                entry.reason = reason.clone();
            }
            self.bank.plan_ban(changes, &entry)?;
        }
        let banked = decision.unbanned.iter().map(|entry| entry.hash);
        Ok((banked.collect(), unbanked))
    }
}

/// The decision that an undo names, if it stands and nothing came after it.
pub(super) fn undoable(job: &Job, version: u64) -> Result<Decision, ModerationError> {
    let decision = match &job.decision {
        Some(decision) if decision.version == version => decision,
        _ => return Err(conflict(job, ConflictKind::NotTheLast).into()),
    };
    if decision.before.is_cut {
        return Err(conflict(job, ConflictKind::NotTheLast).into());
    }
    if decision.purged_at_ms.is_some() {
        return Err(ModerationError::Gone { id: job.image });
    }
    let is_passed_on = matches!(decision.verdict, Verdict::Escalate { .. });
    match &job.status {
        Status::Decided => Ok(decision.clone()),
        Status::Waiting if is_passed_on && job.version == version => Ok(decision.clone()),
        Status::Waiting => Err(conflict(job, ConflictKind::Changed).into()),
        Status::Claimed(_) => Err(conflict(job, ConflictKind::Claimed).into()),
    }
}
