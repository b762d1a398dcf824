//! The queue as handlers call it: what it does to the store is done where it may
//! block, and what is hidden leaves every cache before anybody is told.

pub mod rules;
pub mod thresholds;

use imgshare_storage::moderation::{
    CLAIMS_MAX, Claim, Decision, Job, Lane, Listing, ModerationError, Moderator, Query, Queue,
    Status, Verdict,
};
use imgshare_storage::staff::StaffId;
use imgshare_storage::{ImageId, Record, Views};
use serde::Serialize;

use super::keeper;
use crate::app::{App, AppState};
use crate::clock;
use crate::error::WebError;

/// A job with its image, as a page needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// The job.
    pub job: Job,
    /// The image's record; `None` when it is gone.
    pub record: Option<Record>,
    /// How often it was seen.
    pub views: Views,
    /// Copies that its removal banned, and that come back where it does not stand;
    /// after an undo, those that do now.
    pub n_copies: usize,
}

/// Who works the queue, and which lanes are theirs at this moment.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Who.
    pub who: Moderator,
    /// Their lanes.
    pub lanes: Vec<Lane>,
}

/// A page of the queue with its images.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The jobs, the first ones first.
    pub jobs: Vec<Looked>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// Up to `limit` jobs that wait, at most [`CLAIMS_MAX`].
///
/// # Errors
/// The store's.
pub async fn list(
    app: &App,
    query: Query,
    after: Option<String>,
    limit: usize,
) -> Result<Page, WebError> {
    app.with_queue(move |queue| {
        let limit = limit.clamp(1, CLAIMS_MAX);
        let Listing { jobs, next } = queue.list(&query, after.as_deref(), limit)?;
        let jobs = jobs.into_iter().map(|job| looked(queue, job));
        Ok(Page {
            jobs: jobs.collect::<Result<_, _>>()?,
            next,
        })
    })
    .await
}

/// The job of one image, if it lies in one of these lanes.
///
/// # Errors
/// [`ModerationError::NotQueued`], [`ModerationError::ForeignLane`], and the
/// store's.
pub async fn find(app: &App, lanes: Vec<Lane>, image: ImageId) -> Result<Looked, WebError> {
    app.with_queue(move |queue| {
        let job = queue.job_in(&lanes, &image)?;
        looked(queue, job)
    })
    .await
}

/// Claims the next jobs: see
/// [`Queue::claim_next`](imgshare_storage::moderation::Queue::claim_next).
///
/// # Errors
/// The store's.
pub async fn claim_next(
    app: &App,
    who: Moderator,
    query: Query,
    n: usize,
) -> Result<Vec<Looked>, WebError> {
    let now_ms = clock::now_ms();
    app.with_queue(move |queue| {
        let jobs = queue.claim_next(&who, &query, n, now_ms)?;
        jobs.into_iter().map(|job| looked(queue, job)).collect()
    })
    .await
}

/// What waits in a lane that somebody was given nothing of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Waiting {
    /// How many jobs wait, counted up to [`CLAIMS_MAX`].
    pub n_waiting: usize,
    /// Those that they skipped.
    pub n_skipped: usize,
    /// When the first of those comes back to them, in milliseconds since 1970 UTC.
    pub skipped_until_ms: Option<u64>,
    /// Those about their own decisions, which others must decide.
    pub n_own: usize,
}

/// What waits in a lane, whatever its reasons.
///
/// # Errors
/// The store's.
pub async fn waiting(app: &App, who: StaffId, lane: Lane) -> Result<Waiting, WebError> {
    let now_ms = clock::now_ms();
    app.with_queue(move |queue| {
        let query = Query {
            lane,
            ..Query::default()
        };
        let mut waiting = Waiting::default();
        for job in queue.list(&query, None, CLAIMS_MAX)?.jobs {
            waiting.n_waiting += 1;
            let until_ms = job.skipped_until_ms(&who);
            if job.not_by.as_ref() == Some(&who) {
                waiting.n_own += 1;
            } else if let Some(until_ms) = until_ms.filter(|until_ms| *until_ms > now_ms) {
                waiting.n_skipped += 1;
                let first = waiting.skipped_until_ms.unwrap_or(until_ms);
                waiting.skipped_until_ms = Some(first.min(until_ms));
            }
        }
        Ok(waiting)
    })
    .await
}

