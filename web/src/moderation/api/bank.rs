//! `/staff/api/bank`.

use axum::extract::{Path, State};
use axum::response::Response;
use imgshare_storage::moderation::{
    BankEntry, BankHash, BankPolicy, Job, Lane, ModerationError, Note, Policy, Queue, TakenOff,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Asked, Body, answer, lanes};
use crate::app::AppState;
use crate::clock;
use crate::error::WebError;
use crate::moderation::keeper;
use crate::staff::Session;

/// Entries of a page.
const PAGE: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    after: Option<BankHash>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddDto {
    hash: BankHash,
    #[serde(default)]
    policy: BankPolicy,
    against: Policy,
    #[serde(default)]
    reason: Note,
}

/// A page of entries, in the order of their hashes.
pub(super) async fn list(
    State(app): State<AppState>,
    session: Session,
    Asked(asked): Asked<ListQuery>,
) -> Result<Response, ApiError> {
    let lanes = lanes(&session)?;
    let (entries, next) = app
        .with_queue(move |queue| {
            let entries = queue.bank().entries(asked.after.as_ref(), PAGE)?;
            let next = entries.get(PAGE - 1).map(|last| last.hash.to_string());
            let told = entries.iter().map(|entry| told(queue, &lanes, entry));
            Ok((told.collect::<Result<Vec<_>, _>>()?, next))
        })
        .await?;
    Ok(answer(json!({"entries": entries, "next": next})))
}

fn told(queue: &Queue, lanes: &[Lane], entry: &BankEntry) -> Result<Value, ModerationError> {
    let mut told = json!(entry);
    if !is_told(queue, lanes, entry)? {
        for field in ["against", "reason", "image"] {
            told[field] = Value::Null;
        }
    }
    Ok(told)
}

/// Whether it may be said in these lanes from which image an entry comes, and
/// against what it is: what child safety has banned is not even named to others.
/// An image that is gone tells by the policy whose it was.
pub(in crate::moderation) fn is_told(
    queue: &Queue,
    lanes: &[Lane],
    entry: &BankEntry,
) -> Result<bool, ModerationError> {
    if entry.against == Policy::ChildAbuse {
        return Ok(lanes.contains(&Lane::ChildSafety));
    }
    let job = entry.image.map(|image| queue.job(&image)).transpose()?;
    let Some(Job { lane, .. }) = job.flatten() else {
        return Ok(true);
    };
    Ok(lanes.contains(&lane))
}

/// Adds a hash; copies that are stored go within moments. That takes a fresh
/// second factor, as removing one does.
pub(super) async fn add(
    State(app): State<AppState>,
    session: Session,
    Body(asked): Body<AddDto>,
) -> Result<Response, ApiError> {
    let (actor, now_ms) = (session.actor(), clock::now_ms());
    session.needs_fresh_factor(now_ms)?;
    let entry = BankEntry {
        hash: asked.hash,
        policy: asked.policy,
        against: asked.against,
        reason: asked.reason,
        added_by: session.staff.to_string(),
        added_at_ms: now_ms,
        image: None,
    };
    let is_new = app
        .with_queue(move |queue| queue.bank().add(&actor, &entry, now_ms))
        .await?;
    if is_new {
        keeper::ring(&app);
    }
    Ok(answer(json!({"is_new": is_new})))
}

/// Removes a hash. What was removed because of it stays so.
pub(super) async fn remove(
    State(app): State<AppState>,
    session: Session,
    Path(hash): Path<String>,
) -> Result<Response, ApiError> {
    let hash: BankHash = hash.parse().map_err(|_| WebError::NotFound)?;
    let (actor, now_ms) = (session.actor(), clock::now_ms());
    session.needs_fresh_factor(now_ms)?;
    let was_there = app
        .with_queue(move |queue| {
            queue
                .bank()
                .remove(&actor, &hash, &TakenOff::default(), now_ms)
        })
        .await?;
    if !was_there {
        return Err(WebError::NotFound.into());
    }
    Ok(answer(json!({"was_there": true})))
}
