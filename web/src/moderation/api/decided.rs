//! `/staff/api/decided/last` and taking decisions back.

use axum::extract::{Path, State};
use axum::response::Response;
use imgshare_storage::ImageId;
use imgshare_storage::moderation::{Decision, ModerationError};
use serde_json::json;

use super::dto::{JobDto, UndoDto};
use super::queue::{id, may_change_bank, policy};
use super::{ApiError, Body, answer, lanes, worker};
use crate::app::AppState;
use crate::clock;
use crate::error::WebError;
use crate::moderation::service::{self, Looked};
use crate::staff::{Permission, Session};

/// How long after it a decision is still the last one of somebody at work.
const LAST_MS: u64 = 15 * 60 * 1000;

/// The last decision of who asks, for a page that was loaded anew; null where it
/// is too long ago to be meant.
pub(super) async fn last(
    State(app): State<AppState>,
    session: Session,
) -> Result<Response, ApiError> {
    let (lanes, now_ms) = (lanes(&session)?, clock::now_ms());
    let own = Some(session.staff);
    let newest = service::decided(&app, own, lanes, None, 1).await?;
    let last = newest.jobs.first().and_then(|job| {
        let decision = job.decision.as_ref()?;
        let is_meant = now_ms.saturating_sub(decision.at_ms) < LAST_MS;
        is_meant.then(|| {
            json!({
                "image": job.image,
                "version": decision.version,
                "verdict": decision.verdict,
                "is_undoable": job.is_undoable(),
            })
        })
    });
    Ok(answer(json!({"last": last, "now_ms": now_ms})))
}

/// A decision is taken back.
pub(super) async fn undo(
    State(app): State<AppState>,
    session: Session,
    Path(image): Path<String>,
    Body(asked): Body<UndoDto>,
) -> Result<Response, ApiError> {
    let looked = take_back(&app, &session, id(&image)?, asked.version).await?;
    Ok(answer(JobDto::of(looked, &app.thresholds.moderation())))
}

/// Takes a decision back: one's own, or anybody's by who decides what was
/// escalated. What it put into the hash bank leaves it by those alone who keep
/// that.
///
/// # Errors
/// Those of [`service::undo`], and refusals.
pub(in crate::moderation) async fn take_back(
    app: &AppState,
    session: &Session,
    image: ImageId,
    version: u64,
) -> Result<Looked, WebError> {
    let worker = worker(session)?;
    let job = service::standing(app, worker.clone(), image, version).await?;
    let decision = job.decision.as_ref();
    if decision.is_some_and(|decision| decision.by.as_ref() != Some(&session.staff)) {
        session.may(Permission::DecideEscalated)?;
    }
    let changes_bank =
        |decision: &&Decision| !decision.banked.is_empty() || !decision.unbanned.is_empty();
    if let Some(decision) = decision.filter(changes_bank) {
        let put_back = decision.unbanned.iter().map(|entry| entry.against);
        let against = policy(&decision.verdict).into_iter().chain(put_back);
        may_change_bank(session, against)?;
    }
    service::undo(app, worker, image, version).await
}

/// What stands in the way of an undo, in a sentence; any other error is one.
///
/// # Errors
/// What is no conflict.
pub(in crate::moderation) fn why_not(error: WebError) -> Result<String, WebError> {
    match error {
        WebError::Moderation(ModerationError::Conflict(conflict)) => {
            Ok(format!("It was not taken back: {}.", conflict.kind))
        }
        WebError::Moderation(ModerationError::Gone { .. }) => {
            Ok("It cannot be taken back: the image is gone.".to_owned())
        }
        error => Err(error),
    }
}
