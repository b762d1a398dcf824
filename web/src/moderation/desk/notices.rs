//! `/staff/notices`: what the law puts a clock on. Reports by their day,
//! copyright notices with what was signed, counter-notices with the days on which
//! an image comes back, and the end of a hold.

use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use imgshare_storage::ImageId;
use imgshare_storage::complaints::{
    Case, ComplaintError, CounterNotice, DuePage, DuePlace, Notice, Receipt, Repeats,
};
use imgshare_storage::moderation::{Lane, ModerationError};
use serde::Deserialize;

use crate::app::AppState;
use crate::clock;
use crate::complaints::Reporting;
use crate::dto;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::moderation::api::lanes;
use crate::pages::notices as pages;
use crate::staff::{Permission, Session, me, step_up_first};

const PATH: &str = "/staff/notices";

/// Cases and counter-notices on the page, those due first.
const ROWS: usize = 50;

/// Reports of a case that are looked through for a copyright notice.
const REPORTS: usize = 24;

/// A case with what is known of it.
struct Due {
    case: Case,
    notices: Vec<Notice>,
    repeats: Repeats,
}

/// Where the lists go on; each from its own place, and from its beginning
/// without one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    due_ms: u64,
    due: Option<ImageId>,
    counter_ms: u64,
    counter: Option<Receipt>,
}

impl Asked {
    fn due(&self) -> Option<DuePlace<ImageId>> {
        self.due.map(|what| DuePlace {
            at_ms: self.due_ms,
            what,
        })
    }

    fn counter(&self) -> Option<DuePlace<Receipt>> {
        self.counter.map(|what| DuePlace {
            at_ms: self.counter_ms,
            what,
        })
    }
}

