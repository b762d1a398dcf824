//! `/staff/learning/thresholds`: what the page of figures can change.

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse, Redirect, Response};
use imgshare_models::scores::Thresholds;
use imgshare_storage::moderation::shadow_figures;
use serde::Deserialize;

use super::learning::{Asked, shown_page};
use crate::app::AppState;
use crate::clock;
use crate::error::WebError;
use crate::moderation::relabel::{Preview, Relabelled, Relabelling};
use crate::moderation::service::thresholds as service;
use crate::moderation::shadow::{Compared, Tried};
use crate::pages::learning as pages;
use crate::staff::{Permission, Session, step_up_first};

const PAGE: &str = "/staff/learning";

#[derive(Debug, Deserialize)]
pub(super) struct Sent {
    act: Act,
    explicit: Option<f32>,
    sexy: Option<f32>,
    ads: Option<f32>,
    band: Option<f32>,
    /// Whose scores a candidate is for; empty for all.
    candidate_model: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Act {
    Preview,
    Set,
    Reset,
    TryOut,
    Promote,
    Discard,
}

/// Changes thresholds or candidate, or shows what thresholds would change.
pub(super) async fn act(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    form: Result<Form<Sent>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(sent) = form.map_err(|_| WebError::MalformedForm)?;
    let asked = Asked {
        model: None,
        explicit: sent.explicit,
        sexy: sent.sexy,
        band: sent.band,
        ads: sent.ads,
    };
    let thresholds = asked.thresholds(app.thresholds.moderation().thresholds())?;
    if sent.act == Act::Preview {
        let preview = service::preview(&app, thresholds).await?;
        let page = shown_page(&app, &headers, &session, asked, Some(preview)).await?;
        return Ok(Html(page).into_response());
    }
    if let Some(first) = step_up_first(&app, &session, PAGE) {
        return Ok(first);
    }
    match sent.act {
        Act::Preview => {}
        Act::Set => service::set(&app, &session, thresholds).await?,
        Act::Reset => service::reset(&app, &session).await?,
        Act::TryOut => {
            service::try_out(&app, &session, thresholds, sent.candidate_model).await?;
        }
        Act::Promote => service::promote(&app, &session).await?,
        Act::Discard => service::discard(&app, &session).await?,
    }
    Ok(Redirect::to(PAGE).into_response())
}

/// What the page of figures shows of them.
pub(super) async fn view(
    app: &AppState,
    session: &Session,
    tried: &Thresholds,
    preview: Option<Preview>,
) -> Result<pages::ThresholdsView, WebError> {
    let this = Arc::clone(app);
    let read = app.with_queue(move |queue| {
        queue.merge_uploads()?;
        let store = &**queue.store();
        let candidate = match this.thresholds.candidate(store)? {
            Some(tried) => {
                let figures = shadow_figures(store, tried.generation)?;
                Some((tried, Compared::of(&figures)))
            }
            None => None,
        };
        Ok((candidate, Relabelling::last(store)?))
    });
    let (candidate, last) = read.await?;
    let in_force = app.thresholds.in_force();
    Ok(pages::ThresholdsView {
        may_change: session.may(Permission::Rules).is_ok(),
        in_force: words(&in_force.moderation.thresholds()),
        set: in_force
            .set
            .map(|set| format!("{}, {}", set.by, clock::rfc3339(set.at_ms))),
        settings: words(&app.thresholds.of_settings()),
        tried: [tried.explicit, tried.sexy, tried.ads, tried.review_band],
        models: service::models(app),
        preview: preview.map(|preview| pages::PreviewView {
            changes: changes(&preview.changes),
            is_complete: preview.is_complete,
        }),
        relabelling: last.map(|last| progress(&last)),
        candidate: candidate.map(|(tried, compared)| candidate_view(&tried, &compared)),
    })
}

fn words(thresholds: &Thresholds) -> String {
    format!(
        "explicit {:.2}, sexy {:.2}, band {:.2}, no advertising from {:.2}",
        thresholds.explicit, thresholds.sexy, thresholds.review_band, thresholds.ads
    )
}

fn changes(found: &Relabelled) -> String {
    format!(
        "{} images looked at, {} decided by people or rules; safe to nsfw {}, nsfw to safe {}, \
         into the queue {}, out of it {}",
        found.n_seen,
        found.n_settled,
        found.n_to_nsfw,
        found.n_to_safe,
        found.n_queued,
        found.n_withdrawn
    )
}

fn progress(last: &Relabelling) -> String {
    let changes = changes(&last.changed);
    match last.finished_at_ms {
        Some(at_ms) => format!("Done {}: {changes}.", clock::rfc3339(at_ms)),
        None => format!("At work: {changes} so far."),
    }
}

fn candidate_view(tried: &Tried, compared: &Compared) -> pages::CandidateView {
    let model = tried.model.as_deref().unwrap_or("every model");
    let row = |words, [live, would]: [u64; 2]| pages::ComparedRow { words, live, would };
    pages::CandidateView {
        words: format!(
            "{}; scores of {model}; {}, {}",
            words(&tried.thresholds),
            tried.by,
            clock::rfc3339(tried.since_ms)
        ),
        rows: vec![
            row("Uploads", [compared.n_uploads; 2]),
            row("labelled nsfw", compared.nsfw),
            row("in the queue for their score", compared.queued),
            row(
                "labelled otherwise than in force",
                [0, compared.n_otherwise],
            ),
            row("Decided as safe or nsfw", [compared.n_decided; 2]),
            row("label as people said", compared.right),
            row("nsfw, and people said safe", compared.too_strict),
            row("safe, and people said nsfw", compared.missed),
        ],
    }
}
