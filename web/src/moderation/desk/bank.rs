//! `/staff/bank`: the hashes of what must not come back.

use std::str::FromStr;

use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use imgshare_storage::ImageId;
use imgshare_storage::moderation::{
    AfterRemoval, BANK_QUALITY_MIN, BankEntry, BankHash, BankPolicy, Lane, ModerationError, Note,
    Policy, Queue, TakenOff,
};
use serde::Deserialize;

use crate::app::AppState;
use crate::clock;
use crate::dto;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::moderation::api::{is_told, lanes};
use crate::moderation::keeper;
use crate::pages::bank as pages;
use crate::pages::decided::policy_words;
use crate::staff::{Session, me, step_up_first};

const PATH: &str = "/staff/bank";

/// Entries of a page.
const ROWS: usize = 40;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// A hash, or an image's id or link.
    q: String,
    /// The last hash of the page before.
    after: Option<BankHash>,
}

/// What somebody looks for.
enum Wanted {
    Everything,
    Hashes(Vec<BankHash>),
    Image(ImageId),
    Nonsense,
}

impl FromStr for Wanted {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::Everything);
        }
        // A hash alone does not say which kind it is.
        let spelled = [
            text.to_owned(),
            format!("sha256:{text}"),
            format!("pdq:{text}"),
        ];
        let hashes: Vec<BankHash> = spelled
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect();
        if !hashes.is_empty() {
            return Ok(Self::Hashes(hashes));
        }
        let image = text.rsplit('/').next().and_then(dto::parse_id);
        Ok(image.map_or(Self::Nonsense, Self::Image))
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
    problem: Option<&str>,
) -> Result<String, WebError> {
    let lanes = lanes(session)?;
    let Asked { q, after } = asked;
    let wanted = q.parse().unwrap_or(Wanted::Nonsense);
    let (rows, next) = app
        .with_queue(move |queue| {
            let (entries, next) = found(queue, &wanted, after.as_ref())?;
            let rows = entries.iter().map(|entry| row(queue, &lanes, entry));
            Ok((rows.collect::<Result<Vec<_>, _>>()?, next))
        })
        .await?;
    let site = Visitor::of(app, headers).site;
    let view = pages::BankView {
        rows,
        q,
        next: next.map(|hash| hash.to_string()),
        problem,
    };
    Ok(pages::bank(&site, &me(session), &view))
}

/// The entries that are meant, and where the next page begins.
fn found(
    queue: &Queue,
    wanted: &Wanted,
    after: Option<&BankHash>,
) -> Result<(Vec<BankEntry>, Option<BankHash>), ModerationError> {
    let bank = queue.bank();
    let hashes: Vec<BankHash> = match wanted {
        Wanted::Everything => {
            // One more says whether there is a next page.
            let mut entries = bank.entries(after, ROWS + 1)?;
            let next = (entries.len() > ROWS).then(|| entries[ROWS - 1].hash);
            entries.truncate(ROWS);
            return Ok((entries, next));
        }
        Wanted::Hashes(hashes) => hashes.clone(),
        Wanted::Image(image) => match queue.store().find(image)? {
            None => Vec::new(),
            Some(record) => {
                let mut hashes = vec![BankHash::Sha256(record.sha256)];
                if let Some(pdq) = record.pdq.filter(|pdq| pdq.quality >= BANK_QUALITY_MIN) {
                    let alike = bank.alike(&pdq)?;
                    hashes.extend(alike.iter().map(|found| BankHash::Pdq(found.hash)));
                }
                hashes
            }
        },
        Wanted::Nonsense => Vec::new(),
    };
    let mut entries = Vec::new();
    for hash in hashes {
        entries.extend(bank.entry(&hash)?);
    }
    Ok((entries, None))
}

fn row(
    queue: &Queue,
    lanes: &[Lane],
    entry: &BankEntry,
) -> Result<pages::BankRow, ModerationError> {
    let is_told = is_told(queue, lanes, entry)?;
    Ok(pages::BankRow {
        hash: entry.hash.to_string(),
        refuses: entry.policy == BankPolicy::Refuse,
        against: is_told.then(|| policy_words(entry.against)),
        reason: if is_told {
            entry.reason.as_str().to_owned()
        } else {
            String::new()
        },
        image: entry
            .image
            .filter(|_| is_told)
            .map(|image| image.to_string()),
        // A list is not an image of ours.
        is_listed: entry.image.is_none(),
        by: entry.added_by.clone(),
        at: clock::rfc3339(entry.added_at_ms),
        n_refused: queue.bank().n_refused(&entry.hash)?,
        n_copies: queue.n_copies(&entry.hash)?,
    })
}

