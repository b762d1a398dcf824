//! `/staff/api/thresholds`, `/staff/api/shadow` and `/staff/api/shadow-model`.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use imgshare_models::scores::Thresholds;
use imgshare_storage::moderation::shadow_figures;
use serde::Deserialize;
use serde_json::json;

use super::{ApiError, Body, answer};
use crate::app::{App, AppState};
use crate::moderation::relabel::Relabelling;
use crate::moderation::service::thresholds as service;
use crate::moderation::shadow::{Compared, told_of};
use crate::moderation::shadow_model as models;
use crate::staff::{Access, Permission, Routes, Session};

/// Thresholds as they are sent; all of them, so that nobody changes one unseen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ThresholdsDto {
    explicit: f32,
    sexy: f32,
    ads: f32,
    review_band: f32,
}

impl From<ThresholdsDto> for Thresholds {
    fn from(sent: ThresholdsDto) -> Self {
        Self {
            explicit: sent.explicit,
            sexy: sent.sexy,
            ads: sent.ads,
            review_band: sent.review_band,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CandidateDto {
    thresholds: ThresholdsDto,
    #[serde(default)]
    model: Option<String>,
}

pub(super) fn routes() -> Routes {
    let rules = Access::Needs(Permission::Rules);
    Routes::new()
        .at(
            "/staff/api/thresholds",
            rules,
            get(show).put(set).delete(reset),
        )
        .at("/staff/api/thresholds/preview", rules, post(preview))
        .at(
            "/staff/api/shadow",
            rules,
            get(shadow).put(try_out).delete(discard),
        )
        .at("/staff/api/shadow/promote", rules, post(promote))
        .at("/staff/api/shadow-model", rules, get(shadow_model))
}

/// The thresholds in force, whose they are, and how far what is stored follows.
async fn show(State(app): State<AppState>) -> Result<Response, ApiError> {
    shown(&app).await
}

async fn shown(app: &App) -> Result<Response, ApiError> {
    let last = app.with_store(|store| Relabelling::last(store)).await?;
    let in_force = app.thresholds.in_force();
    Ok(answer(json!({
        "in_force": in_force.told(),
        "set": in_force.set,
        "settings": app.thresholds.of_settings(),
        "relabelling": last,
    })))
}

async fn set(
    State(app): State<AppState>,
    session: Session,
    Body(asked): Body<ThresholdsDto>,
) -> Result<Response, ApiError> {
    service::set(&app, &session, asked.into()).await?;
    shown(&app).await
}

async fn reset(State(app): State<AppState>, session: Session) -> Result<Response, ApiError> {
    service::reset(&app, &session).await?;
    shown(&app).await
}

/// What these thresholds would change about what is stored.
async fn preview(
    State(app): State<AppState>,
    Body(asked): Body<ThresholdsDto>,
) -> Result<Response, ApiError> {
    Ok(answer(service::preview(&app, asked.into()).await?))
}

/// The candidate and what it would have done.
async fn shadow(State(app): State<AppState>) -> Result<Response, ApiError> {
    compared(&app).await
}

async fn compared(app: &AppState) -> Result<Response, ApiError> {
    let this = std::sync::Arc::clone(app);
    let found = app.with_queue(move |queue| {
        queue.merge_uploads()?;
        let store = &**queue.store();
        let Some(tried) = this.thresholds.candidate(store)? else {
            return Ok(json!({"candidate": null}));
        };
        let figures = shadow_figures(store, tried.generation)?;
        Ok(json!({
            "candidate": tried,
            "compared": Compared::of(&figures),
            "figures": told_of(&figures),
        }))
    });
    Ok(answer(found.await?))
}

/// The candidate model and what it would have done.
async fn shadow_model(State(app): State<AppState>) -> Result<Response, ApiError> {
    let found = app.with_queue(|queue| {
        queue.merge_uploads()?;
        Ok(models::counted(&**queue.store())?)
    });
    let state = models::state_words(app.shadow_model.state().as_ref());
    Ok(answer(match found.await? {
        None => json!({"run": null}),
        Some((run, figures)) => json!({
            "run": run,
            "state": state,
            "compared": models::Compared::of(&figures),
        }),
    }))
}

async fn try_out(
    State(app): State<AppState>,
    session: Session,
    Body(asked): Body<CandidateDto>,
) -> Result<Response, ApiError> {
    service::try_out(&app, &session, asked.thresholds.into(), asked.model).await?;
    compared(&app).await
}

async fn discard(State(app): State<AppState>, session: Session) -> Result<Response, ApiError> {
    service::discard(&app, &session).await?;
    compared(&app).await
}

async fn promote(State(app): State<AppState>, session: Session) -> Result<Response, ApiError> {
    service::promote(&app, &session).await?;
    shown(&app).await
}
