//! One log line and one count a request. Neither holds an address, a file
//! name, a query or a token (P4).

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::AppState;
use crate::error::Problem;

/// Stands for every path that is none of ours, in logs and metrics.
const UNMATCHED: &str = "(unmatched)";

/// Logs and counts the request. The route's pattern is logged, not the path:
/// an id is all it takes to see an image.
pub async fn observe(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    let took = started.elapsed();
    let status = response.status().as_u16();
    app.metrics.request(route, method.as_str(), status, took);
    let code = response
        .extensions()
        .get::<Problem>()
        .map(|problem| problem.code.as_str());
    if let Some(code) = code {
        app.metrics.problem(code);
    }
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if is_routine(route, status) {
        tracing::debug!(%method, route, status, ms, "request");
    } else {
        tracing::info!(%method, route, status, code, ms, "request");
    }
    response
}

/// Images, assets and probes that were answered: thousands a second, each the
/// same. Writing their lines takes a third of what serving a cached image does.
fn is_routine(route: &str, status: u16) -> bool {
    const ROUTES: [&str; 3] = ["/healthz", "/readyz", "/assets/{name}"];
    status < 400 && (route.starts_with("/i/") || ROUTES.contains(&route))
}
