//! `/staff/join/{code}`: from an invitation to an account, or to a new second
//! factor of one. Nothing is made before the second factor is proved.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use imgshare_storage::audit::{self, Action, Actor, Entry, Subject};
use imgshare_storage::staff::{
    self, Account, Draft, Invitation, Kept, LoginName, Purpose, Secret, StaffId,
};
use imgshare_storage::{Changes, Keyspace};
use serde::Deserialize;
use serde_json::{Value, json};

use super::attempt;
use super::enrol::{self, EnrolForm, Offer};
use super::guesses::Guesses;
use super::login::{begin_session, go, new_token, once_with_audit, refused};
use super::password::Line;
use super::{Access, Refusal, Routes, admin, party, password, recovery};
use crate::app::{App, AppState};
use crate::clock;
use crate::error::WebError;
use crate::http::address::AnonymizedIp;
use crate::http::visitor::Visitor;
use crate::pages::staff as pages;

const JOINED: Action = Action::new("staff-joined");
const RENEWED: Action = Action::new("staff-factor-renewed");

/// Pseudonyms drawn before giving up: one in millions is taken.
const NAMES_DRAWN_MAX: u32 = 16;

pub(super) fn routes() -> Routes {
    Routes::new()
        .at("/staff/join/{code}", Access::Anyone, get(ask).post(choose))
        .at(
            "/staff/join/{code}/second-factor",
            Access::Anyone,
            get(offer).post(finish),
        )
}

async fn find(app: &App, code: &str) -> Result<(Secret, Kept<Invitation>), WebError> {
    let code = Secret::presented(code).ok_or(Refusal::InvitationUnknown)?;
    let presented = code.clone();
    let found = app
        .with_store(move |store| {
            let found = staff::invitation(store, &presented, clock::now_ms())?;
            match found {
                Some(kept) if admin::stands(store, &kept.value)? => Ok(Some(kept)),
                _ => Ok(None),
            }
        })
        .await?;
    let invitation = found.ok_or(Refusal::InvitationUnknown)?;
    Ok((code, invitation))
}

fn second_factor_path(code: &Secret) -> String {
    format!("/staff/join/{}/second-factor", code.expose())
}

async fn ask(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(code): Path<String>,
) -> Result<Response, WebError> {
    let (code, invitation) = find(&app, &code).await?;
    if invitation.value.draft.is_some() {
        return Ok(go(&app, &second_factor_path(&code), None));
    }
    let site = Visitor::of(&app, &headers).site;
    let page = pages::join(&site, &join_page(&code, &invitation.value, "", None));
    Ok(Html(page).into_response())
}

fn join_page<'p>(
    code: &'p Secret,
    invitation: &Invitation,
    login: &'p str,
    problem: Option<&'p str>,
) -> pages::JoinPage<'p> {
    pages::JoinPage {
        code: code.expose(),
        role: match &invitation.purpose {
            Purpose::Join { role } => Some(role.as_str()),
            Purpose::Renew { .. } => None,
        },
        login,
        problem,
    }
}

#[derive(Deserialize)]
struct ChoiceForm {
    login: String,
    password: String,
    #[serde(default)]
    again: String,
}

async fn choose(
    State(app): State<AppState>,
    from: AnonymizedIp,
    headers: HeaderMap,
    Path(code): Path<String>,
    form: Result<Form<ChoiceForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    let (code, invitation) = find(&app, &code).await?;
    match draft(&app, from, &invitation.value.purpose, &form).await {
        Ok(draft) => {
            let mut next = invitation.value.clone();
            next.draft = Some(draft);
            app.with_store(move |store| {
                let mut changes = Changes::new();
                invitation.replace(&mut changes, &next);
                Keyspace::commit(store, changes)
            })
            .await?;
            Ok(go(&app, &second_factor_path(&code), None))
        }
        Err(WebError::Staff(refusal)) => {
            let site = Visitor::of(&app, &headers).site;
            Ok(refused(&refusal, |words| {
                let page = join_page(&code, &invitation.value, &form.login, Some(words));
                pages::join(&site, &page)
            }))
        }
        Err(error) => Err(error),
    }
}

/// Name and password, checked: new ones to join with, or those of the account
/// whose second factor is renewed.
async fn draft(
    app: &App,
    from: AnonymizedIp,
    purpose: &Purpose,
    form: &ChoiceForm,
) -> Result<Draft, WebError> {
    let offer = Offer::draw()?;
    let login = LoginName::try_from(form.login.clone());
    let (login, password) = match purpose {
        Purpose::Join { .. } => {
            let login = login.map_err(|_| {
                Refusal::Invalid("A name has 3 to 64 letters, digits, dots, hyphens or @.")
            })?;
            password::check_new(&form.password, &form.again, &login)?;
            let asked = login.clone();
            let taken = app.with_store(move |store| staff::account_of_login(store, &asked));
            if taken.await?.is_some() {
                return Err(Refusal::Invalid("This name is taken; choose another one.").into());
            }
            let password = app.staff.passwords.hash(form.password.clone()).await?;
            (login, password)
        }
        Purpose::Renew { staff: id } => {
            let now_ms = clock::now_ms();
            let guess = Guesses::begin(&app.staff.guesses, &form.login, from, now_ms)?;
            let id = id.clone();
            let account = app
                .with_store(move |store| staff::account(store, &id))
                .await?;
            let account = account
                .map(|kept| kept.value)
                .filter(|account| login.as_ref() == Ok(&account.login));
            let kept = account.as_ref().map(|account| account.password.clone());
            let password = form.password.clone();
            let verified = app.staff.passwords.verify(password, kept, Line::Known);
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
            (account.login, account.password)
        }
    };
    Ok(Draft {
        login,
        password,
        totp_secret: offer.sealed(app.staff.vault()?)?,
        challenge: offer.challenge,
    })
}

