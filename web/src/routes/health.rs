//! Is the process alive, and can it take uploads?

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::{App, AppState};
use crate::dto::Readiness;
use crate::error::WebError;

/// How long one answer of the store's probe stands: the probe writes and
/// syncs, and this route is open to everyone.
const PROBE_LIFETIME: Duration = Duration::from_secs(1);

/// The last answer of the store's probe; `None` is yes, otherwise the code.
#[derive(Default)]
pub struct StoreProbe(tokio::sync::Mutex<Option<(Instant, Option<String>)>>);

/// Whether the process is alive.
#[utoipa::path(get, path = "/healthz", tag = "service",
    responses((status = 200, description = "Alive", body = String, content_type = "text/plain")))]
pub async fn healthz() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

/// Whether uploads can be taken: the classifier answers and the store can be
/// written.
#[utoipa::path(get, path = "/readyz", tag = "service",
    responses(
        (status = 200, description = "Ready", body = Readiness),
        (status = 503, description = "Not ready: `classifier-failing`, `shutting-down`, or the \
            store's code, such as `storage-full`", body = Readiness),
    ))]
pub async fn readyz(State(app): State<AppState>) -> Response {
    let mut reasons = Vec::new();
    if app.is_stopping.load(Relaxed) {
        reasons.push("shutting-down".to_owned());
    } else if !app.pipeline.is_healthy() {
        reasons.push("classifier-failing".to_owned());
    }
    reasons.extend(probe_store(&app).await);
    let ready = reasons.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let readiness = Readiness {
        ready,
        device: app.pipeline.device(),
        models: app
            .pipeline
            .models()
            .map(|spec| spec.id.to_owned())
            .collect(),
        reasons,
    };
    (
        status,
        [(header::CACHE_CONTROL, "no-store")],
        Json(readiness),
    )
        .into_response()
}

/// Asks the store, at most once a [`PROBE_LIFETIME`]; whoever comes meanwhile
/// waits for that answer.
async fn probe_store(app: &App) -> Option<String> {
    let mut last = app.store_probe.0.lock().await;
    if let Some((asked, answer)) = last.as_ref()
        && asked.elapsed() < PROBE_LIFETIME
    {
        return answer.clone();
    }
    let was_fine = last.as_ref().is_none_or(|(_, answer)| answer.is_none());
    let answer = match app.with_store(|store| store.probe_writable()).await {
        Ok(()) => {
            if !was_fine {
                tracing::info!("the store can be written again");
            }
            None
        }
        Err(error) => {
            if was_fine {
                tracing::error!(%error, "the store cannot be written");
            }
            Some(error.status_and_code().1.to_owned())
        }
    };
    *last = Some((Instant::now(), answer.clone()));
    answer
}

/// `/metrics`, on its own listener.
pub async fn metrics(State(app): State<AppState>) -> Result<Response, WebError> {
    let text = app
        .metrics
        .text()
        .map_err(|error| WebError::Internal(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, crate::metrics::MIME)], text).into_response())
}
