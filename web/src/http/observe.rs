//! One log line and one count a request, and who it comes from. Nothing that is
//! kept holds a whole address, a file name, a query or a token (P4).

use std::borrow::Cow;
use std::time::{Duration, Instant};

use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;

use super::address::{ClientAddress, Peer};
use super::proxies::Proxies;
use super::referrer::Referrer;
use crate::app::{App, AppState};
use crate::clock;
use crate::error::Problem;
use crate::request_log::{Line, Shown, UNMATCHED};
use crate::statistics::Seen;

/// Logs and counts the request. The route's pattern is logged, not the path:
/// an id is all it takes to see an image.
pub async fn observe(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let asked = Asked::of(&app, &request);
    if let Some(client) = asked.client {
        request.extensions_mut().insert(client);
    }
    forget_invented_country(&app, &mut request);
    let response = next.run(request).await;
    let took = started.elapsed();
    let route = asked.route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    let method = asked.method;
    let status = response.status().as_u16();
    app.metrics.request(route, method, status, took);
    let code = response
        .extensions()
        .get::<Problem>()
        .map(|problem| problem.code.as_str());
    if let Some(code) = code {
        app.metrics.problem(code);
    }
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if is_routine(route, status) {
        tracing::debug!(method, route, status, ms, "request");
    } else {
        tracing::info!(method, route, status, code, ms, "request");
    }
    app.statistics.saw(&Seen {
        route,
        is_get: method == "GET",
        status,
        is_page: is_page(response.headers()),
        referrer: asked.referrer.as_ref(),
        country: asked.country.as_deref(),
        at_ms: asked.at_ms,
    });
    asked.write(&app, &response, took);
    response
}

/// Takes out the header with the visitor's country, unless a proxy of ours has
/// written it: nobody behind this can believe a client about itself.
fn forget_invented_country(app: &App, request: &mut Request) {
    let settings = &app.settings;
    let name = settings.advertising.country_header.as_str();
    let peer = request.extensions().get::<Peer>();
    if !name.is_empty() && !Proxies::of(&settings.http).speak(peer) {
        request.headers_mut().remove(name);
    }
}

/// What a request tells of itself, read before it is gone.
struct Asked {
    at_ms: u64,
    method: &'static str,
    route: Option<MatchedPath>,
    path: Option<Shown>,
    agent: Option<HeaderValue>,
    referrer: Option<Referrer>,
    client: Option<ClientAddress>,
    country: Option<Cow<'static, str>>,
}

impl Asked {
    fn of(app: &App, request: &Request) -> Self {
        let headers = request.headers();
        let peer = request.extensions().get::<Peer>();
        let client = Proxies::of(&app.settings.http).client(headers, peer);
        let route = request.extensions().get::<MatchedPath>().cloned();
        let is_logged = app.request_log.is_open();
        Self {
            at_ms: clock::now_ms(),
            method: known_method(request.method()),
            path: is_logged.then(|| Shown::of(route.as_ref(), request.uri().path())),
            agent: headers
                .get(header::USER_AGENT)
                .filter(|_| is_logged)
                .cloned(),
            referrer: Referrer::of(&app.settings, headers),
            country: app.statistics.country(headers, client),
            route,
            client,
        }
    }

    fn write(self, app: &App, response: &Response, took: Duration) {
        let Some(path) = self.path else {
            return;
        };
        let line = Line {
            at_ms: self.at_ms,
            method: self.method,
            path,
            status: response.status().as_u16(),
            took,
            bytes: length(response),
            agent: self.agent,
            referrer: self.referrer,
            address: self.client.map(ClientAddress::anonymized),
        };
        app.request_log.write(line, app.metrics.log_counters());
    }
}

/// The length of an answer that is known before it is sent.
fn length(response: &Response) -> Option<u64> {
    let announced = response
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    announced.or_else(|| response.body().size_hint().exact())
}

fn is_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
}

/// A method that HTTP knows; a client can make up any other, as long as it likes.
fn known_method(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE",
    ];
    let known = KNOWN.into_iter().find(|known| *known == method.as_str());
    known.unwrap_or("OTHER")
}

/// Images, assets and probes that were answered: thousands a second, each the
/// same. Writing their lines takes a third of what serving a cached image does.
fn is_routine(route: &str, status: u16) -> bool {
    const ROUTES: [&str; 3] = ["/healthz", "/readyz", "/assets/{name}"];
    status < 400 && (route.starts_with("/i/") || ROUTES.contains(&route))
}
