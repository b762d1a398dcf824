//! A reason to look at an image: it makes a job, or adds to the one there is.

use super::job::{REASONS_MAX, RECEIPT_BYTES_MAX, RECEIPTS_MAX};
use super::job_keys::{self, Stored};
use super::{Job, Lane, ModerationError, Reason, ReasonKind, Signals, Status};
use crate::staff::StaffId;
use crate::{Changes, ImageId, Keyspace, Record, State, StorageError, Views};

/// A reason, with what it changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Flag {
    /// The reason.
    pub reason: Reason,
    /// Whose eyes it is for. A job goes to child safety and never back by a flag.
    pub lane: Lane,
    /// The report behind it.
    pub report: Option<Report>,
    /// By when that must be settled, in milliseconds since 1970 UTC.
    pub due_at_ms: Option<u64>,
    /// Takes the image out of public until it is decided.
    pub hide: bool,
    /// Who may not decide it.
    pub not_by: Option<StaffId>,
}

/// A report, as far as the queue knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The receipt's id, at most 32 bytes of ASCII.
    pub receipt: String,
    /// What it weighs: 1 for an unknown reporter, more for one who was right, nothing
    /// for one who has said it already.
    pub weight: f32,
}

impl Flag {
    /// A reason for every moderator's eyes, that hides nothing.
    #[must_use]
    pub fn new(reason: Reason) -> Self {
        Self {
            reason,
            lane: Lane::General,
            report: None,
            due_at_ms: None,
            hide: false,
            not_by: None,
        }
    }

    /// The same, taking the image out of public.
    #[must_use]
    pub fn hiding(mut self) -> Self {
        self.hide = true;
        self
    }

    /// Whether what it says makes the image evidence, which is kept: it is known
    /// to show the abuse of a child.
    #[must_use]
    pub fn is_about_evidence(&self) -> bool {
        self.lane == Lane::ChildSafety && self.reason == Reason::HashMatch
    }

    /// Plans the flag as part of `changes`: the job, its place, and where it
    /// hides the image the record. `record` is what was read of the image, and
    /// is changed with it. The commit is refused when job or record have moved
    /// on; plan again then.
    ///
    /// # Errors
    /// [`ModerationError::Gone`] for an image that is removed, and when the job
    /// cannot be read.
    pub fn plan(
        &self,
        keys: &dyn Keyspace,
        changes: &mut Changes,
        record: &mut Record,
        views: &Views,
        now_ms: u64,
    ) -> Result<Job, ModerationError> {
        let flags = std::slice::from_ref(self);
        let job = Self::plan_all(flags, keys, changes, record, views, now_ms)?;
        job.ok_or(ModerationError::NotQueued { id: record.id })
    }

    /// As [`Flag::plan`], for several at once; `None` when there is none.
    ///
    /// # Errors
    /// As [`Flag::plan`].
    pub fn plan_all(
        flags: &[Self],
        keys: &dyn Keyspace,
        changes: &mut Changes,
        record: &mut Record,
        views: &Views,
        now_ms: u64,
    ) -> Result<Option<Job>, ModerationError> {
        if record.state == State::Removed {
            return Err(ModerationError::Gone { id: record.id });
        }
        if flags.is_empty() {
            return Ok(None);
        }
        let stored = stored(keys, &record.id)?;
        let mut job = stored.as_ref().map(|stored| reopened(stored, now_ms));
        for flag in flags {
            job = Some(flag.added_to(job, record, views, now_ms));
        }
        if let Some(job) = &mut job {
            job_keys::replace(changes, stored, job);
        }
        let hides = flags.iter().any(|flag| flag.hide) && record.state == State::Public;
        let holds = flags.iter().any(Self::is_about_evidence) && !record.legal_hold;
        if hides {
            record.state = State::Review;
        }
        record.legal_hold |= holds;
        if hides || holds {
            changes.update_record(record.clone());
        }
        Ok(job)
    }

    /// Plans the flags of an image that is about to be stored: see
    /// [`Store::commit_with`](crate::Store::commit_with). Its state and its hold
    /// are the caller's.
    pub fn plan_new(flags: &[Self], changes: &mut Changes, record: &Record, now_ms: u64) {
        let mut job: Option<Job> = None;
        for flag in flags {
            let next = flag.added_to(job, record, &Views::default(), now_ms);
            job = Some(next);
        }
        if let Some(mut job) = job {
            job_keys::replace(changes, None, &mut job);
        }
    }

    fn added_to(&self, job: Option<Job>, record: &Record, views: &Views, now_ms: u64) -> Job {
        let mut job = job.unwrap_or_else(|| Job::new(record.id, now_ms));
        let known = job.signals;
        job.signals = Signals {
            report_weight: known.report_weight,
            hash_match: known.hash_match || self.reason.kind() == ReasonKind::HashMatch,
            ..Signals::of(record, views, now_ms)
        };
        if let Some(report) = &self.report {
            job.n_reports = job.n_reports.saturating_add(1);
            let weight = if report.weight.is_finite() {
                report.weight.max(0.0)
            } else {
                0.0
            };
            if weight > 0.0 {
                job.n_networks = job.n_networks.saturating_add(1);
            }
            job.signals.report_weight = (known.report_weight + weight).min(1_000.0);
            let receipt = report.receipt.chars().filter(char::is_ascii_graphic);
            job.receipts.push(receipt.take(RECEIPT_BYTES_MAX).collect());
            if job.receipts.len() > RECEIPTS_MAX {
                job.receipts.remove(0);
            }
        }
        job.due_at_ms = job.due_at_ms.into_iter().chain(self.due_at_ms).min();
        if job.reasons.len() < REASONS_MAX {
            job.reasons.insert(self.reason.clone());
        }
        if self.lane != Lane::General && ![self.lane, Lane::ChildSafety].contains(&job.lane) {
            job.lane = self.lane;
            // Whoever looks at it now may not be who it is for.
            job.status = Status::Waiting;
        }
        job.holds |= self.is_about_evidence();
        if self.not_by.is_some() {
            job.not_by.clone_from(&self.not_by);
        }
        job
    }
}

/// What is new about a decided image is looked at anew.
fn reopened(stored: &Stored, now_ms: u64) -> Job {
    let mut job = stored.job.clone();
    if job.status == Status::Decided {
        job.status = Status::Waiting;
        job.created_at_ms = now_ms;
        let decision = job.decision.as_ref();
        if !decision.is_some_and(|decision| decision.verdict.is_about_evidence()) {
            job.lane = Lane::default();
        }
        job.reasons.clear();
        job.skips.clear();
        job.signals.report_weight = 0.0;
        job.due_at_ms = None;
    }
    job
}

/// Plans that a job names these receipts no more: their reports are gone.
pub(crate) fn plan_forgotten(
    keys: &dyn Keyspace,
    changes: &mut Changes,
    image: &ImageId,
    receipts: &[String],
) -> Result<(), ModerationError> {
    let Some(stored) = stored(keys, image)? else {
        return Ok(());
    };
    let mut job = stored.job.clone();
    job.receipts.retain(|receipt| !receipts.contains(receipt));
    if job.receipts.len() < stored.job.receipts.len() {
        job_keys::restamp(changes, stored, &job);
    }
    Ok(())
}

/// The job of an image as it is stored.
pub(super) fn stored(keys: &dyn Keyspace, image: &ImageId) -> Result<Option<Stored>, StorageError> {
    let encoded = keys.get(&job_keys::job(image))?;
    encoded.map(Stored::decode).transpose()
}
