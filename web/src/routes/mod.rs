//! The routes, one file a group. Handlers read the request, call what they
//! need, and answer; every failure is a [`crate::error::WebError`].

mod api;
mod assets;
mod delete;
pub mod headers;
pub mod health;
mod images;
mod openapi;
mod pages;
pub(crate) mod preferences;
mod upload;

pub use api::bearer;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use crate::app::AppState;
use crate::complaints;
use crate::policies;
use crate::staff;
use crate::statistics;

/// Every route, without what surrounds them all.
pub fn all(app: &AppState) -> Router<AppState> {
    let pages = Router::new()
        .route("/", get(pages::home))
        .route("/upload", post(upload::upload))
        .route("/preferences", post(preferences::save))
        .route("/visit", post(statistics::visit))
        .route("/d/{id}", get(delete::ask).post(delete::delete))
        .route("/{id}", get(pages::viewer))
        .layer(from_fn(headers::page_policy));
    let (documented, document) = openapi::documented();
    Router::new()
        .merge(pages)
        .merge(complaints::pages())
        .merge(policies::pages())
        .merge(documented)
        .merge(staff::router(app))
        .route("/openapi.json", get(openapi::serve(document)))
        .route("/assets/{name}", get(assets::asset))
}
