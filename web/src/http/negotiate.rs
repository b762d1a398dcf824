//! Problems as pages, for those who asked for a page.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use crate::abuse::guarded;
use crate::app::AppState;
use crate::error::Problem;
use crate::http::visitor::Visitor;
use crate::pages;

/// Paths of an API answer programs, whatever they say they accept.
const API_PREFIXES: [&str; 2] = ["/api/", "/staff/api/"];

/// Turns a [`Problem`] into a page when a browser asked. Status and headers of
/// the problem stay. Who takes more than its share is refused here.
pub async fn problems_as_pages(
    State(app): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    if !wants_page(&request) {
        return guarded(&app, request, next).await;
    }
    let visitor = Visitor::of(&app, request.headers());
    let response = guarded(&app, request, next).await;
    let Some(problem) = response.extensions().get::<Problem>().cloned() else {
        return response;
    };
    let page = match &problem.statement {
        Some(statement) => {
            let (status, detail) = (problem.status, &problem.detail);
            pages::complaints::removed(&visitor.site, status, detail, statement)
        }
        None => pages::problem(
            &visitor.site,
            problem.status,
            &problem.title,
            &problem.detail,
            &problem.code,
        ),
    };
    let (mut parts, _) = response.into_parts();
    let (page_parts, body) = Html(page).into_response().into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
        if let Some(value) = page_parts.headers.get(&name) {
            parts.headers.insert(name, value.clone());
        }
    }
    Response::from_parts(parts, body)
}

/// Whether a request is a browser's for a page.
pub fn wants_page(request: &Request) -> bool {
    let path = request.uri().path();
    let is_api = API_PREFIXES.iter().any(|prefix| path.starts_with(prefix));
    accepts_html(request.headers()) && !is_api
}

/// Browsers name `text/html` when they navigate; `*/*` alone is a program or
/// an `<img>`.
fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value: &HeaderValue| value.to_str().ok())
        .any(|value| value.contains("text/html"))
}
