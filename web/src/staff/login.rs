//! `/staff/login`: name and password first, then the second factor; and the
//! way out.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use imgshare_storage::audit::{self, Action, Actor, Entry, Subject};
use imgshare_storage::staff::{self, Account, Kept, LoginName, Secret, SessionRecord, Stage};
use imgshare_storage::{Changes, Keyspace, StorageError, Store};
use serde::Deserialize;
use serde_json::{Value, json};

use super::attempt::{self, Attempt};
use super::factor::{self, FactorForm};
use super::guard::RefusedWith;
use super::guesses::Guesses;
use super::session::{Called, Caller};
use super::{Access, Refusal, Routes, party, passkey_login, totp, webauthn};
use crate::app::{App, AppState};
use crate::clock;
use crate::error::WebError;
use crate::http::address::AnonymizedIp;
use crate::http::visitor::Visitor;
use crate::moderation::service;
use crate::pages::Site;
use crate::pages::staff as pages;

pub(super) const LOGGED_IN: Action = Action::new("staff-logged-in");
const LOGGED_OUT: Action = Action::new("staff-logged-out");

pub(super) fn routes() -> Routes {
    Routes::new()
        .at(
            "/staff/login",
            Access::Anyone,
            get(ask).post(check_password),
        )
        .at(
            "/staff/login/second-factor",
            Access::HalfWay,
            get(ask_factor).post(check_factor),
        )
        .at("/staff/login/cancel", Access::HalfWay, post(log_out))
        .at("/staff/logout", Access::SignedIn, post(log_out))
        .at(
            "/staff/logout-everywhere",
            Access::SignedIn,
            post(log_out_everywhere),
        )
}

/// Where to go after logging in.
#[derive(Deserialize)]
pub(super) struct Onward {
    #[serde(default)]
    pub(super) to: String,
}

/// A page under `/staff`, or the first one.
pub(super) fn onward(to: &str) -> &str {
    let is_ours = to.starts_with("/staff/")
        && !to.starts_with("/staff/login")
        && to
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_ours { to } else { "/staff" }
}

/// The page to log in, in place of one that asks for it.
pub(super) fn page_instead(
    site: &Site,
    to: &str,
    passkey: Option<&str>,
    (status, code): (StatusCode, &'static str),
) -> Response {
    let page = Html(pages::login(site, onward(to), "", None, passkey));
    let mut response = (status, page).into_response();
    let challenge = HeaderValue::from_static("Session realm=\"staff\"");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, challenge);
    response.extensions_mut().insert(RefusedWith(code));
    response
}

async fn ask(
    State(app): State<AppState>,
    headers: HeaderMap,
    Query(query): Query<Onward>,
) -> Html<String> {
    let visitor = Visitor::of(&app, &headers);
    let passkey = passkey_login::options(&app, &headers);
    let (to, passkey) = (onward(&query.to), passkey.as_deref());
    Html(pages::login(&visitor.site, to, "", None, passkey))
}

#[derive(Deserialize)]
struct PasswordForm {
    login: String,
    password: String,
    #[serde(default)]
    to: String,
}

async fn check_password(
    State(app): State<AppState>,
    from: AnonymizedIp,
    headers: HeaderMap,
    form: Result<Form<PasswordForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    match by_password(&app, from, &form.login, form.password).await {
        Ok(token) => {
            let to = totp::escaped(onward(&form.to));
            let to = format!("/staff/login/second-factor?to={to}");
            Ok(go(&app, &to, Some(&token)))
        }
        Err(WebError::Staff(refusal)) => {
            let visitor = Visitor::of(&app, &headers);
            let passkey = passkey_login::options(&app, &headers);
            let (to, passkey) = (onward(&form.to), passkey.as_deref());
            let page =
                |words: &str| pages::login(&visitor.site, to, &form.login, Some(words), passkey);
            Ok(refused(&refusal, page))
        }
        Err(error) => Err(error),
    }
}

/// Opens a session that waits for its second factor.
async fn by_password(
    app: &App,
    from: AnonymizedIp,
    login: &str,
    password: String,
) -> Result<Secret, WebError> {
    let now_ms = clock::now_ms();
    let guess = Guesses::begin(&app.staff.guesses, login, from, now_ms)?;
    let name = LoginName::try_from(login.to_owned()).ok();
    let account = app
        .with_store(move |store| match name {
            Some(name) => staff::account_of_login(store, &name),
            None => Ok(None),
        })
        .await?;
    // Without a second factor there is no way in, only an invitation to enrol
    // one; and who has not got it learns nothing here.
    let account = account
        .map(|kept| kept.value)
        .filter(|account| !account.is_disabled && account.has_second_factor());
    let kept = account.as_ref().map(|account| account.password.clone());
    let verified = app.staff.passwords.verify(password, kept, guess.line);
    let is_right = match verified.await {
        Ok(is_right) => is_right,
        Err(error) => {
            guess.take_back();
            return Err(error);
        }
    };
    let Some(account) = account.filter(|_| is_right) else {
        let (refusal, counted) = (Refusal::LoginWrong, guess.failures());
        drop(guess);
        attempt::tell_wrong(app, &refusal, Actor::Visitor, counted, now_ms).await?;
        return Err(refusal.into());
    };
    guess.right();
    half_session(app, &account, now_ms).await
}

