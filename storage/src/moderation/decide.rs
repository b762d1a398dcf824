//! Decisions.

use serde_json::{Value, json};

use super::claim::conflict;
use super::flag::stored;
use super::job_keys::{self, Stored};
use super::{
    BankEntry, BankHash, Before, Claim, ConflictKind, Counted, Decision, Job, Lane, Lease,
    ModerationError, Moderator, Policy, Queue, Status, Verdict,
};
use super::{learning, returns};
use crate::audit::{self, Action, Actor, Subject};
use crate::complaints::outcome;
use crate::{Changes, ImageId, Record, RuledBy, Ruling, State, StoredLabel};

/// What a decision does to the bank.
#[derive(Default)]
struct BankChanges {
    /// Hashes that are there for it.
    banked: Vec<BankHash>,
    /// Entries that an earlier decision had asked for.
    unbanned: Vec<BankEntry>,
    /// The hashes of those that nobody asks for any more.
    gone: Vec<BankHash>,
}

/// Who decides, under which lease, or for which hash of the bank.
struct Decider<'a> {
    who: Option<&'a Moderator>,
    lease: Option<&'a str>,
    copy_of: Option<BankHash>,
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
            copy_of: None,
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
        self.take_down_for(who, None, image, verdict, now_ms)
    }

    /// The same, for the hash of the bank that the image is a copy of.
    pub(super) fn take_down_for(
        &self,
        who: Option<&Moderator>,
        copy_of: Option<BankHash>,
        image: &ImageId,
        verdict: &Verdict,
        now_ms: u64,
    ) -> Result<Job, ModerationError> {
        let decider = Decider {
            who,
            lease: None,
            copy_of,
        };
        self.commit_decision(now_ms, |queue, changes| {
            let record = queue.record(image)?;
            if let Some(hash) = copy_of {
                queue.bank.expect_entry(changes, &hash, image)?;
            }
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

    fn commit_decision(
        &self,
        now_ms: u64,
        plan: impl Fn(&Self, &mut Changes) -> Result<(Job, BankChanges), ModerationError>,
    ) -> Result<Job, ModerationError> {
        let _taking_in = self.bank.taking_in();
        let _turn = self.turn();
        let mut told = None;
        let decided = audit::commit(&*self.store, |changes| {
            let (job, bank) = plan(self, changes)?;
            let before = job.decision.as_ref().map(|decision| decision.before.state);
            if let Some(was) = before {
                told = Some(self.foretell(changes, was, &job, now_ms)?);
            }
            Ok::<_, ModerationError>((job, bank))
        });
        if let Some(told) = &told {
            self.fulfil(told, now_ms);
        }
        let (job, bank) = decided?;
        self.bank.note(&bank.banked);
        self.bank.forget(&bank.gone);
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
    ) -> Result<(Job, BankChanges), ModerationError> {
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
            is_cut: false,
        };
        let told_before = told_of(&record, job.lane);
        let undecided = job.clone();
        apply(verdict, &mut record, &mut job, now_ms);
        let bank = self.change_bank(changes, verdict, &record, &undecided, decider, now_ms)?;
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
            banked: bank.banked.clone(),
            unbanned: bank.unbanned.clone(),
            copy_of: decider.copy_of,
            counted: None,
        };
        let earlier = undecided.decision.as_ref();
        let was_copy_of = earlier.and_then(|earlier| earlier.copy_of);
        returns::plan_listed(changes, &record.id, was_copy_of, decision.copy_of);
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
        if !bank.unbanned.is_empty() {
            let hashes: Vec<BankHash> = bank.unbanned.iter().map(|entry| entry.hash).collect();
            told_after["unbanned"] = json!(hashes);
        }
        audit::append(
            &*self.store,
            changes,
            entry.changed(told_before, told_after),
        )?;
        job_keys::replace(changes, stored, &mut job);
        changes.update_record(record);
        Ok((job, bank))
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

    /// Plans what a verdict does to the bank. A removal may put the image's
    /// hashes there; what an earlier one had put there goes when the image stays,
    /// and is otherwise still this decision's to answer for.
    fn change_bank(
        &self,
        changes: &mut Changes,
        verdict: &Verdict,
        record: &Record,
        undecided: &Job,
        decider: &Decider<'_>,
        now_ms: u64,
    ) -> Result<BankChanges, ModerationError> {
        let earlier = undecided.decision.as_ref();
        let mut bank = BankChanges {
            banked: earlier.map_or_else(Vec::new, |earlier| earlier.banked.clone()),
            ..BankChanges::default()
        };
        match verdict {
            Verdict::Safe | Verdict::Nsfw => {
                for hash in std::mem::take(&mut bank.banked) {
                    let Some(entry) = self.bank.entry(&hash)? else {
                        continue;
                    };
                    if self.bank.plan_unban(changes, &hash)? {
                        bank.gone.push(hash);
                    }
                    bank.unbanned.push(entry.without_words());
                }
            }
            Verdict::Remove {
                policy,
                reason,
                bank: Some(bank_policy),
            } => {
                for hash in BankHash::of(record) {
                    let entry = BankEntry {
                        hash,
                        policy: *bank_policy,
                        against: *policy,
                        reason: reason.clone(),
                        added_by: decider
                            .who
                            .map_or_else(|| "system".to_owned(), |who| who.id.to_string()),
                        added_at_ms: now_ms,
                        image: Some(record.id),
                    };
                    if bank.banked.contains(&hash) {
                        self.bank.plan_add(changes, &entry)?;
                    } else {
                        self.bank.plan_ban(changes, &entry)?;
                        bank.banked.push(hash);
                    }
                }
            }
            Verdict::Remove { bank: None, .. } | Verdict::Escalate { .. } => {}
        }
        Ok(bank)
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
pub(super) fn hide(record: &mut Record) {
    if matches!(
        record.state,
        State::Public | State::Pending | State::ScanFailed
    ) {
        record.state = State::Review;
    }
}

pub(super) fn entry(
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
pub(super) fn told_of(record: &Record, lane: Lane) -> Value {
    json!({
        "state": record.state,
        "label": record.ruling.map(|ruling| ruling.label),
        "lane": lane,
    })
}