/// The draft of an invitation, and what it offers.
fn drafted<'i>(app: &App, invitation: &'i Invitation) -> Result<(&'i Draft, Offer), WebError> {
    let draft = invitation
        .draft
        .as_ref()
        .ok_or(Refusal::InvitationUnknown)?;
    let vault = app.staff.vault()?;
    let offer = Offer::kept(vault, &draft.totp_secret, draft.challenge)?;
    Ok((draft, offer))
}

async fn offer(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(code): Path<String>,
) -> Result<Response, WebError> {
    let (code, invitation) = find(&app, &code).await?;
    if invitation.value.draft.is_none() {
        return Ok(go(&app, &format!("/staff/join/{}", code.expose()), None));
    }
    let page = offer_page(&app, &headers, &code, &invitation.value, None)?;
    Ok(Html(page).into_response())
}

fn offer_page(
    app: &AppState,
    headers: &HeaderMap,
    code: &Secret,
    invitation: &Invitation,
    problem: Option<&str>,
) -> Result<String, WebError> {
    let (draft, offer) = drafted(app, invitation)?;
    let site = Visitor::of(app, headers).site;
    let login = draft.login.as_str();
    // The code's hash stands for the person until there is a pseudonym.
    let user = hex::encode(code.hash());
    let enrolment = offer.shown(app, headers, &user, login, None);
    let action = second_factor_path(code);
    Ok(pages::enrol(&site, None, &action, &enrolment, problem))
}

async fn finish(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(code): Path<String>,
    form: Result<Form<EnrolForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    let (code, invitation) = find(&app, &code).await?;
    match join(&app, &headers, &invitation, &form).await {
        Ok((token, codes)) => {
            let site = Visitor::of(&app, &headers).site;
            let mut response = Html(pages::recovery_codes(&site, &codes)).into_response();
            let cookie = app.staff.transport.set_cookie(&token);
            response.headers_mut().insert(header::SET_COOKIE, cookie);
            Ok(response)
        }
        Err(WebError::Staff(refusal)) => {
            let words = refusal.to_string();
            let page = offer_page(&app, &headers, &code, &invitation.value, Some(&words))?;
            Ok(refused(&refusal, |_| page))
        }
        Err(error) => Err(error),
    }
}

/// Makes the account, or renews its factor, and logs in.
async fn join(
    app: &App,
    headers: &HeaderMap,
    invitation: &Kept<Invitation>,
    form: &EnrolForm,
) -> Result<(Secret, Vec<String>), WebError> {
    let now_ms = clock::now_ms();
    let (draft, offer) = drafted(app, &invitation.value)?;
    let before = match &invitation.value.purpose {
        Purpose::Join { .. } => None,
        Purpose::Renew { staff: id } => {
            let id = id.clone();
            let kept = app
                .with_store(move |store| staff::account(store, &id))
                .await?;
            Some(kept.ok_or(Refusal::InvitationUnknown)?)
        }
    };
    let mut account = match (&before, &invitation.value.purpose) {
        (Some(kept), _) => kept.value.clone(),
        (None, Purpose::Join { role }) => Account {
            id: free_name(app).await?,
            login: draft.login.clone(),
            role: *role,
            is_disabled: false,
            password: draft.password.clone(),
            totp: None,
            passkeys: Vec::new(),
            recovery: Vec::new(),
            created_at_ms: now_ms,
            invited_by: invitation.value.by.clone(),
            generation: 0,
        },
        (None, Purpose::Renew { .. }) => return Err(Refusal::InvitationUnknown.into()),
    };
    let party = party::of(app, headers);
    let vault = app.staff.vault()?;
    let factor = enrol::enrol(vault, &mut account, &offer, party.as_ref(), form, now_ms)?;
    let (codes, hashes) = recovery::draw()?;
    account.recovery = hashes;
    account.generation = account.generation.saturating_add(1);
    let token = new_token()?;
    let actor = Actor::Staff {
        id: account.id.clone(),
        role: account.role,
    };
    let action = if before.is_some() { RENEWED } else { JOINED };
    let entry = Entry::new(now_ms, actor, action)
        .about(Subject::staff(&account.id))
        .changed(
            Value::Null,
            json!({"role": account.role, "second_factor": factor, "invited_by": account.invited_by}),
        );
    let (invitation, new) = (invitation.clone(), token.clone());
    app.with_audit(move |store| {
        once_with_audit(store, |changes| {
            match &before {
                Some(kept) => kept.replace(changes, &account),
                None => staff::add_account(changes, &account),
            }
            invitation.remove(changes);
            begin_session(changes, &new, &account, now_ms);
            audit::append(store, changes, entry.clone())?;
            Ok(())
        })
    })
    .await?
    .map_err(|_| Refusal::InvitationUnknown)?;
    Ok((token, codes))
}

/// A pseudonym that nobody bears.
async fn free_name(app: &App) -> Result<StaffId, WebError> {
    for _ in 0..NAMES_DRAWN_MAX {
        let id = StaffId::random()
            .map_err(|error| WebError::Internal(format!("no randomness: {error}")))?;
        let asked = id.clone();
        let bearer = app.with_store(move |store| staff::account(store, &asked));
        if bearer.await?.is_none() {
            return Ok(id);
        }
    }
    Err(WebError::Internal("no pseudonym is free".to_owned()))
}
