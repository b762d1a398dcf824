//! `/staff/holds`: what the law keeps, and what is handed over (P11). Admins set
//! and end holds, and hand over what is held, with a second factor proved just
//! now. What lies in child safety's lane child safety hands over: a hold opens it
//! to nobody else.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use imgshare_storage::lawful::{self, LawfulError, Line, NewHold};
use imgshare_storage::moderation::{Lane, ModerationError, Queue};
use imgshare_storage::{ImageId, Record, Store, audit, calendar};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::home::me;
use super::login::go;
use super::step_up::step_up_first;
use super::{Access, Permission, Routes, Session};
use crate::app::{App, AppState};
use crate::clock;
use crate::complaints::rights::{self, Filed};
use crate::dto;
use crate::error::WebError;
use crate::http::form_page::form_page;
use crate::http::visitor::Visitor;
use crate::pages::staff as pages;

const PATH: &str = "/staff/holds";

/// Holds on one page; more are rare enough to be looked for in the audit.
const HOLDS_MAX: usize = 500;

/// Entries of the audit about one image that are handed over.
const ENTRIES_MAX: usize = 1_000;

pub(super) fn routes() -> Routes {
    let handing_over = Access::AnyOf(&[Permission::Holds, Permission::ChildSafety]);
    let holds = Access::Needs(Permission::Holds);
    Routes::new()
        .at(PATH, handing_over, get(show).post(set))
        .at("/staff/holds/{id}/release", holds, post(release))
        .at("/staff/holds/{id}/export", handing_over, post(export))
}

/// Whether the image of a hold is the caller's to see. Admins hand over what
/// nobody was asked to look at too.
fn is_theirs(queue: &Queue, session: &Session, image: &ImageId) -> Result<bool, ModerationError> {
    let lane = queue.job(image)?.map(|job| job.lane);
    let permission = match lane {
        Some(Lane::ChildSafety) => Permission::ChildSafety,
        Some(Lane::General | Lane::Senior) | None => Permission::Holds,
    };
    Ok(permission.is_of(session.role))
}

async fn show(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
) -> Result<Response, WebError> {
    page(&app, &headers, &session, None).await
}

async fn page(
    app: &AppState,
    headers: &HeaderMap,
    session: &Session,
    problem: Option<&str>,
) -> Result<Response, WebError> {
    let asking = session.clone();
    let rows = app.with_queue(move |queue| rows(queue, &asking)).await?;
    let keeps = Permission::Holds.is_of(session.role);
    let site = Visitor::of(app, headers).site;
    let html = pages::holds(&site, &me(session), &rows, keeps, problem);
    Ok(form_page(html, problem))
}

/// Every hold for whoever keeps them; for others those of what is theirs to see.
fn rows(queue: &Queue, session: &Session) -> Result<Vec<pages::HoldRow>, ModerationError> {
    let keeps = Permission::Holds.is_of(session.role);
    let mut rows = Vec::new();
    let now_ms = clock::now_ms();
    for hold in lawful::holds(&**queue.store(), None, HOLDS_MAX)? {
        let is_theirs = is_theirs(queue, session, &hold.image)?;
        if keeps || is_theirs {
            rows.push(pages::HoldRow {
                image: hold.image.to_string(),
                reference: hold.reference.as_str().to_owned(),
                set_by: hold.set_by.clone(),
                since: calendar::date(hold.set_at_ms),
                until: calendar::date(hold.expires_at_ms),
                stands: hold.stands(now_ms),
                is_theirs,
            });
        }
    }
    Ok(rows)
}

/// Runs an act; what is refused by its own meaning comes back as such.
pub(super) async fn act<T: Send + 'static>(
    app: &App,
    act: impl FnOnce(&Store) -> Result<T, LawfulError> + Send + 'static,
) -> Result<Result<T, LawfulError>, WebError> {
    app.with_audit(move |store| match act(store) {
        Err(LawfulError::Storage(error)) => Err(error),
        other => Ok(other),
    })
    .await
}

#[derive(Deserialize)]
struct HoldForm {
    image: String,
    reference: String,
    /// The last day, as YYYY-MM-DD.
    until: String,
}

async fn set(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    form: Result<Form<HoldForm>, FormRejection>,
) -> Result<Response, WebError> {
    session.may(Permission::Holds)?;
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    if let Some(first) = step_up_first(&app, &session, PATH) {
        return Ok(first);
    }
    let image = form.image.trim();
    // A link will do as well as an id.
    let image = image.rsplit('/').next().and_then(dto::parse_id);
    let reference = Line::new(&form.reference).map_err(|_| WebError::MalformedForm)?;
    let (Some(image), Some(until_ms)) = (image, calendar::start_of(form.until.trim())) else {
        let words = "An image's id and a day as YYYY-MM-DD are needed.";
        return page(&app, &headers, &session, Some(words)).await;
    };
    let new = NewHold {
        image,
        reference,
        expires_at_ms: until_ms,
    };
    let actor = session.actor();
    let held = act(&app, move |store| {
        lawful::hold(store, &actor, &new, clock::now_ms())
    });
    answer(&app, &headers, &session, held.await?).await
}

