//! `/openapi.json`: the contract, generated from the handlers and wire types.

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{api, health, images};
use crate::app::AppState;
use crate::complaints;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "ImgShare",
        description = "Anonymous image host: upload, look at and delete images. \
            Every error is an RFC 9457 problem with a stable `code`.",
        license(name = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "images", description = "Upload, facts, deletion"),
        (name = "files", description = "The images themselves, and smaller renderings"),
        (name = "complaints", description = "Reports, copyright notices, objections"),
        (name = "staff", description = "For staff, by the cookie of their session"),
        (name = "service", description = "Alive and ready"),
    ),
    paths(crate::statistics::page::api),
    modifiers(&DeleteTokenScheme),
)]
struct Contract;

struct DeleteTokenScheme;

impl Modify for DeleteTokenScheme {
    fn modify(&self, contract: &mut OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The `delete_token` of the upload's answer"))
            .build();
        let components = contract.components.get_or_insert_default();
        components.add_security_scheme("delete_token", SecurityScheme::Http(scheme));
    }
}

/// The routes that are part of the contract, and the contract.
pub(super) fn documented() -> (Router<AppState>, OpenApi) {
    OpenApiRouter::with_openapi(Contract::openapi())
        .routes(routes!(api::upload))
        .routes(routes!(api::facts, api::delete))
        .routes(routes!(images::original))
        .routes(routes!(images::variant))
        .merge(complaints::documented())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .split_for_parts()
}

/// A handler that sends the contract.
pub(super) fn serve(
    contract: OpenApi,
) -> impl Fn() -> std::future::Ready<Response> + Clone + Send + Sync + 'static {
    let text = contract.to_pretty_json().unwrap_or_default();
    move || {
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        std::future::ready((headers, text.clone()).into_response())
    }
}
