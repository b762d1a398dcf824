//! `/staff/people`: accounts, for admins.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use imgshare_storage::Store;
use imgshare_storage::staff::{Role, Secret, StaffId};
use serde::Deserialize;

use super::admin::{self, AdminError, By};
use super::control::origin;
use super::home::me;
use super::login::go;
use super::step_up::step_up_first;
use super::{Access, Permission, Routes, Session};
use crate::app::{App, AppState};
use crate::clock;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::moderation::service;
use crate::pages::staff as pages;

const PATH: &str = "/staff/people";

pub(super) fn routes() -> Routes {
    let people = Access::Needs(Permission::People);
    Routes::new()
        .at(PATH, people, get(show))
        .at("/staff/people/invite", people, post(invite))
        .at("/staff/people/{id}", people, post(change))
        .at("/staff/people/invitations/{id}", people, post(revoke))
}

async fn show(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
) -> Result<Html<String>, WebError> {
    Ok(Html(page(&app, &headers, &session, None, None).await?))
}

/// The page; `link` is shown this once.
async fn page(
    app: &AppState,
    headers: &HeaderMap,
    session: &Session,
    link: Option<&str>,
    problem: Option<&str>,
) -> Result<String, WebError> {
    let now_ms = clock::now_ms();
    let members = act(app, move |store| admin::list(store, now_ms)).await?;
    let members: Vec<pages::MemberRow> = members
        .unwrap_or_default()
        .into_iter()
        .map(|member| pages::MemberRow {
            is_self: member.id == session.staff,
            id: member.id.to_string(),
            is_locked: member.locked_for_ms.is_some()
                || app
                    .staff
                    .guesses
                    .locked_for_ms(&member.login, now_ms)
                    .is_some(),
            login: member.login,
            role: member.role,
            is_disabled: member.is_disabled,
            has_second_factor: member.has_second_factor,
            since: clock::rfc3339(member.created_at_ms),
            invited_by: member.invited_by,
        })
        .collect();
    let invitations = act(app, move |store| admin::invitations(store, now_ms)).await?;
    let invitations = invitations.unwrap_or_default().into_iter().map(|of| {
        let purpose = match (of.role, of.renews) {
            (Some(role), _) => role.to_string(),
            (None, Some(id)) => format!("second factor of {id}"),
            (None, None) => String::new(),
        };
        pages::InvitationRow {
            purpose,
            name: of.name,
            by: of.by,
            until: clock::rfc3339(of.expires_at_ms),
            is_begun: of.is_begun,
        }
    });
    let site = Visitor::of(app, headers).site;
    let view = pages::PeopleView {
        members,
        invitations: invitations.collect(),
        link,
        hours: app.settings.staff.invitation_hours_max,
        problem,
    };
    Ok(pages::people(&site, &me(session), &view))
}

/// Runs an act; what is refused by its own meaning comes back as such.
async fn act<T: Send + 'static>(
    app: &App,
    act: impl FnOnce(&Store) -> Result<T, AdminError> + Send + 'static,
) -> Result<Result<T, AdminError>, WebError> {
    app.with_audit(move |store| match act(store) {
        Err(AdminError::Storage(error)) => Err(error),
        other => Ok(other),
    })
    .await
}

fn by(app: &App, session: &Session) -> By {
    By {
        actor: session.actor(),
        now_ms: clock::now_ms(),
        invitation_ms_max: app.settings.staff.invitation_ms_max(),
    }
}

#[derive(Deserialize)]
struct InviteForm {
    role: Role,
}

async fn invite(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    form: Result<Form<InviteForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    if let Some(first) = step_up_first(&app, &session, PATH) {
        return Ok(first);
    }
    let by = by(&app, &session);
    let invited = act(&app, move |store| admin::invite(store, &by, form.role)).await?;
    answer(&app, &headers, &session, invited.map(Some)).await
}

async fn answer(
    app: &AppState,
    headers: &HeaderMap,
    session: &Session,
    done: Result<Option<Secret>, AdminError>,
) -> Result<Response, WebError> {
    match done {
        Ok(None) => Ok(go(app, PATH, None)),
        Ok(Some(code)) => {
            let link = format!("{}/staff/join/{}", origin(&app.settings), code.expose());
            let page = page(app, headers, session, Some(&link), None).await?;
            Ok(Html(page).into_response())
        }
        Err(error) => {
            let words = error.to_string();
            let page = page(app, headers, session, None, Some(&words)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
        }
    }
}

async fn revoke(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    Path(name): Path<String>,
) -> Result<Response, WebError> {
    let by = by(&app, &session);
    let done = act(&app, move |store| admin::revoke(store, &by, &name)).await?;
    answer(&app, &headers, &session, done.map(|()| None)).await
}

/// What the form of one person can ask for.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Act {
    Disable,
    Enable,
    Unlock,
    ResetSecondFactor,
    ChangeRole,
}

#[derive(Deserialize)]
struct ChangeForm {
    act: Act,
    role: Option<Role>,
}

async fn change(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    Path(id): Path<String>,
    form: Result<Form<ChangeForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    let id: StaffId = id.parse().map_err(|_| WebError::NotFound)?;
    if let Some(first) = step_up_first(&app, &session, PATH) {
        return Ok(first);
    }
    let (by, guesses) = (by(&app, &session), Arc::clone(&app.staff.guesses));
    let holder = id.clone();
    let done = act(&app, move |store| match form.act {
        Act::Disable => admin::set_disabled(store, &by, &id, true).map(|()| None),
        Act::Enable => admin::set_disabled(store, &by, &id, false).map(|()| None),
        Act::Unlock => admin::unlock(store, &by, &id).map(|login| {
            guesses.forget(login.as_str());
            None
        }),
        Act::ResetSecondFactor => admin::reset_second_factor(store, &by, &id).map(Some),
        Act::ChangeRole => match form.role {
            Some(role) => admin::set_role(store, &by, &id, role).map(|()| None),
            None => Ok(None),
        },
    });
    let done = done.await?;
    if done.is_ok() && matches!(form.act, Act::Disable | Act::ChangeRole) {
        // What was held in the role is for others now.
        service::release_all(&app, holder).await?;
    }
    answer(&app, &headers, &session, done).await
}
