//! `/staff/blocks`: what was noticed, and who is blocked.

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::act::{BlockCommand, apart, obey};
use crate::app::AppState;
use crate::clock;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::pages::staff as pages;
use crate::staff::{Access, Permission, Routes, Session, me};

const PATH: &str = "/staff/blocks";

/// Every route, with who may come to it.
#[must_use]
pub fn routes() -> Routes {
    let abuse = Access::Needs(Permission::Abuse);
    Routes::new().at(PATH, abuse, get(show).post(change))
}

async fn show(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
) -> Result<Html<String>, WebError> {
    page(&app, &headers, &session, None).await.map(Html)
}

async fn page(
    app: &AppState,
    headers: &HeaderMap,
    session: &Session,
    problem: Option<&str>,
) -> Result<String, WebError> {
    let now_ms = clock::now_ms();
    let this = std::sync::Arc::clone(app);
    let blocks = app
        .with_store(move |store| this.abuse.load_blocks(store, now_ms))
        .await?;
    let alerts = app.abuse.alerts(now_ms);
    let view = pages::BlocksView {
        alerts: alerts
            .iter()
            .map(|alert| pages::AlertRow {
                words: alert.pattern.words(),
                network: alert.network.network(),
                n_times: alert.n_times,
                first: clock::rfc3339(alert.first_ms),
                last: clock::rfc3339(alert.last_ms),
            })
            .collect(),
        blocks: blocks
            .into_iter()
            .map(|block| pages::BlockRow {
                network: block.network.to_string(),
                reason: block.reason,
                by: block.by,
                since: clock::rfc3339(block.since_ms),
                until: clock::rfc3339(block.until_ms),
            })
            .collect(),
        problem,
    };
    let site = Visitor::of(app, headers).site;
    Ok(pages::blocks(&site, &me(session), &view))
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Act {
    Block,
    Lift,
}

#[derive(Deserialize)]
struct ChangeForm {
    act: Act,
    network: String,
    #[serde(default)]
    days: u64,
    #[serde(default)]
    reason: String,
}

async fn change(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    form: Result<Form<ChangeForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    let command = match form.act {
        Act::Lift => BlockCommand::Remove {
            network: form.network,
        },
        Act::Block => BlockCommand::Add {
            network: form.network,
            days: form.days,
            reason: form.reason,
        },
    };
    let (actor, now_ms) = (session.actor(), clock::now_ms());
    let this = std::sync::Arc::clone(&app);
    let done = app.with_audit(move |store| {
        let done = apart(obey(store, &this.settings, (&actor, now_ms), &command))?;
        this.abuse.load_blocks(store, now_ms)?;
        Ok(done)
    });
    match done.await? {
        Ok(_) => Ok(Redirect::to(PATH).into_response()),
        Err(problem) => {
            let page = page(&app, &headers, &session, Some(&problem)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
        }
    }
}