async fn release(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let image = dto::parse_id(&id).ok_or(WebError::NotFound)?;
    if let Some(first) = step_up_first(&app, &session, PATH) {
        return Ok(first);
    }
    let actor = session.actor();
    let released = act(&app, move |store| {
        lawful::release(store, &actor, &image, clock::now_ms()).map(|_| ())
    });
    answer(&app, &headers, &session, released.await?).await
}

async fn answer(
    app: &AppState,
    headers: &HeaderMap,
    session: &Session,
    done: Result<(), LawfulError>,
) -> Result<Response, WebError> {
    match done {
        Ok(()) => Ok(go(app, PATH, None)),
        Err(error) => page(app, headers, session, Some(&error.to_string())).await,
    }
}

/// What an authority gets: everything that is kept of one image, with a manifest
/// of hashes. The archive's own hash is in the audit before it is sent, so that
/// nobody can say later that something else was handed over.
async fn export(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let image = dto::parse_id(&id).ok_or(WebError::NotFound)?;
    if let Some(first) = step_up_first(&app, &session, PATH) {
        return Ok(first);
    }
    let asking = session.clone();
    let hold = app.with_queue(move |queue| {
        if !is_theirs(queue, &asking, &image)? {
            return Err(ModerationError::ForeignLane { id: image });
        }
        Ok(lawful::hold_of(&**queue.store(), &image)?)
    });
    let stands = |hold: &lawful::Hold| hold.stands(clock::now_ms());
    let Some(hold) = hold.await?.filter(stands) else {
        let words = LawfulError::NotHeld.to_string();
        return page(&app, &headers, &session, Some(&words)).await;
    };
    let found = app.with_store(move |store| store.find(&image)).await?;
    let record = found.ok_or(WebError::NotFound)?;
    let _turn = rights::turn().await?;
    let mut files = about(&app, &record, &hold).await?;
    files.extend(rights::original(&app, &record).await?);
    files.push(("manifest.sha256".to_owned(), manifest(&files)));
    let archive = rights::archive(&files)?;
    let digest = hex::encode(Sha256::digest(&archive));
    let actor = session.actor();
    let noted = act(&app, move |store| {
        lawful::note_export(store, &actor, &image, &digest, clock::now_ms())
    });
    match noted.await? {
        Ok(()) => Ok(rights::sent(&format!("{image}-sealed.zip"), archive)),
        Err(error) => page(&app, &headers, &session, Some(&error.to_string())).await,
    }
}

/// The record, the hold, and what the audit says of the image.
async fn about(app: &App, record: &Record, hold: &lawful::Hold) -> Result<Vec<Filed>, WebError> {
    let image: ImageId = record.id;
    let entries = app.with_store(move |store| {
        let subject = audit::Subject::image(&image);
        audit::entries_about(store, &subject, u64::MAX, ENTRIES_MAX)
    });
    let entries: Vec<String> = entries.await?.iter().map(audit::Sealed::line).collect();
    let text = |value: &serde_json::Value| format!("{value:#}\n").into_bytes();
    let mut record = serde_json::to_value(record).unwrap_or_default();
    if let Some(fields) = record.as_object_mut() {
        // It opens the owner's page, and says nothing about the image.
        fields.remove("delete_token");
    }
    let hold = json!({
        "reference": hold.reference.as_str(),
        "set_by": hold.set_by,
        "set_at": clock::rfc3339(hold.set_at_ms),
        "expires_at": clock::rfc3339(hold.expires_at_ms),
    });
    Ok(vec![
        ("record.json".to_owned(), text(&record)),
        ("hold.json".to_owned(), text(&hold)),
        ("audit.jsonl".to_owned(), entries.join("\n").into_bytes()),
    ])
}

/// A line a file, as `sha256sum --check` reads it.
fn manifest(files: &[Filed]) -> Vec<u8> {
    let lines = files
        .iter()
        .map(|(name, bytes)| format!("{}  {name}\n", hex::encode(Sha256::digest(bytes))));
    lines.collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p11_the_manifest_names_every_file_with_its_hash() {
        let files = [
            ("a".to_owned(), b"abc".to_vec()),
            ("b".to_owned(), Vec::new()),
        ];
        let text = String::from_utf8(manifest(&files)).unwrap();
        assert_eq!(
            text,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b\n"
        );
    }
}
