//! `/staff/requests`: what people ask about their data by mail, each with its
//! clock (P20, P25). What waits longest, or is about a child, stands first.

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use imgshare_storage::calendar::{self, MS_A_DAY};
use imgshare_storage::lawful::{
    self, LawfulError, Line, Request, RequestDraft, RequestKind, Words,
};
use serde::Deserialize;

use super::holds::act;
use super::home::me;
use super::login::go;
use super::{Access, Permission, Routes, Session};
use crate::app::AppState;
use crate::clock;
use crate::error::WebError;
use crate::http::form_page::form_page;
use crate::http::visitor::Visitor;
use crate::pages::staff as pages;

const PATH: &str = "/staff/requests";

/// Requests on one page.
const REQUESTS_MAX: usize = 200;

pub(super) fn routes() -> Routes {
    let requests = Access::Needs(Permission::Requests);
    Routes::new().at(PATH, requests, get(show).post(enter)).at(
        "/staff/requests/answer",
        requests,
        post(answer),
    )
}

async fn show(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
) -> Result<Response, WebError> {
    page(&app, &headers, &session, None).await
}

async fn page(
    app: &AppState,
    headers: &HeaderMap,
    session: &Session,
    problem: Option<&str>,
) -> Result<Response, WebError> {
    let now_ms = clock::now_ms();
    let (open, answered) = app
        .with_store(|store| {
            Ok((
                lawful::open(store, REQUESTS_MAX)?,
                lawful::answered(store, REQUESTS_MAX)?,
            ))
        })
        .await?;
    let rows = |requests: Vec<Request>| -> Vec<pages::RequestRow> {
        requests
            .iter()
            .map(|request| row(request, now_ms))
            .collect()
    };
    let view = pages::RequestsView {
        open: rows(open),
        answered: rows(answered),
        today: calendar::date(now_ms),
        problem,
    };
    let site = Visitor::of(app, headers).site;
    let html = pages::requests(&site, &me(session), &view);
    Ok(form_page(html, problem))
}

fn row(request: &Request, now_ms: u64) -> pages::RequestRow {
    let left_ms = request.due_at_ms.checked_sub(now_ms);
    pages::RequestRow {
        number: request.number,
        due_at_ms: request.due_at_ms,
        kind: request.kind.as_str(),
        words: request.words.as_str().to_owned(),
        contact: request.contact.as_str().to_owned(),
        received: calendar::date(request.received_at_ms),
        due: calendar::date(request.due_at_ms),
        days_left: left_ms.map(|ms| ms / MS_A_DAY),
        answer: request.answer.as_ref().map(|answer| {
            let day = calendar::date(answer.at_ms);
            format!("{day}, {}: {}", answer.by, answer.words.as_str())
        }),
    }
}

#[derive(Deserialize)]
struct EnterForm {
    kind: RequestKind,
    words: String,
    contact: String,
    /// The day it arrived, as YYYY-MM-DD.
    received: String,
}

async fn enter(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    form: Result<Form<EnterForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    let words = Words::new(&form.words).ok();
    let contact = Line::new(&form.contact).ok();
    let received = calendar::start_of(form.received.trim());
    let (Some(words), Some(contact), Some(received_at_ms)) = (words, contact, received) else {
        let words = "A day as YYYY-MM-DD is needed, and at most 1,000 characters of text.";
        return page(&app, &headers, &session, Some(words)).await;
    };
    let draft = RequestDraft {
        kind: form.kind,
        words,
        contact,
        received_at_ms,
    };
    let actor = session.actor();
    let entered = act(&app, move |store| {
        lawful::enter(store, &actor, &draft, clock::now_ms()).map(|_| ())
    });
    done(&app, &headers, &session, entered.await?).await
}

#[derive(Deserialize)]
struct AnswerForm {
    number: u64,
    due_at_ms: u64,
    words: String,
}

async fn answer(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    form: Result<Form<AnswerForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    let words = Words::new(&form.words).map_err(|_| WebError::MalformedForm)?;
    let (actor, key) = (session.actor(), (form.number, form.due_at_ms));
    let answered = act(&app, move |store| {
        lawful::answer(store, &actor, key, &words, clock::now_ms())
    });
    done(&app, &headers, &session, answered.await?).await
}

async fn done(
    app: &AppState,
    headers: &HeaderMap,
    session: &Session,
    done: Result<(), LawfulError>,
) -> Result<Response, WebError> {
    match done {
        Ok(()) => Ok(go(app, PATH, None)),
        Err(error) => page(app, headers, session, Some(&error.to_string())).await,
    }
}