/// Claims one job that lies in one of these lanes.
///
/// # Errors
/// [`ModerationError::Conflict`] when somebody else was first.
pub async fn claim(app: &App, worker: Worker, image: ImageId) -> Result<Looked, WebError> {
    let now_ms = clock::now_ms();
    app.with_queue(move |queue| {
        let job = queue.claim(&worker.who, &worker.lanes, &image, now_ms)?;
        looked(queue, job)
    })
    .await
}

/// What can be done with a lease without deciding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseAction {
    /// Let it begin anew.
    Renew,
    /// Give the job back as it was.
    Release,
    /// Pass the job on.
    Skip,
}

/// Renews, releases or skips. A lease outlives the role that it was given to:
/// the lane must still be theirs. A job that moves to another lane while this
/// looks loses its lease by that.
///
/// # Errors
/// [`ModerationError::Conflict`] when the lease is not theirs any more,
/// [`ModerationError::ForeignLane`] when the lane is not.
pub async fn change_lease(
    app: &App,
    worker: Worker,
    claim: Claim,
    action: LeaseAction,
) -> Result<Job, WebError> {
    let now_ms = clock::now_ms();
    app.with_queue(move |queue| {
        let Worker { who, lanes } = worker;
        queue.job_in(&lanes, &claim.image)?;
        match action {
            LeaseAction::Renew => queue.renew(&who, &claim, now_ms),
            LeaseAction::Release => queue.release(&who, &claim, now_ms),
            LeaseAction::Skip => queue.skip(&who, &claim, now_ms),
        }
    })
    .await
}

/// Gives back everything that somebody holds: call it when a session ends.
///
/// # Errors
/// The store's.
pub async fn release_all(app: &App, who: StaffId) -> Result<usize, WebError> {
    app.with_queue(move |queue| queue.release_all(&who)).await
}

/// Decides one image. What is hidden by it is served to nobody when this returns.
///
/// # Errors
/// [`ModerationError::Conflict`] when the lease has ended or there is something
/// new; [`ModerationError::Gone`] when the owner deleted it;
/// [`ModerationError::ForeignLane`] as for [`change_lease`].
pub async fn decide(
    app: &AppState,
    worker: Worker,
    claim: Claim,
    verdict: Verdict,
) -> Result<Job, WebError> {
    let (image, now_ms) = (claim.image, clock::now_ms());
    let decided = app
        .with_queue(move |queue| {
            queue.job_in(&worker.lanes, &claim.image)?;
            queue.decide(&worker.who, &claim, &verdict, now_ms)
        })
        .await;
    // Even when the store failed half-way nobody shall see it from memory.
    app.cache.remove(image);
    let decision = decided.as_ref().ok().and_then(|job| job.decision.as_ref());
    if decision.is_some_and(changes_bank) {
        keeper::ring(app);
    }
    decided
}

/// Whether a decision adds to the hash bank or takes from it: copies go with it, or
/// come back.
fn changes_bank(decision: &Decision) -> bool {
    !decision.banked.is_empty() || !decision.unbanned.is_empty()
}

/// Decides images one after the other, each with its own entry in the audit, and
/// says of each what became of it. At most [`CLAIMS_MAX`]; more are left out.
pub async fn decide_each(
    app: &AppState,
    worker: &Worker,
    claims: Vec<Claim>,
    verdict: &Verdict,
) -> Vec<(ImageId, Result<Job, WebError>)> {
    let mut outcomes = Vec::with_capacity(claims.len().min(CLAIMS_MAX));
    for claim in claims.into_iter().take(CLAIMS_MAX) {
        let image = claim.image;
        let decided = decide(app, worker.clone(), claim, verdict.clone()).await;
        outcomes.push((image, decided));
    }
    outcomes
}

