//! What only an image's owner may see and say: how it stands, and objections.

use std::sync::Arc;

use axum::extract::rejection::{FormRejection, JsonRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::{Form, Json};
use imgshare_storage::calendar;
use imgshare_storage::complaints as kept;
use imgshare_storage::complaints::{
    ComplaintError, CounterNotice, Flaw, FlawKind, Receipt, Restriction, Text,
};
use imgshare_storage::moderation::Policy;
use imgshare_storage::retention::outlook;
use imgshare_storage::{ImageId, Record};
use serde::Deserialize;

use super::rights::Held;
use super::wire::{self, AppealRequest, AppealTaken, CounterReceipt, CounterRequest};
use super::{Refusal, Reporting, Statement, owned};
use crate::app::{App, AppState};
use crate::clock;
use crate::dto;
use crate::error::{Problem, WebError};
use crate::http::form_page::form_page;
use crate::http::visitor::{self, Visitor};
use crate::pages::{complaints as pages, ending};
use crate::routes::bearer;

/// The form of the page that asks for the token.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct TokenForm {
    pub(super) token: String,
}

/// An appeal as a browser sends it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct AppealForm {
    token: String,
    text: String,
}

/// A counter-notice as a browser sends it; without `sent` it is asked for.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct CounterFields {
    token: String,
    sent: Option<String>,
    name: String,
    address: String,
    phone: String,
    email: String,
    text: String,
    signature: String,
    mistake: Option<String>,
    jurisdiction: Option<String>,
}

