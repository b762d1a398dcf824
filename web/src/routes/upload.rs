//! `POST /upload`: the form that works without JavaScript.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use imgshare_storage::Views;

use crate::app::AppState;
use crate::dto::Uploaded;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::ingest;
use crate::pages::{self, OwnerLinks};

/// Takes one file and answers with its links as a page.
pub(super) async fn upload(
    State(app): State<AppState>,
    request: Request,
) -> Result<Response, WebError> {
    let visitor = Visitor::of(&app, request.headers());
    let accepted = ingest::ingest(&app, request).await?;
    let record = &accepted.record;
    let filename = record.filename.clone();
    let image = super::pages::view(&app, record, &visitor, filename, Views::default());
    let delete_url = Uploaded::delete_url(&visitor.site.base_url, &image.id, &accepted.token);
    let delete_token = accepted.token.expose().to_owned();
    let page = pages::uploaded(
        &visitor.site,
        &image,
        &OwnerLinks {
            delete_url,
            delete_token,
        },
    );
    Ok((StatusCode::CREATED, Html(page)).into_response())
}
