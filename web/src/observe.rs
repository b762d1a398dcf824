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
    let code = response.extensions().get::<Problem>().map(|problem| problem.code.as_str());
    if let Some(code) = code {
        app.metrics.problem(code);
    }
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, route, status, code, ms, "request");
    response
}
