//! `/staff/rules`: the rules in force, and others tried before they are.

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Query};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use imgshare_storage::moderation::{Lane, ModerationError, Queue};
use imgshare_storage::{ImageId, State as ImageState};
use serde::Deserialize;

use crate::app::AppState;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::moderation::api::lanes;
use crate::moderation::replay::Replay;
use crate::moderation::rules::{self, Rule};
use crate::moderation::service::rules as service;
use crate::pages::rules as pages;
use crate::staff::{Refusal, Session, me, step_up_first};

const PATH: &str = "/staff/rules";

/// Longest form: the longest text, every character escaped.
const BODY_BYTES_MAX: usize = 3 * rules::TYPED_CHARS_MAX + (1 << 10);

pub(super) fn handlers() -> MethodRouter<AppState> {
    get(show)
        .post(act)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// Fill the field with the settings' rules.
    from: From,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum From {
    #[default]
    InForce,
    Settings,
}

async fn show(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Html<String>, WebError> {
    let Query(asked) = asked.map_err(|_| WebError::MalformedForm)?;
    let typed = match asked.from {
        From::InForce => rules::typed(&app.rules.rules()),
        From::Settings => rules::typed(&app.settings.moderation.rules),
    };
    Ok(Html(page(&app, &headers, &session, typed, Said::Nothing)))
}

/// What the page says of what was sent.
enum Said {
    Nothing,
    Unfit(String),
    Fit(usize),
    Previewed(pages::PreviewView),
}

fn page(
    app: &AppState,
    headers: &HeaderMap,
    session: &Session,
    typed: String,
    said: Said,
) -> String {
    let in_force = app.rules.rules();
    let mut view = pages::RulesView {
        rows: in_force.iter().map(row).collect(),
        typed,
        problem: None,
        n_fit: None,
        preview: None,
    };
    match said {
        Said::Nothing => {}
        Said::Unfit(problem) => view.problem = Some(problem),
        Said::Fit(n_rules) => view.n_fit = Some(n_rules),
        Said::Previewed(preview) => view.preview = Some(preview),
    }
    let site = Visitor::of(app, headers).site;
    pages::rules(&site, &me(session), &view)
}

fn row(rule: &Rule) -> pages::RuleRow {
    pages::RuleRow {
        name: rule.name.clone(),
        outcome: rule.outcome.as_str(),
        when: serde_json::to_string(&rule.when).unwrap_or_default(),
    }
}

#[derive(Debug, Deserialize)]
struct Sent {
    act: Act,
    rules: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Act {
    Check,
    Preview,
    Set,
}

async fn act(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    form: Result<Form<Sent>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(sent) = form.map_err(|_| WebError::MalformedForm)?;
    let unfit = |typed: String, problem: String| {
        let page = page(&app, &headers, &session, typed, Said::Unfit(problem));
        (StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response()
    };
    let rules = match rules::read_typed(&sent.rules) {
        Ok(rules) => rules,
        Err(problem) => return Ok(unfit(sent.rules, problem)),
    };
    let said = match sent.act {
        Act::Check => Said::Fit(rules.len()),
        Act::Preview => match service::preview(&app, rules).await {
            Ok(replay) => Said::Previewed(preview(&app, &session, replay).await?),
            Err(WebError::Staff(Refusal::PreviewBusy)) => {
                return Ok(unfit(sent.rules, Refusal::PreviewBusy.to_string()));
            }
            Err(error) => return Err(error),
        },
        Act::Set => {
            if let Some(first) = step_up_first(&app, &session, PATH) {
                return Ok(first);
            }
            return match service::set(&app, &session, rules).await {
                Ok(()) => Ok(Redirect::to(PATH).into_response()),
                Err(WebError::RulesUnusable(problem)) => Ok(unfit(sent.rules, problem)),
                Err(error) => Err(error),
            };
        }
    };
    Ok(Html(page(&app, &headers, &session, sent.rules, said)).into_response())
}

/// Examples are named where they are for the eyes of whoever keeps the rules.
async fn preview(
    app: &AppState,
    session: &Session,
    replay: Replay,
) -> Result<pages::PreviewView, WebError> {
    let lanes = lanes(session)?;
    let Replay {
        n_images,
        n_decided,
        n_unscored,
        changes,
        is_complete,
    } = replay;
    let changes = app
        .with_queue(move |queue| {
            let rows = changes.into_iter().map(|((from, to), change)| {
                let mut images = Vec::new();
                for image in change.images {
                    images.extend(example(queue, &lanes, &image)?);
                }
                Ok(pages::ChangeRow {
                    from: from.as_str(),
                    to: to.as_str(),
                    n_images: change.n_images,
                    images,
                })
            });
            rows.collect::<Result<Vec<_>, ModerationError>>()
        })
        .await?;
    Ok(pages::PreviewView {
        n_images,
        n_decided,
        n_unscored,
        changes,
        is_complete,
    })
}

/// An image with the page of it that exists: the veiled preview is of those with a
/// job in a lane of the caller's, and what is public is seen where everybody sees it.
fn example(
    queue: &Queue,
    lanes: &[Lane],
    image: &ImageId,
) -> Result<Option<pages::ExampleRow>, ModerationError> {
    let link = match queue.job(image)?.map(|job| job.lane) {
        Some(Lane::ChildSafety) => return Ok(None),
        Some(lane) if lanes.contains(&lane) => Some(format!("/staff/preview/{image}?look=veiled")),
        _ => {
            let record = queue.store().find(image)?;
            let is_public = record.is_some_and(|record| record.state == ImageState::Public);
            is_public.then(|| format!("/{image}"))
        }
    };
    let id = image.to_string();
    Ok(Some(pages::ExampleRow { id, link }))
}
