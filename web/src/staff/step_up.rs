//! `/staff/step-up`: the second factor once more, before what is dangerous.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{Html, Response};
use axum::routing::get;
use imgshare_storage::audit::{self, Action, Entry};
use serde_json::{Value, json};

use super::attempt::Attempt;
use super::factor::{self, FactorForm};
use super::login::{Onward, Used, go, once_with_audit, onward, passkey_options, refused};
use super::session::{Called, Caller};
use super::{Access, Refusal, Routes, party};
use crate::app::{App, AppState};
use crate::clock;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::pages::staff as pages;

const STEPPED_UP: Action = Action::new("staff-stepped-up");

pub(super) fn routes() -> Routes {
    Routes::new().at("/staff/step-up", Access::SignedIn, get(ask).post(prove))
}

async fn ask(
    State(app): State<AppState>,
    headers: HeaderMap,
    Called(caller): Called,
    Query(query): Query<Onward>,
) -> Result<Html<String>, WebError> {
    let page = page(&app, &headers, &caller, onward(&query.to), None);
    Ok(Html(page.await?))
}

async fn page(
    app: &AppState,
    headers: &HeaderMap,
    caller: &Caller,
    to: &str,
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
    form: Result<Form<FactorForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    match step_up(&app, &headers, &caller, form).await {
        Ok(()) => Ok(go(&app, onward(&query.to), None)),
        Err(WebError::Staff(refusal)) => {
            let words = refusal.to_string();
            let page = page(&app, &headers, &caller, onward(&query.to), Some(&words)).await?;
            Ok(refused(&refusal, |_| page))
        }
        Err(error) => Err(error),
    }
}

async fn step_up(
    app: &App,
    headers: &HeaderMap,
    caller: &Caller,
    form: FactorForm,
) -> Result<(), WebError> {
    // Recovery codes are for getting in, not for every dangerous act.
    let form = FactorForm {
        recovery: String::new(),
        ..form
    };
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
