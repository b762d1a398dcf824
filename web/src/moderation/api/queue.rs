//! `/staff/api/queue`.

use axum::extract::{Path, State};
use axum::response::Response;
use imgshare_storage::ImageId;
use imgshare_storage::moderation::{CLAIMS_MAX, Lane, Policy, Verdict};
use serde_json::json;

use super::dto::{BulkDto, DecideDto, JobDto, LeaseDto, QueryDto};
use super::{ApiError, Asked, Body, answer, lanes, moderator, permission, worker};
use crate::app::AppState;
use crate::clock;
use crate::dto;
use crate::error::WebError;
use crate::moderation::legal_order;
use crate::moderation::service::{self, LeaseAction, Looked};
use crate::staff::{Permission, Session};

type Answer = Result<Response, ApiError>;

/// Jobs of a page, unless the request says how many.
const PAGE: usize = 50;

/// A page of what waits.
pub(super) async fn list(
    State(app): State<AppState>,
    session: Session,
    Asked(asked): Asked<QueryDto>,
) -> Answer {
    session.may(permission(asked.lane))?;
    let query = asked.query(clock::now_ms());
    let limit = asked.limit.unwrap_or(PAGE);
    let page = service::list(&app, query, asked.after, limit).await?;
    Ok(answer(json!({
        "jobs": shown(&app, page.jobs),
        "next": page.next,
    })))
}

/// The next jobs, under leases.
pub(super) async fn claim_next(
    State(app): State<AppState>,
    session: Session,
    Body(asked): Body<QueryDto>,
) -> Answer {
    session.may(permission(asked.lane))?;
    let query = asked.query(clock::now_ms());
    // Child abuse is looked at one by one.
    let n = match asked.lane {
        Lane::ChildSafety => 1,
        _ => asked.limit.unwrap_or(1),
    };
    let jobs = service::claim_next(&app, moderator(&session), query, n).await?;
    let waiting = match jobs.is_empty() {
        true => Some(service::waiting(&app, session.staff, asked.lane).await?),
        false => None,
    };
    Ok(answer(json!({
        "jobs": shown(&app, jobs),
        "waiting": waiting,
        "now_ms": clock::now_ms(),
    })))
}

/// One job with its image.
pub(super) async fn find(
    State(app): State<AppState>,
    session: Session,
    Path(image): Path<String>,
) -> Answer {
    let looked = service::find(&app, lanes(&session)?, id(&image)?).await?;
    Ok(answer(JobDto::of(looked, &app.thresholds.moderation())))
}

/// One job under a lease.
pub(super) async fn claim(
    State(app): State<AppState>,
    session: Session,
    Path(image): Path<String>,
) -> Answer {
    let looked = service::claim(&app, worker(&session)?, id(&image)?).await?;
    Ok(answer(JobDto::of(looked, &app.thresholds.moderation())))
}

/// The lease begins anew.
pub(super) async fn renew(
    app: State<AppState>,
    session: Session,
    image: Path<String>,
    lease: Body<LeaseDto>,
) -> Answer {
    change_lease(app, session, image, lease, LeaseAction::Renew).await
}

/// The job is given back.
pub(super) async fn release(
    app: State<AppState>,
    session: Session,
    image: Path<String>,
    lease: Body<LeaseDto>,
) -> Answer {
    change_lease(app, session, image, lease, LeaseAction::Release).await
}

/// The job is passed on.
pub(super) async fn skip(
    app: State<AppState>,
    session: Session,
    image: Path<String>,
    lease: Body<LeaseDto>,
) -> Answer {
    change_lease(app, session, image, lease, LeaseAction::Skip).await
}

async fn change_lease(
    State(app): State<AppState>,
    session: Session,
    Path(image): Path<String>,
    Body(lease): Body<LeaseDto>,
    action: LeaseAction,
) -> Answer {
    let claim = lease.claim(id(&image)?);
    let job = service::change_lease(&app, worker(&session)?, claim, action).await?;
    Ok(answer(JobDto::without_image(job)))
}

