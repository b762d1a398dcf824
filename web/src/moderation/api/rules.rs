//! `/staff/api/rules`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::{ApiError, Body, answer};
use crate::app::AppState;
use crate::clock;
use crate::error::WebError;
use crate::moderation::gate::Gate;
use crate::moderation::replay::Replay;
use crate::moderation::rulebook::RuleBookError;
use crate::moderation::rules::{self, Rule};
use crate::staff::{Refusal, Session};

/// Images named for each change.
const IMAGES: usize = 20;

/// How long a preview may take.
const PREVIEW_TIME_MAX: Duration = Duration::from_secs(10);

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
    let (actor, now_ms) = (session.actor(), clock::now_ms());
    session.needs_fresh_factor(now_ms)?;
    let of_call = Arc::clone(&app);
    let set = tokio::task::spawn_blocking(move || {
        of_call
            .rules
            .set(&*of_call.store, &actor, asked.rules, now_ms)
    });
    match set.await {
        Ok(Ok(())) => Ok(show(State(app)).await),
        Ok(Err(RuleBookError::Store(error))) => Err(error.into()),
        Ok(Err(error)) => Err(WebError::RulesUnusable(error.to_string()).into()),
        Err(_) => Err(WebError::Internal("setting rules panicked".to_owned()).into()),
    }
}

/// What these rules would change about what is stored, the first it finds in ten
/// seconds. It goes on after its client has left: the turn is its own until then.
pub(super) async fn preview(
    State(app): State<AppState>,
    Body(asked): Body<RulesDto>,
) -> Result<Response, ApiError> {
    rules::check(&asked.rules).map_err(|error| WebError::RulesUnusable(error.to_string()))?;
    let turn = app.rules.preview_turn().ok_or(Refusal::PreviewBusy)?;
    let moderation = app.thresholds.moderation();
    let replay = app
        .with_queue(move |queue| {
            let _turn = turn;
            let gate = Gate {
                moderation: &moderation,
                rules: &asked.rules,
                now_ms: clock::now_ms(),
            };
            Replay::run(queue, &gate, IMAGES, Some(PREVIEW_TIME_MAX))
        })
        .await?;
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
