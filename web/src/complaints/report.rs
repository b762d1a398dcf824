//! Reports, by form and by API, and what became of them.

use std::sync::PoisonError;

use axum::extract::rejection::{FormRejection, JsonRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::{Form, Json};
use imgshare_storage::complaints::{
    Category, ComplaintError, Filed, Flaw, FlawKind, ReportDraft, Text,
};
use imgshare_storage::{ImageId, Record};

use super::wire::{ReportReceipt, ReportRequest, ReportStatus};
use super::{Refusal, Reporting, wire};
use crate::app::{App, AppState};
use crate::clock;
use crate::decision;
use crate::dto;
use crate::error::{Problem, WebError};
use crate::http::address::AnonymizedIp;
use crate::http::visitor::{self, Visitor};
use crate::pages::complaints as pages;

/// Asks what is wrong with an image. The page is the same for every well-formed
/// id, so that it tells nobody which ids exist.
pub(super) async fn form(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Html<String>, WebError> {
    let id = dto::parse_id(&id).ok_or(WebError::NotFound)?;
    let visitor = Visitor::of(&app, &headers);
    let filled = ReportRequest::default();
    Ok(Html(report_page(&visitor, &id, &filled, &[])))
}

/// Takes the form, or shows it again with what it lacks.
pub(super) async fn submit(
    State(app): State<AppState>,
    from: AnonymizedIp,
    headers: HeaderMap,
    Path(id): Path<String>,
    form: Result<Form<ReportRequest>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(filled) = form.map_err(|_| WebError::MalformedForm)?;
    let id = dto::parse_id(&id).ok_or(WebError::NotFound)?;
    let visitor = Visitor::of(&app, &headers);
    let draft = match draft(id, &filled) {
        Ok(draft) => draft,
        Err(flaws) => {
            let page = report_page(&visitor, &id, &filled, &flaws);
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
        }
    };
    let filed = file(&app, from, draft).await?;
    let receipts = [(id.to_string(), filed.receipt.to_string())];
    let page = pages::reported(&visitor.site, &receipts, filed.is_hidden);
    Ok((StatusCode::CREATED, Html(page)).into_response())
}

/// How a report stands, as a page.
pub(super) async fn status_page(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(receipt): Path<String>,
) -> Result<Html<String>, WebError> {
    let status = find_status(&app, &receipt).await?;
    let visitor = Visitor::of(&app, &headers);
    Ok(Html(pages::report_status(&visitor.site, &receipt, &status)))
}

/// Report an image.
///
/// No account is needed. Several reports on one image are looked at together.
/// Child abuse takes the image offline at once, unless the network has just
/// reported many; none of them is refused for their number, and a second one from
/// the same network about the same image is the first one again.
#[utoipa::path(
    post,
    path = "/api/v1/images/{id}/reports",
    tag = "complaints",
    params(("id" = String, Path, description = "12 base58 characters")),
    request_body = ReportRequest,
    responses(
        (status = 201, description = "Taken", body = ReportReceipt),
        (status = 400, description = "`malformed-form`", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`not-found`: unknown, deleted or hidden", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "`reported-enough`", body = Problem,
            content_type = "application/problem+json"),
        (status = 410, description = "`image-removed`", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`form-incomplete`; `flaws` says what it lacks", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too-many-complaints`; see `Retry-After`", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(super) async fn report(
    State(app): State<AppState>,
    from: AnonymizedIp,
    headers: HeaderMap,
    Path(id): Path<String>,
    request: Result<Json<ReportRequest>, JsonRejection>,
) -> Result<Response, WebError> {
    let Json(request) = request.map_err(|_| WebError::MalformedForm)?;
    let id = dto::parse_id(&id).ok_or(WebError::NotFound)?;
    let draft = draft(id, &request).map_err(Refusal::Incomplete)?;
    let filed = file(&app, from, draft).await?;
    let base_url = visitor::base_url(&app, &headers);
    let receipt = ReportReceipt::of(&filed.receipt, &id, &base_url);
    let lifetime = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, lifetime, Json(receipt)).into_response())
}

/// How a report stands.
///
/// Whoever has the receipt may know; nothing of the report or its image is told.
#[utoipa::path(
    get,
    path = "/api/v1/reports/{receipt}",
    tag = "complaints",
    params(("receipt" = String, Path, description = "16 base58 characters")),
    responses(
        (status = 200, description = "How it stands", body = ReportStatus),
        (status = 404, description = "`not-found`", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(super) async fn status(
    State(app): State<AppState>,
    Path(receipt): Path<String>,
) -> Result<Response, WebError> {
    let status = find_status(&app, &receipt).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(status)).into_response())
}

async fn find_status(app: &App, receipt: &str) -> Result<ReportStatus, WebError> {
    let receipt = receipt.parse().map_err(|_| WebError::NotFound)?;
    let (progress, since) = app
        .see_complaints(move |reporting| {
            let complaints = &reporting.complaints;
            let progress = complaints.progress(&receipt)?;
            Ok((progress, complaints.since_decided(&receipt)?))
        })
        .await?;
    let progress = progress.ok_or(WebError::NotFound)?;
    Ok(ReportStatus::of(progress, since))
}

/// Takes a report from a network, and the image out of memory if it is hidden.
async fn file(app: &App, from: AnonymizedIp, draft: ReportDraft) -> Result<Filed, WebError> {
    let (id, category) = (draft.image, draft.category);
    let is_known = |record: &Record| decision::is_known_to_strangers(record.state);
    let found = app.with_store(move |store| store.find_if(&id, is_known));
    if found.await?.is_none() {
        return Err(app.not_found(id).await);
    }
    app.reporting.admit_report(from, category)?;
    let filed = app
        .with_complaints(move |reporting| file_trusted(reporting, from, &draft))
        .await?;
    if filed.is_hidden || filed.is_ruled {
        app.cache.remove(id);
    }
    if filed.is_hidden && category.consequence().hides {
        let n_lately = app.reporting.alarm.note(clock::now_ms());
        app.metrics.hidden_by_report(n_lately.is_some());
        if let Some(n_lately) = n_lately {
            tracing::warn!(
                n_lately,
                "reports of child abuse hide many images; they may be misused"
            );
        }
    }
    Ok(filed)
}

fn file_trusted(
    reporting: &Reporting,
    from: AnonymizedIp,
    draft: &ReportDraft,
) -> Result<Filed, ComplaintError> {
    let now_ms = clock::now_ms();
    let (complaints, reporters) = (&reporting.complaints, &reporting.reporters);
    // These are taken whatever else the network has sent: so that they stay bounded,
    // one of an image is kept.
    let _turn = (draft.category == Category::ChildAbuse).then(|| {
        let turn = reporting.of_children_turn.lock();
        turn.unwrap_or_else(PoisonError::into_inner)
    });
    if draft.category == Category::ChildAbuse
        && let Some(receipt) = reporters.reported(from, &draft.image, now_ms)
    {
        return Ok(Filed {
            receipt,
            is_hidden: false,
            is_ruled: false,
        });
    }
    let trust = match reporters.is_first(from, &draft.image, now_ms) {
        true => reporters.trust(complaints, from, draft.category, now_ms)?,
        // Said twice, it weighs no more, and is no second network to a rule.
        false => 0.0,
    };
    let reach = reporting.reach(from, draft.category, now_ms);
    let filed = complaints.report_within(draft, trust, reach, now_ms)?;
    if filed.is_hidden {
        complaints.queue().drop_variants_of_evidence(&draft.image);
    }
    reporters.remember(from, filed.receipt, now_ms);
    if draft.category == Category::ChildAbuse {
        reporters.remember_image(from, &draft.image, filed.receipt, now_ms);
    }
    Ok(filed)
}

fn draft(image: ImageId, request: &ReportRequest) -> Result<ReportDraft, Vec<Flaw>> {
    let mut flaws = Vec::new();
    let mut flaw = |field, kind| flaws.push(Flaw { field, kind });
    let category = Category::named(request.category.trim());
    match (category, request.category.trim().is_empty()) {
        (Some(_), _) => {}
        (None, true) => flaw("category", FlawKind::Missing),
        (None, false) => flaw("category", FlawKind::Invalid),
    }
    let text = Text::new(&request.text);
    match &text {
        Ok(text) if text.is_empty() && category == Some(Category::Other) => {
            flaw("text", FlawKind::Missing);
        }
        Ok(_) => {}
        Err(_) => flaw("text", FlawKind::TooLong),
    }
    let contact = Text::new(&request.contact);
    if contact.is_err() {
        flaw("contact", FlawKind::TooLong);
    }
    match (category, text, contact) {
        (Some(category), Ok(text), Ok(contact)) if flaws.is_empty() => Ok(ReportDraft {
            image,
            category,
            text,
            contact,
        }),
        _ => Err(flaws),
    }
}

fn report_page(visitor: &Visitor, id: &ImageId, filled: &ReportRequest, flaws: &[Flaw]) -> String {
    let choices: Vec<pages::Choice> = Category::ALL
        .into_iter()
        .map(|category| {
            let (label, hint) = wire::category_words(category);
            pages::Choice {
                value: category.as_str(),
                label,
                hint,
                is_chosen: filled.category == category.as_str(),
            }
        })
        .collect();
    let problems: Vec<String> = flaws.iter().map(wire::flaw_words).collect();
    let filled = (filled.text.as_str(), filled.contact.as_str());
    pages::report(&visitor.site, id.as_str(), &choices, filled, &problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_says_what_it_lacks() {
        let image = ImageId::random().unwrap();
        let codes = |category: &str, text: &str| {
            let request = ReportRequest {
                category: category.to_owned(),
                text: text.to_owned(),
                contact: String::new(),
            };
            draft(image, &request).map_err(|flaws| flaws.iter().map(Flaw::code).collect::<Vec<_>>())
        };
        assert_eq!(codes("", "").unwrap_err(), ["category-missing"]);
        assert_eq!(codes("nudes", "").unwrap_err(), ["category-invalid"]);
        assert_eq!(codes("other", " ").unwrap_err(), ["text-missing"]);
        let long = "x".repeat(1_001);
        assert_eq!(codes("spam", &long).unwrap_err(), ["text-too-long"]);
        assert_eq!(codes("spam", "").unwrap().category, Category::Spam);
    }
}
