//! `/d/{id}`: deletion by hand. A GET asks, only a POST deletes.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::api;
use crate::app::AppState;
use crate::dto;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::pages;

/// The form of the page that asks.
#[derive(Deserialize)]
pub(super) struct DeleteForm {
    #[serde(default)]
    token: String,
}

/// Asks for the token. The page is the same for every well-formed id, so it
/// tells nobody which ids exist, and owners of hidden images can use it.
pub(super) async fn ask(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Html<String>, WebError> {
    let id = dto::parse_id(&id).ok_or(WebError::NotFound)?;
    let visitor = Visitor::of(&app, &headers);
    Ok(Html(pages::confirm_delete(
        &visitor.site,
        id.as_str(),
        None,
    )))
}

/// Deletes the image if the token is its own, and asks again if it is not.
pub(super) async fn delete(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    form: Result<Form<DeleteForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    let token = form.token.trim();
    let visitor = Visitor::of(&app, &headers);
    let removed = if token.is_empty() {
        Err(WebError::DeleteTokenMissing)
    } else {
        api::remove(&app, &id, token).await
    };
    let again = |status: StatusCode, problem: &str| {
        let page = pages::confirm_delete(&visitor.site, &id, Some(problem));
        Ok((status, Html(page)).into_response())
    };
    match removed {
        Ok(()) => Ok(Html(pages::deleted(&visitor.site)).into_response()),
        // A form has no authentication scheme to name: 401 would have to.
        Err(WebError::DeleteTokenMissing) => {
            again(StatusCode::BAD_REQUEST, "The deletion token is missing.")
        }
        Err(WebError::DeleteTokenWrong) => again(
            StatusCode::FORBIDDEN,
            "This is not the deletion token of this image.",
        ),
        Err(error) => Err(error),
    }
}
