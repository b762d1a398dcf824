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

use super::{plain_facts, told};
use crate::app::AppState;
use crate::clock;
use crate::dto;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::moderation::api::{permission, take_back, why_not, worker};
use crate::moderation::legal_order;
use crate::moderation::service::{self, LeaseAction, Looked, Worker};
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
    Undo,
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
    let (mut looked, mut undo, mut said) = (None, None, None);
    match asked.act {
        Some(Act::Undo) => {
            let image = dto::parse_id(&asked.image).ok_or(WebError::NotFound)?;
            match take_back(&app, &session, image, asked.version).await {
                Ok(back) => {
                    said = Some("It is taken back. Decide it anew.".to_owned());
                    looked = Some(back);
                }
                Err(error) => said = Some(why_not(error)?),
            }
        }
        Some(act) => {
            let (words, decided) = done(&app, &worker, act, asked).await?;
            (said, undo) = (Some(words), decided);
        }
        None => {}
    }
    if looked.is_none() && !is_last {
        let query = Query {
            lane,
            ..Query::default()
        };
        let next = service::claim_next(&app, worker.who, query, 1).await?;
        looked = next.into_iter().next();
    }
    let job = match looked {
        Some(looked) => Some(shown(&app, &session, looked).await?),
        None => None,
    };
    let site = Visitor::of(&app, &headers).site;
    let view = pages::PlainView {
        lane,
        job,
        said: said.as_deref(),
        undo,
    };
    Ok(Html(pages::plain(&site, &me(&session), &view)))
}

async fn shown(
    app: &AppState,
    session: &Session,
    looked: Looked,
) -> Result<pages::PlainJob, WebError> {
    let job = looked.job;
    let told = told::told(app, session, job.image).await?;
    let lease = job.lease().map(|lease| lease.token.clone());
    Ok(pages::PlainJob {
        image: job.image.to_string(),
        lease: lease.unwrap_or_default(),
        version: job.version,
        score: format!("{:.2}", job.signals.score()),
        facts: plain_facts::lines(&job, &told, clock::now_ms()),
    })
}

/// Image and version of a decision that can be taken back.
type Undo = (String, u64);

/// Does it, and says what became of it.
async fn done(
    app: &AppState,
    worker: &Worker,
    act: Act,
    asked: Asked,
) -> Result<(String, Option<Undo>), WebError> {
    let image = dto::parse_id(&asked.image).ok_or(WebError::NotFound)?;
    let claim = Claim {
        image,
        lease: asked.lease,
        version: asked.version,
    };
    let is_decision = !matches!(act, Act::Skip | Act::Release | Act::Undo);
    let said = Note::new(&asked.words).map_err(|_| WebError::MalformedForm)?;
    let decided = match verdict(act, asked.policy, said)? {
        Some(verdict) => {
            legal_order::check(worker.who.role, &verdict)?;
            service::decide(app, worker.clone(), claim, verdict).await
        }
        None => {
            let action = match act {
                Act::Skip => LeaseAction::Skip,
                _ => LeaseAction::Release,
            };
            service::change_lease(app, worker.clone(), claim, action).await
        }
    };
    match decided {
        Ok(job) => {
            let decision = job.decision.as_ref().filter(|_| is_decision);
            let undo = decision.map(|decision| (image.to_string(), decision.version));
            Ok((words(&job, is_decision).to_owned(), undo))
        }
        Err(WebError::Moderation(ModerationError::Conflict(conflict))) => {
            let words = format!("The last one was not decided: {}.", conflict.kind);
            Ok((words, None))
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
        Act::Skip | Act::Release | Act::Undo => None,
    })
}

/// One that waits again may have a decision of before.
fn words(job: &Job, is_decision: bool) -> &'static str {
    let decision = job.decision.as_ref().filter(|_| is_decision);
    match decision.map(|decision| &decision.verdict) {
        Some(Verdict::Safe) => "The last one was marked safe.",
        Some(Verdict::Nsfw) => "The last one was marked nsfw.",
        Some(Verdict::Remove { .. }) => "The last one was removed.",
        Some(Verdict::Escalate { .. }) => "The last one was passed on.",
        None => "The last one was given back.",
    }
}
