//! `/staff/account`: one's own password and second factors. Every change asks
//! for a fresh second factor.

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use imgshare_storage::audit::{self, Action, Actor, Entry, Subject};
use imgshare_storage::staff::{self, Account, OfferedSecret, SessionRecord};
use imgshare_storage::{Changes, Keyspace};
use serde::Deserialize;
use serde_json::{Value, json};

use super::attempt::Attempt;
use super::enrol::{self, EnrolForm, Offer};
use super::home::me;
use super::login::{begin_session, go, new_token, once_with_audit, refused};
use super::session::{Called, Caller};
use super::step_up::step_up_without_form;
use super::vault::Vault;
use super::{Access, Refusal, Routes, Session, party, password, recovery};
use crate::app::{App, AppState};
use crate::clock;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::pages::staff as pages;

const PASSWORD_CHANGED: Action = Action::new("staff-password-changed");
const FACTOR_ADDED: Action = Action::new("staff-factor-added");
const FACTOR_REMOVED: Action = Action::new("staff-factor-removed");
const CODES_DRAWN: Action = Action::new("staff-recovery-codes-drawn");

pub(super) fn routes() -> Routes {
    let signed_in = Access::SignedIn;
    Routes::new()
        .at("/staff/account", signed_in, get(show))
        .at("/staff/account/password", signed_in, post(change_password))
        .at(
            "/staff/account/enrol",
            signed_in,
            get(offer).post(add_factor),
        )
        .at(
            "/staff/account/remove-factor",
            signed_in,
            post(remove_factor),
        )
        .at("/staff/account/recovery", signed_in, post(draw_codes))
}

async fn show(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    Called(caller): Called,
) -> Html<String> {
    Html(page(&app, &headers, &session, &caller, None))
}

fn page(
    app: &AppState,
    headers: &HeaderMap,
    session: &Session,
    caller: &Caller,
    problem: Option<&str>,
) -> String {
    let site = Visitor::of(app, headers).site;
    let account = &caller.live.account.value;
    let passkeys = account
        .passkeys
        .iter()
        .map(|passkey| pages::PasskeyRow {
            id: passkey.id.clone(),
            name: passkey.name.clone(),
            since: clock::rfc3339(passkey.created_at_ms),
        })
        .collect();
    pages::account(
        &site,
        &me(session),
        &pages::AccountView {
            login: account.login.as_str(),
            has_totp: account.totp.is_some(),
            passkeys,
            n_recovery: account.recovery.len(),
            has_one_factor: usize::from(account.totp.is_some()) + account.passkeys.len() < 2,
            problem,
        },
    )
}

#[derive(Deserialize)]
struct PasswordForm {
    current: String,
    password: String,
    again: String,
}

async fn change_password(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    Called(caller): Called,
    form: Result<Form<PasswordForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    if let Some(first) = step_up_without_form(&app, &session, "/staff/account") {
        return Ok(first);
    }
    match new_password(&app, &caller, form).await {
        Ok(response) => Ok(response),
        Err(WebError::Staff(refusal)) => Ok(refused(&refusal, |words| {
            page(&app, &headers, &session, &caller, Some(words))
        })),
        Err(error) => Err(error),
    }
}

async fn new_password(
    app: &App,
    caller: &Caller,
    form: PasswordForm,
) -> Result<Response, WebError> {
    let now_ms = clock::now_ms();
    let mut account = caller.live.account.value.clone();
    password::check_new(&form.password, &form.again, &account.login)?;
    let attempt = Attempt::begin(app, caller, now_ms).await?;
    let kept = Some(account.password.clone());
    let verified = app
        .staff
        .passwords
        .verify(form.current, kept, password::Line::Known);
    if !verified.await? {
        let refusal = Refusal::Invalid("Your current password is another one.");
        attempt.wrong(app, &refusal, caller.actor(), now_ms).await?;
        return Err(refusal.into());
    }
    attempt.take_back(app).await?;
    account.password = app.staff.passwords.hash(form.password).await?;
    let said = Value::Null;
    save(
        app,
        caller,
        account,
        PASSWORD_CHANGED,
        said,
        "/staff/account",
    )
    .await
}

/// Saves an account that its owner changed. All other sessions end, and this
/// one goes on under a new token.
async fn save(
    app: &App,
    caller: &Caller,
    mut account: Account,
    action: Action,
    said: Value,
    to: &str,
) -> Result<Response, WebError> {
    account.generation = account.generation.saturating_add(1);
    let now_ms = clock::now_ms();
    let token = new_token()?;
    let entry = own_entry(caller, action, now_ms).changed(Value::Null, said);
    let (live, old, new) = (caller.live.clone(), caller.token.clone(), token.clone());
    app.with_audit(move |store| {
        once_with_audit(store, |changes| {
            live.account.replace(changes, &account);
            staff::remove_session(changes, &old);
            begin_session(changes, &new, &account, now_ms);
            audit::append(store, changes, entry.clone())?;
            Ok(())
        })
    })
    .await?
    .map_err(|_| Refusal::Invalid("The account was changed meanwhile; try again."))?;
    Ok(go(app, to, Some(&token)))
}

