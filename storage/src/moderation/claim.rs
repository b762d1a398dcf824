//! Leases: who looks at what, until when.

use super::flag::stored;
use super::job::SKIPS_MAX;
use super::job_keys::{self, Stored};
use super::{
    CLAIMS_MAX, Claim, Conflict, ConflictKind, Job, Lane, Lease, ModerationError, Moderator, Query,
    Queue, Skip, Status,
};
use crate::staff::StaffId;
use crate::{Changes, ImageId, KeyRange, Keyspace, Space, StorageError, audit};

/// How long whoever passed a job on is not given it again.
pub(super) const SKIPPED_MS: u64 = 60 * 60 * 1000;

/// Leases that one account holds at once: two pages of the grid. Whoever held
/// more would keep the queue from everybody else.
pub const LEASES_MAX: usize = 2 * CLAIMS_MAX;

/// Leases read at a time.
const LEASES_PAGE: usize = 1_000;

/// 64 random bits: a lease is not a secret, it only must not repeat.
const TOKEN_BYTES: usize = 8;

impl Queue {
    /// Gives the moderator the next jobs of a query, up to `n` of them and at
    /// most [`CLAIMS_MAX`], under leases that nobody else holds. Fewer than there
    /// are where they lie far apart in a long queue; none only if there is none.
    ///
    /// # Errors
    /// [`ModerationError::TooManyLeases`] when they hold [`LEASES_MAX`], and the
    /// store's.
    pub fn claim_next(
        &self,
        who: &Moderator,
        query: &Query,
        n: usize,
        now_ms: u64,
    ) -> Result<Vec<Job>, ModerationError> {
        let mut after = None;
        loop {
            // Others have their turn between two stretches of the queue.
            let (claimed, next) = self.claim_behind(who, query, after.as_deref(), (n, now_ms))?;
            match next {
                Some(next) if claimed.is_empty() => after = Some(next),
                _ => return Ok(claimed),
            }
        }
    }

    /// Claims from one stretch of the queue. Returns where the next one begins.
    fn claim_behind(
        &self,
        who: &Moderator,
        query: &Query,
        after: Option<&str>,
        (n, now_ms): (usize, u64),
    ) -> Result<(Vec<Job>, Option<String>), ModerationError> {
        let _turn = self.turn();
        self.return_ended(now_ms)?;
        let n = n.clamp(1, CLAIMS_MAX).min(self.leases_left(&who.id)?);
        audit::commit(&*self.store, |changes| {
            let mut claimed: Vec<Job> = Vec::new();
            let next = self.for_each_waiting(query, after, |place| {
                let Some(stored) = stored(&*self.store, &place.image)? else {
                    return Ok(true);
                };
                if self.store.find(&place.image)?.is_none() {
                    // Deleted by its owner: there is nothing left to look at.
                    job_keys::forget(changes, stored);
                } else if stored.job.lane == query.lane && is_for(&stored.job, &who.id, now_ms) {
                    claimed.push(self.lease(changes, stored, who, now_ms)?);
                }
                Ok(claimed.len() < n)
            })?;
            Ok((claimed, next))
        })
    }

    /// How many more leases somebody may have, at least one.
    fn leases_left(&self, who: &StaffId) -> Result<usize, ModerationError> {
        let held = self.leases(
            |holder| holder == who.as_str().as_bytes(),
            Space::Claims.all(),
        )?;
        match LEASES_MAX.saturating_sub(held.len()) {
            0 => Err(ModerationError::TooManyLeases),
            left => Ok(left),
        }
    }

    /// Gives the moderator this job, or renews the lease that they hold, if it
    /// lies in one of these lanes.
    ///
    /// # Errors
    /// [`Conflict`] when somebody else looks at it or it is decided,
    /// [`ModerationError::ForeignLane`] for one of another lane,
    /// [`ModerationError::TooManyLeases`] when they hold [`LEASES_MAX`].
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
                Status::Waiting => {
                    self.leases_left(&who.id)?;
                    self.lease(changes, stored, who, now_ms)
                }
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
        let held = self.leases(
            |holder| holder == who.as_str().as_bytes(),
            Space::Claims.all(),
        )?;
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
        // One that ends much later than any given now was given by a wrong clock.
        let last_ms = now_ms.saturating_add(self.settings.lease_ms.saturating_mul(2));
        let is_over = |until_ms: u64| until_ms <= now_ms || until_ms > last_ms;
        let mut ended = self.leases(|_| true, job_keys::claims_ended(now_ms))?;
        ended.extend(self.leases(|_| true, job_keys::claims_behind(last_ms))?);
        self.give_back(&ended, |lease| is_over(lease.until_ms))
    }

    /// Images under these leases.
    fn leases(
        &self,
        is_meant: impl Fn(&[u8]) -> bool,
        mut range: KeyRange,
    ) -> Result<Vec<ImageId>, StorageError> {
        let mut images = Vec::new();
        loop {
            let claims = self.store.range(&range, LEASES_PAGE)?;
            let meant = claims.iter().filter(|claim| is_meant(&claim.value));
            images.extend(meant.filter_map(|claim| job_keys::timed_image(&claim.key)));
            match claims.last() {
                Some(last) if claims.len() == LEASES_PAGE => range = range.after(&last.key),
                _ => return Ok(images),
            }
        }
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
