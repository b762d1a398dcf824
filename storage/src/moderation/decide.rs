//! Decisions, and taking them back.

use serde_json::{Value, json};

use super::claim::conflict;
use super::flag::stored;
use super::job_keys::{self, Stored};
use super::learning;
use super::words::say_again;
use super::{
    BankEntry, BankHash, Before, Claim, ConflictKind, Counted, Decision, Job, Lane, Lease,
    ModerationError, Moderator, Policy, Queue, Status, Verdict,
};
use crate::audit::{self, Action, Actor, Subject};
use crate::complaints::outcome;
use crate::staff::Role;
use crate::{Changes, ImageId, Record, RuledBy, Ruling, State, StoredLabel};

/// Who decides, and under which lease.
struct Decider<'a> {
    who: Option<&'a Moderator>,
    lease: Option<&'a str>,
}

impl Queue {
    /// Decides an image that the moderator holds. Durable when it returns, with
    /// the image's state and the audit's entry. Abuse of a child is child
    /// safety's to find: a removal for it from another lane passes the image on
    /// to them, hidden and held.
    ///
    /// Bytes that were removed must leave every cache of the caller's now.
    ///
    /// # Errors
    /// [`ModerationError::Conflict`] when the lease has ended, somebody else
    /// decided, or there is something new since; [`ModerationError::Gone`] when
    /// the owner deleted it.
    pub fn decide(
        &self,
        who: &Moderator,
        claim: &Claim,
        verdict: &Verdict,
        now_ms: u64,
    ) -> Result<Job, ModerationError> {
        let decider = Decider {
            who: Some(who),
            lease: Some(&claim.lease),
        };
        self.commit_decision(now_ms, |queue, changes| {
            let stored = queue.held(who, claim, now_ms)?;
            if stored.job.version != claim.version {
                return Err(conflict(&stored.job, ConflictKind::Changed).into());
            }
            let record = queue.record(&claim.image)?;
            let verdict = &from_lane(stored.job.lane, verdict);
            queue.settle(changes, stored.into(), record, &decider, verdict, now_ms)
        })
    }

    /// Decides an image without a lease, whoever looks at it: for copies of what
    /// was removed, and for orders that cannot wait. `None` is the service.
    ///
    /// # Errors
    /// [`ModerationError::Conflict`] when the same is decided already,
    /// [`ModerationError::Gone`] when there is no such image.
    pub fn take_down(
        &self,
        who: Option<&Moderator>,
        image: &ImageId,
        verdict: &Verdict,
        now_ms: u64,
    ) -> Result<Job, ModerationError> {
        let decider = Decider { who, lease: None };
        self.commit_decision(now_ms, |queue, changes| {
            let record = queue.record(image)?;
            let stored = stored(&*queue.store, image)?;
            if let Some(stored) = &stored {
                let decided = stored.job.decision.as_ref();
                let is_same = decided.is_some_and(|decision| decision.verdict == *verdict);
                if is_same && stored.job.status == Status::Decided {
                    return Err(conflict(&stored.job, ConflictKind::Decided).into());
                }
            }
            queue.settle(changes, stored, record, &decider, verdict, now_ms)
        })
    }

