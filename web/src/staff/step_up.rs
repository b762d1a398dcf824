//! `/staff/step-up`: the second factor once more, before what is dangerous.
//!
//! What was typed is not lost on the way: the page that asks carries the form that
//! was sent, field by field, and once the factor is proved the browser is sent on
//! with all of it (307). Nothing of it is kept here, it is in no address and no log,
//! and the session's token is checked on either way.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use imgshare_storage::audit::{self, Action, Entry};
use serde_json::{Value, json};

use super::attempt::Attempt;
use super::csrf::{CSRF_FIELD, SentForm};
use super::factor::{self, FactorForm};
use super::guard::RefusedWith;
use super::login::{Onward, Used, go, once_with_audit, onward, passkey_options, refused};
use super::session::{Called, Caller};
use super::{Access, Refusal, Routes, Session, party, totp};
use crate::app::{App, AppState};
use crate::clock;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::pages::staff as pages;

const STEPPED_UP: Action = Action::new("staff-stepped-up");

pub(super) fn routes() -> Routes {
    Routes::new().at("/staff/step-up", Access::SignedIn, get(ask).post(prove))
}

/// Fields of the page's own forms; any other was carried here.
const OWN_FIELDS: [&str; 4] = [CSRF_FIELD, "code", "credential", "recovery"];

/// A field of a form, and its value.
type Field = (String, String);

/// An answer that asks for the second factor, and may carry the form that it answers.
#[derive(Clone)]
struct Carries;

/// Asks for the second factor again before a form is obeyed, which then goes on;
/// `None` when it is fresh. A request without a form is led to the page that asks,
/// and from there to `to`.
pub(crate) fn step_up_first(app: &App, session: &Session, to: &str) -> Option<Response> {
    let mut first = step_up_without_form(app, session, to)?;
    first.extensions_mut().insert(Carries);
    Some(first)
}

/// The same for a form that is not carried on: it holds a password or a code.
pub(super) fn step_up_without_form(app: &App, session: &Session, to: &str) -> Option<Response> {
    let refusal = session.needs_fresh_factor(clock::now_ms()).err()?;
    let to = totp::escaped(to);
    let mut first = go(app, &format!("/staff/step-up?to={to}"), None);
    let (_, code) = refusal.status_and_code();
    first.extensions_mut().insert(RefusedWith(code));
    Some(first)
}

/// What is needed of a form's request to ask for the second factor in its place.
pub(super) struct Asking {
    form: SentForm,
    path: String,
    headers: HeaderMap,
    caller: Arc<Caller>,
}

impl Asking {
    /// `None` where no form was sent.
    pub(super) fn of(request: &Request, caller: Option<&Arc<Caller>>) -> Option<Self> {
        Some(Self {
            form: request.extensions().get::<SentForm>()?.clone(),
            path: request.uri().path().to_owned(),
            headers: request.headers().clone(),
            caller: Arc::clone(caller?),
        })
    }
}

/// Puts the page that asks, form and all, in the place of an answer that leads to it.
pub(super) async fn carried(
    app: &AppState,
    asking: Option<Asking>,
    response: Response,
) -> Response {
    let is_asked = response.extensions().get::<Carries>().is_some();
    let Some(asking) = asking.filter(|_| is_asked) else {
        return response;
    };
    match asked_instead(app, asking).await {
        Ok(Some(page)) => page,
        Ok(None) => response,
        Err(error) => error.into_response(),
    }
}

/// `None` for a form in which nothing was typed or chosen.
async fn asked_instead(app: &AppState, asking: Asking) -> Result<Option<Response>, WebError> {
    let Asking {
        form,
        path,
        headers,
        caller,
    } = asking;
    let typed = typed(form.fields().await?);
    if typed.is_empty() {
        return Ok(None);
    }
    let page = page(app, &headers, &caller, onward(&path), &typed, None).await?;
    let (status, code) = Refusal::StepUpNeeded.status_and_code();
    let mut response = (status, Html(page)).into_response();
    response.extensions_mut().insert(RefusedWith(code));
    Ok(Some(response))
}

