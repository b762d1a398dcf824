//! Copyright notices, by form and by API.

use axum::extract::State;
use axum::extract::rejection::{FormRejection, JsonRejection};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::{Form, Json};
use imgshare_storage::ImageId;
use imgshare_storage::complaints::{Filed, Flaw, FlawKind, Notice};
use serde::Deserialize;

use super::wire::{NoticeRequest, ReportReceipt};
use super::{Refusal, wire};
use crate::app::{App, AppState};
use crate::clock;
use crate::decision;
use crate::error::{Problem, WebError};
use crate::http::address::AnonymizedIp;
use crate::http::visitor::{self, Visitor};
use crate::pages::complaints as pages;

/// What a notice takes of what a network may send: it names up to ten images.
const COST: u64 = 2;

/// The notice as a browser sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NoticeFields {
    /// A link or an id a line.
    images: String,
    name: String,
    owner: String,
    address: String,
    phone: String,
    email: String,
    work: String,
    signature: String,
    good_faith: Option<String>,
    accurate: Option<String>,
}

impl NoticeFields {
    fn request(&self) -> NoticeRequest {
        NoticeRequest {
            images: self.images.lines().map(str::to_owned).collect(),
            name: self.name.clone(),
            owner: self.owner.clone(),
            address: self.address.clone(),
            phone: self.phone.clone(),
            email: self.email.clone(),
            work: self.work.clone(),
            good_faith: self.good_faith.is_some(),
            accurate: self.accurate.is_some(),
            signature: self.signature.clone(),
        }
    }

    fn page(&self, visitor: &Visitor, flaws: &[Flaw]) -> String {
        let view = pages::NoticeView {
            images: &self.images,
            name: &self.name,
            owner: &self.owner,
            address: &self.address,
            phone: &self.phone,
            email: &self.email,
            work: &self.work,
            signature: &self.signature,
            good_faith: self.good_faith.is_some(),
            accurate: self.accurate.is_some(),
        };
        let problems: Vec<String> = flaws.iter().map(wire::flaw_words).collect();
        pages::notice(&visitor.site, &view, &problems)
    }
}

/// The empty form.
pub(super) async fn form(State(app): State<AppState>, headers: HeaderMap) -> Html<String> {
    let visitor = Visitor::of(&app, &headers);
    Html(NoticeFields::default().page(&visitor, &[]))
}

/// Takes the form, or shows it again with what it lacks.
pub(super) async fn submit(
    State(app): State<AppState>,
    from: AnonymizedIp,
    headers: HeaderMap,
    form: Result<Form<NoticeFields>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(fields) = form.map_err(|_| WebError::MalformedForm)?;
    let visitor = Visitor::of(&app, &headers);
    let again = |flaws: &[Flaw]| {
        let page = fields.page(&visitor, flaws);
        (StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response()
    };
    let notice = match check(&fields.request()) {
        Ok(notice) => notice,
        Err(flaws) => return Ok(again(&flaws)),
    };
    let filed = match file(&app, from, notice).await {
        Ok(filed) => filed,
        Err(WebError::NotFound) => return Ok(again(&[NO_IMAGE])),
        Err(error) => return Err(error),
    };
    let receipts: Vec<(String, String)> = filed
        .iter()
        .map(|(image, filed)| (image.to_string(), filed.receipt.to_string()))
        .collect();
    let page = pages::reported(&visitor.site, &receipts, false);
    Ok((StatusCode::CREATED, Html(page)).into_response())
}

/// Give notice of claimed copyright infringement.
///
/// With the elements of 17 U.S.C. 512(c)(3). Each image gets a receipt.
#[utoipa::path(
    post,
    path = "/api/v1/copyright/notices",
    tag = "complaints",
    request_body = NoticeRequest,
    responses(
        (status = 201, description = "Taken", body = Vec<ReportReceipt>),
        (status = 404, description = "`not-found`: one of the images is unknown, deleted or hidden",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`form-incomplete`; `flaws` says what it lacks", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too-many-complaints`; see `Retry-After`", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(super) async fn notice(
    State(app): State<AppState>,
    from: AnonymizedIp,
    headers: HeaderMap,
    request: Result<Json<NoticeRequest>, JsonRejection>,
) -> Result<Response, WebError> {
    let Json(request) = request.map_err(|_| WebError::MalformedForm)?;
    let notice = check(&request).map_err(Refusal::Incomplete)?;
    let filed = file(&app, from, notice).await?;
    let base_url = visitor::base_url(&app, &headers);
    let receipts: Vec<ReportReceipt> = filed
        .iter()
        .map(|(image, filed)| ReportReceipt::of(&filed.receipt, image, &base_url))
        .collect();
    let lifetime = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, lifetime, Json(receipts)).into_response())
}

const NO_IMAGE: Flaw = Flaw {
    field: "images",
    kind: FlawKind::Invalid,
};

fn check(request: &NoticeRequest) -> Result<Notice, Vec<Flaw>> {
    let (form, are_images) = request.form();
    match form.check(clock::now_ms()) {
        Ok(notice) if are_images => Ok(notice),
        Ok(_) => Err(vec![NO_IMAGE]),
        Err(mut flaws) => {
            if !are_images {
                flaws.retain(|flaw| flaw.field != NO_IMAGE.field);
                flaws.insert(0, NO_IMAGE);
            }
            Err(flaws)
        }
    }
}

async fn file(
    app: &App,
    from: AnonymizedIp,
    notice: Notice,
) -> Result<Vec<(ImageId, Filed)>, WebError> {
    for image in notice.images.clone() {
        let found = app.with_store(move |store| store.find(&image)).await?;
        if !found.is_some_and(|record| decision::is_known_to_strangers(record.state)) {
            return Err(WebError::NotFound);
        }
    }
    app.reporting.admit(from, COST)?;
    let filed = app
        .with_complaints(move |reporting| {
            // What is signed under penalty of perjury is not weighed.
            reporting.complaints.notice(&notice, 1.0, clock::now_ms())
        })
        .await?;
    // A rule that counts reports may have changed some of them.
    for (image, _) in filed.iter().filter(|(_, filed)| filed.is_ruled) {
        app.cache.remove(*image);
    }
    Ok(filed)
}
