//! Leases: who looks at what, until when.

use super::flag::stored;
use super::job::SKIPS_MAX;
use super::job_keys::{self, Stored};
use super::{
    CLAIMS_MAX, Claim, Conflict, ConflictKind, Job, Lane, Lease, ModerationError, Moderator, Query,
    Queue, Skip, Status,
};
use crate::staff::StaffId;
use crate::{Changes, ImageId, Keyspace, StorageError, audit};

/// How long whoever passed a job on is not given it again.
pub(super) const SKIPPED_MS: u64 = 60 * 60 * 1000;

/// Leases looked at together. More than staff can hold at once is left for the
/// next call.
const LEASES_PAGE: usize = 1_000;

/// 64 random bits: a lease is not a secret, it only must not repeat.
const TOKEN_BYTES: usize = 8;

impl Queue {
    /// Gives the moderator the next jobs of a query, up to `n` of them and at
    /// most [`CLAIMS_MAX`], under leases that nobody else holds.
    ///
    /// # Errors
    /// The store's.
    pub fn claim_next(
        &self,
        who: &Moderator,
        query: &Query,
        n: usize,
        now_ms: u64,
    ) -> Result<Vec<Job>, ModerationError> {
        let _turn = self.turn();
        self.return_ended(now_ms)?;
        audit::commit(&*self.store, |changes| {
            let mut claimed: Vec<Job> = Vec::new();
            self.for_each_waiting(query, None, |place| {
                let Some(stored) = stored(&*self.store, &place.image)? else {
                    return Ok(true);
                };
                if self.store.find(&place.image)?.is_none() {
                    // Deleted by its owner: there is nothing left to look at.
                    job_keys::forget(changes, stored);
                } else if stored.job.lane == query.lane && is_for(&stored.job, &who.id, now_ms) {
                    claimed.push(self.lease(changes, stored, who, now_ms)?);
                }
                Ok(claimed.len() < n.clamp(1, CLAIMS_MAX))
            })?;
            Ok(claimed)
        })
    }

    /// Gives the moderator this job, or renews the lease that they hold, if it
    /// lies in one of these lanes.
    ///
    /// # Errors
    /// [`Conflict`] when somebody else looks at it or it is decided,
    /// [`ModerationError::ForeignLane`] for one of another lane.
    pub fn claim(
        &self,
        who: &Moderator,
        lanes: &[Lane],
        image: &ImageId,
        now_ms: u64,
    ) -> Result<Job, ModerationError> {
        let _turn = self.turn();
        self.return_ended(now_ms)?;
        audit::commit(&*self.store, |changes| {
            let stored = self.queued(image)?;
            if !lanes.contains(&stored.job.lane) {
                return Err(ModerationError::ForeignLane { id: *image });
            }
            if stored.job.not_by.as_ref() == Some(&who.id) {
                return Err(conflict(&stored.job, ConflictKind::OwnDecision).into());
            }
            match &stored.job.status {
                Status::Waiting => self.lease(changes, stored, who, now_ms),
                Status::Claimed(lease) if lease.holder == who.id => {
                    let token = lease.token.clone();
                    Ok(self.renewed(changes, stored, token, who, now_ms))
                }
                Status::Claimed(_) => Err(conflict(&stored.job, ConflictKind::Claimed).into()),
                Status::Decided => Err(conflict(&stored.job, ConflictKind::Decided).into()),
            }
        })
    }

    /// Lets a lease begin anew: the moderator is at it. The version does not
    /// count on, so that what was looked at can still be decided.
    ///
    /// # Errors
    /// [`Conflict`] when the lease is not theirs any more.
    pub fn renew(
        &self,
        who: &Moderator,
        claim: &Claim,
        now_ms: u64,
    ) -> Result<Job, ModerationError> {
        let _turn = self.turn();
        audit::commit(&*self.store, |changes| {
            let stored = self.held(who, claim, now_ms)?;
            Ok(self.renewed(changes, stored, claim.lease.clone(), who, now_ms))
        })
    }

    /// Passes a job on undecided; the moderator is not given it again for an
    /// hour.
    ///
    /// # Errors
    /// [`Conflict`] when the lease is not theirs any more.
    pub fn skip(
        &self,
        who: &Moderator,
        claim: &Claim,
        now_ms: u64,
    ) -> Result<Job, ModerationError> {
        let _turn = self.turn();
        audit::commit(&*self.store, |changes| {
            let stored = self.held(who, claim, now_ms)?;
            let mut job = stored.job.clone();
            job.status = Status::Waiting;
            job.skips.retain(|skip| skip.by != who.id);
            job.skips.push(Skip {
                by: who.id.clone(),
                at_ms: now_ms,
            });
            if job.skips.len() > SKIPS_MAX {
                job.skips.remove(0);
            }
            job_keys::replace(changes, Some(stored), &mut job);
            let entry = audit::Entry::new(now_ms, who.actor(), audit::Action::new("image-skipped"))
                .about(audit::Subject::image(&claim.image));
            audit::append(&*self.store, changes, entry)?;
            Ok(job)
        })
    }

    /// Gives a job back as it was.
    ///
    /// # Errors
    /// [`Conflict`] when the lease is not theirs any more.
    pub fn release(
        &self,
        who: &Moderator,
        claim: &Claim,
        now_ms: u64,
    ) -> Result<Job, ModerationError> {
        let _turn = self.turn();
        audit::commit(&*self.store, |changes| {
            let stored = self.held(who, claim, now_ms)?;
            Ok(given_back(changes, stored))
        })
    }