async fn half_session(app: &App, account: &Account, now_ms: u64) -> Result<Secret, WebError> {
    let token = new_token()?;
    let session = SessionRecord {
        stage: Stage::SecondFactor,
        ..new_session(account, now_ms)
    };
    let added = token.clone();
    app.with_store(move |store| {
        let mut changes = Changes::new();
        staff::add_session(&mut changes, &added, &session);
        Keyspace::commit(store, changes)
    })
    .await?;
    Ok(token)
}

fn new_session(account: &Account, now_ms: u64) -> SessionRecord {
    SessionRecord {
        staff: account.id.clone(),
        stage: Stage::Full,
        created_at_ms: now_ms,
        seen_at_ms: now_ms,
        factor_at_ms: now_ms,
        generation: account.generation,
        challenge: None,
        offered: None,
    }
}

async fn ask_factor(
    State(app): State<AppState>,
    headers: HeaderMap,
    Called(caller): Called,
    Query(query): Query<Onward>,
) -> Result<Response, WebError> {
    if caller.stage() == Stage::Full {
        return Ok(go(&app, onward(&query.to), None));
    }
    let page = factor_page(&app, &headers, &caller, onward(&query.to), None).await?;
    Ok(Html(page).into_response())
}

/// The page that asks for the second factor, with a new challenge.
async fn factor_page(
    app: &AppState,
    headers: &HeaderMap,
    caller: &Caller,
    to: &str,
    problem: Option<&str>,
) -> Result<String, WebError> {
    let site = Visitor::of(app, headers).site;
    let account = &caller.live.account.value;
    let options = passkey_options(app, headers, caller).await?;
    Ok(pages::second_factor(
        &site,
        &pages::FactorPage {
            csrf: &caller.csrf,
            action: "/staff/login/second-factor",
            title: "Second factor",
            to,
            carried: &[],
            has_totp: account.totp.is_some(),
            has_recovery: true,
            passkey_options: options.as_deref(),
            problem,
        },
    ))
}

/// What the page asks an authenticator; remembered with the session. `None`
/// where there is no passkey to ask for.
pub(super) async fn passkey_options(
    app: &App,
    headers: &HeaderMap,
    caller: &Caller,
) -> Result<Option<String>, WebError> {
    let known = &caller.live.account.value.passkeys;
    let Some(party) = party::of(app, headers).filter(|_| !known.is_empty()) else {
        return Ok(None);
    };
    let challenge = factor::challenge()?;
    let session = caller.live.session.clone();
    app.with_store(move |store| {
        let mut challenged = session.value.clone();
        challenged.challenge = Some(challenge);
        let mut changes = Changes::new();
        session.replace(&mut changes, &challenged);
        Keyspace::commit(store, changes)
    })
    .await?;
    let options = webauthn::request_options(&party, &challenge.0, known);
    Ok(Some(options.to_string()))
}

async fn check_factor(
    State(app): State<AppState>,
    from: AnonymizedIp,
    headers: HeaderMap,
    Called(caller): Called,
    Query(query): Query<Onward>,
    form: Result<Form<FactorForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    if caller.stage() == Stage::Full {
        return Ok(go(&app, "/staff", None));
    }
    match by_factor(&app, &headers, &caller, &form).await {
        Ok(token) => {
            app.staff.guesses.know(from);
            Ok(go(&app, onward(&query.to), Some(&token)))
        }
        Err(WebError::Staff(refusal)) => {
            let (to, words) = (onward(&query.to), refusal.to_string());
            let page = factor_page(&app, &headers, &caller, to, Some(&words)).await?;
            Ok(refused(&refusal, |_| page))
        }
        Err(error) => Err(error),
    }
}