    /// Takes a decision back: image, job and hash bank are as before, and the
    /// moderator holds the job again. `version` is [`Decision::version`].
    ///
    /// # Errors
    /// [`ModerationError::Conflict`] when another decision stands or something
    /// new is looked at, [`ModerationError::Gone`] once it is purged.
    pub fn undo(
        &self,
        who: &Moderator,
        image: &ImageId,
        version: u64,
        now_ms: u64,
    ) -> Result<Job, ModerationError> {
        let _turn = self.turn();
        let mut foretold = None;
        let undone = audit::commit(&*self.store, |changes| {
            let stored = self.queued(image)?;
            let mut decision = undoable(&stored.job, version)?;
            let mut record = self.record(image)?;
            if record.state == State::Removed {
                return Err(ModerationError::Gone { id: *image });
            }
            let was = record.state;
            let told = told_of(&record, stored.job.lane);
            (record.state, record.ruling) = (decision.before.state, decision.before.ruling);
            record.legal_hold = decision.before.held;
            outcome::plan_undone(&*self.store, changes, &mut record, &decision)?;
            for hash in &decision.banked {
                self.bank.plan_remove(changes, hash)?;
            }
            let mut earlier = decision.before.earlier.take().map(|earlier| *earlier);
            if let Some(earlier) = &mut earlier {
                say_again(&*self.store, image, earlier)?;
            }
            if let Some(counted) = &decision.counted {
                let earlier = earlier.as_ref();
                let again = earlier.and_then(|earlier| earlier.counted.as_ref());
                learning::plan_undone(&*self.store, changes, &self.shadow, counted, again)?;
            }
            let mut job = stored.job.clone();
            job.lane = decision.before.lane;
            // Who works there alone could not decide it anywhere else.
            if who.role == Role::ChildSafety && stored.job.lane == Lane::ChildSafety {
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
            Ok((job, decision.banked))
        });
        if let Some(foretold) = &foretold {
            self.fulfil(foretold, now_ms);
        }
        let (job, unbanked) = undone?;
        self.bank.forget(&unbanked);
        Ok(job)
    }

    fn commit_decision(
        &self,
        now_ms: u64,
        plan: impl Fn(&Self, &mut Changes) -> Result<(Job, Vec<BankHash>), ModerationError>,
    ) -> Result<Job, ModerationError> {
        let _taking_in = self.bank.taking_in();
        let _turn = self.turn();
        let mut told = None;
        let decided = audit::commit(&*self.store, |changes| {
            let (job, banked) = plan(self, changes)?;
            let before = job.decision.as_ref().map(|decision| decision.before.state);
            if let Some(was) = before {
                told = Some(self.foretell(changes, was, &job, now_ms)?);
            }
            Ok::<_, ModerationError>((job, banked))
        });
        if let Some(told) = &told {
            self.fulfil(told, now_ms);
        }
        let (job, banked) = decided?;
        self.bank.note(&banked);
        // What its owner deleted goes as soon as nothing holds it.
        if let Err(error) = self.store.purge_if_removed(&job.image, now_ms) {
            tracing::warn!(id = %job.image, %error, "a deleted image is purged later");
        }
        Ok(job)
    }

    /// Plans what a verdict does to image, job, bank and audit.
    fn settle(
        &self,
        changes: &mut Changes,
        stored: Option<Stored>,
        mut record: Record,
        decider: &Decider<'_>,
        verdict: &Verdict,
        now_ms: u64,
    ) -> Result<(Job, Vec<BankHash>), ModerationError> {
        // What its owner deleted while it is held as evidence is still decided.
        if record.state == State::Removed && !self.store.is_kept(&record)? {
            return Err(ModerationError::Gone { id: record.id });
        }
        let mut job = stored
            .as_ref()
            .map_or_else(|| Job::new(record.id, now_ms), |stored| stored.job.clone());
        if job.not_by.is_some() && job.not_by.as_ref() == decider.who.map(|who| &who.id) {
            return Err(conflict(&job, ConflictKind::OwnDecision).into());
        }
        if let Verdict::Escalate { to, .. } = verdict
            && job.lane == Lane::ChildSafety
            && *to != Lane::ChildSafety
        {
            return Err(conflict(&job, ConflictKind::StaysInLane).into());
        }
        let before = Before {
            state: record.state,
            ruling: record.ruling,
            lane: job.lane,
            held: record.legal_hold,
            not_by: job.not_by.clone(),
            earlier: job.decision.as_ref().map(Decision::as_earlier),
        };
        let told_before = told_of(&record, job.lane);
        let undecided = job.clone();
        apply(verdict, &mut record, &mut job, now_ms);
        let banked = self.bank_by(changes, verdict, &record, decider, now_ms)?;
        let is_removal = matches!(verdict, Verdict::Remove { .. });
        let mut decision = Decision {
            verdict: verdict.clone(),
            by: decider.who.map(|who| who.id.clone()),
            role: decider.who.map(|who| who.role),
            at_ms: now_ms,
            version: job.version.saturating_add(1),
            before,
            purge_at_ms: is_removal.then(|| now_ms.saturating_add(self.settings.retention_ms)),
            purged_at_ms: None,
            banked: banked.clone(),
            counted: None,
        };
        self.count(changes, &undecided, &record, &mut decision)?;
        if decision.counted.is_some() {
            job.opinion = None;
        }
        outcome::plan_decided(&*self.store, changes, &mut record, &job, &decision)?;
        job.decision = Some(decision);
        let actor = decider.who.map_or(Actor::System, Moderator::actor);
        let mut entry = entry(&record, &job, actor, verdict.action(), now_ms);
        entry.lease = decider.lease.map(str::to_owned);
        let mut told_after = told_of(&record, job.lane);
        told_after["verdict"] = json!(verdict);
        audit::append(
            &*self.store,
            changes,
            entry.changed(told_before, told_after),
        )?;
        job_keys::replace(changes, stored, &mut job);
        changes.update_record(record);
        Ok((job, banked))
    }

    /// Plans what a moderator's decision teaches.
    fn count(
        &self,
        changes: &mut Changes,
        undecided: &Job,
        record: &Record,
        decision: &mut Decision,
    ) -> Result<(), ModerationError> {
        if decision.by.is_none() {
            return Ok(());
        }
        let counted = Counted::of(undecided, record, decision, &self.shadow);
        let before = undecided.decision.as_ref();
        let before = before.and_then(|before| before.counted.as_ref());
        learning::plan_decided(&*self.store, changes, before, &counted)?;
        decision.counted = Some(counted);
        Ok(())
    }

    /// Plans the bank's entries that a removal asks for.
    fn bank_by(
        &self,
        changes: &mut Changes,
        verdict: &Verdict,
        record: &Record,
        decider: &Decider<'_>,
        now_ms: u64,
    ) -> Result<Vec<BankHash>, ModerationError> {
        let Verdict::Remove {
            policy,
            reason,
            bank: Some(bank),
        } = verdict
        else {
            return Ok(Vec::new());
        };
        let mut banked = Vec::new();
        for hash in BankHash::of(record) {
            let entry = BankEntry {
                hash,
                policy: *bank,
                against: *policy,
                reason: reason.clone(),
                added_by: decider
                    .who
                    .map_or_else(|| "system".to_owned(), |who| who.id.to_string()),
                added_at_ms: now_ms,
                image: Some(record.id),
            };
            if self.bank.plan_add(changes, &entry)? {
                banked.push(hash);
            }
        }
        Ok(banked)
    }

    pub(super) fn new_lease(&self, who: &Moderator, now_ms: u64) -> Result<Lease, ModerationError> {
        Ok(Lease {
            token: super::claim::token()?,
            holder: who.id.clone(),
            since_ms: now_ms,
            until_ms: now_ms.saturating_add(self.settings.lease_ms),
        })
    }
}

/// What a verdict means where it comes from.
fn from_lane(lane: Lane, verdict: &Verdict) -> Verdict {
    match verdict {
        Verdict::Remove {
            policy: Policy::ChildAbuse,
            reason,
            ..
        } if lane != Lane::ChildSafety => Verdict::Escalate {
            to: Lane::ChildSafety,
            note: reason.clone(),
        },
        verdict => verdict.clone(),
    }
}

/// What a verdict does to the image and to its place in the queue.
pub(super) fn apply(verdict: &Verdict, record: &mut Record, job: &mut Job, now_ms: u64) {
    let ruling = |label| {
        Some(Ruling {
            label,
            by: RuledBy::Staff,
            at_ms: now_ms,
        })
    };
    job.skips.clear();
    job.not_by = None;
    job.status = Status::Decided;
    // Whoever clears it in child safety's lane has seen all there is.
    let was_held_by_it = job.lane == Lane::ChildSafety
        || job.holds
        || job.decision.as_ref().is_some_and(Decision::holds);
    match verdict {
        Verdict::Safe | Verdict::Nsfw if was_held_by_it => record.legal_hold = false,
        verdict => record.legal_hold |= verdict.is_about_evidence(),
    }
    match verdict {
        Verdict::Safe => {
            (record.state, record.ruling) = (State::Public, ruling(StoredLabel::Safe));
        }
        Verdict::Nsfw => {
            (record.state, record.ruling) = (State::Public, ruling(StoredLabel::Nsfw));
        }
        Verdict::Remove { policy, .. } => {
            record.state = State::Blocked;
            // From now on it is for nobody else's eyes.
            if *policy == Policy::ChildAbuse {
                job.lane = Lane::ChildSafety;
            }
        }
        Verdict::Escalate { to, .. } => {
            (job.status, job.lane) = (Status::Waiting, *to);
            if *to == Lane::ChildSafety {
                hide(record);
            }
        }
    }
}

/// Hides what is public, or would be as soon as a classifier comes back.
fn hide(record: &mut Record) {
    if matches!(
        record.state,
        State::Public | State::Pending | State::ScanFailed
    ) {
        record.state = State::Review;
    }
}

/// The decision that an undo names, if it stands and nothing came after it.
fn undoable(job: &Job, version: u64) -> Result<Decision, ModerationError> {
    let decision = match &job.decision {
        Some(decision) if decision.version == version => decision,
        _ => return Err(conflict(job, ConflictKind::NotTheLast).into()),
    };
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

fn entry(
    record: &Record,
    job: &Job,
    actor: Actor,
    action: &'static str,
    now_ms: u64,
) -> audit::Entry {
    let mut entry =
        audit::Entry::new(now_ms, actor, Action::new(action)).about(Subject::image(&record.id));
    if let Some(found) = &record.classification {
        entry.scores = json!({
            "model": found.model,
            "preprocessing": found.preprocessing,
            "probabilities": found.probabilities,
        });
        entry.thresholds = json!(found.thresholds);
    }
    entry.reports = job.receipts.clone();
    entry
}

/// An image as the audit tells of it.
fn told_of(record: &Record, lane: Lane) -> Value {
    json!({
        "state": record.state,
        "label": record.ruling.map(|ruling| ruling.label),
        "lane": lane,
    })
}
