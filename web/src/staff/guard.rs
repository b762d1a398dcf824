//! The one way to a route under `/staff`. A route is added with who may come to
//! it, and nothing else can add one: what is not said is not open.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use imgshare_storage::audit::{Action, Actor, Entry, Subject};
use imgshare_storage::staff::{self, LiveSession, Secret, Stage};
use imgshare_storage::{Changes, Keyspace, StorageError};
use serde_json::json;

use super::session::Caller;
use super::transport::Transport;
use super::{Access, Refusal, csrf, login, passkey_login, step_up};
use crate::abuse::Kind;
use crate::app::{App, AppState};
use crate::clock;
use crate::error::{Problem, WebError};
use crate::http::address::client;
use crate::http::negotiate;
use crate::http::visitor::Visitor;

/// A use is written down once a minute, not with every request: writing waits
/// for the disk.
const SEEN_EVERY_MS: u64 = 60_000;

/// The one route of the staff that lies elsewhere.
pub const STATISTICS_API: &str = "/api/v1/stats";

const REFUSED: Action = Action::new("staff-refused");

/// Routes under `/staff`, each with who may come to it.
#[derive(Default)]
pub struct Routes {
    routes: Vec<(&'static str, Access, MethodRouter<AppState>)>,
}

impl Routes {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a path below `/staff`, or the one of the API for programs of the
    /// staff, with its handlers, which only those reach who have access. A request that changes something has to carry the session's
    /// token.
    ///
    /// # Panics
    /// When the path lies elsewhere.
    #[must_use]
    pub fn at(
        mut self,
        path: &'static str,
        access: Access,
        handlers: MethodRouter<AppState>,
    ) -> Self {
        let is_ours = ["/staff", STATISTICS_API].contains(&path) || path.starts_with("/staff/");
        assert!(is_ours, "{path}");
        self.routes.push((path, access, handlers));
        self
    }

    /// Adds the routes of another part.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        self
    }

    /// Every path with its access.
    pub fn table(&self) -> impl Iterator<Item = (&'static str, Access)> {
        self.routes.iter().map(|(path, access, _)| (*path, *access))
    }

    /// The router, guarded.
    pub(super) fn guarded(self, app: &AppState) -> Router<AppState> {
        let mut router = Router::new();
        for (path, access, handlers) in self.routes {
            let guarded = handlers
                .fallback(|| async { WebError::MethodNotAllowed })
                .layer(from_fn_with_state((Arc::clone(app), access), guard));
            router = router.route(path, guarded);
        }
        router
    }
}

