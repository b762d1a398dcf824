//! `/staff/preview/{image}`: what staff see of an image, public or not.
//!
//! The veiled preview is made here, so that what a moderator has not asked for
//! is not even sent. Only the original moves; everything else is a still.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::Response;
use imgshare_pipeline::Format;
use imgshare_pipeline::stage::variant::{VEILED, VariantSpec};
use imgshare_storage::moderation::Lane;
use imgshare_storage::{Record, StorageError};
use serde::Deserialize;

use crate::app::AppState;
use crate::cache::{ImageHeaders, Lifetime};
use crate::dto;
use crate::error::WebError;
use crate::http::delivery::{self, Content};
use crate::moderation::api::lanes;
use crate::moderation::service;
use crate::staff::Session;
use crate::variants;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Look {
    /// Grey shapes.
    #[default]
    Veiled,
    /// Small, for a page that blurs it.
    Small,
    /// As large as a screen.
    Clear,
    /// The stored file.
    Original,
}

impl Look {
    /// The variant that is it; `None` for the stored file.
    fn spec(self) -> Option<VariantSpec> {
        match self {
            Self::Veiled => Some(VEILED),
            Self::Small => variants::find_spec("thumb"),
            Self::Clear => variants::find_spec("medium"),
            Self::Original => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    look: Look,
}

/// The preview of an image that lies in a lane of the caller's.
pub(super) async fn show(
    State(app): State<AppState>,
    method: Method,
    headers: HeaderMap,
    session: Session,
    Path(image): Path<String>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, WebError> {
    let Query(Asked { look }) = asked.map_err(|_| WebError::MalformedForm)?;
    let id = dto::parse_id(&image).ok_or(WebError::NotFound)?;
    let looked = service::find(&app, lanes(&session)?, id).await?;
    let record = looked.record.ok_or(WebError::NotFound)?;
    // No thumbnails there: what is not asked for in full is not shown.
    let look = match (looked.job.lane, look) {
        (Lane::ChildSafety, Look::Small) => Look::Veiled,
        (_, look) => look,
    };
    let (format, content) = match look.spec() {
        Some(spec) => {
            let made = variants::for_staff(&app, &record, spec).await?;
            (made.format, Content::Memory(made.bytes))
        }
        None => original(&app, &record).await?,
    };
    let image = ImageHeaders {
        mime: HeaderValue::from_static(format.mime()),
        etag: HeaderValue::from_static("\"\""),
        disposition: HeaderValue::from_static("inline"),
        extension: format.extension(),
        lifetime: Lifetime::OfALabel,
    };
    let mut response = delivery::respond(&app.settings.http, &method, &headers, image, content)?;
    keep_to_staff(response.headers_mut());
    Ok(response)
}

async fn original(app: &AppState, record: &Record) -> Result<(Format, Content), WebError> {
    let id = record.id;
    let format = variants::format_of(record)
        .ok_or_else(|| WebError::Internal(format!("{id} has no known extension")))?;
    let part = record.original().map_err(StorageError::from)?;
    let opened = app.with_store(move |store| store.open_part(&id, &part));
    let opened = opened.await?.ok_or(WebError::NotFound)?;
    Ok((format, Content::File(opened)))
}

/// No cache keeps it, no other site shows it.
fn keep_to_staff(headers: &mut HeaderMap) {
    headers.remove(header::ETAG);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
}