pub(super) async fn show(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Html<String>, WebError> {
    let Query(asked) = asked.map_err(|_| WebError::MalformedForm)?;
    Ok(Html(page(&app, &headers, &session, asked, None).await?))
}

async fn page(
    app: &AppState,
    headers: &HeaderMap,
    session: &Session,
    asked: Asked,
    said: Option<&str>,
) -> Result<String, WebError> {
    let lanes = may_see(session)?;
    let sees_notices = Permission::Notices.is_of(session.role);
    let (due, counters) = app
        .see_complaints(move |reporting| {
            let counters = match sees_notices {
                true => counters(reporting, &asked)?,
                false => DuePage {
                    due: Vec::new(),
                    next: None,
                },
            };
            let due = due(reporting, &lanes, sees_notices, asked.due().as_ref())?;
            Ok((due, counters))
        })
        .await?;
    let now_ms = clock::now_ms();
    let site = Visitor::of(app, headers).site;
    let more = |what: &str, at_ms: u64, id: String| format!("{PATH}?{what}_ms={at_ms}&{what}={id}");
    let view = pages::NoticesView {
        due: due.due.iter().map(|due| due_row(due, now_ms)).collect(),
        more_due: due
            .next
            .map(|next| more("due", next.at_ms, next.what.to_string())),
        counters: counters.due.iter().map(counter_row).collect(),
        more_counters: counters
            .next
            .map(|next| more("counter", next.at_ms, next.what.to_string())),
        sees_notices,
        said,
    };
    Ok(pages::notices(&site, &me(session), &view))
}

/// Who answers notices, or works child safety's queue; the lanes that are theirs.
fn may_see(session: &Session) -> Result<Vec<Lane>, WebError> {
    if session.may(Permission::ChildSafety).is_err() {
        session.may(Permission::Notices)?;
    }
    lanes(session)
}

/// Cases of these lanes. What waits in a foreign lane is not even named, and
/// takes no room.
fn due(
    reporting: &Reporting,
    lanes: &[Lane],
    sees: bool,
    after: Option<&DuePlace<ImageId>>,
) -> Result<DuePage<Due, ImageId>, ComplaintError> {
    let complaints = &reporting.complaints;
    let is_theirs = |case: &Case| {
        let job = complaints.queue().job(&case.image)?;
        Ok(job.is_some_and(|job| lanes.contains(&job.lane)))
    };
    let DuePage { due: cases, next } = complaints.due_page(after, ROWS, is_theirs)?;
    let mut due = Vec::new();
    for case in cases {
        let mut notices = Vec::new();
        if sees && case.n_notices > 0 {
            let found = complaints.case(&case.image, REPORTS)?;
            let reports = found.map(|(_, reports)| reports).unwrap_or_default();
            for receipt in reports.iter().filter_map(|report| report.notice) {
                notices.extend(complaints.notice_of(&receipt)?);
            }
        }
        let record = complaints.queue().store().find(&case.image);
        let record = record.map_err(ComplaintError::from)?;
        let repeats = match record {
            Some(record) if !notices.is_empty() => complaints.repeats(&record)?,
            _ => Repeats::default(),
        };
        due.push(Due {
            case,
            notices,
            repeats,
        });
    }
    Ok(DuePage { due, next })
}

/// Open counter-notices, each with the notices that it answers: whoever gave those is
/// to be sent it.
fn counters(
    reporting: &Reporting,
    asked: &Asked,
) -> Result<DuePage<(CounterNotice, Vec<Notice>), Receipt>, ComplaintError> {
    let complaints = &reporting.complaints;
    let DuePage { due, next } = complaints.counters_page(asked.counter().as_ref(), ROWS)?;
    let mut answering = Vec::with_capacity(due.len());
    for counter in due {
        let notices = complaints.notices_about(&counter.image)?;
        answering.push((counter, notices));
    }
    let due = answering;
    Ok(DuePage { due, next })
}

fn due_row(due: &Due, now_ms: u64) -> pages::DueRow {
    let case = &due.case;
    let categories = case.categories.keys();
    pages::DueRow {
        image: case.image.to_string(),
        categories: categories.map(|category| category.as_str()).collect(),
        n_reports: case.n_reports(),
        due: clock::rfc3339(case.due_at_ms),
        is_late: case.due_at_ms < now_ms,
        n_same: due.repeats.n_same,
        n_alike: due.repeats.n_alike,
        notices: due.notices.iter().map(notice_row).collect(),
    }
}

fn notice_row(notice: &Notice) -> pages::NoticeRow {
    pages::NoticeRow {
        name: notice.name.as_str().to_owned(),
        owner: notice.owner.as_str().to_owned(),
        contact: joined([
            notice.address.as_str(),
            notice.phone.as_str(),
            notice.email.as_str(),
        ]),
        work: notice.work.as_str().to_owned(),
        signature: notice.signature.as_str().to_owned(),
        at: clock::rfc3339(notice.at_ms),
    }
}

fn counter_row((counter, notices): &(CounterNotice, Vec<Notice>)) -> pages::CounterRow {
    pages::CounterRow {
        receipt: counter.receipt.to_string(),
        image: counter.image.to_string(),
        name: counter.name.as_str().to_owned(),
        contact: joined([
            counter.address.as_str(),
            counter.phone.as_str(),
            counter.email.as_str(),
        ]),
        text: counter.text.as_str().to_owned(),
        signature: counter.signature.as_str().to_owned(),
        at: clock::rfc3339(counter.at_ms),
        restore_from: clock::rfc3339(counter.restore_from_ms),
        restore_by: clock::rfc3339(counter.restore_by_ms),
        notices: notices.iter().map(notice_row).collect(),
    }
}

fn joined(parts: [&str; 3]) -> String {
    let said: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    said.join(" · ")
}

#[derive(Deserialize)]
pub(super) struct ActionForm {
    receipt: String,
}

/// The claimant has gone to court.
pub(super) async fn action_filed(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    form: Result<Form<ActionForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    let receipt: Receipt = form
        .receipt
        .trim()
        .parse()
        .map_err(|_| WebError::NotFound)?;
    let actor = session.actor();
    let closed = app
        .with_complaints(move |reporting| {
            let now_ms = clock::now_ms();
            reporting.complaints.action_filed(&actor, &receipt, now_ms)
        })
        .await?;
    let said = format!(
        "Noted: {} stays removed, and no other counter-notice is taken.",
        closed.image
    );
    said_on_page(&app, &headers, &session, &said).await
}

#[derive(Deserialize)]
pub(super) struct HoldForm {
    image: String,
}

/// What was held as evidence is not needed any more. That takes a fresh second
/// factor, and the lane that the image lies in.
pub(super) async fn release_hold(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    form: Result<Form<HoldForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    let lanes = may_see(&session)?;
    let image = dto::parse_id(form.image.trim()).ok_or(WebError::NotFound)?;
    if let Some(first) = step_up_first(&app, &session, PATH) {
        return Ok(first);
    }
    let actor = session.actor();
    let was_held = app
        .with_complaints(move |reporting| {
            let complaints = &reporting.complaints;
            // What people never looked at belongs to no lane.
            match complaints.queue().job_in(&lanes, &image) {
                Ok(_) | Err(ModerationError::NotQueued { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            complaints.release_hold(&actor, &image, clock::now_ms())
        })
        .await?;
    let said = match was_held {
        true => format!("{image} is held as evidence no more."),
        false => format!("{image} was not held as evidence."),
    };
    said_on_page(&app, &headers, &session, &said).await
}

async fn said_on_page(
    app: &AppState,
    headers: &HeaderMap,
    session: &Session,
    said: &str,
) -> Result<Response, WebError> {
    let page = page(app, headers, session, Asked::default(), Some(said)).await?;
    Ok((StatusCode::OK, Html(page)).into_response())
}
