//! `/api/v1`: images for programs.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use imgshare_storage::{Record, State as ImageState};

use crate::app::{App, AppState};
use crate::clock;
use crate::decision;
use crate::dto::{self, Image, UploadForm, Uploaded};
use crate::error::{Problem, WebError};
use crate::http::visitor;
use crate::ingest;

/// Upload one image.
///
/// Metadata (GPS, camera, times, thumbnails) is removed before anything is
/// stored. `delete_token` is shown here and never again.
#[utoipa::path(
    post,
    path = "/api/v1/images",
    tag = "images",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "Stored and classified", body = Uploaded,
            headers(("Location" = String, description = "The image's address in this API"))),
        (status = 202, description = "Stored; its label follows", body = Uploaded),
        (status = 400, description = "`file-missing`, `too-many-files`, `empty-file`, \
            `malformed-multipart`, `body-cut-off`", body = Problem,
            content_type = "application/problem+json"),
        (status = 408, description = "`body-timeout`", body = Problem,
            content_type = "application/problem+json"),
        (status = 413, description = "`body-too-large`", body = Problem,
            content_type = "application/problem+json"),
        (status = 415, description = "`unsupported-format`", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`truncated-image`, `malformed-image`, `side-too-long`, \
            `too-many-pixels`, `too-many-frames`, `animation-too-large`, `needs-too-much-memory`, \
            `metadata-not-removable`, `deadline-exceeded`", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`overloaded`; see `Retry-After`", body = Problem,
            content_type = "application/problem+json"),
        (status = 500, description = "`internal-error`", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "`shutting-down`, `storage-read-only`, \
            `format-unavailable`", body = Problem,
            content_type = "application/problem+json"),
        (status = 507, description = "`storage-full`", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(super) async fn upload(
    State(app): State<AppState>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, WebError> {
    let accepted = ingest::ingest(&app, request).await?;
    let base_url = visitor::base_url(&app, &headers);
    let image = Image::of(&accepted.record, &base_url, &app.thresholds.moderation());
    let location = format!("{base_url}/api/v1/images/{}", image.id);
    let status = match accepted.record.state {
        ImageState::Pending => StatusCode::ACCEPTED,
        _ => StatusCode::CREATED,
    };
    let uploaded = Uploaded::of(image, &accepted.token, &base_url);
    let mut response = (status, Json(uploaded)).into_response();
    let response_headers = response.headers_mut();
    if let Ok(location) = HeaderValue::try_from(location) {
        response_headers.insert(header::LOCATION, location);
    }
    response_headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The public facts of one image.
///
/// Images that are still to be checked say so; unknown, deleted and hidden
/// ones answer alike.
#[utoipa::path(
    get,
    path = "/api/v1/images/{id}",
    tag = "images",
    params(("id" = String, Path, description = "12 base58 characters")),
    responses(
        (status = 200, description = "The image's facts", body = Image),
        (status = 404, description = "`not-found`: unknown, deleted or hidden", body = Problem,
            content_type = "application/problem+json"),
        (status = 410, description = "`image-removed`, with the statement of reasons",
            body = Problem, content_type = "application/problem+json"),
        (status = 451, description = "`legal-order`, with the statement of reasons",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn facts(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let record = find_known(&app, &id).await?;
    let base_url = visitor::base_url(&app, &headers);
    let image = Image::of(&record, &base_url, &app.thresholds.moderation());
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(image)).into_response())
}

/// Delete one image for good.
#[utoipa::path(
    delete,
    path = "/api/v1/images/{id}",
    tag = "images",
    params(("id" = String, Path, description = "12 base58 characters")),
    security(("delete_token" = [])),
    responses(
        (status = 204, description = "Deleted"),
        (status = 401, description = "`delete-token-missing`", body = Problem,
            content_type = "application/problem+json"),
        (status = 403, description = "`delete-token-wrong`", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`not-found`: unknown, deleted or hidden", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(super) async fn delete(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<StatusCode, WebError> {
    let token = bearer(&headers).ok_or(WebError::DeleteTokenMissing)?;
    remove(&app, &id, token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The record of an image that strangers may know of.
///
/// # Errors
/// That moderation removed it, or [`WebError::NotFound`] for every other id.
pub(super) async fn find_known(app: &App, id: &str) -> Result<Record, WebError> {
    let id = dto::parse_id(id).ok_or(WebError::NotFound)?;
    let is_known = |record: &Record| decision::is_known_to_strangers(record.state);
    let found = app.with_store(move |store| store.find_if(&id, is_known));
    match found.await? {
        Some(record) => Ok(record),
        None => Err(app.not_found(id).await),
    }
}

/// Removes an image for whoever has its token, in whatever state it is.
///
/// # Errors
/// A wrong token is told apart from an unknown id only where the id's
/// existence is no secret.
pub(super) async fn remove(app: &App, id: &str, token: &str) -> Result<(), WebError> {
    let id = dto::parse_id(id).ok_or(WebError::NotFound)?;
    let is_there = |record: &Record| record.state != ImageState::Removed;
    let found = app.with_store(move |store| store.find_if(&id, is_there));
    let record = found.await?.ok_or(WebError::NotFound)?;
    if !record.delete_token.matches(token) {
        if decision::is_known_to_strangers(record.state) {
            return Err(WebError::DeleteTokenWrong);
        }
        app.store.look_in_vain(&id);
        return Err(WebError::NotFound);
    }
    let now_ms = clock::now_ms();
    let was_there = app.with_store(move |store| store.remove(&id, now_ms)).await;
    // Even when the store failed half-way nobody shall see it from memory.
    app.cache.remove(id);
    if was_there? {
        Ok(())
    } else {
        Err(WebError::NotFound)
    }
}

/// The token of `Authorization: Bearer TOKEN`.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
