//! `/i/...`: the bytes of images, for everyone and every cache.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use imgshare_pipeline::Format;
use imgshare_pipeline::stage::variant::{Shape, VariantSpec};
use imgshare_storage::{BlobReader, ImageId, Record, State as ImageState, StorageError};

use crate::app::{App, AppState};
use crate::cache::{CachedImage, ImageHeaders, Lifetime, Rendition};
use crate::cached_image;
use crate::clock;
use crate::dto;
use crate::error::{Problem, WebError};
use crate::http::delivery::{self, Content};
use crate::variants;

/// The stored image.
///
/// Its metadata is gone. Only public images have an address.
#[utoipa::path(
    get,
    path = "/i/{id}",
    tag = "files",
    params(("id" = String, Path, description = "The id and the image's extension, as in \
        `direct_url`", example = "3kTMd8vXqz2P.jpg")),
    responses(
        (status = 200, description = "The image, with an `ETag`", body = Vec<u8>,
            content_type = "image/*"),
        (status = 206, description = "The part that `Range` asks for", body = Vec<u8>,
            content_type = "image/*"),
        (status = 304, description = "What `If-None-Match` names is still right"),
        (status = 404, description = "`not-found`: unknown, deleted or hidden", body = Problem,
            content_type = "application/problem+json"),
        (status = 416, description = "`range-not-satisfiable`", body = Problem,
            content_type = "application/problem+json"),
        (status = 500, description = "`internal-error`", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(super) async fn original(
    State(app): State<AppState>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Response, WebError> {
    let (id, extension) = split(&name)?;
    let cached = app.cache.find(id, Rendition::Original);
    app.metrics.cache_lookup(cached.is_some());
    let (image_headers, content) = match cached {
        Some(image) => (image.headers.clone(), Content::Memory(image.bytes.clone())),
        None => said_why(&app, id, load_original(&app, id).await).await?,
    };
    if image_headers.extension != extension {
        return Err(WebError::NotFound);
    }
    if method == Method::GET && !app.staff.is_visiting(&headers) {
        app.store.count_view(&id, clock::now_ms());
        app.statistics.saw_image(&id);
    }
    delivery::respond(
        &app.settings.http,
        &method,
        &headers,
        as_asked_for(&uri, &[&name], image_headers),
        content,
    )
}

/// A smaller rendering of an image.
///
/// It is made when it is first asked for, and never larger than the image: `thumb`
/// (320 pixels on the longer side), `small` (512), `medium` (1280), `social` and
/// `social-blurred` (1200 x 630, the card for previews of links). Only making it
/// tells its format: asked for as JPEG, one that is a PNG redirects to it. So does
/// the card that an image's label does not allow, to the one it does.
#[utoipa::path(
    get,
    path = "/i/{id}/{variant}",
    tag = "files",
    params(
        ("id" = String, Path, description = "12 base58 characters"),
        ("variant" = String, Path, description = "The variant's name and `.jpg`",
            example = "thumb.jpg"),
    ),
    responses(
        (status = 200, description = "The variant, with an `ETag`", body = Vec<u8>,
            content_type = "image/*"),
        (status = 206, description = "The part that `Range` asks for", body = Vec<u8>,
            content_type = "image/*"),
        (status = 304, description = "What `If-None-Match` names is still right"),
        (status = 307, description = "It is at another address", headers(
            ("Location" = String, description = "Path of the variant as it is"))),
        (status = 404, description = "`not-found`: unknown, deleted or hidden, or no such \
            variant", body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "`range-not-satisfiable`", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`overloaded`: too many are being made; see \
            `Retry-After`", body = Problem, content_type = "application/problem+json"),
        (status = 500, description = "`internal-error`", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "`format-unavailable`", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(super) async fn variant(
    State(app): State<AppState>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    Path((id_name, name)): Path<(String, String)>,
) -> Result<Response, WebError> {
    let id = dto::parse_id(&id_name).ok_or(WebError::NotFound)?;
    let (stem, extension) = name.rsplit_once('.').ok_or(WebError::NotFound)?;
    let spec = variants::find_spec(stem).ok_or(WebError::NotFound)?;
    if spec.shape == Shape::Card {
        let record = said_why(&app, id, find_public(&app, id).await).await?;
        if !variants::is_allowed(&app.thresholds.moderation(), &record, spec) {
            let allowed = variants::card(&app.thresholds.moderation(), &record);
            return Ok(elsewhere(&variants::variant_path(
                &id,
                allowed,
                Format::Jpeg,
            )));
        }
    }
    let image = said_why(&app, id, find_variant(&app, id, spec).await).await?;
    let made_as = image.headers.extension;
    if made_as == extension {
        let content = Content::Memory(image.bytes.clone());
        return delivery::respond(
            &app.settings.http,
            &method,
            &headers,
            as_asked_for(&uri, &[&id_name, &name], image.headers.clone()),
            content,
        );
    }
    // Which format a variant has is known once it is made.
    match [Format::Jpeg, Format::Png]
        .map(Format::extension)
        .contains(&extension)
    {
        true => Ok(elsewhere(&format!("/i/{id}/{stem}.{made_as}"))),
        false => Err(WebError::NotFound),
    }
}

/// Sends the client to another address this once: a label can change, and a
/// variant can be made anew in another format.
fn elsewhere(path: &str) -> Response {
    let lifetime = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (lifetime, Redirect::temporary(path)).into_response()
}

/// The headers of an image that was asked for by this address. Only its own is
/// purged when it goes: under any other it is kept for a short time.
fn as_asked_for(uri: &Uri, names: &[&str], headers: ImageHeaders) -> ImageHeaders {
    let asked_for = uri.path().strip_prefix("/i/").unwrap_or_default();
    let is_its_own = uri.query().is_none() && asked_for.split('/').eq(names.iter().copied());
    match is_its_own {
        true => headers,
        false => ImageHeaders {
            lifetime: Lifetime::OfAnotherName,
            ..headers
        },
    }
}

/// Of an image that was taken down by a decision, what that was.
async fn said_why<T>(app: &App, id: ImageId, found: Result<T, WebError>) -> Result<T, WebError> {
    match found {
        Err(WebError::NotFound) => Err(app.not_found(id).await),
        other => other,
    }
}

async fn find_variant(
    app: &AppState,
    id: ImageId,
    spec: VariantSpec,
) -> Result<Arc<CachedImage>, WebError> {
    let cached = app.cache.find(id, Rendition::Variant(spec.name));
    app.metrics.cache_lookup(cached.is_some());
    if let Some(image) = cached {
        return Ok(image);
    }
    let this = Arc::clone(app);
    let found = app.with_store(move |store| {
        let record = store.find_if(&id, is_public)?;
        let record = record.ok_or(StorageError::NotFound { id })?;
        let stored = store.variant(&id, spec.name)?.and_then(variants::of_stored);
        let cached =
            stored.map(|variant| cached_image::keep_variant(&this, store, id, spec, variant));
        Ok((record, cached))
    });
    match found.await? {
        (_, Some(image)) => image,
        (record, None) => variants::make(app, &record, spec).await,
    }
}

async fn load_original(app: &AppState, id: ImageId) -> Result<(ImageHeaders, Content), WebError> {
    let this = Arc::clone(app);
    let loaded = app.with_store(move |store| {
        let record = store.find_if(&id, is_public)?;
        let record = record.ok_or(StorageError::NotFound { id })?;
        let image_headers = match cached_image::headers_of_original(&record) {
            Ok(image_headers) => image_headers,
            Err(error) => return Ok(Err(error)),
        };
        let part = record.original()?;
        if !this.cache.takes(record.bytes) {
            let opened: BlobReader = store
                .open_part(&id, &part)?
                .ok_or(StorageError::NotFound { id })?;
            return Ok(Ok((image_headers, Content::File(opened))));
        }
        let bytes = store.read(&id, &part)?;
        let image = CachedImage {
            bytes: bytes.ok_or(StorageError::NotFound { id })?.into(),
            headers: image_headers.clone(),
        };
        let image = cached_image::keep(&this, store, id, Rendition::Original, image)?;
        Ok(Ok((image_headers, Content::Memory(image.bytes.clone()))))
    });
    loaded.await?
}

async fn find_public(app: &App, id: ImageId) -> Result<Record, WebError> {
    let found = app.with_store(move |store| store.find_if(&id, is_public));
    found.await?.ok_or(WebError::NotFound)
}

fn is_public(record: &Record) -> bool {
    record.state == ImageState::Public
}

/// `3kTMd8vXqz2P.jpg` is an id and an extension.
fn split(name: &str) -> Result<(ImageId, &str), WebError> {
    let (id, extension) = name.split_once('.').ok_or(WebError::NotFound)?;
    Ok((dto::parse_id(id).ok_or(WebError::NotFound)?, extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_id_and_an_extension() {
        let (id, extension) = split("3kTMd8vXqz2P.jpg").unwrap();
        assert_eq!((id.as_str(), extension), ("3kTMd8vXqz2P", "jpg"));
        for name in ["3kTMd8vXqz2P", "short.jpg", ".jpg", "3kTMd8vXqz2/.jpg", ""] {
            assert!(split(name).is_err(), "{name}");
        }
    }
}
