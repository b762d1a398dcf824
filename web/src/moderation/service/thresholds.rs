//! Thresholds as handlers change them: where it may block, logged, and with a
//! second factor that is fresh, since it changes what everybody sees.

use std::sync::Arc;

use imgshare_models::scores::Thresholds;
use imgshare_storage::audit::Actor;
use imgshare_storage::moderation::Queue;

use crate::app::{App, AppState};
use crate::clock;
use crate::error::WebError;
use crate::moderation::relabel::Preview;
use crate::moderation::thresholds::{ThresholdBook, ThresholdError, check};
use crate::staff::{Permission, Session};

/// Changes the book where that may block; what it wrote into the audit is in its
/// files when this returns.
async fn changed(
    app: &AppState,
    session: &Session,
    change: impl FnOnce(&ThresholdBook, &Queue, &Actor, u64) -> Result<(), ThresholdError>
    + Send
    + 'static,
) -> Result<(), WebError> {
    session.may(Permission::Rules)?;
    let (actor, now_ms) = (session.actor(), clock::now_ms());
    session.needs_fresh_factor(now_ms)?;
    let this = Arc::clone(app);
    let done = app.with_queue(move |queue| Ok(change(&this.thresholds, queue, &actor, now_ms)));
    done.await??;
    app.relabel.notify_one();
    Ok(())
}

/// Puts thresholds in force.
///
/// # Errors
/// [`WebError::ThresholdsUnusable`], a second factor that is not fresh, and the
/// store's.
pub async fn set(
    app: &AppState,
    session: &Session,
    thresholds: Thresholds,
) -> Result<(), WebError> {
    changed(app, session, move |book, queue, actor, now_ms| {
        book.set(&**queue.store(), actor, thresholds, now_ms)
    })
    .await
}

/// Puts the settings' thresholds in force again.
///
/// # Errors
/// As [`set`].
pub async fn reset(app: &AppState, session: &Session) -> Result<(), WebError> {
    changed(app, session, |book, queue, actor, now_ms| {
        book.reset(&**queue.store(), actor, now_ms)?;
        Ok(())
    })
    .await
}

/// What thresholds would change about what is stored.
///
/// # Errors
/// [`WebError::ThresholdsUnusable`], and the store's.
pub async fn preview(app: &App, thresholds: Thresholds) -> Result<Preview, WebError> {
    check(&thresholds)?;
    let moderation = app.thresholds.moderation();
    app.with_queue(move |queue| Preview::run(queue, &thresholds, &moderation))
        .await
}

/// Lets a candidate count: for the scores of one model that classifies here, or
/// of all.
///
/// # Errors
/// As [`set`].
pub async fn try_out(
    app: &AppState,
    session: &Session,
    thresholds: Thresholds,
    model: Option<String>,
) -> Result<(), WebError> {
    let model = model.filter(|model| !model.is_empty());
    let known = models(app);
    if model
        .as_ref()
        .is_some_and(|model| !known.contains(&model.as_str()))
    {
        return Err(ThresholdError::UnknownModel.into());
    }
    changed(app, session, move |book, queue, actor, now_ms| {
        book.try_out(queue, actor, thresholds, model, now_ms)
    })
    .await
}

/// Ends the candidate.
///
/// # Errors
/// As [`set`], and when there is none.
pub async fn discard(app: &AppState, session: &Session) -> Result<(), WebError> {
    changed(app, session, |book, queue, actor, now_ms| {
        book.discard(queue, actor, now_ms)
    })
    .await
}

/// Puts the candidate's thresholds in force.
///
/// # Errors
/// As [`discard`].
pub async fn promote(app: &AppState, session: &Session) -> Result<(), WebError> {
    changed(app, session, |book, queue, actor, now_ms| {
        book.promote(queue, actor, now_ms)
    })
    .await
}

/// The models that classify here.
#[must_use]
pub fn models(app: &App) -> Vec<&'static str> {
    app.pipeline.models().map(|spec| spec.id).collect()
}
