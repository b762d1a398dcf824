//! `/staff/audit`: the audit, for admins and auditors, the newest first.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Html;
use axum::routing::get;
use imgshare_storage::audit::{self, Scores, Sealed, Subject};
use imgshare_storage::{Keyspace, StorageError};
use serde::Deserialize;

use super::home::me;
use super::{Access, Permission, Routes, Session};
use crate::app::AppState;
use crate::clock;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::pages::staff as pages;

/// Entries on a page.
const ROWS: usize = 50;

/// Entries looked at for one page, where a filter leaves most of them out; the
/// next page goes on from there.
const LOOKED_AT_MAX: usize = 5_000;

/// Entries read at a time.
const CHUNK: usize = 500;

pub(super) fn routes() -> Routes {
    Routes::new().at("/staff/audit", Access::Needs(Permission::Audit), get(show))
}

/// What is looked for; empty fields match everything.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Filter {
    actor: String,
    action: String,
    subject: String,
    /// Entries before this number.
    before: Option<u64>,
}

impl Filter {
    fn is_met_by(&self, sealed: &Sealed) -> bool {
        let entry = &sealed.entry;
        let subject = entry.subject.as_ref().map_or("", Subject::as_str);
        let is_met = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
        is_met(self.actor.trim(), entry.actor.name())
            && is_met(self.action.trim(), entry.action.as_str())
            && (is_met(self.subject.trim(), subject)
                || subject
                    .split_once(':')
                    .is_some_and(|(_, name)| name == self.subject.trim()))
    }
}

/// The rows of a page with their scores, as far as those are still there; and where
/// the next one begins.
struct Found {
    rows: Vec<(Sealed, Option<Scores>)>,
    next: Option<u64>,
}

fn find(keys: &dyn Keyspace, filter: &Filter) -> Result<Found, StorageError> {
    let mut before = filter.before.unwrap_or(u64::MAX);
    let mut rows = Vec::new();
    let mut n_looked_at = 0;
    while n_looked_at < LOOKED_AT_MAX {
        let chunk = audit::entries_before(keys, before, CHUNK)?;
        let Some(last) = chunk.last() else {
            return Ok(Found { rows, next: None });
        };
        before = last.seq;
        n_looked_at += chunk.len();
        for sealed in chunk {
            if filter.is_met_by(&sealed) {
                if rows.len() == ROWS {
                    let next = rows.last().map(|(last, _): &(Sealed, _)| last.seq);
                    return Ok(Found { rows, next });
                }
                let scores = audit::scores_of(keys, &sealed)?;
                rows.push((sealed, scores));
            }
        }
    }
    Ok(Found {
        rows,
        next: Some(before),
    })
}

async fn show(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    Query(filter): Query<Filter>,
) -> Result<Html<String>, WebError> {
    let asked = filter.clone();
    let found = app.with_store(move |store| find(store, &asked)).await?;
    let rows = found.rows.iter();
    let rows = rows
        .map(|(sealed, scores)| row(sealed, scores.as_ref()))
        .collect();
    let site = Visitor::of(&app, &headers).site;
    let view = pages::AuditView {
        rows,
        actor: &filter.actor,
        action: &filter.action,
        subject: &filter.subject,
        next: found.next,
        is_first: filter.before.is_none(),
    };
    Ok(Html(pages::audit(&site, &me(&session), &view)))
}

fn row(sealed: &Sealed, scores: Option<&Scores>) -> pages::AuditRow {
    let entry = &sealed.entry;
    let json = |value: &serde_json::Value| match value {
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    };
    let scores = match (scores, entry.scores_sha256) {
        (None, Some(_)) => "went with the image".to_owned(),
        (scores, _) => json(scores.map_or(&entry.scores, Scores::value)),
    };
    let more = [
        ("scores", scores),
        ("thresholds", json(&entry.thresholds)),
        ("lease", entry.lease.clone().unwrap_or_default()),
        ("reports", entry.reports.join(", ")),
    ];
    pages::AuditRow {
        seq: sealed.seq,
        at: clock::rfc3339(entry.at_ms),
        actor: entry.actor.name().to_owned(),
        role: entry.actor.role().map_or("", |role| role.as_str()),
        action: entry.action.to_string(),
        subject: entry
            .subject
            .as_ref()
            .map_or_else(String::new, Subject::to_string),
        before: json(&entry.before),
        after: json(&entry.after),
        more: more
            .into_iter()
            .filter(|(_, said)| !said.is_empty())
            .collect(),
        hash: hex::encode(&sealed.hash[..6]),
    }
}