/// Everything that the caller holds is given back.
pub(super) async fn release_all(State(app): State<AppState>, session: Session) -> Answer {
    let worker = worker(&session)?;
    let n_released = service::release_all(&app, worker.who.id).await?;
    Ok(answer(json!({"n_released": n_released})))
}

/// A decision.
pub(super) async fn decide(
    State(app): State<AppState>,
    session: Session,
    Path(image): Path<String>,
    Body(asked): Body<DecideDto>,
) -> Answer {
    let DecideDto {
        lease,
        version,
        verdict,
    } = asked;
    may_bank(&session, &verdict)?;
    legal_order::check(session.role, &verdict)?;
    let claim = LeaseDto { lease, version }.claim(id(&image)?);
    let job = service::decide(&app, worker(&session)?, claim, verdict).await?;
    Ok(answer(JobDto::without_image(job)))
}

fn may_bank(session: &Session, verdict: &Verdict) -> Result<(), WebError> {
    match verdict {
        Verdict::Remove { bank: Some(_), .. } => may_change_bank(session, policy(verdict)),
        _ => Ok(()),
    }
}

pub(super) fn policy(verdict: &Verdict) -> Option<Policy> {
    match verdict {
        Verdict::Remove { policy, .. } => Some(*policy),
        Verdict::Safe | Verdict::Nsfw | Verdict::Escalate { .. } => None,
    }
}

/// What enters the hash bank, or leaves it, reaches every image of the site:
/// copies go with it. That takes a fresh second factor. Child abuse is banned by
/// those who see it too, and they ban nothing else.
pub(super) fn may_change_bank(
    session: &Session,
    against: impl IntoIterator<Item = Policy>,
) -> Result<(), WebError> {
    let is_child_abuse = against
        .into_iter()
        .all(|policy| policy == Policy::ChildAbuse);
    if !is_child_abuse || session.may(Permission::ChildSafety).is_err() {
        session.may(Permission::HashBank)?;
    }
    session.needs_fresh_factor(clock::now_ms())
}

/// One decision about many images, a row each in the audit. Child abuse is
/// decided one by one; to remove many takes a fresh second factor.
pub(super) async fn decide_each(
    State(app): State<AppState>,
    session: Session,
    Body(asked): Body<BulkDto>,
) -> Answer {
    let is_of_bulk = !matches!(
        asked.verdict,
        Verdict::Escalate {
            to: Lane::ChildSafety,
            ..
        } | Verdict::Remove {
            policy: Policy::ChildAbuse,
            ..
        }
    );
    if asked.claims.len() > CLAIMS_MAX || !is_of_bulk {
        return Err(WebError::MalformedForm.into());
    }
    session.may(Permission::ReviewInBulk)?;
    if matches!(asked.verdict, Verdict::Remove { .. }) {
        session.needs_fresh_factor(clock::now_ms())?;
    }
    may_bank(&session, &asked.verdict)?;
    legal_order::check(session.role, &asked.verdict)?;
    let worker = worker(&session)?;
    let outcomes = service::decide_each(&app, &worker, asked.claims, &asked.verdict).await;
    let rows = outcomes.into_iter().map(|(image, outcome)| match outcome {
        Ok(job) => json!({"image": image, "version": job.version}),
        Err(error) => json!({"image": image, "code": error.status_and_code().1}),
    });
    Ok(answer(json!({"rows": rows.collect::<Vec<_>>()})))
}

fn shown(app: &AppState, jobs: Vec<Looked>) -> Vec<JobDto> {
    jobs.into_iter()
        .map(|looked| JobDto::of(looked, &app.thresholds.moderation()))
        .collect()
}

pub(super) fn id(text: &str) -> Result<ImageId, WebError> {
    dto::parse_id(text).ok_or(WebError::NotFound)
}