async fn guard(
    State((app, access)): State<(AppState, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    let asked = Asked::of(&app, &request);
    let token = app.staff.transport.token(request.headers());
    let caller = match caller(&app, token).await {
        Ok(caller) => caller.map(Arc::new),
        Err(error) => return error.into_response(),
    };
    if caller.is_none()
        && let Err(error) = app.admit_client(client(request.extensions()), Kind::Other)
    {
        return error.into_response();
    }
    let actor = caller
        .as_ref()
        .map_or(Actor::Visitor, |caller| caller.actor());
    let response = match admit(&app, access, caller.as_deref(), request).await {
        Err(error) => refused(&asked, error),
        Ok(admitted) => {
            request = admitted;
            let asking = step_up::Asking::of(&request, caller.as_ref());
            if let Some(caller) = caller {
                if caller.stage() == Stage::Full {
                    let session = caller.session(app.settings.staff.step_up_ms_max());
                    request.extensions_mut().insert(session);
                }
                request.extensions_mut().insert(caller);
            }
            step_up::carried(&app, asking, next.run(request).await).await
        }
    };
    if let Some(code) = code_of(&response) {
        note(&app, actor, &asked, code).await;
    }
    response
}

/// What a refusal's entry says of the request: its route, never its path.
struct Asked {
    method: String,
    route: String,
    path: String,
    /// Who asked for a page and changes nothing by it, with what the page to log
    /// in would ask a passkey.
    reader: Option<(Visitor, Option<String>)>,
}

impl Asked {
    fn of(app: &AppState, request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>();
        let is_reader = negotiate::wants_page(request) && !csrf::is_changing(request.method());
        Self {
            method: request.method().to_string(),
            route: route
                .map(|route| route.as_str().to_owned())
                .unwrap_or_default(),
            path: request.uri().path().to_owned(),
            reader: is_reader.then(|| {
                let headers = request.headers();
                (
                    Visitor::of(app, headers),
                    passkey_login::options(app, headers),
                )
            }),
        }
    }
}

/// The session of a token, and that it was used.
async fn caller(app: &AppState, token: Option<Secret>) -> Result<Option<Caller>, WebError> {
    let Some(token) = token else {
        return Ok(None);
    };
    let times = app.settings.staff.session_times();
    let now_ms = clock::now_ms();
    let presented = token.clone();
    let live = app.with_store(move |store| {
        let Some(live) = staff::live_session(store, &presented, now_ms, &times)? else {
            return Ok(None);
        };
        if touch(store, &live, now_ms, times.idle_ms_max)? {
            return staff::live_session(store, &presented, now_ms, &times);
        }
        Ok(Some(live))
    });
    Ok(live.await?.map(|live| Caller {
        csrf: csrf::token(&token),
        token,
        live,
    }))
}

/// Says that a session was used, if that is worth a write. True when what was
/// read of it is no longer what is kept.
fn touch(
    keys: &dyn Keyspace,
    live: &LiveSession,
    now_ms: u64,
    idle_ms_max: u64,
) -> Result<bool, StorageError> {
    let seen_at_ms = live.session.value.seen_at_ms;
    if now_ms.saturating_sub(seen_at_ms) < SEEN_EVERY_MS.min(idle_ms_max / 4) {
        return Ok(false);
    }
    let mut seen = live.session.value.clone();
    seen.seen_at_ms = now_ms;
    let mut changes = Changes::new();
    live.session.replace(&mut changes, &seen);
    match keys.commit(changes) {
        // Another request of the same session has just said so, or ended it.
        Ok(()) | Err(StorageError::Stale { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

async fn admit(
    app: &App,
    access: Access,
    caller: Option<&Caller>,
    request: Request,
) -> Result<Request, WebError> {
    if app.staff.transport == Transport::Plain {
        return Err(Refusal::InsecureTransport.into());
    }
    let is_changing = csrf::is_changing(request.method());
    if is_changing {
        csrf::check_origin(&app.staff.transport, request.headers())?;
    }
    let stage_needed = match access {
        Access::Anyone => return Ok(request),
        Access::HalfWay => Stage::SecondFactor,
        Access::SignedIn | Access::Needs(_) | Access::AnyOf(_) => Stage::Full,
    };
    let caller = caller.ok_or(Refusal::SessionMissing)?;
    if stage_needed == Stage::Full && caller.stage() == Stage::SecondFactor {
        return Err(Refusal::SecondFactorMissing.into());
    }
    if !access.is_open_to(caller.live.account.value.role) {
        return Err(Refusal::NotPermitted.into());
    }
    if is_changing {
        return csrf::check_token(request, &caller.csrf).await;
    }
    Ok(request)
}

/// Who wanted a page and is not logged in gets the page to log in, with the
/// same status as anybody else.
fn refused(asked: &Asked, error: WebError) -> Response {
    let answer = error.status_and_code();
    let is_outside = matches!(error, WebError::Staff(Refusal::SessionMissing));
    match &asked.reader {
        Some((reader, passkey)) if is_outside => {
            login::page_instead(&reader.site, &asked.path, passkey.as_deref(), answer)
        }
        _ => error.into_response(),
    }
}

/// The code of a refusal whose answer does not say it.
#[derive(Clone)]
pub(crate) struct RefusedWith(pub(crate) &'static str);

/// Somebody asked for an image that lies in a lane that is not theirs.
pub(crate) const FOREIGN_LANE: &str = "staff-foreign-lane";

/// What is no 401, 403 or 429, and refused all the same.
const OTHER_REFUSALS: [&str; 3] = [
    "staff-invitation-unknown",
    "staff-step-up-needed",
    FOREIGN_LANE,
];

/// The code of an answer that refuses; what is wrong with a form is no refusal.
fn code_of(response: &Response) -> Option<String> {
    let is_refusal = matches!(response.status().as_u16(), 401 | 403 | 429);
    let extensions = response.extensions();
    let code = extensions
        .get::<RefusedWith>()
        .map(|refused| refused.0.to_owned())
        .or_else(|| {
            extensions
                .get::<Problem>()
                .map(|problem| problem.code.clone())
        });
    code.filter(|code| is_refusal || OTHER_REFUSALS.contains(&code.as_str()))
}

/// Writes a refusal into the audit. Strangers can cause as many as they like,
/// so theirs are bounded; the next entry says how many were left out.
async fn note(app: &AppState, actor: Actor, asked: &Asked, code: String) {
    let now_ms = clock::now_ms();
    let n_left_out = match &actor {
        Actor::Visitor => app.staff.strangers.take(now_ms),
        _ => app.staff.refusals.take(now_ms),
    };
    tracing::info!(target: "imgshare_web::staff", actor = actor.name(), code, route = asked.route, "refused");
    let Some(n_left_out) = n_left_out else { return };
    let mut said = json!({"code": code, "method": asked.method});
    if n_left_out > 0 {
        said["left_out"] = json!(n_left_out);
    }
    let entry = Entry::new(now_ms, actor, REFUSED)
        .about(Subject::named("route", &asked.route))
        .changed(serde_json::Value::Null, said);
    if let Err(error) = app.staff.record(app, entry).await {
        tracing::error!(%error, "a refusal could not be written into the audit");
    }
}