/// Turns the half session into a whole one, under a new token.
async fn by_factor(
    app: &App,
    headers: &HeaderMap,
    caller: &Caller,
    form: &FactorForm,
) -> Result<Secret, WebError> {
    let now_ms = clock::now_ms();
    let attempt = Attempt::begin(app, caller, now_ms).await?;
    let party = party::of(app, headers);
    let (account, session) = (&caller.live.account, &caller.live.session);
    let vault = app.staff.vault()?;
    let (account_now, session_now) = (&account.value, &session.value);
    let proved = factor::prove(
        vault,
        account_now,
        session_now,
        party.as_ref(),
        form,
        now_ms,
    );
    let (proved, kind) = match proved {
        Ok(proved) => proved,
        Err(refusal) => {
            attempt.wrong(app, &refusal, caller.actor(), now_ms).await?;
            return Err(refusal.into());
        }
    };
    let token = new_token()?;
    let (live, old, new) = (caller.live.clone(), caller.token.clone(), token.clone());
    let counted = attempt.clone();
    let entry = Entry::new(now_ms, caller.actor(), LOGGED_IN)
        .changed(Value::Null, json!({"second_factor": kind.as_str()}));
    let done = app.with_audit(move |store| {
        once_with_audit(store, |changes| {
            live.account.replace(changes, &proved);
            live.session.replace(changes, &live.session.value);
            staff::remove_session(changes, &old);
            staff::add_session(changes, &new, &new_session(&proved, now_ms));
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
    Ok(token)
}

/// What was proved has been used by another request meanwhile.
pub(super) struct Used;

/// A commit that rests on values read before: when they were changed it is not
/// planned again, for then the proof is no longer one. Only the audit's head
/// may move.
pub(super) fn once_with_audit(
    store: &Store,
    mut plan: impl FnMut(&mut Changes) -> Result<(), StorageError>,
) -> Result<Result<(), Used>, StorageError> {
    match audit::commit(store, &mut plan) {
        Ok(()) => Ok(Ok(())),
        Err(StorageError::Stale { .. }) => Ok(Err(Used)),
        Err(error) => Err(error),
    }
}

async fn log_out(
    State(app): State<AppState>,
    Called(caller): Called,
) -> Result<Response, WebError> {
    let (token, actor, stage) = (caller.token.clone(), caller.actor(), caller.stage());
    let id = caller.live.account.value.id.clone();
    app.with_audit(move |store| {
        audit::commit(store, |changes| {
            staff::remove_session(changes, &token);
            if stage == Stage::Full {
                let entry = Entry::new(clock::now_ms(), actor.clone(), LOGGED_OUT);
                audit::append(store, changes, entry)?;
            }
            Ok::<(), StorageError>(())
        })
    })
    .await?;
    // What is held is for others now. A password alone gives back nothing: the
    // leases belong to whoever showed the second factor too.
    if stage == Stage::Full {
        service::release_all(&app, id).await?;
    }
    Ok(gone(&app))
}

async fn log_out_everywhere(
    State(app): State<AppState>,
    Called(caller): Called,
) -> Result<Response, WebError> {
    let (id, actor) = (caller.live.account.value.id.clone(), caller.actor());
    let holder = id.clone();
    app.with_audit(move |store| {
        audit::commit(store, |changes| {
            let Some(account) = staff::account(store, &id)? else {
                return Ok(());
            };
            end_sessions(&account, changes);
            let entry = Entry::new(clock::now_ms(), actor.clone(), LOGGED_OUT)
                .about(Subject::staff(&id))
                .changed(Value::Null, json!({"everywhere": true}));
            audit::append(store, changes, entry)?;
            Ok::<(), StorageError>(())
        })
    })
    .await?;
    service::release_all(&app, holder).await?;
    Ok(gone(&app))
}

fn end_sessions(account: &Kept<Account>, changes: &mut Changes) {
    let mut next = account.value.clone();
    next.generation = next.generation.saturating_add(1);
    account.replace(changes, &next);
}

fn gone(app: &App) -> Response {
    let mut response = go(app, "/staff/login", None);
    let cleared = app.staff.transport.clear_cookie();
    response.headers_mut().insert(header::SET_COOKIE, cleared);
    response
}

/// Goes to another page, perhaps with a new session.
pub(super) fn go(app: &App, to: &str, token: Option<&Secret>) -> Response {
    let mut headers = HeaderMap::new();
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/staff"));
    headers.insert(header::LOCATION, to);
    if let Some(token) = token {
        headers.insert(header::SET_COOKIE, app.staff.transport.set_cookie(token));
    }
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// A page that says why it was refused, with the refusal's status.
pub(super) fn refused(refusal: &Refusal, page: impl FnOnce(&str) -> String) -> Response {
    let (status, code) = refusal.status_and_code();
    let mut response = (status, Html(page(&refusal.to_string()))).into_response();
    if let Some(wait) = refusal.retry_after() {
        // What was wrong is in the audit already; that nothing was looked at is not.
        response.extensions_mut().insert(RefusedWith(code));
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

pub(super) fn new_token() -> Result<Secret, WebError> {
    Secret::random().map_err(|error| WebError::Internal(format!("no randomness: {error}")))
}

/// A session that begins here, under a new token: after joining.
pub(super) fn begin_session(changes: &mut Changes, token: &Secret, account: &Account, now_ms: u64) {
    staff::add_session(changes, token, &new_session(account, now_ms));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_to_pages_of_the_staff_only() {
        assert_eq!(onward("/staff/audit?page=2"), "/staff/audit?page=2");
        for elsewhere in [
            "",
            "/",
            "//evil",
            "/staffx",
            "/staff/login",
            "https://evil",
            "/staff/a b",
        ] {
            assert_eq!(onward(elsewhere), "/staff", "{elsewhere}");
        }
    }
}