/// The job whose decision of this version somebody wants to take back: it lies in
/// one of their lanes, or they have passed it on and nobody has touched it since.
///
/// # Errors
/// [`ModerationError::NotQueued`], [`ModerationError::ForeignLane`], and the
/// store's.
pub async fn standing(
    app: &App,
    worker: Worker,
    image: ImageId,
    version: u64,
) -> Result<Job, WebError> {
    app.with_queue(move |queue| to_take_back(queue, &worker, &image, version))
        .await
}

/// What seniors were given by a slip is taken back by who gave it; what child safety
/// has stays with them.
fn to_take_back(
    queue: &Queue,
    worker: &Worker,
    image: &ImageId,
    version: u64,
) -> Result<Job, ModerationError> {
    let found = queue.job_in(&worker.lanes, image);
    if !matches!(found, Err(ModerationError::ForeignLane { .. })) {
        return found;
    }
    let is_slip = |job: &Job| {
        let decision = job.decision.as_ref();
        let is_own = decision.is_some_and(|decision| {
            decision.version == version && decision.by.as_ref() == Some(&worker.who.id)
        });
        is_own && job.lane == Lane::Senior && job.status == Status::Waiting && job.is_undoable()
    };
    queue
        .job(image)?
        .filter(is_slip)
        .ok_or(ModerationError::ForeignLane { id: *image })
}

/// Takes a decision back; the moderator holds the job again.
///
/// # Errors
/// [`ModerationError::Conflict`] when another decision stands,
/// [`ModerationError::Gone`] once it is purged, [`ModerationError::ForeignLane`]
/// also when the image would go back into a lane that is not theirs.
pub async fn undo(
    app: &App,
    worker: Worker,
    image: ImageId,
    version: u64,
) -> Result<Looked, WebError> {
    let now_ms = clock::now_ms();
    let undone = app
        .with_queue(move |queue| {
            let job = to_take_back(queue, &worker, &image, version)?;
            let Worker { who, lanes } = worker;
            let decision = job.decision.as_ref();
            // What child safety takes back stays with them.
            let stays = job.lane == Lane::ChildSafety && job.status == Status::Decided;
            if !stays && decision.is_some_and(|decision| !lanes.contains(&decision.before.lane)) {
                return Err(ModerationError::ForeignLane { id: image });
            }
            let n_copies = queue.copies_to_return(&job)?;
            let rings = job.decision.as_ref().is_some_and(changes_bank);
            let job = queue.undo(&who, &image, version, now_ms)?;
            let looked = looked(queue, job)?;
            Ok((Looked { n_copies, ..looked }, rings))
        })
        .await;
    // It may have been public, and be hidden again.
    app.cache.remove(image);
    let (looked, rings) = undone?;
    if rings {
        app.bank_grew.notify_one();
    }
    Ok(looked)
}

/// Images with a decision that stands, the newest first: see
/// [`Queue::decided`].
///
/// # Errors
/// The store's.
pub async fn decided(
    app: &App,
    by: Option<StaffId>,
    lanes: Vec<Lane>,
    after: Option<String>,
    limit: usize,
) -> Result<Listing, WebError> {
    app.with_queue(move |queue| queue.decided(by.as_ref(), &lanes, after.as_deref(), limit))
        .await
}

fn looked(queue: &Queue, job: Job) -> Result<Looked, ModerationError> {
    let store = queue.store();
    Ok(Looked {
        record: store.find(&job.image)?,
        views: store.views(&job.image)?,
        n_copies: queue.copies_to_return(&job)?,
        job,
    })
}
