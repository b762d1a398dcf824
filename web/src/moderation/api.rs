//! `/staff/api/queue`, `bank`, `rules`, `thresholds`, `shadow` and `shadow-model`: JSON
//! for the page and for scripts.
//!
//! Whether a job was drawn for the sample is not said: an image must be looked
//! at as any other. A score near a threshold and the sample are both `check`.

mod bank;
mod decided;
mod dto;
mod queue;
mod rules;
mod thresholds;

pub(super) use bank::is_told;
pub(super) use decided::{take_back, why_not};

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use imgshare_storage::moderation::{Lane, ModerationError, Moderator};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::error::WebError;
use crate::moderation::service::Worker;
use crate::staff::{Access, Permission, Routes, Session};

/// Who has a lane of the queue; which of them, handlers ask for.
pub(super) const QUEUE: Access = Access::AnyOf(&[
    Permission::Review,
    Permission::DecideEscalated,
    Permission::ChildSafety,
]);

/// Every route, with who may come to it.
#[must_use]
pub fn routes() -> Routes {
    let queue = QUEUE;
    Routes::new()
        .at("/staff/api/queue", queue, get(queue::list))
        .at("/staff/api/queue/claim", queue, post(queue::claim_next))
        .at(
            "/staff/api/queue/decide",
            Access::Needs(Permission::ReviewInBulk),
            post(queue::decide_each),
        )
        .at("/staff/api/queue/release", queue, post(queue::release_all))
        .at("/staff/api/queue/{image}", queue, get(queue::find))
        .at("/staff/api/queue/{image}/claim", queue, post(queue::claim))
        .at("/staff/api/queue/{image}/renew", queue, post(queue::renew))
        .at(
            "/staff/api/queue/{image}/release",
            queue,
            post(queue::release),
        )
        .at("/staff/api/queue/{image}/skip", queue, post(queue::skip))
        .at(
            "/staff/api/queue/{image}/decide",
            queue,
            post(queue::decide),
        )
        .at("/staff/api/queue/{image}/undo", queue, post(decided::undo))
        .at("/staff/api/decided/last", queue, get(decided::last))
        .at("/staff/api/session", Access::SignedIn, get(whose_session))
        .at(
            "/staff/api/bank",
            Access::Needs(Permission::HashBank),
            get(bank::list).post(bank::add),
        )
        .at(
            "/staff/api/bank/{hash}",
            Access::Needs(Permission::HashBank),
            delete(bank::remove),
        )
        .at(
            "/staff/api/rules",
            Access::Needs(Permission::Rules),
            get(rules::show).put(rules::set),
        )
        .at(
            "/staff/api/rules/preview",
            Access::Needs(Permission::Rules),
            post(rules::preview),
        )
        .and(thresholds::routes())
}

/// Whose session this is, and its token: for a page that was opened in the session
/// before. No other site can read it.
async fn whose_session(session: Session) -> Response {
    answer(json!({"me": session.staff, "csrf": session.csrf}))
}

/// What lies in a lane is for those who may decide it.
pub(super) fn permission(lane: Lane) -> Permission {
    match lane {
        Lane::General => Permission::Review,
        Lane::Senior => Permission::DecideEscalated,
        Lane::ChildSafety => Permission::ChildSafety,
    }
}

/// The lanes that a session may see; none is refused.
pub(crate) fn lanes(session: &Session) -> Result<Vec<Lane>, WebError> {
    let mut lanes = Lane::ALL.to_vec();
    lanes.retain(|lane| session.may(permission(*lane)).is_ok());
    if lanes.is_empty() {
        session.may(Permission::Review)?;
    }
    Ok(lanes)
}

/// Who works, with the lanes of the role; none is refused.
pub(super) fn worker(session: &Session) -> Result<Worker, WebError> {
    Ok(Worker {
        who: moderator(session),
        lanes: lanes(session)?,
    })
}

pub(super) fn moderator(session: &Session) -> Moderator {
    Moderator {
        id: session.staff.clone(),
        role: session.role,
    }
}

/// A failure, with what stands in the way where somebody else was first.
struct ApiError(WebError);

impl<E: Into<WebError>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let WebError::Moderation(ModerationError::Conflict(conflict)) = &self.0 else {
            return self.0.into_response();
        };
        let mut body = json!(self.0.problem());
        body["conflict"] = json!(conflict);
        (
            StatusCode::CONFLICT,
            [(header::CONTENT_TYPE, "application/problem+json")],
            body.to_string(),
        )
            .into_response()
    }
}

/// A body of JSON; anything else is a problem as every other.
struct Body<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = WebError;

    async fn from_request(request: Request, state: &S) -> Result<Self, WebError> {
        let read = Json::from_request(request, state).await;
        let Json(body) = read.map_err(|_| WebError::MalformedForm)?;
        Ok(Self(body))
    }
}

/// What an address asks for.
struct Asked<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, WebError> {
        let read = Query::from_request_parts(parts, state).await;
        let Query(asked) = read.map_err(|_| WebError::MalformedForm)?;
        Ok(Self(asked))
    }
}

/// An answer that no cache keeps.
fn answer(body: impl serde::Serialize) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
