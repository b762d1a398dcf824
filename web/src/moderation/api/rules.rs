//! `/staff/api/rules`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::{ApiError, Body, answer};
use crate::app::AppState;
use crate::moderation::rules::Rule;
use crate::moderation::service::rules as service;
use crate::staff::Session;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RulesDto {
    rules: Vec<Rule>,
}

/// The rules in force.
pub(super) async fn show(State(app): State<AppState>) -> Response {
    answer(json!({"rules": *app.rules.rules()}))
}

/// Puts other rules in force. That takes a fresh second factor.
pub(super) async fn set(
    State(app): State<AppState>,
    session: Session,
    Body(asked): Body<RulesDto>,
) -> Result<Response, ApiError> {
    service::set(&app, &session, asked.rules).await?;
    Ok(show(State(app)).await)
}

/// What these rules would change about what is stored.
pub(super) async fn preview(
    State(app): State<AppState>,
    Body(asked): Body<RulesDto>,
) -> Result<Response, ApiError> {
    let replay = service::preview(&app, asked.rules).await?;
    let changes = replay.changes.iter().map(|((from, to), change)| {
        json!({"from": from, "to": to, "n_images": change.n_images, "images": change.images})
    });
    Ok(answer(json!({
        "n_images": replay.n_images,
        "n_decided": replay.n_decided,
        "n_unscored": replay.n_unscored,
        "is_complete": replay.is_complete,
        "changes": changes.collect::<Vec<_>>(),
    })))
}