/// The fields that were carried here.
fn typed(mut fields: Vec<Field>) -> Vec<Field> {
    fields.retain(|(name, _)| !OWN_FIELDS.contains(&name.as_str()));
    fields
}

async fn ask(
    State(app): State<AppState>,
    headers: HeaderMap,
    Called(caller): Called,
    Query(query): Query<Onward>,
) -> Result<Html<String>, WebError> {
    let page = page(&app, &headers, &caller, onward(&query.to), &[], None);
    Ok(Html(page.await?))
}

async fn page(
    app: &AppState,
    headers: &HeaderMap,
    caller: &Caller,
    to: &str,
    carried: &[Field],
    problem: Option<&str>,
) -> Result<String, WebError> {
    let site = Visitor::of(app, headers).site;
    let options = passkey_options(app, headers, caller).await?;
    Ok(pages::second_factor(
        &site,
        &pages::FactorPage {
            csrf: &caller.csrf,
            action: "/staff/step-up",
            title: "Your second factor again",
            to,
            carried,
            has_totp: caller.live.account.value.totp.is_some(),
            has_recovery: false,
            passkey_options: options.as_deref(),
            problem,
        },
    ))
}

async fn prove(
    State(app): State<AppState>,
    headers: HeaderMap,
    Called(caller): Called,
    Query(query): Query<Onward>,
    form: Result<Form<Vec<Field>>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(fields) = form.map_err(|_| WebError::MalformedForm)?;
    let (to, factor) = (onward(&query.to), factor_of(&fields));
    let typed = typed(fields);
    match step_up(&app, &headers, &caller, factor).await {
        Ok(()) => {
            let mut on = go(&app, to, None);
            if !typed.is_empty() {
                // The browser sends the same form on, token and all.
                *on.status_mut() = StatusCode::TEMPORARY_REDIRECT;
            }
            Ok(on)
        }
        Err(WebError::Staff(refusal)) => {
            let words = refusal.to_string();
            let page = page(&app, &headers, &caller, to, &typed, Some(&words)).await?;
            Ok(refused(&refusal, |_| page))
        }
        Err(error) => Err(error),
    }
}

/// The factor that a form shows. Recovery codes are for getting in, not for every
/// dangerous act.
fn factor_of(fields: &[Field]) -> FactorForm {
    let value = |wanted: &str| {
        let found = fields.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    FactorForm {
        code: value("code"),
        credential: value("credential"),
        recovery: String::new(),
    }
}

async fn step_up(
    app: &App,
    headers: &HeaderMap,
    caller: &Caller,
    form: FactorForm,
) -> Result<(), WebError> {
    let now_ms = clock::now_ms();
    let live = caller.live.clone();
    let attempt = Attempt::begin(app, caller, now_ms).await?;
    let party = party::of(app, headers);
    let (account, session) = (&live.account.value, &live.session.value);
    let vault = app.staff.vault()?;
    let proved = factor::prove(vault, account, session, party.as_ref(), &form, now_ms);
    let (proved, kind) = match proved {
        Ok(proved) => proved,
        Err(refusal) => {
            attempt.wrong(app, &refusal, caller.actor(), now_ms).await?;
            return Err(refusal.into());
        }
    };
    let mut fresh = session.clone();
    fresh.factor_at_ms = now_ms;
    fresh.challenge = None;
    let entry = Entry::new(now_ms, caller.actor(), STEPPED_UP)
        .changed(Value::Null, json!({"second_factor": kind.as_str()}));
    let counted = attempt.clone();
    let done = app.with_audit(move |store| {
        once_with_audit(store, |changes| {
            live.account.replace(changes, &proved);
            live.session.replace(changes, &fresh);
            attempt.forget(store, changes)?;
            audit::append(store, changes, entry.clone())?;
            Ok(())
        })
    });
    if let Err(Used) = done.await? {
        let refusal = Refusal::CodeWrong;
        counted.wrong(app, &refusal, caller.actor(), now_ms).await?;
        return Err(refusal.into());
    }
    Ok(())
}
