//! `POST /visit`: one number from a browser whose visitor agreed to be counted.

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::app::AppState;
use crate::error::WebError;
use crate::http::visitor;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Visit {
    /// 0 where a session begins, else how long a page was looked at.
    seconds: u64,
}

/// Counts it, whatever it is, if the visitor agreed; nothing is answered.
pub(crate) async fn visit(
    State(app): State<AppState>,
    headers: HeaderMap,
    form: Result<Form<Visit>, FormRejection>,
) -> Result<StatusCode, WebError> {
    let Form(Visit { seconds }) = form.map_err(|_| WebError::MalformedForm)?;
    if visitor::agrees_to_analytics(&headers) {
        app.statistics.saw_visit(seconds);
    }
    Ok(StatusCode::NO_CONTENT)
}