#[derive(Debug, Deserialize)]
pub(super) struct AddForm {
    hash: String,
    policy: BankPolicy,
    against: Policy,
    #[serde(default)]
    reason: String,
}

/// Adds a hash; copies that are stored go within moments.
pub(super) async fn add(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    form: Result<Form<AddForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    if let Some(first) = step_up_first(&app, &session, PATH) {
        return Ok(first);
    }
    let Ok(hash) = form.hash.trim().parse::<BankHash>() else {
        let words = "That is no hash: sha256: or pdq: and 64 hexadecimal characters are.";
        return unfit(&app, &headers, &session, words).await;
    };
    let Ok(reason) = Note::new(form.reason.trim()) else {
        let words = "The reason is too long.";
        return unfit(&app, &headers, &session, words).await;
    };
    let (actor, now_ms) = (session.actor(), clock::now_ms());
    let entry = BankEntry {
        hash,
        policy: form.policy,
        against: form.against,
        reason,
        added_by: session.staff.to_string(),
        added_at_ms: now_ms,
        image: None,
    };
    let added = app.with_queue(move |queue| queue.bank().add(&actor, &entry, now_ms));
    if added.await? {
        keeper::ring(&app);
    }
    Ok(Redirect::to(&format!("{PATH}?q={hash}")).into_response())
}

async fn unfit(
    app: &AppState,
    headers: &HeaderMap,
    session: &Session,
    words: &str,
) -> Result<Response, WebError> {
    let page = page(app, headers, session, Asked::default(), Some(words)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
}

/// Asks whether a hash shall be taken off.
pub(super) async fn ask(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    Path(hash): Path<String>,
) -> Result<Html<String>, WebError> {
    let hash: BankHash = hash.parse().map_err(|_| WebError::NotFound)?;
    asking(&app, &headers, &session, hash, None).await.map(Html)
}

async fn asking(
    app: &AppState,
    headers: &HeaderMap,
    session: &Session,
    hash: BankHash,
    problem: Option<&str>,
) -> Result<String, WebError> {
    let lanes = lanes(session)?;
    let row = app.with_queue(move |queue| {
        let entry = queue.bank().entry(&hash)?;
        entry.map(|entry| row(queue, &lanes, &entry)).transpose()
    });
    let row = row.await?.ok_or(WebError::NotFound)?;
    let site = Visitor::of(app, headers).site;
    Ok(pages::take_off(&site, &me(session), &row, problem))
}

#[derive(Debug, Deserialize)]
pub(super) struct TakeOffForm {
    reason: String,
    #[serde(default)]
    then: AfterRemoval,
}

/// Takes a hash off.
pub(super) async fn take_off(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    Path(hash): Path<String>,
    form: Result<Form<TakeOffForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    let hash: BankHash = hash.parse().map_err(|_| WebError::NotFound)?;
    if let Some(first) = step_up_first(&app, &session, &format!("{PATH}/{hash}")) {
        return Ok(first);
    }
    let why = Note::new(form.reason.trim()).ok();
    let Some(why) = why.filter(|why| !why.as_str().is_empty()) else {
        let words = "Say why, in 500 characters at most.";
        let page = asking(&app, &headers, &session, hash, Some(words)).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    };
    let taken_off = TakenOff {
        then: form.then,
        why,
    };
    let (actor, now_ms) = (session.actor(), clock::now_ms());
    let was_there =
        app.with_queue(move |queue| queue.bank().remove(&actor, &hash, &taken_off, now_ms));
    if !was_there.await? {
        return Err(WebError::NotFound);
    }
    // Copies may come back.
    keeper::ring(&app);
    Ok(Redirect::to(PATH).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_is_a_hash_or_an_image() {
        let of = |text: &str| text.parse::<Wanted>().unwrap();
        assert!(matches!(of(" "), Wanted::Everything));
        let bare = "07".repeat(32);
        let Wanted::Hashes(both) = of(&bare) else {
            panic!("a hash");
        };
        assert_eq!(both, [BankHash::Sha256([7; 32]), BankHash::Pdq([7; 32])]);
        let Wanted::Hashes(one) = of(&format!("pdq:{bare}")) else {
            panic!("a hash");
        };
        assert_eq!(one, [BankHash::Pdq([7; 32])]);
        let id = ImageId::random().unwrap();
        for text in [id.to_string(), format!("https://img.example/{id}")] {
            assert!(matches!(of(&text), Wanted::Image(image) if image == id));
        }
        assert!(matches!(of("?!"), Wanted::Nonsense));
    }
}
