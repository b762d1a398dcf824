//! `/staff/api/kin/{image}`: what else is known: what was [`told`] of it, and what
//! is the same or alike.

use std::collections::HashMap;
use std::ops::ControlFlow;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use imgshare_storage::moderation::{
    BANK_QUALITY_MIN, Lane, Lookup, ModerationError, Policy, Queue,
};
use imgshare_storage::{Alike, ImageId, Record, State as ImageState, Turning};
use serde::{Deserialize, Serialize};

use super::told::{self, Told};
use crate::app::AppState;
use crate::clock;
use crate::dto;
use crate::error::WebError;
use crate::moderation::api::{is_told, lanes};
use crate::moderation::service;
use crate::staff::Session;

/// Images named of each kind.
const NAMED_MAX: usize = 20;

/// Images that are counted at most.
const COUNTED_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Whether to look for what is alike.
    #[serde(default)]
    near: bool,
}

#[derive(Serialize, Default)]
struct Kin {
    /// How many others have the same bytes; at most [`COUNTED_MAX`].
    n_same: usize,
    same: Vec<Relative>,
    /// What the hash bank says.
    bank: Option<BankDto>,
    /// How many others look like it; at most [`COUNTED_MAX`].
    n_near: usize,
    /// The nearest of them; null when that was not asked for.
    near: Option<Vec<Relative>>,
    #[serde(flatten)]
    told: Told,
    /// The service's clock, by which what is due is counted.
    now_ms: u64,
}

#[derive(Serialize)]
struct Relative {
    image: ImageId,
    state: ImageState,
    /// Bits of 256 that the likenesses differ in; null for the same bytes.
    distance: Option<u32>,
    /// What was done to the image that was asked about to have this one.
    turning: Turning,
    uploaded_at_ms: u64,
}

#[derive(Serialize)]
struct BankDto {
    hash: String,
    distance: u32,
    /// What was done to the banned picture to have this one.
    turning: Turning,
    /// Null, as the image is, where that lies in a lane that is not the caller's.
    against: Option<Policy>,
    image: Option<ImageId>,
}

/// The relatives of an image that lies in a lane of the caller's.
pub(super) async fn show(
    State(app): State<AppState>,
    session: Session,
    Path(image): Path<String>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, WebError> {
    let Query(Asked { near }) = asked.map_err(|_| WebError::MalformedForm)?;
    let id = dto::parse_id(&image).ok_or(WebError::NotFound)?;
    let lanes = lanes(&session)?;
    let looked = service::find(&app, lanes.clone(), id).await?;
    let record = looked.record.ok_or(WebError::NotFound)?;
    let mut kin = app
        .with_queue(move |queue| kin(queue, &record, &lanes, near))
        .await?;
    kin.told = told::told(&app, &session, id).await?;
    kin.now_ms = clock::now_ms();
    Ok(Json(kin).into_response())
}

fn kin(queue: &Queue, record: &Record, lanes: &[Lane], near: bool) -> Result<Kin, ModerationError> {
    let mut kin = Kin::default();
    let store = queue.store();
    let others = store.with_sha256(&record.sha256, COUNTED_MAX)?;
    let others: Vec<ImageId> = others.into_iter().filter(|id| *id != record.id).collect();
    kin.n_same = others.len();
    for id in others.iter().take(NAMED_MAX) {
        // What others are to look at is counted, and not named.
        if queue.job(id)?.is_some_and(|job| !lanes.contains(&job.lane)) {
            continue;
        }
        kin.same.extend(
            store
                .find(id)?
                .map(|other| relative(&other, None, Turning::Upright)),
        );
    }
    let known = queue.bank().lookup(&Lookup {
        sha256: record.sha256,
        pdq: record.pdq,
    })?;
    if let Some(found) = known {
        let entry = found.entry;
        let is_told = is_told(queue, lanes, &entry)?;
        kin.bank = Some(BankDto {
            hash: entry.hash.to_string(),
            distance: found.distance,
            turning: found.turning,
            against: is_told.then_some(entry.against),
            image: entry.image.filter(|_| is_told),
        });
    }
    if near {
        find_near(queue, record, lanes, &mut kin)?;
    }
    Ok(kin)
}

/// Finds what is stored and looks like an image, however it lies. What lies in a lane that is not
/// the caller's is passed over.
fn find_near(
    queue: &Queue,
    record: &Record,
    lanes: &[Lane],
    kin: &mut Kin,
) -> Result<(), ModerationError> {
    let mut alike: HashMap<ImageId, (u32, Turning)> = HashMap::new();
    if let Some(pdq) = record.pdq.filter(|pdq| pdq.quality >= BANK_QUALITY_MIN) {
        let turnings = pdq.turnings();
        let mut visit = |found: Alike| {
            let lies = turnings.iter().find(|(_, hash)| *hash == found.to);
            let Some((turning, _)) = lies.filter(|_| found.id != record.id) else {
                return Ok(ControlFlow::Continue(()));
            };
            // What is its own mirror image is near in several ways.
            let near = (found.distance, *turning);
            let known = alike.entry(found.id).or_insert(near);
            *known = near.min(*known);
            Ok(match alike.len() {
                COUNTED_MAX.. => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            })
        };
        let wanted = turnings.map(|(_, hash)| hash);
        queue.store().for_each_alike(&wanted, &mut visit)?;
    }
    let alike = alike.into_iter();
    let mut alike: Vec<_> = alike
        .map(|(id, (distance, turning))| (distance, turning, id))
        .collect();
    alike.sort_unstable();
    let mut near = Vec::new();
    for (distance, turning, id) in alike {
        let job = queue.job(&id)?;
        let is_for_others = job.is_some_and(|job| !lanes.contains(&job.lane));
        let Some(other) = queue.store().find(&id)?.filter(|_| !is_for_others) else {
            continue;
        };
        kin.n_near += 1;
        if near.len() < NAMED_MAX {
            near.push(relative(&other, Some(distance), turning));
        }
    }
    kin.near = Some(near);
    Ok(())
}

fn relative(record: &Record, distance: Option<u32>, turning: Turning) -> Relative {
    Relative {
        image: record.id,
        state: record.state,
        distance,
        turning,
        uploaded_at_ms: record.uploaded_at_ms,
    }
}