fn own_entry(caller: &Caller, action: Action, now_ms: u64) -> Entry {
    let actor: Actor = caller.actor();
    Entry::new(now_ms, actor, action).about(Subject::staff(&caller.live.account.value.id))
}

async fn offer(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    Called(caller): Called,
) -> Result<Response, WebError> {
    if let Some(first) = step_up_without_form(&app, &session, "/staff/account/enrol") {
        return Ok(first);
    }
    let offer = Offer::draw()?;
    let mut offered = caller.live.session.value.clone();
    offered.challenge = Some(staff::Challenge(offer.challenge));
    offered.offered = Some(OfferedSecret(offer.sealed(app.staff.vault()?)?));
    let kept = caller.live.session.clone();
    app.with_store(move |store| {
        let mut changes = Changes::new();
        kept.replace(&mut changes, &offered);
        Keyspace::commit(store, changes)
    })
    .await?;
    let page = offer_page(&app, &headers, &session, &caller, &offer, None);
    Ok(Html(page).into_response())
}

fn offer_page(
    app: &AppState,
    headers: &HeaderMap,
    session: &Session,
    caller: &Caller,
    offer: &Offer,
    problem: Option<&str>,
) -> String {
    let site = Visitor::of(app, headers).site;
    let account = &caller.live.account.value;
    let (user, login) = (account.id.as_str(), account.login.as_str());
    let enrolment = offer.shown(app, headers, user, login, Some(account));
    let action = "/staff/account/enrol";
    pages::enrol(&site, Some(&me(session)), action, &enrolment, problem)
}

fn offered(vault: &Vault, session: &SessionRecord) -> Option<Offer> {
    let secret = &session.offered.as_ref()?.0;
    Offer::kept(vault, secret, session.challenge?.0).ok()
}

async fn add_factor(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    Called(caller): Called,
    form: Result<Form<EnrolForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    if let Some(first) = step_up_without_form(&app, &session, "/staff/account/enrol") {
        return Ok(first);
    }
    let vault = app.staff.vault()?;
    let Some(offer) = offered(vault, &caller.live.session.value) else {
        return Ok(go(&app, "/staff/account/enrol", None));
    };
    let mut account = caller.live.account.value.clone();
    let party = party::of(&app, &headers);
    let now_ms = clock::now_ms();
    match enrol::enrol(vault, &mut account, &offer, party.as_ref(), &form, now_ms) {
        Ok(factor) => {
            let said = json!({"second_factor": factor});
            save(&app, &caller, account, FACTOR_ADDED, said, "/staff/account").await
        }
        Err(WebError::Staff(refusal)) => Ok(refused(&refusal, |words| {
            offer_page(&app, &headers, &session, &caller, &offer, Some(words))
        })),
        Err(error) => Err(error),
    }
}

#[derive(Deserialize)]
struct RemoveForm {
    /// `totp`, or a passkey's id.
    factor: String,
}

async fn remove_factor(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    Called(caller): Called,
    form: Result<Form<RemoveForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    if let Some(first) = step_up_without_form(&app, &session, "/staff/account") {
        return Ok(first);
    }
    let mut account = caller.live.account.value.clone();
    let kind = if form.factor == "totp" {
        account.totp = None;
        "totp"
    } else {
        account.passkeys.retain(|passkey| passkey.id != form.factor);
        "passkey"
    };
    if !account.has_second_factor() {
        let refusal = Refusal::Invalid("This is your only second factor; add another one first.");
        return Ok(refused(&refusal, |words| {
            page(&app, &headers, &session, &caller, Some(words))
        }));
    }
    let said = json!({"second_factor": kind});
    save(
        &app,
        &caller,
        account,
        FACTOR_REMOVED,
        said,
        "/staff/account",
    )
    .await
}

async fn draw_codes(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    Called(caller): Called,
) -> Result<Response, WebError> {
    if let Some(first) = step_up_without_form(&app, &session, "/staff/account") {
        return Ok(first);
    }
    let mut account = caller.live.account.value.clone();
    let (codes, hashes) = recovery::draw()?;
    account.recovery = hashes;
    let saved = save(
        &app,
        &caller,
        account,
        CODES_DRAWN,
        Value::Null,
        "/staff/account",
    )
    .await?;
    let (mut parts, _) = saved.into_parts();
    parts.status = StatusCode::OK;
    parts.headers.remove(axum::http::header::LOCATION);
    let site = Visitor::of(&app, &headers).site;
    Ok((parts.headers, Html(pages::recovery_codes(&site, &codes))).into_response())
}
