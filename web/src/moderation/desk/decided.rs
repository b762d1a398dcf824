//! `/staff/decided`: what was decided and still stands, with a way back for each.

use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse, Response};
use imgshare_storage::moderation::{Claim, Decision, Job, Lane, ModerationError, Verdict};
use serde::Deserialize;

use crate::app::AppState;
use crate::clock;
use crate::dto;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::moderation::api::{lanes, take_back, why_not, worker};
use crate::moderation::service::{self, LeaseAction};
use crate::pages::decided as pages;
use crate::staff::{Permission, Refusal, Session, me, step_up_first};

const PATH: &str = "/staff/decided";

/// Decisions on a page.
const ROWS: usize = 40;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    whose: Whose,
    /// The end of the page before.
    after: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Whose {
    #[default]
    Own,
    Everybodys,
}

pub(super) async fn show(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Html<String>, WebError> {
    let Query(asked) = asked.map_err(|_| WebError::MalformedForm)?;
    page(&app, &headers, &session, &asked, None).await
}

async fn page(
    app: &AppState,
    headers: &HeaderMap,
    session: &Session,
    asked: &Asked,
    said: Option<pages::Said>,
) -> Result<Html<String>, WebError> {
    let lanes = lanes(session)?;
    let sees_all = Permission::DecideEscalated.is_of(session.role);
    let is_own = asked.whose == Whose::Own;
    if !is_own {
        session.may(Permission::DecideEscalated)?;
    }
    let by = is_own.then(|| session.staff.clone());
    let after = asked.after.clone().filter(|after| !after.is_empty());
    let is_first = after.is_none();
    let listing = service::decided(app, by, lanes.clone(), after, ROWS).await?;
    let jobs = listing.jobs.iter();
    let rows = jobs.filter_map(|job| Some(row(session, &lanes, job, job.decision.as_ref()?)));
    let mut rows: Vec<pages::DecidedRow> = rows.collect();
    let jobs = listing.jobs;
    let kept = app
        .with_queue(move |queue| {
            let kept = jobs.iter().filter(|job| job.decision.is_some()).map(|job| {
                let record = queue.store().find(&job.image)?;
                let is_held = record.is_some_and(|record| record.is_held());
                Ok((queue.copies_to_return(job)?, is_held))
            });
            kept.collect::<Result<Vec<(usize, bool)>, ModerationError>>()
        })
        .await?;
    for (row, (n_copies, is_held)) in rows.iter_mut().zip(kept) {
        row.n_copies = n_copies;
        row.is_held = is_held;
    }
    let view = pages::DecidedView {
        rows,
        is_own,
        sees_all,
        is_first,
        next: listing.next,
        said,
    };
    let site = Visitor::of(app, headers).site;
    Ok(Html(pages::decided(&site, &me(session), &view)))
}

fn row(session: &Session, lanes: &[Lane], job: &Job, decision: &Decision) -> pages::DecidedRow {
    let (policy, reason) = match &decision.verdict {
        Verdict::Remove { policy, reason, .. } => (Some(*policy), reason.as_str()),
        Verdict::Escalate { note, .. } => (None, note.as_str()),
        Verdict::Safe | Verdict::Nsfw => (None, ""),
    };
    let is_own = decision.by.as_ref() == Some(&session.staff);
    let is_slip = is_own && job.lane == Lane::Senior;
    let may = is_own || Permission::DecideEscalated.is_of(session.role);
    let is_theirs = (lanes.contains(&job.lane) || is_slip)
        && (lanes.contains(&decision.before.lane) || job.lane == Lane::ChildSafety);
    pages::DecidedRow {
        image: job.image.to_string(),
        version: decision.version,
        what: pages::verdict_words(&decision.verdict),
        policy: policy.map(pages::policy_words),
        reason: reason.to_owned(),
        is_banned: !decision.banked.is_empty(),
        n_copies: 0,
        is_held: false,
        at: clock::rfc3339(decision.at_ms),
        by: decision.by.as_ref().map(ToString::to_string),
        until: decision.purge_at_ms.map(clock::rfc3339),
        // Child abuse is shown one by one, never as thumbnails.
        has_preview: lanes.contains(&job.lane) && job.lane != Lane::ChildSafety,
        can_undo: may && is_theirs && job.is_undoable(),
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct UndoForm {
    image: String,
    version: u64,
    #[serde(default)]
    whose: Whose,
    #[serde(default)]
    after: Option<String>,
}

/// Takes one back; it waits in the queue again.
pub(super) async fn undo(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    form: Result<Form<UndoForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    let image = dto::parse_id(&form.image).ok_or(WebError::NotFound)?;
    let said = match take_back(&app, &session, image, form.version).await {
        Ok(looked) => {
            let job = &looked.job;
            if let Some(lease) = job.lease() {
                let claim = Claim {
                    image,
                    lease: lease.token.clone(),
                    version: job.version,
                };
                let worker = worker(&session)?;
                service::change_lease(&app, worker, claim, LeaseAction::Release).await?;
            }
            let copies = pages::copies_words(looked.n_copies);
            let words = format!("{image} is as it was before, and waits in the queue. {copies}");
            pages::Said {
                words: words.trim_end().to_owned(),
                image: Some(image.to_string()),
            }
        }
        Err(WebError::Staff(Refusal::StepUpNeeded)) => {
            let first = step_up_first(&app, &session, PATH);
            return first.ok_or_else(|| Refusal::StepUpNeeded.into());
        }
        Err(error) => pages::Said {
            words: why_not(error)?,
            image: None,
        },
    };
    let asked = Asked {
        whose: form.whose,
        after: form.after,
    };
    let page = page(&app, &headers, &session, &asked, Some(said)).await?;
    Ok(page.into_response())
}
