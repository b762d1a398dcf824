//! The documents over HTTP.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::from_fn;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use imgshare_storage::{calendar, lawful};
use serde_json::json;

use super::{Document, Version};
use crate::app::{App, AppState};
use crate::clock;
use crate::consent;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::pages::policies::{Facts, LawfulYear, Listed, Sheet};
use crate::promises::Facts as Known;
use crate::routes::headers;

/// Since when Global Privacy Control is honoured.
const GPC_SINCE: &str = "2026-11-26";

/// Every document, the choice about cookies, and what browsers read of it.
pub(crate) fn pages() -> Router<AppState> {
    let mut router = Router::new();
    for document in Document::ALL {
        let current = move |state, headers| in_force(state, headers, document);
        let handlers = match document {
            Document::Cookies => get(current).post(consent::save),
            _ => get(current),
        };
        let old = move |state, headers, number| by_number(state, headers, number, document);
        router = router
            .route(document.path(), handlers)
            .route(&format!("{}/{{version}}", document.path()), get(old));
    }
    router
        .route("/privacy/data", get(data_map))
        .route("/promises", get(promises))
        .layer(from_fn(headers::page_policy))
        .route("/.well-known/gpc.json", get(gpc))
}

async fn in_force(
    State(app): State<AppState>,
    headers: HeaderMap,
    document: Document,
) -> Html<String> {
    let version = app.policies.in_force(document, &today());
    Html(page(&app, &headers, version).await)
}

async fn by_number(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(number): Path<String>,
    document: Document,
) -> Result<Html<String>, WebError> {
    let number = number.parse().map_err(|_| WebError::NotFound)?;
    let version = app.policies.find(document, number);
    let version = version.ok_or(WebError::NotFound)?;
    Ok(Html(page(&app, &headers, version).await))
}

fn today() -> String {
    calendar::date(clock::now_ms())
}

async fn page(app: &AppState, headers: &HeaderMap, version: &'static Version) -> String {
    let visitor = Visitor::of(app, headers);
    let document = version.document;
    let in_force = app.policies.in_force(document, &today());
    let versions = app.policies.of(document).map(|listed| Listed {
        number: listed.number,
        effective: listed.effective,
        change: listed.change,
    });
    let counts = match document {
        Document::Transparency => counts(app).await,
        _ => None,
    };
    let sheet = Sheet {
        site: &visitor.site,
        document,
        version: version.number,
        in_force: in_force.number,
        effective: effective(app, version, in_force),
        reviewed: version.reviewed,
        versions: versions.collect(),
        facts: Facts {
            operator: &app.settings.operator,
            consent: visitor.consent,
            offered: visitor.consent.offered,
            is_behind_tls: app.settings.is_behind_tls(),
            consent_platform: &app.settings.advertising.consent_platform,
            counts,
        },
    };
    (version.show)(&sheet)
}

/// `GET /privacy/data`: the whole data map.
async fn data_map(State(app): State<AppState>, headers: HeaderMap) -> Html<String> {
    let visitor = Visitor::of(&app, &headers);
    Html(crate::pages::data_map::page(&visitor.site))
}

/// `GET /promises`: what is promised and how it stands.
async fn promises(State(app): State<AppState>, headers: HeaderMap) -> Html<String> {
    let visitor = Visitor::of(&app, &headers);
    let facts = Known {
        settings: &app.settings,
        sight: app.last_look.recent(&app).await,
    };
    Html(crate::pages::promises::page(&visitor.site, &facts))
}

/// How often the law reached in, by year.
async fn counts(app: &App) -> Option<Vec<LawfulYear>> {
    let years = app.with_store(|store| lawful::counts(store)).await.ok()?;
    let shown = years.into_iter().map(|year| LawfulYear {
        year: year.year,
        n_held: year.n_held,
        n_ended: year.n_ended,
        n_exported: year.n_exported,
    });
    Some(shown.collect())
}

/// What the operator's settings say is part of the documents that name them, so
/// that a change of theirs has a date as well.
fn effective<'a>(app: &'a App, version: &Version, in_force: &Version) -> &'a str {
    let changed_on = app.settings.operator.changed_on.as_str();
    let is_theirs = version.document.names_operator() && version.number == in_force.number;
    if is_theirs && changed_on > version.effective {
        changed_on
    } else {
        version.effective
    }
}

/// `GET /.well-known/gpc.json`: that Global Privacy Control is honoured.
async fn gpc() -> Response {
    let kept = HeaderValue::from_static("public, max-age=86400");
    let answer = Json(json!({ "gpc": true, "lastUpdate": GPC_SINCE }));
    ([(header::CACHE_CONTROL, kept)], answer).into_response()
}
