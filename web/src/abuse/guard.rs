//! Every request passes here before anything is done for it.

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Kind;
use crate::app::AppState;
use crate::clock;
use crate::http::address::client;
use crate::http::body;
use crate::staff::STATISTICS_API;

/// Lets a request in, or refuses it; notes what it asked for.
///
/// What is under `/staff` has a guard of its own, which asks here for strangers
/// alone: a moderator works through more images than anybody, and whoever is
/// blocked by mistake has to be unblocked.
///
/// It is called by the layer around it and is none of its own: each layer costs
/// what a lookup of an image costs.
pub(crate) async fn guarded(app: &AppState, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("", MatchedPath::as_str);
    let (Some(kind), Some(client)) = (kind(request.method(), route), client(request.extensions()))
    else {
        return next.run(request).await;
    };
    if let Err(error) = app.admit_client(Some(client), kind) {
        // The client gets to see its answer.
        body::discard_rest(request);
        return error.into_response();
    }
    if kind != Kind::Image || app.abuse.is_exempt(client) {
        return next.run(request).await;
    }
    let now_ms = clock::now_ms();
    let image = app.abuse.image(image(request.uri().path()), now_ms);
    let response = next.run(request).await;
    let is_there = response.status() != StatusCode::NOT_FOUND;
    app.abuse.saw_image(client, image, is_there, now_ms);
    response
}

/// What a request is; `None` where it is not counted.
fn kind(method: &Method, route: &str) -> Option<Kind> {
    let is_post = method == Method::POST;
    match route {
        "/assets/{name}" | "/healthz" | "/readyz" => None,
        _ if route == "/staff" || route.starts_with("/staff/") => None,
        STATISTICS_API => None,
        "/api/v1/images" | "/upload" if is_post => Some(Kind::Upload),
        "/report/{id}" | "/api/v1/images/{id}/reports" => Some(Kind::Report),
        // Deleting is a right, whoever is blocked.
        "/api/v1/images/{id}" if method == Method::DELETE => Some(Kind::Other),
        "/{id}" | "/i/{id}" | "/i/{id}/{variant}" | "/api/v1/images/{id}" => Some(Kind::Image),
        _ => Some(Kind::Other),
    }
}

/// The id in a path: `/i/ID.jpg`, `/i/ID/thumb.jpg`, `/ID`, `/api/v1/images/ID`.
fn image(path: &str) -> &str {
    let rest = path.strip_prefix("/api/v1/images/");
    let rest = rest.or_else(|| path.strip_prefix("/i/"));
    let rest = rest.unwrap_or_else(|| path.trim_start_matches('/'));
    rest.split(['/', '.']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_and_as_what() {
        for (method, route, expected) in [
            ("GET", "/assets/{name}", None),
            ("GET", "/healthz", None),
            ("GET", "/staff/queue", None),
            ("POST", "/api/v1/images", Some(Kind::Upload)),
            ("POST", "/upload", Some(Kind::Upload)),
            ("GET", "/i/{id}", Some(Kind::Image)),
            ("DELETE", "/api/v1/images/{id}", Some(Kind::Other)),
            ("GET", "/report/{id}", Some(Kind::Report)),
            ("POST", "/report/{id}", Some(Kind::Report)),
            ("POST", "/api/v1/images/{id}/reports", Some(Kind::Report)),
            ("POST", "/copyright/notice", Some(Kind::Other)),
            ("GET", "", Some(Kind::Other)),
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(kind(&method, route), expected, "{method} {route}");
        }
        for path in ["/i/ID.jpg", "/i/ID/thumb.jpg", "/ID", "/api/v1/images/ID"] {
            assert_eq!(image(path), "ID");
        }
    }
}