/// Asks for the token. The page is the same for every well-formed id.
pub(super) async fn ask(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Html<String>, WebError> {
    let id = dto::parse_id(&id).ok_or(WebError::NotFound)?;
    let visitor = Visitor::of(&app, &headers);
    Ok(Html(pages::ask_owner(&visitor.site, id.as_str(), None)))
}

/// Shows how the image stands, with the statement of reasons.
pub(super) async fn manage(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    match owned(&app, &id, &form.token).await {
        Ok(record) => manage_page(&app, &headers, &record, &form.token, None).await,
        Err(WebError::DeleteTokenWrong) => {
            let visitor = Visitor::of(&app, &headers);
            let problem = "This is not the deletion token of this image.";
            let page = pages::ask_owner(&visitor.site, &id, Some(problem));
            Ok((StatusCode::FORBIDDEN, Html(page)).into_response())
        }
        Err(error) => Err(error),
    }
}

/// Takes an appeal by form.
pub(super) async fn appeal(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    form: Result<Form<AppealForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    let record = owned(&app, &id, &form.token).await?;
    let problem = match take_appeal(&app, record.id, &form.text).await {
        Ok(()) => None,
        Err(WebError::Complaint(refusal)) => Some(refusal.detail()),
        Err(error) => return Err(error),
    };
    manage_page(&app, &headers, &record, &form.token, problem.as_deref()).await
}

/// Asks for a counter-notice, or takes it.
pub(super) async fn counter(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    form: Result<Form<CounterFields>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    let record = owned(&app, &id, &form.token).await?;
    let visitor = Visitor::of(&app, &headers);
    let image = record.id;
    let claims = app
        .see_complaints(move |reporting| claims(reporting, &image))
        .await?;
    let page = |problems: &[String]| {
        let view = pages::CounterView {
            claims: &claims,
            id: record.id.as_str(),
            token: form.token.trim(),
            name: &form.name,
            address: &form.address,
            phone: &form.phone,
            email: &form.email,
            text: &form.text,
            signature: &form.signature,
            mistake: form.mistake.is_some(),
            jurisdiction: form.jurisdiction.is_some(),
        };
        Html(pages::counter(&visitor.site, &view, problems))
    };
    if form.sent.is_none() {
        return Ok(page(&[]).into_response());
    }
    let request = CounterRequest {
        name: form.name.clone(),
        address: form.address.clone(),
        phone: form.phone.clone(),
        email: form.email.clone(),
        text: form.text.clone(),
        mistake: form.mistake.is_some(),
        jurisdiction: form.jurisdiction.is_some(),
        signature: form.signature.clone(),
    };
    match take_counter(&app, record.id, &request).await {
        Ok(_) => manage_page(&app, &headers, &record, &form.token, None).await,
        Err(WebError::Complaint(refusal)) => {
            let problems = [refusal.detail()];
            let (status, _) = refusal.status_and_code();
            Ok((status, page(&problems)).into_response())
        }
        Err(error) => Err(error),
    }
}

/// Why an image is restricted.
///
/// For its owner: `null` when nothing restricts it.
#[utoipa::path(
    get,
    path = "/api/v1/images/{id}/statement",
    tag = "complaints",
    params(("id" = String, Path, description = "12 base58 characters")),
    security(("delete_token" = [])),
    responses(
        (status = 200, description = "The statement of reasons, or null", body = Option<Statement>),
        (status = 401, description = "`delete-token-missing`", body = Problem,
            content_type = "application/problem+json"),
        (status = 403, description = "`delete-token-wrong`", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(super) async fn statement(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let record = owner_of(&app, &headers, &id).await?;
    let said = app
        .see_complaints(move |reporting| reporting.complaints.statement(&record))
        .await?;
    let said = said.as_ref().map(Statement::of);
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(said)).into_response())
}

/// Object to what restricts an image.
///
/// It is decided by another moderator than the one who decided before. One
/// appeal is open at a time.
#[utoipa::path(
    post,
    path = "/api/v1/images/{id}/appeals",
    tag = "complaints",
    params(("id" = String, Path, description = "12 base58 characters")),
    security(("delete_token" = [])),
    request_body = AppealRequest,
    responses(
        (status = 202, description = "Taken", body = AppealTaken),
        (status = 401, description = "`delete-token-missing`", body = Problem,
            content_type = "application/problem+json"),
        (status = 403, description = "`delete-token-wrong`", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "`not-restricted`, `objection-open`, `decision-final`",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`form-incomplete`", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(super) async fn appeal_by_api(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    request: Result<Json<AppealRequest>, JsonRejection>,
) -> Result<Response, WebError> {
    let record = owner_of(&app, &headers, &id).await?;
    let Json(request) = request.map_err(|_| WebError::MalformedForm)?;
    take_appeal(&app, record.id, &request.text).await?;
    let base_url = visitor::base_url(&app, &headers);
    let manage_url = format!("{base_url}/m/{}", record.id);
    Ok((StatusCode::ACCEPTED, Json(AppealTaken { manage_url })).into_response())
}

/// Answer a copyright notice with a counter-notice.
///
/// With the elements of 17 U.S.C. 512(g)(3). While it is open nothing is purged;
/// the image is restored after ten business days unless the claimant goes to
/// court.
#[utoipa::path(
    post,
    path = "/api/v1/images/{id}/counter-notices",
    tag = "complaints",
    params(("id" = String, Path, description = "12 base58 characters")),
    security(("delete_token" = [])),
    request_body = CounterRequest,
    responses(
        (status = 201, description = "Taken", body = CounterReceipt),
        (status = 401, description = "`delete-token-missing`", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "`not-for-copyright`, `objection-open`", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`form-incomplete`; `flaws` says what it lacks", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(super) async fn counter_by_api(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    request: Result<Json<CounterRequest>, JsonRejection>,
) -> Result<Response, WebError> {
    let record = owner_of(&app, &headers, &id).await?;
    let Json(request) = request.map_err(|_| WebError::MalformedForm)?;
    let counter = take_counter(&app, record.id, &request).await?;
    let lifetime = [(header::CACHE_CONTROL, "no-store")];
    let receipt = CounterReceipt::of(&counter);
    Ok((StatusCode::CREATED, lifetime, Json(receipt)).into_response())
}

/// Who claimed what about an image that a copyright notice removed.
fn claims(reporting: &Reporting, image: &ImageId) -> Result<Vec<pages::ClaimView>, ComplaintError> {
    let complaints = &reporting.complaints;
    let record = complaints.queue().store().find(image)?;
    let said = record
        .map(|record| complaints.statement(&record))
        .transpose()?;
    if !said.flatten().as_ref().is_some_and(is_infringement) {
        return Ok(Vec::new());
    }
    let notices = complaints.notices_about(image)?.into_iter();
    let claims = notices.map(|notice| pages::ClaimView {
        name: notice.name.as_str().to_owned(),
        owner: notice.owner.as_str().to_owned(),
        work: notice.work.as_str().to_owned(),
        on: calendar::date(notice.at_ms),
    });
    Ok(claims.collect())
}

fn is_infringement(said: &kept::Statement) -> bool {
    said.restriction == Restriction::Removed && said.policy == Some(Policy::Copyright)
}

async fn owner_of(app: &App, headers: &HeaderMap, id: &str) -> Result<Record, WebError> {
    let token = bearer(headers).ok_or(WebError::DeleteTokenMissing)?;
    owned(app, id, token).await
}

async fn take_appeal(app: &App, image: ImageId, text: &str) -> Result<(), WebError> {
    let flaw = |kind| {
        Refusal::Incomplete(vec![Flaw {
            field: "text",
            kind,
        }])
    };
    let text = Text::new(text).map_err(|_| flaw(FlawKind::TooLong))?;
    if text.is_empty() {
        return Err(flaw(FlawKind::Missing).into());
    }
    app.with_complaints(move |reporting| {
        reporting.complaints.appeal(&image, &text, clock::now_ms())
    })
    .await?;
    Ok(())
}

async fn take_counter(
    app: &App,
    image: ImageId,
    request: &CounterRequest,
) -> Result<CounterNotice, WebError> {
    let receipt = Receipt::random().map_err(|error| WebError::Internal(error.to_string()))?;
    let zone = app.settings.copyright.zone();
    let checked = request.form().check(image, receipt, clock::now_ms(), zone);
    let counter = checked.map_err(Refusal::Incomplete)?;
    app.with_complaints(move |reporting| {
        reporting.complaints.counter(&counter)?;
        Ok(counter)
    })
    .await
}

pub(super) async fn manage_page(
    app: &AppState,
    headers: &HeaderMap,
    record: &Record,
    token: &str,
    problem: Option<&str>,
) -> Result<Response, WebError> {
    let id = record.id;
    let owned = record.clone();
    let (terms, store) = (app.settings.terms(), Arc::clone(&app.store));
    let (said, claims, appeal, counter, is_in_court, outlook) = app
        .see_complaints(move |reporting| {
            let complaints = &reporting.complaints;
            let said = complaints.statement(&owned)?;
            let outlook =
                outlook(&store, &owned, &terms, clock::now_ms()).map_err(ComplaintError::from)?;
            Ok((
                said,
                claims(reporting, &id)?,
                complaints.newest_appeal(&id)?,
                complaints.open_counter(&id)?,
                complaints.is_in_court(&id)?,
                outlook,
            ))
        })
        .await?;
    let held = Held::of(app, record).await?;
    let visitor = Visitor::of(app, headers);
    let is_countable = said.as_ref().is_some_and(is_infringement);
    let counter = counter.as_ref().map(CounterReceipt::of);
    let view = pages::OwnerView {
        id: id.as_str(),
        token: token.trim(),
        state: record.state.as_str(),
        filename: &record.filename,
        ads_objection: record.ads_objection,
        held: held.rows(),
        policy_words: said
            .as_ref()
            .and_then(|said| said.policy)
            .map(wire::policy_words),
        statement: said.as_ref().map(Statement::of),
        claims,
        appeal: appeal.map(|appeal| appeal.outcome.map(|outcome| outcome.is_granted)),
        can_counter: is_countable && counter.is_none() && !is_in_court,
        restore: counter.map(|counter| (counter.restore_from, counter.restore_by)),
        ending: outlook.map(|outlook| ending::told_to_owner(&outlook, terms.idle_days)),
    };
    let html = pages::owner(&visitor.site, &view, problem);
    Ok(form_page(html, problem))
}
