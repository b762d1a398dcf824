//! `/staff/queue/plain`: the queue as forms, for who has no JavaScript. Every
//! form decides one image and claims the next.

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::HeaderMap;
use axum::response::Html;
use imgshare_storage::moderation::{
    Claim, Job, Lane, ModerationError, Note, Policy, Query, Verdict,
};
use serde::Deserialize;

use crate::app::AppState;
use crate::dto;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::moderation::api::{permission, worker};
use crate::moderation::service::{self, LeaseAction, Worker};
use crate::pages::desk as pages;
use crate::staff::{Session, me};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    lane: Option<Lane>,
    image: String,
    lease: String,
    version: u64,
    /// What to do; nothing at first.
    act: Option<Act>,
    policy: Option<Policy>,
    /// What is said with it.
    words: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Act {
    Safe,
    Nsfw,
    Remove,
    Escalate,
    Skip,
    Release,
}

pub(super) async fn work(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    form: Result<Form<Asked>, FormRejection>,
) -> Result<Html<String>, WebError> {
    let Form(asked) = form.map_err(|_| WebError::MalformedForm)?;
    let worker = worker(&session)?;
    let lane = asked.lane.or_else(|| worker.lanes.first().copied());
    let lane = lane.unwrap_or_default();
    session.may(permission(lane))?;
    let is_last = asked.act == Some(Act::Release);
    let said = match asked.act {
        Some(act) => Some(done(&app, &worker, act, asked).await?),
        None => None,
    };
    let query = Query {
        lane,
        ..Query::default()
    };
    let next = match is_last {
        true => Vec::new(),
        false => service::claim_next(&app, worker.who, query, 1).await?,
    };
    let looked = next.first();
    let job = looked.map(|looked| pages::PlainJob {
        image: looked.job.image.to_string(),
        lease: looked
            .job
            .lease()
            .map(|lease| lease.token.clone())
            .unwrap_or_default(),
        version: looked.job.version,
        score: format!("{:.2}", looked.job.signals.score()),
    });
    let site = Visitor::of(&app, &headers).site;
    let view = pages::PlainView {
        lane,
        job,
        said: said.as_deref(),
    };
    Ok(Html(pages::plain(&site, &me(&session), &view)))
}

/// Does it, and says what became of it.
async fn done(app: &AppState, worker: &Worker, act: Act, asked: Asked) -> Result<String, WebError> {
    let image = dto::parse_id(&asked.image).ok_or(WebError::NotFound)?;
    let claim = Claim {
        image,
        lease: asked.lease,
        version: asked.version,
    };
    let said = Note::new(&asked.words).map_err(|_| WebError::MalformedForm)?;
    let decided = match verdict(act, asked.policy, said)? {
        Some(verdict) => service::decide(app, worker.clone(), claim, verdict).await,
        None => {
            let action = match act {
                Act::Skip => LeaseAction::Skip,
                _ => LeaseAction::Release,
            };
            service::change_lease(app, worker.clone(), claim, action).await
        }
    };
    match decided {
        Ok(job) => Ok(words(&job).to_owned()),
        Err(WebError::Moderation(ModerationError::Conflict(conflict))) => {
            Ok(format!("The last one was not decided: {}.", conflict.kind))
        }
        Err(error) => Err(error),
    }
}

fn verdict(act: Act, policy: Option<Policy>, said: Note) -> Result<Option<Verdict>, WebError> {
    Ok(match act {
        Act::Safe => Some(Verdict::Safe),
        Act::Nsfw => Some(Verdict::Nsfw),
        Act::Remove => Some(Verdict::Remove {
            policy: policy.ok_or(WebError::MalformedForm)?,
            reason: said,
            bank: None,
        }),
        Act::Escalate => Some(Verdict::Escalate {
            to: Lane::Senior,
            note: said,
        }),
        Act::Skip | Act::Release => None,
    })
}

fn words(job: &Job) -> &'static str {
    match job.decision.as_ref().map(|decision| &decision.verdict) {
        Some(Verdict::Safe) => "The last one was marked safe.",
        Some(Verdict::Nsfw) => "The last one was marked nsfw.",
        Some(Verdict::Remove { .. }) => "The last one was removed.",
        Some(Verdict::Escalate { .. }) => "The last one was passed on.",
        None => "The last one was given back.",
    }
}