    /// Gives back everything that a moderator holds: at logout, and when an
    /// account ends. Returns how many jobs that were.
    ///
    /// # Errors
    /// The store's.
    pub fn release_all(&self, who: &StaffId) -> Result<usize, ModerationError> {
        let _turn = self.turn();
        let held = self.leases(|holder| holder == who.as_str().as_bytes(), u64::MAX)?;
        self.give_back(&held, |lease| lease.holder == *who)
    }

    /// Gives back what is held under leases that have ended. Claiming does so
    /// first; a timer may as well.
    ///
    /// # Errors
    /// The store's.
    pub fn return_expired(&self, now_ms: u64) -> Result<usize, ModerationError> {
        let _turn = self.turn();
        self.return_ended(now_ms)
    }

    fn return_ended(&self, now_ms: u64) -> Result<usize, ModerationError> {
        let ended = self.leases(|_| true, now_ms)?;
        self.give_back(&ended, |lease| lease.until_ms <= now_ms)
    }

    /// Images under leases that end at `until_ms` or before.
    fn leases(
        &self,
        is_meant: impl Fn(&[u8]) -> bool,
        until_ms: u64,
    ) -> Result<Vec<ImageId>, StorageError> {
        let claims = self
            .store
            .range(&job_keys::claims_ended(until_ms), LEASES_PAGE)?;
        Ok(claims
            .iter()
            .filter(|claim| is_meant(&claim.value))
            .filter_map(|claim| job_keys::timed_image(&claim.key))
            .collect())
    }

    fn give_back(
        &self,
        images: &[ImageId],
        is_meant: impl Fn(&Lease) -> bool,
    ) -> Result<usize, ModerationError> {
        let mut n_returned = 0;
        for some in images.chunks(CLAIMS_MAX) {
            n_returned += audit::commit(&*self.store, |changes| {
                let mut n_returned = 0;
                for image in some {
                    let Some(stored) = stored(&*self.store, image)? else {
                        continue;
                    };
                    if stored.job.lease().is_some_and(&is_meant) {
                        given_back(changes, stored);
                        n_returned += 1;
                    }
                }
                Ok::<_, ModerationError>(n_returned)
            })?;
        }
        Ok(n_returned)
    }

    fn lease(
        &self,
        changes: &mut Changes,
        stored: Stored,
        who: &Moderator,
        now_ms: u64,
    ) -> Result<Job, ModerationError> {
        let mut job = stored.job.clone();
        job.status = Status::Claimed(self.new_lease(who, now_ms)?);
        job_keys::replace(changes, Some(stored), &mut job);
        Ok(job)
    }

    fn renewed(
        &self,
        changes: &mut Changes,
        stored: Stored,
        token: String,
        who: &Moderator,
        now_ms: u64,
    ) -> Job {
        let mut job = stored.job.clone();
        let since_ms = job.lease().map_or(now_ms, |lease| lease.since_ms);
        job.status = Status::Claimed(Lease {
            token,
            holder: who.id.clone(),
            since_ms,
            until_ms: now_ms.saturating_add(self.settings.lease_ms),
        });
        job_keys::restamp(changes, stored, &job);
        job
    }

    /// The job that a moderator holds under this lease, in whatever version.
    pub(super) fn held(
        &self,
        who: &Moderator,
        claim: &Claim,
        now_ms: u64,
    ) -> Result<Stored, ModerationError> {
        let stored = self.queued(&claim.image)?;
        let kind = match &stored.job.status {
            Status::Claimed(lease) if lease.token == claim.lease && lease.holder == who.id => {
                if now_ms < lease.until_ms {
                    return Ok(stored);
                }
                ConflictKind::LeaseEnded
            }
            Status::Claimed(_) => ConflictKind::Claimed,
            Status::Waiting => ConflictKind::LeaseEnded,
            Status::Decided => ConflictKind::Decided,
        };
        Err(conflict(&stored.job, kind).into())
    }

    pub(super) fn queued(&self, image: &ImageId) -> Result<Stored, ModerationError> {
        stored(&*self.store, image)?.ok_or(ModerationError::NotQueued { id: *image })
    }
}

/// A name for a lease.
pub(super) fn token() -> Result<String, ModerationError> {
    let mut token = [0; TOKEN_BYTES];
    getrandom::fill(&mut token)
        .map_err(|error| ModerationError::NoRandomness(std::io::Error::other(error.to_string())))?;
    Ok(hex::encode(token))
}

fn given_back(changes: &mut Changes, stored: Stored) -> Job {
    let mut job = stored.job.clone();
    job.status = Status::Waiting;
    job_keys::replace(changes, Some(stored), &mut job);
    job
}

/// Whether a waiting job may be given to this moderator now.
fn is_for(job: &Job, who: &StaffId, now_ms: u64) -> bool {
    let is_skipped =
        |skip: &Skip| skip.by == *who && now_ms.saturating_sub(skip.at_ms) < SKIPPED_MS;
    job.status == Status::Waiting
        && job.not_by.as_ref() != Some(who)
        && !job.skips.iter().any(is_skipped)
}

/// Says who or what stands in the way.
pub(super) fn conflict(job: &Job, kind: ConflictKind) -> Conflict {
    let decision = job.decision.as_ref();
    let (by, at_ms) = match (&job.status, decision) {
        (Status::Claimed(lease), _) => (Some(lease.holder.clone()), lease.since_ms),
        (_, Some(decision)) => (decision.by.clone(), decision.at_ms),
        (_, None) => (None, 0),
    };
    Conflict {
        image: job.image,
        kind,
        by,
        at_ms,
        verdict: decision
            .filter(|_| job.status == Status::Decided)
            .map(|decision| decision.verdict.clone()),
        version: job.version,
    }
}
